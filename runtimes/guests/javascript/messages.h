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
    { "circular prototype chain", "Cyclic __proto__ value" },
    { "revoked proxy", "Cannot perform 'get' on a proxy that has been revoked" },
    { "object is not extensible", "Cannot add property, object is not extensible" },
    { "abstract class not constructable", "Abstract class not directly constructable" },
    { "unexpected token in expression: '%.*s'", "Unexpected token '%.*s'" },
    { "unexpected end of string", "Invalid or unexpected token" },
    { "invalid number literal", "Invalid or unexpected token" },
    { "redeclaration of '%s'", "Identifier '%s' has already been declared" },
    { "invalid redefinition of lexical identifier", "Identifier has already been declared" },
    { "could not delete property", "Cannot delete property of #<Object>" },
};

static const char *program_text;
static size_t program_length;

void engine_set_program(const char *text, size_t length)
{
    program_text = text;
    program_length = length;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

/* Where a line and column (both from 1) of the program lie in its text. */
static size_t text_position(int line, int column)
{
    size_t position = 0;
    for (; line > 1 && position < program_length; line--) {
        const char *end = memchr(program_text + position, '\n', program_length - position);
        position = end ? (size_t)(end - program_text) + 1 : program_length;
    }
    return position + (column > 0 ? column - 1 : 0);
}

static size_t skip_space_back(size_t position)
{
    while (position && strchr(" \t\r\n", program_text[position - 1]))
        position--;
    return position;
}

/* Where the bracket opens that closes just before `end`; `end` itself if it does not. */
static size_t opening(size_t end)
{
    int depth = 0;
    for (size_t position = end; position > 0; position--) {
        char c = program_text[position - 1];
        depth += (c == ')' || c == ']') - (c == '(' || c == '[');
        if (depth == 0)
            return position - 1;
    }
    return end;
}

/* The start of what stands before a dot: a name, with indices and calls behind it, or a string. */
static size_t owner_start(size_t end)
{
    size_t position = end;
    char last = position ? program_text[position - 1] : '\0';
    if (last == '\'' || last == '"') {
        for (position--; position > 0 && program_text[position - 1] != last; position--) {
        }
        return position ? position - 1 : 0;
    }
    while (position && strchr(")]", program_text[position - 1]) && opening(position) < position)
        position = opening(position);
    while (position && is_word(program_text[position - 1]))
        position--;
    return position;
}

/* The start of a chain like `a.b[0].name`, whose last name starts at `position`. */
static size_t chain_start(size_t position)
{
    for (;;) {
        size_t dot = skip_space_back(position);
        if (!dot || program_text[dot - 1] != '.')
            return position;
        dot -= dot > 1 && program_text[dot - 2] == '?' ? 2 : 1;
        size_t end = skip_space_back(dot), start = owner_start(end);
        if (start == end)
            return position;
        position = start;
    }
}

/* The end of a chain that goes on at `position`: names and indices, up to the call. */
static size_t chain_end(size_t position)
{
    while (position < program_length) {
        char c = program_text[position];
        const char *close = c == '[' ? memchr(program_text + position, ']', program_length - position) : NULL;
        if (close)
            position = (size_t)(close - program_text) + 1;
        else if (is_word(c) || ((c == '.' || c == '?') && position + 1 < program_length &&
                                (is_word(program_text[position + 1]) || program_text[position + 1] == '.')))
            position++;
        else
            break;
    }
    return position;
}

/* Copies a chain as node prints it: f(1).x as f(...).x, a['b'] as a.b, 's' as "s", without spaces. */
static bool render_chain(size_t start, size_t end, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = start; i < end; i++) {
        char c = program_text[i];
        if (used + 6 > size)
            return false;
        if (c == '(' && used) {
            int depth = 0;
            do {
                depth += (program_text[i] == '(') - (program_text[i] == ')');
            } while (depth && ++i < end);
            memcpy(out + used, "(...)", 5);
            used += 5;
        } else if (c == '[' && i + 2 < end && strchr("'\"", program_text[i + 1]) && is_word(program_text[i + 2])) {
            out[used++] = '.';
            for (i += 2; i < end && is_word(program_text[i]) && used + 6 < size; i++)
                out[used++] = program_text[i];
            i++; /* the closing quote; the loop passes the bracket */
        } else if (!strchr(" \t\r\n", c)) {
            out[used++] = c == '\'' ? '"' : c;
        }
    }
    out[used] = '\0';
    return used > 0;
}

static bool is_new_before(size_t start)
{
    size_t end = skip_space_back(start);
    return end < start && end >= 3 && memcmp(program_text + end - 3, "new", 3) == 0 &&
           (end == 3 || !is_word(program_text[end - 4]));
}

/* The expression that is being called, as far as it is a chain of names; false for others. */
static bool callee_text(JSContext *ctx, JSStackFrame *frame, char *text, size_t size, bool *is_new)
{
    JSFunctionBytecode *code = JS_GetFunctionBytecode(frame->cur_func);
    if (!code || !frame->cur_pc || !program_text || code->filename == JS_ATOM_NULL)
        return false;
    char name[32];
    JS_AtomGetStr(ctx, name, sizeof name, code->filename);
    if (strcmp(name, "solution.js") != 0)
        return false;
    int column;
    int line = find_line_num(ctx, code, (uint32_t)(frame->cur_pc - code->byte_code_buf) - 1, &column);
    size_t position = text_position(line, column);
    if (position >= program_length || !is_word(program_text[position]) ||
        (program_text[position] >= '0' && program_text[position] <= '9'))
        return false;
    size_t start = chain_start(position), end = chain_end(position);
    *is_new = is_new_before(start);
    return end > start && render_chain(start, end, text, size);
}

/* A value as node names it in messages. */
static void value_text(JSContext *ctx, JSValueConst value, char *text, size_t size)
{
    if (JS_VALUE_GET_TAG(value) == JS_TAG_OBJECT) {
        snprintf(text, size, "%s", JS_IsArray(value) ? "[object Array]" : "#<Object>");
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
    if (strcmp(format, "not a constructor") == 0) {
        bool is_new;
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
        return snprintf(out, size, "Cannot assign to read only property '%s' of object '#<Object>'", variable);
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
    first_argument(ctx, frame, what, sizeof what);
    function_name(ctx, frame, name, sizeof name);
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
        return snprintf(out, size, "%sonstructor %s requires 'new'", strcmp(name, "Promise") == 0 ? "Promise c" : "C",
                        strcmp(name, "Promise") == 0 ? "cannot be invoked without 'new'" : name);
    if (strcmp(format, "not an object") == 0 && (strcmp(name, "Map") == 0 || strcmp(name, "fromEntries") == 0))
        return snprintf(out, size, "Iterator value is not an entry object");
    if (strcmp(format, "not an object") == 0 && strcmp(name, "Proxy") == 0)
        return snprintf(out, size, "Cannot create proxy with a non-object as target or handler");
    if (strcmp(format, "null or undefined are forbidden") == 0)
        return snprintf(out, size, "String.prototype.%s called on null or undefined", name);
    return -1;
}

static JSContext *message_context;

/* Node knows no InternalError: what is too large is a RangeError. */
void engine_use_messages(JSContext *ctx)
{
    message_context = ctx;
    JS_FreeValue(ctx, ctx->native_error_proto[JS_INTERNAL_ERROR]);
    ctx->native_error_proto[JS_INTERNAL_ERROR] = js_dup(ctx->native_error_proto[JS_RANGE_ERROR]);
}

static bool is_iterator_of(const char *format, va_list arguments, const char **value)
{
    bool of_undefined = strcmp(format, "cannot read property '%s' of undefined") == 0;
    if (!of_undefined && strcmp(format, "cannot read property '%s' of null") != 0)
        return false;
    *value = of_undefined ? "undefined" : "object null";
    return strcmp(va_arg(arguments, const char *), "Symbol.iterator") == 0;
}

static int node_message(char *out, size_t size, const char *format, va_list arguments)
{
    va_list copy;
    const char *value;
    va_copy(copy, arguments);
    if (is_iterator_of(format, copy, &value))
        return snprintf(out, size, "%s is not iterable (cannot read property Symbol(Symbol.iterator))", value);
    if (message_context) {
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
