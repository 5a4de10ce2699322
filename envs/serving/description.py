"""What the server says about itself and its environments."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..registration import ENVIRONMENTS
from .catalogue import Catalogue

# Of this HTTP interface, not of the package.
API_VERSION = "1.0.0"

_TEXT = {"type": "string"}
_MESSAGES = {"type": "array", "items": {"type": "object"}}

SCHEMAS: dict[str, dict[str, Any]] = {
    "action": {
        "type": "object",
        "description": "A text, or an assistant's message in OpenAI's form.",
        "properties": {
            "text": _TEXT,
            "role": {"const": "assistant"},
            "content": {"type": ["string", "array", "null"]},
            "tool_calls": {"type": ["array", "null"], "items": {"type": "object"}},
        },
    },
    "observation": {
        "type": "object",
        "description": "The messages that came since the last action, without the assistant's.",
        "properties": {"text": _TEXT, "messages": _MESSAGES, "info": {"type": "object"}},
        "required": ["text", "messages", "info"],
    },
    "state": {
        "type": "object",
        "properties": {
            "session_id": _TEXT,
            "episode_id": _TEXT,
            "step_count": {"type": "integer", "minimum": 0},
            "env": _TEXT,
            "arguments": {"type": "object"},
            "done": {"type": "boolean"},
            "reward": {"type": ["number", "null"]},
            "info": {"type": "object"},
            "messages": _MESSAGES,
        },
        "required": ["episode_id", "step_count"],
    },
}


def metadata(catalogue: Catalogue) -> dict[str, Any]:
    """The default environment, as OpenEnv's ``/metadata`` has it, and the others."""
    asks = {row.id: row.asks for row in ENVIRONMENTS}
    try:
        release = version("infinite-rl")
    except PackageNotFoundError:
        release = "unknown"
    return {
        "name": catalogue.ids[0],
        "description": (type(catalogue.default).__doc__ or "").partition("\n")[0],
        "version": release,
        "environments": [{"id": id, "asks": asks.get(id, "")} for id in catalogue.ids],
        "arguments": list(catalogue.allowed),
    }


def openapi(routes: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    """An OpenAPI document of routes: method, path and what it does."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary in routes:
        operation = {"summary": summary, "responses": {"200": {"description": "JSON"}}}
        paths.setdefault(path, {})[method.lower()] = operation
    info = {"title": "Infinite RL environments", "version": API_VERSION}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": SCHEMAS}}
