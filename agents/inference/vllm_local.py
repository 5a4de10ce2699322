"""An engine of vLLM in this process, beside the trainer: it rests while there is nothing to sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from .backend import BackendError
from .completion import Completion, CompletionRequest
from .weight_sync import FolderTransfer

# vLLM makes room for adapters of these ranks.
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
# At this level of sleep weights are dropped too: new ones come before the next token is sampled.
DEEP_SLEEP = 2
# What of an engine wakes up by itself.
WEIGHTS, CACHE = "weights", "kv_cache"


class LocalEngine:
    """An engine of vLLM in this process.

    Args:
        model: folder or hub name.
        dtype: of its arithmetic.
        adapters: the configuration of adapters, if they are all that is trained.
        weights_dir: where new weights are written; by default where temporary files are.
        **options: of ``vllm.LLM``.

    Raises:
        BackendError: if vLLM cannot be imported.
    """

    processed_logprobs = True

    def __init__(
        self, model: str, dtype: str, *, adapters: Any = None, weights_dir: Path | str | None = None, **options: Any
    ) -> None:
        try:
            import vllm
        except ImportError as error:
            raise BackendError(
                f'vllm cannot be imported ({error}): pip install -e ".[vllm]" in an environment of its own (for a CPU '
                "scripts/vllm_cpu.sh makes one), or pass the base_url of a vLLM server"
            ) from None
        self._params = vllm.SamplingParams
        defaults = {"logprobs_mode": "processed_logprobs", "generation_config": "vllm", "max_logprobs": -1}
        defaults |= {"dtype": dtype, "enable_sleep_mode": _can_sleep(vllm)}
        if adapters is not None:
            defaults |= {"enable_lora": True, "max_lora_rank": min(rank for rank in RANKS if rank >= adapters.r)}
        options = defaults | options
        self._sleeps = bool(options["enable_sleep_mode"])
        self._llm = vllm.LLM(model=model, **options)
        self._transfer = FolderTransfer(adapters, weights_dir)
        self._adapter: Any = None
        self._version = 0
        # Adapters change while the weights below them stay: those must outlive the sleep.
        self._level = DEEP_SLEEP if adapters is None else 1
        self._asleep: list[str] = []
        self._empty = False

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completion]:
        """Continues the prompt of each request, all in one batch."""
        prompts = [{"prompt_token_ids": list(request.prompt)} for request in requests]
        params = [self._params(**request.parameters()) for request in requests]
        found = []
        for request, output in zip(requests, self._generate(prompts, params), strict=True):
            chosen = output.outputs[0]
            ids = list(chosen.token_ids)
            logprobs = [float(row[token].logprob) for token, row in zip(ids, chosen.logprobs, strict=True)]
            versions = [self._version] * len(ids)
            found.append(request.check(Completion(ids, logprobs, str(chosen.finish_reason), versions)))
        return found

    def prompt_logprobs(self, token_ids: Sequence[int]) -> list[float]:
        """The log-prob of each token but the first."""
        rows = self._read_prompt(token_ids, 1)
        return [float(row[token].logprob) for token, row in zip(token_ids[1:], rows, strict=True)]

    def prompt_distributions(self, token_ids: Sequence[int]) -> list[list[float]]:
        """The log-probs of the whole vocabulary, by id, at each token but the first."""
        return [[float(row[token].logprob) for token in sorted(row)] for row in self._read_prompt(token_ids, -1)]

    def scorers(self) -> Mapping[str, Callable[[Sequence[int]], list[float]]]:
        """Its ``prompt_logprobs``: there is one copy of the model."""
        return {"the engine": self.prompt_logprobs}

    def load(self, weights: Mapping[str, Tensor], *, version: int) -> None:
        """Takes new weights, and forgets what was computed with the old ones."""
        self._transfer.publish(weights)
        # The cache has room once the trainer's models have left the GPU.
        self._wake(WEIGHTS)
        self._transfer.send([self])
        self._empty = False
        self._version = version

    def reload(self, folder: Path) -> None:
        """Takes the weights in a folder, and forgets what was computed with the old ones."""
        self._llm.collective_rpc("reload_weights", kwargs={"weights_path": str(folder)})
        self._llm.reset_prefix_cache()

    def load_adapter(self, folder: Path) -> None:
        """Takes the adapters in a folder; under another number, so that nothing that was computed is taken for it."""
        from vllm.lora.request import LoRARequest

        number = 1 if self._adapter is None else self._adapter.lora_int_id + 1
        self._adapter = LoRARequest(folder.name, number, str(folder))
        self._llm.reset_prefix_cache()

    def rest(self) -> None:
        """Gives the GPU's memory to the trainer, until new weights come. On a CPU vLLM cannot sleep."""
        if self._sleeps and not self._asleep:
            self._llm.sleep(level=self._level)
            self._asleep, self._empty = [WEIGHTS, CACHE], self._level == DEEP_SLEEP

    def close(self) -> None:
        """Removes the weights that were written for it; it ends with the process."""
        self._transfer.close()

    def _wake(self, *parts: str) -> None:
        for part in parts:
            if part in self._asleep:
                self._llm.wake_up(tags=[part])
                self._asleep.remove(part)

    def _generate(self, prompts: Sequence[Any], params: Any) -> Any:
        if self._empty:
            raise BackendError("the engine dropped its weights when it was sent to rest: load weights before sampling")
        self._wake(WEIGHTS, CACHE)
        adapter = {} if self._adapter is None else {"lora_request": self._adapter}
        return self._llm.generate(prompts, params, use_tqdm=False, **adapter)

    def _read_prompt(self, token_ids: Sequence[int], count: int) -> list[Mapping[int, Any]]:
        params = self._params(max_tokens=1, temperature=1.0, prompt_logprobs=count)
        (output,) = self._generate([{"prompt_token_ids": list(token_ids)}], params)
        return list(output.prompt_logprobs[1:])


def _can_sleep(vllm: Any) -> bool:
    """Whether the platform has the memory management that sleeping needs."""
    platforms = getattr(vllm, "platforms", None)
    return platforms is not None and bool(platforms.current_platform.is_sleep_mode_available())
