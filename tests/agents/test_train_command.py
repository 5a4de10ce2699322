"""The command ``python -m agents.train``: from configuration to report, killed, resumed, and given bad input."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from infinite_rl.agents.config import TinyConfig
from infinite_rl.agents.models.policy import load_policy
from infinite_rl.agents.models.tiny_model import make_model, make_tokenizer
from infinite_rl.agents.reports import report
from infinite_rl.agents.runs.export import main as export
from infinite_rl.agents.runs.load_config import load_config, save_config
from infinite_rl.agents.runs.run_log import RunLog
from infinite_rl.agents.train import main

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    "model.tiny.hidden_size=32",
    "model.tiny.mlp_size=64",
    "model.tiny.layers=1",
    "model.warm_start.max_steps=20",
    "model.warm_start.batch_size=16",
    "data.train_size=40",
    "data.validation_size=10",
    "data.test_size=10",
    "data.prompts_per_rollout=4",
    "data.responses_per_prompt=4",
    "evaluation.samples_per_prompt=2",
    "evaluation.every=2",
    "trainer.save_every=2",
    "trainer.progress=false",
]


def quick(arguments: Sequence[str]) -> int:
    """The command without its report, which takes as long as all the rest; the exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "write_report", lambda folder: folder)
        return main(arguments)


def train(folder: Path, *overrides: str) -> Path:
    assert quick([*SMALL, f"trainer.save_dir={folder}", *overrides]) == 0
    return folder


def rows(folder: Path, name: str = "metrics.jsonl") -> list[dict]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def metrics(folder: Path) -> bytes:
    return (folder / "metrics.jsonl").read_bytes()


def assert_same_state(one: Path, other: Path, step: int) -> None:
    """Weights, or adapters, and all the trainer's state of two runs are equal bit for bit; but for the time it took."""
    first, second = (folder / "checkpoints" / f"step-{step:08d}" for folder in (one, other))
    (weights,) = first.glob("*.safetensors")
    assert_same(load_file(weights), load_file(second / weights.name))
    states = [torch.load(path / "trainer.pt", weights_only=True) for path in (first, second)]
    for state in states:
        for name in ("seconds", "cpu_seconds"):
            state["results"].pop(name)
    assert states[0]["optimizer"]["state"]
    assert_same(*states)


def assert_same(one: object, other: object, path: str = "") -> None:
    """Nested dictionaries and lists of tensors and plain values are equal bit for bit."""
    assert type(one) is type(other), path
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
    if isinstance(one, dict | list | tuple):
        for key in one if isinstance(one, dict) else range(len(one)):
            assert_same(one[key], other[key], f"{path}.{key}")
    else:
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other, path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of six steps, never interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert main([*SMALL, f"trainer.save_dir={folder}", "trainer.steps=6"]) == 0
    return folder


def test_a_run_leaves_all_its_files(whole):
    for name in ("config.yaml", "metrics.jsonl", "timing.jsonl", "transcripts.jsonl", "summary.json", "report.html"):
        assert (whole / name).stat().st_size > 0, name
    assert [row["step"] for row in rows(whole) if row["phase"] == "train"] == [1, 2, 3, 4, 5, 6]
    assert [row["step"] for row in rows(whole) if row.get("split") == "validation"] == [2, 4, 6]
    assert [row["step"] for row in rows(whole) if row.get("split") == "test"] == [0, 6]
    summary = json.loads((whole / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["gain"] == pytest.approx(summary["test_after"] - summary["test_before"])
    assert set(summary["hashes"]) == {"code", "config", "train", "validation", "test"}


def test_the_policy_that_did_best_on_the_validation_split_is_kept(whole):
    rates = [(row["pass_rate"], -row["step"]) for row in rows(whole) if row.get("split") == "validation"]
    summary = json.loads((whole / "summary.json").read_text())
    assert (summary["best_validation"], -summary["best_step"]) == max(rates)
    kept = load_file(whole / "checkpoints" / "best" / "model.safetensors")
    place = whole / "checkpoints" / f"step-{summary['best_step']:08d}" / "model.safetensors"
    if place.exists():
        assert all(torch.equal(weight, kept[name]) for name, weight in load_file(place).items())


def test_times_stay_out_of_the_metrics(whole):
    assert not any("second" in key for row in rows(whole) for key in row)
    assert all("cpu_seconds" in row for row in rows(whole, "timing.jsonl"))
    for row in rows(whole, "timing.jsonl"):
        if row["phase"] == "train":
            assert 0 < row["rollout_seconds"] < row["seconds"]
            inner = [row[f"{name}_seconds"] for name in ("scoring", "backward", "optimizer")]
            assert 0 < sum(inner) < row["learning_seconds"] < row["seconds"]
            assert ("validation_seconds" in row, "saving_seconds" in row) == (row["step"] % 2 == 0,) * 2
            assert row["tokens"] < row["rollout_tokens"] == row["learnt_tokens"]  # with prompts
            assert row["memory_mib"] > 50
            assert row["mfu"] is None


def test_the_reference_is_the_policy_before_the_first_step(whole):
    first = next(row for row in rows(whole) if row["phase"] == "train")
    assert first["kl"] == 0.0
    assert first["ratio"] == pytest.approx(1.0, abs=1e-5)
    assert first["clip_fraction"] == 0.0


def test_transcripts_pair_the_same_tasks_before_and_after(whole):
    before = [row["task_id"] for row in rows(whole, "transcripts.jsonl") if row["when"] == "before"]
    after = [row["task_id"] for row in rows(whole, "transcripts.jsonl") if row["when"] == "after"]
    assert before == after
    assert len(set(before)) == 10


def test_the_same_seed_writes_the_same_bytes(whole, tmp_path):
    again = train(tmp_path / "again", "trainer.steps=6")
    assert metrics(again) == metrics(whole)
    assert_same_state(again, whole, 6)


def test_another_seed_writes_others(whole, tmp_path):
    assert metrics(train(tmp_path / "other", "trainer.steps=6", "seed=1")) != metrics(whole)


@pytest.mark.parametrize("stop", [1, 2])
def test_19_a_run_and_its_resumption_equal_one_run(whole, tmp_path, stop):
    folder = train(tmp_path / "halves", f"trainer.steps={stop}")
    assert quick(["--resume", str(folder), "trainer.steps=6"]) == 0
    assert metrics(folder) == metrics(whole)
    assert_same_state(folder, whole, 6)
    before = [row for row in rows(folder, "transcripts.jsonl") if row["when"] == "after"]
    assert len(before) == 10  # those of the first end are gone


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The folder of a tiny model that was made before."""
    folder = tmp_path_factory.mktemp("base") / "model"
    tokenizer = make_tokenizer()
    shape = TinyConfig(hidden_size=32, layers=1, heads=4, kv_heads=2, mlp_size=64, max_positions=512)
    model = make_model(tokenizer, shape, seed=0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    """Overrides of a job whose rewards differ from response to response, whatever the model."""
    folder = tmp_path_factory.mktemp("varied")
    functions = """
def interact(messages): return []
def reward_fn(messages, answer): return len(set(messages[-1]["content"])) / 8
"""
    (folder / "letters.py").write_text(functions)
    tasks = [{"messages": [{"role": "user", "content": f"{i}?"}], "answer": "x"} for i in range(120)]
    (folder / "tasks.jsonl").write_text("\n".join(map(json.dumps, tasks)))
    small = [override for override in SMALL if not override.startswith("model.")]
    return [*small, f"env={folder / 'letters.py'}", "data=file", f"data.train_path={folder / 'tasks.jsonl'}"]


UNTRAINED = [override for override in SMALL if override.startswith("model.tiny")] + ["model.warm_start=null"]


def test_what_is_exported_says_what_the_run_s_policy_says(tmp_path):
    """Of a checkpoint in the midst of a warm start, and of a run that computes in other ways than it is exported."""
    folder, checkpoint = tmp_path / "exported", tmp_path / "run" / "checkpoints" / "step-00000000"
    more = ["trainer.steps=0", "model.gradient_checkpointing=true", "trainer.deterministic=true"]
    assert train_until(tmp_path / "run", "warmup", 1, signal.SIGTERM, *more, "model.warm_start.max_steps=100000") == 0
    assert export([str(tmp_path / "run"), str(folder)]) == 0
    policy = load_policy(str(checkpoint))[0]
    ids = torch.arange(5, 20)[None]
    with torch.no_grad():
        logits = [model(ids).logits for model in (AutoModelForCausalLM.from_pretrained(folder), policy)]
    assert torch.equal(*logits)


def test_a_checkpoint_knows_nothing_of_threads_and_opens_with_another_number(tmp_path):
    folder = train(tmp_path / "run", "trainer.steps=2", "trainer.threads=1")
    try:
        assert quick(["--resume", str(folder), "trainer.steps=4", "trainer.threads=2"]) == 0
    finally:
        torch.set_num_threads(1)
    state = torch.load(folder / "checkpoints" / "step-00000004" / "trainer.pt", weights_only=True)
    assert state["step"] == 4
    assert not [name for name in flat(state) if any(word in name for word in ("thread", "rank", "world", "device"))]


def flat(state: object, prefix: str = "") -> list[str]:
    """The dotted names of a nested dictionary."""
    if not isinstance(state, dict):
        return [prefix]
    return [name for key, value in state.items() for name in flat(value, f"{prefix}.{key}")]


def test_a_whole_model_is_exported_as_it_is(whole, tmp_path, capsys):
    folder = tmp_path / "exported"
    assert export([str(whole), str(folder)]) == 0
    assert "step 6" in capsys.readouterr().out
    assert_same(
        load_file(folder / "model.safetensors"),
        load_file(whole / "checkpoints" / "step-00000006" / "model.safetensors"),
    )
    for arguments, message in (
        ([str(whole), str(folder)], "is there already"),
        ([str(tmp_path), str(tmp_path / "x")], "not a run to resume"),
    ):
        assert export(arguments) == 2
        assert message in capsys.readouterr().err


ADAPTERS = ["model=lora", "rollout.max_new_tokens=8"]
VARIANTS = {
    "critic": ["algorithm=ppo", "critic.weight_decay=0.1"],
    "schedule": [
        "actor.scheduler=cosine",
        "actor.decay_steps=4",
        "actor.warmup_steps=2",
        "actor.freeze_steps=1",
        "actor.optimizer=adafactor",
    ],
    "reference that follows": ["actor.ref_period=2", "actor.ref_update=ema", "actor.ema_alpha=0.5", "actor.lr=0.01"],
    "adapters": [*ADAPTERS, "actor.lr=0.01"],
    "adapters and critic": [*ADAPTERS, "algorithm=ppo", "actor.lr=0.01"],
    "half precision": ["model.weights=bfloat16"],
}


def assert_export_says_the_same(run: Path, folder: Path, base: Path) -> None:
    """What is exported needs no peft, and is the policy with its adapters, not the model they were made for."""
    assert export([str(run), str(folder)]) == 0
    assert not list(folder.glob("adapter*"))
    ids = torch.arange(5, 20)[None]
    latest = run / "checkpoints" / "step-00000005"
    exported, adapted, plain = (
        AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)(ids).logits for path in (folder, latest, base)
    )
    torch.testing.assert_close(exported, adapted, atol=0.02, rtol=0.02)  # the base is kept in half precision
    assert (exported - plain).abs().max() > (exported - adapted).abs().max() * 5


QUICK = ("critic",)


@pytest.mark.parametrize(
    "variant", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in VARIANTS]
)
def test_every_part_of_a_run_is_resumed_exactly(variant, tmp_path, base, varied):
    overrides = VARIANTS[variant]
    overrides = [*varied, *overrides, *([f"model.name={base}"] if "model=lora" in overrides else UNTRAINED)]
    for name, steps in (("whole", 5), ("halves", 3)):
        assert quick([*overrides, f"trainer.steps={steps}", f"trainer.save_dir={tmp_path / name}"]) == 0
    assert quick(["--resume", str(tmp_path / "halves"), "trainer.steps=5"]) == 0
    assert all(row["zero_variance_groups"] < 1 for row in rows(tmp_path / "whole") if row["phase"] == "train")
    assert metrics(tmp_path / "halves") == metrics(tmp_path / "whole")
    assert_same_state(tmp_path / "halves", tmp_path / "whole", 5)
    if "model=lora" in overrides:
        assert_export_says_the_same(tmp_path / "whole", tmp_path / "exported", base)
    parts = torch.load(tmp_path / "whole" / "checkpoints" / "step-00000005" / "trainer.pt", weights_only=True)
    assert set(parts["companions"]) == (
        {"critic", "critic_optimizer"} if "critic" in variant else {"reference"} if "follows" in variant else set()
    )


def test_a_frozen_policy_stays_while_its_critic_learns(tmp_path, varied):
    overrides = [*VARIANTS["critic"], "actor.freeze_steps=2", "trainer.save_every=1", "trainer.keep=9"]
    assert quick([*varied, *UNTRAINED, *overrides, "trainer.steps=3", f"trainer.save_dir={tmp_path / 'run'}"]) == 0
    folder = tmp_path / "run" / "checkpoints"
    weights = [load_file(folder / f"step-0000000{step}" / "model.safetensors") for step in range(4)]
    assert_same(weights[0], weights[2])
    assert not all(torch.equal(weights[2][name], weights[3][name]) for name in weights[2])
    critics = [torch.load(folder / f"step-0000000{step}" / "trainer.pt")["companions"]["critic"] for step in (1, 2)]
    assert not torch.equal(critics[0]["head.bias"], critics[1]["head.bias"])


def conversations(path: Path, count: int = 60) -> Path:
    """Sums and differences, one of them far too long."""
    rows = []
    for i in range(count):
        answer = {"role": "assistant", "content": f"<answer>{i + 3}</answer>" if i else "1" * 600}
        rows.append({"messages": [{"role": "user", "content": f"{i}+3="}, answer], "answer": i + 3})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_conversations_warm_a_run_up_and_their_losses_are_reported(tmp_path):
    path = conversations(tmp_path / "talk.jsonl")
    overrides = [f"model.warm_start.path={path}", "model.warm_start.target=null", "model.warm_start.max_steps=40"]
    folder = train(tmp_path / "run", *overrides, "trainer.steps=1")
    warm = [row for row in rows(folder) if row["phase"] == "warmup"]
    assert [row["step"] for row in warm] == [10, 20, 30, 40]
    assert warm[-1]["loss"] < warm[0]["loss"]
    assert warm[-1]["validation_loss"] < warm[0]["validation_loss"]
    left_out = json.loads((folder / "summary.json").read_text())["warm_start_left_out"]
    assert left_out.startswith("1 too long")


def test_without_steps_a_run_is_supervised_alone(tmp_path):
    path = conversations(tmp_path / "talk.jsonl")
    folder = train(tmp_path / "run", f"model.warm_start.path={path}", "trainer.steps=0")
    assert {row["phase"] for row in rows(folder)} == {"warmup", "eval"}
    assert (folder / "checkpoints" / "step-00000000" / "model.safetensors").exists()
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["status"], summary["gain"]) == ("finished", 0.0)


def test_any_environment_trains_by_its_id(tmp_path):
    small = [override for override in SMALL if not override.startswith("model.warm_start")]
    overrides = ["env=InfiniteRL/Stub-v0", "model.warm_start=null", "rollout.max_new_tokens=2", "trainer.steps=1"]
    assert quick([*small, *overrides, f"trainer.save_dir={tmp_path / 'run'}"]) == 0
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["env"] == "InfiniteRL/Stub-v0"


def test_a_run_cannot_go_back_to_fewer_steps(whole, capsys):
    assert main(["--resume", str(whole), "trainer.steps=1"]) == 2
    assert "trainer.steps=1: the run has done" in capsys.readouterr().err


def test_resuming_a_finished_run_changes_nothing(whole, tmp_path):
    folder = Path(shutil.copytree(whole, tmp_path / "done"))
    assert quick(["--resume", str(folder)]) == 0
    assert metrics(folder) == metrics(whole)


def test_only_the_latest_checkpoints_are_kept(whole):
    kept = sorted(path.name for path in (whole / "checkpoints").iterdir())
    assert kept == ["best", "reference", "step-00000004", "step-00000006"]


def test_transformers_loads_a_checkpoint(whole):
    from transformers import AutoTokenizer

    folder = whole / "checkpoints" / "step-00000006"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("1+2=", return_tensors="pt").input_ids
    assert AutoModelForCausalLM.from_pretrained(folder)(ids).logits.shape == (1, 4, len(tokenizer))


# Loads torch once for all processes that tests kill.
FORK_SERVER = multiprocessing.get_context("forkserver")
FORK_SERVER.set_forkserver_preload(["infinite_rl.agents.runs.training"])


def start(folder: Path, *overrides: str) -> ForkServerProcess:
    """A run in a process of its own."""
    # With as many threads as this process, or sums would differ in their last bits.
    arguments = [*SMALL, "trainer.threads=1", f"trainer.save_dir={folder}", *overrides]
    process = FORK_SERVER.Process(target=main, args=(arguments,), daemon=True)  # ends with this one
    process.start()
    return process


def wait_for(folder: Path, phase: str, count: int, runs: Callable[[], bool]) -> bool:
    """Waits until so many rows of a phase are written; False if the run ends before that."""
    path = folder / "metrics.jsonl"
    while runs():
        if path.exists() and path.read_text().count(f'"phase": "{phase}"') >= count:
            return True
        time.sleep(0.05)
    return False


def train_until(folder: Path, phase: str, count: int, number: int, *overrides: str) -> int:
    """Trains in this process, which gets a signal when so many rows of a phase are written; the exit code."""
    ended = threading.Event()

    def stop() -> None:
        if wait_for(folder, phase, count, lambda: not ended.is_set()):
            os.kill(os.getpid(), number)

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        return main([*SMALL, f"trainer.save_dir={folder}", *overrides])
    finally:
        ended.set()
        thread.join()


# Longer than any test lets it run, so that the signal always comes in time.
ENDLESS = "trainer.steps=100000"


@pytest.mark.slow
def test_a_run_started_elsewhere_ends_by_ctrl_c_without_a_traceback(tmp_path):
    folder = tmp_path / "stopped"
    command = [sys.executable, "-m", "infinite_rl.agents.train", *SMALL, f"trainer.save_dir={folder}", ENDLESS]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(folder, "train", 1, lambda: process.poll() is None)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("number", "code"), [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 0)]
)
def test_a_signal_ends_the_run_with_checkpoint_and_report(tmp_path, number, code):
    folder = tmp_path / "stopped"
    assert train_until(folder, "train", 3, number, ENDLESS) == code
    assert json.loads((folder / "summary.json").read_text())["status"] == "interrupted"
    assert (folder / "report.html").exists()
    last = rows(folder)[-1]["step"]
    assert (folder / "checkpoints" / f"step-{last:08d}" / "trainer.pt").exists()
    assert quick(["--resume", str(folder), f"trainer.steps={last + 2}"]) == 0
    assert metrics(folder) == metrics(train(tmp_path / "whole", f"trainer.steps={last + 2}"))


@pytest.mark.slow
def test_a_run_killed_at_once_goes_on_from_its_last_checkpoint(tmp_path):
    folder = tmp_path / "killed"
    process = start(folder, ENDLESS)
    wait_for(folder, "train", 5, process.is_alive)
    process.kill()
    process.join()
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9, "pha')  # as a kill in mid-write would leave it
    done = rows_of_checkpoints(folder)
    assert quick(["--resume", str(folder), f"trainer.steps={done + 2}"]) == 0
    assert metrics(folder) == metrics(train(tmp_path / "whole", f"trainer.steps={done + 2}"))


def test_a_dry_run_shows_the_plan_and_does_nothing(tmp_path, capsys):
    assert main(["--dry-run", *SMALL, f"trainer.save_dir={tmp_path / 'run'}", "actor.minibatches=2"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for part in (
        "40 train",
        "10 validation",
        "4 tasks x 4 responses = 16 episodes",
        "2 updates a step",
        "up to 20 super",
    ):
        assert part in shown
    assert not (tmp_path / "run").exists()
    assert main(["--dry-run", *SMALL, "data.prompts_per_rollout=41"]) == 2


def test_a_run_with_nothing_to_compare_says_so_once(tmp_path, capsys):
    hopeless = ["model.warm_start=null", "trainer.steps=7", "trainer.progress=true", f"trainer.save_dir={tmp_path}"]
    assert quick([*SMALL, *hopeless]) == 0
    shown = " ".join("".join(capsys.readouterr()).split())
    assert shown.count("in 5 steps all responses to a task earned the same, 0 now: nothing could be learnt") == 1


def test_resume_auto_begins_and_then_goes_on(whole, tmp_path, capsys):
    """One line for a scheduler that starts a job again whenever it was stopped."""
    line = ["--resume", "auto", *SMALL, f"trainer.save_dir={tmp_path / 'auto'}"]
    assert quick([*line, "trainer.steps=2"]) == 0
    assert quick([*line, "trainer.steps=6"]) == 0
    assert metrics(tmp_path / "auto") == metrics(whole)
    assert main([*line, "seed=1"]) == 2
    assert "holds another run: seed is 0 there, and not 1" in capsys.readouterr().err
    assert main(["--resume", "auto", *SMALL]) == 2
    assert "--resume auto needs trainer.save_dir" in capsys.readouterr().err


def test_a_checkpoint_that_cannot_be_written_ends_the_run_with_one_line(tmp_path, capsys, files_of_at_most):
    with files_of_at_most(30_000):  # configuration and metrics fit
        assert quick([*SMALL, f"trainer.save_dir={tmp_path / 'full'}"]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert not list((tmp_path / "full" / "checkpoints").iterdir())


def rows_of_checkpoints(folder: Path) -> int:
    return max(int(path.name[-8:]) for path in (folder / "checkpoints").glob("step-*"))


@pytest.mark.slow
def test_a_disk_that_is_full_when_metrics_are_written_ends_the_run_with_one_line(tmp_path, capsys, monkeypatch):
    """The checkpoints before it are whole, and the run goes on from them once there is room."""
    folder, write = tmp_path / "run", RunLog.write

    def full(log, step, phase, values):
        if (step, phase) == (3, "train"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(log.folder / "metrics.jsonl"))
        write(log, step, phase, values)

    with monkeypatch.context() as patch:
        patch.setattr(RunLog, "write", full)
        assert quick([*SMALL, f"trainer.save_dir={folder}", "trainer.steps=4"]) == 1
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error"))
    assert "step 3" in line
    assert "No space left on device" in line
    assert quick([f"--resume={folder}", "trainer.progress=false"]) == 0
    assert metrics(folder) == metrics(train(tmp_path / "other", "trainer.steps=4"))


@pytest.mark.slow
def test_a_warm_start_resumes_where_it_was_stopped(tmp_path):
    long = ["model.warm_start.max_steps=400", "model.warm_start.target=1.1", "trainer.steps=2"]
    folder = tmp_path / "warm"
    assert train_until(folder, "warmup", 2, signal.SIGINT, *long) == 130
    steps = rows(folder)[-1]["step"] + 20
    enough = f"model.warm_start.max_steps={steps}"
    assert quick(["--resume", str(folder), enough]) == 0
    assert metrics(folder) == metrics(train(tmp_path / "whole", *long, enough))


@pytest.fixture(scope="module")
def local_model(whole):
    return whole / "checkpoints" / "step-00000006"


@pytest.mark.parametrize("dtype", ["auto", "bfloat16"])
def test_any_causal_model_from_a_folder_trains(local_model, tmp_path, dtype):
    small = [o for o in SMALL if not o.startswith("model.")]
    arguments = [
        *small,
        "model=hf",
        f"model.name={local_model}",
        f"model.dtype={dtype}",
        "rollout.max_new_tokens=6",
        "trainer.steps=2",
        f"trainer.save_dir={tmp_path / 'hf'}",
    ]
    assert quick(arguments) == 0
    trained = [row for row in rows(tmp_path / "hf") if row["phase"] == "train"]
    assert len(trained) == 2
    assert trained[0]["ratio"] == pytest.approx(1.0, abs=0.05 if dtype == "bfloat16" else 1e-4)


def test_tasks_from_a_file_train(tmp_path):
    lines = [
        json.dumps({"messages": [{"role": "user", "content": f"{a}+{b}="}], "answer": a + b})
        for a in range(10)
        for b in range(10)
    ]
    path = tmp_path / "sums.jsonl"
    path.write_text("\n".join(lines))
    folder = train(tmp_path / "run", "data=file", f"data.train_path={path}", "trainer.steps=2")
    assert any("pass_rate/sums" in row for row in rows(folder))


def test_a_table_of_generated_tasks_trains(tmp_path):
    lines = ["type,prompt,answer,response,quality_score,language,pass_rate"]
    for n in range(40):
        lines.append(f'math,Which pair is {n}?,"[{n}, 2]","<answer>[{n}, 2]</answer>",1.0,,0.5')
        lines.append(f"coding,Print {n}.,{n},<answer>console.log({n})</answer>,1.0,javascript,")
    path = tmp_path / "dataset.csv"
    path.write_text("\n".join(lines))
    folder = train(tmp_path / "run", "data=file", f"data.train_path={path}", "trainer.steps=1")
    found = {name for row in rows(folder) for name in row}
    assert {"pass_rate/dataset/math", "pass_rate/dataset/coding"} <= found


@pytest.mark.slow
def test_wandb_logs_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    folder = train(tmp_path / "run", "trainer.steps=1", "trainer.use_wandb=true")
    assert list((folder / "wandb").glob("offline-run-*/*.wandb"))


@pytest.mark.slow
def test_wandb_without_a_login_is_one_clear_line(tmp_path):
    """In a process of its own, for Weights & Biases reads its settings once."""
    code = "import sys; from infinite_rl.agents.train import main; sys.exit(main(sys.argv[1:]))"
    arguments = [*SMALL, f"trainer.save_dir={tmp_path / 'run'}", "trainer.use_wandb=true"]
    names = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=names | {"HOME": str(tmp_path), "NETRC": str(tmp_path / "none"), "WANDB_CONFIG_DIR": str(tmp_path)},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "log in with `wandb login`, or set WANDB_MODE=offline" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_what_is_watched_changes_nothing_that_is_learnt(whole, tmp_path):
    """TensorBoard and the profiler look on."""
    folder = train(tmp_path / "run", "trainer.steps=6", "trainer.use_tensorboard=true", "trainer.profile_steps=2")
    assert metrics(folder) == metrics(whole)
    phases = {"warmup", "train", "validation", "curriculum", "test"}
    assert {path.name for path in (folder / "tensorboard").iterdir()} == phases
    assert {path.name for path in (folder / "profile").iterdir()} == {"trace.json.gz", "table.txt"}


def empty(tmp_path: Path) -> str:
    path = tmp_path / "empty.jsonl"
    path.write_text("\n")
    return str(path)


def unjudgeable(tmp_path: Path) -> str:
    path = tmp_path / "odd.jsonl"
    rows = [{"messages": [{"role": "user", "content": f"{i}?"}], "answer": None} for i in range(50)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def saved_model(tmp_path: Path, *, with_tokenizer: bool = True) -> Path:
    tokenizer = make_tokenizer()
    shape = TinyConfig(hidden_size=16, layers=1, heads=2, kv_heads=1, mlp_size=16, max_positions=512)
    make_model(tokenizer, shape, seed=0).save_pretrained(tmp_path / "model")
    if with_tokenizer:
        tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def answered(tmp_path: Path) -> str:
    path = tmp_path / "answered.jsonl"
    rows = [{"messages": [{"role": "user", "content": f"{i}?"}], "answer": i} for i in range(50)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def unanswered(tmp_path: Path) -> str:
    path = conversations(tmp_path / "talk.jsonl")
    path.write_text("".join(json.dumps({"messages": row["messages"]}) + "\n" for row in rows(tmp_path, path.name)))
    return str(path)


BAD = {
    "unknown key": (lambda _: ["actor.lrr=1"], "did you mean 'actor.lr'"),
    "new key": (lambda _: ["+actor.momentum=1"], "unknown configuration key 'actor.momentum'"),
    "wrong type": (lambda _: ["actor.lr=fast"], "actor.lr"),
    "impossible value": (lambda _: ["rollout.temperature=0"], "rollout.temperature"),
    "unknown sampler": (lambda _: ["buffer.sampler=best"], "uniform, round_robin"),
    "unknown config": (lambda _: ["--config-name", "grpoo"], "grpo"),
    "missing model name": (lambda _: ["model=hf"], "model.name"),
    "missing conversations": (lambda path: [f"model.warm_start.path={path}/none"], "no such file"),
    "adapters for the model made on the spot": (
        lambda _: ["model.lora={r: 4, alpha: 8, target_modules: null}"],
        "model=hf and set model.name",
    ),
    "missing model folder": (lambda path: ["model=hf", f"model.name={path}/none"], "no such folder"),
    "folder without a model": (lambda path: ["model=hf", f"model.name={path}"], "cannot be loaded"),
    "file of a model": (
        lambda path: ["model=hf", f"model.name={saved_model(path) / 'config.json'}"],
        "model/config.json is a file: name its folder, ",
    ),
    "folder of a model without a tokenizer": (
        lambda path: ["model=hf", f"model.name={saved_model(path, with_tokenizer=False)}"],
        "no tokenizer there; save it with tokenizer.save_pretrained",
    ),
    "missing task file": (lambda path: ["data=file", f"data.train_path={path}/none"], "no such file"),
    "empty task file": (lambda path: ["data=file", f"data.train_path={empty(path)}"], "no tasks"),
    "tasks of a file beside arguments for procedural ones": (
        lambda path: [f"data.train_path={answered(path)}"],
        "template: for procedural tasks only, not beside tasks that are given: add data=file",
    ),
    "too few problems": (lambda _: ["data.train_size=100000"], "data.train_size"),
    "unknown argument of the environment": (lambda _: ["data.env_arguments.lvel=1"], "argument 'lvel'"),
    "more tasks a step than there are": (lambda _: ["data.prompts_per_rollout=41"], "the train split has only 40"),
    "unknown environment": (lambda _: ["data.env=InfiniteRL/Maths-v0"], "Maths-v0"),
    "no room for a response": (
        lambda _: ["rollout.max_length=3"],
        "rollout.max_length=3 leaves no room for a response: the shortest of the first 100 training tasks opens with ",
    ),
    "longer episodes than the model was made for": (
        lambda _: ["rollout.max_length=513"],
        "rollout.max_length=513 is more than the 512 tokens that the model was made for",
    ),
    "responses as long as an episode": (
        lambda _: ["rollout.max_length=40", "rollout.max_new_tokens=40"],
        "rollout.max_new_tokens=40: rollout.max_length=40 has no room for that and a prompt",
    ),
    "responses as long as all that fits": (
        lambda _: ["rollout.max_new_tokens=512"],
        "rollout.max_new_tokens=512: the model, made for 512 tokens, has no room for that and a prompt",
    ),
    "conversations in the place of tasks": (
        lambda path: ["data=file", f"data.train_path={unanswered(path)}"],
        "conversations: to learn from what is said in them, set model.warm_start.path",
    ),
    "demonstrations in the place of tasks": (
        lambda path: ["data=file", f"data.train_path={conversations(path / 'talk.jsonl', 20)}"],
        "set model.warm_start.path",
    ),
    "no room in the model": (lambda _: ["model.tiny.max_positions=4"], "the model, made for 4 tokens, leaves no room"),
    "unknown model": (lambda _: ["model=hf", "model.name=gpt22"], "neither a folder here nor the name of a model"),
    "unknown device": (
        lambda _: ["trainer.device=gpu7"],
        "trainer.device=gpu7: there is no such device; take auto, cpu, cuda or cuda:N",
    ),
    "adapters for a layer that the model lacks": (
        lambda path: [
            "model=lora",
            f"model.name={saved_model(path)}",
            "model.lora.target_modules=[q_proj,foo]",
            "rollout.max_new_tokens=8",
        ],
        "no layer is called foo; target_modules may name down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj",
    ),
    "impossible shape": (lambda _: ["model.tiny.kv_heads=3"], "model.tiny.kv_heads"),
    "too large a seed": (lambda _: ["seed=99999999999999999999"], "seed"),
    "another environment": (lambda _: ["data.env=CartPole-v1"], "CartPole"),
    "answers that cannot be judged": (lambda path: ["data=file", f"data.train_path={unjudgeable(path)}"], "type"),
    "nothing to resume": (lambda path: ["--resume", str(path)], "not a run to resume"),
    "output is a file": (lambda path: [f"trainer.save_dir={empty(path)}"], "cannot be written"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_with_one_clear_line_and_code_2(case, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arguments, expected = BAD[case]
    run = [f"trainer.save_dir={tmp_path / 'run'}"] if "resume" not in case and "output" not in case else []
    small = [] if "resume" in case else [o for o in SMALL if "model" not in case or not o.startswith("model.")]
    assert main([*small, *run, *arguments(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("error: ")
    assert expected in error
    assert "Traceback" not in error
    assert "TaskList(" not in error
    assert len(error) < 500


def test_bad_input_is_refused_before_torch_is_loaded(tmp_path):
    (tmp_path / "run" / "checkpoints" / "step-00000050").mkdir(parents=True)
    save_config(load_config(), tmp_path / "run" / "config.yaml")
    (tmp_path / "taken" / "checkpoints" / "step-00000050").mkdir(parents=True)
    refused = {
        "seed": ["seed=x"],
        "not a run to resume": ["--resume", str(tmp_path)],
        "Maths-v0": ["env=Maths-v0"],
        "nope.jsonl: no such file": ["data=file", "data.train_path=nope.jsonl"],
        "none.jsonl: no such file": ["model.warm_start.path=none.jsonl"],
        "model.name=./none: no such folder": ["model=hf", "model.name=./none"],
        "holds a run already": [f"trainer.save_dir={tmp_path / 'taken'}"],
        "the run has done 50 already": ["--resume", str(tmp_path / "run"), "trainer.steps=40"],
    }
    code = (
        "import sys; from infinite_rl.agents.train import main\n"
        f"assert {{main(arguments) for arguments in {[*refused.values()]!r}}} == {{2}}\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    for told, line in zip(refused, done.stderr.splitlines(), strict=True):
        assert told in line


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_an_unwritable_output_is_one_clear_line(tmp_path, capsys):
    tmp_path.chmod(0o500)
    assert main([*SMALL, f"trainer.save_dir={tmp_path / 'run'}"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_folder_with_a_run_is_not_overwritten(whole, capsys):
    before = metrics(whole)
    assert main([*SMALL, f"trainer.save_dir={whole}"]) == 2
    assert "--resume" in capsys.readouterr().err
    assert metrics(whole) == before


@pytest.mark.parametrize("override", ["data.test_size=1", "seed=3", "actor.kl_coef=0", "rollout.temperature=0.5"])
def test_what_would_make_another_run_cannot_change_on_resume(whole, override, capsys):
    before = (whole / "config.yaml").read_bytes()
    assert main(["--resume", str(whole), override]) == 2
    assert "cannot change on resume" in capsys.readouterr().err
    assert (whole / "config.yaml").read_bytes() == before


@pytest.mark.slow
def test_a_run_killed_before_its_first_checkpoint_can_start_again(whole, tmp_path, capsys):
    folder = tmp_path / "early"
    process = start(folder, "model.warm_start.max_steps=100000", "model.warm_start.target=1.1")
    wait_for(folder, "warmup", 2, process.is_alive)
    process.kill()
    process.join()
    assert main(["--resume", str(folder)]) == 2
    assert "no checkpoint" in capsys.readouterr().err
    assert metrics(train(folder, "trainer.steps=6")) == metrics(whole)


def test_there_is_a_checkpoint_before_the_first_step(tmp_path):
    folder = train(tmp_path / "none", "trainer.steps=0")
    assert (folder / "checkpoints" / "step-00000000" / "trainer.pt").exists()


def test_a_failed_start_leaves_no_run_behind(tmp_path):
    assert quick([*SMALL, f"trainer.save_dir={tmp_path / 'run'}", "data.env=InfiniteRL/None-v0"]) == 2
    assert quick([*SMALL, f"trainer.save_dir={tmp_path / 'run'}", "trainer.steps=0"]) == 0


TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=1", "-m", "agents.train"]


def test_torchrun_starts_the_command():
    done = subprocess.run([*TORCHRUN, "seed=x"], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert "error: seed: Value 'x'" in done.stderr


@pytest.mark.slow
def test_torchrun_trains(tmp_path):
    arguments = [*SMALL, "trainer.steps=1", f"trainer.save_dir={tmp_path / 'run'}"]
    done = subprocess.run([*TORCHRUN, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_default_job_learns_within_its_budget(seed, tmp_path):
    folder = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-m", "agents.train", f"seed={seed}", f"trainer.save_dir={folder}"], cwd=ROOT, timeout=1200
    )
    assert done.returncode == 0
    summary = json.loads((folder / "summary.json").read_text())
    assert 0.2 <= summary["test_before"] <= 0.4
    assert summary["gain"] >= 0.35
    assert summary["cpu_seconds"] <= 240
