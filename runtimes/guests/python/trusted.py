"""Runs a trusted test, in which the program's names stand for what is in another sandbox."""

import ast
import linecache

import asking
import calls
import equality
import script
import stand_ins
import usage

FILENAME = "tests.py"
_EXPECTS = {"assertRaises", "assertRaisesRegex", "raises", "suppress"}


def run(text: str, names: dict[str, str], in_place: bool) -> None:
    """Run a test.

    Args:
        text: the test.
        names: functions and classes of the program, and what they are called there.
        in_place: whether the functions change their arguments in place and also return something of use.
    """
    space = script.namespace()
    calls.serve_with(asking.serve)
    stand_ins.in_place_always = in_place
    stand_ins.awaits = "await" in text or "asyncio" in text
    # Tracebacks show the lines of this text, and none of the one that has called this function.
    linecache.cache[FILENAME] = (len(text), None, text.splitlines(True), FILENAME)
    linecache.cache[script.FILENAME] = (0, None, [], script.FILENAME)
    tree = ast.parse(text, FILENAME)
    exceptions, classes = _caught(tree), usage.classes_of(tree)
    for name, own in names.items():
        if name in exceptions or name.endswith(("Error", "Exception")):
            space[name] = asking.exception(name)
        else:
            kind = stand_ins.Function
            if own.rpartition(".")[2].lstrip("_")[:1].isupper():
                kind = stand_ins.Class if name in classes else stand_ins.Named
            space[name] = kind(name, None, "callable", own)
    space |= {"__in_place__": stand_ins.in_place, "__identical__": equality.identical}
    try:
        exec(compile(_Rewritten().visit(tree), FILENAME, "exec", dont_inherit=True), space)
    except AssertionError as error:
        for name in sorted(equality.held_against_data):
            error.add_note(f"note: a {name} object of the program was compared with plain data, which it never equals")
        raise


def proxy(name: str, own: str = "") -> stand_ins.Function:
    """What stands for a function or class of the program, by its name here and there."""
    return stand_ins.Function(name, None, "callable", own or name)


def _caught(tree: ast.AST) -> set[str]:
    """The names of exceptions that a test catches or expects."""
    kinds: list[ast.expr] = []
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=ast.expr() as kind):
                kinds.append(kind)
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[kind, *_]) if name in _EXPECTS:
                kinds.append(kind)
    return {name.id for kind in kinds for name in ast.walk(kind) if isinstance(name, ast.Name)}


class _Rewritten(ast.NodeTransformer):
    """Marks the calls whose only use can be what they change in place: `f(a)` alone, and `f(a) is None`.

    Elsewhere a function that changes its argument could change what its result is held against: with
    `assert f(a) == sorted(a)`, it would empty the list and return it.

    And `a is b` becomes a call, for one object of the program may have two stand-ins.
    """

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        self._mark(node.value)
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        match node:
            case ast.Compare(ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]):
                self._mark(node.left)
            case ast.Compare(ops=[ast.Is() | ast.IsNot() as operator], comparators=[right]):
                same: ast.expr = ast.Call(ast.Name("__identical__", ast.Load()), [node.left, right], [])
                if isinstance(operator, ast.IsNot):
                    same = ast.UnaryOp(ast.Not(), same)
                return self.generic_visit(ast.fix_missing_locations(ast.copy_location(same, node)))
        return self.generic_visit(node)

    @staticmethod
    def _mark(node: ast.expr) -> None:
        if isinstance(node, ast.Call):
            marked = ast.Call(ast.Name("__in_place__", ast.Load()), [node.func], [])
            node.func = ast.fix_missing_locations(ast.copy_location(marked, node.func))
