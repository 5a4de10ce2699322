/* Whom an error is about: the engine's messages leave it out, node's name it. Included by engine.c only.
 *
 * Patched places in the engine call engine_blame() right before they throw; messages.h asks for it. */
#pragma once

#define MAX_CLASS_NAME 60

static struct {
    JSValueConst value;
    JSAtom property;
    bool is_known;
} blamed;

static void engine_blame(JSValueConst value, JSAtom property)
{
    blamed.value = value;
    blamed.property = property;
    blamed.is_known = true;
}

/* The name that the parser is declaring. */
static JSAtom declared_name;

static void engine_declares(JSAtom name)
{
    declared_name = name;
}

/* Where the engine throws in strict code alone. */
static void engine_blame_if(JSContext *ctx, int flags, JSValueConst value, JSAtom property)
{
    if ((flags & JS_PROP_THROW) || ((flags & JS_PROP_THROW_STRICT) && is_strict_mode(ctx)))
        engine_blame(value, property);
}

/* A property that is plain data, without asking any code of the program. */
static JSValueConst data_property(JSObject *object, JSAtom name)
{
    JSProperty *property;
    JSShapeProperty *shape = find_own_property(&property, object, name);
    return shape && (shape->flags & JS_PROP_TMASK) == JS_PROP_NORMAL ? property->u.value : JS_UNDEFINED;
}

/* #<Name> for an object of class Name, as node calls it. */
static void object_text(JSContext *ctx, JSValueConst value, char *text, size_t size)
{
    if (JS_IsArray(value)) {
        snprintf(text, size, "[object Array]");
        return;
    }
    JSObject *prototype = JS_VALUE_GET_OBJ(value);
    JSValueConst maker = JS_UNDEFINED;
    for (int i = 0; i < 100 && prototype && JS_IsUndefined(maker); i++, prototype = prototype->shape->proto)
        maker = data_property(prototype, JS_ATOM_constructor);
    JSValueConst name = JS_IsObject(maker) ? data_property(JS_VALUE_GET_OBJ(maker), JS_ATOM_name) : JS_UNDEFINED;
    const char *shown = JS_IsString(name) ? JS_ToCString(ctx, name) : NULL;
    snprintf(text, size, "#<%.*s>", MAX_CLASS_NAME, shown && *shown ? shown : "Object");
    JS_FreeCString(ctx, shown);
}

static const char *type_text(JSValueConst value)
{
    switch (JS_VALUE_GET_NORM_TAG(value)) {
    case JS_TAG_UNDEFINED: return "undefined";
    case JS_TAG_BOOL: return "boolean";
    case JS_TAG_STRING:
    case JS_TAG_STRING_ROPE: return "string";
    case JS_TAG_SYMBOL: return "symbol";
    case JS_TAG_INT:
    case JS_TAG_FLOAT64: return "number";
    case JS_TAG_SHORT_BIG_INT:
    case JS_TAG_BIG_INT: return "bigint";
    case JS_TAG_OBJECT: return JS_VALUE_GET_OBJ(value)->class_id == JS_CLASS_BYTECODE_FUNCTION ? "function" : "object";
    default: return "object";
    }
}

/* A value that is no object, after its type: "number 5", "object null", "undefined". */
static void typed_text(JSContext *ctx, JSValueConst value, char *text, size_t size)
{
    const char *type = type_text(value);
    int tag = JS_VALUE_GET_NORM_TAG(value);
    bool is_shown = tag == JS_TAG_INT || tag == JS_TAG_FLOAT64 || tag == JS_TAG_BOOL || tag == JS_TAG_NULL;
    const char *shown = is_shown ? JS_ToCString(ctx, value) : NULL;
    snprintf(text, size, "%s%s%s", type, shown ? " " : "", shown ? shown : "");
    JS_FreeCString(ctx, shown);
}

static int read_only_text(JSContext *ctx, JSValueConst owner, const char *name, char *out, size_t size)
{
    char what[MAX_CLASS_NAME + 8];
    if (JS_IsString(owner)) {
        const char *text = JS_ToCString(ctx, owner);
        int length = snprintf(out, size, "Cannot assign to read only property '%s' of string '%s'", name,
                              text ? text : "");
        JS_FreeCString(ctx, text);
        return length;
    }
    if (!JS_IsObject(owner)) {
        const char *shown = JS_ToCString(ctx, owner);
        int length = snprintf(out, size, "Cannot create property '%s' on %s '%s'", name, type_text(owner),
                              shown ? shown : "");
        JS_FreeCString(ctx, shown);
        return length;
    }
    object_text(ctx, owner, what, sizeof what);
    return snprintf(out, size, "Cannot assign to read only property '%s' of object '%s'", name, what);
}

/* Messages about a property of an object. Negative: not one of them. */
static int property_message(JSContext *ctx, char *out, size_t size, const char *format)
{
    char name[ATOM_GET_STR_BUF_SIZE], what[MAX_CLASS_NAME + 8] = "#<Object>";
    JSValueConst owner = blamed.value;
    JS_AtomGetStr(ctx, name, sizeof name, blamed.property);
    if (strcmp(format, "'%s' is read-only") == 0 || strcmp(format, "not an object") == 0)
        return read_only_text(ctx, owner, name, out, size);
    if (JS_IsObject(owner))
        object_text(ctx, owner, what, sizeof what);
    if (strcmp(format, "object is not extensible") == 0)
        return snprintf(out, size, "Cannot add property %s, object is not extensible", name);
    if (strcmp(format, "cannot define property") == 0)
        return snprintf(out, size, "Cannot define property %s, object is not extensible", name);
    if (strcmp(format, "no setter for property") == 0)
        return snprintf(out, size, "Cannot set property %s of %s which has only a getter", name, what);
    if (strcmp(format, "proxy: cannot set property") == 0)
        return snprintf(out, size, "'set' on proxy: trap returned falsish for property '%s'", name);
    if (strcmp(format, "could not delete property") == 0 && JS_IsProxy(owner))
        return snprintf(out, size, "'deleteProperty' on proxy: trap returned falsish for property '%s'", name);
    if (strcmp(format, "could not delete property") == 0)
        return snprintf(out, size, "Cannot delete property '%s' of %s", name, what);
    if (strcmp(format, "property is not configurable") == 0)
        return snprintf(out, size, "Cannot redefine property: %s", name);
    if (strcmp(format, "invalid 'in' operand") == 0) {
        const char *right = JS_ToCString(ctx, owner);
        int length = snprintf(out, size, "Cannot use 'in' operator to search for '%s' in %s", name,
                              right ? right : "");
        JS_FreeCString(ctx, right);
        return length;
    }
    return -1;
}
