"""The command ``infinite-rl plan``: what fits on so many GPUs, and how fast it is expected to be."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .hardware import ASSUMED, GIB, GPUS, find_gpu
from .job import OPTIMIZERS, Job, Setup
from .known import find_shape, loadable
from .search import Misfit, Option, Plan, Question, make_plan, what_would_fit
from .servers import engine_share, in_process, serve, trainer_machines, urls
from .shapes import BF16, FP32

CONFIG_DIR = Path(__file__).resolve().parents[2] / "config"
WEIGHTS = {"float32": FP32, "bfloat16": BF16}
# Of GPUs, since the ways to divide them are all tried; and of everything else, since its products are divided.
_MOST_GPUS, _MOST = 65_536, 10**9


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``plan``."""
    told = "a known model, such as Qwen3-8B, a folder, a config.json, or a hub's model in this machine's cache"
    parser.add_argument("--model", required=True, help=told)
    parser.add_argument("--gpus", type=int, required=True, help="how many, trainer and rollouts together")
    parser.add_argument("--gpu", default="h100", help=f"{', '.join(GPUS)} (default: h100)")
    job = parser.add_argument_group("the step")
    job.add_argument("--length", type=int, default=4096, help="tokens of the longest episode (default: 4096)")
    job.add_argument("--prompts", type=int, default=32, help="tasks per step (default: 32)")
    job.add_argument("--responses", type=int, default=8, help="responses per task (default: 8)")
    job.add_argument("--prompt-length", type=int, help="tokens of a prompt, on average (default: 512, or a quarter)")
    job.add_argument("--response-length", type=int, help="tokens of a response, on average (default: half of the rest)")
    job.add_argument("--algorithm", default="grpo", help="as the trainer's algorithm=… (default: grpo)")
    how = parser.add_argument_group("the trainer")
    how.add_argument("--rollouts", choices=("shared", "apart"), default="shared", help="vLLM takes turns with the "
        "trainer on all GPUs, or has some of its own and works meanwhile (default: shared)")  # fmt: skip
    how.add_argument("--weights", choices=WEIGHTS, default="float32", help="how they are kept (default: float32)")
    how.add_argument("--optimizer", choices=OPTIMIZERS, default="adamw", help="(default: adamw)")
    how.add_argument("--checkpointing", choices=("on", "off"), default="on", help="of activations (default: on)")
    how.add_argument("--offload-optimizer", action="store_true", help="averages wait in host memory")
    how.add_argument("--offload-activations", action="store_true", help="activations do")
    how.add_argument("--offload-models", action="store_true", help="weights do while vLLM samples")
    how.add_argument("--microbatch", type=int, metavar="TOKENS", help="try this size only (default: several)")
    parser.add_argument("--top", type=int, default=5, help="show so many ways (default: 5)")
    parser.add_argument("--json", action="store_true", help="write everything as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Makes the plan and shows it; the exit code is 1 if nothing fits."""
    question = _question(arguments)
    plan = make_plan(question)
    advice = "" if plan.options else what_would_fit(question)
    if arguments.json:
        print(json.dumps(_as_json(question, plan, advice, arguments)))
    else:
        _show(question, plan, advice, arguments)
    return 0 if plan.options else 1


def _question(arguments: argparse.Namespace) -> Question:
    for name in ("gpus", "length", "prompts", "responses", "prompt_length", "response_length", "microbatch", "top"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name.replace('_', '-')} must be at least 1, not {value}")
        most = _MOST_GPUS if name == "gpus" else _MOST
        if value is not None and value > most:
            raise ValueError(f"--{name.replace('_', '-')} must be at most {most:,}, not {str(value)[:40]}")
    longest: int = arguments.length
    prompt = arguments.prompt_length or min(512, max(1, longest // 4))
    response = arguments.response_length or max(1, (longest - prompt) // 2)
    if prompt + response > longest:
        raise ValueError(f"--length {longest} is less than prompt and response on average, {prompt} + {response}")
    if arguments.microbatch is not None and arguments.microbatch < longest:
        raise ValueError(f"--microbatch {arguments.microbatch} has no room for an episode of --length {longest}")
    if arguments.rollouts == "apart" and arguments.gpus < 2:
        raise ValueError("--rollouts apart needs 2 GPUs at least: one learns, one samples")
    gpu, shape = find_gpu(arguments.gpu), find_shape(arguments.model)
    if arguments.gpus > gpu.per_machine and arguments.gpus % gpu.per_machine:
        raise ValueError(f"--gpus {arguments.gpus}: beyond one machine count in whole ones, of {gpu.per_machine} GPUs")
    job = Job(
        prompts=arguments.prompts,
        responses=arguments.responses,
        prompt_length=prompt,
        response_length=response,
        longest=longest,
        **_algorithm(arguments.algorithm),
    )
    setup = Setup(
        weights=WEIGHTS[arguments.weights],
        optimizer=arguments.optimizer,
        checkpointing=arguments.checkpointing == "on",
        offload_optimizer=arguments.offload_optimizer,
        offload_activations=arguments.offload_activations,
        offload_models=arguments.offload_models,
    )
    return Question(shape, job, gpu, arguments.gpus, setup, arguments.rollouts, arguments.microbatch)


def algorithms() -> list[str]:
    """The names that the trainer's ``algorithm=…`` takes."""
    return sorted(path.stem for path in (CONFIG_DIR / "algorithm").glob("*.yaml"))


def _algorithm(name: str) -> dict[str, Any]:
    """What an algorithm asks of the trainer: passes, optimizer steps, reference and critic, from its file."""
    if name not in (names := algorithms()):
        raise ValueError(f"--algorithm {name}: there is none; choose from {', '.join(names)}")
    base, own = (
        yaml.safe_load(path.read_text("utf-8"))
        for path in (CONFIG_DIR / "grpo.yaml", CONFIG_DIR / "algorithm" / f"{name}.yaml")
    )
    actor = base["actor"] | (own.get("actor") or {})
    teacher = (own.get("adv") or {}).get("estimator") == "distillation"
    return {
        "epochs": actor["epochs"],
        "minibatches": actor["minibatches"],
        "reference": bool(float(actor["kl_coef"])) or teacher,
        "critic": own.get("critic") is not None,
    }


def overrides(question: Question, option: Option, algorithm: str, model: str) -> list[str]:
    """What ``python -m agents.train`` is told to do the same."""
    setup, job = option.setup, question.job
    mesh = {name: getattr(setup.mesh, name) for name in setup.mesh.__slots__}
    found = ["model=hf", f"model.name={loadable(model)}", f"algorithm={algorithm}"]
    found += [f"parallel.{name}={ways}" for name, ways in mesh.items() if ways > 1]
    found += [f"actor.tokens_per_microbatch={setup.microbatch}", f"model.weights={_weights(setup)}"]
    found += [f"model.gradient_checkpointing={str(setup.checkpointing).lower()}", f"actor.optimizer={setup.optimizer}"]
    waits = [what for what in ("activations", "optimizer", "models") if getattr(setup, f"offload_{what}")]
    found += [f"actor.offload_{what}=true" for what in waits]
    found += [f"data.prompts_per_rollout={job.prompts}", f"data.responses_per_prompt={job.responses}"]
    found.append("rollout.backend=vllm")
    if in_process(option):
        found.append(f"rollout.options={{gpu_memory_utilization: {engine_share(question, option):.2f}}}")
    else:
        found.append(f"rollout.servers=[{','.join(urls(question, option))}]")
        found += [] if option.rollout_gpus else ["rollout.options={sleep: true}"]
    return [*found, f"rollout.max_length={job.longest}", f"rollout.max_new_tokens={job.longest - job.prompt_length}"]


def launch(question: Question, option: Option) -> str:
    """The command in front of them."""
    if option.setup.mesh.ranks == 1:
        return "python -m infinite_rl.agents.train"
    machines, each = trainer_machines(question, option)
    nodes = f"--nnodes={machines} " if machines > 1 else ""
    return f"torchrun {nodes}--nproc-per-node={each} -m infinite_rl.agents.train"


def notes(question: Question, option: Option | None) -> list[str]:
    """What the person who reads the plan has to know."""
    shape, job, found = question.shape, question.job, []
    if shape.positions and job.longest > shape.positions:
        found.append(
            f"{shape.name} was made for {shape.positions:,} tokens, and the longest episode has {job.longest:,}."
        )
    if question.setup.weights == BF16:
        found.append("Weights in bfloat16 lose updates that are smaller than 1/256 of a weight.")
    if job.critic:
        found.append("Beside a critic each episode has a row of its own, and padding is not counted here.")
    if option is not None:
        learns = option.learning
        if learns.waiting > 0.2 * learns.seconds:
            found.append(
                f"{learns.waiting / learns.seconds:.0%} of learning waits for messages: larger micro-batches help."
            )
        if option.sync > 0.2 * option.seconds:
            found.append(f"{option.sync / option.seconds:.0%} of the step new weights are written to a file and read.")
        if option.sampling.tail > 0.2 * option.seconds:
            found.append(f"{option.sampling.tail / option.seconds:.0%} of the step waits for the longest responses.")
    found.append("Times come from data sheets and assumed efficiencies: docs/scaling.md tells how far off they were.")
    return found


def _weights(setup: Setup) -> str:
    return next(name for name, size in WEIGHTS.items() if size == setup.weights)


def _mesh(setup: Setup) -> str:
    mesh = setup.mesh
    return " ".join(f"{name} {getattr(mesh, name)}" for name in mesh.__slots__ if getattr(mesh, name) > 1) or "alone"


def _show(question: Question, plan: Plan, advice: str, arguments: argparse.Namespace) -> None:
    console = Console(highlight=False)
    shape, job = question.shape, question.job
    console.print(
        Text(
            f"{shape.name}, {shape.parameters / 1e9:.2f} billion weights, on {question.gpus} x {question.gpu.name}\n"
            f"{job.prompts:,} tasks x {job.responses} responses of {job.mean_length:,} tokens on average, "
            f"{job.longest:,} at most: {job.tokens:,} tokens a step"
        )
    )
    best = plan.options[0] if plan.options else None
    if best is not None:
        told = "What fits, the fastest first (within 1% the simplest): tokens of a micro-batch, GiB of a GPU, seconds"
        console.print("", told, _ways(plan.options[: arguments.top]), sep="\n")
        console.print("", "Of the first", _first(question, best), "", sep="\n")
        servers = serve(question, best, arguments.model)
        for line in ["To run it, servers first.", *servers, "Then:"] if servers else ["To run it:"]:
            console.print(Text(line), soft_wrap=True)
        line = " ".join(
            [launch(question, best), *map(quote, overrides(question, best, arguments.algorithm, arguments.model))]
        )
        console.print(Text(f"  {line}"), soft_wrap=True)
    else:
        console.print(Text(f"Nothing fits; {advice}."), soft_wrap=True)
    if plan.misfits:
        nearest = _misfits(plan.misfits[: arguments.top])
        console.print("", "What does not fit, the nearest first", nearest, sep="\n")
    console.print()
    for note in notes(question, best):
        console.print(Text(f"- {note}"), soft_wrap=True)


def _ways(options: Sequence[Option]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("trainer", "vLLM"):
        table.add_column(name, no_wrap=True)
    for name in ("micro", "GiB", "learn", "sample", "step", "tokens/s"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in options:
        table.add_row(
            _mesh(one.setup),
            f"{one.sampling.servers} x tp {one.sampling.tp}",
            f"{one.setup.microbatch:,}",
            f"{one.memory.total / GIB:.1f}",
            *(f"{value:.1f}" for value in (one.learning.seconds, one.sampling.seconds, one.seconds)),
            f"{one.tokens_per_second:,.0f}",
        )
    return table


def _first(question: Question, option: Option) -> Table:
    """The parts of the fastest way's memory and time, and what its ranks send."""
    learns, samples, gpu = option.learning, option.sampling, question.gpu
    times = {
        "computing": learns.computing,
        "waiting for messages": learns.waiting,
        "optimizer": learns.optimizer,
        "offloading": learns.offloading,
        "sampling": samples.seconds - samples.tail,
        "the last responses": samples.tail,
        "new weights": option.sync,
    }
    sent = {name: getattr(learns.traffic, name) / 1e9 for name in learns.traffic.__slots__}
    memory = {name: size / GIB for name, size in option.memory.parts().items()}
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_row(f"GiB of {gpu.memory * ASSUMED.share / GIB:.1f}", _told(memory, 0.01))
    table.add_row("seconds", _told(times, 0.01))
    table.add_row("of the peak", f"{learns.mfu:.0%} while it learns (MFU)")
    if any(sent.values()):
        table.add_row("GB each sends", _told(sent, 0.01))
    return table


def _told(values: dict[str, float], least: float) -> str:
    return ", ".join(f"{name} {value:,.2f}" for name, value in values.items() if value >= least)


def _misfits(misfits: Sequence[Misfit]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("trainer", no_wrap=True)
    table.add_column("why")
    for one in misfits:
        table.add_row(_mesh(one.setup), one.reason)
    return table


def _as_json(question: Question, plan: Plan, advice: str, arguments: argparse.Namespace) -> dict[str, Any]:
    best = plan.options[0] if plan.options else None
    return {
        "model": {**asdict(question.shape), "parameters": question.shape.parameters},
        "gpu": asdict(question.gpu),
        "gpus": question.gpus,
        "job": {**asdict(question.job), "tokens": question.job.tokens},
        "fits": [
            {
                **asdict(one),
                "command": launch(question, one),
                "overrides": overrides(question, one, arguments.algorithm, arguments.model),
            }
            for one in plan.options[: arguments.top]
        ],
        "does_not_fit": [asdict(one) for one in plan.misfits[: arguments.top]],
        "advice": advice or None,
        "notes": notes(question, best),
    }
