"""Small changes to QuickJS-NG's sources that the build makes: what cannot be done from outside the engine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Patch:
    """One change.

    Attributes:
        old: a text that stands in the source file exactly once.
        new: what to put in its place.
        file: the name of the file.
    """

    old: str
    new: str
    file: str = "quickjs.c"


PATCHES = (
    # Calls take as many arguments as in node, which spreads 125,000 elements; the number of variables stays limited.
    # The arguments lie in the heap, so their number endangers no stack.
    Patch(
        """if (len > JS_MAX_LOCAL_VARS) {
        // XXX""",
        """if (len > ENGINE_MAX_ARGUMENTS) {
        // XXX""",
    ),
    # Elements that go behind the last one of an ordinary array need no descriptor: slice, map, filter, spread, split,
    # Array.from and many others append this way. `length` cannot be read-only unless the array was made so, which
    # add_fast_array_element() sees.
    Patch(
        """    JSAtom atom;
    int ret;
    atom = JS_ValueToAtom(ctx, prop);
    JS_FreeValue(ctx, prop);
    if (unlikely(atom == JS_ATOM_NULL)) {
        JS_FreeValue(ctx, val);
        return -1;
    }
    ret = JS_DefinePropertyValue(""",
        """    JSAtom atom;
    int ret;
    if (JS_VALUE_GET_TAG(prop) == JS_TAG_INT && JS_VALUE_GET_TAG(this_obj) == JS_TAG_OBJECT) {
        JSObject *p = JS_VALUE_GET_OBJ(this_obj);
        if (p->class_id == JS_CLASS_ARRAY && p->fast_array && p->extensible &&
            (uint32_t)JS_VALUE_GET_INT(prop) == p->u.array.count && (flags & JS_PROP_C_W_E) == JS_PROP_C_W_E)
            return add_fast_array_element(ctx, p, val, flags);
    }
    atom = JS_ValueToAtom(ctx, prop);
    JS_FreeValue(ctx, prop);
    if (unlikely(atom == JS_ATOM_NULL)) {
        JS_FreeValue(ctx, val);
        return -1;
    }
    ret = JS_DefinePropertyValue(""",
    ),
    # Long arrays grow by an eighth instead of a half: they take most of the memory that there is, and as a rule they
    # grow in place.
    Patch(
        "    new_size = old_size + old_size/2;\n    if (new_size < old_size)",
        "    new_size = old_size + (old_size > 1 << 19 ? old_size / 8 : old_size / 2);\n    if (new_size < old_size)",
    ),
    # The check for cycles read the stack of open objects through an array's generic methods at each level.
    Patch(
        "js_array_includes(ctx, jsc->stack, 1, vc(&val))",
        "engine_json_includes(ctx, jsc->stack, val)",
    ),
    # A parser that goes as deep as the stack allows spends seconds on the scopes of nested blocks: each looks through
    # all those around it. Node's whole stack is 1 MB.
    Patch(
        """    if (js_check_stack_overflow(s->ctx->rt, 1000)) {
        JS_ThrowStackOverflow(s->ctx);
        return -1;
    }

    free_token(s, &s->token);

    p = s->last_ptr = s->buf_ptr;
    s->got_lf = false;""",
        """    if (js_check_stack_overflow(s->ctx->rt, JS_SHADOW_STACK - (1200 << 10))) {
        JS_ThrowStackOverflow(s->ctx);
        return -1;
    }

    free_token(s, &s->token);

    p = s->last_ptr = s->buf_ptr;
    s->got_lf = false;""",
    ),
    # Iterators are called past the check of the stack, and these call one another. The native stack is five times as
    # large as the one that the engine counts: each level takes its share of that one, too.
    Patch(
        """    bool finished;
    JSValue ret;

    *pdone = false;
    finished = false;

    /* Iterator.concat()""",
        """    bool finished;
    JSValue ret;
    volatile char counted[256];

    counted[0] = 0;
    *pdone = false;
    finished = false;
    if (js_check_stack_overflow(ctx->rt, 0))
        return JS_ThrowStackOverflow(ctx);

    /* Iterator.concat()""",
    ),
    # The name of a function bound many times is as long as the number of bindings: as a rope it is shared.
    Patch(
        'JS_ConcatString3(ctx, "bound ", name1, "")',
        'JS_ConcatString(ctx, JS_NewString(ctx, "bound "), name1)',
    ),
    # text += piece, where nobody else holds the text, goes on in its last part.
    Patch(
        """                    sp--;
                } else if (JS_VALUE_GET_TAG(*pv) == JS_TAG_STRING) {
                    JSValue op1;""",
        """                    sp--;
                } else if (JS_VALUE_GET_TAG(*pv) == JS_TAG_STRING_ROPE && engine_append(ctx, *pv, sp[-1])) {
                    sp--;
                } else if (JS_VALUE_GET_TAG(*pv) == JS_TAG_STRING) {
                    JSValue op1;""",
    ),
    # A string that is a property's name must not grow in place: the table of names knows it by its text. A name whose
    # object is gone has one reference, as in `made[Object.keys(parse(text))[0] + "x"]`.
    Patch(
        "if (JS_REF_COUNT(p1) == 1 && p1->is_wide_char == p2->is_wide_char\n",
        "if (JS_REF_COUNT(p1) == 1 && !p1->atom_type && p1->kind == JS_STRING_KIND_NORMAL &&\n"
        "        p1->is_wide_char == p2->is_wide_char\n",
    ),
    # Node's messages name the object and the property, the engine's do not: these places tell (see blame.h).
    Patch(
        """    if (p == JS_VALUE_GET_OBJ(obj)) {
        if (unlikely(!p->extensible)) {""",
        """    if (p == JS_VALUE_GET_OBJ(obj)) {
        if (unlikely(!p->extensible)) {
            engine_blame_if(ctx, flags, this_obj, prop);""",
    ),
    Patch(
        '    not_extensible:\n        return JS_ThrowTypeErrorOrFalse(ctx, flags, "object is not extensible");',
        """    not_extensible:
        engine_blame_if(ctx, flags, JS_MKPTR(JS_TAG_OBJECT, p), prop);
        return JS_ThrowTypeErrorOrFalse(ctx, flags, "cannot define property");""",
    ),
    Patch("    read_only_prop:\n", "    read_only_prop:\n engine_blame_if(ctx, flags, this_obj, prop);\n"),
    Patch(
        'ret = JS_ThrowTypeErrorOrFalse(ctx, flags, "not an object");',
        """engine_blame_if(ctx, flags, this_obj, prop);
        ret = JS_ThrowTypeErrorOrFalse(ctx, flags, "not an object");""",
    ),
    Patch(
        "            return set_array_length(ctx, p, val, flags);\n        } else if",
        """            if (!(get_shape_prop(p->shape)->flags & JS_PROP_WRITABLE))
                engine_blame_if(ctx, flags, this_obj, prop);
            return set_array_length(ctx, p, val, flags);
        } else if""",
    ),
    Patch(
        "GETSET) {\n            return call_setter(ctx, pr->u.getset.setter,",
        """GETSET) {
            if (!pr->u.getset.setter)
                engine_blame_if(ctx, flags, this_obj, prop);
            return call_setter(ctx, pr->u.getset.setter,""",
    ),
    Patch(
        "GETSET) {\n                return call_setter(ctx, pr->u.getset.setter,",
        """GETSET) {
                if (!pr->u.getset.setter)
                    engine_blame_if(ctx, flags, this_obj, prop);
                return call_setter(ctx, pr->u.getset.setter,""",
    ),
    Patch(
        '        JS_ThrowTypeError(ctx, "could not delete property");',
        '        engine_blame(obj, prop);\n        JS_ThrowTypeError(ctx, "could not delete property");',
    ),
    Patch(
        "        not_configurable:\n",
        "        not_configurable:\n            engine_blame_if(ctx, flags, JS_MKPTR(JS_TAG_OBJECT, p), prop);\n",
    ),
    Patch(
        """    if (JS_VALUE_GET_TAG(op2) != JS_TAG_OBJECT) {
        JS_ThrowTypeError(ctx, "invalid 'in' operand");""",
        """    if (JS_VALUE_GET_TAG(op2) != JS_TAG_OBJECT) {
        atom = JS_ValueToAtom(ctx, op1);
        engine_blame(op2, atom);
        JS_ThrowTypeError(ctx, "invalid 'in' operand");
        JS_FreeAtom(ctx, atom);""",
    ),
    Patch(
        '        JS_FreeValue(ctx, method);\n        return JS_ThrowTypeError(ctx, "value is not iterable");',
        """        JS_FreeValue(ctx, method);
        engine_blame(obj, JS_ATOM_NULL);
        return JS_ThrowTypeError(ctx, "value is not iterable");""",
    ),
    Patch(
        "                ret_val = JS_ToObject(ctx, sp[-1]);\n",
        """                if (JS_IsNull(sp[-1]) || JS_IsUndefined(sp[-1]))
                    engine_blame(sp[-1], JS_ATOM_NULL);
                ret_val = JS_ToObject(ctx, sp[-1]);
""",
    ),
    # And here the position of a pattern is noted, so that the message can quote what it takes apart.
    Patch(
        "        emit_op(s, OP_to_object);\n        if (has_ellipsis) {",
        "        emit_source_loc(s);\n        emit_op(s, OP_to_object);\n        if (has_ellipsis) {",
    ),
    Patch(
        "        emit_op(s, OP_for_of_start);\n        has_spread = false;",
        "        emit_source_loc(s);\n        emit_op(s, OP_for_of_start);\n        has_spread = false;",
    ),
    Patch(
        '        JS_ThrowSyntaxError(ctx, "%s", error_msg);\n        return JS_EXCEPTION;',
        "        return engine_regexp_error(ctx, pattern, flags, error_msg);",
    ),
    Patch(
        '            JS_ThrowTypeError(ctx, "proxy: cannot set property");',
        '            engine_blame(obj, atom);\n            JS_ThrowTypeError(ctx, "proxy: cannot set property");',
    ),
    Patch(
        "        if (!JS_IsObject(item)) {\n            JS_ThrowTypeErrorNotAnObject(ctx);",
        """        if (!JS_IsObject(item)) {
            engine_blame(item, JS_ATOM_NULL);
            JS_ThrowTypeErrorNotAnObject(ctx);""",
    ),
    Patch(
        "                if (!JS_IsObject(item)) {\n                    JS_ThrowTypeErrorNotAnObject(ctx);",
        """                if (!JS_IsObject(item)) {
                    engine_blame(item, JS_ATOM_NULL);
                    JS_ThrowTypeErrorNotAnObject(ctx);""",
    ),
    # Node's sort, see sort.h. It is stable by itself, and writes every element back: a frozen array says no even if
    # it is in order.
    Patch("if (array[n].pos == n) {", "if (array[n].pos == n && js_is_fast_array(ctx, obj)) {"),
    Patch(
        "rqsort(array, pos, sizeof(*array), js_array_cmp_generic, &asc);",
        "engine_sort(ctx, array, pos, &asc);",
    ),
    Patch(
        """    /* make sort stable: compare array offsets */
    return (ap->pos > bp->pos) - (ap->pos < bp->pos);

exception:""",
        """    return 0;

exception:""",
    ),
    Patch("rqsort(array_idx, len, sizeof(array_idx[0]),", "engine_sort_places(ctx, array_idx, len,"),
    Patch("                   js_TA_cmp_generic, &tsc);", "                   &tsc);"),
    Patch(
        """        if (cmp == 0) {
            /* make sort stable: compare array offsets */
            cmp = (a_idx > b_idx) - (a_idx < b_idx);
        }
""",
        "",
    ),
    # A length below 0 is none, as everywhere else; cut to 32 bits it would be billions.
    Patch(
        """        if (js_get_length32(ctx, &len, it->obj)) {
        fail1:""",
        """        int64_t whole;
        if (js_get_length64(ctx, &whole, it->obj)) {
        fail1:""",
    ),
    Patch(
        """            return JS_EXCEPTION;
        }
    }
    idx = it->idx;""",
        """            return JS_EXCEPTION;
        }
        len = whole < UINT32_MAX ? whole : UINT32_MAX;
    }
    idx = it->idx;""",
    ),
    # Spreading text into an object copies its characters.
    Patch(
        """    if (JS_VALUE_GET_TAG(source) != JS_TAG_OBJECT)
        return 0;

    if (JS_VALUE_GET_TAG(excluded) == JS_TAG_OBJECT)""",
        """    if (JS_IsString(source)) {
        source = JS_ToObject(ctx, source);
        if (JS_IsException(source))
            return -1;
        ret = JS_CopyDataProperties(ctx, target, source, excluded, setprop);
        JS_FreeValue(ctx, source);
        return ret;
    }
    if (JS_VALUE_GET_TAG(source) != JS_TAG_OBJECT)
        return 0;

    if (JS_VALUE_GET_TAG(excluded) == JS_TAG_OBJECT)""",
    ),
    # Several numbers: as node does it, see numbers.h.
    Patch(
        """    double r, a;
    int i;

    r = 0;
    if (argc > 0) {
        if (JS_ToFloat64(ctx, &r, argv[0]))""",
        """    double r, a;
    int i;

    r = 0;
    if (argc > 1)
        return engine_hypot(ctx, argc, argv);
    if (argc > 0) {
        if (JS_ToFloat64(ctx, &r, argv[0]))""",
    ),
    # Node shows a native function on one line.
    Patch('suff = "() {\\n    [native code]\\n}";', 'suff = "() { [native code] }";'),
    # Whom these errors are about.
    Patch(
        '                JS_ThrowTypeError(ctx, "parent class must be constructor");',
        """                engine_blame(parent_class, JS_ATOM_NULL);
                JS_ThrowTypeError(ctx, "parent class must be constructor");""",
    ),
    Patch(
        '                    JS_ThrowTypeError(ctx, "invalid brand on object");',
        """                    engine_blame(sp[-1], JS_ATOM_NULL);
                    JS_ThrowTypeError(ctx, "invalid brand on object");""",
    ),
    Patch(
        """                      JSVarDefEnum var_def_type)
{
    JSContext *ctx = s->ctx;
    JSVarDef *vd;
    int idx;
""",
        """                      JSVarDefEnum var_def_type)
{
    JSContext *ctx = s->ctx;
    JSVarDef *vd;
    int idx;

    engine_declares(name);
""",
    ),
    Patch(
        ' unexpected_eof:\n    js_parse_error(s, "unexpected end of string");',
        ' unexpected_eof:\n    js_parse_error(s, "Unterminated template literal");',
    ),
    Patch(
        'return js_parse_error(s, "expecting field name");',
        "return js_parse_expect(s, ';');",
    ),
    # A statement that does not end: say at what, as everywhere else.
    Patch(
        "return js_parse_error(s, \"expecting '%c'\", ';');",
        "return js_parse_expect(s, ';');",
    ),
    # Rebalancing a rope of single letters takes as long as it has letters, every 60 of them: copy it into one string,
    # less often. A rope keeps its depth in eight bits.
    Patch("#define JS_STRING_ROPE_MAX_DEPTH 60", "#define JS_STRING_ROPE_MAX_DEPTH 250"),
    Patch("res2 = js_rebalance_string_rope(ctx, res);", "res2 = engine_shallow_rope(ctx, res);"),
)


def patched(sources: Path, work: Path, patches: tuple[Patch, ...] = PATCHES) -> Path:
    """Copy the sources and change the copy.

    Args:
        sources: the folder of QuickJS-NG's C sources; it stays as it is.
        work: an empty folder for the copy.
        patches: what to change.

    Returns:
        The folder of the copy.

    Raises:
        RuntimeError: a text to replace is absent or stands there more than once.
    """
    folder = work / "quickjs"
    shutil.copytree(sources, folder)
    for patch in patches:
        path = folder / patch.file
        text = path.read_text(encoding="utf-8")
        if (count := text.count(patch.old)) != 1:
            line = patch.old.strip().splitlines()[0]
            raise RuntimeError(f"{patch.file}: the text to patch stands there {count} times, not once: {line}")
        path.write_text(text.replace(patch.old, patch.new), encoding="utf-8", newline="\n")
    return folder
