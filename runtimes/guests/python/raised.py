"""Exceptions that cross the sandbox: told by class, words and arguments, made anew on the other side.

A class of one side's own is mirrored on the other by one of the same name and bases, and an exception asks its own side
for its attributes. One that comes back is itself again.
"""

import builtins
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

import values

MESSAGE_LENGTH = 10_000
MOST_ARGS = 10
DEPTH_OF_CAUSE = 20  # so that five causes are told

# What an error's name from outside may become here.
STANDARD = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and kind.__name__ == name
}
ENDS_OF_ITERATION = {"StopIteration", "StopAsyncIteration"}
ENDING = (StopIteration, StopAsyncIteration)

_MESSAGE, _REMOTE = "<message>", "<remote>"  # no names that a program can write as attributes

mirrors: dict[Any, type[Exception]] = {}  # of classes of the other side, by what they are known by
originals: dict[type, Any] = {}  # and back


class Describer(Protocol):
    """An encoder of what may hold objects."""

    def take(self, size: int) -> None:
        """Count what a value needs."""

    def tree(self, value: object, depth: int = 0) -> values.Tree:
        """Encode a value."""

    def origin(self, error: BaseException) -> values.Tree:
        """Where an exception stays, and its class."""


class Mirrored:
    """What all mirrored classes derive from."""

    def __str__(self) -> str:
        told = vars(self).get(_MESSAGE)
        return super().__str__() if told is None else told

    def __getattr__(self, name: str) -> Any:
        remote = vars(self).get(_REMOTE)
        if remote is None or (name.startswith("__") and name != "__notes__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(remote, name)


def remote_of(error: BaseException) -> Any:
    """What stands for the exception of the other side that this one was made of; None if it is of this side."""
    return vars(error).get(_REMOTE)


def is_plain(error: BaseException) -> bool:
    """Whether an exception is one of the standard ones, without attributes of its own."""
    return type(error).__module__ == "builtins" and vars(error).keys() <= {_REMOTE}


def describe(error: BaseException, encoder: Describer | None = None, depth: int = 0) -> values.Tree:
    """An exception by its name, its message and the standard class that it derives from.

    Args:
        error: the exception.
        encoder: what else it holds is encoded by this one; without it only plain data is told.
        depth: how deep in other values it stands.
    """
    try:
        message = str(error)[:MESSAGE_LENGTH]
    except BaseException:  # its __str__ is the program's
        message = ""
    kind = type(error)
    base = next((c.__name__ for c in kind.__mro__ if c.__module__ == "builtins"), "")
    found = {"type": kind.__name__[: values.REPR_LENGTH], "message": message, "base": base}
    args = BaseException.args.__get__(error)  # its class may have others
    if len(args) > MOST_ARGS:
        args = ()
    if encoder is None:
        if args and all(map(_is_small, args)):
            found["args"] = [values.Encoder().tree(arg) for arg in args]
        return found
    encoder.take(100 + len(message))
    with contextlib.suppress(Exception):  # too large, too deep, or of a strange class
        found["args"] = [encoder.tree(arg, depth + 1) for arg in args]
    found |= encoder.origin(error)
    if error.__cause__ is not None and depth + DEPTH_OF_CAUSE < values.DEPTH:
        found["cause"] = describe(error.__cause__, encoder, depth + DEPTH_OF_CAUSE)
    return found


def _is_small(arg: object) -> bool:
    """Whether an argument of an exception is plain and small enough to be told."""
    if type(arg) is str:
        return len(arg) <= MESSAGE_LENGTH
    return type(arg) in (float, bool, type(None)) or (type(arg) is int and abs(arg) < values.EXACT)


def revive(description: dict[str, Any], decoder: Any, known: dict[str, type[Exception]] = STANDARD) -> Exception:
    """The exception that a description tells of: of the classes that it is and derives from, else RuntimeError.

    Args:
        description: of `describe`.
        decoder: decodes what it holds.
        known: classes by their names, where the class itself did not cross.
    """
    remote = decoder.value(description["self"]) if "self" in description else None
    if isinstance(remote, Exception) and not isinstance(remote, ENDING):
        return remote
    error = _made(description, decoder, remote, known)
    if "cause" in description:
        error.__cause__ = revive(description["cause"], decoder, known)
    return error


def _made(description: dict[str, Any], decoder: Any, remote: Any, known: dict[str, type[Exception]]) -> Exception:
    name, message, base = description["type"], description["message"], description.get("base", "")
    # As in a generator: raised in the midst of a test's `map` or `for`, it would end it as if all were done.
    if not ENDS_OF_ITERATION.isdisjoint((name, base)):
        return RuntimeError(f"the function raised {name}")
    args = tuple(map(decoder.value, description.get("args", [message] if message else [])))
    if name in STANDARD and "class" not in description:
        with contextlib.suppress(TypeError):  # UnicodeDecodeError is made of more than can cross
            error = STANDARD[name](*args)
            if "args" not in description or str(error) == message:
                vars(error).update({_REMOTE: remote} if remote is not None else {})
                return error
    try:
        kind = _class_of(description, decoder, known)
        error = kind.__new__(kind, *args)
    except TypeError:  # an ExceptionGroup holds more than can cross
        return RuntimeError(f"{name}: {message}")
    error.args = args
    vars(error).update({_MESSAGE: message, _REMOTE: remote})
    return error


def _class_of(description: dict[str, Any], decoder: Any, known: dict[str, type[Exception]]) -> type[Exception]:
    """The class of a described exception, derived from `Mirrored`; a TypeError if there is none."""
    name = description["type"]
    kind = decoder.value(description["class"]) if "class" in description else None
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, ENDING):
        return kind if issubclass(kind, Mirrored) else mirror(("", kind), name, lambda: [kind])
    bases = list(dict.fromkeys(known[each] for each in (name, description.get("base", "")) if each in known))
    if not bases:
        if "self" not in description:
            raise TypeError(name)
        bases = [RuntimeError]
    return mirror(tuple(bases), name, lambda: bases)


def mirror(
    key: Any, name: str, bases: Callable[[], list[Any]], make: Callable[..., Any] | None = None
) -> type[Exception]:
    """The class that mirrors one of the other side.

    Args:
        key: what it is known by.
        name: its name.
        bases: tells what it derives from, of which only exceptions count.
        make: has the other side make an exception of the class.
    """
    if (key, name) not in mirrors:
        if not name.isidentifier():
            raise TypeError(name)
        kinds = [k for k in bases() if isinstance(k, type) and issubclass(k, Exception) and not issubclass(k, ENDING)]
        if kinds[1:] and kinds[-1] is Exception:  # which comes last in any case
            kinds.pop()
        kinds = kinds or [Exception]
        if not issubclass(kinds[0], Mirrored):
            kinds.insert(0, Mirrored)
        members: dict[str, Any] = {"__module__": "__main__"}
        if make is not None:
            members["__init__"] = lambda self, *args, **kwargs: _become(self, make(*args, **kwargs))
        made: Any = type(name, tuple(kinds), members)
        mirrors[key, name] = made
        originals[made] = key
    return mirrors[key, name]


def _become(error: BaseException, other: Any) -> None:
    """Give an exception what another one of its class holds, which the other side has made."""
    if type(other) is not type(error):
        raise TypeError(f"a {type(error).__name__} is expected")
    error.args = other.args
    vars(error).update(vars(other))
