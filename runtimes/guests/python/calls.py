"""Calls that cross the sandbox: the host calls the program's functions, and programs call out."""

import asyncio
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

import raised
import script
import streams
import values

REPLY_CAPACITY = values.CAPACITY
reading = False  # whether a request or reply lies in the buffer that is not yet read

_reply: bytearray
_exchange: Callable[[int, int], int]

_serve: Callable[[values.Tree], values.Tree]


def connect(reply: bytearray, exchange: Callable[[int, int], int], *offered: Callable[..., Any]) -> None:
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
    global reading
    before, reading = reading, False
    try:
        fields = values.read(request.decode("ascii"))
        reply = values.write(_serve(fields) if fields.get("live") else call(fields))
    except BaseException as error:  # SystemExit and MemoryError too: the host hears what happened
        reply = values.write({"error": raised.describe(error)})
    reading = before
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
    global reading
    written = values.write(request)
    reading = True
    _reply[: len(written)] = written
    length = _exchange(0, len(written))
    reply = bytes(_reply[: max(0, length)])
    reading = False
    if length < 0:
        raise RuntimeError("the host refused a call out of the sandbox")
    return values.read(reply.decode("ascii"))


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
