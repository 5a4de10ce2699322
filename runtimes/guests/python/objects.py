"""A program's side of a trusted test: what the test does with the program's functions and objects is done here.

Objects stay here; the test holds their numbers. What the test passed stays there in the same way: data is copied (and
told again where it was changed in place), functions are called through the host, objects of the test's own classes
are made anew with their attributes.
"""

import asyncio
import collections
import copy
import enum
import inspect
import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import calls
import script
import values
from standard_types import MUTABLE

MOST_OBJECTS = 100_000
BLOCK = values.CAPACITY // 16  # bytes of an iterator's items that are sent at once

_objects: list[Any] = []
_numbers: dict[int, int] = {}
_failed: dict[int, BaseException] = {}  # what iterators raised behind their last items


def number_of(value: object) -> int:
    """The number by which the test knows an object."""
    if id(value) not in _numbers:
        if len(_objects) == MOST_OBJECTS:
            raise ValueError("too many objects for one test")
        _numbers[id(value)] = len(_objects)
        _objects.append(value)
    return _numbers[id(value)]


def kind_of(value: object) -> str:
    """What a test can do with an object."""
    if isinstance(value, type):
        return "class"
    if inspect.isawaitable(value):
        return "awaitable"
    if isinstance(value, Iterator):
        return "iterator"
    return "callable" if callable(value) else "instance"


class Encoder(values.Encoder):
    """Encodes what the test gets: objects by their numbers, arguments by their places in the request."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[int, int] = {}

    def iterator(self, value: Iterator[object], depth: int) -> values.Tree:
        """Iterators stay here too; they may be endless."""
        return self.object(value, depth)

    def object(self, value: object, depth: int) -> values.Tree:
        """Encode an object by its number."""
        if isinstance(value, Callback):
            return self.link("callback", value.number, "", "")
        if id(value) in self.records:
            return self.link("record", self.records[id(value)])
        kind = value if isinstance(value, type) else type(value)
        return self.link("object", number_of(value), kind_of(value), kind.__name__)


class Decoder(values.Decoder):
    """Decodes what the test sent."""

    def __init__(self, records: list[tuple[str, values.Tree]]) -> None:
        super().__init__()
        self.contents = [content["dict"] for _, content in records]
        self.records = [blank(name) for name, _ in records]

    def fill_records(self) -> None:
        """Give the objects of the test's own classes their attributes. Last: they may hold each other."""
        for number, content in enumerate(self.contents):
            made = self.records[number]
            attributes = getattr(made, "__dict__", None)
            self.known.append({} if attributes is None else attributes)
            for name, value in self.pairs(content):
                if attributes is None:
                    object.__setattr__(made, name, value)
                else:
                    attributes[name] = value

    def linked(self, tag: str, number: int, kind: str, name: str) -> Any:
        """An object of this side, a function or an object of the test's."""
        if tag == "object":
            return _objects[number]
        if tag == "callback":
            return Callback(number, name)
        return self.records[number] if tag == "record" else super().linked(tag, number, kind, name)


def blank(name: str) -> Any:
    """An object of the program's class of that name, without attributes; else of a class made up."""
    kind, _, member = name.partition(".")
    known = script.namespace().get(kind)
    if member:
        return known[member] if isinstance(known, enum.EnumMeta) else f"<{name}>"
    if not isinstance(known, type) or issubclass(known, (*MUTABLE, int, str, float, tuple, BaseException)):
        known = type(kind, (), {})
    return object.__new__(known)


class Callback:
    """A function of the test, as the program sees it."""

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call it; the program waits meanwhile."""
        encoder = Encoder()
        reply = calls.ask(
            {
                "function": "",
                "args": [encoder.link("callback", self.number), *map(encoder.tree, args)],
                "kwargs": {name: encoder.tree(value) for name, value in kwargs.items()},
                "records": [],
                "operation": "call",
                "live": True,
            }
        )
        if "error" in reply:
            raise calls.error_of(reply["error"])
        return Decoder([]).value(reply["value"])


def serve(fields: values.Tree) -> values.Tree:
    """Do what the test asks for."""
    decoder, encoder = Decoder(fields["records"]), Encoder()
    args = [decoder.value(value) for value in fields["args"]]
    kwargs = {name: decoder.value(value) for name, value in fields["kwargs"].items()}
    decoder.fill_records()
    encoder.numbers = {id(value): number for number, value in enumerate(decoder.known)}
    encoder.records = {id(value): number for number, value in enumerate(decoder.records)}
    before = [content_of(value) for value in decoder.known]
    operation = fields["operation"]
    if operation == "take":
        return {"value": take(*args)}
    try:
        if operation in ("", "find"):
            args.insert(0, calls.look_up(fields["function"], script.namespace()))
        result = OPERATIONS[operation or "call"](*args, **kwargs)
        made = operation in ("", "call") and is_instance_of_own(args[0], result)
        reply = {"value": encoder.object(result, 0) if made else encoder.tree(result)}
    except BaseException as error:
        reply = {"error": calls.describe(error)}
    changed = [
        [number, encoder.content(value)]
        for number, (value, content) in enumerate(zip(decoder.known, before, strict=True))
        if not same(content, content_of(value))
    ]
    return reply | {"changes": changed} if changed else reply


def is_instance_of_own(kind: Any, result: object) -> bool:
    """Whether a class of the program was called for its instance, which the test wants as an object.

    A namedtuple is data, though.
    """
    own = isinstance(kind, type) and kind.__module__ == script.namespace().get("__name__")
    return own and isinstance(result, kind) and not hasattr(kind, "_fields")


def content_of(value: Any) -> bytes | list[Any]:
    """What a mutable value holds now."""
    if not isinstance(value, MUTABLE):
        return []
    if isinstance(value, dict):
        return list(itertools.chain.from_iterable(dict.items(value)))
    if isinstance(value, (list, set, collections.deque)):
        return list(value)
    return bytes(value)


def same(before: bytes | list[Any], now: bytes | list[Any]) -> bool:
    """Whether a value still holds the same objects."""
    if isinstance(before, bytes):
        return before == now
    return len(before) == len(now) and all(map(operator.is_, before, now))


def take(iterator: Any, count: int, *sent: object) -> values.Tree:
    """The next items of an iterator, with False before them if there are no more, else True."""
    encoder, items = Encoder(), []
    if failed := _failed.pop(id(iterator), None):
        raise failed
    try:
        while len(items) < count and encoder.room > values.CAPACITY - BLOCK:
            item = iterator.send(sent[0]) if sent and not items else next(iterator)
            items.append(encoder.tree(item))
    except StopIteration:
        return [False, *items]
    except BaseException as error:
        if not items:
            raise
        _failed[id(iterator)] = error
    return [True, *items]


def state(value: object) -> Any:
    """What an object consists of: the test compares objects by this, for their own `__eq__` may lie.

    Its attributes, or a tuple of the data that it is.
    """
    if isinstance(value, enum.Enum):
        return {"name": value.name, "value": value.value}
    if isinstance(value, values.PLAIN):
        return (value,)
    return values.attributes_of(value) or {}


def leave(value: Any, kind: str | None, message: str) -> bool:
    """The end of a `with` statement."""
    error = None if kind is None else calls.error_of({"type": kind, "message": message})
    return bool(type(value).__exit__(value, error and type(error), error, None))


async def _finish(value: Any) -> Any:
    return await value


_OPERATORS = """
add and_ delitem floordiv ge getitem gt index le lshift lt matmul mod mul neg or_ pos pow rshift setitem sub
truediv xor contains inv
"""
OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in _OPERATORS.split()},
    **{kind.__name__: kind for kind in (bool, complex, float, int, str)},
    **{f.__name__: f for f in (abs, delattr, divmod, format, getattr, isinstance, iter, len, repr, reversed, round)},
    "call": lambda function, *args, **kwargs: function(*args, **kwargs),
    "find": lambda value: value,
    "setattr": setattr,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "enter": lambda value: type(value).__enter__(value),
    "exit": leave,
    "await": lambda value: asyncio.run(_finish(value)),
    "state": state,
}

calls.serve_with(serve)
