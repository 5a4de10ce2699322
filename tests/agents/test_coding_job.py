"""The coding job: its tasks, its warm start, and a run with the sandbox in the loop."""

import json

import pytest

from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.runs.data import load_splits
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.train import main
from infinite_rl.agents.updates.demonstrations import solved
from infinite_rl.datasets.task import SPLITS

SMALL = ["data.train_size=40", "data.validation_size=10", "data.test_size=15"]


def data(*overrides):
    return load_config(overrides=["env=coding", *overrides]).data


def test_the_tasks_are_programs_in_disjoint_splits():
    splits = load_splits(data(*SMALL), seed=0)
    keys = [{task.metadata["key"] for task in getattr(splits, name).tasks} for name in SPLITS]
    assert [len(found) for found in keys] == [40, 10, 15]
    assert not keys[0] & keys[1] | keys[0] & keys[2] | keys[1] & keys[2]
    assert all(task.prompt.endswith("=") for task in splits.train.tasks)


def test_the_warm_start_says_programs(tokenizer):
    tasks = load_splits(data(*SMALL), seed=0).train
    row = solved(tasks, tokenizer)[0]
    expression = tasks.task(0).prompt[:-1]
    assert tokenizer.decode(row.token_ids).endswith(f"<answer>print({expression})</answer>{tokenizer.eos_token}")


def test_a_large_model_is_asked_in_words():
    config = data("model=hf", "model.name=x", "data.env_arguments.level=2", *SMALL)
    prompt = load_splits(config, seed=0).train.task(0).prompt
    assert "Python" in prompt
    assert "<answer>" in prompt


def test_a_wrong_family_is_a_clear_error():
    with pytest.raises(ConfigError, match="families must be of"):
        load_splits(data("data.env_arguments.families=[sorting]", "data.env_arguments.template=null"), seed=0)


def test_a_run_grades_programs_in_the_sandbox(tmp_path):
    overrides = ["trainer.steps=1", "trainer.progress=false", "model.warm_start.max_steps=1", "evaluation.every=1"]
    shape = ["data.prompts_per_rollout=2", "data.responses_per_prompt=2", "evaluation.samples_per_prompt=1"]
    assert main(["env=coding", *SMALL, *overrides, *shape, f"trainer.save_dir={tmp_path / 'run'}"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {row["phase"] for row in rows} >= {"train", "eval"}
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["env"], summary["status"]) == ("InfiniteRL/Coding-v0", "finished")
