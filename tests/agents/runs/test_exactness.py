"""A run that is killed and resumed ends as if nothing had happened, bit for bit, whatever it learns by."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from infinite_rl.agents.algorithms.algorithm import Algorithm
from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.models.tiny_model import make_model, make_tokenizer
from infinite_rl.agents.rollouts.failures import RolloutError
from infinite_rl.agents.rollouts.manager import RolloutManager
from infinite_rl.agents.runs import training
from infinite_rl.agents.runs.checkpoint import Checkpoints
from infinite_rl.agents.runs.interrupt import Interrupt
from infinite_rl.agents.runs.load_config import CONFIG_DIR, load_config
from infinite_rl.agents.runs.run_folder import alone_in
from infinite_rl.agents.runs.run_log import RunLog
from infinite_rl.agents.runs.training import Trainer
from infinite_rl.agents.updates.guard import NonFiniteError
from infinite_rl.agents.updates.warm_start import WarmStart

STEPS, HALF = 6, 3
SMALL = [
    "model.tiny.hidden_size=16",
    "model.tiny.mlp_size=32",
    "model.tiny.layers=1",
    "data.train_size=20",
    "data.validation_size=2",
    "data.test_size=2",
    "data.prompts_per_rollout=3",
    "data.responses_per_prompt=4",
    "evaluation.samples_per_prompt=2",
    "evaluation.every=2",
    "rollout.max_new_tokens=4",
    f"trainer.steps={STEPS}",
    f"trainer.save_every={HALF}",
    "trainer.progress=false",
]
# Rewards that differ from response to response, whatever the model says.
LETTERS = """
def interact(messages): return []
def reward_fn(messages, answer): return len(set(messages[-1]["content"])) / 4
"""


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    """Overrides of a job from which every algorithm learns something, without a warm start."""
    folder = tmp_path_factory.mktemp("letters")
    (folder / "letters.py").write_text(LETTERS)
    tasks = [{"messages": [{"role": "user", "content": f"{i}?"}], "answer": "x"} for i in range(60)]
    (folder / "tasks.jsonl").write_text("\n".join(map(json.dumps, tasks)))
    source = [f"env={folder / 'letters.py'}", "data=file", f"data.train_path={folder / 'tasks.jsonl'}"]
    return [*SMALL, *source, "model.warm_start=null", "actor.lr=0.01"]


def scramble() -> None:
    """Nothing may depend on the process's own random numbers: no two runs begin with the same."""
    seed = random.SystemRandom().randrange(2**32)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def train(folder: Path, overrides: list[str], *, resume: bool = False, die_after: int | None = None) -> Path:
    """Trains; ``die_after``: up to the middle of that step, with the weights updated and nothing written of it."""
    folder.mkdir(exist_ok=True)
    config = load_config(overrides=[*overrides, f"trainer.save_dir={folder}"])
    scramble()
    trainer = Trainer(config, folder, resume=resume)
    scramble()
    write = RunLog.write

    def dying(log, step, phase, values):
        if (step, phase) == (die_after, "train"):
            raise Killed
        write(log, step, phase, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunLog, "write", dying)
        if die_after is None:
            trainer.run()
        else:
            with pytest.raises(Killed):
                trainer.run()
    return folder


def contents(folder: Path) -> dict[str, object]:
    """All that a run has written, by path: bytes, or the trainer's state; without what a clock says."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.name == "trainer.pt":
            state = torch.load(path, weights_only=True)
            found[name] = state | {"results": without_times(state["results"])}
        elif path.name == "summary.json":
            found[name] = without_times(json.loads(path.read_text()))
        elif path.is_file() and path.name not in ("timing.jsonl", "config.yaml", "report.html"):
            found[name] = path.read_bytes()
    return found


def without_times(values: dict) -> dict:
    return {key: value for key, value in values.items() if key not in ("seconds", "cpu_seconds", "hashes")}


def assert_same(one: object, other: object, path: str = "") -> None:
    """Nested dictionaries and lists of tensors and plain values are equal bit for bit."""
    assert type(one) is type(other), path
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
    if isinstance(one, dict | list | tuple):
        assert len(one) == len(other), path
        for key in one if isinstance(one, dict) else range(len(one)):
            assert_same(one[key], other[key], f"{path}/{key}")
    else:
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other, path


def assert_exact(tmp_path: Path, overrides: list[str]) -> dict[str, object]:
    """N steps, a kill and N steps write what 2N steps write; returns that."""
    whole = contents(train(tmp_path / "whole", overrides))
    killed = train(tmp_path / "killed", overrides, die_after=HALF + 2)
    assert contents(killed)["metrics.jsonl"] != whole["metrics.jsonl"]
    assert_same(contents(train(killed, overrides, resume=True)), whole)
    return whole


def learnt(whole: dict[str, object]) -> bool:
    """Whether the second half of the run changed the weights."""
    return whole["checkpoints/step-00000003/model.safetensors"] != whole["checkpoints/step-00000006/model.safetensors"]


ALGORITHMS = sorted(path.stem for path in CONFIG_DIR.glob("algorithm/*.yaml"))
# One with a critic and a penalty against the reference, and one that draws again; the others where there is time.
QUICK = ("ppo",)


@pytest.mark.parametrize(
    "algorithm", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ALGORITHMS]
)
def test_19_every_algorithm_goes_on_bit_for_bit(algorithm, letters, tmp_path):
    overrides = [*letters, f"algorithm={algorithm}"]
    if algorithm == "distillation":
        tokenizer = make_tokenizer()
        config = load_config(overrides=[*letters, "algorithm=grpo"])
        make_model(tokenizer, config.model.tiny, seed=5).save_pretrained(tmp_path / "teacher")
        tokenizer.save_pretrained(tmp_path / "teacher")
        overrides.append(f"adv.teacher={tmp_path / 'teacher'}")
    assert learnt(assert_exact(tmp_path, overrides))


@pytest.mark.slow
def test_a_reference_that_follows_and_several_passes_go_on_bit_for_bit(letters, tmp_path):
    more = ["actor.ref_period=2", "actor.ref_update=ema", "actor.ema_alpha=0.5"]
    more += ["actor.epochs=2", "actor.minibatches=2", "actor.optimizer=adafactor"]
    more += ["actor.scheduler=cosine", "actor.decay_steps=5", "actor.warmup_steps=2"]
    assert learnt(assert_exact(tmp_path, [*letters, *more]))


@pytest.mark.slow
def test_replay_goes_on_bit_for_bit(letters, tmp_path):
    """Stored groups and their draws are part of the checkpoint."""
    whole = assert_exact(tmp_path, [*letters, "replay=policy_gradient", "sampler=rubric"])
    assert learnt(whole)
    rows = [json.loads(row) for row in whole["metrics.jsonl"].splitlines()]
    assert sum(row.get("replayed", 0) for row in rows) > 0


JOBS = {
    "sums": ["env=math"],
    "tools": ["env=self_verification"],
    "programs": ["env=coding"],
}


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS)
def test_every_job_goes_on_bit_for_bit(job, tmp_path):
    """With a warm start of a few steps, after which most is wrong: so the KL term moves the weights."""
    overrides = [override for override in SMALL if not override.startswith("rollout.")]
    more = ["model.warm_start.max_steps=3", "model.warm_start.batch_size=8", "actor.entropy_coef=0.1", "actor.lr=0.01"]
    assert learnt(assert_exact(tmp_path, [*overrides, *JOBS[job], *more]))


def break_updates(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *arguments: torch.tensor(torch.nan))


def break_grading(patch: pytest.MonkeyPatch) -> None:
    collect = RolloutManager.collect

    def failed(manager, *arguments):
        if manager.config.stream == "train":
            patch.setattr(manager.env, "advance", lambda episodes, replies: 1 / 0)
        return collect(manager, *arguments)

    patch.setattr(RolloutManager, "collect", failed)


@pytest.mark.parametrize(
    ("broken", "error"),
    [pytest.param(break_updates, NonFiniteError, marks=pytest.mark.slow), (break_grading, RolloutError)],
)
def test_failures_in_a_row_are_counted_across_a_kill(broken, error, letters, tmp_path, monkeypatch):
    """The run ends at the step where it would without the kill."""
    broken(monkeypatch)
    overrides = [*letters, "actor.max_skipped_steps=3", "rollout.patience=3", "trainer.save_every=1"]
    for folder in ("whole", "killed"):
        if folder == "killed":
            train(tmp_path / folder, overrides, die_after=2)
        with pytest.raises(error):
            train(tmp_path / folder, overrides, resume=folder == "killed")
    assert_same(contents(tmp_path / "killed"), contents(tmp_path / "whole"))


# Where SIGTERM comes, and what is called then for which time: rollouts by their split, two to a step of this job.
MOMENTS = {
    "a step of the warm start": (WarmStart, "step", None, 3),
    "a check of the warm start": (RolloutManager, "collect", "validation", 2),
    "the test before": (RolloutManager, "collect", "test", 1),
    "a rollout": (RolloutManager, "collect", "train", 4),
    "a second round of rollouts": (RolloutManager, "collect", "train", 5),
    "an update": (Algorithm, "step", None, 4),
    "a validation": (RolloutManager, "collect", "validation", 4),
    "a checkpoint": (Checkpoints, "save", None, 3),
    "the test after": (RolloutManager, "collect", "test", 2),
}
AT_ONCE = ("a rollout",)  # the others where there is time
TERMINATED = [
    *SMALL,
    "env=math",
    "algorithm=dapo",
    "adv.max_rounds=2",
    "rollout.max_new_tokens=8",
    "evaluation.every=1",
]
TERMINATED += ["model.warm_start.max_steps=4", "model.warm_start.batch_size=8", "model.warm_start.check_every=2"]


@pytest.fixture(scope="module")
def unhurried(tmp_path_factory):
    return contents(train(tmp_path_factory.mktemp("unhurried"), TERMINATED))


@pytest.mark.parametrize(
    "moment", [name if name in AT_ONCE else pytest.param(name, marks=pytest.mark.slow) for name in MOMENTS]
)
def test_sigterm_saves_in_time_whatever_the_run_waits_for(moment, unhurried, tmp_path, monkeypatch):
    """What waits for an environment is left and done anew; the end is that of a run that nobody stopped."""
    owner, name, stream, time_of = MOMENTS[moment]
    called, original, waits = [], getattr(owner, name), owner is RolloutManager

    def slow(self, *arguments, **options):
        if stream in (None, getattr(getattr(self, "config", None), "stream", None)):
            called.append(moment)
            if len(called) == time_of:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(600 if waits else 0.5)
        return original(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, slow)
        patch.setattr(training, "Interrupt", partial(Interrupt, grace=0.1))
        train(tmp_path, TERMINATED)
    assert len(called) == time_of  # what comes after the signal is saving alone
    assert contents(tmp_path)["summary.json"]["status"] == "interrupted"
    train(tmp_path, TERMINATED, resume=True)
    last = f"step-{STEPS:08d}"
    found, expected = (
        {path: content for path, content in run.items() if "step-" not in path or last in path}
        for run in (contents(tmp_path), unhurried)
    )
    assert_same(found, expected)


def test_failures_of_an_evaluation_that_was_left_are_not_counted_twice(letters, tmp_path, monkeypatch):
    """Each validation is three collections, all of which fail; in the first one SIGTERM comes at the third."""
    collect, calls = RolloutManager.collect, []

    def failing(manager, *arguments):
        if manager.config.stream == "validation":
            calls.append(manager)
            if len(calls) == 3:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(600)
            with monkeypatch.context() as patch:
                patch.setattr(manager.env, "advance", lambda episodes, replies: 1 / 0)
                return collect(manager, *arguments)
        return collect(manager, *arguments)

    overrides = [*letters, "data.validation_size=3", "rollout.num_parallel=2", "rollout.patience=4"]
    with monkeypatch.context() as patch:
        patch.setattr(RolloutManager, "collect", failing)
        patch.setattr(training, "Interrupt", partial(Interrupt, grace=0.1))
        train(tmp_path, overrides)
    latest = max(tmp_path.glob("checkpoints/step-*/trainer.pt"))
    assert torch.load(latest, weights_only=True)["in_a_row"]["validation"] == 0


def test_two_processes_do_not_train_in_one_folder(letters, tmp_path):
    """The second would remove the first one's drafts, of which a checkpoint without weights could come."""
    with alone_in(tmp_path):
        before = contents(tmp_path)
        with pytest.raises(ConfigError, match="another process trains there"):
            train(tmp_path, letters)
        assert contents(tmp_path) == before
    train(tmp_path, letters, die_after=1)
    train(tmp_path, letters, resume=True)


# A process that has loaded everything, and forks for each run, which may die just after one of its writes: after a file
# was opened, filled in part, closed, moved or removed.
DYING = """
import os, signal, sys
from infinite_rl.agents.reports import report
from infinite_rl.agents.runs import training
from infinite_rl.agents.train import main

report.write_report = lambda folder: folder
WRITES = {"open", "write", "write_record", "serialize_file", "fsync", "truncate"}
WRITES |= {"rename", "replace", "unlink", "mkdir", "rmdir"}

def train(folder, die_after=None):
    "How many writes there were; None if it died."
    told, tell = os.pipe()
    if not os.fork():
        writes = 0
        def watch(frame, event, function):
            nonlocal writes
            if event == "c_return" and function.__name__ in WRITES:
                writes += 1
                if writes == die_after:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.setprofile(watch)
        done = main(["--resume", "auto", *overrides, f"trainer.save_dir={folder}"])
        sys.setprofile(None)
        os.write(tell, str(writes).encode() if done == 0 else b"")
        os._exit(0)
    os.wait()
    os.close(tell)
    with open(told) as pipe:
        return int(pipe.read() or 0) or None

place, first, step, overrides = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
writes = train(f"{place}/whole")
for die_after in range(first, writes, step):
    folder = f"{place}/killed-{die_after}"
    died = train(folder, die_after) is None
    print(die_after, "of", writes, died, train(folder), file=sys.stderr)
"""
FEW_WRITES = ["data.prompts_per_rollout=2", "trainer.steps=3", "trainer.save_every=1", "model.warm_start.max_steps=2"]


@pytest.mark.slow
def test_a_kill_after_any_write_changes_nothing_of_the_end(tmp_path):
    """A share of all instants is tried."""
    overrides = [*SMALL, *FEW_WRITES, "env=math", "trainer.threads=1"]
    command = [sys.executable, "-c", DYING, str(tmp_path), "7", "67", *overrides]
    subprocess.run(command, check=True, timeout=3600)
    whole = contents(tmp_path / "whole")
    killed = list(tmp_path.glob("killed-*"))
    assert len(killed) > 10
    for folder in killed:
        assert_same(contents(folder), whole, folder.name)


def begin(folder: Path, overrides: list[str]) -> subprocess.Popen:
    """The command as a person runs it, once it has loaded everything and takes up its work."""
    path = folder / "config.yaml"
    before = path.stat().st_mtime_ns if path.exists() else 0
    command = [sys.executable, "-m", "infinite_rl.agents.train", "--resume", "auto", *overrides]
    process = subprocess.Popen([*command, f"trainer.save_dir={folder}"])
    while not path.exists() or path.stat().st_mtime_ns == before:
        assert process.poll() is None
        time.sleep(0.01)
    return process


@pytest.mark.slow
def test_kills_at_twenty_random_moments_change_nothing_of_the_end(tmp_path):
    """Warm start, tests, rollouts, updates and checkpoints: a job is killed again and again until it is through."""
    overrides = [*SMALL, "env=math", "trainer.steps=20", "trainer.save_every=2", "trainer.threads=1"]
    overrides += ["model.warm_start.max_steps=20", "model.warm_start.batch_size=8"]
    process = begin(tmp_path / "whole", overrides)
    start = time.perf_counter()
    assert process.wait() == 0
    seconds = time.perf_counter() - start
    whole, moments, kills, jobs = contents(tmp_path / "whole"), random.Random(0), 0, 0
    while kills < 20:
        folder = tmp_path / f"killed-{jobs}"
        jobs += 1
        while True:
            process = begin(folder, overrides)
            try:
                assert process.wait(moments.uniform(0, seconds) if kills < 20 else None) == 0
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
        assert_same(contents(folder), whole, folder.name)
