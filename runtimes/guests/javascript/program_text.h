/* The expressions of the program's text that node quotes in its messages. Included by engine.c only. */
#pragma once

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

/* Where in the program's text the running function stands; false for code that is not the program's. */
static bool running_position(JSContext *ctx, JSStackFrame *frame, size_t *position)
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
    *position = text_position(line, column);
    return *position < program_length;
}

static bool starts_name(size_t position)
{
    return is_word(program_text[position]) && !(program_text[position] >= '0' && program_text[position] <= '9');
}

/* The expression that is being called, as far as it is a chain of names; false for others. */
static bool callee_text(JSContext *ctx, JSStackFrame *frame, char *text, size_t size, bool *is_new)
{
    size_t position;
    if (!running_position(ctx, frame, &position) || !starts_name(position))
        return false;
    size_t start = chain_start(position), end = chain_end(position);
    *is_new = is_new_before(start);
    return end > start && render_chain(start, end, text, size);
}
