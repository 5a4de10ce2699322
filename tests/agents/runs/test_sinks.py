"""Numbers of a run beside its own files: TensorBoard's event files are read back, Weights & Biases is offline."""

import math
import time

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.runs import check_config
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.run_log import RunLog
from infinite_rl.agents.runs.sinks import TENSORBOARD


@pytest.fixture(scope="module")
def config():
    return load_config("grpo", ["trainer.use_tensorboard=true"])


@pytest.fixture
def log(tmp_path, config):
    def make(**options):
        return RunLog(tmp_path, **{"offset": 0, "config": config, **options})

    return make


def scalars(folder, phase):
    """Everything that TensorBoard shows of a phase: by name, steps and values in order."""
    found = EventAccumulator(str(folder / TENSORBOARD / phase), size_guidance={"scalars": 0}).Reload()
    return {name: [(row.step, row.value) for row in found.Scalars(name)] for name in found.Tags()["scalars"]}


def later():
    """Event files are read in the order of the seconds in which they were opened; no run resumes within one."""
    time.sleep(1.1)


def test_every_number_of_a_phase_is_a_scalar_at_its_step(log, tmp_path):
    with log() as run:
        run.write(10, "warmup", {"loss": 2.0})
        run.write(1, "train", {"reward": 0.25, "kl": math.nan})
        run.write(2, "train", {"reward": 0.5, "kl": 0.125})
    assert scalars(tmp_path, "warmup") == {"loss": [(10, 2.0)]}
    found = scalars(tmp_path, "train")
    assert found["reward"] == [(1, 0.25), (2, 0.5)]
    assert math.isnan(found["kl"][0][1])
    assert found["kl"][1] == (2, 0.125)


def test_held_out_splits_are_told_apart(log, tmp_path):
    with log() as run:
        run.write(0, "eval", {"split": "test", "pass_rate": 0.25})
        run.write(5, "eval", {"split": "validation", "pass_rate": 0.5})
    assert scalars(tmp_path, "test") == {"pass_rate": [(0, 0.25)]}
    assert scalars(tmp_path, "validation") == {"pass_rate": [(5, 0.5)]}


def test_times_of_steps_are_shown_and_what_is_not_known_is_not(log, tmp_path):
    with log() as run:
        run.write_times(1, "train", {"rollout_seconds": 0.5, "tokens": 12, "mfu": math.nan})
        with run.timed(1, "eval"):
            pass
    assert scalars(tmp_path, "train") == {"time/rollout_seconds": [(1, 0.5)], "time/tokens": [(1, 12.0)]}
    assert not (tmp_path / TENSORBOARD / "eval").exists()


def test_a_resumed_run_goes_on_and_shows_no_step_twice(log, tmp_path):
    with log() as run:
        run.write(10, "warmup", {"loss": 1.0})
        run.write(0, "eval", {"split": "test", "pass_rate": 0.0})
        for step in (1, 2, 3):  # the checkpoint is that of step 2
            run.write(step, "train", {"reward": float(step)})
            run.write(step, "eval", {"split": "validation", "pass_rate": float(step)})
        run.write(3, "eval", {"split": "test", "pass_rate": 0.5})
    later()
    with log(offset=1, step=2, warmup_steps=10) as run:
        run.write(3, "train", {"reward": 30.0})
        run.write(4, "train", {"reward": 40.0})
    assert scalars(tmp_path, "train")["reward"] == [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]
    # Also where nothing has come in the place of what is out of date.
    assert scalars(tmp_path, "validation")["pass_rate"] == [(1, 1.0), (2, 2.0)]
    assert scalars(tmp_path, "test")["pass_rate"] == [(0, 0.0)]
    assert scalars(tmp_path, "warmup")["loss"] == [(10, 1.0)]


def test_a_run_resumed_before_its_first_test_shows_that_once(log, tmp_path):
    with log() as run:
        run.write(10, "warmup", {"loss": 1.0})
        run.write(20, "warmup", {"loss": 0.5})
        run.write(0, "eval", {"split": "test", "pass_rate": 0.25})
    later()
    with log(offset=1, warmup_steps=10, tested=False) as run:
        run.write(20, "warmup", {"loss": 0.75})
        run.write(0, "eval", {"split": "test", "pass_rate": 0.5})
    assert scalars(tmp_path, "warmup")["loss"] == [(10, 1.0), (20, 0.75)]
    assert scalars(tmp_path, "test")["pass_rate"] == [(0, 0.5)]


def test_a_new_run_shows_nothing_of_one_that_came_to_nothing(log, tmp_path):
    with log() as run:
        run.write(7, "train", {"reward": 1.0})
    with log() as run:
        run.write(1, "train", {"reward": 0.5})
    assert scalars(tmp_path, "train")["reward"] == [(1, 0.5)]


def test_nothing_is_written_where_nobody_asked(tmp_path):
    with RunLog(tmp_path, offset=0, config=load_config()) as run:
        run.write(1, "train", {"reward": 1.0})
    assert not (tmp_path / TENSORBOARD).exists()


def test_without_tensorboard_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(check_config, "find_spec", lambda name: None)
    load_config()
    with pytest.raises(ConfigError, match=r"^trainer.use_tensorboard needs tensorboard: pip install .*\[tensorboard\]"):
        load_config("grpo", ["trainer.use_tensorboard=true"])


class Run:
    """Stands for a run at Weights & Biases."""

    def __init__(self):
        self.rows, self.summary, self.codes = [], {}, []

    def define_metric(self, *arguments, **options):
        assert (arguments, options) == (("*",), {"step_metric": "step"})

    def log(self, row):
        self.rows.append(row)

    def finish(self, exit_code):
        self.codes.append(exit_code)


@pytest.fixture
def wandb_runs(monkeypatch):
    runs = []

    def init(**options):
        runs.append(Run())
        return runs[-1]

    monkeypatch.setattr("wandb.init", init)
    return runs


def test_weights_and_biases_gets_the_same_numbers_under_the_phase(tmp_path, wandb_runs):
    with RunLog(tmp_path, offset=0, config=load_config("grpo", ["trainer.use_wandb=true"])) as run:
        run.write(3, "eval", {"split": "validation", "pass_rate": 0.5})
        run.write_times(3, "train", {"seconds": 2.0, "mfu": 0.25})
        run.summary({"gain": 0.5})
    (remote,) = wandb_runs
    assert remote.rows == [
        {"step": 3, "validation/pass_rate": 0.5},
        {"step": 3, "train/time/seconds": 2.0, "train/time/mfu": 0.25},
    ]
    assert remote.summary == {"gain": 0.5}
    assert remote.codes == [0]


def test_a_run_that_fails_is_marked_as_failed(tmp_path, wandb_runs):
    config = load_config("grpo", ["trainer.use_wandb=true"])
    with pytest.raises(ZeroDivisionError), RunLog(tmp_path, offset=0, config=config):
        raise ZeroDivisionError
    assert wandb_runs[0].codes == [1]
