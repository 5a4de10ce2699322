r"""The parser of whole answers: lists, intervals, sets, relations, ratios, matrices around expressions."""

from __future__ import annotations

from functools import lru_cache

from ..limits import ExpressionError, LimitError, check_text
from ..tree import (
    SCALARS,
    VECTOR,
    Call,
    Constant,
    Group,
    Measure,
    Number,
    Ratio,
    Relation,
    SetOperation,
    Tree,
    Variable,
    negative,
    without_sign,
)
from .english import in_digits, phrase
from .environments import EnvironmentParser
from .left_sides import name_before_equals
from .phrases import with_angles, with_conditions, with_numerals
from .tokens import tokenize
from .units import CLOCK
from .vectors import combined
from .wrappers import text_inside, unwrap

_RELATIONS = ("=", "<", ">", "<=", ">=", "!=", "in", "notin", "approx", "equiv", "to")
_CLOSINGS = {
    "(": (")", "]"),
    "[": ("]", ")", "["),
    "]": ("[", "]"),
    "{": ("}",),
    "\\{": ("\\}",),
    "langle": ("rangle",),
}
_QUANTIFIERS = ("(", "for", "where")
_QUANTIFIED_BY = (
    "( ) , for where with all any every each some arbitrary is are an a real positive integer integers number numbers"
    " constant constants in mathbb"
)
_QUANTIFIED = frozenset(_QUANTIFIED_BY.split())
_SAID = _QUANTIFIED - {"(", ")", ",", "for", "where", "with", "a", "an"}
_LONGEST_QUANTIFIER = 16
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


@lru_cache(maxsize=2_048)
def parse(text: str) -> Tree:
    """Reads an answer.

    Raises:
        LimitError: the text is over 2,000 characters, 800 tokens or a depth of 60.
        ExpressionError: it isn't an answer that we know, or it has more than one reading.
    """
    check_text(text)
    text = unwrap(text)
    if (known := phrase(text)) is not None:
        return known
    try:
        return _parsed(text)
    except LimitError:
        raise
    except ExpressionError:
        inside = text_inside(text)
        if not inside:
            raise
        return _parsed(inside)  # \text{x = 5}


def _parsed(text: str) -> Tree:
    parser = _AnswerParser(with_angles(with_conditions(with_numerals(tokenize(in_digits(text))))))
    tree = parser.whole()
    if parser.next.kind != "end":
        raise parser.unexpected()
    return tree


class _AnswerParser(EnvironmentParser):
    """The rules above the expression."""

    building = False

    def whole(self) -> Tree:
        """One answer, or several with commas and words between."""
        self.accept("=")  # = 24
        parts, joiner = self.parts()
        parts += self.quantified()
        return parts[0] if len(parts) == 1 else Group("", "", tuple(parts), joiner)

    def quantified(self) -> list[Tree]:
        r"""What is said of the letters behind an answer: ``(k \in \mathbb{Z})``, ``\text{ for all real } x``."""
        words = self.quantified_at(self.at + (self.next.text == ","))
        if not words:
            return []
        names = [word for word in words if len(word) == 1 and word.isalpha() and word != "a"]
        self.at = len(self.tokens) - 2
        whole = not {"mathbb", "z"}.difference(words) or not {"integer", "integers"}.isdisjoint(words)
        names = [name for name in names if name != "z"]
        return [Relation(("in",), (Variable(names[0]), Constant("mathbb Z")))] if whole and len(names) == 1 else []

    def quantified_at(self, start: int) -> list[str]:
        """The words from there to the end, if they only say what letters stand for; else none."""
        if len(self.tokens) - 2 - start > _LONGEST_QUANTIFIER:
            return []
        words = [word for token in self.tokens[start:-2] for word in token.text.lower().split()]
        unknown = {word for word in words if len(word) > 1 or not word.isalpha()} - _QUANTIFIED
        said = words[:1] != ["("] or "in" in words
        return words if words and words[0] in _QUANTIFIERS and said and not unknown and set(words) & _SAID else []

    def parts(self) -> tuple[list[Tree], str]:
        """Relations, and what stands between them."""
        parts = [self.relation()]
        joiner = ","
        while separator := self.separator():
            joiner = separator if separator != "," else joiner
            while separator := self.separator():
                joiner = separator if separator != "," else joiner
            parts.append(self.relation())
        return parts, joiner

    def separator(self) -> str:
        """Takes a comma or a word between two answers, if one comes next."""
        if self.next.text in (",", *_QUANTIFIERS) and self.quantified_at(self.at + (self.next.text == ",")):
            return ""
        if sign := self.accept(",", ";", "and", "or"):
            return "," if sign == ";" else sign
        word = self.accept_word("and", "or", "where")
        return "," if word == "where" else word

    def accept_word(self, *words: str) -> str:
        """Takes the next token if it is one of these words, in any case; empty text if it is none."""
        word = self.next.text.lower()
        if self.next.kind not in ("word", "text") or word not in words:
            return ""
        self.at += 1
        return word

    def relation(self) -> Tree:
        named = name_before_equals(self.tokens, self.at)
        if named is not None:
            self.at = named[1]
        elif self.at == 0 and self.accept("approx"):
            return self.approximation()
        operands = [named[0] if named is not None else self.ratio()]
        signs: list[str] = []
        while sign := self.accept(*_RELATIONS):
            signs.append(sign)
            operands.append(self.ratio())
        if self.accept("pmod"):
            signs.append("pmod")
            operands.append(self.argument())
        elif self.next.text == "(" and self.after.text == "mod":
            self.at += 2
            signs.append("pmod")
            operands.append(self.deeper(self.sum))
            self.expect(")")
        elif "equiv" in signs and isinstance(operands[-1], Call) and operands[-1].name == "mod":
            signs.append("pmod")
            operands[-1:] = operands[-1].operands
        return _read(Relation(tuple(signs), tuple(operands))) if signs else operands[0]

    def approximation(self) -> Tree:
        r"""``\approx 3.14`` is what it says; ``\approx 6`` is not 6."""
        tree = self.ratio()
        inside = without_sign(tree.operands[0] if isinstance(tree, Measure) else tree)
        if not isinstance(inside, Number) or not inside.places:
            raise ExpressionError("an approximation of an exact value")
        return tree

    def ratio(self) -> Tree:
        operands = [self.set_operation()]
        while not self.building and (self.accept(":") or self.accept_word("to")):
            operands.append(self.set_operation())
        if len(operands) == 1:
            return operands[0]
        last = operands[-1]
        if isinstance(last, Measure) and last.unit in CLOCK:  # 5:30 p.m.
            return Measure(last.unit, (Group("(", ")", (*operands[:-1], *last.operands)),))
        return Ratio(tuple(map(_scalar, operands)))

    def set_operation(self) -> Tree:
        tree = self.sum()
        while sign := self.accept("cup", "cap", "setminus") or self.accept_union():
            tree = SetOperation(sign, (tree, self.sum()))
            if any(isinstance(part, Group) and part.joiner == VECTOR for part in tree.operands):
                raise ExpressionError("a vector is no set")
        return tree

    def accept_union(self) -> str:
        """Takes a U between two intervals, if one comes next."""
        if not self.is_union():
            return ""
        self.take()
        return "cup"

    def sum(self) -> Tree:
        return _checked(combined(super().sum()))

    def group(self) -> Tree:
        opening = self.take().text
        closings = _CLOSINGS[opening]
        if opening == "\\{" and self.accept("\\}"):
            return Group("{", "}", ())
        outer = self.bars, self.building, self.reversed
        # In \{x | x > 0\} a bar begins the condition.
        self.bars, self.building, self.reversed = int(opening == "\\{"), opening == "\\{", opening == "]"
        parts, _ = self.deeper(self.parts)
        if opening == "\\{" and self.accept(":", "|"):
            parts = [self.builder(parts)]
        self.bars, self.building, self.reversed = outer
        closing = self.accept(*closings)
        if not closing:
            raise self.unexpected()
        return _enclosed(opening, closing, parts)

    def builder(self, parts: list[Tree]) -> Tree:
        r"""The set ``\{x : condition\}``, behind the colon."""
        conditions, joiner = self.deeper(self.parts)
        if len(parts) != 1:
            raise ExpressionError("a set of several things with one condition")
        return Call("such that", (parts[0], Group("", "", tuple(conditions), joiner)), known=False)


def _enclosed(opening: str, closing: str, parts: list[Tree]) -> Tree:
    if isinstance(parts[0], Call) and parts[0].name == "such that":
        return parts[0]
    if opening in ("{", "\\{"):
        single = opening == "{" and len(parts) == 1
        return parts[0] if single else Group("{", "}", tuple(parts))
    if opening == "langle" and len(parts) > 1:
        return Group("(", ")", tuple(parts), VECTOR)
    # ]a, b[ is an open interval.
    opening = {"langle": "(", "]": "("}.get(opening, opening)
    closing = {"rangle": ")", "[": ")"}.get(closing, closing)
    if len(parts) == 1 and (opening, closing) in (("(", ")"), ("[", "]")):
        return parts[0]
    if len(parts) == 1:
        raise ExpressionError("an interval with one end")
    return Group(opening, closing, tuple(parts))


def _checked(tree: Tree) -> Tree:
    """Refuses arithmetic with what is no number."""
    if isinstance(tree, SCALARS) and not (isinstance(tree, Call) and not tree.known):
        for operand in tree.operands:
            _scalar(operand)
    return tree


def _scalar(tree: Tree) -> Tree:
    if not isinstance(tree, (*SCALARS, Measure)):
        raise ExpressionError(f"arithmetic with a {type(tree).__name__.lower()}")
    return tree


def _read(relation: Relation) -> Tree:
    r"""``x \le -3 \cup x \ge 3``: the sign of a union between two inequalities."""
    for at, operand in enumerate(relation.operands):
        if (
            isinstance(operand, SetOperation)
            and operand.operator == "cup"
            and isinstance(operand.operands[1], Variable)
        ):
            low = Relation(relation.signs[:at], (*relation.operands[:at], operand.operands[0]))
            high = Relation(relation.signs[at:], (operand.operands[1], *relation.operands[at + 1 :]))
            return Group("", "", (low, high), "or") if low.signs and high.signs else relation
    return _without_bars(relation)


def _without_bars(relation: Relation) -> Relation | Group:
    """``-2 < x < 2`` for ``|x| < 2``; only of a bare variable, since all else is a question rather than its answer."""
    match relation:
        case Relation((sign,), (bound, Call("abs", (Variable(),)) as bars)):
            relation = Relation((_FLIPPED.get(sign, ""),), (bars, bound))
    match relation:
        case Relation((("<" | "<=") as sign,), (Call("abs", (Variable(name) as inside,)), bound)) if name not in "zw":
            return Relation((sign, sign), (negative(bound), inside, bound))
        case Relation(((">" | ">=") as sign,), (Call("abs", (Variable(name) as inside,)), bound)) if name not in "zw":
            below = Relation((_FLIPPED[sign],), (inside, negative(bound)))
            return Group("", "", (below, Relation((sign,), (inside, bound))), "or")
    return relation
