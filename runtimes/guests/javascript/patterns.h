/* Messages about what cannot be taken apart: no iterable, or nothing at all. Included by engine.c only. */
#pragma once

#define MAX_SOURCE 60

typedef enum { SOURCE_OTHER, SOURCE_NAME, SOURCE_MEMBER, SOURCE_CALL } SourceKind;

static size_t skip_space(size_t position)
{
    while (position < program_length && strchr(" \t\r\n", program_text[position]))
        position++;
    return position;
}

/* The closing bracket that belongs to an opening one before `position`; the end of the text if there is none. */
static size_t closing(size_t position)
{
    int depth = 1;
    for (; position < program_length; position++) {
        char c = program_text[position];
        depth += (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
        if (depth == 0)
            break;
    }
    return position;
}

/* Renders the expression at a position, if it is a chain of names, indices and calls. */
static SourceKind source_text(size_t position, char *text, size_t size)
{
    if (position >= program_length || !starts_name(position))
        return SOURCE_OTHER;
    size_t end = chain_end(position), name_end = position;
    while (name_end < program_length && is_word(program_text[name_end]))
        name_end++;
    SourceKind kind = end == name_end ? SOURCE_NAME : SOURCE_MEMBER;
    if (end < program_length && program_text[end] == '(') {
        kind = SOURCE_CALL;
        end = closing(end + 1) + 1;
    }
    size_t next = skip_space(end);
    if (next < program_length && !strchr(";,)]}", program_text[next]) && !memchr(program_text + end, '\n', next - end))
        return SOURCE_OTHER;
    return end <= program_length && render_chain(position, end, text, size) ? kind : SOURCE_OTHER;
}

/* What stands behind the equals sign of the pattern in which a position lies. */
static SourceKind initializer_text(size_t position, char *text, size_t size)
{
    size_t next = skip_space(closing(position) + 1);
    if (next + 1 >= program_length || program_text[next] != '=' || program_text[next + 1] == '=')
        return SOURCE_OTHER;
    return source_text(skip_space(next + 1), text, size);
}

static bool is_before(size_t position, const char *word)
{
    size_t end = skip_space_back(position), length = strlen(word);
    return end >= length && memcmp(program_text + end - length, word, length) == 0;
}

static int not_iterable(char *out, size_t size, SourceKind kind, char *text)
{
    if (kind != SOURCE_CALL)
        return snprintf(out, size, "%s is not iterable", text);
    char *arguments = strrchr(text, '(');
    if (arguments)
        *arguments = '\0';
    return snprintf(out, size, "%s is not a function or its return value is not iterable", text);
}

static int iterable_message(JSContext *ctx, JSStackFrame *frame, JSValueConst value, char *out, size_t size)
{
    char text[MAX_SOURCE];
    size_t position;
    if (frame && running_position(ctx, frame, &position)) {
        size_t start = starts_name(position) ? chain_start(position) : position;
        bool is_spread = is_before(start, "...");
        size_t dots = is_spread ? skip_space_back(skip_space_back(start) - 3) : 0;
        if (is_spread && dots && program_text[dots - 1] == '(' && JS_IsObject(value))
            return snprintf(out, size, "Spread syntax requires ...iterable[Symbol.iterator] to be a function");
        bool is_source = is_spread || is_before(start, " of");
        SourceKind kind = is_source ? source_text(start, text, sizeof text)
                                    : initializer_text(position, text, sizeof text);
        if (kind == SOURCE_NAME || kind == SOURCE_CALL || (is_source && kind != SOURCE_OTHER))
            return not_iterable(out, size, kind, text);
    }
    typed_text(ctx, value, text, sizeof text);
    return snprintf(out, size, "%s is not iterable (cannot read property Symbol(Symbol.iterator))", text);
}

/* const { a } = nothing; the position is that of the pattern's first name. */
static int destructuring_message(JSContext *ctx, JSStackFrame *frame, JSValueConst value, char *out, size_t size)
{
    const char *kind = JS_IsNull(value) ? "null" : "undefined";
    char text[MAX_SOURCE], name[MAX_SOURCE];
    size_t position, end;
    if (!running_position(ctx, frame, &position))
        return -1;
    for (end = position; end < program_length && is_word(program_text[end]);)
        end++;
    snprintf(name, sizeof name, "%.*s", (int)(end - position), program_text + position);
    size_t brace = skip_space_back(position);
    if (*name && brace && is_before(brace - 1, ":"))
        return snprintf(out, size, "Cannot read properties of %s (reading '%s')", kind, name);
    if (initializer_text(position, text, sizeof text) == SOURCE_OTHER)
        snprintf(text, sizeof text, "%s", JS_IsNull(value) && *name ? "object null" : kind);
    if (!*name)
        return snprintf(out, size, "Cannot destructure '%s' as it is %s.", text, kind);
    return snprintf(out, size, "Cannot destructure property '%s' of '%s' as it is %s.", name, text, kind);
}
