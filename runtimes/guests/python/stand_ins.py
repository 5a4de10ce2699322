"""A trusted test's side: functions and objects of the program under test, as the test sees them.

The test asks, the program answers with data. Two rules keep a program from deciding about itself. `==` never asks the
program's `__eq__`: objects are equal if they are of the same class and consist of equal data. And what a function has
returned where the test expects data answers no question about the data it is held against: `-`, `<`, `in` and the
methods of text and numbers are refused. Only what the test has made itself, by calling a class, may do that.
"""

import collections
import copy
import enum
from collections.abc import Callable, Iterator
from typing import Any

import calls
import values
from standard_types import replace_content

# An iterator's items are fetched one by one first, for a test may send values in between; then in growing blocks.
SINGLE_ITEMS = 16
LARGEST_BLOCK = 1024

# Methods of data that objects could imitate to say yes to everything. Those that change in place say nothing.
DATA_METHODS = {name for kind in (str, bytes, int, float, complex, frozenset) for name in dir(kind)} - {"copy"}

errors: dict[str, type[Exception]] = dict(calls.STANDARD_ERRORS)
in_place_always = False
awaits = False

held_against_data: set[str] = set()  # names of classes whose objects the test has compared with data, in vain

_functions: list[Callable[..., Any]] = []  # of the test, that it has handed over
_made: set[str] = set()  # names of the program's classes that the test has called
_known: dict[tuple[str, int], "Remote"] = {}


class Encoder(values.Encoder):
    """Encodes a request: mutable arguments are numbered, so that the reply can tell their changes."""

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Any] = []
        self.records: list[Any] = []
        self.record_contents: dict[int, int] = {}  # the number of the attributes: the number of the record
        self._record_numbers: dict[int, int] = {}

    def meet(self, value: object) -> None:
        """Number a mutable value."""
        self.numbers[id(value)] = len(self.known)
        self.known.append(value)

    def tree(self, value: object, depth: int = 0) -> values.Tree:
        """Encode a value; objects of the program by their numbers there."""
        if isinstance(value, Remote):
            return self.link("object", value._resolve(), "", "")
        return super().tree(value, depth)

    def object(self, value: object, depth: int) -> values.Tree:
        """Encode a function of the test, which stays here, or an object of one of its classes."""
        if callable(value):
            _functions.append(value)
            return self.link("callback", len(_functions) - 1, "", str(getattr(value, "__name__", "function")))
        if id(value) not in self._record_numbers:
            self._record_numbers[id(value)] = len(self.records)
            self.records.append(value)
        return self.link("record", self._record_numbers[id(value)])

    def write_records(self) -> list[values.Tree]:
        """Encode what the objects hold: by numbers among themselves, so that a long chain is not deep."""
        written = []
        for value in self.records:  # it grows meanwhile
            if isinstance(value, enum.Enum):
                name, attributes = f"{type(value).__name__}.{value.name}", {}
            else:
                name, attributes = type(value).__name__, getattr(value, "__dict__", None)
                attributes = values.attributes_of(value) if attributes is None else attributes
            if attributes is None:
                raise TypeError(f"the test passes a {name}, which cannot cross the sandbox")
            self.record_contents[len(self.known)] = len(written)
            self.meet(attributes)
            written.append([name, self.content(attributes)])
        return written


class Decoder(values.Decoder):
    """Decodes a reply.

    Args:
        owner: the name by which the test calls the program.
        shared: mutable values of the request, by number.
        records: objects of the request, by number.
    """

    def __init__(self, owner: str, shared: list[Any], records: list[Any]) -> None:
        super().__init__()
        self.owner, self.shared, self.records = owner, shared, records

    def linked(self, tag: str, number: int, kind: str, name: str) -> Any:
        """An argument of the request itself, a function of the test, or what stands for an object of the program."""
        if tag == "same":
            return self.shared[number]
        if tag == "record":
            return self.records[number]
        if tag == "callback":
            return _functions[number]
        return stand_in(self.owner, number, kind, name)


def stand_in(owner: str, number: int, kind: str, name: str, *, own: bool = False) -> Any:
    """What stands for an object of the program; `own`: the test has made it by calling a class."""
    if own and kind in ("instance", "iterator", "callable"):
        _made.add(name)
        _known[owner, number] = made = Object(owner, number, "instance", name)
        object.__setattr__(made, "_own", True)
    if kind == "iterator" and name not in _made:
        return _iterate(owner, number)
    if kind == "awaitable":
        return _await(owner, number) if awaits else ask(owner, "await", Remote(owner, number, kind, ""))
    if (owner, number) not in _known:
        if kind in ("class", "callable"):
            _known[owner, number] = Function(owner, number, kind, "")
        else:
            _known[owner, number] = (Object if name in _made else Remote)(owner, number, kind, name)
    return _known[owner, number]


def ask(owner: str, operation: str, *args: object, **kwargs: object) -> Any:
    """Have the program do something; changes of arguments in place are left out."""
    return _request(owner, operation, args, kwargs)


def _request(owner: str, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any], **how: bool) -> Any:
    encoder = Encoder()
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
    shared, records, changes = encoder.known, encoder.records, reply.get("changes", [])
    if changes and not how.get("in_place"):
        # The result may hold an argument as the program left it, while the test's own stays as it was.
        if changes := changes if "value" in reply else []:
            shared, records = _copies(encoder)
    decoder = Decoder(owner, shared, records)
    contents = [(shared[number], decoder.value(content)) for number, content in changes]
    for target, content in contents:
        replace_content(target, content)
    if "error" in reply:
        raise calls.error_of(reply["error"], errors)
    tree = reply["value"]
    if how.get("makes") and isinstance(tree, dict) and tree.get("link", [""])[0] == "object":
        return stand_in(owner, *tree["link"][1:], own=True)
    return decoder.value(tree)


def _copies(encoder: Encoder) -> tuple[list[Any], list[Any]]:
    """Copies of all that a request holds, which refer to each other as the originals do."""
    records = [value if isinstance(value, enum.Enum) else copy.copy(value) for value in encoder.records]
    shared = [copy.copy(value) for value in encoder.known]
    for number, record in encoder.record_contents.items():
        shared[number] = getattr(records[record], "__dict__", {})
    originals = [*encoder.known, *encoder.records]
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


def _iterate(owner: str, number: int) -> Iterator[Any]:
    """What stands for an iterator of the program; endless ones are only fetched as far as the test goes."""
    iterator = Remote(owner, number, "iterator", "")
    count, size, sent = 0, 1, ()
    more = True
    while more:
        more, *items = ask(owner, "take", iterator, size, *sent)
        for item in items:
            value = yield item
            sent = () if value is None else (value,)
        count += len(items)
        size = min(2 * size, LARGEST_BLOCK) if count >= SINGLE_ITEMS else 1


async def _await(owner: str, number: int) -> Any:
    return ask(owner, "await", Remote(owner, number, "awaitable", ""))


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

    def __getattr__(self, name: str) -> Any:
        found = self._ask("getattr", name)
        if isinstance(found, Function):
            if name in DATA_METHODS and not self._is_made():
                raise AttributeError(f"{self._name!r} object has no attribute {name!r} of data{_HINT}")
            return Function(found._owner, found._number, found._kind, name)
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

    def _is_made(self) -> bool:
        """Whether the test has made this object by calling a class."""
        return False


_HINT = ": an object that a function returned is no data (the test can call a class to make one)"


def equal(one: Remote, other: Any, seen: set[tuple[int, int]]) -> bool:
    """Whether an object of the program equals something: by the data that they consist of, compared here."""
    if one is other:
        return True
    if one._kind != "instance":
        return isinstance(other, Remote) and one._resolve() == other._resolve()
    if isinstance(other, Remote):
        if one._name != other._name or other._kind != "instance":
            return False
        pair = (one._resolve(), other._resolve())
        if pair[0] == pair[1] or pair in seen:
            return True
        seen.add(pair)
        return _same(one._ask("state"), other._ask("state"), seen)
    if isinstance(other, values.PLAIN):
        state = one._ask("state")
        if type(state) is tuple:
            return _same(state[0], other, seen)
        held_against_data.add(one._name)
        return False
    if callable(other):
        return False
    if isinstance(other, enum.Enum):
        return type(other).__name__ == one._name and _same(
            one._ask("state"), {"name": other.name, "value": other.value}, seen
        )
    own = values.attributes_of(other)
    return type(other).__name__ == one._name and own is not None and _same(one._ask("state"), own, seen)


def _same(one: Any, other: Any, seen: set[tuple[int, int]]) -> bool:
    """Equality of data that may hold objects of the program."""
    if isinstance(one, Remote):
        return equal(one, other, seen)
    if isinstance(other, Remote):
        return equal(other, one, seen)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key], seen) for key, value in one.items())
    if type(one) is type(other) and isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(_same(*pair, seen) for pair in zip(one, other, strict=True))
    return one == other


class Object(Remote):
    """Stands for an instance of a class that the test has called: it has all operators."""

    def __init__(self, owner: str, number: int | None, kind: str, name: str) -> None:
        super().__init__(owner, number, kind, name)
        object.__setattr__(self, "_own", False)

    def _is_made(self) -> bool:
        return self._own

    def _operate(self, operation: str, one: object, other: object) -> Any:
        if not self._own and not (isinstance(one, Remote) and isinstance(other, Remote)):
            raise TypeError(f"the test compares or computes with {self._name!r} as with data{_HINT}")
        return ask(self._owner, operation, one, other)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return self._ask("call", *args, **kwargs)

    def __contains__(self, item: object) -> bool:
        return self._operate("contains", self, item)

    def __getitem__(self, key: object) -> Any:
        return self._ask("getitem", key)

    def __setitem__(self, key: object, value: object) -> None:
        self._ask("setitem", key, value)

    def __delitem__(self, key: object) -> None:
        self._ask("delitem", key)

    def __iter__(self) -> Iterator[Any]:
        found = self._ask("iter")
        return found if isinstance(found, Iterator) else iter(found)

    def __next__(self) -> Any:
        more, *items = self._ask("take", 1)
        if not more:
            raise StopIteration
        return items[0]

    def __enter__(self) -> Any:
        return self._ask("enter")

    def __exit__(self, kind: Any, error: Any, trace: object) -> bool:
        return self._ask("exit", kind and kind.__name__, str(error))


class Function(Remote):
    """Stands for a function or class of the program."""

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return self._call(args, kwargs, in_place=in_place_always)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, in_place: bool) -> Any:
        # By the name as the test's author wrote it: what the program calls a class is for itself to say.
        makes = self._name.rpartition(".")[2].lstrip("_")[:1].isupper()
        operation, args = ("", args) if self._number is None else ("call", (self, *args))
        return _request(self._owner, operation, args, kwargs, in_place=in_place, makes=makes)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, Remote) and ask(self._owner, "isinstance", value, self) is True


def _swap(one: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An operator, and the same with its operands the other way round."""
    return lambda self, other: self._operate(one, self, other), lambda self, other: self._operate(one, other, self)


for _name in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift divmod".split():
    _forward, _backward = _swap({"and": "and_", "or": "or_"}.get(_name, _name))
    setattr(Object, f"__{_name}__", _forward)
    setattr(Object, f"__r{_name}__", _backward)
for _name in "lt le gt ge".split():
    setattr(Object, f"__{_name}__", _swap(_name)[0])
for _name in "len neg pos abs int float complex bool round reversed index invert".split():
    setattr(
        Object, f"__{_name}__", lambda self, *args, _name={"invert": "inv"}.get(_name, _name): self._ask(_name, *args)
    )


def serve(fields: values.Tree) -> values.Tree:
    """The program calls a function that the test has handed to it."""
    decoder = Decoder(fields["function"], [], [])
    function, *args = (decoder.value(value) for value in fields["args"])
    kwargs = {name: decoder.value(value) for name, value in fields["kwargs"].items()}
    if fields["operation"] != "call" or not any(function is one for one in _functions):
        raise PermissionError("a program can only call functions that a test has handed to it")
    encoder = Encoder()
    tree = encoder.tree(function(*args, **kwargs))
    if encoder.records:
        raise TypeError("an object of the test cannot be the result of a function that is called from the sandbox")
    return {"value": tree}


def in_place(function: Any) -> Any:
    """The function as it is where the test has no use for its result: its changes of arguments count."""
    if not isinstance(function, Function):
        return function
    return lambda *args, **kwargs: function._call(args, kwargs, in_place=True)
