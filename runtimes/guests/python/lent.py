"""What a trusted test lends to the program: functions, iterators, exceptions and objects with methods stay here.

The program knows them by numbers. It can call them, and have them answer what their own class answers; it reads no
names with two underscores, no frames, and of functions only what the test has put there, so that what is not lent is
out of its reach.
"""

import enum
import functools
import inspect
import sys
import types
from collections import ChainMap
from collections.abc import Callable, Iterator
from typing import Any

import changes
import raised
import values
from operations import BINARY, FETCHING, NAMED, OPERATIONS, ORDERS, QUESTIONS, SIGNS

_NEVER = (types.ModuleType, types.FrameType, types.TracebackType, types.CodeType, types.CellType)
_PLAIN_METHODS = {"init", "new", "repr", "str", "eq", "hash", "post_init", "replace", "init_subclass", "class_getitem"}
_ANSWERS = f"{BINARY} {SIGNS} {ORDERS} {QUESTIONS} call contains getitem setitem delitem iter next enter exit eq hash"
_REFLECTED = {f"r{name}": NAMED.get(name, name) for name in BINARY.split()}

_lent: list[Any] = []
_numbers: dict[tuple[int | str, int], int] = {}


def number_of(value: Any) -> int:
    """The number by which the program knows something; a bound method is another object each time."""
    key: tuple[int | str, int] = (id(value), 0)
    if isinstance(value, types.MethodType):
        key = (id(value.__func__), id(value.__self__))
    elif isinstance(value, types.BuiltinMethodType) and value.__self__ is not None:
        key = (value.__name__, id(value.__self__))
    if key not in _numbers:
        _numbers[key] = len(_lent)
        _lent.append(value)
    return _numbers[key]


def lent(number: int) -> Any:
    """What has this number."""
    return _lent[number]


def is_function(value: object) -> bool:
    """Whether something is a function, a method or a class; other objects that can be called have no name."""
    return callable(value) and hasattr(value, "__name__")


def kind_of(value: object) -> str:
    """What the program can do with something that is lent; of an object, what its class answers."""
    if isinstance(value, type) and issubclass(value, Exception):
        return "exception"
    if is_function(value):
        return "callable"
    if inspect.isawaitable(value):
        return "awaitable"
    if isinstance(value, types.GeneratorType) or (isinstance(value, Iterator) and not hasattr(value, "__dict__")):
        return "iterator"
    members = ChainMap(*map(vars, type(value).__mro__))  # without those of its metaclass
    answers = [name for name in _ANSWERS.split() if members.get(f"__{name}__") not in (None, _DEFAULTS.get(name))]
    return " ".join(["instance", *answers])


_DEFAULTS = {name: vars(object).get(f"__{name}__") for name in _ANSWERS.split()}


@functools.cache
def has_methods(kind: type) -> bool:
    """Whether the objects of a class do more than hold data: they are lent then, and else copied."""
    kinds = [each for each in kind.__mro__ if each is not object]
    if not all(each.__module__ == "__main__" for each in kinds):
        return not issubclass(kind, (enum.Enum, types.SimpleNamespace))
    members = [(name.strip("_"), member) for each in kinds for name, member in vars(each).items()]
    methods = {name for name, member in members if isinstance(member, (types.FunctionType, property))}
    return bool(methods - _PLAIN_METHODS)


class Encoder(values.Encoder):
    """Encodes what the program gets: what is no data is lent."""

    def object(self, value: object, depth: int) -> values.Tree:
        """Encode what is no data by its number."""
        if isinstance(value, BaseException):
            return {"exception": raised.describe(value, self, depth)}
        if isinstance(value, _NEVER):
            raise TypeError(f"the test passes a {type(value).__name__}, which cannot cross the sandbox")
        kind = value if isinstance(value, type) else type(value)
        name = str(getattr(value, "__name__", kind.__name__))
        return self.link("callback", number_of(value), kind_of(value), name)

    def iterator(self, value: Iterator[object], depth: int) -> values.Tree:
        """Iterators stay here; they may be endless."""
        return self.object(value, depth)

    def origin(self, error: BaseException) -> values.Tree:
        """Where an exception comes from, and its class."""
        remote = raised.remote_of(error)
        own = self.link("callback", number_of(error), "error") if remote is None else self.tree(remote)
        found = {"self": own} | ({} if raised.is_plain(error) else {"class": self.tree(type(error))})
        # What an assertion says is what the test expects.
        return found | {"message": "", "args": []} if isinstance(error, AssertionError) else found


def serve(fields: values.Tree, decoder: Any, encoder: Encoder) -> values.Tree:
    """Do what the program asks for with something that is lent to it.

    Args:
        fields: of the request.
        decoder: decodes its arguments.
        encoder: encodes the reply.
    """
    tag, number, *_ = fields["args"][0]["link"]
    if tag != "callback":
        raise PermissionError("a program can only use what a test has lent to it")
    target, operation = _lent[number], fields["operation"]
    args = [decoder.value(value) for value in fields["args"][1:]]
    kwargs = {name: decoder.value(value) for name, value in fields["kwargs"].items()}
    watch = changes.Watch(decoder.known)
    encoder.numbers = {id(value): number for number, value in enumerate(decoder.known)}
    reply: dict[str, Any]
    try:
        if operation in FETCHING:
            reply = {"value": FETCHING[operation](encoder, target, *args)}
        else:
            reply = {"value": encoder.tree(_action(operation, target, args)(target, *args, **kwargs))}
    except BaseException as error:
        reply = {"error": raised.describe(error, encoder)}
    changed = watch.told(encoder)
    return reply | {"changes": changed} if changed else reply


def _is_for_tests(target: Any, name: str) -> bool:
    """Whether this is the part of a mock by which a test asks what was done with it."""
    mocks = sys.modules.get("unittest.mock")
    if mocks is None or not isinstance(target, mocks.NonCallableMock):
        return False
    return name.startswith("_mock_") or name in {*dir(mocks.Mock), "method_calls"}


def _action(operation: str, target: Any, args: list[Any]) -> Callable[..., Any]:
    """What does an operation, if the program may have it done."""
    if isinstance(target, AssertionError):
        raise PermissionError("what a test asserts is not for the program")
    if operation in ("getattr", "setattr", "delattr"):
        name = args[0]
        plain = operation == "getattr" and is_function(target) and not isinstance(target, type)
        hidden = plain and name not in getattr(target, "__dict__", ())
        if hidden or name.startswith("__") or _is_for_tests(target, name):
            raise AttributeError(f"{type(target).__name__!r} object has no attribute {name!r} for a program")
    if operation in _REFLECTED:
        return lambda own, other: OPERATIONS[_REFLECTED[operation]](other, own)
    return OPERATIONS[NAMED.get(operation, operation)]
