"""Values that cross the border of a sandbox: plain data as tagged JSON, bounded in size and depth.

Nothing else crosses: no objects, so no ``__eq__`` or ``__hash__`` of a candidate ever runs beside trusted code.
JSON itself carries null, booleans, strings, integers below 2**53, finite floats and lists; objects are tags::

    {"int": "12345678901234567890"} {"float": "nan"} {"tuple": [..]} {"set": [..]} {"frozenset": [..]}
    {"dict": [[key, value], ..]} {"bytes": "00ff"} {"complex": [re, im]} {"undefined": true}
    {"object": "<repr>", "type": "name"}
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MAX_BYTES = 1 << 20
"""Longest text that crosses, in bytes."""

MAX_DEPTH = 100
MAX_DIGITS = 100_000
MAX_MESSAGE = 10_000
_PLAIN_INT = 2**53
_CHUNK = 4000  # Python refuses to convert more than 4,300 digits at once.
_MAX_HASHING_SECONDS = 0.5


class CannotCrossError(ValueError):
    """A value, request or reply cannot cross the border; the text says why."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Stands for an object that cannot cross.

    Attributes:
        type_name: name of its class.
        text: its representation, cut at 1,000 characters.
    """

    type_name: str
    text: str


class Undefined:
    """JavaScript's ``undefined``; false, and equal to itself only."""

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()


@dataclass(frozen=True, slots=True)
class Reply:
    """A guest's answer to a call: a value, or an exception by name.

    Attributes:
        value: the value, None after an exception.
        error_type: name of the exception's class, or None.
        error_message: its message, cut at 10,000 characters.
        error_base: name of the standard class that it derives from, where the guest told.
    """

    value: Any = None
    error_type: str | None = None
    error_message: str = ""
    error_base: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A call: which function, and with what.

    Attributes:
        function: its name as the guest looks it up, for example ``f`` or ``Stack().push``.
        args: positional arguments.
        kwargs: named arguments.
    """

    function: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] | None = None


def encode_request(request: Request) -> bytes:
    """A request in the wire format.

    Raises:
        CannotCrossError: an argument is no plain data, too deep or too large.
    """
    kwargs = {str(name): _encode(value, 1) for name, value in (request.kwargs or {}).items()}
    return _dump(
        {"function": request.function, "args": [_encode(value, 1) for value in request.args], "kwargs": kwargs}
    )


def decode_request(data: bytes) -> Request:
    """A request from the wire format.

    Raises:
        CannotCrossError: it breaks the format.
    """
    fields = _parse(data)
    if not isinstance(fields, dict):
        raise CannotCrossError("a request must be an object")
    function, args, kwargs = fields.get("function"), fields.get("args", []), fields.get("kwargs", {})
    if not isinstance(function, str) or not isinstance(args, list) or not isinstance(kwargs, dict):
        raise CannotCrossError("a request needs function, args and kwargs")
    decode = _Decoder().decode
    return Request(function, [decode(value) for value in args], {key: decode(value) for key, value in kwargs.items()})


def encode_reply(reply: Reply) -> bytes:
    """A reply in the wire format.

    Raises:
        CannotCrossError: the value is no plain data, too deep or too large.
    """
    if reply.error_type is not None:
        error = {"type": reply.error_type[:200], "message": reply.error_message[:MAX_MESSAGE]}
        return _dump({"error": error | {"base": reply.error_base[:200]} if reply.error_base else error})
    return _dump({"value": _encode(reply.value, 0)})


def decode_reply(data: bytes) -> Reply:
    """A reply from the wire format.

    Raises:
        CannotCrossError: it breaks the format.
    """
    fields = _parse(data)
    if not isinstance(fields, dict) or len(fields) != 1:
        raise CannotCrossError("a reply must be a value or an error")
    if "value" in fields:
        return Reply(_Decoder().decode(fields["value"]))
    error = fields.get("error")
    if not isinstance(error, dict):
        raise CannotCrossError("a reply must be a value or an error")
    kind, message = error.get("type"), error.get("message")
    if not isinstance(kind, str) or not isinstance(message, str):
        raise CannotCrossError("an error needs a type and a message")
    base = error.get("base", "")
    base = base[:200] if isinstance(base, str) else ""
    return Reply(error_type=kind[:200], error_message=message[:MAX_MESSAGE], error_base=base)


def encode(value: Any) -> bytes:
    """A value in the wire format.

    Raises:
        CannotCrossError: it is no plain data, too deep or too large.
    """
    return _dump(_encode(value, 0))


def decode(data: bytes) -> Any:
    """A value from the wire format.

    Raises:
        CannotCrossError: it breaks the format.
    """
    return _Decoder().decode(_parse(data))


def _dump(fields: Any) -> bytes:
    data = json.dumps(fields, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(data) > MAX_BYTES:
        raise CannotCrossError(f"{len(data):,} bytes cannot cross the sandbox ({MAX_BYTES:,} can)")
    return data


def _encode(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise CannotCrossError(f"data nested deeper than {MAX_DEPTH} (or in a cycle) cannot cross the sandbox")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        number = int(value)
        return number if -_PLAIN_INT < number < _PLAIN_INT else {"int": _digits(number)}
    if isinstance(value, float):
        number_ = float(value)
        return number_ if math.isfinite(number_) else {"float": repr(number_)}
    return _encode_container(value, depth + 1)


def _encode_container(value: Any, depth: int) -> Any:
    if isinstance(value, list):
        return [_encode(item, depth) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_encode(item, depth) for item in value]}
    if isinstance(value, (set, frozenset)):
        # In the order of their texts: a set's own order depends on this process's hash seed.
        items = sorted((_encode(item, depth) for item in value), key=lambda item: json.dumps(item))
        return {"frozenset" if isinstance(value, frozenset) else "set": items}
    if isinstance(value, Mapping):
        return {"dict": [[_encode(key, depth), _encode(item, depth)] for key, item in value.items()]}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": value.hex()}
    if isinstance(value, complex):
        return {"complex": [repr(value.real), repr(value.imag)]}
    if isinstance(value, Undefined):
        return {"undefined": True}
    if isinstance(value, Opaque):
        return {"object": value.text[:1000], "type": value.type_name[:200]}
    raise CannotCrossError(f"{type(value).__name__} cannot cross the sandbox: only plain data can")


def _digits(number: int) -> str:
    """Decimal digits, also beyond the 4,300 that ``str`` allows."""
    if abs(number) >= 10**MAX_DIGITS:
        raise CannotCrossError(f"an integer of more than {MAX_DIGITS:,} digits cannot cross the sandbox")
    sign, number = ("-", -number) if number < 0 else ("", number)
    parts: list[str] = []
    while number >= 10**_CHUNK:
        number, low = divmod(number, 10**_CHUNK)
        parts.append(str(low).zfill(_CHUNK))
    return sign + str(number) + "".join(reversed(parts))


def _integer(digits: str) -> int:
    """The number of decimal digits, also beyond the 4,300 that ``int`` allows."""
    body = digits.removeprefix("-")
    if not (body.isascii() and body.isdigit() and len(body) <= MAX_DIGITS):
        raise CannotCrossError("not an integer of a size that can cross the sandbox")
    first = len(body) % _CHUNK
    number = int(body[:first] or "0")
    for start in range(first, len(body), _CHUNK):
        number = number * 10**_CHUNK + int(body[start : start + _CHUNK])
    return -number if digits.startswith("-") else number


def _parse(data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise CannotCrossError(f"{len(data):,} bytes cannot cross the sandbox ({MAX_BYTES:,} can)")
    try:
        return json.loads(data.decode("ascii"), parse_constant=_no_constant, parse_float=_finite)
    except CannotCrossError:
        raise
    except (ValueError, RecursionError) as error:
        raise CannotCrossError(f"not the wire format: {error}") from None


def _no_constant(name: str) -> Any:
    raise CannotCrossError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise CannotCrossError("a float is out of range")
    return number


class _Decoder:
    """Decodes one message. Sets and dicts of a hostile guest may be made to collide, so hashing has a time limit."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._tags: dict[str, Callable[[Any, int], Any]] = {
            "int": lambda content, _: _integer(_string(content)),
            "float": lambda content, _: _special_float(content),
            "bytes": lambda content, _: bytes.fromhex(_string(content)),
            "complex": lambda content, _: complex(*[float(_string(part)) for part in _list(content, 2)]),
            "undefined": lambda content, _: UNDEFINED,
            "tuple": lambda content, depth: tuple([self.decode(item, depth) for item in _list(content)]),
            "set": lambda content, depth: set(self._keys(_list(content), depth)),
            "frozenset": lambda content, depth: frozenset(self._keys(_list(content), depth)),
            "dict": self._dict,
        }

    def decode(self, node: Any, depth: int = 0) -> Any:
        """The value of a parsed node.

        Raises:
            CannotCrossError: it breaks the format.
        """
        if depth > MAX_DEPTH:
            raise CannotCrossError(f"data nested deeper than {MAX_DEPTH} cannot cross the sandbox")
        if isinstance(node, list):
            return [self.decode(item, depth + 1) for item in node]
        if not isinstance(node, dict):
            return node
        if node.keys() == {"object", "type"}:
            return Opaque(_string(node["type"])[:200], _string(node["object"])[:1000])
        if len(node) != 1:
            raise CannotCrossError("an object must have one tag")
        ((tag, content),) = node.items()
        if tag not in self._tags:
            raise CannotCrossError(f"unknown tag {tag[:50]!r}")
        try:
            return self._tags[tag](content, depth + 1)
        except CannotCrossError:
            raise
        except (TypeError, ValueError, OverflowError) as error:
            raise CannotCrossError(f"bad {tag}: {error}") from None

    def _dict(self, content: Any, depth: int) -> dict[Any, Any]:
        pairs = [_list(pair, 2) for pair in _list(content)]
        keys = self._keys([pair[0] for pair in pairs], depth)
        if len(keys) != len(pairs):
            raise CannotCrossError("a dict has a key twice")
        return dict(zip(keys, (self.decode(pair[1], depth) for pair in pairs), strict=True))

    def _keys(self, nodes: list[Any], depth: int) -> dict[Any, None]:
        """Distinct hashable values, in order."""
        keys: dict[Any, None] = {}
        for count, node in enumerate(nodes):
            keys[self.decode(node, depth)] = None
            if count % 256 == 255:
                now = time.thread_time()
                self._started = now if self._started is None else self._started
                if now - self._started > _MAX_HASHING_SECONDS:
                    raise CannotCrossError("a set or dict takes too long to decode")
        return keys


def _string(node: Any) -> str:
    if not isinstance(node, str):
        raise CannotCrossError("a string is expected")
    return node


def _list(node: Any, length: int | None = None) -> list[Any]:
    if not isinstance(node, list) or (length is not None and len(node) != length):
        raise CannotCrossError("a list is expected" if length is None else f"a list of {length} is expected")
    return node


def _special_float(content: Any) -> float:
    if content not in ("nan", "inf", "-inf"):
        raise CannotCrossError("unknown float")
    return float(content)
