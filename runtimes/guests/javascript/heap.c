/* An allocator that wastes little and grows in place.
 *
 * The C library's rounds every size up to a power of two and copies whatever grows, so that an array takes up to three
 * times its size. Here blocks lie one behind the other, each with its size and that of the block before; free
 * neighbours are joined at once; free blocks hang in lists by size; and the last block grows with the memory. */
#include "heap.h"

#include <stdint.h>
#include <string.h>

#define PAGE 65536u
#define UNIT 8u
#define USED 1u
#define MAX_SIZE 0x7fff0000u
/* Sizes of one power of two are told apart in four steps. */
#define STEPS 4u
#define BINS (32 * STEPS)
/* Each demand to the host costs a system call. */
#define LEAST_GROWTH (1u << 20)
/* Blocks of a bin that are tried before a larger bin is. */
#define TRIES 8

typedef struct Block Block;
struct Block {
    uint32_t size;   /* with this header; a multiple of UNIT, and USED */
    uint32_t before; /* size of the block before, 0 at the start of a region */
    Block *next, *previous; /* of a free block */
};

#define HEADER offsetof(Block, next)
#define LEAST_SIZE sizeof(Block)

static Block *bins[BINS];
static uint64_t filled[BINS / 64];
/* The header without content that ends the last region. */
static Block *end;

static uint32_t size_of(const Block *block)
{
    return block->size & ~USED;
}

static bool is_free(const Block *block)
{
    return !(block->size & USED);
}

static Block *at(Block *block, ptrdiff_t offset)
{
    return (Block *)((char *)block + offset);
}

static Block *block_of(const void *memory)
{
    return (Block *)((char *)memory - HEADER);
}

static void *content_of(Block *block)
{
    return block ? (char *)block + HEADER : NULL;
}

static unsigned bin_of(uint32_t size)
{
    unsigned power = 31 - __builtin_clz(size);
    return power * STEPS + ((size >> (power - 2)) & (STEPS - 1));
}

static void insert(Block *block)
{
    unsigned bin = bin_of(block->size);
    block->previous = NULL;
    block->next = bins[bin];
    if (block->next)
        block->next->previous = block;
    bins[bin] = block;
    filled[bin / 64] |= 1ull << bin % 64;
}

static void take_out(Block *block)
{
    unsigned bin = bin_of(block->size);
    if (block->next)
        block->next->previous = block->previous;
    if (block->previous)
        block->previous->next = block->next;
    else if (!(bins[bin] = block->next))
        filled[bin / 64] &= ~(1ull << bin % 64);
}

/* Gives a block its size; `used` is USED or 0. */
static void shape(Block *block, uint32_t size, uint32_t used)
{
    block->size = size | used;
    at(block, size)->before = size;
}

/* Makes a range, of which no list knows, one free block with its free neighbours. */
static void release(Block *block, uint32_t size)
{
    Block *after = at(block, size), *before = at(block, -(ptrdiff_t)block->before);
    if (is_free(after)) {
        take_out(after);
        size += after->size;
    }
    if (block->before && is_free(before)) {
        take_out(before);
        size += before->size;
        block = before;
    }
    shape(block, size, 0);
    insert(block);
}

/* Uses the first part of a range and releases the rest, if it is worth a block. */
static Block *cut(Block *block, uint32_t whole, uint32_t size)
{
    if (whole - size < LEAST_SIZE)
        size = whole;
    shape(block, size, USED);
    if (size < whole) {
        Block *rest = at(block, size);
        release(rest, whole - size);
    }
    return block;
}

/* Adds pages to the heap; where others took some in between, a new region begins. */
static bool grow(size_t size)
{
    size_t wanted = (size + 2 * HEADER + PAGE - 1) / PAGE, more = LEAST_GROWTH / PAGE;
    size_t page = SIZE_MAX;
    if (wanted < more) {
        page = __builtin_wasm_memory_grow(0, more);
        wanted = page == SIZE_MAX ? wanted : more;
    }
    if (page == SIZE_MAX)
        page = __builtin_wasm_memory_grow(0, wanted);
    if (page == SIZE_MAX)
        return false;
    Block *start = (Block *)(page * PAGE);
    bool is_behind = end && at(end, HEADER) == start;
    Block *block = is_behind ? end : start;
    if (!is_behind)
        block->before = 0;
    uint32_t length = wanted * PAGE - (is_behind ? 0 : HEADER);
    end = at(block, length);
    end->size = USED;
    release(block, length);
    return true;
}

static Block *find_in(unsigned bin, uint32_t size)
{
    Block *block = bins[bin];
    for (int i = 0; block && i < TRIES; i++, block = block->next) {
        if (block->size >= size)
            return block;
    }
    return NULL;
}

static Block *find(uint32_t size)
{
    unsigned bin = bin_of(size);
    Block *block = find_in(bin, size);
    for (unsigned word = ++bin / 64; !block && word < BINS / 64; word++) {
        uint64_t larger = word == bin / 64 ? filled[word] >> bin % 64 << bin % 64 : filled[word];
        if (larger)
            block = bins[word * 64 + __builtin_ctzll(larger)];
    }
    return block;
}

/* The size of a block for so much content; 0 if there can be none. */
static uint32_t rounded(size_t size)
{
    if (size > MAX_SIZE)
        return 0;
    uint32_t whole = (size + HEADER + UNIT - 1) & ~(UNIT - 1);
    return whole < LEAST_SIZE ? LEAST_SIZE : whole;
}

/* Whether new pages will lie right behind the heap. */
static bool is_open(void)
{
    return end && (size_t)at(end, HEADER) == __builtin_wasm_memory_size(0) * PAGE;
}

/* What the heap lacks for a block that is to end where the heap ends. */
static size_t missing(uint32_t size)
{
    Block *last = is_open() && end->before ? at(end, -(ptrdiff_t)end->before) : NULL;
    return last && is_free(last) && last->size < size ? size - last->size : size;
}

void *heap_allocate(size_t wanted)
{
    uint32_t size = rounded(wanted);
    if (!size)
        return NULL;
    Block *block = find(size);
    if (!block) {
        if (!grow(missing(size)))
            return NULL;
        block = find(size);
        if (!block)
            return NULL;
    }
    take_out(block);
    return content_of(cut(block, block->size, size));
}

void *heap_allocate_zeroed(size_t size)
{
    void *memory = heap_allocate(size);
    return memory ? memset(memory, 0, size) : NULL;
}

void heap_free(void *memory)
{
    if (memory)
        release(block_of(memory), size_of(block_of(memory)));
}

size_t heap_usable_size(const void *memory)
{
    return size_of(block_of(memory)) - HEADER;
}

/* The room that a block has with what is free behind it, after asking the host where that is all there is. */
static uint32_t room_of(Block *block, uint32_t size)
{
    Block *after = at(block, size_of(block));
    uint32_t room = size_of(block) + (is_free(after) ? after->size : 0);
    bool is_last = after == end || (is_free(after) && at(after, after->size) == end);
    if (room >= size || !is_last || !is_open() || !grow(size - room))
        return room;
    after = at(block, size_of(block));
    return size_of(block) + (is_free(after) ? after->size : 0);
}

void *heap_resize(void *memory, size_t wanted)
{
    if (!memory)
        return heap_allocate(wanted);
    Block *block = block_of(memory);
    uint32_t size = rounded(wanted), old = size_of(block);
    if (!size)
        return NULL;
    uint32_t room = size <= old ? old : room_of(block, size);
    if (room >= size) {
        if (room > old)
            take_out(at(block, old));
        return content_of(cut(block, room, size));
    }
    Block *before = at(block, -(ptrdiff_t)block->before);
    if (block->before && is_free(before) && before->size + room >= size) {
        room += before->size;
        if (is_free(at(block, old)))
            take_out(at(block, old));
        take_out(before);
        memmove(content_of(before), memory, old - HEADER);
        return content_of(cut(before, room, size));
    }
    void *copy = heap_allocate(wanted);
    if (copy) {
        memcpy(copy, memory, old - HEADER);
        heap_free(memory);
    }
    return copy;
}

bool heap_reserve(size_t size)
{
    void *memory = heap_allocate(size);
    heap_free(memory);
    return memory != NULL;
}
