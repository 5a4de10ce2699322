"""The sides of ``benchmarks/trainer.py``: each measures one thing in a process of its own and prints it as JSON."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import hashlib
import io
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

CPU = torch.device("cpu")
STEPS, WARM_STEPS, GROUP = 20, 3, 8
VOCABULARY, WIDTH, TOKENS = 152_000, 1024, 4096


def overrides(*more: str) -> Any:
    from infinite_rl.agents.runs.load_config import load_config

    return load_config(
        "grpo", ["trainer.progress=false", "evaluation.every=100000", "trainer.save_every=100000", *more]
    )


def policy(folder: str, hidden: str) -> dict[str, Any]:
    """Saves the policy that both sides start from: the default job's, warmed up, of some width."""
    from infinite_rl.agents.runs.training import Trainer

    shape = [f"model.tiny.hidden_size={hidden}", f"model.tiny.mlp_size={3 * int(hidden)}"]
    with tempfile.TemporaryDirectory() as run:
        trainer = Trainer(overrides("trainer.steps=0", *shape), Path(run))
        trainer.run()
        trainer.parts.model.save_pretrained(folder)
        trainer.parts.tokenizer.save_pretrained(folder)
    return {"parameters": trainer.parts.model.num_parameters()}


def our_config(folder: str, steps: int, *more: str) -> Any:
    return overrides(
        f"model.name={folder}", "model.tiny=null", "model.warm_start=null", f"trainer.steps={steps}",
        "actor.scheduler=constant", "actor.decay_steps=null", *more,
    )  # fmt: skip


def step_ours(folder: str) -> dict[str, Any]:
    """CPU seconds of a step, as the command makes it, and of its phases."""
    from infinite_rl.agents.algorithms.algorithm import Algorithm
    from infinite_rl.agents.inference.module import InferenceModule
    from infinite_rl.agents.rollouts.manager import RolloutManager
    from infinite_rl.agents.updates.backprop import BackpropModule

    spent: Counter[str] = Counter()
    for owner, name, label in (
        (InferenceModule, "respond", "sampling"),
        (RolloutManager, "collect", "rollout"),
        (Algorithm, "step", "learning"),
        (BackpropModule, "loss_inputs", "scoring"),
        (BackpropModule, "accumulate", "backward"),
        (BackpropModule, "step", "optimizer"),
    ):
        setattr(owner, name, timed(getattr(owner, name), label, spent))
    found = measured_steps(our_config(folder, WARM_STEPS + STEPS), spent)
    phases = found["phases"]
    phases["rollout"] -= phases["sampling"]
    phases["learning"] -= phases["scoring"] + phases["backward"] + phases["optimizer"]
    phases["other"] = found["cpu_seconds"] - sum(phases.values())
    return found


def measured_steps(config: Any, spent: Counter[str]) -> dict[str, Any]:
    """Trains; means over the steps after the first few: CPU seconds, of them those in ``spent``, and tokens."""
    from infinite_rl.agents.runs.training import Trainer

    with tempfile.TemporaryDirectory() as run:
        trainer = Trainer(config, Path(run))
        trainer.test_before = trainer.test_after = lambda: None  # type: ignore[method-assign]
        trainer.state.results |= {"test_before": 0.0, "test_after": 0.0, "gain": 0.0}
        marks: list[tuple[float, Counter[str], int]] = []
        report = trainer._report_step

        def note(metrics: dict[str, float], counts: dict[str, float]) -> None:
            report(metrics, counts)
            if trainer.state.step in (WARM_STEPS, WARM_STEPS + STEPS):
                marks.append((time.process_time(), Counter(spent), trainer.state.results["tokens"]))

        trainer._report_step = note  # type: ignore[method-assign]
        trainer.run()
    (first, before, tokens), (last, after, all_tokens) = marks
    return {
        "cpu_seconds": (last - first) / STEPS,
        "phases": {name: (after[name] - before[name]) / STEPS for name in after},
        "tokens": (all_tokens - tokens) / STEPS,
    }


def logging(folder: str, *more: str) -> dict[str, Any]:
    """CPU seconds of a step, and of what only watches and plans it; by thread, as TensorBoard has one of its own."""
    from tensorboard.summary.writer.event_file_writer import _AsyncWriterThread

    from infinite_rl.agents.algorithms import algorithm
    from infinite_rl.agents.algorithms.metrics import UpdateSums
    from infinite_rl.agents.progress import Progress
    from infinite_rl.agents.runs import training
    from infinite_rl.agents.runs.build import build
    from infinite_rl.agents.runs.plan import plan, plan_table
    from infinite_rl.agents.runs.run_log import RunLog
    from infinite_rl.agents.runs.stopwatch import Stopwatch
    from infinite_rl.agents.runs.throughput import StepMeter
    from infinite_rl.buffers.tasks import TaskBuffer

    spent: Counter[str] = Counter()
    for owner, name, label in (
        (algorithm, "rollout_metrics", "metrics"),
        (training, "group_pass_rates", "metrics"),
        (training, "group_scores", "metrics"),
        (UpdateSums, "add", "metrics"),
        (UpdateSums, "means", "metrics"),
        (TaskBuffer, "draw", "curriculum"),
        (TaskBuffer, "learn_from", "curriculum"),
        (RunLog, "write", "log"),
        (RunLog, "write_times", "log"),
        (Progress, "advance", "progress"),
        (StepMeter, "lap", "clocks"),
        (StepMeter, "_add", "clocks"),
    ):
        setattr(owner, name, timed(getattr(owner, name), label, spent, time.thread_time))
    summarise = algorithm.rollout_metrics

    def after_reading(collected: Any, rewards: Tensor) -> Any:
        for name in ("mask", "states", "groups", "valid", "response_lengths"):
            getattr(collected, name)  # learning reads these anyway, and both read them once
        return summarise(collected, rewards)

    algorithm.rollout_metrics = after_reading
    phase = Stopwatch.phase

    @contextmanager
    def timed_phase(self: Stopwatch, name: str) -> Iterator[None]:
        block = phase(self, name)
        timed(block.__enter__, "clocks", spent, time.thread_time)()
        yield
        timed(block.__exit__, "clocks", spent, time.thread_time)(None, None, None)

    Stopwatch.phase = timed_phase  # type: ignore[method-assign]
    thread: Counter[str] = Counter()
    _AsyncWriterThread.run = timed(_AsyncWriterThread.run, "tensorboard", thread, time.thread_time)
    config = our_config(folder, WARM_STEPS + STEPS, "trainer.progress=true", *more)
    begin = time.process_time()
    parts = build(config, checkpoint=None, reward_computer=None)
    built = time.process_time()
    Console(file=io.StringIO()).print(plan_table(plan(config, parts)))
    planned = time.process_time() - built
    found = measured_steps(config, spent)
    found["phases"]["writer thread"] = thread["tensorboard"] / (WARM_STEPS + STEPS)
    return {**found, "share": sum(found["phases"].values()) / found["cpu_seconds"], "plan_cpu_seconds": planned,
            "start_cpu_seconds": built - begin}  # fmt: skip


def timed(function: Any, label: str, spent: Counter[str], clock: Any = time.process_time) -> Any:
    @wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        begin = clock()
        try:
            return function(*arguments, **options)
        finally:
            spent[label] += clock() - begin

    return wrapper


def trl_trainer(folder: str, steps: int, output: str) -> tuple[Any, list[list[float]]]:
    """TRL's trainer on the same tasks, with a reward function that compares texts; and the rewards that it gave."""
    from transformers import AutoModelForCausalLM
    from trl import GRPOConfig, GRPOTrainer

    from datasets import Dataset
    from infinite_rl.agents.models.policy import load_tokenizer
    from infinite_rl.agents.runs.data import load_splits

    config = our_config(folder, steps)
    splits = load_splits(config.data, seed=0)
    rows = [{"prompt": task.messages, "gold": str(task.answer)} for task in splits.train.tasks]
    prompts = config.data.prompts_per_rollout
    rows = [rows[k % len(rows)] for k in range(prompts * steps)]
    given: list[list[float]] = []

    def reward(completions: Any, gold: list[str], **others: Any) -> list[float]:
        texts = [completion[0]["content"] for completion in completions]
        given.append([float(f"<answer>{right}</answer>" in text) for text, right in zip(texts, gold, strict=True)])
        return given[-1]

    arguments = GRPOConfig(
        output_dir=output, use_cpu=True, bf16=False, fp16=False, gradient_checkpointing=False,
        per_device_train_batch_size=prompts * GROUP, gradient_accumulation_steps=1, num_generations=GROUP,
        max_completion_length=config.rollout.max_new_tokens, temperature=1.0, beta=config.actor.kl_coef,
        epsilon=config.actor.clip, loss_type="dapo", learning_rate=config.actor.lr, adam_beta2=config.actor.betas[1],
        lr_scheduler_type="constant", max_grad_norm=1.0, max_steps=steps, logging_steps=10**6, save_strategy="no",
        report_to=[], disable_tqdm=True, dataloader_num_workers=0, seed=0,
    )  # fmt: skip
    tokenizer = load_tokenizer(folder)
    tokenizer.padding_side = "left"
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
        reward_funcs=reward,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    return trainer, given


def step_trl(folder: str) -> dict[str, Any]:
    """CPU seconds of a step of TRL's."""
    from transformers import TrainerCallback

    marks: list[float] = []
    lengths: list[int] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if state.global_step in (WARM_STEPS, WARM_STEPS + STEPS):
                marks.append(time.process_time())

    with tempfile.TemporaryDirectory() as output:
        trainer, _ = trl_trainer(folder, WARM_STEPS + STEPS, output)
        trainer.add_callback(Clock())
        score = trainer._generate_and_score_completions

        def counted(inputs: Any) -> Any:
            found = score(inputs)
            lengths.append(int(found["completion_mask"].sum()))
            return found

        trainer._generate_and_score_completions = counted
        trainer.train()
    tokens = sum(lengths[WARM_STEPS : WARM_STEPS + STEPS]) / STEPS
    return {"cpu_seconds": (marks[1] - marks[0]) / STEPS, "tokens": tokens}


def same_step(folder: str) -> dict[str, Any]:
    """What TRL sampled and rewarded, learnt from by both: advantages, loss and gradient must agree."""
    from infinite_rl.agents.algorithms.recipes import find_recipe
    from infinite_rl.agents.credit.estimators import CreditInputs, estimate
    from infinite_rl.agents.inference.tokens import Tokens
    from infinite_rl.agents.losses import sequence_weights
    from infinite_rl.agents.models.policy import load_policy
    from infinite_rl.agents.rollouts.columns import Columns
    from infinite_rl.agents.rollouts.trajectory import Ending, from_tokens
    from infinite_rl.agents.updates.backprop import BackpropModule
    from infinite_rl.agents.updates.batching import microbatches
    from infinite_rl.agents.updates.planning import find_plan

    with tempfile.TemporaryDirectory() as output:
        trainer, given = trl_trainer(folder, 1, output)
        trainer.model.train()
        batch = next(iter(trainer.get_train_dataloader()))
        found = trainer._generate_and_score_completions(batch)
        trainer.current_gradient_accumulation_steps = 1
        with torch.no_grad():  # a reference that is not the policy, so that the KL term says something
            for weight in trainer.model.parameters():
                weight.mul_(1.01)
        theirs = trainer._compute_loss(trainer.model, found)
        theirs.backward()
    model, _ = load_policy(folder)
    reference, _ = load_policy(folder)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.01)
    tokens = []
    for prompt, asked, response, said in zip(
        found["prompt_ids"], found["prompt_mask"], found["completion_ids"], found["completion_mask"], strict=True
    ):
        one = Tokens()
        one.append(prompt[asked.bool()].tolist())
        one.append(response[said.bool()].tolist(), 0, [0.0] * int(said.sum()), 0)
        tokens.append(one)
    endings = [
        Ending(reward=reward, group=k // GROUP, valid=True, truncated=False, state={"segments": None})
        for k, reward in enumerate(given[0])
    ]
    trajectories = from_tokens(tokens, endings)
    columns = Columns(trajectories)
    lengths = columns.response_lengths
    recipe = find_recipe("grpo")
    count = int(lengths.sum())
    credit = estimate(
        CreditInputs(trajectories.reward, trajectories.group, lengths, turn=torch.zeros(count, dtype=torch.long)),
        recipe.credit,
    )
    expected = torch.repeat_interleave(found["advantages"].flatten(), lengths)
    torch.testing.assert_close(credit.advantage.float(), expected, rtol=1e-2, atol=1e-2)
    columns.set_sampled("advantage", expected)
    backprop = BackpropModule(model, reference, torch.optim.SGD(model.parameters()))
    weights = sequence_weights(lengths, "token_mean").double()
    batches = microbatches(columns, 1024, model.device, layout=find_plan(model))
    backprop.set_columns(columns, batches, ["old_logprob"])  # as TRL: the ratio is 1
    ours = 0.0
    for part in microbatches(columns, 1024, model.device, layout=find_plan(model)):
        objective, _ = backprop.learn(part, weights[part.rows], recipe.loss)
        ours += float(objective.loss.detach())
    named = dict(trainer.model.named_parameters())
    difference = sum(float((w.grad - named[name].grad).square().sum()) for name, w in model.named_parameters())
    size = sum(float(w.grad.square().sum()) for w in named.values())
    relative = (difference / size) ** 0.5
    assert abs(ours - float(theirs.detach())) < 1e-5 + 1e-3 * abs(float(theirs.detach())), (
        ours,
        float(theirs.detach()),
    )
    assert relative < 1e-3, f"gradients differ by {relative}"
    return {"gradient_difference": relative, "loss_difference": abs(ours - float(theirs.detach()))}


def decoder(lengths: str, group: str) -> tuple[Any, list[list[int]], list[int]]:
    """A model of 6 M parameters, 64 prompts, and how long each response is to be."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=1000, hidden_size=256, intermediate_size=768, num_hidden_layers=6, num_attention_heads=8,
        num_key_value_heads=4, max_position_embeddings=1024, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config).eval()
    prompts = torch.randint(3, 1000, (64 // int(group), 48)).repeat_interleave(int(group), 0).tolist()
    if lengths == "equal":
        return model, prompts, [64] * 64
    spread = torch.tensor(2.0).log().sqrt()  # so that the standard deviation is the mean
    drawn = torch.exp(torch.randn(64) * spread - spread**2 / 2) * 64
    return model, prompts, drawn.round().clamp(1, 400).int().tolist()


def spoken(rows: list[list[int]], seconds: float) -> dict[str, Any]:
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    return {"tokens_per_cpu_s": sum(map(len, rows)) / seconds, "digest": digest}


def decode_ours(lengths: str, group: str) -> dict[str, Any]:
    from infinite_rl.agents.inference.decoding import sample_tokens

    model, prompts, limits = decoder(lengths, group)

    def decode(limits: list[int]) -> list[list[int]]:
        found = sample_tokens(
            model, prompts, range(len(prompts)), max_new_tokens=limits, temperature=0, end_ids=[-1], pad_id=0
        )
        return [row.token_ids.tolist() for row in found]

    decode([2] * 64)
    begin = time.process_time()
    rows = decode(limits)
    return spoken(rows, time.process_time() - begin)


def decode_generate(lengths: str, group: str) -> dict[str, Any]:
    from transformers import StoppingCriteria, StoppingCriteriaList

    model, prompts, limits = decoder(lengths, group)
    ids = torch.tensor(prompts)
    model.generation_config.eos_token_id = None

    class Limits(StoppingCriteria):  # type: ignore[misc]
        def __init__(self, limits: list[int]) -> None:
            self.ends = torch.tensor(limits) + ids.shape[1]

        def __call__(self, input_ids: Tensor, scores: Tensor, **others: Any) -> Tensor:
            return input_ids.shape[1] >= self.ends

    def decode(limits: list[int]) -> list[list[int]]:
        found = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=max(limits),
            stopping_criteria=StoppingCriteriaList([Limits(limits)]), pad_token_id=0,
        )  # fmt: skip
        return [row[ids.shape[1] :][:limit].tolist() for row, limit in zip(found, limits, strict=True)]

    decode([2] * 64)
    begin = time.process_time()
    rows = decode(limits)
    return spoken(rows, time.process_time() - begin)


def head_of(score: Any) -> dict[str, Any]:
    """CPU seconds and memory of scores and their gradients."""
    random = torch.Generator().manual_seed(0)
    hidden = torch.randn(TOKENS, WIDTH, generator=random).requires_grad_()
    weight = (torch.randn(VOCABULARY, WIDTH, generator=random) / 16).requires_grad_()
    targets = torch.randint(0, VOCABULARY, (TOKENS,), generator=random)
    by_token = torch.randn(TOKENS, generator=random)
    for value in (hidden, weight):
        value.grad = torch.zeros_like(value).add_(1.0).zero_()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    logprob, entropy = score(hidden, weight, targets)
    (by_token * logprob).sum().backward()
    seconds = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    probe = torch.linspace(-1, 1, WIDTH)
    return {
        "cpu_seconds": seconds,
        "mebibytes": (peak - before) / 1024,
        "logprob": float(logprob.detach().double().sum()),
        "entropy": float(entropy.detach().double().sum()),
        "d_hidden": float((hidden.grad @ probe).double().square().sum()),
        "d_weight": float((weight.grad @ probe).double().square().sum()),
    }


def head_chunked() -> dict[str, Any]:
    from infinite_rl.agents.updates.head import LanguageHead

    return head_of(lambda hidden, weight, targets: LanguageHead(weight).score(hidden, targets, temperature=0.7))


def head_naive() -> dict[str, Any]:
    from infinite_rl.agents.updates.scoring import naive_scores

    return head_of(
        lambda hidden, weight, targets: naive_scores(
            torch.nn.functional.linear(hidden, weight), targets, temperature=0.7
        )
    )


def trajectories_of(shape: str) -> Any:
    """Groups of eight of one prompt: of the default job's lengths, or with responses of log-normal length, CV 1."""
    from infinite_rl.agents.inference.tokens import Tokens
    from infinite_rl.agents.rollouts.trajectory import Ending, from_tokens

    random = torch.Generator().manual_seed(0)
    groups, prompt = (32, 9) if shape == "default job" else (8, 48)
    if shape == "default job":
        responses = torch.randint(3, 8, (groups * GROUP,), generator=random)
    else:
        spread = torch.tensor(2.0).log().sqrt()
        drawn = torch.exp(torch.randn(groups * GROUP, generator=random) * spread - spread**2 / 2) * 128
        responses = drawn.round().clamp(1, 1024).int()
    tokens = []
    for group in range(groups):
        asked = torch.randint(4, 90, (prompt,), generator=random).tolist()
        for length in responses[group * GROUP : (group + 1) * GROUP].tolist():
            one = Tokens()
            one.append(asked)
            one.append(torch.randint(4, 90, (length,), generator=random).tolist(), 0, [0.0] * length, 0)
            tokens.append(one)
    endings = [
        Ending(reward=0.0, group=k // GROUP, valid=True, truncated=False, state={"segments": None})
        for k in range(len(tokens))
    ]
    return from_tokens(tokens, endings)


def layouts(shape: str, tokens: str, rounds: str) -> dict[str, Any]:
    """CPU seconds of scores and their gradient in each layout, laying out included, in turns; all learn the same."""
    from infinite_rl.agents.models.tiny_model import make_tiny
    from infinite_rl.agents.rollouts.columns import Columns
    from infinite_rl.agents.updates.batching import microbatches, plan_batches
    from infinite_rl.agents.updates.layout import Bundle, lay_out
    from infinite_rl.agents.updates.planning import OWN_ROWS, LayoutPlan, bundles_of, find_plan
    from infinite_rl.agents.updates.scoring import layout_scores

    model, _ = make_tiny()
    source, budget, plan = Columns(trajectories_of(shape)), int(tokens), find_plan(model)
    ends = torch.tensor(source.lengths).cumsum(0).tolist()
    pieces = list(zip([0, *ends], ends, strict=False))
    longest_first = sorted(pieces, key=lambda piece: piece[0] - piece[1])

    def rows_of(pieces: list[tuple[int, int]], count: int) -> list[Any]:
        parts = [pieces[k : k + count] for k in range(0, len(pieces), count)]
        return [lay_out(source.token_ids, source.mask, [Bundle(0, [one]) for one in part], CPU) for part in parts]

    def packed() -> list[Any]:
        """Rows of 512 tokens, with a mask of who sees whom."""
        found = bundles_of(
            source.token_ids, source.mask, pieces, [0] * len(pieces), tokens=512, plan=LayoutPlan(packed=True)
        )
        bundles = [bundle for bundle, _ in found]
        parts = plan_batches([bundle.width for bundle in bundles], budget)
        return [lay_out(source.token_ids, source.mask, [bundles[k] for k in part], CPU) for part in parts]

    ways: dict[str, Any] = {
        "padded, 64 rows": lambda: rows_of(pieces, 64),
        "sorted, 8 rows": lambda: rows_of(longest_first, 8),
        "sorted, budget": lambda: microbatches(source, budget, CPU, layout=OWN_ROWS),
        "shared": lambda: microbatches(source, budget, CPU, layout=LayoutPlan(even_width=1e9)),
        "packed": packed,
        "planned": lambda: microbatches(source, budget, CPU, layout=plan),
    }
    learnt: dict[str, tuple[float, Tensor]] = {}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(int(rounds) + 1):
        for name, make in ways.items():
            if turn and seconds[name][0] > 3 * min(values[0] for values in seconds.values()):
                continue  # far behind, and not timed again
            model.zero_grad()
            begin = time.process_time()
            loss = 0.0
            for layout in make():
                scores = layout_scores(model, layout, temperature=1.0)
                part = (scores.logprob * layout.target.remainder(7).sub(3)).sum()
                part.backward()
                loss += float(part.detach())
            seconds[name].append(time.process_time() - begin)
            learnt[name] = loss, torch.cat([weight.grad.flatten() for weight in model.parameters()])
    for name, (loss, gradient) in learnt.items():
        expected, plain = learnt["padded, 64 rows"]
        assert abs(loss - expected) < 1e-4 * abs(expected), f"{name} has another loss: {loss}, not {expected}"
        assert (gradient - plain).norm() < 1e-4 * plain.norm(), f"{name} has another gradient"
    return {name: median(values[1:] or values) for name, values in seconds.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
