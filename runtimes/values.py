"""What crosses the border of a sandbox: requests, replies, and the kinds of values beside Python's own.

Nothing but data crosses: no objects, so no ``__eq__`` or ``__hash__`` of a candidate ever runs beside trusted code.
`wire` writes it down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MAX_MESSAGE = 10_000
"""Longest message of an exception, in characters."""


class CannotCrossError(ValueError):
    """A value, request or reply cannot cross the border; the text says why."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Stands for an object that cannot cross.

    Attributes:
        type_name: name of its class.
        text: its representation, cut at 1,000 characters.
        attributes: its attributes by name, where it has them and they are data.
    """

    type_name: str
    text: str
    attributes: Mapping[str, Any] | None = None

    def __hash__(self) -> int:
        return hash((self.type_name, self.text))


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an enum that is a number or text; only between a trusted program and its candidate.

    Attributes:
        type_name: name of its enum.
        name: its own.
        value: the number or text.
    """

    type_name: str
    name: str
    value: int | str


class Undefined:
    """JavaScript's ``undefined``; false, and equal to itself only."""

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()


class NamedTuple(tuple[Any, ...]):
    """A namedtuple of a guest. Making a class for each would cost a hostile guest nothing and the host much.

    Attributes:
        type_name: name of its class.
        fields: names of its items.
    """

    type_name: str
    fields: tuple[str, ...]

    @classmethod
    def of(cls, type_name: str, fields: Sequence[str], items: Sequence[Any]) -> NamedTuple:
        """A namedtuple by its parts."""
        made = cls(items)
        made.type_name, made.fields = type_name, tuple(fields)
        return made


@dataclass(frozen=True, slots=True)
class Iteration:
    """What an iterator gave, to its end.

    Attributes:
        items: in order.
    """

    items: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """Something that stays where it is, by its number there; only ever between a trusted program and its candidate.

    Attributes:
        tag: ``object`` of the candidate, ``callback`` of the trusted program, and ``same`` or ``record`` for a value
            that is already in the request.
        number: which one.
        kind: of an object: ``class``, ``callable``, ``iterator``, ``awaitable``, ``exception`` (a class), ``error`` or
            ``instance``; of one of the trusted program also which operators it has.
        name: of its class, or its own.
    """

    tag: str
    number: int
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception, by name; raised, or among what crosses between a trusted program and its candidate.

    Attributes:
        type_name: name of its class.
        message: cut at 10,000 characters.
        base: name of the standard class that it derives from, where the guest told.
        args: what it was made of.
        origin: where the exception itself stays; only between a trusted program and its candidate.
        kind: its class: a link, or a standard one.
        cause: the one that it was raised from.
    """

    type_name: str
    message: str = ""
    base: str = ""
    args: Sequence[Any] = ()
    origin: Link | None = None
    kind: Any = None
    cause: Failure | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A guest's answer to a call: a value, or an exception.

    Attributes:
        value: the value, None after an exception.
        error: the exception, or None.
        changes: arguments that the function has changed in place, by number.
    """

    value: Any = None
    error: Failure | None = None
    changes: Sequence[tuple[int, Any]] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A call: which function, and with what.

    Attributes:
        function: its name as the guest looks it up, for example ``f`` or ``Stack().push``.
        args: positional arguments.
        kwargs: named arguments.
        records: objects of the trusted program's own classes among them: name of the class, and attributes.
        operation: what to do with the first argument, an object of the guest, instead of calling ``function``.
        live: whether a trusted program asks: the reply may hold links, and tells what changed in place.
        test: which one asks, of those that the candidate has served; what one has lent is no other's.
    """

    function: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] | None = None
    records: Sequence[tuple[str, Mapping[str, Any]]] = ()
    operation: str = ""
    live: bool = False
    test: int = 0
