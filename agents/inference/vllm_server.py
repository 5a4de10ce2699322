"""A vLLM server, spoken to over HTTP.

Prompts go to ``/v1/completions`` as token ids; ``return_token_ids`` makes the server answer in ids. What changes its
weights it offers if it was started with ``VLLM_SERVER_DEV_MODE=1``.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from ...runtimes.connections import Reply
from ...runtimes.endpoint import Endpoint, EndpointError, UnreachableError
from .backend import BackendError
from .completion import Completion, CompletionRequest
from .vllm_local import CACHE, WEIGHTS

Picked = TypeVar("Picked")

_DEVELOPMENT = {404: "Start the server with VLLM_SERVER_DEV_MODE=1, so that its weights can be changed."}
_SLEEP = {404: "Start the server with VLLM_SERVER_DEV_MODE=1 and --enable-sleep-mode, so that it can sleep."}
_ADAPTERS = {
    404: "Start the server with --enable-lora, and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1, so that it takes adapters."
}


class _Route(Endpoint):
    """One path of the server. Nothing is tried again here: whoever asks decides where."""

    kind = "a vLLM server"

    def __init__(self, root: str, path: str, hints: Mapping[int, str], options: Mapping[str, Any]) -> None:
        self.path = path
        self.hints = Endpoint.hints | dict(hints)
        super().__init__(root, "", **({"retries": 0} | dict(options)))


class VLLMServer:
    """A vLLM server.

    Args:
        url: such as ``http://localhost:8000/v1``.
        model: the name that it serves the model under; None for the first that it names.
        timeout: seconds that a request may take.
        health_timeout: the same for those that take no time; a server that is busy computing still answers them.
        sleep: it shares its GPU with the trainer, and gives memory back while it is not needed.
        **options: of :class:`~infinite_rl.runtimes.endpoint.Endpoint`, such as ``api_key``.
    """

    def __init__(
        self,
        url: str,
        model: str | None = None,
        *,
        timeout: float = 1800.0,
        health_timeout: float = 10.0,
        sleep: bool = False,
        **options: Any,
    ) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self.health_timeout = health_timeout
        self.adapter: str | None = None
        self.sleep = sleep
        # A trainer before this one may have sent it to sleep; waking up those that are awake does nothing.
        self._asleep = [WEIGHTS, CACHE] if sleep else []
        self._waking = threading.Lock()
        self._model = model
        self._options = options | {"timeout": timeout}
        self._routes: dict[tuple[str, float | None], _Route] = {}
        self._completions = self._route("/v1/completions")

    def complete(self, request: CompletionRequest) -> Completion:
        """Continues a prompt.

        Raises:
            EndpointError: the server could not be reached, refused, or sent something else.
            BackendError: nothing can be learnt from what it sent.
        """
        choice, reply = self._choice({"prompt": list(request.prompt), **request.parameters()})
        if (given := choice.get("prompt_token_ids")) is not None and given != list(request.prompt):
            raise BackendError(f"{self._completions.url} continued other tokens than it was given")
        with self._read("completion", reply):
            reason = choice["finish_reason"]
            if reason == "abort" and not choice.get("token_ids"):
                return Completion([], [], reason)
            if choice.get("token_ids") is None or choice.get("logprobs") is None:
                raise BackendError(
                    f"{self._completions.url} gave no token ids or no log-probs: is it vLLM 0.10.2 or later?"
                )
            ids = [_token(token) for token in choice["token_ids"]]
            scores = [math.nan if score is None else float(score) for score in choice["logprobs"]["token_logprobs"]]
        return request.check(Completion(ids, scores, reason))

    def prompt_logprobs(self, token_ids: Sequence[int]) -> list[float]:
        """The log-prob of each token but the first."""
        return self._read_prompt(token_ids, 1, lambda row, token: row[token])

    def prompt_distributions(self, token_ids: Sequence[int]) -> list[list[float]]:
        """The log-probs of the whole vocabulary, by id, at each token but the first."""
        return self._read_prompt(token_ids, -1, lambda row, _: [row[token] for token in sorted(row)])

    def check_health(self) -> None:
        """Returns if the server and its engine are alive.

        Raises:
            EndpointError: says what is wrong.
        """
        self._route("/health", timeout=self.health_timeout).ask(None)

    def weight_label(self, timeout: float | None = None) -> str | None:
        """What the server's weights were labelled with; None if it keeps no label.

        Args:
            timeout: seconds to wait; by default as for any request, because an engine answers between two of its steps.

        Raises:
            UnreachableError: the server could not be reached.
        """
        try:
            reply = self._route("/weight_info", timeout=timeout).ask(None)
            return str(json.loads(reply.body)["weight_version"])
        except UnreachableError:
            raise
        except (EndpointError, ValueError, LookupError, TypeError):
            return None

    def label_weights(self, label: str) -> None:
        """Labels the weights, where the server can keep a label: one that starts anew has another.

        Raises:
            UnreachableError: the server could not be reached.
        """
        self._tell("/update_weight_version", {"new_version": label})

    def reload(self, folder: Path) -> None:
        """Takes the weights in a folder, which it must see, and forgets what was computed with the old ones.

        Raises:
            EndpointError: the server could not be reached, or refused.
        """
        self.call("/collective_rpc", {"method": "reload_weights", "kwargs": {"weights_path": str(folder)}})
        self.forget()

    def load_adapter(self, folder: Path) -> None:
        """Takes the adapters in a folder; the model's own weights stay.

        They get a name of their own, the folder's: what is loaded in place of others (``load_inplace``) vLLM 0.32 reads
        anew at every step.

        Raises:
            EndpointError: the server could not be reached, or refused.
        """
        load = self._route("/v1/load_lora_adapter", hints=_ADAPTERS)
        load.ask({"lora_name": folder.name, "lora_path": str(folder)})
        if self.adapter is not None:
            with suppress(EndpointError):  # a server that was started anew does not have it
                self._route("/v1/unload_lora_adapter").ask({"lora_name": self.adapter})
        self.adapter = folder.name
        self.forget()

    def forget(self) -> None:
        """Empties the prefix cache, which holds what was computed with other weights.

        Raises:
            EndpointError: the server could not be reached, or says that it did not.
        """
        said = _json(self.call("/reset_prefix_cache", {}))
        if isinstance(said, dict) and said.get("success") is False:
            raise EndpointError(f"{self.url} kept its prefix cache: requests of others hold it. Serve nobody else.")

    def call(self, path: str, request: Mapping[str, Any]) -> Reply:
        """Asks a route of the development mode.

        Raises:
            EndpointError: the server could not be reached, or refused.
        """
        return self._route(path, hints=_DEVELOPMENT).ask(request)

    def rest(self) -> None:
        """Gives the GPU's memory back, where it is told to sleep: weights wait in host memory, caches are dropped.

        Raises:
            EndpointError: it could not be reached, or cannot sleep.
        """
        if self.sleep:
            with self._waking:
                self._route("/sleep?level=1", _SLEEP).ask({})
                self._asleep = [WEIGHTS, CACHE]

    def wake(self, *parts: str) -> None:
        """Takes memory again for ``WEIGHTS`` or ``CACHE``, if it sleeps.

        Raises:
            EndpointError: it could not be reached, or cannot sleep.
        """
        with self._waking:
            for part in [part for part in parts if part in self._asleep]:
                self._route(f"/wake_up?tags={part}", _SLEEP).ask({})
                self._asleep.remove(part)

    def resume(self) -> None:
        """Ends a pause, if there is one; a server that can't be told so can't be paused either.

        Raises:
            UnreachableError: the server could not be reached.
        """
        self._tell("/resume", {})

    def world_size(self) -> int:
        """How many processes hold the model together."""
        return int(json.loads(self._route("/get_world_size", hints=_DEVELOPMENT).ask(None).body)["world_size"])

    def cut(self) -> None:
        """Breaks off all requests that are under way."""
        for route in list(self._routes.values()):
            route.cut()

    def _tell(self, path: str, request: Mapping[str, Any]) -> None:
        """Asks a route that not every server has."""
        try:
            self.call(path, request)
        except UnreachableError:
            raise
        except EndpointError:
            return

    def _route(self, path: str, hints: Mapping[int, str] | None = None, timeout: float | None = None) -> _Route:
        if (path, timeout) in self._routes:
            return self._routes[path, timeout]
        given = {} if timeout is None else {"timeout": timeout}
        made = _Route(self.url, path, hints or {}, self._options | given)
        return self._routes.setdefault((path, timeout), made)  # another thread's: all of them must be known to cut()

    def _name(self) -> str:
        """What requests call the model."""
        if self._model is None:
            route = self._route("/v1/models", timeout=self.health_timeout)
            reply = route.ask(None)
            try:
                self._model = str(json.loads(reply.body)["data"][0]["id"])
            except (ValueError, LookupError, TypeError) as error:
                raise route.unreadable("list of models", error, reply) from None
        return self.adapter or self._model

    def _read_prompt(
        self, token_ids: Sequence[int], count: int, pick: Callable[[dict[int, float], int], Picked]
    ) -> list[Picked]:
        """What is picked of the log-probs by id at each token but the first.

        Args:
            token_ids: of the prompt.
            count: log-probs of so many of the likeliest tokens, and of the prompt's own; -1 for all.
            pick: called with log-probs, and the token that stands there.
        """
        choice, reply = self._choice(
            {"prompt": list(token_ids), "max_tokens": 1, "temperature": 1.0, "prompt_logprobs": count}
        )
        with self._read("log-probs of the prompt", reply):
            _, *rows = choice["prompt_logprobs"]
            found = [{int(token): float(entry["logprob"]) for token, entry in row.items()} for row in rows]
            return [pick(row, token) for row, token in zip(found, token_ids[1:], strict=True)]

    def _choice(self, request: Mapping[str, Any]) -> tuple[dict[str, Any], Reply]:
        """The only choice of the answer, and the answer."""
        if self._asleep:
            self.wake(WEIGHTS, CACHE)
        reply = self._completions.ask({"model": self._name(), "return_token_ids": True, **request})
        with self._read("completion", reply):
            (choice,) = json.loads(reply.body)["choices"]
            if not isinstance(choice, dict):
                raise TypeError("the choice is no object")
        return choice, reply

    @contextmanager
    def _read(self, wanted: str, reply: Reply) -> Iterator[None]:
        """What a server sends may be anything: whatever reading it raises becomes an ``EndpointError``."""
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError) as error:
            raise self._completions.unreadable(wanted, error, reply) from None


def _token(token: Any) -> int:
    if type(token) is not int:
        raise TypeError(f"{token!r} is no token id")
    return token


def _json(reply: Reply) -> Any:
    with suppress(ValueError):
        return json.loads(reply.body)
    return None
