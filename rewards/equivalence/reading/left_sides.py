r"""What stands before an equals sign and only names the value: ``P(A|B)``, ``y(x)``, ``\frac{\partial f}{\partial x}``.

Elsewhere ``y(x)`` is a product and ``P(X > 3)`` nothing at all, so these names are read before an equals sign only.
"""

from __future__ import annotations

from fractions import Fraction

from ..tree import Call, Number, Tree, Variable
from .tokens import Token
from .vocabulary import FUNCTIONS, WORD_CONSTANTS

_EQUALS = ("=", "approx")
_OPENINGS, _CLOSINGS = ("(", "[", "{", "\\{"), (")", "]", "}", "\\}")
# In the parentheses of a probability or an expected value.
_EVENTS = ("|", "=", "<", ">", "<=", ">=", "!=", "in", "cap", "cup", ",")
_MEASURES = ("P", "E", "Pr", "Var", "Cov", "SD", "SE", "Corr", "mathbb P", "mathbb E", "V")
_LONGEST = 40


def name_before_equals(tokens: list[Token], at: int) -> tuple[Tree, int] | None:
    """The name that begins at a token and reaches to an equals sign, and where that sign is; None if there is none."""
    for read in (_derivative, _applied, _nabla):
        found = read(tokens, at)
        if found is not None and tokens[found[1]].kind == "symbol" and tokens[found[1]].text in _EQUALS:
            return found
    return None


def _derivative(tokens: list[Token], at: int) -> tuple[Tree, int] | None:
    r"""``\frac{\partial f}{\partial x}``, ``\frac{d^2 y}{dx^2}`` or the same with a slash."""
    if tokens[at].text == "frac":
        upper, at = _braced(tokens, at + 1)
        lower, at = _braced(tokens, at)
    else:
        slash = next((place for place in range(at, min(at + 8, len(tokens))) if tokens[place].text == "/"), at)
        upper = [token.text for token in tokens[at:slash]]
        end = next((place for place in range(slash, min(slash + 8, len(tokens))) if tokens[place].text in _EQUALS), at)
        lower, at = [token.text for token in tokens[slash + 1 : end]], end
    mark = next((mark for mark in ("partial", "d") if upper[:1] and upper[0].startswith(mark)), "")
    if not mark or not lower or not lower[0].startswith(mark):
        return None
    name, below = "".join(upper).removeprefix(mark), "".join(lower).split(mark)[1:]
    order = 1
    if name[:1] == "^" and name[1:2].isdigit():
        order, name = int(name[1]), name[2:]
    index = ""
    for piece in below:
        variable, _, power = piece.partition("^")
        if len(variable) != 1 or power not in ("", "2", "3"):
            return None
        index += variable * int(power or 1)
    if not name.isalpha() or len(index) != order:
        return None
    at = _passed_over(tokens, at) if tokens[at].text == "(" else at
    name = "f" if mark == "d" and name == "y" else name
    return (
        Variable(f"{name}_{index}") if mark == "partial" else Call(name + "'" * order, (Variable(index[0]),), False)
    ), at


def _applied(tokens: list[Token], at: int, shifted: int = 0) -> tuple[Tree, int] | None:
    """``y'(x)``, ``p(2)``, ``f_x(x, y)``, ``P(A|B)``, ``E[X]``."""
    head = tokens[at]
    measure = head.text in _MEASURES and head.kind in ("word", "text", "symbol")
    if head.text == "vec" and head.kind == "accent":
        return _of_vector(tokens, at + 1)
    if not measure and (
        head.kind not in ("word", "text")
        or not head.text.isalpha()
        or head.text in FUNCTIONS
        or head.text in WORD_CONSTANTS
    ):
        return None
    name, at = head.text, at + 1
    if tokens[at].text == "_":
        pieces, at = _braced(tokens, at + 1) if tokens[at + 1].text == "{" else ([tokens[at + 1].text], at + 2)
        name += "_" + "".join(pieces)
    while tokens[at].text == "'":
        name, at = name + "'", at + 1
    if tokens[at].text not in ("(", "["):
        return None
    end = _passed_over(tokens, at)
    inside = tokens[at + 1 : end - 1]
    texts = [token.text for token in inside]
    plain = bool(inside) and all(token.kind in ("word", "number") or token.text in (",", "_") for token in inside)
    plain = plain and tokens[at].text == "(" and not {*texts} & {*FUNCTIONS, "frac"} and "_" not in texts
    event = measure and (
        tokens[at].text == "[" or bool({*texts} & {*_EVENTS}) or all(text[:1].isupper() for text in texts)
    )
    if plain and not event:
        values = [token for token in inside if token.text != ","]
        if len(values) * 2 - 1 != len(inside):
            return None
        return Call(name, tuple(map(_argument, values)), known=False), end - shifted
    return (Call(name, (Variable(" ".join(texts)),), known=False), end - shifted) if event else None


def _of_vector(tokens: list[Token], at: int) -> tuple[Tree, int] | None:
    r"""``\vec{r}(t)``, which is called r."""
    names, end = _braced(tokens, at)
    if not names:
        names, end = [tokens[at].text], at + 1
    return (
        _applied([*tokens[:end], Token("word", "".join(names)), *tokens[end:]], end, shifted=1)
        if len(names) == 1
        else None
    )


def _nabla(tokens: list[Token], at: int) -> tuple[Tree, int] | None:
    r"""``\nabla \times \mathbf{F}``, ``\nabla \cdot F``, ``\nabla f(x, y)``."""
    if tokens[at].text != "nabla":
        return None
    places = range(at, min(at + _LONGEST, len(tokens)))
    end = next((place for place in places if tokens[place].text in _EQUALS), at)
    texts = [token.text for token in tokens[at:end] if token.text not in ("{", "}", "vec")]
    head = texts[: texts.index("(")] if "(" in texts else texts
    sign = "" if "*" not in head else "*"
    return (Variable(f"nabla {sign}{head[-1]}"), end) if len(head) == 2 + len(sign) else None


def _argument(token: Token) -> Tree:
    if token.kind == "number" and token.text.isdigit():
        return Number(Fraction(int(token.text)))
    return Variable(token.text)


def _braced(tokens: list[Token], at: int) -> tuple[list[str], int]:
    """The texts inside of the braces that are opened at a token, without further ones, and where they end."""
    if tokens[at].text != "{":
        return [], at
    end = _passed_over(tokens, at)
    return [token.text for token in tokens[at + 1 : end - 1] if token.text not in ("{", "}")], end


def _passed_over(tokens: list[Token], at: int) -> int:
    """Where the group that is opened at a token ends; the end of all tokens, if it is too long."""
    depth = 0
    for place in range(at, min(at + _LONGEST, len(tokens))):
        token = tokens[place]
        if token.kind == "symbol":
            depth += (token.text in _OPENINGS) - (token.text in _CLOSINGS)
        if depth == 0:
            return place + 1
    return len(tokens) - 1
