"""What a trusted test has lent to the program, as the program sees it: all is done at the test's."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import calls
import changes
import fetching
import raised
import values


class Place(NamedTuple):
    """Where something is lent: by which test, and its number there."""

    test: int
    number: int


_test = 0  # which one asks
_things: dict[Place, Any] = {}
_kinds: dict[tuple[str, str], type] = {}

_encoder: Callable[[list[Any]], values.Encoder]
_decoder: Callable[[list[Any]], values.Decoder]


def use(encoder: Callable[[list[Any]], values.Encoder], decoder: Callable[[list[Any]], values.Decoder]) -> None:
    """Take what encodes requests, and what decodes their replies, which may hold values of the request."""
    global _encoder, _decoder
    _encoder, _decoder = encoder, decoder


def serve(test: int) -> None:
    """A test is about to use the program: what others have lent before is not there now."""
    global _test
    _test = test


def number_at(place: Place) -> int:
    """By which number the test that asks knows something."""
    if place.test != _test:
        raise ReferenceError("the test that has lent this is over")
    return place.number


def request(operation: str, place: Place, *args: object, **kwargs: object) -> Any:
    """Have the test do something; the program waits meanwhile. What it changes in place is changed here too."""
    known: list[Any] = []
    encoder = _encoder(known)
    reply = calls.ask(
        {
            "function": "",
            "args": [encoder.link("callback", number_at(place)), *map(encoder.tree, args)],
            "kwargs": {name: encoder.tree(value) for name, value in kwargs.items()},
            "records": [],
            "operation": operation,
            "live": True,
        }
    )
    decoder = _decoder(known)
    changes.make(reply.get("changes", []), decoder, known)
    if "error" in reply:
        raise raised.revive(reply["error"], decoder)
    return decoder.value(reply["value"])


class Borrowed:
    """Something of the test."""

    __slots__ = ("__dict__", "__place", "__weakref__")

    def __init__(self, place: Place) -> None:
        object.__setattr__(self, "_Borrowed__place", place)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return request("getattr", self.__place, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("__"):  # as `functools.wraps` does
            object.__setattr__(self, name, value)
        else:
            request("setattr", self.__place, name, value)

    def __delattr__(self, name: str) -> None:
        request("delattr", self.__place, name)

    def __copy__(self) -> Any:
        return request("copy", self.__place)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return request("deepcopy", self.__place)


def place_of(value: Borrowed) -> Place:
    """Where it is lent."""
    return value._Borrowed__place


def borrowed(number: int, kind: str, name: str) -> Any:
    """What stands for something of the test."""
    place = Place(_test, number)
    if place not in _things:
        _things[place] = _made(place, kind, name)
    return _things[place]


def _made(place: Place, kind: str, name: str) -> Any:
    if kind == "exception":
        bases, make = functools.partial(request, "bases", place), functools.partial(request, "call", place)
        return raised.mirror(place, name, bases, make)
    if kind == "iterator":
        return fetching.fetch(lambda operation, *args: request(operation, place, *args))
    if kind == "awaitable":
        return _await(place)
    made = _class(kind, name)(place)
    if kind == "callable":
        made.__name__ = made.__qualname__ = name
    return made


async def _await(place: Place) -> Any:
    return request("await", place)


def _class(kind: str, name: str) -> type:
    """A class whose objects answer what `kind` says."""
    if (kind, name) not in _kinds:
        _, *answers = kind.split() if kind != "callable" else ("", "call")
        if kind.startswith("instance"):
            answers += ["str", "repr", "format"]
        methods: dict[str, Any] = {f"__{answer}__": _method(answer) for answer in answers}
        if "eq" in answers and "hash" not in answers:
            methods["__hash__"] = None
        if "next" in answers:
            methods["__next__"] = _next
        _kinds[kind, name] = type(name if name.isidentifier() else "function", (Borrowed,), methods)
    return _kinds[kind, name]


def _method(answer: str) -> Callable[..., Any]:
    def method(self: Borrowed, *args: object, **kwargs: object) -> Any:
        if answer == "exit":
            args = (args[1],)
        return request(answer, place_of(self), *args, **kwargs)

    return method


def _next(self: Borrowed) -> Any:
    _, _, *items = request("take", place_of(self), 1)
    if not items:
        raise StopIteration
    return items[0]
