"""The wire format: plain data as tagged JSON, bounded in size and depth.

JSON itself carries null, booleans, strings, integers below 2**53, finite floats and lists; objects are tags::

    {"int": "12345678901234567890"} {"float": "nan"} {"tuple": [..]} {"set": [..]} {"frozenset": [..]}
    {"dict": [[key, value], ..]} {"bytes": "00ff"} {"complex": [re, im]} {"undefined": true}
    {"namedtuple": [name, [field, ..], [item, ..]]} {"iterator": [..]}
    {"object": "<repr>", "type": name} or with "attributes": {"dict": ..}
    {"member": [name of the enum, name, value]} {"link": [tag, number, kind, name]}
    {"exception": {"type": name, "message": text, ..}}

and those of `standard_types`: ``{"counter": [[key, value], ..]}``, ``{"deque": [part, ..]}`` and so on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from .standard_types import as_dict, take_apart
from .values import (
    MAX_MESSAGE,
    CannotCrossError,
    Failure,
    Iteration,
    Link,
    Member,
    NamedTuple,
    Opaque,
    Reply,
    Request,
    Undefined,
)
from .wire_reading import (
    CHUNK,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_NAME,
    SCALE,
    Decoder,
    listed,
    mapping,
    ordinal,
    parse,
    string,
)

_PLAIN_INT = 2**53
_MOST_BITS = 3 * MAX_DIGITS  # fewer than any number has that is too long


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
        fields["test"] = request.test
    return _dump(fields)


def decode_request(data: bytes) -> Request:
    """A request from the wire format.

    Raises:
        CannotCrossError: it breaks the format.
    """
    fields = parse(data)
    if not isinstance(fields, dict):
        raise CannotCrossError("a request must be an object")
    function, args, kwargs = fields.get("function"), fields.get("args", []), fields.get("kwargs", {})
    if not isinstance(function, str) or not isinstance(args, list) or not isinstance(kwargs, dict):
        raise CannotCrossError("a request needs function, args and kwargs")
    live = fields.get("live") is True
    decode = Decoder(links=live).decode
    pairs = [listed(record, 2) for record in listed(fields.get("records", []))]
    records = tuple((string(name)[:MAX_NAME], mapping(decode(attributes))) for name, attributes in pairs)
    return Request(
        function,
        [decode(value) for value in args],
        {key: decode(value) for key, value in kwargs.items()},
        records,
        string(fields.get("operation", "")),
        live,
    )


def encode_reply(reply: Reply) -> bytes:
    """A reply in the wire format.

    Raises:
        CannotCrossError: the value is no plain data, too deep or too large.
    """
    failure = reply.error
    fields = {"value": _encode(reply.value, 0)} if failure is None else {"error": _encode_failure(failure, 0)}
    if reply.changes:
        fields["changes"] = [[number, _encode(value, 0)] for number, value in reply.changes]
    return _dump(fields)


def decode_reply(data: bytes, live: bool = False) -> Reply:
    """A reply from the wire format; only to a live request may it hold links and changes.

    Raises:
        CannotCrossError: it breaks the format.
    """
    fields = parse(data)
    if not isinstance(fields, dict) or ("value" in fields) is ("error" in fields):
        raise CannotCrossError("a reply must be a value or an error")
    if fields.keys() - {"value", "error"} - ({"changes"} if live else set()):
        raise CannotCrossError("a reply must be a value or an error")
    decoder = Decoder(links=live)
    pairs = [listed(change, 2) for change in listed(fields.get("changes", []))]
    changes = tuple((ordinal(number), decoder.decode(value)) for number, value in pairs)
    if "value" in fields:
        return Reply(decoder.decode(fields["value"]), changes=changes)
    return Reply(error=decoder.failure(fields["error"]), changes=changes)


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
    return Decoder().decode(parse(data))


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
        elements = sorted(items(value), key=lambda item: json.dumps(item))
        return {"frozenset" if isinstance(value, frozenset) else "set": elements}
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
    if isinstance(value, Member):
        return {"member": [value.type_name, value.name, _encode(value.value, depth)]}
    if isinstance(value, Failure):
        return {"exception": _encode_failure(value, depth)}
    if isinstance(value, Link):
        return {"link": [value.tag, value.number, value.kind, value.name]}
    if isinstance(value, Opaque):
        shown = {"object": value.text[:1000], "type": value.type_name[:MAX_NAME]}
        return shown if value.attributes is None else shown | {"attributes": _encode(value.attributes, depth)}
    raise CannotCrossError(f"{type(value).__name__} cannot cross the sandbox: only plain data can")


def _encode_failure(failure: Failure, depth: int) -> Any:
    fields: dict[str, Any] = {"type": failure.type_name[:MAX_NAME], "message": failure.message[:MAX_MESSAGE]}
    if failure.base:
        fields["base"] = failure.base[:MAX_NAME]
    if failure.args:
        fields["args"] = [_encode(value, depth + 1) for value in failure.args]
    if failure.origin is not None:
        fields["self"] = _encode(failure.origin, depth + 1)
    if failure.kind is not None:
        fields["class"] = _encode(failure.kind, depth + 1)
    if failure.cause is not None:
        fields["cause"] = _encode_failure(failure.cause, depth + 1)
    return fields


def _digits(number: int) -> str:
    """Decimal digits, also beyond the 4,300 that ``str`` allows."""
    if number.bit_length() > _MOST_BITS and abs(number) >= 10**MAX_DIGITS:
        raise CannotCrossError(f"an integer of more than {MAX_DIGITS:,} digits cannot cross the sandbox")
    sign, number = ("-", -number) if number < 0 else ("", number)
    parts: list[str] = []
    while number >= SCALE:
        number, low = divmod(number, SCALE)
        parts.append(str(low).zfill(CHUNK))
    return sign + str(number) + "".join(reversed(parts))
