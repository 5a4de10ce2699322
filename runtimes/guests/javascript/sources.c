/* Modules: the prelude's own files while it loads, and node's modules for programs. */
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "guest.h"
#include "heap.h"

#define MAX_SOURCES 64

typedef struct {
    char *name, *text;
    size_t length;
} Source;

static Source sources[MAX_SOURCES];
static int source_count;

void sources_add(char *name, char *text, size_t length)
{
    if (source_count == MAX_SOURCES)
        abort();
    sources[source_count++] = (Source){ name, text, length };
}

const char *sources_find(const char *name, size_t *length)
{
    for (int i = 0; i < source_count; i++) {
        if (strcmp(sources[i].name, name) == 0) {
            *length = sources[i].length;
            return sources[i].text;
        }
    }
    return NULL;
}

void sources_forget(void)
{
    for (int i = 0; i < source_count; i++) {
        /* Zeroes cost nothing in the snapshot. */
        memset(sources[i].text, 0, sources[i].length);
        heap_free(sources[i].text);
    }
    source_count = 0;
}

/* The prelude imports "./name.js"; for programs the prelude says what a name means, or throws. */
static char *resolve(JSContext *ctx, const char *base, const char *name, void *opaque)
{
    if (strncmp(base, "node:internal/", 14) == 0) {
        if (strncmp(name, "./", 2) != 0)
            return js_strdup(ctx, name);
        size_t length = strlen(name);
        char *full = js_malloc(ctx, 14 + length - 2 + 1);
        if (full) {
            memcpy(full, "node:internal/", 14);
            memcpy(full + 14, name + 2, length - 1);
        }
        return full;
    }
    JSValueConst arguments[1] = { JS_NewString(ctx, name) };
    JSValue resolved = JS_Call(ctx, entry_points.resolve, JS_UNDEFINED, 1, arguments);
    JS_FreeValue(ctx, arguments[0]);
    if (JS_IsException(resolved))
        return NULL;
    const char *text = JS_ToCString(ctx, resolved);
    char *copy = text ? js_strdup(ctx, text) : NULL;
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, resolved);
    return copy;
}

static JSValue exports_of(JSContext *ctx, const char *name)
{
    JSValueConst arguments[2] = { JS_NewString(ctx, name), JS_TRUE };
    JSValue exports = JS_Call(ctx, entry_points.resolve, JS_UNDEFINED, 2, arguments);
    JS_FreeValue(ctx, arguments[0]);
    return exports;
}

static int fill_module(JSContext *ctx, JSModuleDef *module)
{
    JSValue exports = JS_GetModulePrivateValue(ctx, module);
    JSPropertyEnum *names;
    uint32_t count;
    if (JS_GetOwnPropertyNames(ctx, &names, &count, exports, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        const char *name = JS_AtomToCString(ctx, names[i].atom);
        JS_SetModuleExport(ctx, module, name, JS_GetProperty(ctx, exports, names[i].atom));
        JS_FreeCString(ctx, name);
    }
    JS_SetModuleExport(ctx, module, "default", JS_DupValue(ctx, exports));
    JS_FreePropertyEnum(ctx, names, count);
    JS_FreeValue(ctx, exports);
    return 0;
}

/* An ES module whose exports are the properties of what require() gives. */
static JSModuleDef *load_builtin(JSContext *ctx, const char *name)
{
    JSValue exports = exports_of(ctx, name);
    JSPropertyEnum *names;
    uint32_t count;
    if (JS_IsException(exports))
        return NULL;
    JSModuleDef *module = JS_NewCModule(ctx, name, fill_module);
    if (!module || JS_GetOwnPropertyNames(ctx, &names, &count, exports, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0) {
        JS_FreeValue(ctx, exports);
        return NULL;
    }
    JS_AddModuleExport(ctx, module, "default");
    for (uint32_t i = 0; i < count; i++) {
        const char *export = JS_AtomToCString(ctx, names[i].atom);
        if (strcmp(export, "default") != 0)
            JS_AddModuleExport(ctx, module, export);
        JS_FreeCString(ctx, export);
    }
    JS_FreePropertyEnum(ctx, names, count);
    JS_SetModulePrivateValue(ctx, module, exports);
    return module;
}

static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque)
{
    size_t length;
    const char *text = sources_find(name, &length);
    if (!text)
        return load_builtin(ctx, name);
    JSValue compiled = engine_compile(ctx, text, length, name, 1, true);
    if (JS_IsException(compiled))
        return NULL;
    JSModuleDef *module = JS_VALUE_GET_PTR(compiled);
    JS_FreeValue(ctx, compiled);
    return module;
}

void modules_install(JSRuntime *runtime)
{
    JS_SetModuleLoaderFunc(runtime, resolve, load, NULL);
}
