"""A trusted test's side: functions and objects of the program under test, as the test sees them.

The test asks, the program answers with data. Two rules keep a program from deciding about itself. `==` never asks the
program's `__eq__`: objects are equal if they are of the same class and consist of equal data. And what a function has
returned where the test expects data answers no question that data answers: operators, `len`, iteration and the methods
of text and numbers are refused. Only the very objects that the test has made itself, by calling a class, may do that,
and what operators give of them as long as no data of the test is computed with. They are known by their numbers: the
name of a class is for the program to choose.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import fetching
from asking import Remote, ask, known, request, use
from equality import equal, identical
from operations import BINARY, NAMED, ORDERS, QUESTIONS, SIGNS

# Methods of data that objects could imitate to say yes to everything. Those that change in place say nothing.
DATA_METHODS = {name for kind in (str, bytes, int, float, complex, frozenset) for name in dir(kind)} - {"copy"}

in_place_always = False
awaits = False

# Objects that the test has made. Where a method returns one, it gets another stand-in: it may be no data either.
_own: dict[tuple[str, int], "Object"] = {}


def stand_in(owner: str, number: int, kind: str, name: str, *, own: bool = False) -> Any:
    """What stands for an object of the program; `own`: the test has made it by calling a class."""
    if own and kind in ("instance", "iterator", "callable"):
        if (owner, number) not in _own:
            _own[owner, number] = _class_named(Object, name)(owner, number, "instance", name)
        return _own[owner, number]
    if kind == "iterator":
        return fetching.fetch(functools.partial(_ask_iterator, owner, number))
    if kind == "awaitable":
        return _await(owner, number) if awaits else ask(owner, "await", Remote(owner, number, kind, ""))
    if (owner, number) not in known:
        if kind in ("class", "callable"):
            known[owner, number] = Function(owner, number, kind, "")
        else:
            known[owner, number] = _class_named(Thing, name)(owner, number, kind, name)
    return known[owner, number]


def _ask_iterator(owner: str, number: int, operation: str, *args: object) -> Any:
    return ask(owner, operation, Remote(owner, number, "iterator", ""), *args)


@functools.lru_cache(maxsize=1_000)
def _class_named(kind: type["Thing"], name: str) -> type["Thing"]:
    """The class of stand-ins for objects of a class of this name."""
    return type(name, (kind,), {}) if name.isidentifier() else kind


async def _await(owner: str, number: int) -> Any:
    return ask(owner, "await", Remote(owner, number, "awaitable", ""))


class Thing(Remote):
    """Stands for an object of the program that a function has returned: attributes and methods, no operators."""

    def __getattr__(self, name: str) -> Any:
        found = self._ask("getattr", name)
        # Types and the test's own functions can be called too, and what is no data could say yes to everything.
        if name in DATA_METHODS and (isinstance(found, Remote) or callable(found)) and not isinstance(self, Object):
            raise AttributeError(f"{self._name!r} object has no attribute {name!r} of data{_HINT}")
        return found

    def __setattr__(self, name: str, value: object) -> None:
        self._ask("setattr", name, value)

    def __delattr__(self, name: str) -> None:
        self._ask("delattr", name)

    def __str__(self) -> str:
        return self._ask("str")

    def __repr__(self) -> str:
        return self._ask("repr")

    def __format__(self, how: str) -> str:
        return self._ask("format", how)

    def __copy__(self) -> Any:
        return self._ask("copy")

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._ask("deepcopy")

    def __hash__(self) -> int:
        return hash(self._name)  # equal objects need equal hashes

    def __eq__(self, other: object) -> bool:
        return equal(self, other, set())

    def __enter__(self) -> Any:
        entered = self._ask("enter")
        return self if identical(entered, self) else entered

    def __exit__(self, kind: Any, error: Any, trace: object) -> bool:
        # Whether the test passes is not for the program to say.
        return self._ask("exit", error) and not isinstance(error, AssertionError)


_HINT = ": an object that a function returned is no data (the test can call a class to make one)"


class Computed(Thing):
    """Stands for what an operator gave of objects that the test has made: it can be computed with.

    But only to more objects. Any other answer would be one about the data that it is held against.
    """

    def _compute(self, operation: str, *operands: object) -> Any:
        found = _computed(ask(self._owner, operation, *operands), Computed)
        if not isinstance(found, Computed):
            raise TypeError(f"the test computes with {self._name!r} as with data{_HINT}")
        return found


def _computed(found: Any, kind: type[Computed]) -> Any:
    """What an operator gave."""
    if isinstance(found, Thing) and not isinstance(found, (Function, Object)):
        return _class_named(kind, found._name)(found._owner, found._number, found._kind, found._name)
    return found


class Result(Computed):
    """Stands for what an operator gave of nothing but objects that the test has made, or of one of them and data.

    It has seen nothing that the test expects of it, so what it says of itself is as good as data would be.
    """

    def _compute(self, operation: str, *operands: object) -> Any:
        kind = Result if all(isinstance(operand, Result) for operand in operands) else Computed
        if kind is Computed and len(operands) > 1:
            return super()._compute(operation, *operands)
        return _computed(ask(self._owner, operation, *operands), kind)

    def _compare(self, operation: str, other: object) -> Any:
        if not (isinstance(self, Object) or isinstance(other, Object)) or not self._may_compare(other):
            raise TypeError(f"the test compares {self._name!r} as data{_HINT}")
        return self._ask(operation, other)

    def _may_compare(self, other: object) -> bool:
        return isinstance(other, Result)

    def __contains__(self, item: object) -> bool:
        raise TypeError(f"the test asks {self._name!r} as data{_HINT}")

    def __getitem__(self, key: object) -> Any:
        return self._ask("getitem", key)

    def __iter__(self) -> Iterator[Any]:
        found = self._ask("iter")
        return found if isinstance(found, Iterator) else iter(found)


class Object(Result):
    """Stands for an object that the test has made by calling a class: it has all operators."""

    def _compute(self, operation: str, *operands: object) -> Any:
        return _computed(ask(self._owner, operation, *operands), Result)

    def _may_compare(self, other: object) -> bool:
        return isinstance(other, Result) or not isinstance(other, Remote)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call it."""
        return self._ask("call", *args, **kwargs)

    def __contains__(self, item: object) -> bool:
        return self._ask("contains", item)

    def __setitem__(self, key: object, value: object) -> None:
        self._ask("setitem", key, value)

    def __delitem__(self, key: object) -> None:
        self._ask("delitem", key)

    def __next__(self) -> Any:
        _, _, *items = self._ask("take", 1)
        if not items:
            raise StopIteration
        return items[0]


class Function(Thing):
    """Stands for a function or class of the program."""

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Call it; what it changes in place stays as it was for the test."""
        return self._call(args, kwargs, in_place=in_place_always)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, in_place: bool) -> Any:
        operation, args = ("", args) if self._number is None else ("call", (self, *args))
        makes = isinstance(self, Class)
        return request(self._owner, operation, args, kwargs, in_place=in_place, makes=makes)

    def __mro_entries__(self, bases: object) -> tuple[type, ...]:
        raise TypeError(f"a class of the test cannot derive from {self._name!r}, which is in another sandbox")

    def __instancecheck__(self, value: object) -> bool:
        if isinstance(value, BaseException):
            kind = ask(self._owner, "find")
            return isinstance(kind, type) and isinstance(value, kind)
        return isinstance(value, Remote) and ask(self._owner, "isinstance", value, self) is True

    def __subclasscheck__(self, kind: type) -> bool:
        return isinstance(kind, Remote) and ask(self._owner, "issubclass", kind, self) is True


class Named(Function):
    """Stands for what the program has under a name with a capital letter, an enum for example."""

    def __iter__(self) -> Iterator[Any]:
        return self._ask("iter")

    def __getitem__(self, key: object) -> Any:
        return self._ask("getitem", key)

    def __contains__(self, item: object) -> bool:
        return self._ask("contains", item)

    def __len__(self) -> int:
        return self._ask("len")

    def __bool__(self) -> bool:
        return True


class Class(Named):
    """Stands for what the test treats as a class: it has made the results of its calls."""


def _swap(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An operator, and the same with its operands the other way round."""
    return lambda self, other: self._compute(name, self, other), lambda self, other: self._compute(name, other, self)


def _sign(name: str) -> Callable[..., Any]:
    """An operator of one operand."""
    return lambda self, *args: self._compute(name, self, *args)


def _order(name: str) -> Callable[..., Any]:
    """An operator that compares."""
    return lambda self, other: self._compare(name, other)


def _question(name: str) -> Callable[..., Any]:
    """What only data and objects of the test answer."""
    return lambda self: self._ask(name)


for _name in BINARY.split():
    _forward, _backward = _swap(NAMED.get(_name, _name))
    setattr(Computed, f"__{_name}__", _forward)
    setattr(Computed, f"__r{_name}__", _backward)
for _name in SIGNS.split():
    setattr(Computed, f"__{_name}__", _sign(NAMED.get(_name, _name)))
for _name in ORDERS.split():
    setattr(Result, f"__{_name}__", _order(_name))
for _name in QUESTIONS.split():
    setattr(Result, f"__{_name}__", _question(_name))


def in_place(function: Any) -> Any:
    """The function as it is where the test has no use for its result: its changes of arguments count."""
    if not isinstance(function, Function):
        return function
    return lambda *args, **kwargs: function._call(args, kwargs, in_place=True)


use(stand_in)
