"""The places that people know from other systems lead to the same things here."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infinite_rl.agents.runs.load_config import load_config

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_TORCH = """
import runpy, sys
sys.modules["torch"] = None
runpy.run_module("infinite_rl.agents.{}", {{}}, "__main__")
"""


def run(*command, cwd, **environment):
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_unittest_discovery_needs_no_pytest_and_passes():
    without = "import sys, unittest; sys.modules['pytest'] = None; unittest.main(None, argv=['', 'discover', 'tests'])"
    done = run(sys.executable, "-c", without, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "Ran 9 tests" in done.stderr


def test_the_demonstration_of_environments_needs_no_torch(tmp_path):
    without = WITHOUT_TORCH.format("environment")
    done = run(sys.executable, "-c", without, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("reward 1\n") == 2


@pytest.mark.slow
def test_the_demonstration_of_inference_samples_and_scores(tmp_path):
    done = run(sys.executable, "-m", "infinite_rl.agents.inference", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("log-prob -") == 2


def test_the_demonstration_of_inference_names_what_is_missing(tmp_path):
    without = WITHOUT_TORCH.format("inference")
    done = run(sys.executable, "-c", without, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: torch is not installed; inference needs it: pip install")


@pytest.fixture
def launch(tmp_path):
    """Runs the launcher where torchrun only writes down what it is called with, a NUL after each argument."""
    stand_in = tmp_path / "bin" / "torchrun"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n', encoding="utf-8")
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)

    def call(*arguments):
        path = f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}"
        done = run(ROOT / "launch_grpo.sh", *arguments, cwd=tmp_path, PATH=path, NPROC_PER_NODE="8")
        assert done.returncode == 0, done.stderr
        start, *rest = done.stdout.removesuffix("\0").split("\0")
        assert [start, *rest[:2]] == ["--nproc_per_node=8", "-m", "infinite_rl.agents.train"]
        return rest[2:]

    return call


# The command line of the original's own launcher, with names of files of ours.
ORIGINAL = """
data.train_data_path=train.jsonl data.test_data_path=test.jsonl data.prompts_per_rollout=128
data.responses_per_prompt=32 actor.model_name=Qwen/Qwen2.5-7B actor.sp_size=4 actor.max_length_per_device=8192
actor.freeze_steps=4 actor.kl.reward_estimator=k3 rollout.train_sampling_params.max_new_tokens=4096
rollout.env_path=env/orz.py adv.estimator=reinforce adv.norm_var=true trainer.project=GRPO
trainer.experiment_name=grpo-minimal trainer.test_freq=8 trainer.save_freq=32
"""

OTHERS = """
actor.gradient_checkpointing=false actor.use_liger_kernel=true actor.ddp_size=2 actor.tp_size=2
actor.update_per_rollout=4 actor.agg_mode=seq_token_mean actor.offload_model=true actor.offload_optimizer=true
actor.kl.coef=0.001 actor.kl.type=loss actor.kl.loss_estimator=k2 actor.entropy.coef=0.01
rollout.train_sampling_params.temperature=0.9 rollout.test_sampling_params.temperature=0.0
rollout.dynamic_filtering=true adv.lamda=0.95 actor.lr=2e-6
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_launcher_takes_the_originals_command_line(launch):
    config = load_config("grpo", launch(*ORIGINAL.split()))
    assert (config.data.train_path, config.data.test_path, config.data.env) == (
        "train.jsonl",
        "test.jsonl",
        "env/orz.py",
    )
    assert (config.data.prompts_per_rollout, config.data.responses_per_prompt) == (128, 32)
    assert (config.model.name, config.parallel.sp, config.actor.tokens_per_microbatch) == ("Qwen/Qwen2.5-7B", 4, 8192)
    assert (config.actor.freeze_steps, config.actor.kl_estimator, config.rollout.max_new_tokens) == (4, "k3", 4096)
    assert (config.adv.estimator, config.adv.norm_std) == ("group", True)
    assert (config.experiment, config.trainer.project) == ("grpo-minimal", "GRPO")
    assert (config.evaluation.every, config.trainer.save_every) == (8, 32)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_launcher_knows_the_originals_other_keys(launch):
    config = load_config("grpo", launch("model=hf", "model.name=NAME", *OTHERS.split()))
    assert (config.model.gradient_checkpointing, config.model.liger) == (False, True)
    assert (config.parallel.ddp, config.parallel.tp, config.actor.minibatches) == (2, 2, 4)
    assert (config.actor.aggregation, config.actor.offload_models) == ("sequence_mean", True)
    assert (config.actor.kl_coef, config.actor.kl_in, config.actor.kl_estimator) == (0.001, "loss", "k2")
    assert (config.actor.entropy_coef, config.rollout.temperature, config.evaluation.temperature) == (0.01, 0.9, 0.0)
    assert (config.adv.filter_groups, config.adv.lam, config.actor.lr) == (True, 0.95, 2e-6)
    assert launch("actor.agg_mode=all_token_mean") == ["actor.aggregation=token_mean"]
    assert launch("actor.agg_mode=seq_token_sum") == ["actor.aggregation=sequence_sum"]
    assert launch("data.train_path=a b.jsonl", "--resume") == ["data.train_path=a b.jsonl", "--resume"]


AWKWARD = (
    "a\nactor.lr=9",
    "\n",
    "$(touch made)",
    "`touch made`",
    "-n",
    "-e \\n",
    "a  b ",
    "*",
    "'\"\\",
    "x=y",
    "",
    "$HOME|",
)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_launcher_passes_every_value_on_as_it_was_typed(launch, tmp_path):
    for name, ours in {"actor.model_name": "model.name", "actor.agg_mode": "actor.aggregation", "any": "any"}.items():
        found = launch(*(f"{name}={value}" for value in AWKWARD))
        assert [one for one in found if one != "model=hf"] == [f"{ours}={value}" for value in AWKWARD]
    assert launch(*AWKWARD, "actor.ddp_size") == [*AWKWARD, "actor.ddp_size"], "no key and value: as they are"
    assert not (tmp_path / "made").exists()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_launcher_without_gpus_plans_the_default_job(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = run(ROOT / "launch_grpo.sh", "--dry-run", cwd=tmp_path, PATH=path, NPROC_PER_NODE="1")
    assert done.returncode == 0, done.stderr
    assert "32 tasks x 8 responses" in done.stdout
