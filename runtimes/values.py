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
        kind: of an object: ``function``, ``class``, ``iterator``, ``callable`` or ``instance``.
        name: of its class, or its own.
    """

    tag: str
    number: int
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A guest's answer to a call: a value, or an exception by name.

    Attributes:
        value: the value, None after an exception.
        error_type: name of the exception's class, or None.
        error_message: its message, cut at 10,000 characters.
        error_base: name of the standard class that it derives from, where the guest told.
        changes: arguments that the function has changed in place, by number.
        error_args: what the exception was made of, where that is plain.
    """

    value: Any = None
    error_type: str | None = None
    error_message: str = ""
    error_base: str = ""
    changes: Sequence[tuple[int, Any]] = ()
    error_args: Sequence[Any] = ()


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
    """

    function: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] | None = None
    records: Sequence[tuple[str, Mapping[str, Any]]] = ()
    operation: str = ""
    live: bool = False
