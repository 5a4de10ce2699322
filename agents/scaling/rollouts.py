"""How fast vLLM samples, by the roofline of reading weights and caches."""

from __future__ import annotations

from dataclasses import dataclass

from .hardware import ASSUMED, Efficiency, Hardware
from .job import Job
from .shapes import BF16, ModelShape

# Of a GPU's memory that vLLM takes, and sequences that it runs at once, by default.
SHARE, MOST_SEQUENCES = 0.9, 256


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling of a step's responses.

    Attributes:
        tp: GPUs of each server.
        servers: how many there are.
        weights: bytes of weights on each GPU.
        cache: bytes of the KV cache on each GPU.
        batch: sequences that each server runs at once.
        seconds: for all responses, the wait for the last ones included.
        tail: seconds of that wait.
    """

    tp: int
    servers: int
    weights: float
    cache: float
    batch: int
    seconds: float
    tail: float


def iteration_seconds(
    shape: ModelShape, gpu: Hardware, batch: float, context: float, tp: int = 1, assumed: Efficiency = ASSUMED
) -> float:
    """How long a server takes over one token of each of its sequences.

    Weights and caches are read from memory, or products are computed, whichever takes longer; with several GPUs each
    layer's two sums go over their links, or over the network beyond a machine.

    Args:
        shape: the model, in half precision.
        gpu: of the server.
        batch: sequences.
        context: tokens of each, on average.
        tp: GPUs of the server.
        assumed: shares of the data sheet's figures.
    """
    read = BF16 * (shape.body + shape.head) + batch * context * shape.cache_per_token
    reading = read / tp / (assumed.memory * gpu.bandwidth)
    computing = 2 * batch * (shape.body + shape.head) / tp / (assumed.matrices * gpu.operations)
    rate = assumed.network * (gpu.link if tp <= gpu.per_machine else gpu.network)
    sums = 2 * shape.layers * 2 * BF16 * shape.hidden * batch * (tp - 1) / tp / rate
    waits = 2 * shape.layers * 10e-6 if tp > 1 else 0.0
    return max(reading, computing) + sums + waits + assumed.iteration


def sampling(
    shape: ModelShape,
    job: Job,
    gpu: Hardware,
    gpus: int,
    *,
    held: float = 0.0,
    tail: bool = True,
    assumed: Efficiency = ASSUMED,
) -> Sampling | None:
    """How a step's responses are sampled fastest; None if no server has room for the longest episode.

    Args:
        shape: the model.
        job: the step.
        gpu: of the servers.
        gpus: how many there are for servers.
        held: bytes of each that a trainer holds meanwhile.
        tail: whether the step waits for its last responses.
        assumed: shares of the data sheet's figures.
    """
    found = []
    for tp in (1, 2, 4, 8, 16, 32):
        if gpus % tp or shape.heads % tp:
            continue
        weights = BF16 * shape.parameters / tp
        cache = SHARE * gpu.memory - weights - held - assumed.reserved
        each = shape.cache_per_token / min(tp, shape.kv_heads)
        if cache < each * job.longest:
            continue
        servers = gpus // tp
        sequences = job.sequences / servers
        room = max(1, int(cache / (each * job.mean_length)))
        batch = max(1, min(room, MOST_SEQUENCES, round(sequences)))
        context = job.prompt_length + job.response_length / 2
        each_token = iteration_seconds(shape, gpu, batch, context, tp, assumed)
        decoding = max(1.0, sequences / batch) * job.response_length * each_token
        prompts = 2 * (shape.body + shape.head) * job.prompts * job.prompt_length / servers / tp
        reading = prompts / (assumed.matrices * gpu.operations)
        rest = max(0, job.longest - job.mean_length) if tail else 0
        waiting = rest * iteration_seconds(shape, gpu, max(1, batch // 16), job.longest, tp, assumed)
        found.append(Sampling(tp, servers, weights, cache, batch, decoding + reading + waiting, waiting))
    return min(found, key=lambda one: one.seconds) if found else None
