"""Requests of a trusted test to the program under test, and what comes back."""

import collections
import copy
import enum
from collections.abc import Callable
from typing import Any

import calls
import values
from standard_types import replace_content

errors: dict[str, type[Exception]] = dict(calls.STANDARD_ERRORS)
known: dict[tuple[str, int], "Remote"] = {}  # by the name of the program and the number there

_functions: list[Callable[..., Any]] = []  # of the test, that it has handed over
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
        return _stand_in(self.owner, number, kind, name)


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
    # Who returned nothing can forge nothing.
    counts = how.get("in_place") or reply.get("value", 0) in (None, {"undefined": True})
    if changes and not counts:
        # The result may hold an argument as the program left it, while the test's own stays as it was.
        shared, records = _copies(encoder)
    decoder = Decoder(owner, shared, records)
    contents = [(shared[number], decoder.value(content)) for number, content in changes]
    for target, content in contents:
        replace_content(target, content)
    if "error" in reply:
        raise calls.error_of(reply["error"], errors)
    tree = reply["value"]
    if how.get("makes") and isinstance(tree, dict) and tree.get("link", [""])[0] == "object":
        return _stand_in(owner, *tree["link"][1:], own=True)
    value = decoder.value(tree)
    if shared is not encoder.known:
        pairs = zip([*shared, *records], [*encoder.known, *encoder.records], strict=True)
        _returned.extend(pair for pair in pairs if pair[0] is value)
    return value


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


def original(value: Any) -> Any:
    """The argument that a program has changed and returned, where this is the copy that the test got."""
    return next((argument for copied, argument in _returned if copied is value), value)


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
