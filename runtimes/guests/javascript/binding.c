/* The C module "internal:binding": what the prelude cannot do in JavaScript. */
#include <string.h>

#include "engine.h"
#include "guest.h"

#define ARGUMENTS JSContext *ctx, JSValueConst self, int count, JSValueConst *values

static JSValue rejection_tracker = { 0 };

/* Lone surrogates leave the engine as three bytes ED A0..BF xx; UTF-8 has U+FFFD in their place. */
static void write_well_formed(int stream, const char *text, size_t length)
{
    const char *end = text + length;
    const char *hit;
    while (text < end && (hit = memchr(text, 0xED, end - text))) {
        bool lone = hit + 2 < end && (unsigned char)hit[1] >= 0xA0;
        guest_write(stream, text, hit - text);
        guest_write(stream, lone ? "\xEF\xBF\xBD" : hit, lone ? 3 : 1);
        text = hit + (lone ? 3 : 1);
    }
    guest_write(stream, text, end - text);
}

/* write(stream, text | Uint8Array) */
static JSValue write_output(ARGUMENTS)
{
    int32_t stream;
    size_t length;
    if (JS_ToInt32(ctx, &stream, values[0]))
        return JS_EXCEPTION;
    if (JS_GetTypedArrayType(values[1]) == JS_TYPED_ARRAY_UINT8) {
        const uint8_t *bytes = JS_GetUint8Array(ctx, &length, values[1]);
        guest_write(stream != 0, (const char *)bytes, bytes ? length : 0);
        return JS_UNDEFINED;
    }
    const char *text = JS_ToCStringLen(ctx, &length, values[1]);
    if (!text)
        return JS_EXCEPTION;
    write_well_formed(stream != 0, text, length);
    JS_FreeCString(ctx, text);
    return JS_UNDEFINED;
}

/* readText(): the rest of stdin */
static JSValue read_text(ARGUMENTS)
{
    size_t length;
    const char *text = guest_read(SIZE_MAX, &length);
    return JS_NewStringLen(ctx, text, length);
}

/* readBytes(limit) -> Uint8Array */
static JSValue read_bytes(ARGUMENTS)
{
    int64_t limit;
    size_t length;
    if (JS_ToInt64(ctx, &limit, values[0]))
        return JS_EXCEPTION;
    const char *bytes = guest_read((size_t)(limit < 0 ? 0 : limit > INT32_MAX ? INT32_MAX : limit), &length);
    return JS_NewUint8ArrayCopy(ctx, (const uint8_t *)bytes, length);
}

/* endNow(exitCode) or endNow(1, true): out of memory */
static JSValue end_now(ARGUMENTS)
{
    int32_t code = 0;
    JS_ToInt32(ctx, &code, values[0]);
    guest_end(count > 1 && JS_ToBool(ctx, values[1]) ? STATE_OUT_OF_MEMORY : STATE_EXITED, (uint32_t)code);
}

/* now() in microseconds */
static JSValue now(ARGUMENTS)
{
    return JS_NewFloat64(ctx, (double)clock_read());
}

/* advance(microseconds) */
static JSValue advance(ARGUMENTS)
{
    double microseconds;
    if (JS_ToFloat64(ctx, &microseconds, values[0]))
        return JS_EXCEPTION;
    if (microseconds > 0)
        clock_advance((uint64_t)microseconds);
    return JS_UNDEFINED;
}

/* compile(text, name, firstLine) -> value of the script's last expression */
static JSValue compile_script(ARGUMENTS)
{
    size_t length;
    int32_t first_line;
    if (JS_ToInt32(ctx, &first_line, values[2]))
        return JS_EXCEPTION;
    const char *text = JS_ToCStringLen(ctx, &length, values[0]);
    const char *name = JS_ToCString(ctx, values[1]);
    JSValue compiled = engine_compile(ctx, text, length, name, first_line, false);
    JS_FreeCString(ctx, text);
    JS_FreeCString(ctx, name);
    return JS_IsException(compiled) ? compiled : JS_EvalFunction(ctx, compiled);
}

static JSModuleDef *program_module;

/* compileModule(text, name, url): throws its SyntaxError; runModule() -> Promise */
static JSValue compile_module(ARGUMENTS)
{
    size_t length;
    const char *text = JS_ToCStringLen(ctx, &length, values[0]);
    const char *name = JS_ToCString(ctx, values[1]);
    JSValue compiled = engine_compile(ctx, text, length, name, 1, true);
    JS_FreeCString(ctx, text);
    JS_FreeCString(ctx, name);
    if (JS_IsException(compiled))
        return compiled;
    program_module = JS_VALUE_GET_PTR(compiled);
    JSValue meta = JS_GetImportMeta(ctx, program_module);
    JS_DefinePropertyValueStr(ctx, meta, "url", JS_DupValue(ctx, values[2]), JS_PROP_C_W_E);
    JS_FreeValue(ctx, meta);
    return JS_UNDEFINED;
}

static JSValue run_module(ARGUMENTS)
{
    return JS_EvalFunction(ctx, JS_DupValue(ctx, JS_MKPTR(JS_TAG_MODULE, program_module)));
}

static JSValue module_variables(ARGUMENTS)
{
    return program_module ? engine_module_variables(ctx, program_module) : JS_UNDEFINED;
}

static JSValue caller_variables(ARGUMENTS)
{
    return engine_caller_variables(ctx);
}

/* runJobs(): all pending promise jobs; throws what a job threw */
static JSValue run_jobs(ARGUMENTS)
{
    JSContext *job_context;
    int status;
    while ((status = JS_ExecutePendingJob(JS_GetRuntime(ctx), &job_context)) > 0) {
    }
    return status < 0 ? JS_EXCEPTION : JS_UNDEFINED;
}

static JSValue collect(ARGUMENTS)
{
    JS_RunGC(JS_GetRuntime(ctx));
    return JS_UNDEFINED;
}

static JSValue class_name(ARGUMENTS)
{
    return engine_class_name(ctx, values[0]);
}

static JSValue function_kind(ARGUMENTS)
{
    return JS_NewInt32(ctx, engine_function_kind(values[0]));
}

static JSValue iterator_preview(ARGUMENTS)
{
    return engine_iterator_preview(ctx, values[0]);
}

/* promiseDetails(promise) -> [0 pending | 1 fulfilled | 2 rejected, result] */
static JSValue promise_details(ARGUMENTS)
{
    JSValue details = JS_NewArray(ctx);
    JS_SetPropertyUint32(ctx, details, 0, JS_NewInt32(ctx, JS_PromiseState(ctx, values[0])));
    JS_SetPropertyUint32(ctx, details, 1, JS_PromiseResult(ctx, values[0]));
    return details;
}

/* proxyTarget(value) -> the target of a proxy, null for a revoked one */
static JSValue proxy_target(ARGUMENTS)
{
    return JS_GetProxyTarget(ctx, values[0]);
}

static JSValue used_bytes(ARGUMENTS)
{
    return JS_NewFloat64(ctx, engine_used_bytes(JS_GetRuntime(ctx)));
}

/* utf8Encode(text) -> Uint8Array, utf8Decode(bytes) -> text */
static JSValue utf8_encode(ARGUMENTS)
{
    size_t length;
    const char *text = JS_ToCStringLen(ctx, &length, values[0]);
    if (!text)
        return JS_EXCEPTION;
    JSValue bytes = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text, length);
    JS_FreeCString(ctx, text);
    return bytes;
}

static JSValue utf8_decode_bytes(ARGUMENTS)
{
    size_t length;
    const uint8_t *bytes = JS_GetUint8Array(ctx, &length, values[0]);
    return bytes ? JS_NewStringLen(ctx, (const char *)bytes, length) : JS_NewString(ctx, "");
}

static JSValue exchange(ARGUMENTS)
{
    size_t length;
    const char *request = JS_ToCStringLen(ctx, &length, values[0]);
    const char *reply;
    if (!request)
        return JS_EXCEPTION;
    int received = guest_exchange(request, length, &reply);
    JS_FreeCString(ctx, request);
    return received < 0 ? JS_NULL : JS_NewStringLen(ctx, reply, (size_t)received);
}

static void rejection_changed(JSContext *ctx, JSValueConst promise, JSValueConst reason, bool handled, void *opaque)
{
    JSValueConst arguments[3] = { promise, reason, JS_NewBool(ctx, handled) };
    JS_FreeValue(ctx, JS_Call(ctx, rejection_tracker, JS_UNDEFINED, 3, arguments));
}

/* setEntryPoints(run, call, resolve, trackRejection) */
static JSValue set_entry_points(ARGUMENTS)
{
    entry_points.run = JS_DupValue(ctx, values[0]);
    entry_points.call = JS_DupValue(ctx, values[1]);
    entry_points.resolve = JS_DupValue(ctx, values[2]);
    rejection_tracker = JS_DupValue(ctx, values[3]);
    JS_SetHostPromiseRejectionTracker(JS_GetRuntime(ctx), rejection_changed, NULL);
    return JS_UNDEFINED;
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("write", 2, write_output),
    JS_CFUNC_DEF("readText", 0, read_text),
    JS_CFUNC_DEF("readBytes", 1, read_bytes),
    JS_CFUNC_DEF("endNow", 1, end_now),
    JS_CFUNC_DEF("now", 0, now),
    JS_CFUNC_DEF("advance", 1, advance),
    JS_CFUNC_DEF("compile", 3, compile_script),
    JS_CFUNC_DEF("compileModule", 3, compile_module),
    JS_CFUNC_DEF("runModule", 0, run_module),
    JS_CFUNC_DEF("moduleVariables", 0, module_variables),
    JS_CFUNC_DEF("callerVariables", 0, caller_variables),
    JS_CFUNC_DEF("runJobs", 0, run_jobs),
    JS_CFUNC_DEF("collect", 0, collect),
    JS_CFUNC_DEF("className", 1, class_name),
    JS_CFUNC_DEF("functionKind", 1, function_kind),
    JS_CFUNC_DEF("iteratorPreview", 1, iterator_preview),
    JS_CFUNC_DEF("promiseDetails", 1, promise_details),
    JS_CFUNC_DEF("proxyTarget", 1, proxy_target),
    JS_CFUNC_DEF("usedBytes", 0, used_bytes),
    JS_CFUNC_DEF("utf8Encode", 1, utf8_encode),
    JS_CFUNC_DEF("utf8Decode", 1, utf8_decode_bytes),
    JS_CFUNC_DEF("exchange", 1, exchange),
    JS_CFUNC_DEF("setEntryPoints", 4, set_entry_points),
};

static int fill(JSContext *ctx, JSModuleDef *module)
{
    return JS_SetModuleExportList(ctx, module, functions, sizeof functions / sizeof *functions);
}

int binding_add(JSContext *ctx)
{
    JSModuleDef *module = JS_NewCModule(ctx, "internal:binding", fill);
    return JS_AddModuleExportList(ctx, module, functions, sizeof functions / sizeof *functions);
}
