/* What the guest needs from inside QuickJS, beyond its public header. */
#pragma once

#include "quickjs.h"

/* Name of the internal class of an object ("Map", "Uint8Array", "Generator", ...); undefined for primitives. */
JSValue engine_class_name(JSContext *ctx, JSValueConst value);

/* Kind of a function: 0 plain, 1 generator, 2 async, 3 async generator; 4 is added for a class. */
int engine_function_kind(JSValueConst function);

/* What a Map or Set iterator will still yield, without advancing it: [is_entries, item, item, ...]. */
JSValue engine_iterator_preview(JSContext *ctx, JSValueConst iterator);

/* Values of the variables of the calling JavaScript function's outermost scope, by name. */
JSValue engine_caller_variables(JSContext *ctx);

/* The same for the top level of an ES module. */
JSValue engine_module_variables(JSContext *ctx, JSModuleDef *module);

/* Compiles without running; unlike JS_Eval2, the first line may have any number, 0 too. The text ends with a NUL. */
JSValue engine_compile(JSContext *ctx, const char *text, size_t length, const char *name, int first_line,
                       bool is_module);

/* The text of solution.js, from which messages quote; it must stay where it is. NULL: none. */
void engine_set_program(const char *text, size_t length);

/* From now on errors speak node's words. */
void engine_use_messages(JSContext *ctx);

/* Puts faster functions behind the methods of arrays. */
void engine_use_array_methods(JSContext *ctx);

/* Bytes that the engine has allocated. */
double engine_used_bytes(JSRuntime *runtime);
