/* The guest's memory: what the engine asks for in pieces above 512 bytes (it packs smaller ones into 4 KiB). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* All return NULL where the memory limit refuses, and leave what there is as it was. */
void *heap_allocate(size_t size);
void *heap_allocate_zeroed(size_t size);
void *heap_resize(void *memory, size_t size);

void heap_free(void *memory);
size_t heap_usable_size(const void *memory);

/* Takes pages from the host in advance; they lie in one piece. */
bool heap_reserve(size_t size);
