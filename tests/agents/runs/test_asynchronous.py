"""Runs whose rollouts go on while they learn: equal to synchronous ones at staleness 0, exact in what they count."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import torch

from infinite_rl.agents.algorithms.algorithm import Algorithm
from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.rollouts.pipeline import Pipeline
from infinite_rl.agents.runs import build, training
from infinite_rl.agents.runs.interrupt import Interrupt
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.training import Trainer
from infinite_rl.buffers.tasks import TaskBuffer

STEPS = 6
JOB = [
    "model.tiny.hidden_size=16",
    "model.tiny.mlp_size=32",
    "model.tiny.layers=1",
    "model.warm_start=null",
    "actor.lr=0.01",
    "data=file",
    "data.validation_size=2",
    "data.test_size=2",
    "data.prompts_per_rollout=3",
    "data.responses_per_prompt=4",
    "evaluation.samples_per_prompt=2",
    "evaluation.every=3",
    "rollout.max_new_tokens=4",
    "rollout.max_length=64",
    f"trainer.steps={STEPS}",
    "trainer.save_every=2",
    "trainer.progress=false",
    "trainer.threads=1",
]
# Rewards that differ from response to response, whatever the model says.
LETTERS = """
def interact(messages): return []
def reward_fn(messages, answer): return len(set(messages[-1]["content"])) / 4
"""


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("letters")
    (folder / "letters.py").write_text(LETTERS)
    tasks = [{"messages": [{"role": "user", "content": f"{i}?"}], "answer": "x"} for i in range(40)]
    (folder / "tasks.jsonl").write_text("\n".join(map(json.dumps, tasks)))
    return [*JOB, f"env={folder / 'letters.py'}", f"data.train_path={folder / 'tasks.jsonl'}"]


def train(folder: Path, overrides: list[str], *, resume: bool = False) -> Trainer:
    folder.mkdir(exist_ok=True)
    trainer = Trainer(load_config(overrides=[*overrides, f"trainer.save_dir={folder}"]), folder, resume=resume)
    trainer.run()
    return trainer


def rows(folder: Path, phase: str = "train", file: str = "metrics.jsonl") -> list[dict]:
    found = [json.loads(line) for line in (folder / file).read_text().splitlines()]
    return [row for row in found if row["phase"] == phase]


def learnt_from(monkeypatch) -> list[tuple[int, int]]:
    """Task and attempt of every group that the curriculum hears of."""
    found: list[tuple[int, int]] = []
    learn = TaskBuffer.learn_from

    def noting(tasks, draws, *others):
        found.extend((draw.task_index, draw.attempt) for draw in draws)
        learn(tasks, draws, *others)

    monkeypatch.setattr(TaskBuffer, "learn_from", noting)
    return found


def drawn(state: dict) -> Counter:
    """Everything that was ever drawn, by the curriculum's state."""
    attempts = state["curriculum"]["attempts"].tolist()
    return Counter((index, attempt) for index, count in enumerate(attempts) for attempt in range(count))


def latest(folder: Path) -> dict:
    return torch.load(max(folder.glob("checkpoints/step-*/trainer.pt")), weights_only=True)


@pytest.mark.parametrize("algorithm", ["grpo", pytest.param("dapo", marks=pytest.mark.slow)])
def test_at_staleness_0_the_run_is_the_synchronous_one_bit_for_bit(algorithm, job, tmp_path, monkeypatch):
    """Metrics, curriculum, optimizer and weights."""
    overrides = [*job, f"algorithm={algorithm}"]
    train(tmp_path / "synchronous", overrides)
    rollouts = build._rollouts

    def beside(config, splits, split, inference, processes):
        own = build.sample_beside(config, inference) if split == "train" else inference
        return rollouts(config, splits, split, own, processes)

    def ahead(config, curriculum, rollouts, processes):
        sizes = {"group_size": config.data.responses_per_prompt, "quota": config.data.prompts_per_rollout}
        return Pipeline(curriculum, rollouts, **sizes, staleness=0, steps=config.trainer.steps)

    monkeypatch.setattr(build, "_rollouts", beside)
    monkeypatch.setattr(build, "make_source", ahead)
    assert isinstance(train(tmp_path / "pipeline", overrides).parts.source, Pipeline)
    for name in ("metrics.jsonl", f"checkpoints/step-{STEPS:08d}/model.safetensors"):
        assert (tmp_path / "pipeline" / name).read_bytes() == (tmp_path / "synchronous" / name).read_bytes(), name
    one, other = latest(tmp_path / "pipeline"), latest(tmp_path / "synchronous")
    assert str(one["curriculum"]) == str(other["curriculum"])
    assert str(one["optimizer"]) == str(other["optimizer"])
    assert one["source"] == other["source"] == {"drawn": []}


@pytest.mark.parametrize("algorithm", ["grpo", pytest.param("dapo", marks=pytest.mark.slow)])
def test_nothing_learnt_from_is_older_than_allowed_nor_learnt_from_twice(algorithm, job, tmp_path, monkeypatch):
    before = set(threading.enumerate())
    heard = learnt_from(monkeypatch)
    train(tmp_path, [*job, f"algorithm={algorithm}", "adv.max_rounds=2", "rollout.staleness=2"])
    ages = [row["staleness_max"] for row in rows(tmp_path)]
    assert len(ages) == STEPS
    assert 0 < max(ages) <= 2
    assert all(row["staleness"] <= row["staleness_max"] for row in rows(tmp_path))
    assert all(0 <= row["rollouts_idle"] <= 1 for row in rows(tmp_path, file="timing.jsonl"))
    state = latest(tmp_path)
    assert Counter(heard) + Counter((index, attempt) for index, attempt, _ in state["source"]["drawn"]) == drawn(state)
    assert not any(thread.name in ("rollouts", "decoding") for thread in set(threading.enumerate()) - before)


@pytest.mark.parametrize(
    ("number", "staleness"),
    [pytest.param(signal.SIGINT, 2, marks=pytest.mark.slow), (signal.SIGTERM, 2), (signal.SIGTERM, 0)],
)
def test_an_interrupted_run_goes_on_where_it_stopped(number, staleness, job, tmp_path, monkeypatch):
    """Groups under way are drawn already: they are played again, and each draw is learnt from once in all."""
    heard = learnt_from(monkeypatch)
    overrides = [*job, "rollout.staleness=2"]
    step = Algorithm.step

    def signalled(algorithm, *arguments):
        if algorithm.steps == 2:
            os.kill(os.getpid(), number)
        return step(algorithm, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Algorithm, "step", signalled)
        train(tmp_path, overrides)
    state = latest(tmp_path)
    assert state["step"] == 3
    assert state["source"]["drawn"], "nothing was under way"
    train(tmp_path, [*job, f"rollout.staleness={staleness}"], resume=True)
    assert [row["step"] for row in rows(tmp_path)] == [*range(1, STEPS + 1)]
    assert Counter(heard) == drawn(latest(tmp_path))


def test_sigterm_leaves_a_step_that_waits_for_an_environment(job, tmp_path, monkeypatch):
    """What it had taken already goes back, and nothing is lost."""
    heard = learnt_from(monkeypatch)
    overrides = [*job, "rollout.staleness=2"]
    play, calls, hang = build.RolloutManager.play, [], threading.Event()

    def stuck(rollouts, draws, group_size=1, *others):
        if rollouts.config.stream == "train":
            calls.append(draws)
            if len(calls) == 10:
                os.kill(os.getpid(), signal.SIGTERM)
            if len(calls) >= 10:
                hang.wait(60)
        return play(rollouts, draws, group_size, *others)

    with monkeypatch.context() as patch:
        patch.setattr(build.RolloutManager, "play", stuck)
        patch.setattr(training, "Interrupt", partial(Interrupt, grace=0.2))
        train(tmp_path, overrides)
    hang.set()
    state = latest(tmp_path)
    assert state["step"] < STEPS
    train(tmp_path, overrides, resume=True)
    assert Counter(heard) == drawn(latest(tmp_path))


def test_an_environment_that_breaks_in_a_thread_ends_the_run_with_its_message(job, tmp_path, monkeypatch):
    def broken(rollouts, draws, *others):
        raise RuntimeError("the sandbox is gone")

    config = load_config(overrides=[*job, "rollout.staleness=2", f"trainer.save_dir={tmp_path}"])
    trainer = Trainer(config, tmp_path)
    trainer.parts.rollouts["train"].play = partial(broken, None)
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="the sandbox is gone"):
        trainer.run()
    assert not any(thread.name in ("rollouts", "decoding") for thread in set(threading.enumerate()) - before)


# A run that dies of kill -9 at some moment of a step, and writes down which groups its steps learnt from.
DYING = """
import json, os, signal, sys, threading
from pathlib import Path
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.training import Trainer
from infinite_rl.buffers.tasks import TaskBuffer

folder, resume, delay, overrides = Path(sys.argv[1]), sys.argv[2] == "resume", float(sys.argv[3]), sys.argv[4:]
trainer = Trainer(load_config(overrides=[*overrides, f"trainer.save_dir={folder}"]), folder, resume=resume)
learn = TaskBuffer.learn_from

def noting(tasks, draws, *others):
    learn(tasks, draws, *others)
    with (folder.parent / "heard.jsonl").open("a") as file:
        file.write(json.dumps([trainer.state.step, [[draw.task_index, draw.attempt] for draw in draws]]) + "\\n")
    if delay and trainer.state.step == 3:
        threading.Timer(delay, os.kill, [os.getpid(), signal.SIGKILL]).start()

TaskBuffer.learn_from = noting
trainer.run()
"""


@pytest.mark.parametrize("delay", [pytest.param(seconds, marks=pytest.mark.slow) for seconds in (0.001, 0.05, 0.1)])
def test_a_killed_run_loses_no_group_and_counts_none_twice(delay, job, tmp_path):
    """Steps after the checkpoint are made anew; over the steps of the whole run, every draw counts once."""
    folder = tmp_path / "run"
    folder.mkdir()
    arguments = ["rollout.staleness=2", *job]
    command = [sys.executable, "-c", DYING, str(folder)]
    killed = subprocess.run([*command, "new", str(delay), *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    saved = latest(folder)
    assert 0 < saved["step"] < STEPS
    assert saved["source"]["drawn"]
    before = [json.loads(line) for line in (tmp_path / "heard.jsonl").read_text().splitlines()]
    subprocess.run([*command, "resume", "0", *arguments], check=True)
    heard = [json.loads(line) for line in (tmp_path / "heard.jsonl").read_text().splitlines()]
    counted = [row for row in before if row[0] < saved["step"]] + heard[len(before) :]
    assert [step for step, _ in counted] == [*range(STEPS)]
    assert Counter(tuple(draw) for _, draws in counted for draw in draws) == drawn(latest(folder))


def test_what_would_not_be_reproducible_is_refused(job):
    with pytest.raises(ConfigError, match=r"trainer.deterministic forbids rollout.staleness=2"):
        load_config(overrides=[*job, "rollout.staleness=2", "trainer.deterministic=true"])


@pytest.mark.parametrize("staleness", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_environments_in_other_processes_change_nothing(staleness, job, tmp_path):
    """Synchronous: the same bytes. Asynchronous: the run goes through, and no process is left."""
    hosted = train(tmp_path / "hosted", [*job, f"rollout.staleness={staleness}", "rollout.processes=1"])
    assert hosted.parts.rollouts["train"].hosts is not None
    assert not hosted.parts.rollouts["train"].hosts._all
    assert len(rows(tmp_path / "hosted")) == STEPS
    if not staleness:
        train(tmp_path / "here", job)
        assert (tmp_path / "hosted/metrics.jsonl").read_bytes() == (tmp_path / "here/metrics.jsonl").read_bytes()


def test_ray_without_processes_is_refused(job):
    with pytest.raises(ConfigError, match=r"rollout.ray=true would do nothing: set rollout.processes"):
        load_config(overrides=[*job, "rollout.ray=true"])


@pytest.mark.slow
def test_time_goes_on_while_the_trainer_learns(job, tmp_path, monkeypatch):
    """Environments that take as long as a step: a synchronous run takes twice the time."""
    step, play, second = Algorithm.step, build.RolloutManager.play, 0.25

    def slow(original, stream):
        def work(self, *arguments):
            if stream is None or self.config.stream == stream:
                time.sleep(second)
            return original(self, *arguments)

        return work

    monkeypatch.setattr(Algorithm, "step", slow(step, None))
    monkeypatch.setattr(build.RolloutManager, "play", slow(play, "train"))
    seconds = {}
    for staleness in (0, 2):
        folder = tmp_path / str(staleness)
        train(folder, [*job, f"rollout.staleness={staleness}", "evaluation.every=100"])
        times = rows(folder, file="timing.jsonl")
        seconds[staleness] = sum(row["rollout_seconds"] for row in times[1:])
    assert seconds[0] > (STEPS - 1) * second
    assert seconds[2] < 0.7 * seconds[0]
