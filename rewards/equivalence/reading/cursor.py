"""Where a parser stands in its tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..limits import MAX_DEPTH, ExpressionError, LimitError
from .tokens import Token

T = TypeVar("T")

_END = Token("end", "end")


class Cursor:
    """A place in a list of tokens, and the depth of the rules that led there."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = [*tokens, _END, _END]
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    @property
    def after(self) -> Token:
        """The token behind the next one."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        """Moves on behind the next token."""
        token = self.tokens[self.at]
        if token.kind == "end":
            raise self.unexpected()
        self.at += 1
        return token

    def accept(self, *signs: str) -> str:
        """Takes the next token if it is one of these signs; empty text if it is none."""
        token = self.tokens[self.at]
        if token.kind != "symbol" or token.text not in signs:
            return ""
        self.at += 1
        return token.text

    def expect(self, sign: str) -> None:
        """Takes a sign that must come next."""
        if not self.accept(sign):
            raise self.unexpected()

    def unexpected(self) -> ExpressionError:
        """What to say of a next token that fits no rule."""
        return ExpressionError(f"unexpected {self.tokens[self.at].text[:40]}")

    def deeper(self, rule: Callable[[], T]) -> T:
        """What a rule reads, one level down.

        Raises:
            LimitError: it is nested deeper than `MAX_DEPTH`.
        """
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise LimitError(f"nested deeper than {MAX_DEPTH}")
        found = rule()
        self.depth -= 1
        return found
