"""Reading the wire format: parsed JSON becomes values, in bounds, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from .finite_json import loads
from .standard_types import FROM_DICT, PUT_TOGETHER
from .values import MAX_MESSAGE, UNDEFINED, CannotCrossError, Failure, Iteration, Link, Member, NamedTuple, Opaque

MAX_BYTES = 1 << 20
"""Longest text that crosses, in bytes."""

MAX_DEPTH = 100
MAX_DIGITS = 100_000
MAX_NAME = 200
MAX_KIND = 400
CHUNK = 4000
"""Digits of a part of an integer: Python refuses to convert more than 4,300 at once."""

SCALE = 10**CHUNK

_MAX_HASHING_SECONDS = 0.5
_MAX_FRACTION_WORK = 10**10
"""Bits of numerators times bits of denominators, of all fractions of a message: a common divisor is sought in 30 ms."""

_MAX_NUMBER = 10_000_000
_LINKS = {"object", "callback", "same", "record"}


def parse(data: bytes) -> Any:
    """The JSON of a message.

    Raises:
        CannotCrossError: it is too long, or none.
    """
    if len(data) > MAX_BYTES:
        raise CannotCrossError(f"{len(data):,} bytes cannot cross the sandbox ({MAX_BYTES:,} can)")
    try:
        return loads(data.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise CannotCrossError(f"not the wire format: {error}") from None


class Decoder:
    """Decodes one message. Sets and dicts of a hostile guest may be made to collide, so hashing has a time limit.

    Args:
        links: whether links may occur.
    """

    def __init__(self, links: bool = False) -> None:
        self._started: float | None = None
        self._fraction_work = 0
        self._tags: dict[str, Callable[[Any, int], Any]] = {
            "int": lambda content, _: _integer(string(content)),
            "float": lambda content, _: _special_float(content),
            "bytes": lambda content, _: bytes.fromhex(string(content)),
            "complex": lambda content, _: complex(*[float(string(part)) for part in listed(content, 2)]),
            "undefined": lambda content, _: UNDEFINED,
            "tuple": lambda content, depth: tuple(self._items(content, depth)),
            "iterator": lambda content, depth: Iteration(tuple(self._items(content, depth))),
            "set": lambda content, depth: set(self._keys(listed(content), depth)),
            "frozenset": lambda content, depth: frozenset(self._keys(listed(content), depth)),
            "dict": self._pairs,
            "namedtuple": self._named_tuple,
            "fraction": self._fraction,
        }
        self._links = links
        if links:
            self._tags["link"] = lambda content, _: _link(*listed(content, 4))
            self._tags["exception"] = self.failure
            self._tags["member"] = self._member

    def decode(self, node: Any, depth: int = 0) -> Any:
        """The value of a parsed node.

        Raises:
            CannotCrossError: it breaks the format.
        """
        if depth > MAX_DEPTH:
            raise CannotCrossError(f"data nested deeper than {MAX_DEPTH} cannot cross the sandbox")
        if isinstance(node, list):
            return self._items(node, depth + 1)
        if not isinstance(node, dict):
            return node
        if "object" in node:
            return self._opaque(node, depth + 1)
        if len(node) != 1:
            raise CannotCrossError("an object must have one tag")
        ((tag, content),) = node.items()
        try:
            if tag in self._tags:
                return self._tags[tag](content, depth + 1)
            if tag in FROM_DICT:
                return FROM_DICT[tag](self._pairs(content, depth + 1))
            if tag in PUT_TOGETHER:
                return PUT_TOGETHER[tag](*self._items(content, depth + 1))
        except CannotCrossError:
            raise
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise CannotCrossError(f"bad {tag}: {error}") from None
        raise CannotCrossError(f"unknown tag {tag[:50]!r}")

    def failure(self, node: Any, depth: int = 0) -> Failure:
        """An exception.

        Raises:
            CannotCrossError: it breaks the format.
        """
        if depth > MAX_DEPTH or not isinstance(node, dict):
            raise CannotCrossError("an exception must be an object, and not too deep")
        kind, message, base = node.get("type"), node.get("message"), node.get("base", "")
        if not isinstance(kind, str) or not isinstance(message, str) or not isinstance(base, str):
            raise CannotCrossError("an error needs a type and a message")
        args = tuple(self.decode(arg, depth + 1) for arg in listed(node.get("args", [])))
        found = Failure(kind[:MAX_NAME], message[:MAX_MESSAGE], base[:MAX_NAME], args)
        if not self._links:
            return found
        origin = self.decode(node.get("self"), depth + 1)
        if not isinstance(origin, Link | None):
            raise CannotCrossError("an exception stays where it is")
        cause = self.failure(node["cause"], depth + 1) if "cause" in node else None
        return replace(found, origin=origin, kind=self.decode(node.get("class"), depth + 1), cause=cause)

    def _items(self, nodes: Any, depth: int) -> list[Any]:
        return [self.decode(item, depth) for item in listed(nodes)]

    def _pairs(self, content: Any, depth: int) -> dict[Any, Any]:
        pairs = [listed(pair, 2) for pair in listed(content)]
        keys = self._keys([pair[0] for pair in pairs], depth)
        if len(keys) != len(pairs):
            raise CannotCrossError("a dict has a key twice")
        return dict(zip(keys, (self.decode(pair[1], depth) for pair in pairs), strict=True))

    def _keys(self, nodes: list[Any], depth: int) -> dict[Any, None]:
        """Distinct hashable values, in order."""
        keys: dict[Any, None] = {}
        for count, node in enumerate(nodes):
            keys[self.decode(node, depth)] = None
            if count % 256 == 255:
                now = time.thread_time()
                self._started = now if self._started is None else self._started
                if now - self._started > _MAX_HASHING_SECONDS:
                    raise CannotCrossError("a set or dict takes too long to decode")
        return keys

    def _fraction(self, content: Any, depth: int) -> Any:
        over, under = self._items(listed(content, 2), depth)
        self._fraction_work += int.bit_length(over) * int.bit_length(under)
        if self._fraction_work > _MAX_FRACTION_WORK:
            raise CannotCrossError("a fraction of this size cannot cross the sandbox")
        return PUT_TOGETHER["fraction"](over, under)

    def _named_tuple(self, content: Any, depth: int) -> NamedTuple:
        name, fields, items = listed(content, 3)
        names = [string(field)[:MAX_NAME] for field in listed(fields, len(listed(items)))]
        return NamedTuple.of(string(name)[:MAX_NAME], names, self._items(items, depth))

    def _member(self, content: Any, depth: int) -> Member:
        kind, name, node = listed(content, 3)
        value = self.decode(node, depth)
        if not isinstance(value, int | str):
            raise CannotCrossError("a member of an enum is a number or text")
        return Member(string(kind)[:MAX_NAME], string(name)[:MAX_NAME], value)

    def _opaque(self, node: dict[str, Any], depth: int) -> Opaque:
        if node.keys() - {"attributes"} != {"object", "type"}:
            raise CannotCrossError("an object needs a text and a type")
        attributes = mapping(self.decode(node["attributes"], depth)) if "attributes" in node else None
        return Opaque(string(node["type"])[:MAX_NAME], string(node["object"])[:1000], attributes)


def _link(tag: Any, number: Any, kind: Any, name: Any) -> Link:
    if tag not in _LINKS:
        raise CannotCrossError("unknown link")
    return Link(tag, ordinal(number), string(kind)[:MAX_KIND], string(name)[:MAX_NAME])


def ordinal(node: Any) -> int:
    """A small number, not below 0.

    Raises:
        CannotCrossError: it is none.
    """
    if type(node) is not int or not 0 <= node < _MAX_NUMBER:
        raise CannotCrossError("a number is expected")
    return node


def string(node: Any) -> str:
    """A string, as it is.

    Raises:
        CannotCrossError: it is none.
    """
    if not isinstance(node, str):
        raise CannotCrossError("a string is expected")
    return node


def listed(node: Any, length: int | None = None) -> list[Any]:
    """A list, of that length if one is given.

    Raises:
        CannotCrossError: it is none.
    """
    if not isinstance(node, list) or (length is not None and len(node) != length):
        raise CannotCrossError("a list is expected" if length is None else f"a list of {length} is expected")
    return node


def mapping(value: Any) -> dict[Any, Any]:
    """A dict, as it is.

    Raises:
        CannotCrossError: it is none.
    """
    if type(value) is not dict:
        raise CannotCrossError("a dict is expected")
    return value


def _special_float(content: Any) -> float:
    if content not in ("nan", "inf", "-inf"):
        raise CannotCrossError("unknown float")
    return float(content)


def _integer(digits: str) -> int:
    """The number of decimal digits, also beyond the 4,300 that ``int`` allows."""
    body = digits.removeprefix("-")
    if not (body.isascii() and body.isdigit() and len(body) <= MAX_DIGITS):
        raise CannotCrossError("not an integer of a size that can cross the sandbox")
    # In halves, whose product costs less than the square of their length.
    ends = range(len(body), 0, -CHUNK)
    parts, scale = [int(body[max(0, end - CHUNK) : end]) for end in ends], SCALE
    while len(parts) > 2:
        parts = [low + high * scale for low, high in zip_longest(parts[::2], parts[1::2], fillvalue=0)]
        scale *= scale
    number = parts[0] + (parts[1] * scale if len(parts) > 1 else 0)
    return -number if digits.startswith("-") else number
