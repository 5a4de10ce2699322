"""Actions as clients send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..http.handler import check_members
from ..tools.reply import Reply
from .errors import invalid

_FORMS = 'an action is a text, {"text": …}, or an assistant\'s message with "content", "tool_calls" or both'


def read_action(value: Any) -> str:
    """The action that a client sent: a text, ``{"text": …}``, or an assistant's message in OpenAI's form.

    Raises:
        ServingError: it is none of these.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        raise invalid(_FORMS)
    if isinstance(value.get("text"), str):
        check_members(value, ("text", "metadata"))  # OpenEnv's actions carry metadata
        return str(value["text"])
    if not {"content", "tool_calls"} & value.keys():
        raise invalid(_FORMS)
    if value.get("role", "assistant") != "assistant":
        raise invalid("only an assistant's message is an action")
    calls = value.get("tool_calls")
    if calls is not None and not isinstance(calls, list):
        raise invalid('"tool_calls" must be a list')
    return Reply.from_message({"content": _text(value.get("content")), "tool_calls": calls})


def _text(content: Any) -> str:
    """The text of a message's content, which may come in parts."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list) and all(
        isinstance(part, dict) and isinstance(part.get("text"), str) for part in content
    ):
        return "".join(part["text"] for part in content)
    raise invalid('"content" must be a text, or a list of parts with a "text" each')
