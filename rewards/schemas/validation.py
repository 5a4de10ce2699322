"""A bounded subset of JSON Schema (draft 2020-12): what answers need, and nothing that could run away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from .pattern import Pattern
from .text import JsonLimitError, canonical

MAX_STEPS = 200_000
_MAX_SCHEMA_DEPTH = 50

_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and value == value // 1,
    "number": lambda value: _is_number(value),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_bound(value: object) -> bool:
    return _is_number(value) and value not in (float("inf"), float("-inf")) and value == value


def _is_schema(value: object) -> bool:
    return isinstance(value, bool | Mapping)


def _is_list(of: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(of, value))


def _is_mapping_to_schemas(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) and _is_schema(of) for name, of in value.items())


def _is_type(value: object) -> bool:
    return isinstance(value, str) and value in _TYPES


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


# Each keyword with the form of its value. Another keyword is refused: what isn't checked must not look as if it were.
_KEYWORDS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("title", "description", "$comment", "$schema", "$id", "format"), _is_text),
    **dict.fromkeys(("default", "examples", "deprecated", "readOnly", "writeOnly", "const"), lambda value: True),
    **dict.fromkeys(("properties", "$defs", "definitions"), _is_mapping_to_schemas),
    **dict.fromkeys(("additionalProperties", "items", "contains", "not", "propertyNames"), _is_schema),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _is_list(_is_schema)),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _is_count),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_bound),
    "multipleOf": lambda value: _is_bound(value) and value > 0,
    "uniqueItems": lambda value: isinstance(value, bool),
    "enum": lambda value: isinstance(value, list | tuple),
    "required": _is_list(_is_text),
    "type": lambda value: _is_list(_is_type)([value] if isinstance(value, str) else value),
    "pattern": _is_text,
    "$ref": _is_text,
}


class JsonValidator:
    """Checks values against one schema.

    Args:
        schema: of the keywords that docs/rewards.md lists. ``$ref`` leads to ``#``, ``#/$defs/…`` or
            ``#/definitions/…``.

    Raises:
        ValueError: the schema is malformed, or has a keyword that is not supported.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self._patterns: dict[str, Pattern] = {}
        self._allowed: dict[tuple[str, int], frozenset[str]] = {}  # by keyword and identity of its value
        self._steps = 0
        self._check(schema, "#", 0)

    def problem(self, value: Any) -> str:
        """The first thing that is wrong with a value, with its place; empty if it fits the schema.

        Raises:
            JsonLimitError: it takes over ``MAX_STEPS`` steps to tell, or the schema's references lead too deep.
        """
        self._steps = 0
        try:
            return self._problem(value, self.schema, "$")
        except RecursionError:
            raise JsonLimitError("nested too deeply for the schema") from None

    def _check(self, schema: Any, place: str, depth: int) -> None:
        if isinstance(schema, bool):
            return
        if depth > _MAX_SCHEMA_DEPTH:
            raise ValueError(f"the schema is nested more than {_MAX_SCHEMA_DEPTH} deep")
        for name, value in schema.items():
            if name not in _KEYWORDS:
                raise ValueError(f"the schema's keyword {name!r} (at {place}) is not supported")
            if not _KEYWORDS[name](value):
                raise ValueError(f"the value of {name!r} (at {place}) is malformed")
            if name in ("const", "enum"):
                self._allowed[name, id(value)] = _canonical_values([value] if name == "const" else value, place)
            elif name == "pattern":
                self._patterns[value] = Pattern(value)
            elif name == "$ref":
                self._target(value)
            elif _KEYWORDS[name] is _is_schema:
                self._check(value, f"{place}/{name}", depth + 1)
            elif _KEYWORDS[name] is _is_mapping_to_schemas:
                for key, part in value.items():
                    self._check(part, f"{place}/{name}/{key}", depth + 1)
            elif name in ("allOf", "anyOf", "oneOf", "prefixItems"):
                for part in value:
                    self._check(part, f"{place}/{name}", depth + 1)

    def _target(self, reference: str) -> Any:
        start, *names = reference.split("/")
        target: Any = self.schema
        if start == "#" and not names:
            return target
        if start == "#" and len(names) == 2 and names[0] in ("$defs", "definitions"):
            target = self.schema.get(names[0], {}).get(names[1].replace("~1", "/").replace("~0", "~"))
            if target is not None:
                return target
        raise ValueError(f"the schema's reference {reference!r} leads nowhere; use '#' or '#/$defs/name'")

    def _problem(self, value: Any, schema: Any, path: str) -> str:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise JsonLimitError(f"more than {MAX_STEPS} steps to check")
        if isinstance(schema, bool):
            return "" if schema else f"{path} is not allowed"
        for found in self._problems(value, schema, path):
            if found:
                return found
        return ""

    def _problems(self, value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
        if "$ref" in schema:
            yield self._problem(value, self._target(schema["$ref"]), path)
        if "type" in schema:
            names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
            yield "" if any(_TYPES[name](value) for name in names) else f"{path} is not of type {' or '.join(names)}"
        if "const" in schema:
            known = self._allowed["const", id(schema["const"])]
            yield "" if canonical(value) in known else f"{path} is not the constant"
        if "enum" in schema:
            known = self._allowed["enum", id(schema["enum"])]
            yield "" if canonical(value) in known else f"{path} is not in the enum"
        if _is_number(value):
            yield from _number_problems(value, schema, path)
        elif isinstance(value, str):
            yield from self._string_problems(value, schema, path)
        elif isinstance(value, list):
            yield from self._array_problems(value, schema, path)
        elif isinstance(value, dict):
            yield from self._object_problems(value, schema, path)
        yield from self._combination_problems(value, schema, path)

    def _string_problems(self, value: str, schema: Mapping[str, Any], path: str) -> Iterator[str]:
        yield from _size_problems(len(value), schema, "Length", path)
        if "pattern" in schema and not self._patterns[schema["pattern"]].search(value):
            yield f"{path} does not match the pattern"

    def _array_problems(self, value: list[Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
        yield from _size_problems(len(value), schema, "Items", path)
        if schema.get("uniqueItems") and len(set(map(canonical, value))) != len(value):
            yield f"{path} has equal items"
        first = schema.get("prefixItems", ())
        for i, item in enumerate(value):
            if i < len(first):
                yield self._problem(item, first[i], f"{path}[{i}]")
            elif "items" in schema:
                yield self._problem(item, schema["items"], f"{path}[{i}]")
        if "contains" in schema and all(self._problem(item, schema["contains"], path) for item in value):
            yield f"{path} contains no item of the kind it must contain"

    def _object_problems(self, value: dict[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
        yield from _size_problems(len(value), schema, "Properties", path)
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{path} lacks {name!r}"
        known = schema.get("properties", {})
        for name, member in value.items():
            place = f"{path}.{name[:40]}"
            if "propertyNames" in schema:
                yield self._problem(name, schema["propertyNames"], place)
            if name in known:
                yield self._problem(member, known[name], place)
            elif "additionalProperties" in schema:
                yield self._problem(member, schema["additionalProperties"], place)

    def _combination_problems(self, value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
        for part in schema.get("allOf", ()):
            yield self._problem(value, part, path)
        if "anyOf" in schema and all(self._problem(value, part, path) for part in schema["anyOf"]):
            yield f"{path} fits none of the schemas"
        if "oneOf" in schema and sum(not self._problem(value, part, path) for part in schema["oneOf"]) != 1:
            yield f"{path} does not fit exactly one of the schemas"
        if "not" in schema and not self._problem(value, schema["not"], path):
            yield f"{path} fits the schema that it must not fit"


def _canonical_values(values: Iterable[Any], place: str) -> frozenset[str]:
    try:
        return frozenset(map(canonical, values))
    except (TypeError, ValueError, RecursionError):
        raise ValueError(f"a value in const or enum (at {place}) is not JSON") from None


def _size_problems(size: int, schema: Mapping[str, Any], of: str, path: str) -> Iterator[str]:
    if not schema.get(f"min{of}", 0) <= size <= schema.get(f"max{of}", size):
        yield f"{path} has a length of {size}, which is out of range"


def _number_problems(value: int | float, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if (
        value < schema.get("minimum", value)
        or value > schema.get("maximum", value)
        or ("exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"])
        or ("exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"])
    ):
        yield f"{path} is out of range"
    # As they are written, so that 0.3 is a multiple of 0.1.
    if "multipleOf" in schema and Fraction(str(value)) % Fraction(str(schema["multipleOf"])):
        yield f"{path} is no multiple of {schema['multipleOf']}"
