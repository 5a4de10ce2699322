"""How values cross the sandbox: plain data as bounded JSON text, never objects.

Lists, strings, booleans, None, finite floats and ints below 2**53 are themselves; everything else is an object with
one tag, for example ``{"tuple": [1, 2]}`` or ``{"dict": [["key", 1]]}``. The host has the same table.
"""

import json
import sys
from collections.abc import Iterable
from typing import Any

CAPACITY = 1 << 20  # bytes of a message
DEPTH = 100
DIGITS = 100_000
EXACT = 1 << 53  # larger ints are not exact in every reader of JSON
MESSAGE_LENGTH = 10_000
REPR_LENGTH = 1_000

_write = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
_read = json.JSONDecoder().decode

Tree = Any  # what `json` reads and writes


class Opaque:
    """Stands for an object of the other side that is not plain data; its repr is all that crossed."""

    def __init__(self, text: str, kind: str) -> None:
        self.text, self.kind = text, kind

    def __repr__(self) -> str:
        return self.text


class Encoder:
    """Turns one message's values into trees, within the bounds of a message."""

    def __init__(self) -> None:
        self.room = CAPACITY

    def take(self, size: int) -> None:
        """Count what a value needs at least, so that a huge one is refused before it is built."""
        self.room -= size
        if self.room < 0:
            raise ValueError("a value of this size cannot cross the sandbox")

    def tree(self, value: object, depth: int = 0) -> Tree:
        """Encode a value. Subclasses cross as the plain type they derive from."""
        if value is None or value is True or value is False:
            self.take(2)
            return value
        if isinstance(value, int):
            return self.integer(value)
        if isinstance(value, float):
            return self.number(value)
        if isinstance(value, str):
            self.take(str.__len__(value))
            return str.__str__(value)
        if isinstance(value, (bytes, bytearray)):
            self.take(2 * len(value))
            return {"bytes": bytes(value).hex()}
        if isinstance(value, complex):
            return {"complex": [float.__repr__(value.real), float.__repr__(value.imag)]}
        if depth >= DEPTH:
            raise ValueError("a value that is nested this deeply, or holds itself, cannot cross the sandbox")
        return self.container(value, depth + 1)

    def container(self, value: object, depth: int) -> Tree:
        """Encode a list, tuple, set or dict; of anything else, the repr."""
        if isinstance(value, list):
            return self.items(list.__iter__(value), depth)
        if isinstance(value, tuple):
            return {"tuple": self.items(tuple.__iter__(value), depth)}
        if isinstance(value, set):
            return {"set": self.items(set.__iter__(value), depth)}
        if isinstance(value, frozenset):
            return {"frozenset": self.items(frozenset.__iter__(value), depth)}
        if isinstance(value, dict):
            return {"dict": [self.items(pair, depth) for pair in dict.items(value)]}
        text = repr(value)[:REPR_LENGTH]
        self.take(len(text))
        return {"object": text, "type": type(value).__name__}

    def items(self, values: Iterable[object], depth: int) -> list[Tree]:
        """Encode the items of a container."""
        self.take(2)
        return [self.tree(value, depth) for value in values]

    def integer(self, value: int) -> Tree:
        """Encode an int: a JSON number where every reader keeps it exact."""
        value = int.__int__(value)
        if -EXACT < value < EXACT:
            self.take(2)
            return value
        if value.bit_length() > DIGITS * 3.3219:
            raise ValueError(f"an integer of more than {DIGITS} digits cannot cross the sandbox")
        self.take(value.bit_length() * 3 // 10)
        limit = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(0)  # the program's limit is for its own conversions
        try:
            return {"int": int.__repr__(value)}
        finally:
            sys.set_int_max_str_digits(limit)

    def number(self, value: float) -> Tree:
        """Encode a float; infinities and NaN are no JSON numbers."""
        value = float.__float__(value)
        self.take(3)
        if value - value == 0.0:
            return value
        return {"float": float.__repr__(value)}


def decode(tree: Tree) -> object:
    """Build the value of a tree anew."""
    if isinstance(tree, list):
        return [decode(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    tag, content = next(iter(tree.items()))
    if tag == "object":
        return Opaque(content, tree.get("type", "object"))
    return DECODERS[tag](content)


def _integer(digits: str) -> int:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return int(digits)
    finally:
        sys.set_int_max_str_digits(limit)


DECODERS = {
    "int": _integer,
    "float": float,
    "tuple": lambda items: tuple(map(decode, items)),
    "set": lambda items: set(map(decode, items)),
    "frozenset": lambda items: frozenset(map(decode, items)),
    "dict": lambda pairs: {decode(key): decode(value) for key, value in pairs},
    "bytes": bytes.fromhex,
    "complex": lambda parts: complex(float(parts[0]), float(parts[1])),
    "undefined": lambda _: None,
}


def write_request(function: str, args: tuple[object, ...], kwargs: dict[str, object]) -> bytes:
    """The JSON text of a call."""
    encoder = Encoder()
    tree = {
        "function": function,
        "args": [encoder.tree(value) for value in args],
        "kwargs": {name: encoder.tree(value) for name, value in kwargs.items()},
    }
    return _bounded(tree)


def read_request(text: bytes) -> tuple[str, list[object], dict[str, object]]:
    """Function, positional and keyword arguments of a call."""
    tree = _read(text.decode("ascii"))
    kwargs = {name: decode(value) for name, value in tree.get("kwargs", {}).items()}
    return tree["function"], [decode(value) for value in tree.get("args", [])], kwargs


def write_value(value: object) -> bytes:
    """The JSON text of a reply that gives a value."""
    return _bounded({"value": Encoder().tree(value)})


def write_error(error: BaseException) -> bytes:
    """The JSON text of a reply that gives an exception."""
    try:
        message = str(error)[:MESSAGE_LENGTH]
    except BaseException:  # its __str__ is the program's
        message = ""
    kind = type(error)
    base = next((c.__name__ for c in kind.__mro__ if c.__module__ == "builtins"), "")
    return _bounded({"error": {"type": kind.__name__[:REPR_LENGTH], "message": message, "base": base}})


def read_reply(text: bytes) -> Tree:
    """The tree of a reply: {"value": tree} or {"error": {"type": …, "message": …}}."""
    return _read(text.decode("ascii"))


def _bounded(tree: Tree) -> bytes:
    text = _write(tree).encode("ascii")
    if len(text) > CAPACITY:
        raise ValueError("a value of this size cannot cross the sandbox")
    return text
