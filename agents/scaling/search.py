"""Which ways to divide a job over GPUs fit, and which of them is fastest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Literal, TypeAlias

from ..parallel.shape import MeshShape
from .hardware import ASSUMED, GIB, Efficiency, Hardware
from .job import Job, Setup
from .memory import Memory, fits, idle_memory, train_memory
from .rollouts import Sampling, sampling
from .shapes import BF16, ModelShape
from .timing import Learning, learning, sync_seconds

Placement: TypeAlias = Literal["shared", "apart"]
# A micro-batch has as many tokens as the longest episode, or so many times as many.
MULTIPLES = (1, 2, 4, 8)
# What is tried where nothing fits, one after the other: each keeps those before it.
MEASURES: dict[str, dict[str, object]] = {
    "--checkpointing on": {"checkpointing": True},
    "--offload-optimizer": {"offload_optimizer": True},
    "--offload-activations": {"offload_activations": True},
    "--offload-models": {"offload_models": True},
    "--weights bfloat16": {"weights": BF16},
}


@dataclass(frozen=True, slots=True)
class Question:
    """What a plan is made for.

    Attributes:
        shape: the model.
        job: the step.
        gpu: of which kind.
        gpus: how many, trainer and servers together.
        setup: how the trainer is set up; its mesh and micro-batch are what is looked for.
        placement: whether trainer and vLLM take turns on all GPUs, or each has some, and both work at the same time.
        microbatch: the only size of micro-batches to be tried; None for several.
        assumed: shares of the data sheet's figures.
    """

    shape: ModelShape
    job: Job
    gpu: Hardware
    gpus: int
    setup: Setup
    placement: Placement = "shared"
    microbatch: int | None = None
    assumed: Efficiency = ASSUMED


@dataclass(frozen=True, slots=True)
class Option:
    """A way that fits.

    Attributes:
        setup: mesh and micro-batch.
        rollout_gpus: GPUs that only sample; 0 where they take turns.
        memory: of a trainer's GPU.
        learning: the trainer's time.
        sampling: the servers'.
        sync: seconds until they have new weights.
        seconds: a step.
        tokens_per_second: of the step's episodes, over all GPUs.
    """

    setup: Setup
    rollout_gpus: int
    memory: Memory
    learning: Learning
    sampling: Sampling
    sync: float
    seconds: float
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class Misfit:
    """A way that does not.

    Attributes:
        setup: with the smallest micro-batch.
        memory: that it would take on each GPU of the trainer.
        reason: which part of the memory is too large.
    """

    setup: Setup
    memory: Memory
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer: ways that fit, the fastest first, and those that don't, the nearest first."""

    options: list[Option]
    misfits: list[Misfit]


def make_plan(question: Question) -> Plan:
    """Tries all meshes and micro-batches."""
    options: list[Option] = []
    misfits: list[Misfit] = []
    for servers in _server_counts(question):
        for mesh in meshes(question.shape, question.job, question.gpus - servers, question.gpu):
            found = [_try(question, mesh, size, servers) for size in _sizes(question, mesh)]
            fitting = [one for one in found if isinstance(one, Option)]
            if fitting:
                options.append(max(fitting, key=lambda one: one.tokens_per_second))
            else:
                misfits += [one for one in found[:1] if isinstance(one, Misfit)]
    options.sort(key=_rank)
    return Plan(_best_of_each(options), sorted(misfits, key=lambda one: one.memory.total))


def _rank(option: Option) -> tuple[float, ...]:
    """The faster first; of those that are as fast within a hundredth, the one with the simplest mesh."""
    mesh = option.setup.mesh
    return -round(100 * log(option.tokens_per_second)), mesh.tp, mesh.sp, mesh.ddp, option.memory.total


def meshes(shape: ModelShape, job: Job, gpus: int, gpu: Hardware) -> Iterator[MeshShape]:
    """All meshes of so many GPUs that the model and the job allow.

    Tensor parallelism stays within a machine, divides heads, MLP and vocabulary; a rank of a ring holds two chunks of
    at least 64 tokens of the longest episode; there are as many episodes as groups of ranks with rows of their own.
    """
    for tp in _divisors(gpus):
        if tp > gpu.per_machine or any(n % tp for n in (shape.heads, shape.kv_heads, shape.mlp, shape.vocabulary)):
            continue
        for sp in _divisors(gpus // tp):
            if sp > 1 and job.longest < 128 * sp:
                continue
            for fsdp in _divisors(gpus // tp // sp):
                mesh = MeshShape(gpus // tp // sp // fsdp, fsdp, sp, tp)
                if mesh.row_ranks <= job.sequences:
                    yield mesh


def what_would_fit(question: Question) -> str:
    """What to change where nothing fits: settings, the number of GPUs, both, or the length of episodes."""
    needed = _settings(question)
    more = next((count for count in _more(question) if _has_room(replace(question, gpus=count))), None)
    ways = [" ".join(needed)] if needed else []
    ways += [f"--gpus {more}"] if more else []
    if ways:
        return f"{', or '.join(ways)} would"
    frugal = replace(question, setup=_frugal(question.setup, MEASURES))
    for count in _more(question):
        if _has_room(replace(frugal, gpus=count)):
            needed = _settings(replace(question, gpus=count))
            return " ".join([f"--gpus {count}", *needed]) + " would"
    job = question.job
    while job.longest > 1024:
        job = replace(job, longest=job.longest // 2, response_length=max(1, job.response_length // 2))
        if _has_room(shorter := replace(question, job=job, microbatch=None)) or _settings(shorter):
            return " ".join([f"--length {job.longest}", *_settings(shorter)]) + " would"
    return "no setting, 64 times the GPUs or a shorter --length would: take a larger GPU or a smaller model"


def _settings(question: Question) -> list[str]:
    """The fewest of the settings that save memory with which something fits; none if all don't help, or none need."""
    if _has_room(question):
        return []
    names: list[str] = []
    for name in MEASURES:
        names.append(name)
        if _has_room(replace(question, setup=_frugal(question.setup, names))):
            break
    else:
        return []
    for name in names[:-1]:
        others = [one for one in names if one != name]
        if _has_room(replace(question, setup=_frugal(question.setup, others))):
            names = others
    return names


def _frugal(setup: Setup, names: Iterable[str]) -> Setup:
    for name in names:
        setup = replace(setup, **MEASURES[name])  # type: ignore[arg-type]
    return setup


def _has_room(question: Question) -> bool:
    return bool(make_plan(question).options)


def _more(question: Question) -> list[int]:
    return [question.gpus * times for times in (2, 4, 8, 16, 32, 64)]


def _best_of_each(options: Sequence[Option]) -> list[Option]:
    """Each mesh once, of those in order."""
    found: dict[MeshShape, Option] = {}
    for one in options:
        found.setdefault(one.setup.mesh, one)
    return list(found.values())


def _try(question: Question, mesh: MeshShape, size: int, servers: int) -> Option | Misfit:
    shape, job, gpu, assumed = question.shape, question.job, question.gpu, question.assumed
    setup = replace(question.setup, mesh=mesh, microbatch=size)
    memory = train_memory(shape, job, setup, assumed)
    if not fits(memory, gpu, assumed):
        return Misfit(setup, memory, _reason(memory, gpu, assumed))
    shared = not servers
    held = idle_memory(shape, job, setup) if shared else 0.0
    gpus = question.gpus if shared else servers
    samples = sampling(shape, job, gpu, gpus, held=held, tail=shared, assumed=assumed)
    if samples is None:
        beside = f" beside the {held / GIB:.1f} GiB that the trainer holds" if shared else f" on {gpus} GPUs"
        return Misfit(setup, memory, f"vLLM has no room for weights and an episode of {job.longest:,} tokens{beside}")
    learns, sync = learning(shape, job, setup, gpu, assumed), sync_seconds(shape, setup, gpu, assumed)
    if shared and setup.offload_models:
        moved = idle_memory(shape, job, replace(setup, offload_models=False, offload_optimizer=True))
        sync += 2 * moved / (assumed.memory * gpu.host)
    both = learns.seconds + samples.seconds if shared else max(learns.seconds, samples.seconds)
    return Option(setup, servers, memory, learns, samples, sync, both + sync, job.tokens / (both + sync))


def _reason(memory: Memory, gpu: Hardware, assumed: Efficiency) -> str:
    largest = sorted(memory.parts().items(), key=lambda part: -part[1])[:3]
    told = ", ".join(f"{name} {size / GIB:.1f}" for name, size in largest)
    return f"{memory.total / GIB:.1f} GiB of {gpu.memory * assumed.share / GIB:.1f}: {told}"


def _sizes(question: Question, mesh: MeshShape) -> list[int]:
    if question.microbatch is not None:
        return [question.microbatch]
    most = question.job.tokens / mesh.row_ranks
    sizes = [question.job.longest * times for times in MULTIPLES]
    return [size for size in sizes if size <= most] or sizes[:1]


def _server_counts(question: Question) -> list[int]:
    """How many GPUs only sample: none where trainer and servers take turns, else eighths of all."""
    if question.placement == "shared":
        return [0]
    return sorted({question.gpus * eighths // 8 for eighths in range(1, 8)} - {0, question.gpus})


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]
