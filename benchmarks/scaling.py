"""How far is the cost model of ``infinite-rl plan`` from what others have measured?

Each published figure stands beside what the model says of the same shape, GPU and mesh. Efficiencies are round numbers
for all (`agents/scaling/hardware.py`).

    python benchmarks/scaling.py

writes ``results/scaling.md``, a table that docs/scaling.md holds, too, and the picture ``results/scaling.png``: memory
of a GPU by parts, and tokens per second by length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from infinite_rl.agents.parallel.shape import MeshShape
from infinite_rl.agents.scaling.hardware import GIB, GPUS, Hardware
from infinite_rl.agents.scaling.job import Job, Setup
from infinite_rl.agents.scaling.known import KNOWN
from infinite_rl.agents.scaling.memory import train_memory
from infinite_rl.agents.scaling.rollouts import iteration_seconds, sampling
from infinite_rl.agents.scaling.search import Question, make_plan
from infinite_rl.agents.scaling.timing import forward_work, learning, sync_seconds

RESULTS = Path(__file__).parent / "results"
# FlashAttention 3 on Hopper reaches 0.6 of the peak, forward and backward (arXiv:2407.08608).
H100_FA3 = replace(GPUS["h100"], attention=0.6)
# torchtitan's machines: HBM2e and 500 W; the peak is unknown, so that of the data sheet stands.
H100_TITAN = replace(GPUS["h100"], bandwidth=2.4e12)


@dataclass(frozen=True, slots=True)
class Case:
    """A published figure.

    Attributes:
        source: who measured it, a key of ``SOURCES``.
        what: on what.
        unit: of the figure.
        published: the figure.
        ours: computes what the model says.
        within: the model may be off by this share, which a test holds; None where the two don't measure the same.
    """

    source: str
    what: str
    unit: str
    published: float
    ours: Callable[[], float]
    within: float | None

    @property
    def error(self) -> float:
        """How far the model is off, as a share of the figure."""
        return self.ours() / self.published - 1


SOURCES = {
    "prime-rl": "PrimeIntellect-ai/prime-rl, benchmarks/baselines: trainer alone, random data, two micro-batches a GPU "
    "and step, full recomputation, FSDP2; January and February 2026",
    "torchtitan": "pytorch/torchtitan, benchmarks/llama3_h100_202412_torchtitan.md: FSDP2, HBM2e H100 at 500 W, logits "
    "of all tokens",
    "NeMo RL": "NVIDIA-NeMo/RL v0.4, docs/about/performance-summary.md: GRPO on policy, Megatron-core, whole steps",
    "yobitel": "yobitelcomm.github.io/bench, vLLM 0.21, Llama-3.1-8B, H100, one and four requests at a time",
    "Musgrave": "johnmusgrave.com, vLLM 0.23, Llama-3.1-8B, A100 40 GB, one request at a time",
    "Singh": "ld-singh.github.io/ai-factory-ops-lab, vLLM 0.23, Qwen2.5-7B, RTX A6000",
    "Llama 3": "Grattafiori et al. 2024, arXiv:2407.21783, table 4: 405B on 8,192 GPUs, TP 8 and PP 16",
}


def packed(length: int, sequences: int) -> Job:
    """Rows of one length, all scored, without a reference: what benchmarks of trainers use."""
    return Job(prompts=sequences, responses=1, prompt_length=0, response_length=length, longest=length, reference=False)


def memory_of(name: str, mesh: MeshShape, length: int, *, microbatch: int | None = None, whole: bool = False) -> float:
    """GiB of a trainer's GPU, without what CUDA reserves, which allocators don't count."""
    setup = Setup(mesh=mesh, microbatch=microbatch or length, autocast=False, tiled_head=not whole)
    memory = train_memory(KNOWN[name], packed(length, mesh.row_ranks), setup)
    return (memory.total - memory.reserved) / GIB


def speed_of(name: str, gpu: Hardware, mesh: MeshShape, length: int, *, rows: int = 2, full: float = 1.0) -> float:
    """Tokens a second of each GPU; ``full`` is the share of layers that are computed anew."""
    job = packed(length, rows * mesh.row_ranks)

    def seconds(*, checkpointing: bool) -> float:
        setup = Setup(mesh=mesh, microbatch=length, autocast=False, checkpointing=checkpointing)
        return learning(KNOWN[name], job, setup, gpu).seconds

    taken = full * seconds(checkpointing=True) + (1 - full) * seconds(checkpointing=False)
    return job.tokens / taken / mesh.ranks


def between(name: str, mesh: MeshShape, length: int) -> float:
    """Tokens a second of all GPUs, where weights are written to a file after each step."""
    tokens = 2 * length * mesh.row_ranks
    writing = sync_seconds(KNOWN[name], Setup(mesh=mesh), H100_FA3)
    return tokens / (tokens / speed_of(name, H100_FA3, mesh, length) / mesh.ranks + writing)


def mfu_of(name: str, gpu: Hardware, speed: float, length: int) -> float:
    """The percentage of the peak that so many tokens a second of each GPU come to, by our count of operations."""
    work = forward_work(KNOWN[name], MeshShape(), 1, (length + 1) / 2, 1)
    return 100 * 3 * (work.matrices + work.attention) * speed / gpu.operations


def step_of(name: str, mesh: MeshShape, mean: int) -> float:
    """Seconds of a step of 64 x 32 responses that trainer and vLLM take in turns, four updates each."""
    job = Job(64, 32, prompt_length=150, response_length=mean - 150, longest=4096, minibatches=4)
    setup = Setup(mesh=mesh, microbatch=4096)
    sampled = sampling(KNOWN[name], job, GPUS["h100"], mesh.ranks)
    assert sampled is not None
    return learning(KNOWN[name], job, setup, GPUS["h100"]).seconds + sampled.seconds


def token_of(name: str, gpu: str, batch: int, context: int) -> float:
    """Milliseconds that vLLM takes over a token of each sequence."""
    return 1e3 * iteration_seconds(KNOWN[name], GPUS[gpu], batch, context)


ONE, EIGHT = MeshShape(), MeshShape(fsdp=8)
# Table 2 of torchtitan: length, shards and parts of sequences, GiB.
TITAN_MEMORY = [(32768, 8, 1, 83.9), (65536, 4, 2, 84.2), (131072, 2, 4, 84.0), (262144, 1, 8, 84.5)]
# Throughput as prime-rl tells it, with what lies between its steps.
BETWEEN = [
    ("0.6B, 16k, 1 x H100", "Qwen3-0.6B", ONE, 16384, 11896),
    ("0.6B, 65k, 1 x H100", "Qwen3-0.6B", ONE, 65536, 10147),
    ("4B, 16k, 8 x H100", "Qwen3-4B", EIGHT, 16384, 26026),
    ("4B, 65k, 8 x H100", "Qwen3-4B", EIGHT, 65536, 28966),
]
CASES = [
    # Their MFU of their own throughput: the count of operations alone is compared.
    Case(
        "prime-rl",
        "MFU of 11,896 tokens/s, 0.6B, 16k",
        "%",
        11.08,
        lambda: mfu_of("Qwen3-0.6B", GPUS["h100"], 11896, 16384),
        0.01,
    ),
    Case(
        "prime-rl",
        "MFU of 10,147 tokens/s, 0.6B, 65k",
        "%",
        26.80,
        lambda: mfu_of("Qwen3-0.6B", GPUS["h100"], 10147, 65536),
        0.01,
    ),
    Case("prime-rl", "memory, 0.6B, 16k, 1 x H100", "GiB", 12.53, lambda: memory_of("Qwen3-0.6B", ONE, 16384), 0.1),
    Case("prime-rl", "memory, 0.6B, 65k, 1 x H100", "GiB", 19.56, lambda: memory_of("Qwen3-0.6B", ONE, 65536), 0.1),
    Case("prime-rl", "memory, 4B, 16k, 8 x H100", "GiB", 17.10, lambda: memory_of("Qwen3-4B", EIGHT, 16384), 0.1),
    Case("prime-rl", "memory, 4B, 65k, 8 x H100", "GiB", 36.10, lambda: memory_of("Qwen3-4B", EIGHT, 65536), 0.1),
    *(
        Case(
            "torchtitan",
            f"memory, 8B, {length // 1024}k, fsdp {fsdp} sp {sp}, full recomputation",
            "GiB",
            gib,
            partial(memory_of, "Llama-3.1-8B", MeshShape(1, fsdp, sp, 1), length, whole=True),
            0.1,
        )
        for length, fsdp, sp, gib in TITAN_MEMORY
    ),
    Case(
        "torchtitan",
        "memory, 70B, 16 x 8k, fsdp 32 tp 8, full recomputation",
        "GiB",
        71.9,
        lambda: memory_of("Llama-3.1-70B", MeshShape(1, 32, 1, 8), 8192, microbatch=16 * 8192, whole=True),
        0.15,
    ),
    Case(
        "torchtitan",
        "memory saved by 128 instead of 8 GPUs, 8B",
        "GiB",
        82.4 - 67.0,
        lambda: memory_of("Llama-3.1-8B", EIGHT, 8192) - memory_of("Llama-3.1-8B", MeshShape(fsdp=128), 8192),
        0.15,
    ),
    Case(
        "prime-rl",
        "learning, 0.6B, 16k, 1 x H100",
        "tokens/s",
        32768 / 1.992,
        lambda: speed_of("Qwen3-0.6B", H100_FA3, ONE, 16384),
        0.7,
    ),
    Case(
        "prime-rl",
        "learning, 0.6B, 65k, 1 x H100",
        "tokens/s",
        131072 / 12.18,
        lambda: speed_of("Qwen3-0.6B", H100_FA3, ONE, 65536),
        0.25,
    ),
    Case(
        "prime-rl",
        "learning, 0.6B, 16k, 1 x A6000",
        "tokens/s",
        32768 / 7.458,
        lambda: speed_of("Qwen3-0.6B", GPUS["a6000"], ONE, 16384),
        0.25,
    ),
    Case(
        "prime-rl",
        "learning, 4B, 16k, 8 x H100, each",
        "tokens/s",
        262144 / 4.688 / 8,
        lambda: speed_of("Qwen3-4B", H100_FA3, EIGHT, 16384),
        0.25,
    ),
    Case(
        "prime-rl",
        "learning, 4B, 65k, 8 x H100, each",
        "tokens/s",
        1048576 / 30.29 / 8,
        lambda: speed_of("Qwen3-4B", H100_FA3, EIGHT, 65536),
        0.25,
    ),
    Case(
        "prime-rl",
        "learning, 4B, 16k, 8 x B200, each",
        "tokens/s",
        262144 / 4.549 / 8,
        lambda: speed_of("Qwen3-4B", GPUS["b200"], EIGHT, 16384),
        0.5,
    ),
    *(
        Case(
            "prime-rl",
            f"{what}, and new weights to a file",
            "tokens/s",
            rate,
            partial(between, name, ways, length),
            0.5,
        )
        for what, name, ways, length, rate in BETWEEN
    ),
    Case(
        "torchtitan",
        "learning, 8B, 8 GPUs, half of the layers anew, each",
        "tokens/s",
        5762,
        lambda: speed_of("Llama-3.1-8B", H100_TITAN, EIGHT, 8192, full=0.5),
        0.25,
    ),
    Case(
        "torchtitan",
        "the same, compiled",
        "tokens/s",
        6667,
        lambda: speed_of("Llama-3.1-8B", H100_TITAN, EIGHT, 8192, full=0.5),
        0.25,
    ),
    Case(
        "torchtitan",
        "learning, 8B, 128 GPUs, half of the layers anew, each",
        "tokens/s",
        5605,
        lambda: speed_of("Llama-3.1-8B", H100_TITAN, MeshShape(fsdp=128), 8192, full=0.5),
        0.3,
    ),
    Case("yobitel", "vLLM, 1 sequence", "ms a token", 6.48, lambda: token_of("Llama-3.1-8B", "h100", 1, 300), 0.15),
    Case("yobitel", "vLLM, 4 sequences", "ms a token", 6.59, lambda: token_of("Llama-3.1-8B", "h100", 4, 300), 0.15),
    Case(
        "Musgrave",
        "vLLM, 1 sequence",
        "ms a token",
        1e3 / 75,
        lambda: token_of("Llama-3.1-8B", "a100-40", 1, 1088),
        0.15,
    ),
    Case("Singh", "vLLM, 1 sequence", "ms a token", 21.9, lambda: token_of("Qwen2.5-7B", "a6000", 1, 100), 0.15),
    Case("Singh", "vLLM, 64 sequences", "ms a token", 27.5, lambda: token_of("Qwen2.5-7B", "a6000", 64, 100), 0.35),
    Case("Singh", "vLLM, 128 sequences", "ms a token", 36.0, lambda: token_of("Qwen2.5-7B", "a6000", 128, 100), 0.35),
    Case("Singh", "vLLM, 256 sequences", "ms a token", 53.1, lambda: token_of("Qwen2.5-7B", "a6000", 256, 100), 0.35),
    Case(
        "NeMo RL",
        "a step of GRPO, 8B, 16 x H100",
        "s",
        97.7,
        lambda: step_of("Llama-3.1-8B", MeshShape(fsdp=16), 1060),
        0.6,
    ),
    Case(
        "NeMo RL",
        "a step of GRPO, 32B, 32 x H100",
        "s",
        393.0,
        lambda: step_of("Qwen3-32B", MeshShape(fsdp=8, tp=4), 3206),
        0.35,
    ),
    Case(
        "Llama 3",
        "MFU, 405B, 8k; ours without a pipeline, fsdp 1024 tp 8",
        "%",
        43.0,
        lambda: mfu_of(
            "Llama-3.1-405B",
            GPUS["h100"],
            speed_of("Llama-3.1-405B", GPUS["h100"], MeshShape(fsdp=1024, tp=8), 8192, full=0.0),
            8192,
        ),
        None,
    ),
]


def table() -> list[str]:
    """The comparison, in Markdown."""
    rows = ["| figure | by | published | model | off by |", "|---|---|---:|---:|---:|"]
    for case in CASES:
        ours = case.ours()
        digits = 0 if case.published >= 1000 else 1
        figures = f"{case.published:,.{digits}f} {case.unit} | {ours:,.{digits}f}"
        rows.append(f"| {case.what} | {case.source} | {figures} | {ours / case.published - 1:+.0%} |")
    return rows


def main() -> None:
    """Writes table and picture."""
    (RESULTS / "scaling.md").write_text("\n".join(table()) + "\n", encoding="utf-8")
    draw()
    print("\n".join(table()))


def draw() -> None:
    """Memory by parts over meshes, and tokens per second by length over models."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.4))
    shape, job = KNOWN["Qwen3-8B"], Job(response_length=7680, longest=16384)
    meshes = {"fsdp 8": (1, 8, 1, 1), "ddp 2\nfsdp 4": (2, 4, 1, 1), "fsdp 4\nsp 2": (1, 4, 2, 1)}
    meshes |= {"fsdp 2\nsp 4": (1, 2, 4, 1), "fsdp 4\ntp 2": (1, 4, 1, 2), "tp 8": (1, 1, 1, 8)}
    memories = [
        train_memory(shape, job, Setup(mesh=MeshShape(*ways), microbatch=16384)).parts() for ways in meshes.values()
    ]
    below = [0.0] * len(meshes)
    for number, part in enumerate(name for name in memories[0] if any(memory[name] > GIB / 20 for memory in memories)):
        sizes = [memory[part] / GIB for memory in memories]
        left.bar([*meshes], sizes, bottom=below, label=part, color=pyplot.get_cmap("tab10")(number), width=0.7)
        below = [low + size for low, size in zip(below, sizes, strict=True)]
    left.axhline(GPUS["h100"].memory / GIB, color="black", linewidth=1, linestyle="--")
    left.text(5.45, GPUS["h100"].memory / GIB + 0.8, "H100", ha="right", fontsize=8)
    left.set_ylabel("GiB of each GPU")
    left.set_title("Qwen3-8B on 8 GPUs, GRPO, micro-batches of 16,384 tokens", fontsize=9)
    left.legend(fontsize=7, loc="upper left", ncols=2)
    left.set_ylim(0, 100)
    lengths = [2048, 4096, 8192, 16384, 32768, 65536]
    for name, gpus in (("Qwen3-0.6B", 8), ("Qwen3-4B", 8), ("Qwen3-8B", 8), ("Qwen3-32B", 32)):
        speeds = []
        for length in lengths:
            prompt = min(512, length // 4)
            work = Job(prompt_length=prompt, response_length=(length - prompt) // 2, longest=length)
            ways = make_plan(Question(KNOWN[name], work, GPUS["h100"], gpus, Setup())).options
            speeds.append(ways[0].tokens_per_second / gpus if ways else float("nan"))
        right.plot(lengths, speeds, marker="o", markersize=3, label=f"{name}, {gpus} GPUs")
    right.set_xscale("log", base=2)
    right.set_yscale("log")
    right.set_xticks(lengths, [f"{length // 1024}k" for length in lengths])
    right.set_xlabel("longest episode, tokens; half of the rest after the prompt on average")
    right.set_ylabel("tokens per second and GPU, whole steps")
    right.set_title("The fastest way that fits, H100, vLLM in turns, 32 x 8 episodes", fontsize=9)
    right.grid(alpha=0.3, which="both")
    right.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(RESULTS / "scaling.png", dpi=110)


if __name__ == "__main__":
    main()
