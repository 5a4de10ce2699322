"""The wire format: plain data as tagged JSON, bounded in size and depth.

JSON itself carries null, booleans, strings, integers below 2**53, finite floats and lists; objects are tags::

    {"int": "12345678901234567890"} {"float": "nan"} {"tuple": [..]} {"set": [..]} {"frozenset": [..]}
    {"dict": [[key, value], ..]} {"bytes": "00ff"} {"complex": [re, im]} {"undefined": true}
    {"namedtuple": [name, [field, ..], [item, ..]]} {"iterator": [..]}
    {"object": "<repr>", "type": name} or with "attributes": {"dict": ..}
    {"link": [tag, number, kind, name]}

and those of `standard_types`: ``{"counter": [[key, value], ..]}``, ``{"deque": [part, ..]}`` and so on.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from .standard_types import FROM_DICT, PUT_TOGETHER, as_dict, take_apart
from .values import (
    MAX_MESSAGE,
    UNDEFINED,
    CannotCrossError,
    Iteration,
    Link,
    NamedTuple,
    Opaque,
    Reply,
    Request,
    Undefined,
)

MAX_BYTES = 1 << 20
"""Longest text that crosses, in bytes."""

MAX_DEPTH = 100
MAX_DIGITS = 100_000
_PLAIN_INT = 2**53
_CHUNK = 4000  # Python refuses to convert more than 4,300 digits at once.
_MAX_HASHING_SECONDS = 0.5
_MAX_NUMBER = 10_000_000
_MAX_NAME = 200
_LINKS = {"object", "callback", "same", "record"}


def encode_request(request: Request) -> bytes:
    """A request in the wire format.

    Raises:
        CannotCrossError: an argument is no plain data, too deep or too large.
    """
    fields: dict[str, Any] = {
        "function": request.function,
        "args": [_encode(value, 1) for value in request.args],
        "kwargs": {str(name): _encode(value, 1) for name, value in (request.kwargs or {}).items()},
    }
    if request.live:
        fields["live"] = True
        fields["records"] = [[name, _encode(attributes, 1)] for name, attributes in request.records]
        fields["operation"] = request.operation
    return _dump(fields)


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
    live = fields.get("live") is True
    decode = _Decoder(links=live).decode
    pairs = [_list(record, 2) for record in _list(fields.get("records", []))]
    records = tuple((_string(name)[:_MAX_NAME], _dict(decode(attributes))) for name, attributes in pairs)
    return Request(
        function,
        [decode(value) for value in args],
        {key: decode(value) for key, value in kwargs.items()},
        records,
        _string(fields.get("operation", "")),
        live,
    )


def encode_reply(reply: Reply) -> bytes:
    """A reply in the wire format.

    Raises:
        CannotCrossError: the value is no plain data, too deep or too large.
    """
    fields: dict[str, Any]
    if reply.error_type is not None:
        error = {"type": reply.error_type[:_MAX_NAME], "message": reply.error_message[:MAX_MESSAGE]}
        fields = {"error": error | {"base": reply.error_base[:_MAX_NAME]} if reply.error_base else error}
    else:
        fields = {"value": _encode(reply.value, 0)}
    if reply.changes:
        fields["changes"] = [[number, _encode(value, 0)] for number, value in reply.changes]
    return _dump(fields)


def decode_reply(data: bytes, live: bool = False) -> Reply:
    """A reply from the wire format; only to a live request may it hold links and changes.

    Raises:
        CannotCrossError: it breaks the format.
    """
    fields = _parse(data)
    if not isinstance(fields, dict) or ("value" in fields) is ("error" in fields):
        raise CannotCrossError("a reply must be a value or an error")
    if fields.keys() - {"value", "error"} - ({"changes"} if live else set()):
        raise CannotCrossError("a reply must be a value or an error")
    decode = _Decoder(links=live).decode
    pairs = [_list(change, 2) for change in _list(fields.get("changes", []))]
    changes = tuple((_number(number), decode(value)) for number, value in pairs)
    if "value" in fields:
        return Reply(decode(fields["value"]), changes=changes)
    error = fields["error"]
    if not isinstance(error, dict):
        raise CannotCrossError("a reply must be a value or an error")
    kind, message = error.get("type"), error.get("message")
    if not isinstance(kind, str) or not isinstance(message, str):
        raise CannotCrossError("an error needs a type and a message")
    base = error.get("base", "")
    base = base[:_MAX_NAME] if isinstance(base, str) else ""
    return Reply(None, kind[:_MAX_NAME], message[:MAX_MESSAGE], base, changes)


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
    def items(values: Any) -> list[Any]:
        return [_encode(item, depth) for item in values]

    if isinstance(value, list):
        return items(value)
    if isinstance(value, NamedTuple):
        return {"namedtuple": [value.type_name, list(value.fields), items(value)]}
    if isinstance(value, tuple):
        return {"tuple": items(value)}
    if isinstance(value, (set, frozenset)):
        # In the order of their texts: a set's own order depends on this process's hash seed.
        return {
            "frozenset" if isinstance(value, frozenset) else "set": sorted(items(value), key=lambda item: json.dumps(item))
        }
    if tagged := as_dict(value):
        return {tagged[0]: list(map(items, tagged[1].items()))}
    if isinstance(value, Mapping):
        return {"dict": list(map(items, value.items()))}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, complex):
        return {"complex": [repr(value.real), repr(value.imag)]}
    if tagged_parts := take_apart(value):
        return {tagged_parts[0]: items(tagged_parts[1])}
    return _encode_stand_in(value, depth)


def _encode_stand_in(value: Any, depth: int) -> Any:
    """What stands for something that Python has no data for."""
    if isinstance(value, Undefined):
        return {"undefined": True}
    if isinstance(value, Iteration):
        return {"iterator": [_encode(item, depth) for item in value.items]}
    if isinstance(value, Link):
        return {"link": [value.tag, value.number, value.kind, value.name]}
    if isinstance(value, Opaque):
        shown = {"object": value.text[:1000], "type": value.type_name[:_MAX_NAME]}
        return shown if value.attributes is None else shown | {"attributes": _encode(value.attributes, depth)}
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
    """Decodes one message. Sets and dicts of a hostile guest may be made to collide, so hashing has a time limit.

    Args:
        links: whether links may occur.
    """

    def __init__(self, links: bool = False) -> None:
        self._started: float | None = None
        self._tags: dict[str, Callable[[Any, int], Any]] = {
            "int": lambda content, _: _integer(_string(content)),
            "float": lambda content, _: _special_float(content),
            "bytes": lambda content, _: bytes.fromhex(_string(content)),
            "complex": lambda content, _: complex(*[float(_string(part)) for part in _list(content, 2)]),
            "undefined": lambda content, _: UNDEFINED,
            "tuple": lambda content, depth: tuple(self._items(content, depth)),
            "iterator": lambda content, depth: Iteration(tuple(self._items(content, depth))),
            "set": lambda content, depth: set(self._keys(_list(content), depth)),
            "frozenset": lambda content, depth: frozenset(self._keys(_list(content), depth)),
            "dict": self._pairs,
            "namedtuple": self._named_tuple,
        }
        if links:
            self._tags["link"] = lambda content, _: _link(*_list(content, 4))

    def decode(self, node: Any, depth: int = 0) -> Any:
        """The value of a parsed node.

        Raises:
            CannotCrossError: it breaks the format.
        """
        if depth > MAX_DEPTH:
            raise CannotCrossError(f"data nested deeper than {MAX_DEPTH} cannot cross the sandbox")
        if isinstance(node, list):
            return self._items(node, depth + 1)
        if not isinstance(node, dict):
            return node
        if "object" in node:
            return self._opaque(node, depth + 1)
        if len(node) != 1:
            raise CannotCrossError("an object must have one tag")
        ((tag, content),) = node.items()
        try:
            if tag in self._tags:
                return self._tags[tag](content, depth + 1)
            if tag in FROM_DICT:
                return FROM_DICT[tag](self._pairs(content, depth + 1))
            if tag in PUT_TOGETHER:
                return PUT_TOGETHER[tag](*self._items(content, depth + 1))
        except CannotCrossError:
            raise
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise CannotCrossError(f"bad {tag}: {error}") from None
        raise CannotCrossError(f"unknown tag {tag[:50]!r}")

    def _items(self, nodes: Any, depth: int) -> list[Any]:
        return [self.decode(item, depth) for item in _list(nodes)]

    def _pairs(self, content: Any, depth: int) -> dict[Any, Any]:
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

    def _named_tuple(self, content: Any, depth: int) -> NamedTuple:
        name, fields, items = _list(content, 3)
        names = [_string(field)[:_MAX_NAME] for field in _list(fields, len(_list(items)))]
        return NamedTuple.of(_string(name)[:_MAX_NAME], names, self._items(items, depth))

    def _opaque(self, node: dict[str, Any], depth: int) -> Opaque:
        if node.keys() - {"attributes"} != {"object", "type"}:
            raise CannotCrossError("an object needs a text and a type")
        attributes = _dict(self.decode(node["attributes"], depth)) if "attributes" in node else None
        return Opaque(_string(node["type"])[:_MAX_NAME], _string(node["object"])[:1000], attributes)


def _link(tag: Any, number: Any, kind: Any, name: Any) -> Link:
    if tag not in _LINKS:
        raise CannotCrossError("unknown link")
    return Link(tag, _number(number), _string(kind)[:_MAX_NAME], _string(name)[:_MAX_NAME])


def _number(node: Any) -> int:
    if type(node) is not int or not 0 <= node < _MAX_NUMBER:
        raise CannotCrossError("a number is expected")
    return node


def _string(node: Any) -> str:
    if not isinstance(node, str):
        raise CannotCrossError("a string is expected")
    return node


def _list(node: Any, length: int | None = None) -> list[Any]:
    if not isinstance(node, list) or (length is not None and len(node) != length):
        raise CannotCrossError("a list is expected" if length is None else f"a list of {length} is expected")
    return node


def _dict(value: Any) -> dict[Any, Any]:
    if type(value) is not dict:
        raise CannotCrossError("a dict is expected")
    return value


def _special_float(content: Any) -> float:
    if content not in ("nan", "inf", "-inf"):
        raise CannotCrossError("unknown float")
    return float(content)
