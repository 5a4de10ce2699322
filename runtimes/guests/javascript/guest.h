/* What the parts of the guest share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

enum { STATE_RUNNING = 0, STATE_EXITED = 1, STATE_OUTPUT_LIMIT = 2, STATE_OUT_OF_MEMORY = 3 };
enum { STREAM_STDOUT = 0, STREAM_STDERR = 1 };

/* Ends the program at once. Nothing of it runs after this: the instance traps, and the host reads why. */
_Noreturn void guest_end(uint32_t state, uint32_t exit_code);

/* Appends to stdout or stderr. The program ends when the stream's limit is passed. */
void guest_write(int stream, const char *text, size_t length);

/* Takes up to `limit` unread bytes of stdin. */
const char *guest_read(size_t limit, size_t *length);

/* Asks the host (trusted programs only); the reply lies in the reply buffer. Negative: refused. */
int guest_exchange(const char *request, size_t length, const char **reply);

/* The virtual clock, in microseconds since 1970. Every reading moves it on by one. */
uint64_t clock_read(void);
void clock_advance(uint64_t microseconds);

/* Registers the C module "internal:binding", which the prelude imports. */
int binding_add(JSContext *ctx);

/* Functions of the prelude that the guest calls. */
typedef struct {
    JSValue run, call, resolve;
} EntryPoints;
extern EntryPoints entry_points;

/* Sources of the prelude, needed until it is loaded. */
void sources_add(char *name, char *text, size_t length);
const char *sources_find(const char *name, size_t *length);
void sources_forget(void);

/* Resolves and loads modules: the prelude's files, and node's modules for programs. */
void modules_install(JSRuntime *runtime);
