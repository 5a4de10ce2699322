"""Calls of a Gemini model, and what may become of them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

if TYPE_CHECKING:
    from google.genai.types import GenerateContentResponse

KEY_VARIABLE = "GEMINI_API_KEY"
Reason: TypeAlias = Literal[
    "rate_limit",
    "quota",
    "refused",
    "rejected",
    "server",
    "timeout",
    "connection",
    "malformed",
    "blocked",
    "truncated",
    "empty",
]
_MISSING = "generation needs google-genai: pip install 'infinite-rl[generate]'"
# Statuses that another try does not change where no call has succeeded before, and what to do about them.
_HINTS = {
    400: "the request is not understood; is the API key valid, and the model's name right?",
    401: f"check the API key: --api-key, or {KEY_VARIABLE}",
    403: "the API key may not use this model",
    404: "no such model there; check --model_name, and --base-url if it is given",
}
_PER_DAY = "PerDay"
# The seeds of calls are signed 32-bit integers.
SEEDS = 1 << 31


class CallError(Exception):
    """A call that brought no text.

    Attributes:
        reason: what happened, in a word.
        retry_after: seconds after which the server wants to be asked again; None if it does not say.
        text: the reply as far as there is one.
        tokens: what it cost.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        retry_after: float | None = None,
        text: str = "",
        tokens: Tokens | None = None,
    ) -> None:
        super().__init__(message)
        self.reason, self.retry_after, self.text = reason, retry_after, text
        self.tokens = tokens or Tokens()

    @property
    def final(self) -> bool:
        """Whether no call can succeed now, so that trying again helps nobody."""
        return self.reason in ("quota", "refused")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens as the server counts them: of prompts, and of replies with their thinking."""

    prompt: int = 0
    reply: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt + other.prompt, self.reply + other.reply)


@dataclass(frozen=True, slots=True)
class Reply:
    """A text that a model wrote."""

    text: str
    tokens: Tokens


def checked_key(api_key: str | None, base_url: str | None) -> str:
    """The key for a server, where nothing stands in the way of calls; `Gemini` has the arguments.

    Raises:
        ModuleNotFoundError: google-genai is missing; the message says what to install.
        ValueError: there is no key, or the key or the address is none.
    """
    try:
        from google import genai  # noqa: F401

        from . import transport  # noqa: F401
    except ImportError:  # also where other packages of Google's are installed, whose namespace has no genai
        raise ModuleNotFoundError(_MISSING) from None
    key = (os.environ.get(KEY_VARIABLE, "") if api_key is None else api_key).strip()
    if not key and base_url is None:
        raise ValueError(f"there is no API key: set {KEY_VARIABLE}, or give --api-key")
    if not all("!" <= letter <= "~" for letter in key):
        raise ValueError("the API key holds characters that no key has; give it without quotes and line breaks")
    if base_url is not None and not base_url.startswith(("http://", "https://")):
        raise ValueError(f"--base-url {base_url}: give a URL that begins with http:// or https://")
    return key


class Gemini:
    """A model behind the Gemini API, or behind another server that speaks its protocol.

    Args:
        model: its name there.
        api_key: the key; that of ``GEMINI_API_KEY`` if not given. A server of one's own may need none.
        base_url: the server; Google's if not given.
        timeout: seconds that a call may take, however slowly a reply trickles in.

    Raises:
        ModuleNotFoundError: google-genai is missing; the message says what to install.
        ValueError: there is no key.
    """

    def __init__(
        self, model: str, *, api_key: str | None = None, base_url: str | None = None, timeout: float = 120.0
    ) -> None:
        key = checked_key(api_key, base_url)
        from google import genai
        from google.genai import types

        from .transport import LimitedTransport, tls

        self.model, self.timeout, self._key = model, timeout, key
        self._server = "Google" if base_url is None else _without_user(base_url)
        self._succeeded = False
        self._types = types
        # One attempt: the library would wait by itself, and neither count its tries nor hear of the end.
        options = types.HttpOptions(
            base_url=base_url,
            timeout=int(1e3 * timeout) + 1,
            retry_options=types.HttpRetryOptions(attempts=1),
            # The library would make contexts of its own, one for each way in which it could connect.
            async_client_args={"transport": LimitedTransport(), "verify": tls(), "ssl": tls()},
        )
        self._client = genai.Client(vertexai=False, api_key=key or "none", http_options=options).aio

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def ask(self, request: str, *, system: str | None, seed: int) -> Reply:
        """Asks for a text.

        Args:
            request: what the user says.
            system: the system instruction.
            seed: of the sampling, as far as the server honours it.

        Raises:
            CallError: there is no whole text; whatever else goes wrong in a call becomes one, too.
        """
        config = self._types.GenerateContentConfig(system_instruction=system, seed=seed % SEEDS)
        try:
            async with asyncio.timeout(self.timeout):
                response = await self._client.models.generate_content(model=self.model, contents=request, config=config)
            self._succeeded = True
            return _read(response)
        except TimeoutError:
            raise CallError("timeout", f"no reply within {self.timeout:g} s") from None
        except CallError:
            raise
        except Exception as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> CallError:
        """What an exception of the library, or of the connection below it, means."""
        found = _failed(error)
        # Key and model were right before, so it is about this request.
        reason = "rejected" if found.reason == "refused" and self._succeeded else found.reason
        message = f"{self._server}: {found}" if reason == "connection" else str(found)
        message = message.replace(self._key, "…") if len(self._key) > 7 else message
        return CallError(reason, message, retry_after=found.retry_after)


def _without_user(url: str) -> str:
    """An address without the name and the password that may stand in it."""
    scheme, mark, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return scheme + mark + place.rpartition("@")[2] + slash + path


def _failed(error: Exception) -> CallError:
    """What an exception of the library, or of the connection below it, means."""
    from google.genai.errors import APIError

    if isinstance(error, APIError):
        return _refused(error)
    if isinstance(error, ValueError | TypeError | AttributeError | LookupError | RecursionError):
        # No JSON, or of another form than the library's own types promise.
        return CallError("malformed", f"the reply is malformed ({_told(error)})")
    if "timeout" in type(error).__name__.lower():
        return CallError("timeout", f"no reply in time ({_told(error)})")
    return CallError("connection", f"the connection failed ({_told(error)})")


def _refused(error: Any) -> CallError:
    code, status, message = error.code, error.status or "", " ".join(str(error.message or "").split())
    told = f"{code} {status}: {message[:500]}".strip(": ")
    if code == 429:
        wait = _retry_after(error)
        if any(_PER_DAY in str(violation.get("quotaId", "")) for violation in _violations(error)):
            return CallError("quota", f"{told} (the day's quota is used up; go on tomorrow with the same command)")
        return CallError("rate_limit", told, retry_after=wait)
    if code in _HINTS:
        return CallError("refused", f"{told} ({_HINTS[code]})")
    if (isinstance(code, int) and code >= 500) or code in (408, 409, 425):
        return CallError("server", told, retry_after=_retry_after(error))
    return CallError("refused", told) if isinstance(code, int) and 400 <= code < 500 else CallError("malformed", told)


def _retry_after(error: Any) -> float | None:
    """Seconds that the server asks for, in its header or in the details of its message."""
    headers: Mapping[str, str] = getattr(error.response, "headers", None) or {}
    asked = [headers.get("retry-after")]
    asked += [str(detail["retryDelay"]).removesuffix("s") for detail in _details(error) if "retryDelay" in detail]
    seconds = [_seconds(text) for text in asked if text]
    return max((one for one in seconds if one is not None), default=None)


def _details(error: Any) -> list[dict[str, Any]]:
    """The objects that Google's errors hold beside their message."""
    body = error.details if isinstance(error.details, dict) else {}
    inner = body.get("error", body)
    found = inner.get("details") if isinstance(inner, dict) else None
    return [detail for detail in found if isinstance(detail, dict)] if isinstance(found, list) else []


def _violations(error: Any) -> list[dict[str, Any]]:
    lists = [detail.get("violations") for detail in _details(error)]
    return [one for found in lists if isinstance(found, list) for one in found if isinstance(one, dict)]


def _seconds(text: str) -> float | None:
    """Seconds from a number of them, or until a date."""
    try:
        value = float(text)
    except ValueError:
        try:
            value = max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
        except ValueError:
            return None
    return value if 0 <= value < float("inf") else None


def _read(response: GenerateContentResponse) -> Reply:
    usage = response.usage_metadata
    tokens = Tokens()
    if usage is not None:
        reply = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        tokens = Tokens(usage.prompt_token_count or 0, reply)
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        raise CallError("blocked", f"the request was blocked ({_name(feedback.block_reason)})", tokens=tokens)
    if not response.candidates:
        raise CallError("empty", "the reply has no candidates", tokens=tokens)
    candidate = response.candidates[0]
    parts = (candidate.content.parts if candidate.content is not None else None) or []
    text = "".join(part.text for part in parts if part.text and not part.thought)
    finish = "STOP" if candidate.finish_reason is None else _name(candidate.finish_reason)
    if finish == "MAX_TOKENS":
        raise CallError("truncated", "the reply was cut off (MAX_TOKENS)", text=text, tokens=tokens)
    if finish not in ("STOP", "FINISH_REASON_UNSPECIFIED"):
        raise CallError("blocked", f"the reply was blocked ({finish})", text=text, tokens=tokens)
    if not text.strip():
        raise CallError("empty", "the reply is empty", tokens=tokens)
    return Reply(text, tokens)


def _name(reason: Any) -> str:
    return str(getattr(reason, "value", reason))


def _told(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
