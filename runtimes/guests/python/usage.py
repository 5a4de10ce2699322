"""Which names a trusted test treats as classes, by its own text: what the program says of itself does not count."""

import ast
from collections import defaultdict
from collections.abc import Iterator

# What data has too: a function's result may be asked for it.
_OF_DATA = {name for kind in (str, bytes, int, float, complex, list, tuple, dict, set) for name in dir(kind)}


def classes_of(tree: ast.AST) -> set[str]:
    """The names whose results the test uses as objects, or that it uses as classes themselves.

    `Stack().push(1)`, `s = Stack(3)` and `s.size` somewhere, `Vec(1, 2) + Vec(3, 4)`, `with Lock()`,
    `isinstance(x, Node)`, `Card(2) < Card(3)`, `sorted([Card(3), Card(1)])`. A method that data has too, as in
    `Extract(a).count(1)`, says nothing, unless the call had no arguments, as in `Stack().pop()`. Comparisons with
    anything else say nothing: numbers are compared too.
    """
    made = _assigned(tree)

    def calls(node: ast.AST) -> list[ast.Call]:
        return [node] if _called(node) else made.get(_key(node), [])

    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=value, attr=name):
                found |= {_called(call) for call in calls(value) if name not in _OF_DATA or not _has_arguments(call)}
            case ast.BinOp(left=left, right=right):
                found |= {*map(_called, calls(left))} & {*map(_called, calls(right))}
            case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()], comparators=[right]):
                if ast.dump(left) != ast.dump(right):
                    found |= {*map(_called, calls(left))} & {*map(_called, calls(right))}
            case ast.Call(func=ast.Name(id="sorted"), args=[ast.List(elts=[first, second, *_]), *_]):
                found |= {*map(_called, calls(first))} & {*map(_called, calls(second))}
            case ast.Call(func=ast.Name(id="min" | "max"), args=[first, second, *_]):
                found |= {*map(_called, calls(first))} & {*map(_called, calls(second))}
            case ast.withitem(context_expr=value):
                found |= {*map(_called, calls(value))}
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kinds]):
                found |= {kind.id for kind in ast.walk(kinds) if isinstance(kind, ast.Name)}
            case ast.ClassDef(bases=bases):
                found |= {base.id for base in bases if isinstance(base, ast.Name)}
    return _with_aliases(found, tree)


def _called(node: ast.AST) -> str:
    """The name that is called; empty if it is no such call."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _has_arguments(call: ast.Call) -> bool:
    return bool(call.args or call.keywords)


def _key(node: ast.AST) -> str:
    """What stands for a variable, `s` or `self.s`; empty if it is none."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return f"{owner}.{name}"
    return ""


def _assignments(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Variables, and what they are set to."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                        yield from zip(target.elts, value.elts, strict=False)
                    yield target, value
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                yield target, value
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                yield target, value


def _assigned(tree: ast.AST) -> dict[str, list[ast.Call]]:
    """The calls whose results a variable may hold."""
    made = defaultdict(list)
    for target, value in _assignments(tree):
        if _key(target) and isinstance(value, ast.Call) and _called(value):
            made[_key(target)].append(value)
    return made


def _with_aliases(names: set[str], tree: ast.AST) -> set[str]:
    """The names, and the others that mean the same: `Stack = candidate`, and the parameters of the test's functions."""
    functions = {node.name: node.args.args for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    pairs = [
        {target.id, value.id}
        for target, value in _assignments(tree)
        if isinstance(target, ast.Name) and isinstance(value, ast.Name)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in functions:
            parameters = functions[_called(node)]
            pairs += [{p.arg, a.id} for p, a in zip(parameters, node.args, strict=False) if isinstance(a, ast.Name)]
    names, before = set(names), -1
    while len(names) > before:
        before = len(names)
        names.update(*(pair for pair in pairs if not pair.isdisjoint(names)))
    return names
