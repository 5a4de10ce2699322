"""A program's side of a trusted test: what the test does with the program's functions and objects is done here.

Objects stay here; the test holds their numbers. What the test passed stays there in the same way: data is copied (and
told again where it was changed in place), functions are called through the host, objects of the test's own classes
are made anew with their attributes.
"""

import enum
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import borrowed
import calls
import changes
import raised
import script
import values
from operations import FETCHING, OPERATIONS
from standard_types import MUTABLE

MOST_OBJECTS = 100_000

_objects: list[Any] = []
_numbers: dict[int, int] = {}


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
        return "exception" if issubclass(value, Exception) else "class"
    if inspect.isawaitable(value):
        return "awaitable"
    if isinstance(value, Iterator):
        return "iterator"
    return "callable" if callable(value) else "instance"


class Encoder(values.Encoder):
    """Encodes what the test gets: objects by their numbers, arguments by their places in the request."""

    def __init__(self, known: list[Any] | None = None) -> None:
        super().__init__(known)
        self.records: dict[int, int] = {}

    def tree(self, value: object, depth: int = 0) -> values.Tree:
        """Encode a value; a member of an enum keeps its name, even where it is a number or text."""
        tree = super().tree(value, depth)
        if isinstance(value, enum.Enum) and isinstance(value, (int, str)) and isinstance(value.name, str):
            return self.member(type(value).__name__, value.name, tree)
        return tree

    def iterator(self, value: Iterator[object], depth: int) -> values.Tree:
        """Iterators stay here too; they may be endless."""
        return self.object(value, depth)

    def object(self, value: object, depth: int) -> values.Tree:
        """Encode an object by its number."""
        if isinstance(value, borrowed.Borrowed):
            return self.link("callback", borrowed.number_at(borrowed.place_of(value)))
        if id(value) in self.records:
            return self.link("record", self.records[id(value)])
        if isinstance(value, BaseException):
            return {"exception": raised.describe(value, self, depth)}
        if isinstance(value, type) and isinstance(place := raised.originals.get(value), borrowed.Place):
            return self.link("callback", borrowed.number_at(place))
        kind = value if isinstance(value, type) else type(value)
        return self.link("object", number_of(value), kind_of(value), kind.__name__)

    def origin(self, error: BaseException) -> values.Tree:
        """Where an exception comes from, and its class, if it is not just one of the standard ones."""
        remote = raised.remote_of(error)
        if isinstance(remote, borrowed.Borrowed):
            return {"self": self.object(remote, 0)}
        kind = type(error)
        if raised.is_plain(error):
            return {}
        return {"self": self.link("object", number_of(error), "error", kind.__name__), "class": self.tree(kind)}


class Decoder(values.Decoder):
    """Decodes what the test sent.

    Args:
        records: objects of the test's own classes in a request, which are made anew.
        shared: mutable values of the request that a reply answers, by number.
    """

    def __init__(self, records: list[tuple[str, values.Tree]], shared: list[Any] | None = None) -> None:
        super().__init__()
        self.shared = shared
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
            return borrowed.borrowed(number, kind, name)
        if tag == "record":
            return self.records[number]
        return super().linked(tag, number, kind, name) if self.shared is None else self.shared[number]

    def member(self, kind: str, name: str, value: Any) -> Any:
        """The program's own member of this name."""
        known = script.namespace().get(kind)
        return known.__members__.get(name, value) if isinstance(known, enum.EnumMeta) else value

    def exception(self, description: dict[str, values.Tree]) -> Exception:
        """An exception of the test, or one that came from here."""
        return raised.revive(description, self)


def blank(name: str) -> Any:
    """An object of the program's class of that name, without attributes; else of a class made up."""
    kind, _, member = name.partition(".")
    known = script.namespace().get(kind)
    if member:
        return known[member] if isinstance(known, enum.EnumMeta) else f"<{name}>"
    if not isinstance(known, type) or issubclass(known, (*MUTABLE, int, str, float, tuple, BaseException)):
        known = type(kind, (), {})
    return object.__new__(known)


def serve(fields: values.Tree) -> values.Tree:
    """Do what the test asks for."""
    borrowed.serve(fields["test"])
    decoder, encoder = Decoder(fields["records"]), Encoder()
    args = [decoder.value(value) for value in fields["args"]]
    kwargs = {name: decoder.value(value) for name, value in fields["kwargs"].items()}
    decoder.fill_records()
    encoder.numbers = {id(value): number for number, value in enumerate(decoder.known)}
    encoder.records = {id(value): number for number, value in enumerate(decoder.records)}
    watch = changes.Watch(decoder.known)
    try:
        reply = {"value": _done(fields, args, kwargs, encoder)}
    except BaseException as error:
        reply = {"error": raised.describe(error, encoder)}
    changed = watch.told(encoder)
    return reply | {"changes": changed} if changed else reply


def _done(fields: values.Tree, args: list[Any], kwargs: dict[str, Any], encoder: Encoder) -> values.Tree:
    """The result of an operation, encoded."""
    operation = fields["operation"]
    if operation in FETCHING:
        return FETCHING[operation](encoder, *args)
    if operation in ("", "find"):
        args.insert(0, calls.look_up(fields["function"], script.namespace()))
    result = {**OPERATIONS, **OWN_OPERATIONS}[operation or "call"](*args, **kwargs)
    made = operation in ("", "call") and is_instance_of_own(args[0], result)
    return encoder.object(result, 0) if made else encoder.tree(result)


def is_instance_of_own(kind: Any, result: object) -> bool:
    """Whether a class of the program was called for its instance, which the test wants as an object.

    A namedtuple is data, though.
    """
    own = isinstance(kind, type) and kind.__module__ == script.namespace().get("__name__")
    return own and isinstance(result, kind) and not hasattr(kind, "_fields")


def state(value: object) -> Any:
    """What an object consists of: the test compares objects by this, for their own `__eq__` may lie.

    Its attributes, or a tuple of the data that it is. What shows neither, as a lock, equals only itself.
    """
    if isinstance(value, enum.Enum):
        return {"name": value.name, "value": value.value}
    if isinstance(value, (*values.PLAIN, *MUTABLE)):
        return (value,)
    attributes = values.attributes_of(value)
    return number_of(value) if attributes is None else attributes


def defines(name: str) -> bool:
    """Whether the program has a class of this name."""
    return isinstance(script.namespace().get(name), type)


OWN_OPERATIONS: dict[str, Callable[..., Any]] = {
    "defines": defines,
    "find": lambda value: value,
    "isinstance": isinstance,
    "issubclass": issubclass,
    "state": state,
}

borrowed.use(Encoder, lambda known: Decoder([], known))
calls.serve_with(serve)
