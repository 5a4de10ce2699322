/* The engine's error messages in node's words: programs print them. Included by engine.c only, behind the engine.
 *
 * The engine makes every message with one vsnprintf(), which is ours: known formats are replaced, and where node names
 * the expression or the value at fault, it is read from the program's text or from the native function's arguments. */
#pragma once

#define MAX_SPAN 60

typedef struct {
    const char *engine, *node;
} Message;

/* The arguments are the same, in the same order. */
static const Message MESSAGES[] = {
    { "cannot read property '%s' of undefined", "Cannot read properties of undefined (reading '%s')" },
    { "cannot read property '%s' of null", "Cannot read properties of null (reading '%s')" },
    { "cannot set property '%s' of undefined", "Cannot set properties of undefined (setting '%s')" },
    { "cannot set property '%s' of null", "Cannot set properties of null (setting '%s')" },
    { "invalid array length", "Invalid array length" },
    { "invalid string length", "Invalid string length" },
    { "string too long", "Invalid string length" },
    { "empty array", "Reduce of empty array with no initial value" },
    { "out of memory", "Array buffer allocation failed" },
    { "too many arguments in function call (only %d allowed)", "Maximum call stack size exceeded" },
    { "stack overflow (op=%d, pc=%d)", "Maximum call stack size exceeded" },
    { "BigInt division by zero", "Division by zero" },
    { "BigInt is too large to allocate", "Maximum BigInt size exceeded" },
    { "BigInt is too large", "Maximum BigInt size exceeded" },
    { "BigInt negative exponent", "Exponent must be non-negative" },
    { "Date value is NaN", "Invalid time value" },
    { "BigInt are forbidden in JSON.stringify", "Do not know how to serialize a BigInt" },
    { "cannot convert symbol to string", "Cannot convert a Symbol value to a string" },
    { "cannot convert symbol to number", "Cannot convert a Symbol value to a number" },
    { "cannot convert to object", "Cannot convert undefined or null to object" },
    { "invalid array buffer length", "Array buffer allocation failed" },
    { "invalid value used as WeakMap key", "Invalid value used as weak map key" },
    { "promise self resolution", "Chaining cycle detected for promise #<Promise>" },
    { "cannot invoke a running generator", "Generator is already running" },
    { "bad normalization form", "The normalization form should be one of NFC, NFD, NFKC, NFKD." },
    { "private class field '%s' does not exist",
      "Cannot read private member %s from an object whose class did not declare it" },
    { "expecting %%", "URI malformed" },
    { "expecting hex digit", "URI malformed" },
    { "malformed UTF-8", "URI malformed" },
    { "invalid character", "URI malformed" },
    { "expecting surrogate pair", "URI malformed" },
    { "invalid 'instanceof' right operand", "Right-hand side of 'instanceof' is not callable" },
    { "value is not iterable", "object is not iterable (cannot read property Symbol(Symbol.iterator))" },
    { "cannot define property", "Cannot define property, object is not extensible" },
    { "circular prototype chain", "Cyclic __proto__ value" },
    { "revoked proxy", "Cannot perform 'get' on a proxy that has been revoked" },
    { "object is not extensible", "#<Object> is not extensible" },
    { "abstract class not constructable", "Abstract class not directly constructable" },
    { "unexpected token in expression: '%.*s'", "Unexpected token '%.*s'" },
    { "unexpected end of string", "Invalid or unexpected token" },
    { "unexpected line terminator in regexp", "Invalid regular expression: missing /" },
    { "unexpected end of regexp", "Invalid regular expression: missing /" },
    { "unexpected character", "Invalid or unexpected token" },
    { "function name expected", "Function statements require a function name" },
    { "class statement requires a name", "Unexpected token '{'" },
    { "unsupported keyword: %s", "Unexpected token '%s'" },
    { "undefined private field '%s'", "Private field '%s' must be declared in an enclosing class" },
    { "invalid array index: %" PRId64, "Invalid index : %" PRId64 },
    { "invalid number literal", "Invalid or unexpected token" },
    { "redeclaration of '%s'", "Identifier '%s' has already been declared" },
    { "operand 'prototype' property is not an object", "Function has non-object prototype in instanceof check" },
    { "bigint argument with unary +", "Cannot convert a BigInt value to a number" },
    { "BigInt operands are forbidden for >>>", "BigInts have no unsigned right shift, use >> instead" },
    { "not a Date object", "this is not a Date object." },
    { "out of bound", "Offset is outside the bounds of the DataView" },
    { "not a object", "CreateListFromArrayLike called on non-object" },
    { "invalid regular expression flags", "Invalid regular expression flags" },
    { "return not in a function", "Illegal return statement" },
    { "invalid assignment left-hand side", "Invalid left-hand side in assignment" },
    { "invalid increment/decrement operand", "Invalid left-hand side expression in postfix operation" },
    { "invalid for in/of left hand-side", "Invalid left-hand side in for-loop" },
    { "missing initializer for variable", "Missing initializer in const declaration" },
    { "break must be inside loop or switch", "Illegal break statement" },
    { "continue must be inside loop", "Illegal continue statement: no surrounding iteration statement" },
    { "'super' is only valid in a method", "'super' keyword unexpected here" },
    { "super() is only valid in a derived class constructor", "'super' keyword unexpected here" },
    { "expecting catch or finally", "Missing catch or finally after try" },
    { "line terminator not allowed after throw", "Illegal newline after throw" },
    { "invalid keyword: with", "Strict mode code may not include a with statement" },
    { "Octal literals are not allowed in strict mode", "Octal literals are not allowed in strict mode." },
    { "invalid variable name in strict mode", "Unexpected eval or arguments in strict mode" },
    { "'let' is not a valid lexical identifier", "let is disallowed as a lexically bound name" },
    { "rest element must be the last one", "Rest element must be last element" },
    { "missing formal parameter", "Rest parameter must be last formal parameter" },
    { "duplicate default", "More than one default clause in switch statement" },
    { "cannot delete a direct reference in strict mode", "Delete of an unqualified identifier in strict mode." },
    { "property constructor appears more than once", "A class may only have one constructor" },
    { "lexical declarations can't appear in single-statement context",
      "Lexical declaration cannot appear in a single-statement context" },
    { "unparenthesized unary expression can't appear on the left-hand side of '**'",
      "Unary operator used immediately before exponentiation expression. Parenthesis must be used to disambiguate "
      "operator precedence" },
};

/* A value as node names it in messages. */
static void value_text(JSContext *ctx, JSValueConst value, char *text, size_t size)
{
    if (JS_VALUE_GET_TAG(value) == JS_TAG_OBJECT) {
        object_text(ctx, value, text, size);
        return;
    }
    if (JS_IsSymbol(value)) {
        snprintf(text, size, "Symbol()");
        return;
    }
    const char *shown = JS_ToCString(ctx, value);
    snprintf(text, size, "%s", shown ? shown : "");
    JS_FreeCString(ctx, shown);
}

static void first_argument(JSContext *ctx, JSStackFrame *frame, char *text, size_t size)
{
    value_text(ctx, frame && frame->arg_count > 0 ? frame->arg_buf[0] : JS_UNDEFINED, text, size);
}

static void function_name(JSContext *ctx, JSStackFrame *frame, char *text, size_t size)
{
    const char *name = frame ? get_func_name(ctx, frame->cur_func) : NULL;
    snprintf(text, size, "%s", name ? name : "");
    JS_FreeCString(ctx, name);
}

static int not_a_function(JSContext *ctx, JSStackFrame *frame, bool is_native, char *out, size_t size)
{
    char what[MAX_SPAN];
    if (!is_native) {
        bool is_new = false;
        if (!frame || !callee_text(ctx, frame, what, sizeof what, &is_new))
            snprintf(what, sizeof what, "(intermediate value)");
        return snprintf(out, size, "%s is not a %s", what, is_new ? "constructor" : "function");
    }
    char name[MAX_SPAN];
    function_name(ctx, frame, name, sizeof name);
    if (strcmp(name, "sort") == 0)
        return snprintf(out, size, "The comparison function must be either a function or undefined");
    first_argument(ctx, frame, what, sizeof what);
    bool is_promise = strcmp(name, "Promise") == 0;
    return snprintf(out, size, "%s%s is not a function", is_promise ? "Promise resolver " : "", what);
}

/* Whether the running native function is one of those of Array.prototype that name themselves. */
static bool is_array_method(JSContext *ctx, JSStackFrame *frame, const char *name)
{
    static const char *const names[] = { "concat", "find", "findIndex", "findLast", "findLastIndex", "indexOf",
                                         "forEach", "filter", "map", "every", "some", "reduce", "reduceRight" };
    bool is_named = false;
    for (size_t i = 0; i < countof(names); i++)
        is_named |= strcmp(names[i], name) == 0;
    if (!is_named)
        return false;
    JSAtom atom = JS_NewAtom(ctx, name);
    JSValueConst method = data_property(JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_ARRAY]), atom);
    JS_FreeAtom(ctx, atom);
    return JS_IsObject(method) && JS_VALUE_GET_PTR(method) == JS_VALUE_GET_PTR(frame->cur_func);
}

/* A method with a private name was called on something else. */
static int receiver_message(JSContext *ctx, JSValueConst method, char *out, size_t size)
{
    char text[MAX_SPAN] = "";
    JSObject *home = JS_IsObject(method) ? JS_VALUE_GET_OBJ(method)->u.func.home_object : NULL;
    JSValueConst maker = home ? data_property(home, JS_ATOM_constructor) : JS_UNDEFINED;
    JSValueConst name = JS_IsObject(maker) ? data_property(JS_VALUE_GET_OBJ(maker), JS_ATOM_name) : JS_UNDEFINED;
    if (JS_IsString(name))
        value_text(ctx, name, text, sizeof text);
    return snprintf(out, size, "Receiver must be %s%s", *text ? "an instance of class " : "an instance of class anonymous",
                    text);
}

static bool is_constant(JSFunctionBytecode *code, JSContext *ctx, const char *name)
{
    char variable[ATOM_GET_STR_BUF_SIZE];
    for (int i = 0; code && code->vardefs && i < code->arg_count + code->var_count; i++) {
        JS_AtomGetStr(ctx, variable, sizeof variable, code->vardefs[i].var_name);
        if (code->vardefs[i].is_const && strcmp(variable, name) == 0)
            return true;
    }
    for (int i = 0; code && i < code->closure_var_count; i++) {
        JS_AtomGetStr(ctx, variable, sizeof variable, code->closure_var[i].var_name);
        if (code->closure_var[i].is_const && strcmp(variable, name) == 0)
            return true;
    }
    return false;
}

/* Messages that name what the engine does not tell. Negative: not one of them. */
static int looked_up(JSContext *ctx, char *out, size_t size, const char *format, va_list arguments)
{
    JSStackFrame *frame = ctx->rt->current_stack_frame;
    JSFunctionBytecode *code = frame ? JS_GetFunctionBytecode(frame->cur_func) : NULL;
    bool is_native = frame && !code;
    char what[MAX_SPAN], name[MAX_SPAN];
    if (strcmp(format, "not a function") == 0)
        return not_a_function(ctx, frame, is_native, out, size);
    if (strcmp(format, "Could not find export '%s' in module '%s'") == 0) {
        const char *export = va_arg(arguments, const char *), *module = va_arg(arguments, const char *);
        return snprintf(out, size, "The requested module '%s' does not provide an export named '%s'",
                        strncmp(module, "node:", 5) == 0 ? module + 5 : module, export);
    }
    if (strncmp(format, "invalid redefinition of ", 24) == 0) {
        char variable[ATOM_GET_STR_BUF_SIZE];
        JS_AtomGetStr(ctx, variable, sizeof variable, declared_name);
        return snprintf(out, size, "Identifier '%s' has already been declared", variable);
    }
    if (strcmp(format, "not a constructor") == 0) {
        bool is_new;
        function_name(ctx, frame, name, sizeof name);
        if (is_native && strcmp(name, "construct") != 0)
            return snprintf(out, size, "%s is not a constructor", name);
        if (!frame || !callee_text(ctx, frame, what, sizeof what, &is_new))
            snprintf(what, sizeof what, "(intermediate value)");
        return snprintf(out, size, "%s is not a constructor", what);
    }
    if (strcmp(format, "class constructors must be invoked with 'new'") == 0) {
        function_name(ctx, frame, name, sizeof name);
        return snprintf(out, size, "Class constructor %s cannot be invoked without 'new'", name);
    }
    if (strcmp(format, "%s is not initialized") == 0) {
        const char *variable = va_arg(arguments, const char *);
        if (strcmp(variable, "this") == 0)
            return snprintf(out, size, "Must call super constructor in derived class before accessing 'this' or "
                                       "returning from derived constructor");
        return snprintf(out, size, "Cannot access '%s' before initialization", variable);
    }
    if (strcmp(format, "'%s' is read-only") == 0) {
        const char *variable = va_arg(arguments, const char *);
        if (is_constant(code, ctx, variable))
            return snprintf(out, size, "Assignment to constant variable.");
        bool is_length = strcmp(variable, "length") == 0;
        return snprintf(out, size, "Cannot assign to read only property '%s' of object '%s'", variable,
                        is_length ? "[object Array]" : "#<Object>");
    }
    if (strcmp(format, "invalid value used as %s key") == 0) {
        bool is_map = strcmp(va_arg(arguments, const char *), "WeakMap") == 0;
        return snprintf(out, size, is_map ? "Invalid value used as weak map key" : "Invalid value used in weak set");
    }
    if (strcmp(format, "cannot convert BigInt to number") == 0) {
        return snprintf(out, size, is_native ? "Cannot convert a BigInt value to a number"
                                             : "Cannot mix BigInt and other types, use explicit conversions");
    }
    if (!is_native)
        return -1;
    if (strcmp(format, "invalid regular expression flags") == 0 && frame->arg_count > 1) {
        value_text(ctx, frame->arg_buf[1], what, sizeof what);
        return snprintf(out, size, "Invalid flags supplied to RegExp constructor '%s'", what);
    }
    first_argument(ctx, frame, what, sizeof what);
    function_name(ctx, frame, name, sizeof name);
    if ((strcmp(format, "cannot convert to object") == 0 ||
         strcmp(format, "Cannot convert undefined or null to object") == 0) && is_array_method(ctx, frame, name))
        return snprintf(out, size, "Array.prototype.%s called on null or undefined", name);
    if (strcmp(format, "regexp not supported") == 0)
        return snprintf(out, size, "First argument to String.prototype.%s must not be a regular expression", name);
    if (strcmp(format, "not a symbol") == 0)
        return snprintf(out, size, "%s is not a symbol", what);
    if (strcmp(format, "invalid target") == 0)
        return snprintf(out, size, "WeakRef: invalid target");
    if (strcmp(format, "invalid byteOffset") == 0 && frame->arg_count > 1) {
        value_text(ctx, frame->arg_buf[1], what, sizeof what);
        return snprintf(out, size, "Start offset %s is outside the bounds of the buffer", what);
    }
    if (strcmp(format, "invalid repeat count") == 0)
        return snprintf(out, size, "Invalid count value: %s", what);
    if (strcmp(format, "invalid code point") == 0)
        return snprintf(out, size, "Invalid code point %s", what);
    if (strcmp(format, "invalid BigInt literal") == 0)
        return snprintf(out, size, "Cannot convert %s to a BigInt", what);
    if (strcmp(format, "cannot convert to BigInt: not an integer") == 0)
        return snprintf(out, size, "The number %s cannot be converted to a BigInt because it is not an integer", what);
    if (strcmp(format, "invalid array index") == 0 || strcmp(format, "invalid length") == 0)
        return snprintf(out, size, "Invalid typed array length: %s", what);
    if (strcmp(format, "object prototype may only be an Object or null") == 0)
        return snprintf(out, size, "Object prototype may only be an Object or null: %s", what);
    if (strcmp(format, "invalid number of digits") == 0) {
        bool is_precision = strcmp(name, "toPrecision") == 0;
        return snprintf(out, size, "%s() %sargument must be between %d and 100", name,
                        strcmp(name, "toFixed") == 0 ? "digits " : "", is_precision);
    }
    if (strcmp(format, "must be called with new") == 0 || strcmp(format, "constructor requires 'new'") == 0 ||
        strcmp(format, "Constructor requires 'new'") == 0)
        return snprintf(out, size, "%s %s %s 'new'", strcmp(name, "Promise") == 0 ? name : "Constructor",
                        strcmp(name, "Promise") == 0 ? "constructor" : name,
                        strcmp(name, "Promise") == 0 ? "cannot be invoked without" : "requires");
    if (strcmp(format, "not an object") == 0 && strcmp(name, "Proxy") == 0)
        return snprintf(out, size, "Cannot create proxy with a non-object as target or handler");
    if (strcmp(format, "not an object") == 0 && strncmp(name, "defineProp", 10) == 0)
        return snprintf(out, size, "Object.%s called on non-object", name);
    if (strcmp(format, "regexp must have the 'g' flag") == 0)
        return snprintf(out, size, "String.prototype.%s called with a non-global RegExp argument", name);
    if (strcmp(format, "cannot convert to BigInt") == 0)
        return snprintf(out, size, "Cannot convert %s to a BigInt", what);
    if (strcmp(format, "invalid array length") == 0 && strcmp(name, "set") == 0)
        return snprintf(out, size, "offset is out of bounds");
    if (strcmp(format, "null or undefined are forbidden") == 0)
        return snprintf(out, size, "String.prototype.%s called on null or undefined", name);
    return -1;
}

/* Messages whose culprit a patched place in the engine has told. Negative: not one of them. */
static int blaming_message(JSContext *ctx, char *out, size_t size, const char *format)
{
    JSStackFrame *frame = ctx->rt->current_stack_frame;
    if (strcmp(format, "value is not iterable") == 0)
        return iterable_message(ctx, frame, blamed.value, out, size);
    if (strcmp(format, "invalid brand on object") == 0)
        return receiver_message(ctx, blamed.value, out, size);
    if (strcmp(format, "parent class must be constructor") == 0) {
        char what[MAX_SPAN];
        value_text(ctx, blamed.value, what, sizeof what);
        return snprintf(out, size, "Class extends value %s is not a constructor or null", what);
    }
    if (strcmp(format, "not an object") == 0 && blamed.property == JS_ATOM_NULL) {
        char what[MAX_SPAN];
        value_text(ctx, blamed.value, what, sizeof what);
        return snprintf(out, size, "Iterator value %s is not an entry object", what);
    }
    if (strcmp(format, "Cannot convert undefined or null to object") == 0)
        return frame ? destructuring_message(ctx, frame, blamed.value, out, size) : -1;
    return property_message(ctx, out, size, format);
}

static JSContext *message_context;

/* Node knows no InternalError: what is too large is a RangeError. */
void engine_use_messages(JSContext *ctx)
{
    message_context = ctx;
    JS_FreeValue(ctx, ctx->native_error_proto[JS_INTERNAL_ERROR]);
    ctx->native_error_proto[JS_INTERNAL_ERROR] = js_dup(ctx->native_error_proto[JS_RANGE_ERROR]);
}

/* Reading the iterator of nothing. */
static bool is_iterator_of(const char *format, va_list arguments, JSValue *value)
{
    bool of_undefined = strcmp(format, "cannot read property '%s' of undefined") == 0;
    if (!of_undefined && strcmp(format, "cannot read property '%s' of null") != 0)
        return false;
    *value = of_undefined ? JS_UNDEFINED : JS_NULL;
    return strcmp(va_arg(arguments, const char *), "Symbol.iterator") == 0;
}

static int node_message(char *out, size_t size, const char *format, va_list arguments)
{
    va_list copy;
    JSValue nothing;
    bool is_blamed = blamed.is_known;
    blamed.is_known = false;
    va_copy(copy, arguments);
    if (message_context && is_iterator_of(format, copy, &nothing))
        return iterable_message(message_context, message_context->rt->current_stack_frame, nothing, out, size);
    if (message_context) {
        int told = is_blamed ? blaming_message(message_context, out, size, format) : -1;
        if (told >= 0)
            return told;
        va_copy(copy, arguments);
        int length = looked_up(message_context, out, size, format, copy);
        if (length >= 0)
            return length;
    }
    for (size_t i = 0; i < countof(MESSAGES); i++) {
        if (strcmp(MESSAGES[i].engine, format) == 0) {
            format = MESSAGES[i].node;
            break;
        }
    }
    int length = (vsnprintf)(out, size, format, arguments);
    return strcmp(out, "Unexpected token ''") == 0 ? snprintf(out, size, "Unexpected end of input") : length;
}
