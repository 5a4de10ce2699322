"""Types of Python's standard library that cross a sandbox: what each is made of, and how it is made anew.

Host and guest share this table. Some cross as the pairs of a dict, the others as a flat list of parts; keys, items and
parts are values themselves. Only constructors of the standard library ever see what arrives.
"""

import array
import builtins
import collections
import dataclasses
import datetime
import decimal
import fractions
import json
import queue
import types
from collections.abc import Callable
from typing import Any

MAX_DECIMAL = 10_000
"""Most digits of a Decimal, and its largest exponent: with larger ones, arithmetic can be made to last for ever."""

_FACTORIES = (int, float, str, list, dict, set, tuple, bool)

TYPES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        *_FACTORIES, bytearray, bytes, complex, frozenset, range, type(None), type(...),
        array.array, collections.Counter, collections.deque, collections.OrderedDict, collections.defaultdict,
        datetime.date, datetime.datetime, datetime.time, datetime.timedelta, decimal.Decimal, fractions.Fraction,
    )
}  # fmt: skip
"""What crosses by its name alone."""
TYPES |= {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)}
_EXCEPTIONS = (
    dataclasses.FrozenInstanceError, decimal.InvalidOperation, json.JSONDecodeError, queue.Empty, queue.Full,
)  # fmt: skip
TYPES |= {kind.__name__: kind for kind in _EXCEPTIONS}
TYPES |= {"Ellipsis": ..., "NotImplemented": NotImplemented}

_NAMES = {id(kind): name for name, kind in TYPES.items()}

_SOME: dict[str, Any] = {}
_KEYS, _VALUES, _ITEMS = type(_SOME.keys()), type(_SOME.values()), type(_SOME.items())


def as_dict(value: object) -> tuple[str, dict[Any, Any]] | None:
    """The tag and the pairs of a value that crosses as a dict, or None."""
    if isinstance(value, collections.defaultdict):
        factory = value.default_factory
        return (f"defaultdict {factory.__name__}" if factory in _FACTORIES else "defaultdict"), value
    if isinstance(value, collections.Counter):
        return "counter", value
    if isinstance(value, collections.OrderedDict):
        return "ordereddict", value
    if isinstance(value, _KEYS):
        return "keys", dict.fromkeys(value)
    if isinstance(value, _ITEMS):
        return "items", dict(value)
    if isinstance(value, types.MappingProxyType):
        return "dict", dict(value)
    return None


FROM_DICT: dict[str, Callable[[dict[Any, Any]], Any]] = {
    "counter": collections.Counter,
    "ordereddict": collections.OrderedDict,
    "keys": lambda pairs: pairs.keys(),
    "items": lambda pairs: pairs.items(),
    "defaultdict": lambda pairs: collections.defaultdict(None, pairs),
}
"""Makes of a dict what `as_dict` has told its tag of."""


def _add_factory(factory: Any) -> None:
    FROM_DICT[f"defaultdict {factory.__name__}"] = lambda pairs: collections.defaultdict(factory, pairs)


for _factory in _FACTORIES:
    _add_factory(_factory)


def take_apart(value: object) -> tuple[str, list[Any]] | None:
    """The tag and the parts of a value, or None if it is of no known type."""
    for kind in type(value).__mro__:
        if kind in _APART:
            tag, parts = _APART[kind]
            return tag, parts(value)
    name = _NAMES.get(id(value))
    return None if name is None else ("named", [name])


_APART: dict[type, tuple[str, Callable[[Any], list[Any]]]] = {
    array.array: ("array", lambda value: [value.typecode, *value]),
    bytearray: ("bytearray", lambda value: [bytes(value)]),
    collections.deque: ("deque", lambda value: [value.maxlen, *collections.deque.__iter__(value)]),
    range: ("range", lambda value: [value.start, value.stop, value.step]),
    _VALUES: ("values", list),
    fractions.Fraction: ("fraction", lambda value: [value.numerator, value.denominator]),
    decimal.Decimal: ("decimal", lambda value: [decimal.Decimal.__str__(value)]),
    datetime.datetime: ("datetime", lambda value: [datetime.datetime.isoformat(value)]),
    datetime.date: ("date", lambda value: [datetime.date.isoformat(value)]),
    datetime.time: ("time", lambda value: [datetime.time.isoformat(value)]),
    datetime.timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
}


def _decimal(text: str) -> decimal.Decimal:
    number = decimal.Decimal(text) if len(text) <= MAX_DECIMAL else decimal.Decimal("sNaN")
    if number.is_snan() or (number.is_finite() and abs(number.adjusted()) > MAX_DECIMAL):
        raise ValueError("a Decimal of this kind or size cannot cross the sandbox")
    return number


PUT_TOGETHER: dict[str, Callable[..., Any]] = {
    "array": lambda code, *items: array.array(code, items),
    "bytearray": lambda content: bytearray(memoryview(content)),
    "deque": lambda longest, *items: collections.deque(items, longest),
    "range": range,
    "values": lambda *items: dict(enumerate(items)).values(),
    "fraction": lambda over, under: fractions.Fraction(int.__index__(over), int.__index__(under)),
    "decimal": _decimal,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timedelta": datetime.timedelta,
    "named": lambda name: TYPES[name],
}
"""Makes of parts what `take_apart` has told the tag of.

They raise LookupError, TypeError, ValueError or ArithmeticError where the parts don't fit.
"""

MUTABLE: tuple[Any, ...] = (list, dict, set, bytearray, collections.deque, array.array)
"""What a function may change in place. Counted in the order in which they are met, they have the same numbers on both
sides."""

MUTABLE_TAGS = {"list", "dict", "set", "bytearray", "deque", "array"} | (FROM_DICT.keys() - {"keys", "items"})


def replace_content(target: Any, new: Any) -> None:
    """Give a mutable value the content of another one of its kind.

    Raises:
        TypeError: they are of different kinds.
    """
    kind = next(kind for kind in MUTABLE if isinstance(target, kind))
    if isinstance(new, list) and kind in (collections.deque, bytearray):  # JavaScript has arrays only
        new = kind(new)
    elif isinstance(new, list) and kind is array.array:
        new = array.array(target.typecode, new)
    if not isinstance(new, kind):
        raise TypeError(f"a {type(target).__name__} cannot become a {type(new).__name__}")
    if isinstance(target, (dict, set)):
        target.clear()
        target.update(new)
    elif isinstance(target, collections.deque):
        target.clear()
        target.extend(new)
    else:
        target[:] = new
