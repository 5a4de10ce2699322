/* Array methods that move whole ranges of ordinary arrays at once, where the engine goes element by element.
 *
 * Included by engine.c only, behind the engine. Each takes the place of the engine's function and calls it for
 * everything that is not ordinary: holes, subclasses, proxies, frozen arrays, arguments with a valueOf(). */
#pragma once

/* An array whose elements all lie in its table, and whose only own property besides is `length`. */
static JSObject *plain_array(JSContext *ctx, JSValueConst value)
{
    if (JS_VALUE_GET_TAG(value) != JS_TAG_OBJECT)
        return NULL;
    JSObject *p = JS_VALUE_GET_OBJ(value);
    bool is_plain = p->class_id == JS_CLASS_ARRAY && p->fast_array && p->shape->prop_count == 1 &&
                    p->shape->proto == JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_ARRAY]) &&
                    JS_VALUE_GET_TAG(p->prop[0].u.value) == JS_TAG_INT &&
                    (uint32_t)JS_VALUE_GET_INT(p->prop[0].u.value) == p->u.array.count;
    return is_plain ? p : NULL;
}

/* The same, if elements may come and go as well, and no setter for an index waits in a prototype. */
static JSObject *growable_array(JSContext *ctx, JSValueConst value)
{
    JSObject *p = plain_array(ctx, value);
    bool is_growable = p && p->extensible && ctx->std_array_prototype &&
                       (get_shape_prop(p->shape)->flags & JS_PROP_WRITABLE);
    return is_growable ? p : NULL;
}

/* Whether a method that makes a new array from a plain one makes an Array. */
static bool is_species_array(JSContext *ctx)
{
    JSProperty *property;
    JSShapeProperty *shape;
    shape = find_own_property(&property, JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_ARRAY]), JS_ATOM_constructor);
    if (!shape || (shape->flags & JS_PROP_TMASK) != JS_PROP_NORMAL ||
        JS_VALUE_GET_TAG(property->u.value) != JS_TAG_OBJECT ||
        JS_VALUE_GET_OBJ(property->u.value) != JS_VALUE_GET_OBJ(ctx->array_ctor))
        return false;
    shape = find_own_property(&property, JS_VALUE_GET_OBJ(ctx->array_ctor), JS_ATOM_Symbol_species);
    if (!shape || (shape->flags & JS_PROP_TMASK) != JS_PROP_GETSET || !property->u.getset.getter)
        return false;
    JSObject *getter = property->u.getset.getter;
    return getter->class_id == JS_CLASS_C_FUNCTION && getter->u.cfunc.c_function.getter == js_get_this;
}

/* A relative index as slice() and others take it; false where reading it could run code. */
static bool plain_index(JSValueConst value, uint32_t length, uint32_t *index)
{
    if (JS_VALUE_GET_TAG(value) != JS_TAG_INT)
        return false;
    int64_t number = JS_VALUE_GET_INT(value);
    number = number < 0 ? number + length : number;
    *index = number < 0 ? 0 : number > length ? length : (uint32_t)number;
    return true;
}

static bool optional_index(int count, JSValueConst *values, int which, uint32_t length, uint32_t otherwise,
                           uint32_t *index)
{
    *index = otherwise;
    return count <= which || JS_IsUndefined(values[which]) || plain_index(values[which], length, index);
}

/* A new array with room for so many elements, which the caller fills. */
static JSValue empty_table(JSContext *ctx, uint32_t count)
{
    JSValue made = JS_NewArray(ctx);
    if (JS_IsException(made) || count == 0)
        return made;
    JSObject *p = JS_VALUE_GET_OBJ(made);
    if (expand_fast_array(ctx, p, count)) {
        JS_FreeValue(ctx, made);
        return JS_EXCEPTION;
    }
    p->u.array.count = count;
    p->prop[0].u.value = js_int32((int32_t)count);
    return made;
}

static void copy_values(JSValue *to, JSValue *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        to[i] = js_dup(from[i]);
}

static void set_count(JSObject *p, uint32_t count)
{
    p->u.array.count = count;
    p->prop[0].u.value = js_int32((int32_t)count);
}

/* Opens or closes a gap; the values in it are the caller's. */
static int move_tail(JSContext *ctx, JSObject *p, uint32_t start, uint32_t removed, uint32_t added)
{
    uint32_t old = p->u.array.count, count = old - removed + added;
    if (count > p->u.array.u1.size && expand_fast_array(ctx, p, count))
        return -1;
    JSValue *values = p->u.array.u.values + start;
    if (added != removed)
        memmove(values + added, values + removed, (old - start - removed) * sizeof *values);
    set_count(p, count);
    return 0;
}

static bool is_too_long(uint32_t count, int added)
{
    return (uint64_t)count + (uint32_t)added > INT32_MAX;
}

static JSValue slice(JSContext *ctx, JSValueConst self, int count, JSValueConst *values, int is_splice)
{
    JSObject *p = plain_array(ctx, self);
    uint32_t start, end;
    if (!p || !is_species_array(ctx) || !optional_index(count, values, 0, p->u.array.count, 0, &start) ||
        !optional_index(count, values, 1, p->u.array.count, p->u.array.count, &end))
        return js_array_slice(ctx, self, count, values, is_splice);
    uint32_t length = end > start ? end - start : 0;
    JSValue made = empty_table(ctx, length);
    if (!JS_IsException(made))
        copy_values(JS_VALUE_GET_OBJ(made)->u.array.u.values, p->u.array.u.values + start, length);
    return made;
}

static JSValue splice(JSContext *ctx, JSValueConst self, int count, JSValueConst *values, int is_splice)
{
    JSObject *p = growable_array(ctx, self);
    uint32_t start, removed, added = count > 2 ? count - 2 : 0;
    if (!p || !count || !is_species_array(ctx) || !plain_index(values[0], p->u.array.count, &start) ||
        (count > 1 && JS_VALUE_GET_TAG(values[1]) != JS_TAG_INT) || is_too_long(p->u.array.count, added))
        return js_array_slice(ctx, self, count, values, is_splice);
    uint32_t rest = p->u.array.count - start;
    int wanted = count > 1 ? JS_VALUE_GET_INT(values[1]) : INT32_MAX;
    removed = wanted < 0 ? 0 : (uint32_t)wanted > rest ? rest : (uint32_t)wanted;
    JSValue made = empty_table(ctx, removed);
    if (JS_IsException(made))
        return made;
    JSValue *taken = JS_VALUE_GET_OBJ(made)->u.array.u.values;
    if (removed)
        memcpy(taken, p->u.array.u.values + start, removed * sizeof *taken);
    if (move_tail(ctx, p, start, removed, added)) {
        set_count(JS_VALUE_GET_OBJ(made), 0); /* they are still in the array */
        JS_FreeValue(ctx, made);
        return JS_EXCEPTION;
    }
    copy_values(p->u.array.u.values + start, (JSValue *)values + 2, added);
    return made;
}

static JSValue unshift(JSContext *ctx, JSValueConst self, int count, JSValueConst *values, int is_unshift)
{
    JSObject *p = growable_array(ctx, self);
    if (!p || is_too_long(p->u.array.count, count))
        return js_array_push(ctx, self, count, values, is_unshift);
    if (move_tail(ctx, p, 0, 0, count))
        return JS_EXCEPTION;
    copy_values(p->u.array.u.values, (JSValue *)values, count);
    return js_int32((int32_t)p->u.array.count);
}

/* Whether concat() takes a value as one element or, for plain arrays, in parts; others it has to ask. */
static bool is_concat_plain(JSContext *ctx, JSValueConst value)
{
    return JS_VALUE_GET_TAG(value) != JS_TAG_OBJECT || plain_array(ctx, value);
}

static bool is_spread_standard(JSContext *ctx)
{
    JSProperty *property;
    JSAtom symbol = JS_ATOM_Symbol_isConcatSpreadable;
    return !find_own_property(&property, JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_ARRAY]), symbol) &&
           !find_own_property(&property, JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_OBJECT]), symbol);
}

static JSValue concat(JSContext *ctx, JSValueConst self, int count, JSValueConst *values)
{
    uint64_t length = 0;
    bool is_plain = plain_array(ctx, self) && is_species_array(ctx) && is_spread_standard(ctx);
    for (int i = -1; is_plain && i < count; i++) {
        JSValueConst value = i < 0 ? self : values[i];
        is_plain = is_concat_plain(ctx, value);
        length += is_plain && JS_IsObject(value) ? JS_VALUE_GET_OBJ(value)->u.array.count : 1;
    }
    if (!is_plain || length > INT32_MAX)
        return js_array_concat(ctx, self, count, values);
    JSValue made = empty_table(ctx, (uint32_t)length);
    if (JS_IsException(made))
        return made;
    JSValue *to = JS_VALUE_GET_OBJ(made)->u.array.u.values;
    for (int i = -1; i < count; i++) {
        JSValueConst value = i < 0 ? self : values[i];
        JSObject *part = JS_IsObject(value) ? JS_VALUE_GET_OBJ(value) : NULL;
        uint32_t size = part ? part->u.array.count : 1;
        copy_values(to, part ? part->u.array.u.values : (JSValue *)&value, size);
        to += size;
    }
    return made;
}

/* new Array(n).fill(x) is the usual way to make an array: `length` says n, and the table is empty. */
static JSValue fill(JSContext *ctx, JSValueConst self, int count, JSValueConst *values)
{
    JSObject *p = JS_VALUE_GET_TAG(self) == JS_TAG_OBJECT ? JS_VALUE_GET_OBJ(self) : NULL;
    uint32_t start, end, length;
    if (!p || count < 1 || p->class_id != JS_CLASS_ARRAY || !p->fast_array || !p->extensible ||
        p->shape->proto != JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_ARRAY]) || !ctx->std_array_prototype ||
        JS_VALUE_GET_TAG(p->prop[0].u.value) != JS_TAG_INT)
        return js_array_fill(ctx, self, count, values);
    length = (uint32_t)JS_VALUE_GET_INT(p->prop[0].u.value);
    if (!optional_index(count, values, 1, length, 0, &start) ||
        !optional_index(count, values, 2, length, length, &end) || start > p->u.array.count)
        return js_array_fill(ctx, self, count, values);
    if (end > p->u.array.u1.size && expand_fast_array(ctx, p, end))
        return JS_EXCEPTION;
    for (; start < end && start < p->u.array.count; start++)
        set_value(ctx, &p->u.array.u.values[start], js_dup(values[0]));
    for (; start < end; start++)
        p->u.array.u.values[start] = js_dup(values[0]);
    if (end > p->u.array.count)
        p->u.array.count = end;
    return js_dup(self);
}

/* A function of Array.prototype becomes another one, and stays the same object. */
static void replace_method(JSContext *ctx, const char *name, JSCFunctionType function)
{
    JSValue method = JS_GetPropertyStr(ctx, ctx->class_proto[JS_CLASS_ARRAY], name);
    JS_VALUE_GET_OBJ(method)->u.cfunc.c_function = function;
    JS_FreeValue(ctx, method);
}

void engine_use_array_methods(JSContext *ctx)
{
    replace_method(ctx, "slice", (JSCFunctionType){ .generic_magic = slice });
    replace_method(ctx, "splice", (JSCFunctionType){ .generic_magic = splice });
    replace_method(ctx, "unshift", (JSCFunctionType){ .generic_magic = unshift });
    replace_method(ctx, "concat", (JSCFunctionType){ .generic = concat });
    replace_method(ctx, "fill", (JSCFunctionType){ .generic = fill });
}
