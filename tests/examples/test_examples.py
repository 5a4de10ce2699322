"""Every example runs as a program, and does what it says."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from gymnasium.utils.env_checker import check_env

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name, *arguments):
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_countdown_is_an_environment_in_60_lines():
    assert len((EXAMPLES / "countdown_env.py").read_text("utf-8").splitlines()) <= 60
    module = load("countdown_env")
    for level in (1, 4):
        env = module.CountdownEnv(level=level)
        check_env(env, skip_render_check=True)
        for index in range(30):
            task = env.tasks.task(index)
            numbers, target = task.answer["numbers"], task.answer["target"]
            assert env.grade(task, task.metadata["way"]).correctness_score == 1.0
            for wrong in ("", str(target), f"{task.metadata['way']}+0", "1/0", "().__class__", "x", "True+1"):
                assert env.grade(task, wrong).correctness_score == 0.0
            assert env.grade(task, "+".join(map(str, numbers))).correctness_score == float(sum(numbers) == target)


@pytest.mark.slow
def test_a_tiny_model_learns_with_trl():
    pytest.importorskip("trl")
    means = [float(mean) for mean in re.findall(r"mean reward ([\d.]+)", run("train_with_trl"))]
    assert len(means) == 6
    assert means[-1] > means[0] + 0.2


def test_torchrl_collects():
    pytest.importorskip("torchrl")
    lines = run("collect_with_torchrl").splitlines()
    assert len(lines) == 8
    for line in lines:
        first, second, answer, reward = re.findall(r"-?[\d.]+", line.replace("<answer>", " ").replace("</answer>", " "))
        assert float(reward) == float(int(first) + int(second) == int(answer))


def reward_gain(text):
    first, last = map(float, re.search(r"mean reward ([-\d.]+) -> ([-\d.]+)", text).groups())
    return last - first


@pytest.mark.parametrize(
    ("name", "iterations"), [("ppo_text", 1), ("grpo_self_verification", 1), ("pareto", 1), ("custom_environment", 1)]
)
def test_an_example_of_the_primitives_runs(name, iterations):
    assert run(f"primitives/{name}", "--iterations", str(iterations))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ppo_text", "grpo_self_verification", "custom_environment"])
def test_an_example_of_the_primitives_learns(name):
    assert reward_gain(run(f"primitives/{name}")) > 0.03


def test_the_example_of_inference_shows_all_it_can_do():
    text = run("primitives/inference")
    assert "log-probs [2, 20], logits [2, 20, 102]" in text
    assert "system: 'Answer in one sentence.'" in text


def test_the_example_of_backprop_makes_five_updates():
    assert run("primitives/backprop").count("gradient") == 5
