r"""Words and signs around a formula that are rewritten before it is parsed: ``, where k is an integer``, ``<1, 2>``."""

from __future__ import annotations

from .tokens import Token

_CONDITIONS = frozenset(("for", "where", "with"))
_INTEGERS = frozenset(
    f"{start}{noun}"
    for start in ("is an ", "is any ", "is ", "are ", "an ", "any ", "")
    for noun in ("integer", "arbitrary integer", "integers")
)
_BEFORE = frozenset(
    f"{start} {noun}"
    for start in ("for", "for any", "for all", "for some", "for every", "for each", "where", "any")
    for noun in ("integer", "integers")
)
_COMMA, _IN, _ALL = Token("symbol", ","), Token("symbol", "in"), Token("symbol", "mathbb Z")
_BEFORE_ANGLE = ("=", "(", "{", "[", ",", "+", "-", "*")


def with_conditions(tokens: list[Token]) -> list[Token]:
    r"""The tokens with what is said of an integer as signs: ``\text{for integer } k`` is ``, k \in \mathbb{Z}``."""
    if not any(token.kind == "text" for token in tokens):
        return tokens
    found: list[Token] = []
    pending = False
    for at, token in enumerate(tokens):
        if token.text == "mod" and at and tokens[at - 1].text == "(":  # (\text{mod } 7)
            found[-1:] = [Token("symbol", "pmod"), Token("symbol", "{")]
            pending = False
            continue
        if token.text == ")" and at > 2 and tokens[at - 2].text == "mod" and tokens[at - 3].text == "(":
            token = Token("symbol", "}")
        phrase = " ".join(token.text.replace(",", " ").split()) if token.kind == "text" else ""
        if phrase in _BEFORE and found:
            found.append(_COMMA)
            pending = True
        elif phrase in _CONDITIONS and found and found[-1].text != "&":
            found.append(_COMMA)
        elif phrase in _INTEGERS and found and found[-1].kind == "word":
            found += [_IN, _ALL]
        else:
            found.append(token)
            if pending and token.kind == "word":
                found += [_IN, _ALL]
                pending = False
    return found


def with_numerals(tokens: list[Token]) -> list[Token]:
    r"""The tokens with a number in another base as one word: ``A37_{16}``, ``\text{A37}_{16}``, ``101 in base 2``."""
    found: list[Token] = []
    for at, token in enumerate(tokens):
        behind = tokens[at + 1 : at + 6]
        if token.kind == "text" and token.text.isalnum() and behind and behind[0].text == "_" and token.text.isupper():
            token = Token("word", token.text, token.spaced)
        base = " ".join(before.text for before in found[-2:] if before.kind in ("word", "text"))
        if token.kind == "number" and base.endswith("base"):
            while found and found[-1].kind in ("word", "text") and found[-1].text in ("base", "in base", "in"):
                found.pop()
            token = Token("text", f"base {token.text}")
        found.append(token)
        if len(found) > 1 and not token.spaced and _is_base(behind):
            digits = found[-2].text + token.text
            if {found[-2].kind, token.kind} == {"number", "word"} and _is_numeral(digits):
                found[-2:] = [Token("word", digits)]
    return found


def _is_numeral(text: str) -> bool:
    return text.isalnum() and set(text) <= {*"0123456789ABCDEF"}


def _is_base(tokens: list[Token]) -> bool:
    """Whether ``_{16}`` follows; a factor with another index may be a variable's."""
    texts = [token.text for token in tokens[:4] if token.text not in ("{", ")")]
    return texts[:2] in (["_", "16"], ["_", "sixteen"])


def with_angles(tokens: list[Token]) -> list[Token]:
    """The tokens with ``<1, 2>`` in angle brackets: where a value must begin, a sign of order can't stand."""
    found = list(tokens)
    opened = False
    for at, token in enumerate(tokens):
        if token.kind != "symbol" or token.text not in ("<", ">"):
            continue
        if token.text == "<" and not opened and (at == 0 or tokens[at - 1].text in _BEFORE_ANGLE):
            opened = True
            found[at] = Token("symbol", "langle", token.spaced)
        elif token.text == ">" and opened:
            opened = False
            found[at] = Token("symbol", "rangle", token.spaced)
    return found
