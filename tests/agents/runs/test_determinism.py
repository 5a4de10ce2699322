"""Deterministic mode: switched on for the run, and off again."""

import os

import pytest
import torch
from torch.backends import cudnn

from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.runs.determinism import WORKSPACE, deterministic
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.training import Trainer


def settings():
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.get_float32_matmul_precision(),
        cudnn.deterministic,
        cudnn.benchmark,
        cudnn.allow_tf32,
    )


STRICT = (True, False, "highest", True, False, False)


@pytest.fixture
def loose():
    """The settings of somebody who wants speed."""
    before = settings()
    torch.set_float32_matmul_precision("high")
    cudnn.benchmark = True
    yield settings()
    torch.set_float32_matmul_precision(before[2])
    cudnn.benchmark = before[4]


@pytest.mark.parametrize("error", [None, KeyError])
def test_all_is_strict_while_it_lasts_and_as_before_afterwards(loose, error):
    try:
        with deterministic(True):
            assert settings() == STRICT
            if error is not None:
                raise error
    except KeyError:
        pass
    assert settings() == loose
    with deterministic(False):
        assert settings() == loose


SMALL = ["model.tiny.hidden_size=16", "model.tiny.layers=1", "data.train_size=20", "data.validation_size=2"]
SMALL += ["data.test_size=2", "data.prompts_per_rollout=4", "evaluation.samples_per_prompt=1", "trainer.steps=2"]
SMALL += ["model.warm_start.max_steps=2", "model.warm_start.batch_size=8", "trainer.progress=false", "actor.lr=0.01"]


def train(folder, *overrides):
    """Trains, and returns the weights and the settings in mid-run."""
    folder.mkdir()
    trainer = Trainer(load_config(overrides=[*SMALL, *overrides]), folder)
    seen = []
    evaluate = trainer.validate
    trainer.validate = lambda: (seen.append(settings()), evaluate())
    trainer.run()
    return {name: weight.clone() for name, weight in trainer.parts.model.state_dict().items()}, seen[0]


def test_two_deterministic_runs_are_equal_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setenv(WORKSPACE, "")
    monkeypatch.delenv(WORKSPACE)  # and as it was afterwards
    before = settings()
    every = "evaluation.every=1"
    plain, loose = train(tmp_path / "plain", every)
    assert loose == before
    assert WORKSPACE not in os.environ
    one, strict = train(tmp_path / "one", every, "trainer.deterministic=true")
    assert strict == STRICT
    assert os.environ[WORKSPACE] == ":4096:8"
    other, _ = train(tmp_path / "other", every, "trainer.deterministic=true")
    assert settings() == before
    for name, weight in one.items():
        assert torch.equal(weight, other[name]), name
        assert torch.equal(weight, plain[name]), name  # nothing on a CPU is left to chance without it


def test_a_clock_may_not_decide_what_is_learnt():
    with pytest.raises(ConfigError, match=r"trainer\.deterministic forbids rollout\.deadline"):
        load_config(overrides=["trainer.deterministic=true", "rollout.deadline=5"])
