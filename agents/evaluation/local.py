"""A model in this process answers tasks: by transformers, or by an engine of vLLM."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .asking import Job, begin
from .journal import Journal
from .recording import Cost, record
from .results import Sample
from .subject import Subject

if TYPE_CHECKING:
    from ..inference.module import InferenceModule
    from ..rollouts.trajectory import Trajectory


def need_libraries() -> None:
    """Loads what a model in this process needs.

    Raises:
        ModuleNotFoundError: a library is missing; the message says what to install.
    """
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ModuleNotFoundError as error:
        problem = f"a model in this process needs {error.name}: pip install 'infinite-rl[train]'"
        raise ModuleNotFoundError(f"{problem}; one that a server has needs --base-url alone") from None


class LocalPlayer:
    """Plays episodes with a model in this process, a wave of them at a time.

    Args:
        subject: what is evaluated on.
        model: the model's folder, or its name on the hub.
        backend: ``transformers`` or ``vllm``.
        sampling: as ``run.json`` says it.
        concurrency: episodes of a wave.

    Raises:
        ModuleNotFoundError: a library is missing; the message says what to install.
        ValueError: the model can't be loaded.
    """

    def __init__(
        self, subject: Subject, model: str, backend: str, sampling: Mapping[str, Any], *, concurrency: int
    ) -> None:
        need_libraries()
        from ..inference.sampling import TokenFilter
        from ..rollouts.player import Player

        self.env, self.tasks, self.sampling, self.concurrency = subject.env, subject.tasks, sampling, concurrency
        # Without a seed, every process draws anew.
        self._seed = secrets.randbits(63) if sampling["seed"] is None else sampling["seed"]
        inference = _load(model, backend)
        if subject.continues:  # a text is to go on, whatever the model's template
            inference.tokenizer.chat_template = None
        top_p = sampling["top_p"]
        self._player = Player(
            subject.env,
            inference,
            max_new_tokens=sampling["max_tokens"],
            temperature=sampling["temperature"],
            token_filter=None if top_p is None else TokenFilter(top_p=top_p),
        )

    def play(self, jobs: Iterable[Job], journal: Journal | None = None) -> Iterator[list[Sample]]:
        """Plays all samples of all jobs, and yields them a wave at a time, in their order; keeps no journal."""
        places = ((job.task_index, sample) for job in jobs for sample in job.samples)
        while wave := list(islice(places, self.concurrency)):
            yield self._play(wave)

    def _play(self, wave: list[tuple[int, int]]) -> list[Sample]:
        from ..inference.sampling import stream_key

        started = time.monotonic()
        limit = self.sampling["max_turns"]
        episodes = [begin(self.env, self.tasks[index], index, limit) for index, _ in wave]
        keys = [stream_key(self._seed, "evaluation", index, sample) for index, sample in wave]
        trajectories = self._player.play(episodes, keys, [index for index, _ in wave])
        seconds = (time.monotonic() - started) / len(wave)
        rows = zip(episodes, wave, _costs(trajectories, seconds), strict=True)
        return [record(self.env, episode, sample, cost) for episode, (_, sample), cost in rows]


def _load(model: str, backend: str) -> InferenceModule:
    import torch

    from ..config import ConfigError
    from ..inference.backend import BackendError
    from ..inference.module import InferenceModule
    from ..models.policy import find_device, load_policy

    if backend == "vllm":
        try:
            return InferenceModule(model, backend="vllm")
        except BackendError as error:
            raise ValueError(str(error)) from error
    device = find_device("auto")
    try:
        weights, tokenizer = load_policy(model, dtype=torch.float32 if device.type == "cpu" else torch.bfloat16)
    except ConfigError as error:  # which tells of the key of a training run
        why = str(error).replace(f"model.name={model}", f"--model {model}", 1)
        hint = "" if Path(model).expanduser().exists() else "; a model that a server has needs --base-url"
        raise ValueError(f"{why}{hint}") from None
    return InferenceModule(weights.to(device).eval(), tokenizer)


def _costs(trajectories: Trajectory, seconds: float) -> Iterator[Cost]:
    """What each episode took; all of a wave share its time."""
    from ..rollouts.columns import Columns

    found = Columns(trajectories)
    for state, written, length in zip(found.states, found.response_lengths.tolist(), found.lengths, strict=True):
        cut = {"response", "context"}.intersection(state["limits"])
        yield Cost(length - written, written, seconds, "length" if cut else "stop")
