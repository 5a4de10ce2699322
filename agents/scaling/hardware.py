"""GPUs: what their data sheets say, and how much of it is assumed to be reached."""

from __future__ import annotations

from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Hardware:
    """A GPU and the machine around it.

    Attributes:
        name: for people.
        memory: bytes.
        operations: a second, bfloat16, dense, with sums in float32.
        bandwidth: bytes a second between the GPU and its memory.
        link: bytes a second that it sends to GPUs of its machine, in one direction.
        network: bytes a second that it sends to other machines.
        host: bytes a second between it and its host's memory, in one direction.
        attention: the share of ``operations`` that attention reaches in long sequences, forward and backward; of
            FlashAttention 2, which torch brings.
        per_machine: GPUs in a machine.
    """

    name: str
    memory: float
    operations: float
    bandwidth: float
    link: float
    network: float
    host: float
    attention: float
    per_machine: int = 8


_FAST, _SLOW = 50e9, 25e9  # 400 and 200 Gb/s for each GPU
# Memory is what torch reports of such a GPU, which is less than the name says. Shares of attention are those of
# FlashAttention 2's authors (arXiv:2307.08691); that of B200 comes of a single measurement, see docs/scaling.md.
GPUS: dict[str, Hardware] = {
    "a100-40": Hardware("A100 40 GB", 39.4 * GIB, 312e12, 1.555e12, 300e9, _SLOW, 32e9, 0.6),
    "a100": Hardware("A100 80 GB", 79.2 * GIB, 312e12, 2.039e12, 300e9, _SLOW, 32e9, 0.6),
    "h100": Hardware("H100 SXM", 79.2 * GIB, 989.4e12, 3.35e12, 450e9, _FAST, 64e9, 0.34),
    "h200": Hardware("H200", 139.8 * GIB, 989.4e12, 4.8e12, 450e9, _FAST, 64e9, 0.34),
    "b200": Hardware("B200", 178.4 * GIB, 2250e12, 8.0e12, 900e9, _FAST, 64e9, 0.15),
    "l40s": Hardware("L40S", 44.4 * GIB, 362e12, 0.864e12, 32e9, _SLOW, 32e9, 0.6),
    "a6000": Hardware("RTX A6000", 47.4 * GIB, 154.8e12, 0.768e12, 32e9, _SLOW, 32e9, 0.6),
    "rtx4090": Hardware("RTX 4090", 23.5 * GIB, 165.2e12, 1.008e12, 32e9, _SLOW, 32e9, 0.6),
}


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Which share of the data sheet's figures is reached. Round numbers, the same for all models and GPUs.

    Attributes:
        matrices: of ``operations``, by products with matrices.
        memory: of ``bandwidth``, by all that only reads and writes.
        network: of ``link`` and ``network``.
        launch: seconds that the host takes to launch a kernel.
        iteration: seconds of an iteration of a rollout server beside its kernels.
        share: of a GPU's memory that is given out: the rest is the allocator's loss.
        reserved: bytes that CUDA, cuBLAS and NCCL take for themselves.
        write: bytes a second at which weights go to the file that servers load; from two measurements, see
            docs/scaling.md.
    """

    matrices: float = 0.6
    memory: float = 0.8
    network: float = 0.8
    launch: float = 6e-6
    iteration: float = 1e-3
    share: float = 0.95
    reserved: float = 2 * GIB
    write: float = 1.5e9


ASSUMED = Efficiency()


def find_gpu(name: str) -> Hardware:
    """A GPU by its short name.

    Raises:
        ValueError: lists those there are.
    """
    key = name.lower().replace("_", "-").replace("rtx-", "rtx")
    if key not in GPUS:
        raise ValueError(f"--gpu {name} is not known; choose from {', '.join(GPUS)}")
    return GPUS[key]
