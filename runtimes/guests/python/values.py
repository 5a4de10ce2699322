"""How values cross the sandbox: plain data as bounded JSON text, never objects.

Lists, strings, booleans, None, finite floats and ints below 2**53 are themselves; everything else is an object with
one tag, for example ``{"tuple": [1, 2]}`` or ``{"dict": [["key", 1]]}``. The host has the same table.
"""

import collections
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from standard_types import FROM_DICT, MUTABLE, MUTABLE_TAGS, PUT_TOGETHER, as_dict, take_apart

CAPACITY = 1 << 20  # bytes of a message
DEPTH = 100
DIGITS = 100_000
EXACT = 1 << 53  # larger ints are not exact in every reader of JSON
MOST_ITEMS = 100_000  # of an iterator
REPR_LENGTH = 1_000
PLAIN = (int, float, str, bytes, complex, list, tuple, set, frozenset, dict)

_write = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
read = json.JSONDecoder().decode

Tree = Any  # what `json` reads and writes


class Opaque:
    """Stands for an object of the other side that is not plain data; its repr is all that crossed."""

    def __init__(self, text: str, kind: str) -> None:
        self.text, self.kind = text, kind

    def __repr__(self) -> str:
        return self.text


class Encoder:
    """Turns one message's values into trees, within the bounds of a message.

    Attributes:
        room: how many bytes are left, at most.
        numbers: of mutable values that cross as links to themselves, by their ids.
        known: the mutable values of a request in order, so that the reply can tell their changes; None in a reply.
    """

    def __init__(self, known: list[Any] | None = None) -> None:
        self.room = CAPACITY
        self.numbers: dict[int, int] = {}
        self.known = known

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
        if isinstance(value, bytes):
            self.take(2 * len(value))
            return {"bytes": bytes(value).hex()}
        if isinstance(value, complex):
            return {"complex": [float.__repr__(value.real), float.__repr__(value.imag)]}
        if id(value) in self.numbers:
            return self.link("same", self.numbers[id(value)])
        if depth >= DEPTH:
            raise ValueError("a value that is nested this deeply, or holds itself, cannot cross the sandbox")
        if isinstance(value, MUTABLE):
            self.meet(value)
        return self.content(value, depth)

    def meet(self, value: object) -> None:
        """A mutable value is about to be encoded for the first time."""
        if self.known is not None:
            self.numbers[id(value)] = len(self.known)
            self.known.append(value)

    def content(self, value: object, depth: int = 0) -> Tree:
        """Encode what a value holds."""
        return self.container(value, depth + 1)

    def container(self, value: object, depth: int) -> Tree:
        """Encode a list, tuple, set, dict, or a value of the standard library."""
        if isinstance(value, list):
            return self.items(list.__iter__(value), depth)
        if isinstance(value, tuple):
            return self.tuple(value, depth)
        if isinstance(value, set):
            return {"set": self.items(set.__iter__(value), depth)}
        if isinstance(value, frozenset):
            return {"frozenset": self.items(frozenset.__iter__(value), depth)}
        if tagged := as_dict(value):
            return {tagged[0]: [self.items(pair, depth) for pair in dict.items(tagged[1])]}
        if isinstance(value, dict):
            return {"dict": [self.items(pair, depth) for pair in dict.items(value)]}
        if tagged_parts := take_apart(value):
            return {tagged_parts[0]: self.items(tagged_parts[1], depth)}
        if isinstance(value, Iterator):
            return self.iterator(value, depth)
        return self.object(value, depth)

    def tuple(self, value: tuple[object, ...], depth: int) -> Tree:
        """Encode a tuple, which may be a named one."""
        items = self.items(tuple.__iter__(value), depth)
        fields = getattr(type(value), "_fields", None)
        if type(value) is tuple or not isinstance(fields, tuple) or len(fields) != len(items):
            return {"tuple": items}
        self.take(sum(map(len, fields)))
        return {"namedtuple": [type(value).__name__, [str(field) for field in fields], items]}

    def iterator(self, value: Iterator[object], depth: int) -> Tree:
        """Encode all that an iterator gives."""
        items = self.items(itertools.islice(value, MOST_ITEMS + 1), depth)
        if len(items) > MOST_ITEMS:
            raise ValueError(f"an iterator of more than {MOST_ITEMS:,} items cannot cross the sandbox")
        return {"iterator": items}

    def object(self, value: object, depth: int) -> Tree:
        """Encode what is no data by its repr and its attributes."""
        text = repr(value)[:REPR_LENGTH]
        self.take(len(text))
        tree = {"object": text, "type": type(value).__name__}
        attributes = attributes_of(value)
        if attributes is not None and not callable(value):
            tree["attributes"] = {"dict": [self.items(pair, depth) for pair in attributes.items()]}
        return tree

    def items(self, values: Iterable[object], depth: int) -> list[Tree]:
        """Encode the items of a container."""
        self.take(2)
        return [self.tree(value, depth) for value in values]

    def link(self, tag: str, number: int, kind: str = "", name: str = "") -> Tree:
        """What stands for something that stays where it is."""
        self.take(20 + len(name))
        return {"link": [tag, number, kind, name]}

    def member(self, kind: str, name: str, value: Tree) -> Tree:
        """Encode a member of an enum which is a number or text."""
        self.take(20 + len(kind) + len(name))
        return {"member": [kind, name, value]}

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


def attributes_of(value: object) -> dict[str, object] | None:
    """The attributes of an object, as it keeps them itself; None where it keeps none."""
    found = {}
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                found[name] = getattr(value, name)
    own = getattr(value, "__dict__", None)
    if isinstance(own, dict):
        found |= own
    elif not found:
        return None
    return {name: item for name, item in found.items() if isinstance(name, str)}


class Decoder:
    """Builds the values of one message anew.

    Attributes:
        known: the mutable values of a message, in the order in which they were met.
    """

    def __init__(self) -> None:
        self.known: list[Any] = []

    def value(self, tree: Tree) -> Any:
        """The value of a tree."""
        if isinstance(tree, list):
            made: list[Any] = []
            self.known.append(made)
            made.extend(map(self.value, tree))
            return made
        if not isinstance(tree, dict):
            return tree
        if "object" in tree:
            return Opaque(tree["object"], tree["type"])
        ((tag, content),) = tree.items()
        if tag in ATOMS:
            return ATOMS[tag](content)
        if tag == "link":
            return self.linked(*content)
        if tag == "exception":
            return self.exception(content)
        if tag == "member":
            return self.member(content[0], content[1], self.value(content[2]))
        if tag in ("set", "dict"):
            return self.fill(tag, content)
        return self.compound(tag, content)

    def fill(self, tag: str, content: list[Tree]) -> Any:
        """A set or dict, which its own items may hold."""
        container: Any = set() if tag == "set" else {}
        self.known.append(container)
        container.update(map(self.value, content) if tag == "set" else self.pairs(content))
        return container

    def compound(self, tag: str, content: list[Tree]) -> Any:
        """A value that is made of others."""
        number = len(self.known)
        if tag in MUTABLE_TAGS:
            self.known.append(None)
        if tag in FROM_DICT:
            made = FROM_DICT[tag](dict(self.pairs(content)))
        elif tag in PUT_TOGETHER:
            made = PUT_TOGETHER[tag](*map(self.value, content))
        elif tag == "namedtuple":
            name, fields, items = content
            made = collections.namedtuple(name, fields, rename=True)(*map(self.value, items))
        else:
            made = IMMUTABLE[tag](map(self.value, content))
        if tag in MUTABLE_TAGS:
            self.known[number] = made
        return made

    def pairs(self, content: list[Tree]) -> list[tuple[Any, Any]]:
        """The keys and values of a dict."""
        return [(self.value(key), self.value(value)) for key, value in content]

    def member(self, kind: str, name: str, value: Any) -> Any:
        """A member of an enum which is a number or text."""
        return value

    def exception(self, description: dict[str, Tree]) -> Any:
        """An exception that is a value, not raised; known between a test and a program only."""
        raise ValueError(f"an exception cannot cross: {description['type']}")

    def linked(self, tag: str, number: int, kind: str, name: str) -> Any:
        """What a link stands for."""
        if tag != "same":
            raise ValueError(f"unknown link {tag}")
        return self.known[number]


def _integer(digits: str) -> int:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return int(digits)
    finally:
        sys.set_int_max_str_digits(limit)


ATOMS = {
    "int": _integer,
    "float": float,
    "bytes": bytes.fromhex,
    "complex": lambda parts: complex(float(parts[0]), float(parts[1])),
    "undefined": lambda _: None,
}
IMMUTABLE = {"tuple": tuple, "frozenset": frozenset, "iterator": lambda items: iter(list(items))}


def write(tree: Tree) -> bytes:
    """The JSON text of a message."""
    text = _write(tree).encode("ascii")
    if len(text) > CAPACITY:
        raise ValueError("a value of this size cannot cross the sandbox")
    return text
