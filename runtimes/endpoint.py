"""A client of OpenAI-compatible servers: chat completions for judges, users and inference, and what others share."""

from __future__ import annotations

import email.utils
import http.client
import json
import logging
import os
import random
import re
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from .connections import ConnectionPool, Reply, TooLongError

logger = logging.getLogger(__name__)

_MALFORMED = (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError)
# What a server counts is believed up to here: sums must stay exact as floats.
_MOST_TOKENS = 2**40
# Seconds: sockets count milliseconds in 31 bits.
_LONGEST_WAIT = 1_000_000
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_HINTS = {
    400: "The server does not understand the request; is the model one for chats, and the prompt short enough?",
    401: "Check the API key: give api_key, or set OPENAI_API_KEY.",
    403: "The API key may not use this model.",
    404: "Check base_url (it usually ends in /v1) and the model's name.",
    429: "The server's rate limit or quota is used up; try later, or with less concurrency.",
}


class EndpointError(RuntimeError):
    """The server could not be reached, refused, or answered with something else than it was asked for.

    Attributes:
        status: that the server answered with, at the last try; None if nobody answered.
    """

    def __init__(self, problem: str, status: int | None = None) -> None:
        super().__init__(problem)
        self.status = status


class UnreachableError(EndpointError):
    """What failed may pass: nobody answered, or the server was busy or broken, at every try."""


class BudgetError(EndpointError):
    """The calls or tokens that were allowed are used up."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What a model answered.

    Attributes:
        text: the content of its message.
        reasoning: its thinking, where the server sends it apart from the content.
        finish_reason: ``stop``, ``length``, or what else the server says.
        prompt_tokens: as the server counted them; 0 if it does not say.
        completion_tokens: likewise.
        message: the whole message, as the server sent it.
    """

    text: str
    reasoning: str = ""
    finish_reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    message: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def tool_calls(self) -> Sequence[Any]:
        """The calls of tools in the message, in OpenAI's form and unchecked."""
        return self.message.get("tool_calls") or ()


class Budget:
    """Bounds what calls may cost; one budget may be shared by many endpoints and threads.

    Args:
        calls: how many requests may be sent, those that are repeated included; None for any number.
        tokens: how many tokens may be used, prompts and replies together, as servers count them; where one doesn't, a
            quarter of the reply's bytes. Requests under way when it is used up are not cut off.
    """

    def __init__(self, calls: int | None = None, tokens: int | None = None) -> None:
        self.calls, self.tokens = calls, tokens
        self.used_calls = self.used_tokens = 0
        self._lock = threading.Lock()

    def take_call(self) -> None:
        """Counts a request.

        Raises:
            BudgetError: the budget is used up.
        """
        with self._lock:
            if self.calls is not None and self.used_calls >= self.calls:
                raise BudgetError(f"The budget of {self.calls} calls is used up.")
            if self.tokens is not None and self.used_tokens >= self.tokens:
                raise BudgetError(f"The budget of {self.tokens} tokens is used up.")
            self.used_calls += 1

    def add_tokens(self, tokens: int) -> None:
        """Counts what a reply cost."""
        with self._lock:
            self.used_tokens += tokens


class Endpoint:
    """A server that is asked by JSON; any thread may use it.

    Connections are kept and used again. Proxies are taken from the environment (``HTTPS_PROXY``, ``NO_PROXY``, …).
    What may pass is tried again with growing pauses, or after as long as the server asks for with ``Retry-After``:
    connections that fail, time-outs, and the statuses 408, 409, 425, 429, 500, 502, 503, 504 and 529.

    Args:
        base_url: where the API lies, such as ``http://localhost:8000/v1``.
        model: the model's name there; empty where a server has no models.
        api_key: sent as a bearer token; ``OPENAI_API_KEY`` from the environment if not given. It appears in no message.
        timeout: seconds that one try may take.
        retries: how often a request is repeated.
        max_wait: seconds between two tries, at most.
        budget: what all requests may cost.
        max_bytes: length of a reply, at most; a longer one is not asked for again.

    Raises:
        ValueError: an argument can't be used.

    Attributes:
        path: what is appended to the base URL.
        kind: what such a server is called.
        hints: by status, what to do about a refusal.
    """

    path: str
    kind: ClassVar[str] = "OpenAI-compatible"
    hints: dict[int, str] = _HINTS

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        timeout: float = 120,
        retries: int = 5,
        max_wait: float = 60,
        budget: Budget | None = None,
        max_bytes: int = 16 << 20,
    ) -> None:
        if not 0 < timeout <= _LONGEST_WAIT:
            raise ValueError(f"timeout is {timeout}. Give a positive number of seconds, at most {_LONGEST_WAIT:,}.")
        if not (retries >= 0 and 0 <= max_wait <= _LONGEST_WAIT):
            raise ValueError(f"retries and max_wait must not be negative, and max_wait at most {_LONGEST_WAIT:,}.")
        self.base_url, self.model = base_url.rstrip("/"), model
        self.timeout, self.retries, self.max_wait = timeout, retries, max_wait
        self.budget = budget or Budget()
        key = (os.environ.get("OPENAI_API_KEY", "") if api_key is None else api_key).strip()
        if not all("!" <= char <= "~" for char in key):
            raise ValueError("The API key holds characters that no key has. Give it without quotes and line breaks.")
        self._key = key
        self._hint_once = threading.Lock()  # taken by whoever gives the hint, and never released
        self._pool = ConnectionPool(self.base_url, timeout, max_bytes)
        self._cut = threading.Event()  # of the requests that are under way now
        self.url = f"{self.base_url}{self.path}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r}, {self.model!r})"

    def ask(self, request: Mapping[str, Any] | None) -> Reply:
        """Sends a request until it is answered with the status 200; None asks by ``GET``.

        Raises:
            EndpointError: the server could not be reached or refused, after all tries, or its reply is too long; where
                the next try might succeed, an ``UnreachableError``.
            BudgetError: the budget is used up.
        """
        body = None if request is None else json.dumps(request).encode()
        cut = self._cut
        for attempt in range(self.retries + 1):
            self.budget.take_call()
            problem, status, wait = "", None, None
            try:
                reply = self._pool.request(self.path, body, self._headers())
            except TooLongError as error:  # which would only be as long again
                self.budget.add_tokens(_tokens_of(self._pool.max_bytes))
                raise EndpointError(f"{self.url}: {error}. Ask for fewer tokens, or allow longer replies.") from None
            except (OSError, http.client.HTTPException) as error:
                problem = self._unreached(error)
                if isinstance(error, ConnectionRefusedError):
                    self._hint(problem)
            else:
                if reply.status == 200:
                    return reply
                problem, status, wait = self._refused(reply), reply.status, _retry_after(reply)
                if status not in _RETRIED:
                    raise EndpointError(problem, status)
            if attempt < self.retries and not cut.is_set():
                pause = self._pause(attempt, wait)
                logger.info("%s Trying again in %.1f s.", problem, pause)
                _wait(cut, pause)
            if cut.is_set():
                break
        raise UnreachableError(problem, status)

    def unreadable(self, wanted: str, error: Exception, reply: Reply) -> EndpointError:
        """The error of a reply that is not what was ``wanted``."""
        self.budget.add_tokens(_tokens_of(len(reply.body)))
        what = self._hide(f"{type(error).__name__}: {error}")[:200]
        return EndpointError(f"{self.url} sent no {wanted} ({what}). Is it {self.kind}?")

    def anonymous(self, problem: str) -> str:
        """A problem without the name of the server's host, whoever told it: the message or the server itself."""
        host = re.escape(urlsplit(self.base_url).hostname or "")
        return re.sub(rf"(?<![\w.-]){host}(?::\d{{1,5}})?(?![\w-])", "[address]", problem, flags=re.I)

    def close(self) -> None:
        """Closes the connections that are kept; the endpoint can still be used."""
        self._pool.close()

    def cut(self) -> None:
        """Breaks off the requests that are under way; for other threads they fail as if the server had hung up.

        They are not tried again.
        """
        cut, self._cut = self._cut, threading.Event()
        cut.set()
        self._pool.cut()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "infinite-rl"}
        return headers | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    def _pause(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait: what the server asks for, else twice as long each time, with jitter against herds."""
        wait = 2.0 ** min(attempt, 60) * random.uniform(0.5, 1.0) if asked is None else asked
        return min(wait, self.max_wait)

    def _unreached(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"{self.url} did not answer in {self.timeout:g} s. Give a longer timeout, or look at the server."
        if isinstance(error, socket.gaierror):
            return f"{self.url}: the host's name can't be resolved ({error.strerror}). Check base_url and the proxies."
        what = self._hide(f"{type(error).__name__}: {error}")[:300]
        return f"{self.url} could not be reached ({what}). Is the server running there?"

    def _hint(self, problem: str) -> None:
        """Says once, and at once, that nobody listens: the server may be starting, but the address may be wrong."""
        if self.retries and self._hint_once.acquire(blocking=False):
            logger.warning("%s Trying again for a while.", problem)

    def _refused(self, reply: Reply) -> str:
        if 300 <= reply.status < 400:
            target = self._hide(reply.headers.get("location", ""))[:200]
            return f"{self.url} answers that it has moved to {target!r}. Give that as base_url, if you trust it."
        # Hidden before it is cut, and where JSON's escapes no longer disguise it.
        said = " ".join(self._hide(_error_text(reply.body.decode("utf-8", "replace")))[:10_000].split())[:200]
        hint = self.hints.get(reply.status, "")
        stop = "." if hint and said and said[-1] not in ".!?" else ""
        return f"{self.url} answered {reply.status}: {said}{stop} {hint}".rstrip()

    def _hide(self, text: str) -> str:
        """A text of the server's without the API key, which some servers send back."""
        return text.replace(self._key, "[API key]") if self._key else text


class ChatEndpoint(Endpoint):
    """A model that answers chats; see `Endpoint` for the arguments."""

    path = "/chat/completions"

    def chat(self, messages: Sequence[Mapping[str, Any]], **parameters: Any) -> ChatReply:
        """Asks for one completion.

        Args:
            messages: the chat, in OpenAI's form.
            parameters: further members of the request, such as ``temperature``, ``max_tokens`` or ``seed``.

        Raises:
            EndpointError: the server could not be reached, refused, or sent no completion, after all tries.
            BudgetError: the budget is used up.
        """
        return self.choices(messages, 1, **parameters)[0]

    def choices(self, messages: Sequence[Mapping[str, Any]], count: int, **parameters: Any) -> list[ChatReply]:
        """Asks for several completions of one chat in one request.

        Args:
            messages: the chat, in OpenAI's form.
            count: how many; the request's ``n``.
            parameters: further members of the request.

        Returns:
            At most so many, and at least one: some servers give one whatever they are asked for, and choices that are
            malformed are left out. The request's tokens are divided among them.

        Raises:
            EndpointError: as `chat`.
            BudgetError: the budget is used up.
        """
        several = {"n": count} if count > 1 else {}
        request = {"model": self.model, **self._asked(messages), **several, **parameters}
        return self._read(self.ask(request), count)

    def _asked(self, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The members of a request that hold the chat."""
        return {"messages": list(messages)}

    def _message(self, choice: Any) -> Mapping[str, Any]:
        """The message of a choice."""
        message: Mapping[str, Any] = choice["message"]
        return message

    def _read(self, reply: Reply, most: int) -> list[ChatReply]:
        found: list[ChatReply] = []
        problem: Exception = IndexError("there are no choices")
        try:
            body = json.loads(reply.body)
            choices, usage = body["choices"], body.get("usage")
            prompt, completion = (_count(usage, f"{kind}_tokens") for kind in ("prompt", "completion"))
            for choice in choices[:most]:
                try:
                    found.append(self._choice(choice))
                except _MALFORMED as error:
                    problem = error
        except _MALFORMED as error:
            raise self.unreadable("chat completion", error, reply) from None
        if not found:
            raise self.unreadable("chat completion", problem, reply)
        self.budget.add_tokens(prompt + completion or _tokens_of(len(reply.body)))
        shares = zip(found, _divided(prompt, len(found)), _divided(completion, len(found)), strict=True)
        return [replace(one, prompt_tokens=read, completion_tokens=written) for one, read, written in shares]

    def _choice(self, choice: Any) -> ChatReply:
        message = self._message(choice)
        answer = ChatReply(
            message.get("content") or "",
            message.get("reasoning_content") or message.get("reasoning") or "",
            choice.get("finish_reason") or "",
            message=message,
        )
        if not all(isinstance(part, str) for part in (answer.text, answer.reasoning, answer.finish_reason)):
            raise TypeError("the message's content is no text")
        if not isinstance(answer.tool_calls, list | tuple):
            raise TypeError("the message's tool_calls are no list")
        return answer


class TextEndpoint(ChatEndpoint):
    """A model that goes on with a text, such as one that was only pretrained; the texts of a chat are its prompt."""

    path = "/completions"

    def _asked(self, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"prompt": "\n\n".join(str(message.get("content") or "") for message in messages)}

    def _message(self, choice: Any) -> Mapping[str, Any]:
        return {"role": "assistant", "content": choice["text"]}


def _wait(cut: threading.Event, seconds: float) -> None:
    """Waits between two tries, or until the request is cut."""
    cut.wait(seconds)


def _count(usage: object, name: str) -> int:
    """What a server says of its tokens; 0 where that can't be read, for which no answer is thrown away."""
    tokens = usage.get(name) if isinstance(usage, dict) else None
    return min(max(tokens, 0), _MOST_TOKENS) if isinstance(tokens, int) and not isinstance(tokens, bool) else 0


def _divided(tokens: int, parts: int) -> list[int]:
    """Whole shares, as equal as can be."""
    return [tokens // parts + (place < tokens % parts) for place in range(parts)]


def _error_text(body: str) -> str:
    """What a server says of its refusal."""
    with suppress(ValueError, TypeError, LookupError, RecursionError):
        error = json.loads(body)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    return body


def _tokens_of(size: int) -> int:
    """What a reply of so many bytes may have cost, where the server doesn't say: a budget must end some time."""
    return size // 4


def _retry_after(reply: Reply) -> float | None:
    """The seconds that the server asks to wait, as a number or as a date; None if it doesn't, or nobody can read it."""
    text = reply.headers.get("retry-after", "").strip()
    with suppress(ValueError):
        seconds = float(text)
        return max(seconds, 0.0) if seconds == seconds else None
    # Dates that no calendar has raise what they like. Without a zone they are in Greenwich's.
    with suppress(ValueError, OverflowError, LookupError, TypeError):
        date = email.utils.parsedate_tz(text)
        return max(email.utils.mktime_tz((*date[:9], date[9] or 0)) - time.time(), 0.0) if date else None
    return None
