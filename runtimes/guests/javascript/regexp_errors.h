/* What is wrong with a regular expression, in node's words. Included by engine.c only. */
#pragma once

static const Message REGEXP_REASONS[] = {
    { "expecting ')'", "Unterminated group" },
    { "nothing to repeat", "Nothing to repeat" },
    { "invalid repetition count", "numbers out of order in {} quantifier" },
    { "duplicate group name", "Duplicate capture group name" },
    { "invalid class range", "Range out of order in character class" },
    { "invalid group name", "Invalid capture group name" },
    { "expecting group name", "Invalid named reference" },
    { "group name not defined", "Invalid named capture referenced" },
    { "extraneous characters at the end", "Unmatched ')'" },
    { "invalid group", "Invalid group" },
    { "invalid escape sequence in regular expression", "Invalid escape" },
    { "invalid decimal escape in regular expression", "Invalid decimal escape" },
    { "back reference out of range in regular expression", "Invalid escape" },
    { "invalid character in class in regular expression", "Invalid character in character class" },
    { "unknown unicode property name", "Invalid property name" },
    { "unknown unicode property value", "Invalid property name" },
    { "unknown unicode general category", "Invalid property name" },
    { "unknown unicode script", "Invalid property name" },
    { "expecting '{' after \\p", "Invalid property name" },
    { "syntax error", "Lone quantifier brackets" },
    { "too many captures", "Too many captures" },
    { "too many imbricated quantifiers", "Regular expression too large" },
    { "stack overflow", "Regular expression too large" },
};

/* The engine reads to the end, whatever is missing there. */
static const char *unexpected_end(const char *pattern, size_t length)
{
    size_t slashes = 0;
    while (slashes < length && pattern[length - 1 - slashes] == '\\')
        slashes++;
    return slashes % 2 ? "\\ at end of pattern" : "Unterminated character class";
}

static JSValue engine_regexp_error(JSContext *ctx, JSValueConst pattern, JSValueConst flags, const char *reason)
{
    size_t length;
    const char *text = JS_ToCStringLen(ctx, &length, pattern);
    const char *letters = JS_IsUndefined(flags) ? NULL : JS_ToCString(ctx, flags);
    for (size_t i = 0; i < countof(REGEXP_REASONS); i++) {
        if (strcmp(REGEXP_REASONS[i].engine, reason) == 0)
            reason = REGEXP_REASONS[i].node;
    }
    if (text && strcmp(reason, "unexpected end") == 0)
        reason = unexpected_end(text, length);
    if (text && strcmp(reason, "Invalid escape") == 0 && strstr(text, "\\u"))
        reason = "Invalid Unicode escape";
    /* The engine cuts messages; this may be as long as its pattern. */
    JSValue message = JS_NewString(ctx, "Invalid regular expression: /");
    message = JS_ConcatString(ctx, message, JS_DupValue(ctx, pattern));
    message = JS_ConcatString(ctx, message, JS_NewString(ctx, "/"));
    message = JS_ConcatString(ctx, message, JS_NewString(ctx, letters ? letters : ""));
    message = JS_ConcatString(ctx, message, JS_NewString(ctx, ": "));
    message = JS_ConcatString(ctx, message, JS_NewString(ctx, reason));
    JS_FreeCString(ctx, text);
    JS_FreeCString(ctx, letters);
    JS_ThrowSyntaxError(ctx, "%s", "");
    JSValue error = JS_GetException(ctx);
    JS_DefinePropertyValue(ctx, error, JS_ATOM_message, message, JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    return JS_Throw(ctx, error);
}
