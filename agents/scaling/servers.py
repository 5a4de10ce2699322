"""The servers of a plan: on which machines and GPUs they are, at which ports, and how they are started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from .known import loadable
from .search import Option, Question

_FIRST_PORT = 8000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is.

    Attributes:
        machine: its number, from 0; of a server over several machines that of the first.
        devices: its GPUs there; empty where it has all of its machines.
        port: where it listens.
    """

    machine: int
    devices: tuple[int, ...]
    port: int


def in_process(option: Option) -> bool:
    """Whether vLLM can work in the trainer's own process."""
    return not option.rollout_gpus and option.setup.mesh.ranks == 1


def engine_share(question: Question, option: Option) -> float:
    """The share of a GPU's memory that vLLM gets."""
    return (option.sampling.weights + option.sampling.cache) / question.gpu.memory


def trainer_machines(question: Question, option: Option) -> tuple[int, int]:
    """Over how many machines the trainer is spread, and how many processes it has on each."""
    ranks, tp = option.setup.mesh.ranks, option.sampling.tp
    least = ceil(ranks / question.gpu.per_machine)
    # As many on each, which is how torchrun starts them.
    even = [(k, ranks // k) for k in range(least, ranks + 1) if ranks % k == 0]

    def servers(way: tuple[int, int]) -> int:
        return sum(len(free) // tp for free in _free(question, option, *way))

    # What the trainer leaves free should be whole servers.
    roomy = [way for way in even if way[0] <= _machines(question) and servers(way) >= option.sampling.servers]
    return (roomy or even)[0]


def places(question: Question, option: Option) -> list[Place]:
    """Where the servers are: on the trainer's own GPUs, or on those that it leaves free, which come after its own."""
    tp, rest = option.sampling.tp, list[tuple[int, int]]()
    found: list[list[tuple[int, int]]] = []
    for machine, devices in enumerate(_free(question, option, *trainer_machines(question, option))):
        free = [(machine, device) for device in devices]
        whole = len(free) // tp * tp
        found += [free[k : k + tp] for k in range(0, whole, tp)]
        rest += free[whole:]
    found += [rest[k : k + tp] for k in range(0, len(rest), tp)]  # over several machines
    return [*_at_ports(found[: option.sampling.servers], question.gpu.per_machine)]


def _at_ports(servers: Sequence[Sequence[tuple[int, int]]], per_machine: int) -> Iterator[Place]:
    ports: dict[int, int] = {}
    for gpus in servers:
        machine = gpus[0][0]
        ports[machine] = ports.get(machine, _FIRST_PORT - 1) + 1
        spread = gpus[-1][0] != machine
        yield Place(
            machine, () if spread or len(gpus) == per_machine else tuple(one for _, one in gpus), ports[machine]
        )


def urls(question: Question, option: Option) -> list[str]:
    """The servers' addresses; on one machine they are those that they really have."""
    hosts = ["127.0.0.1"] if _machines(question) == 1 else [f"HOST{k + 1}" for k in range(_machines(question))]
    return [f"http://{hosts[one.machine]}:{one.port}" for one in places(question, option)]


def serve(question: Question, option: Option, model: str) -> list[str]:
    """How the servers are started, as people read it: a line for each of a machine."""
    if in_process(option):
        return []
    samples, own = option.sampling, bool(option.rollout_gpus)
    each = "a GPU" if samples.tp == 1 else f"{samples.tp} GPUs"
    whose = f"of the {option.rollout_gpus} that only sample" if own else "that the trainer has, too"
    told = [f"{samples.servers:,}, each on {each} {whose}:" if samples.servers > 1 else f"One, on {each} {whose}:"]
    share = [] if own else ["--enable-sleep-mode", f"--gpu-memory-utilization {engine_share(question, option):.2f}"]
    line = " ".join(["vllm serve", loadable(model), f"--tensor-parallel-size {samples.tp}", *share])
    # Machines whose servers have the same GPUs and ports are told of once.
    machines: dict[int, list[tuple[tuple[int, ...], int]]] = {}
    for place in places(question, option):
        machines.setdefault(place.machine, []).append((place.devices, place.port))
    for alike in dict.fromkeys(map(tuple, machines.values())):
        if _machines(question) > 1:
            hosts = [f"HOST{number + 1}" for number, found in machines.items() if tuple(found) == alike]
            told.append(f"  on {', '.join(hosts)}:")
        for devices, port in alike:
            chosen = f"CUDA_VISIBLE_DEVICES={','.join(map(str, devices))} " if devices else ""
            told.append(f"  {chosen}VLLM_SERVER_DEV_MODE=1 {line} --port {port} &")
    return told


def _free(question: Question, option: Option, machines: int, each: int) -> list[range]:
    """The GPUs of each machine that servers may have, where the trainer has the first of some."""
    first = each if option.rollout_gpus else 0
    per_machine = min(question.gpus, question.gpu.per_machine)
    return [range(first if machine < machines else 0, per_machine) for machine in range(_machines(question))]


def _machines(question: Question) -> int:
    return ceil(question.gpus / question.gpu.per_machine)
