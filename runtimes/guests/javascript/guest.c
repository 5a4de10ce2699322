/* A JavaScript program in a box: QuickJS, a control block, and four functions for the host.
 *
 * The build calls `source` for every file of the prelude and `init` once, then takes the snapshot; in the artefact
 * the host finds `cabi_realloc`, `run` and `call`. */
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "guest.h"
#include "heap.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define CAPACITY (4u << 20)
#define REPLY_CAPACITY (1u << 20)
#define PAGE 65536u
#define AS_MODULE (1u << 31) /* in the word of the output limit */
/* Small programs find their memory here: an instance whose memory grew costs more. */
#define FREE_BYTES (2u << 20)
/* The engine gives up with a RangeError before the linker's stack (runtimes/build/javascript_artefact.py) ends. */
#define JS_STACK_BYTES (JS_SHADOW_STACK - (192u << 10))
/* Collecting cycles touches every object of the snapshot: first when a program has made this much. */
#define FIRST_COLLECTION (24u << 20)
/* A single request above this may fail as an exception; running out in small steps ends the program. */
#define LARGE_REQUEST (16u << 20)

typedef struct {
    char magic[8];
    uint32_t state, exit_code, length[2], reply_length, truncated;
} Control;

typedef struct {
    const char *bytes;
    size_t length, position;
} Input;

typedef int (*Exchange)(const char *, int);

static Control control = { .magic = "infinite" };
static char *streams[2], *reply;
static uint32_t output_limit = CAPACITY;
static Input input;
static JSRuntime *runtime;
static JSContext *context;
EntryPoints entry_points;

/* A null slot of the function table, added by the build: calling it traps, unless the host put a function there. */
static volatile uintptr_t exchange_slot;

_Noreturn void guest_end(uint32_t state, uint32_t exit_code)
{
    control.state = state;
    control.exit_code = exit_code & 255;
    __builtin_trap();
}

void guest_write(int stream, const char *text, size_t length)
{
    uint32_t *used = &control.length[stream];
    size_t room = output_limit - *used;
    size_t kept = length < room ? length : room;
    memcpy(streams[stream] + *used, text, kept);
    *used += kept;
    if (kept < length) {
        control.truncated |= 1u << stream;
        guest_end(STATE_OUTPUT_LIMIT, 1);
    }
}

const char *guest_read(size_t limit, size_t *length)
{
    const char *start = input.bytes + input.position;
    size_t left = input.length - input.position;
    *length = left < limit ? left : limit;
    input.position += *length;
    return start;
}

int guest_exchange(const char *request, size_t length, const char **answer)
{
    int received = ((Exchange)exchange_slot)(request, (int)length);
    *answer = reply;
    return received > (int)REPLY_CAPACITY ? -1 : received;
}

static void *or_end(void *memory, size_t size)
{
    if (!memory && size < LARGE_REQUEST)
        guest_end(STATE_OUT_OF_MEMORY, 1);
    return memory;
}

static void *engine_malloc(void *opaque, size_t size)
{
    return or_end(heap_allocate(size), size);
}

static void *engine_calloc(void *opaque, size_t count, size_t size)
{
    return or_end(heap_allocate_zeroed(count * size), count * size);
}

static void *engine_realloc(void *opaque, void *memory, size_t size)
{
    return or_end(heap_resize(memory, size), size);
}

static void engine_free(void *opaque, void *memory)
{
    heap_free(memory);
}

static const JSMallocFunctions allocator = {
    engine_calloc, engine_malloc, engine_free, engine_realloc, heap_usable_size,
};

static char *new_pages(size_t size)
{
    size_t page = __builtin_wasm_memory_grow(0, size / PAGE);
    if (page == SIZE_MAX)
        abort();
    return (char *)(page * PAGE);
}

/* The buffers lie behind the heap of the snapshot: all zero, they are no part of its image. */
static void place_buffers(void)
{
    streams[STREAM_STDOUT] = new_pages(CAPACITY);
    streams[STREAM_STDERR] = new_pages(CAPACITY);
    reply = new_pages(REPLY_CAPACITY);
}

static void print_failure(void)
{
    JSValue error = JS_GetException(context);
    const char *text = JS_ToCString(context, error);
    JSValue stack = JS_GetPropertyStr(context, error, "stack");
    const char *trace = JS_ToCString(context, stack);
    if (text)
        guest_write(STREAM_STDERR, text, strlen(text));
    guest_write(STREAM_STDERR, "\n", 1);
    if (trace)
        guest_write(STREAM_STDERR, trace, strlen(trace));
    JS_FreeCString(context, text);
    JS_FreeCString(context, trace);
    JS_FreeValue(context, stack);
    JS_FreeValue(context, error);
}

EXPORT(source) void source(char *name, char *text, size_t length)
{
    sources_add(name, text, length);
}

/* Runs the prelude's main file. Returns the address of six numbers for the host, or 0. */
EXPORT(init) uint32_t *init(uint32_t null_slot)
{
    static uint32_t description[6];
    static char early[2][PAGE];
    exchange_slot = null_slot;
    streams[0] = early[0];
    streams[1] = early[1];
    output_limit = PAGE;
    runtime = JS_NewRuntime2(&allocator, NULL);
    JS_SetMaxStackSize(runtime, JS_STACK_BYTES);
    JS_SetGCThreshold(runtime, SIZE_MAX);
    context = JS_NewContext(runtime);
    engine_use_messages(context);
    engine_use_array_methods(context);
    modules_install(runtime);
    binding_add(context);
    JSValue compiled = engine_compile(context, "import './main.js';", 19, "node:internal/start", 1, true);
    JSValue promise = JS_IsException(compiled) ? compiled : JS_EvalFunction(context, compiled);
    JSContext *job_context;
    while (JS_ExecutePendingJob(runtime, &job_context) > 0) {
    }
    if (JS_IsException(promise) || JS_PromiseState(context, promise) != JS_PROMISE_FULFILLED) {
        if (!JS_IsException(promise))
            JS_Throw(context, JS_PromiseResult(context, promise));
        print_failure();
    }
    JS_FreeValue(context, promise);
    sources_forget();
    JS_RunGC(runtime);
    JS_SetGCThreshold(runtime, FIRST_COLLECTION);
    if (control.length[STREAM_STDERR] == 0) {
        if (!heap_reserve(FREE_BYTES))
            abort();
        place_buffers();
    }
    output_limit = CAPACITY;
    memcpy(description, (uint32_t[6]){ (uint32_t)&control, (uint32_t)streams[0], (uint32_t)streams[1],
                                       (uint32_t)reply, CAPACITY, REPLY_CAPACITY }, sizeof description);
    return description;
}

EXPORT(cabi_realloc) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size)
{
    void *memory = heap_resize(old, new_size);
    if (!memory)
        guest_end(STATE_OUT_OF_MEMORY, 1);
    return memory;
}

EXPORT(run) int run(const char *program, size_t length, const char *stdin_bytes, size_t stdin_length, uint32_t limit)
{
    input = (Input){ stdin_bytes, stdin_length, 0 };
    engine_set_program(program, length);
    bool as_module = limit & AS_MODULE;
    limit &= ~AS_MODULE;
    output_limit = limit < CAPACITY ? limit : CAPACITY;
    JS_UpdateStackTop(runtime);
    JSValueConst arguments[2] = { JS_NewStringLen(context, program, length), JS_NewBool(context, as_module) };
    JSValue result = JS_Call(context, entry_points.run, JS_UNDEFINED, 2, arguments);
    int32_t code = 1;
    if (JS_IsException(result))
        print_failure();
    else
        JS_ToInt32(context, &code, result);
    control.state = code == 256 ? STATE_OUT_OF_MEMORY : STATE_EXITED;
    control.exit_code = code == 256 ? 1 : (uint32_t)code & 255;
    return (int)control.exit_code;
}

EXPORT(call) int call(const char *request, size_t length)
{
    static int depth; /* Calls nest where a function of the host's is called that calls back. */
    if (depth++ == 0)
        JS_UpdateStackTop(runtime);
    JSValueConst arguments[1] = { JS_NewStringLen(context, request, length) };
    JSValue answer = JS_Call(context, entry_points.call, JS_UNDEFINED, 1, arguments);
    depth--;
    size_t size = 0;
    const char *text = JS_IsException(answer) ? NULL : JS_ToCStringLen(context, &size, answer);
    if (!text) {
        text = "{\"error\":{\"type\":\"Error\",\"message\":\"the call failed inside the sandbox\"}}";
        size = strlen(text);
    }
    if (size > REPLY_CAPACITY) {
        text = "{\"error\":{\"type\":\"ValueError\",\"message\":\"a value too large cannot cross the sandbox\"}}";
        size = strlen(text);
    }
    memcpy(reply, text, size);
    control.reply_length = (uint32_t)size;
    return (int)size;
}
