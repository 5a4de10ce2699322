"""Calls that cross the sandbox: the host calls the program's functions, and programs call out."""

import asyncio
import builtins
import contextlib
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

import script
import streams
import values

REPLY_CAPACITY = values.CAPACITY
MESSAGE_LENGTH = 10_000
MOST_ERROR_ARGS = 10

# What an error's name from outside may become here.
STANDARD_ERRORS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and kind.__name__ == name
}

ENDS_OF_ITERATION = {"StopIteration", "StopAsyncIteration"}

_reply: bytearray
_exchange: Callable[[bytes], int]

_serve: Callable[[values.Tree], values.Tree]


def connect(reply: bytearray, exchange: Callable[[bytes], int], *offered: Callable[..., Any]) -> None:
    """Take the host's reply buffer and its function for calls out; `_exchange` offers functions to trusted programs."""
    global _reply, _exchange
    _reply, _exchange = reply, exchange
    module = types.ModuleType("_exchange", "Calls out of the sandbox, for programs that the host trusts.")
    vars(module).update({function.__name__: function for function in offered})
    sys.modules["_exchange"] = module


def serve_with(serve: Callable[[values.Tree], values.Tree]) -> None:
    """Take what answers the other side of a trusted test."""
    global _serve
    _serve = serve


def answer(request: bytes) -> int:
    """Do what a request asks for; write the reply and return its length."""
    try:
        fields = values.read(request.decode("ascii"))
        reply = values.write(_serve(fields) if fields.get("live") else call(fields))
    except BaseException as error:  # SystemExit and MemoryError too: the host hears what happened
        reply = values.write({"error": describe(error)})
    _reply[: len(reply)] = reply
    streams.control[streams.REPLY_LENGTH] = len(reply)
    return len(reply)


def call(fields: values.Tree) -> values.Tree:
    """Call the function that a request of the host names; the reply is data only."""
    decode = values.Decoder().value
    args = [decode(value) for value in fields.get("args", [])]
    kwargs = {name: decode(value) for name, value in fields.get("kwargs", {}).items()}
    result = look_up(fields["function"], script.namespace())(*args, **kwargs)
    if inspect.iscoroutine(result):
        result = asyncio.run(result)
    return {"value": values.Encoder().tree(result)}


def ask(request: values.Tree) -> values.Tree:
    """Send a request out of the sandbox; returns the reply."""
    length = _exchange(values.write(request))
    if length < 0:
        raise RuntimeError("the host refused a call out of the sandbox")
    return values.read(bytes(_reply[:length]).decode("ascii"))


def look_up(name: str, names: dict[str, Any]) -> Any:
    """Find `function`, `Class.method` or `Class().method` among a program's names."""
    first, *rest = name.split(".")
    key = first.removesuffix("()")
    if key not in names:
        raise NameError(f"name {key!r} is not defined")
    found = names[key]
    if first != key:
        found = found()
    for part in rest:
        key = part.removesuffix("()")
        found = getattr(found, key)
        if part != key:
            found = found()
    return found


def describe(error: BaseException) -> values.Tree:
    """An exception by its name, its message and the standard class that it derives from."""
    try:
        message = str(error)[:MESSAGE_LENGTH]
    except BaseException:  # its __str__ is the program's
        message = ""
    kind = type(error)
    base = next((c.__name__ for c in kind.__mro__ if c.__module__ == "builtins"), "")
    found = {"type": kind.__name__[: values.REPR_LENGTH], "message": message, "base": base}
    args = BaseException.args.__get__(error)  # its class may have others
    if 0 < len(args) <= MOST_ERROR_ARGS and all(map(_is_small, args)):
        found["args"] = [values.Encoder().tree(arg) for arg in args]
    return found


def _is_small(arg: object) -> bool:
    """Whether an argument of an exception is plain and small enough to be told."""
    if type(arg) is str:
        return len(arg) <= MESSAGE_LENGTH
    return type(arg) in (float, bool, type(None)) or (type(arg) is int and abs(arg) < values.EXACT)


def error_of(description: dict[str, Any], known: dict[str, type[Exception]] = STANDARD_ERRORS) -> Exception:
    """The exception that a reply describes: of the known classes that it is and derives from, else RuntimeError."""
    kind, message, base = description["type"], description["message"], description.get("base", "")
    # As in a generator: raised in the midst of a test's `map` or `for`, it would end it as if all were done.
    if not ENDS_OF_ITERATION.isdisjoint((kind, base)):
        return RuntimeError(f"the function raised {kind}")
    args = tuple(map(values.Decoder().value, description.get("args", [message] if message else [])))
    if kind in STANDARD_ERRORS:
        with contextlib.suppress(TypeError):  # UnicodeDecodeError is made of more than can cross
            error = STANDARD_ERRORS[kind](*args)
            if "args" not in description or str(error) == message:
                return error
        base = kind
    bases = tuple(dict.fromkeys(known[name] for name in (kind, base) if name in known))
    if not bases or not kind.isidentifier():
        return RuntimeError(f"{kind}: {message}")
    if bases[-1] is Exception:  # which comes last in any case
        bases = bases[:1]
    try:  # a class for this one: it may have a message of its own, too
        made = type(kind, bases, {"__module__": "__main__", "__str__": lambda self: message})
        error = made.__new__(made, *args)
    except TypeError:  # an ExceptionGroup holds more than can cross
        return RuntimeError(f"{kind}: {message}")
    error.args = args
    return error
