/* QuickJS itself, and the few functions that read its private structures.
 *
 * The engine is included, not linked: inspecting iterators, and finding a program's functions after its wrapper
 * function has run, needs structures that quickjs.h does not show. */
#include <stdarg.h>

#include "cutils.h"
#include "quickjs.h"

#include "numbers.h"

/* As many as node takes. */
#define ENGINE_MAX_ARGUMENTS 125000

static int node_message(char *out, size_t size, const char *format, va_list arguments);
static JSValue engine_json_includes(JSContext *ctx, JSValueConst stack, JSValueConst value);
static JSValue engine_shallow_rope(JSContext *ctx, JSValueConst rope);
static bool engine_append(JSContext *ctx, JSValue text, JSValue piece);
static void engine_blame(JSValueConst value, JSAtom property);
static void engine_declares(JSAtom name);
static void engine_blame_if(JSContext *ctx, int flags, JSValueConst value, JSAtom property);
typedef struct ValueSlot ValueSlot;
struct array_sort_context;
static void engine_sort(JSContext *ctx, ValueSlot *items, size_t count, struct array_sort_context *context);
struct TA_sort_context;
static void engine_sort_places(JSContext *ctx, uint32_t *places, size_t count, struct TA_sort_context *context);
static JSValue engine_regexp_error(JSContext *ctx, JSValueConst pattern, JSValueConst flags, const char *reason);
static JSValue engine_hypot(JSContext *ctx, int count, JSValueConst *values);
#define pow node_pow
#define log node_log
#define log10 node_log10
#define tanh node_tanh
#define exp node_exp
#define vsnprintf(out, size, format, arguments) node_message(out, size, format, arguments)
/* Means, there: interpret with a switch. Computed gotos become a slower one in WebAssembly. */
#define EMSCRIPTEN
#include "quickjs.c"
#undef EMSCRIPTEN
#undef vsnprintf
#undef pow
#undef log
#undef log10
#undef tanh
#undef exp

#include "engine.h"

#include "arrays.h"
#include "sort.h"
#include "program_text.h"
#include "blame.h"
#include "patterns.h"
#include "messages.h"
#include "regexp_errors.h"

/* Node's stack holds about as many levels; each is looked for in all those above it. */
#define JSON_MAX_DEPTH 6000
/* Longer ropes are not copied: there may be no room for a second one. */
#define LONG_ROPE (8u << 20)

/* Scope of the variables that stand directly in a function's body. */
#define BODY_SCOPE 1

static JSValue engine_json_includes(JSContext *ctx, JSValueConst stack, JSValueConst value)
{
    JSObject *open = JS_VALUE_GET_OBJ(stack);
    if (open->u.array.count >= JSON_MAX_DEPTH)
        return JS_ThrowStackOverflow(ctx);
    for (uint32_t i = 0; i < open->u.array.count; i++) {
        if (JS_VALUE_GET_PTR(open->u.array.u.values[i]) == JS_VALUE_GET_PTR(value))
            return JS_TRUE;
    }
    return JS_FALSE;
}

static JSValue engine_hypot(JSContext *ctx, int count, JSValueConst *values)
{
    double *numbers = js_malloc(ctx, count * sizeof *numbers);
    if (!numbers)
        return JS_EXCEPTION;
    for (int i = 0; i < count; i++) {
        if (JS_ToFloat64(ctx, &numbers[i], values[i])) {
            js_free(ctx, numbers);
            return JS_EXCEPTION;
        }
        numbers[i] = fabs(numbers[i]);
    }
    double result = node_hypot(numbers, count);
    js_free(ctx, numbers);
    return js_float64(result);
}

/* A rope that became too deep to walk through. */
static JSValue engine_shallow_rope(JSContext *ctx, JSValueConst rope)
{
    if (JS_VALUE_GET_STRING_ROPE(rope)->len < LONG_ROPE)
        return js_linearize_string_rope(ctx, rope);
    return js_rebalance_string_rope(ctx, rope);
}

/* Adds a short string to the last part of a rope that nothing else refers to, and takes it; false where it cannot. */
static bool engine_append(JSContext *ctx, JSValue text, JSValue piece)
{
    JSStringRope *rope = JS_VALUE_GET_STRING_ROPE(text);
    if (JS_VALUE_GET_TAG(piece) != JS_TAG_STRING || JS_VALUE_GET_TAG(rope->right) != JS_TAG_STRING ||
        JS_REF_COUNT(rope) != 1)
        return false;
    JSString *last = JS_VALUE_GET_STRING(rope->right), *added = JS_VALUE_GET_STRING(piece);
    if (last->len > JS_STRING_ROPE_SHORT_LEN || added->len > JS_STRING_ROPE_SHORT_LEN || last->len == 0 ||
        rope->len + added->len > JS_STRING_LEN_MAX)
        return false;
    rope->len += added->len;
    rope->is_wide_char |= added->is_wide_char;
    rope->right = JS_ConcatString2(ctx, rope->right, piece);
    return true;
}

JSValue engine_class_name(JSContext *ctx, JSValueConst value)
{
    if (JS_VALUE_GET_TAG(value) != JS_TAG_OBJECT)
        return JS_UNDEFINED;
    JSObject *object = JS_VALUE_GET_OBJ(value);
    if (object->class_id == JS_CLASS_PROXY) /* the engine calls it "Object" */
        return JS_NewString(ctx, "Proxy");
    return JS_AtomToString(ctx, ctx->rt->class_array[object->class_id].class_name);
}

int engine_function_kind(JSValueConst function)
{
    JSFunctionBytecode *code = JS_GetFunctionBytecode(function);
    if (!code)
        return 0;
    bool is_class = code->source && code->source_len >= 5 && !memcmp(code->source, "class", 5);
    return code->func_kind | (is_class ? 4 : 0);
}

static JSValue record_preview(JSContext *ctx, JSMapRecord *record, JSIteratorKindEnum kind)
{
    if (kind == JS_ITERATOR_KIND_KEY)
        return js_dup(record->key);
    if (kind == JS_ITERATOR_KIND_VALUE)
        return js_dup(record->value);
    JSValueConst pair[2] = { record->key, record->value };
    return js_create_array(ctx, 2, pair);
}

JSValue engine_iterator_preview(JSContext *ctx, JSValueConst iterator)
{
    JSValue preview = JS_NewArray(ctx);
    if (JS_IsException(preview) || JS_VALUE_GET_TAG(iterator) != JS_TAG_OBJECT)
        return preview;
    JSObject *object = JS_VALUE_GET_OBJ(iterator);
    bool is_map = object->class_id == JS_CLASS_MAP_ITERATOR;
    if (!is_map && object->class_id != JS_CLASS_SET_ITERATOR)
        return preview;
    JSMapIteratorData *data = object->u.map_iterator_data;
    bool is_entries = data && data->kind == JS_ITERATOR_KIND_KEY_AND_VALUE;
    JS_SetPropertyUint32(ctx, preview, 0, js_bool(is_entries));
    if (!data || JS_VALUE_GET_TAG(data->obj) != JS_TAG_OBJECT)
        return preview;
    JSMapState *state = JS_VALUE_GET_OBJ(data->obj)->u.map_state;
    struct list_head *link = data->cur_record ? data->cur_record->link.next : state->records.next;
    for (uint32_t index = 1; link != &state->records; link = link->next) {
        JSMapRecord *record = list_entry(link, JSMapRecord, link);
        if (record->empty)
            continue;
        JSIteratorKindEnum kind = !is_map && !is_entries ? JS_ITERATOR_KIND_KEY : data->kind;
        JSValue item = record_preview(ctx, record, kind);
        if (!is_map && is_entries)
            JS_SetPropertyUint32(ctx, item, 1, js_dup(record->key));
        if (JS_SetPropertyUint32(ctx, preview, index++, item) < 0)
            break;
    }
    return preview;
}

static void add_variable(JSContext *ctx, JSValue names, JSAtom name, JSValueConst value)
{
    if (JS_VALUE_GET_TAG(value) != JS_TAG_UNINITIALIZED)
        JS_DefinePropertyValue(ctx, names, name, js_dup(value), JS_PROP_C_W_E);
}

JSValue engine_caller_variables(JSContext *ctx)
{
    JSValue names = JS_NewObjectProto(ctx, JS_NULL);
    JSStackFrame *frame = ctx->rt->current_stack_frame;
    frame = frame ? frame->prev_frame : NULL;
    JSFunctionBytecode *code = frame ? JS_GetFunctionBytecode(frame->cur_func) : NULL;
    if (!code || !code->vardefs)
        return names;
    /* Scope 0 holds the arguments and `var`s, scope 1 the function's body; deeper scopes are blocks of the program. */
    for (int i = 0; i < code->var_count; i++) {
        JSVarDef *definition = &code->vardefs[code->arg_count + i];
        if (definition->scope_level > BODY_SCOPE)
            continue;
        add_variable(ctx, names, definition->var_name, frame->var_buf[i]);
    }
    return names;
}

JSValue engine_module_variables(JSContext *ctx, JSModuleDef *module)
{
    JSValue names = JS_NewObjectProto(ctx, JS_NULL);
    JSFunctionBytecode *code = JS_GetFunctionBytecode(module->func_obj);
    if (!code || !code->closure_var)
        return names;
    JSVarRef **references = JS_VALUE_GET_OBJ(module->func_obj)->u.func.var_refs;
    for (int i = 0; i < code->closure_var_count; i++) {
        if (references[i] && code->closure_var[i].closure_type == JS_CLOSURE_MODULE_DECL)
            add_variable(ctx, names, code->closure_var[i].var_name, *references[i]->pvalue);
    }
    return names;
}

JSValue engine_compile(JSContext *ctx, const char *text, size_t length, const char *name, int first_line,
                       bool is_module)
{
    int kind = is_module ? JS_EVAL_TYPE_MODULE : JS_EVAL_TYPE_GLOBAL;
    return __JS_EvalInternal(ctx, JS_UNDEFINED, text, length, name, first_line, kind | JS_EVAL_FLAG_COMPILE_ONLY, -1);
}

double engine_used_bytes(JSRuntime *runtime)
{
    return (double)runtime->malloc_state.malloc_size;
}
