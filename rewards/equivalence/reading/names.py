r"""The parser of what begins with a word: functions, constants, variables with their indices and primes."""

from __future__ import annotations

from abc import abstractmethod

from ..limits import ExpressionError
from ..tree import Call, Constant, Group, Tree, Variable
from .calls import CallParser
from .english import in_digits
from .vocabulary import FUNCTIONS, GREEK, PROSE, VARIANTS, WORD_CONSTANTS

_BIG = {"sum": "sum", "prod": "product", "int": "integral", "lim": "limit"}
_CONTAINERS = ("Matrix", "Interval", "FiniteSet", "Union")
_SYMPY = {"Sum": "sum", "Product": "product", "Integral": "integral", "Limit": "limit", "Derivative": "derivative"}
# Functions of our own name before parentheses; another letter is multiplied, unless nothing is added inside.
FUNCTION_LETTERS = frozenset("fghFGH")
LETTER_CONSTANTS = frozenset("ei")


class NameParser(CallParser):
    """Reads words."""

    def word(self, word: str) -> Tree:
        """What begins with a word."""
        if word in PROSE:
            raise ExpressionError(f"the word {word!r}")
        if word == "frac":
            return self.fraction()
        if word in ("sqrt", "cbrt", "binom"):
            return self.root(word) if word != "binom" else Call("binomial", (self.argument(), self.argument()))
        if word in _BIG:
            return self.big_operator(word)
        if word in _SYMPY and self.next.text == "(":
            return self.sympy_operator(_SYMPY[word])
        if (word.partition(".")[0] in _CONTAINERS or word == "diag") and self.next.text == "(":
            return self.container(word)
        if word in FUNCTIONS and (len(word) > 2 or word in ("ln", "lg", "tg", "re", "im", "Re", "Im")):
            return self.function(FUNCTIONS[word])
        word = VARIANTS.get(word, word)
        if word in WORD_CONSTANTS:
            return Constant(WORD_CONSTANTS[word])
        return self.named(word)

    @abstractmethod
    def container(self, word: str) -> Tree:
        """A set or matrix in sympy's notation, behind its name."""

    def text(self, text: str) -> Tree:
        r"""What is marked as text: a function, a name, the letter of a choice such as ``\text{(C)}``."""
        inner = text[1:-1] if text[:1] == "(" and text[-1:] == ")" else text
        if inner in FUNCTIONS or inner in WORD_CONSTANTS or len(inner) == 1 or inner == "diag":
            return self.word(inner)
        if not inner.isalpha() or inner.lower() in PROSE:
            raise ExpressionError(f"the text {text[:40]!r}")
        return self.indexed(inner) if self.next.text == "_" else Variable(inner)

    def named(self, word: str) -> Tree:
        """A variable with its index and primes, or its value at something."""
        if (
            len(word) > 1
            and word not in GREEK
            and self.next.kind == "word"
            and len(self.next.text) > 1
            and (self.next.text not in (*FUNCTIONS, *GREEK, *WORD_CONSTANTS, "frac", "and", "or"))
        ):
            raise ExpressionError(f"words: {word[:40]!r} and {self.next.text[:40]!r}")
        if word == "m" and self.next.text == "angle":
            word = self.take().text  # the measure of an angle
        if word in ("angle", "triangle", "nabla", "Delta") and self.next.kind == "word":
            word = f"{word} {self.take().text}"
        if word == "Gamma" and self.next.text == "(":
            return self.function("gamma")
        if word in LETTER_CONSTANTS and not self.indexing and self.next.text != "_":
            return Constant(word)
        tree = self.indexed(word) if self.next.text == "_" else Variable(word)
        while isinstance(tree, Variable) and self.accept("'"):
            tree = Variable(tree.name + "'")
        if self.next.text == "(" and isinstance(tree, Variable) and self.is_applied(tree.name):
            return self.applied(tree.name)
        return tree

    def applied(self, name: str) -> Tree:
        """The value of a function that we don't know."""
        inside = self.group()
        return Call(name, inside.operands if isinstance(inside, Group) else (inside,), known=False)

    def is_applied(self, name: str) -> bool:
        """Whether what stands in parentheses behind a name is its argument, not a factor."""
        if name[0] in FUNCTION_LETTERS:
            return True
        depth, inside = 0, []
        for token in self.tokens[self.at :]:
            depth += (token.text in ("(", "[", "{", "\\{")) - (token.text in (")", "]", "}", "\\}"))
            if depth == 0:
                break
            inside.append(token.text if depth == 1 else "")
        is_sum = "+" in inside[2:] or "-" in inside[2:]
        return "," in inside or (not name.islower() and not is_sum)

    def indexed(self, name: str) -> Tree:
        """A variable with an index. One that can be computed makes it a sequence's element."""
        self.expect("_")
        start, self.indexing = self.at, True
        try:
            text = self.index_text()
        except ExpressionError:
            self.at = start
            index = self.group() if self.next.text == "{" else self.deeper(self.atom)
            return Call(f"{name}_", (index,), known=False)
        finally:
            self.indexing = False
        if len(text) == 1 and text.islower():
            return Call(f"{name}_", (Variable(text),), known=False)
        return Variable(f"{name}_{text}")

    def index_text(self) -> str:
        """An index that consists of names and digits."""
        if not self.accept("{"):
            token = self.take()
            if token.kind not in ("number", "word", "text"):
                raise self.unexpected()
            return _base(token.text)
        pieces: list[str] = []
        while not self.accept("}"):
            token = self.take()
            if token.kind not in ("number", "word", "text") and token.text not in (",", "(", ")"):
                raise self.unexpected()
            pieces.append(_base(token.text))
        return "".join(pieces)


def _base(text: str) -> str:
    """An index; of ``(base two)`` the number."""
    return in_digits(text.strip("()").removeprefix("base").strip())


def is_run(word: str) -> bool:
    """Whether a word may be a product of its letters."""
    return len(word) > 1 and word.isascii() and word.isalpha() and word not in GREEK


def is_length(word: str) -> bool:
    """Whether a word may be the distance of two points; MR is none."""
    return set(word) <= set("ABCDEFGHOPQXYZ")


def letters(word: str) -> Tree:
    """A word, or the variable or constant that a single letter stands for."""
    return Constant(word) if word in LETTER_CONSTANTS else Variable(word)


def name_of(tree: Tree) -> str:
    """The name of a variable."""
    if not isinstance(tree, Variable):
        raise ExpressionError("a prime behind something that is no name")
    return tree.name
