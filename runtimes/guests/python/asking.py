"""Requests of a trusted test to the program under test, and what comes back."""

import collections
import copy
import enum
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import calls
import changes
import lent
import raised
import values
from standard_types import replace_content

errors: dict[str, type[Exception]] = dict(raised.STANDARD)
known: dict[tuple[str, int], "Remote"] = {}  # by the name of the program and the number there

_stand_in: Callable[..., Any]

# The last copies of arguments that a program has changed and returned, with what they are copies of.
_returned: collections.deque[tuple[Any, Any]] = collections.deque(maxlen=16)


def use(stand_in: Callable[..., Any]) -> None:
    """Take what makes stand-ins of links to objects: it gets the link's fields, and whether the test made them."""
    global _stand_in
    _stand_in = stand_in


class Remote:
    """Stands for an object of the program.

    Args:
        owner: the name by which the test calls the program.
        number: the object's number there; None for the one that `owner` names.
        kind: ``class``, ``callable`` or ``instance``.
        name: of its class.
    """

    def __init__(self, owner: str, number: int | None, kind: str, name: str) -> None:
        for field, value in (("_owner", owner), ("_number", number), ("_kind", kind), ("_name", name)):
            object.__setattr__(self, field, value)

    def _resolve(self) -> int:
        if self._number is None:
            object.__setattr__(self, "_number", ask(self._owner, "find")._number)
        return self._number

    def _ask(self, operation: str, *args: object, **kwargs: object) -> Any:
        return ask(self._owner, operation, self, *args, **kwargs)


class Encoder(lent.Encoder):
    """Encodes what the program gets.

    Args:
        owner: the name by which the test calls the program.
        known: the mutable values of a request, to be filled; None for a reply, in which all objects are lent.
    """

    def __init__(self, owner: str, known: list[Any] | None = None) -> None:
        super().__init__(known)
        self.owner = owner
        self.records: list[Any] = []
        self.record_contents: dict[int, int] = {}  # the number of the attributes: the number of the record
        self._record_numbers: dict[int, int] = {}

    def tree(self, value: object, depth: int = 0) -> values.Tree:
        """Encode a value; objects of the program by their numbers there."""
        if isinstance(value, Remote):
            return self.link("object", value._resolve(), "", "")
        if isinstance(value, Member):
            return self.member(type(value).__name__, value.name, super().tree(value, depth))
        return super().tree(value, depth)

    def object(self, value: object, depth: int) -> values.Tree:
        """Encode an object of the test: one of a class that the program has too, or that only holds data, is copied."""
        if isinstance(value, type) and value in raised.originals:
            key = raised.originals[value]
            return self.link("object", key.number, "", "") if isinstance(key, _Place) else self.tree(key[-1])
        if self.known is None or callable(value) or isinstance(value, (BaseException, Iterator)) or self._lends(value):
            return super().object(value, depth)
        if id(value) not in self._record_numbers:
            self._record_numbers[id(value)] = len(self.records)
            self.records.append(value)
        return self.link("record", self._record_numbers[id(value)])

    def _lends(self, value: object) -> bool:
        if values.attributes_of(value) is None or inspect.isawaitable(value):
            return True
        return lent.has_methods(type(value)) and not _defines(self.owner, type(value).__name__)

    def write_records(self) -> list[values.Tree]:
        """Encode what the objects hold: by numbers among themselves, so that a long chain is not deep."""
        written = []
        assert self.known is not None
        for value in self.records:  # it grows meanwhile
            if isinstance(value, enum.Enum):
                name, attributes = f"{type(value).__name__}.{value.name}", {}
            else:
                name, attributes = type(value).__name__, getattr(value, "__dict__", None)
                attributes = values.attributes_of(value) or {} if attributes is None else attributes
            self.record_contents[len(self.known)] = len(written)
            self.meet(attributes)
            written.append([name, self.content(attributes)])
        return written


@functools.cache
def _defines(owner: str, name: str) -> bool:
    """Whether the program has a class of this name."""
    try:
        return ask(owner, "defines", name) is not False
    except TypeError:  # JavaScript's objects are all of data
        return True


class Member:
    """What the members of the program's enums that are numbers or text are, beside that."""

    name: str

    @property
    def value(self) -> Any:
        """The number or text alone."""
        return type(self).__mro__[2](self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.value!r}>"


@functools.lru_cache(maxsize=1_000)
def _member(kind: str, name: str, value: Any, own: type) -> Any:
    """The member, the same each time."""
    return type(kind, (Member, own), {"name": name})(value)


class _Place(NamedTuple):
    """A class of the program: it is the same by whichever of its names the test calls the program."""

    number: int


class Decoder(values.Decoder):
    """Decodes a reply, or a request of the program.

    Args:
        owner: the name by which the test calls the program.
        shared: mutable values of the request that a reply answers, by number.
        records: its objects, by number.
    """

    def __init__(self, owner: str, shared: list[Any] | None = None, records: list[Any] | None = None) -> None:
        super().__init__()
        self.owner, self.shared, self.records = owner, shared, records or []

    def linked(self, tag: str, number: int, kind: str, name: str) -> Any:
        """An argument of the request itself, what the test has lent, or what stands for an object of the program."""
        if tag == "same":
            return self.known[number] if self.shared is None else self.shared[number]
        if tag == "record":
            return self.records[number]
        if tag == "callback":
            return lent.lent(number)
        if kind == "exception":
            own = Remote(self.owner, number, kind, name)
            bases, make = functools.partial(own._ask, "bases"), functools.partial(own._ask, "call")
            return raised.mirror(_Place(number), name, bases, make)
        return _stand_in(self.owner, number, "instance" if kind == "error" else kind, name)

    def member(self, kind: str, name: str, value: Any) -> Any:
        """A member of an enum of the program."""
        return _member(kind, name, value, type(value)) if type(value) in (int, str) and kind.isidentifier() else value

    def exception(self, description: dict[str, values.Tree]) -> Exception:
        """An exception of the program, or one that came from here."""
        return raised.revive(description, self, errors)


def exception(name: str) -> type[Exception]:
    """The class of an exception that the test expects of the program by this name."""
    try:
        found = ask(name, "find")
    except Exception:
        found = None
    if not (isinstance(found, type) and issubclass(found, Exception)):
        found = type(name, (Exception,), {})
    return errors.setdefault(name, found)


def ask(owner: str, operation: str, *args: object, **kwargs: object) -> Any:
    """Have the program do something; changes of arguments in place are left out."""
    return request(owner, operation, args, kwargs)


def request(owner: str, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any], **how: bool) -> Any:
    """Have the program do something.

    Args:
        owner: the name by which the test calls the program.
        operation: what; empty for the call of what has this name.
        args: with what.
        kwargs: and by name.
        how: `in_place`, whether changes of arguments count; `makes`, whether the result is an object of the test's.
    """
    known: list[Any] = []
    encoder = Encoder(owner, known)
    reply = calls.ask(
        {
            "function": owner,
            "args": [encoder.tree(value) for value in args],
            "kwargs": {name: encoder.tree(value) for name, value in kwargs.items()},
            "records": encoder.write_records(),
            "operation": operation,
            "live": True,
        }
    )
    shared, records, changed = known, encoder.records, reply.get("changes", [])
    # Who returned nothing can forge nothing.
    counts = how.get("in_place") or reply.get("value", 0) in (None, {"undefined": True})
    if changed and not counts:
        # The result may hold an argument as the program left it, while the test's own stays as it was.
        shared, records = _copies(encoder, known)
    decoder = Decoder(owner, shared, records)
    changes.make(changed, decoder, shared)
    if "error" in reply:
        raise decoder.exception(reply["error"])
    tree = reply["value"]
    if how.get("makes") and isinstance(tree, dict) and tree.get("link", [""])[0] == "object":
        return _stand_in(owner, *tree["link"][1:], own=True)
    value = decoder.value(tree)
    if shared is not known:
        pairs = zip([*shared, *records], [*known, *encoder.records], strict=True)
        _returned.extend(pair for pair in pairs if pair[0] is value)
    return value


def _copies(encoder: Encoder, known: list[Any]) -> tuple[list[Any], list[Any]]:
    """Copies of all that a request holds, which refer to each other as the originals do."""
    records = [value if isinstance(value, enum.Enum) else copy.copy(value) for value in encoder.records]
    shared = [copy.copy(value) for value in known]
    for number, record in encoder.record_contents.items():
        shared[number] = getattr(records[record], "__dict__", {})
    originals = [*known, *encoder.records]
    made = {id(value): new for value, new in zip(originals, [*shared, *records], strict=True)}

    def copied(value: Any) -> Any:
        if isinstance(value, tuple):
            items = map(copied, value)
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        return made.get(id(value), value)

    for value in shared:
        if isinstance(value, dict):
            value.update({key: copied(item) for key, item in value.items()})
        elif isinstance(value, (list, collections.deque)):
            replace_content(value, type(value)(map(copied, value)))
    return shared, records


def original(value: Any) -> Any:
    """The argument that a program has changed and returned, where this is the copy that the test got."""
    return next((argument for copied, argument in _returned if copied is value), value)


def serve(fields: values.Tree) -> values.Tree:
    """The program uses what the test has lent to it."""
    owner = fields["function"]
    return lent.serve(fields, Decoder(owner), Encoder(owner))
