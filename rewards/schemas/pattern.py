"""Patterns of JSON schemas, matched in linear time.

Python's regular expressions backtrack: ``(a+)+$`` takes years on a short answer that a model may well find. Here a
pattern is a sequence of characters and classes, each with a repetition, and all places where a match may stand are
carried through the text together, as the bits of one integer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

MAX_POSITIONS = 200

_Accepts: TypeAlias = Callable[[str], bool]
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_CLASSES: dict[str, _Accepts] = {
    "d": frozenset("0123456789").__contains__,
    "w": _WORD.__contains__,
    "s": lambda char: char.isspace() or char == "\ufeff",
}
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_LINE_ENDS = "\n\r\u2028\u2029"


class Pattern:
    r"""A compiled pattern: literal characters, ``.``, ``[a-z]``, ``[^a-z]``, ``\d \w \s \D \W \S``, ``^`` and ``$``.

    Each character or class may repeat: ``*``, ``+``, ``?``, ``{2}``, ``{2,}``, ``{2,5}``. Groups, alternatives,
    assertions and references are not supported.

    Args:
        source: the pattern, as in a JSON schema: it may match anywhere unless it is anchored.

    Raises:
        ValueError: it is malformed, uses what isn't supported, or has over ``MAX_POSITIONS`` characters when its
            repetitions are written out.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._at = 0
        self._length = 0
        self._places: dict[_Accepts, int] = {}  # the places of each character or class
        self._optional = self._loops = 0
        self._from_start = self._take("^")
        self._to_end = False
        while self._at < len(source):
            if source[self._at :] == "$":
                self._to_end = True
                break
            self._add(self._read_atom())

    def search(self, text: str) -> bool:
        """Whether the pattern matches the text, in time that grows linearly with its length."""
        start, end = self._skip(1), 1 << self._length
        state = start
        masks: dict[str, int] = {}
        known: dict[tuple[int, int], int] = {}
        for char in text:
            if state & end and not self._to_end:
                return True
            if char not in masks:
                masks[char] = sum(places for accepts, places in self._places.items() if accepts(char))
            key = state, masks[char]
            if key not in known:
                hit = state & masks[char]
                known[key] = self._skip((hit & ~self._loops) << 1 | (hit & self._loops))
            state = known[key] if self._from_start else known[key] | start
        return bool(state & end)

    def _skip(self, state: int) -> int:
        """The places reached without reading a character."""
        while (grown := state | (state & self._optional) << 1) != state:
            state = grown
        return state

    def _add(self, accepts: _Accepts) -> None:
        """Adds an atom as often as its repetition says."""
        least, most = self._read_repetition()
        extra = 1 if most is None else most - least
        if extra < 0 or self._length + least + extra > MAX_POSITIONS:
            raise self._error(f"is too long: at most {MAX_POSITIONS} characters, repetitions written out")
        for count in range(least + extra):
            place = 1 << self._length
            self._optional |= place if count >= least else 0
            self._loops |= place if most is None and count == least else 0
            self._places[accepts] = self._places.get(accepts, 0) | place
            self._length += 1

    def _read_repetition(self) -> tuple[int, int | None]:
        least, most = 1, 1 if not self._take("*") else None
        if most is None:
            least = 0
        elif self._take("+"):
            most = None
        elif self._take("?"):
            least = 0
        elif self._take("{"):
            low, comma, high = self._until("}").partition(",")
            if not (low.isdecimal() and (high.isdecimal() or not high)) or len(low + high) > 8:
                raise self._error("has a malformed repetition")
            least, most = int(low), (int(high) if high else None) if comma else int(low)
        self._take("?")  # lazy or not, what matches is the same
        return least, most

    def _read_atom(self) -> _Accepts:
        char = self._next()
        if char == ".":
            return lambda other: other not in _LINE_ENDS
        if char == "[":
            return self._read_set()
        if char == "\\":
            return self._read_escape()
        if char in "^$()|*+?{}]":
            raise self._error(f"uses {char!r}, which is not supported here")
        return char.__eq__

    def _read_escape(self) -> _Accepts:
        char = self._next()
        if char.lower() in _CLASSES:
            accepts = _CLASSES[char.lower()]
            return accepts if char.islower() else lambda other: not accepts(other)
        if char in _WORD and char not in _ESCAPES:
            raise self._error(f"uses '\\{char}', which is not supported")
        return _ESCAPES.get(char, char).__eq__

    def _read_set(self) -> _Accepts:
        negated = self._take("^")
        members: list[_Accepts] = []
        while not self._take("]"):
            low = self._next()
            if low == "\\" and self.source[self._at : self._at + 1].lower() in _CLASSES:
                members.append(self._read_escape())
                continue
            low = self._member(low)
            if self._take("-"):
                if self._take("]"):
                    members += [low.__eq__, "-".__eq__]
                    break
                high = self._member(self._next())
                members.append(lambda other, low=low, high=high: low <= other <= high)  # type: ignore[misc]
            else:
                members.append(low.__eq__)
        return lambda other: any(accepts(other) for accepts in members) != negated

    def _member(self, char: str) -> str:
        if char != "\\":
            return char
        char = self._next()
        if char in _WORD and char not in _ESCAPES:
            raise self._error(f"uses '\\{char}', which is not supported")
        return _ESCAPES.get(char, char)

    def _next(self) -> str:
        if self._at >= len(self.source):
            raise self._error("ends too early")
        self._at += 1
        return self.source[self._at - 1]

    def _take(self, char: str) -> bool:
        found = self.source.startswith(char, self._at)
        self._at += found
        return found

    def _until(self, char: str) -> str:
        text, found, _ = self.source[self._at :].partition(char)
        if not found:
            raise self._error("ends too early")
        self._at += len(text) + 1
        return text

    def _error(self, problem: str) -> ValueError:
        return ValueError(f"the pattern {self.source[:100]!r} {problem}")
