"""The messages that the page quotes are those that people get."""

import re
import subprocess
import sys
from pathlib import Path

import gymnasium
import pytest

from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.envs.registration import known_id
from infinite_rl.rewards import get_reward_functions
from infinite_rl.runtimes import ChatEndpoint, EndpointError, MissingArtefactError, RewardExecutor, artefact

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
MESSAGES = re.findall(r"^\| `([^`]+)`", PAGE, re.MULTILINE)


def config_error(*overrides):
    with pytest.raises(ConfigError) as caught:
        load_config("grpo", overrides)
    return str(caught.value)


def missing_artefact(tmp_path, monkeypatch):
    monkeypatch.setattr(artefact, "__file__", str(tmp_path / "artefact.py"))
    monkeypatch.setenv("INFINITE_RL_CACHE", str(tmp_path))
    with pytest.raises(MissingArtefactError) as caught:
        artefact.find_artefact("python")
    return str(caught.value)


def wrong_id():
    with pytest.raises(ValueError) as caught:
        known_id("Mth-v0")
    return str(caught.value)


def bare_import():
    done = subprocess.run([sys.executable, "-c", "import envs"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stderr


def unregistered():
    with pytest.raises(gymnasium.error.NamespaceNotFound) as caught:
        gymnasium.make("InfiniteRLL/Math-v0")
    return str(caught.value).replace("InfiniteRLL", "InfiniteRL")


def nobody_listens():
    with pytest.raises(EndpointError) as caught:
        ChatEndpoint("http://127.0.0.1:9/v1", "a-model", retries=0).chat([{"role": "user", "content": "Hello"}])
    return str(caught.value)


def math_error(response):
    return get_reward_functions()["math"].compute_reward(response, "1").error_msg


# What is brought about here, and gives the message.
LIVE = {
    "Namespace InfiniteRL not found": unregistered,
    "attempted relative import beyond top-level package": bare_import,
    "Missing <answer> tags in response.": lambda: math_error("1"),
    "Multiple <answer> tags found.": lambda: math_error("<answer>1</answer><answer>2</answer>"),
    "No module named 'numpy'": lambda: RewardExecutor().run("import numpy", "python").stderr,
    "no environment Mth-v0; did you mean InfiniteRL/Math-v0?": wrong_id,
    "unknown configuration key 'actor.learning_rate': did you mean 'actor.lr'?": lambda: config_error(
        "actor.learning_rate=1"
    ),
    "would do nothing with adv.estimator=": lambda: config_error("adv.gamma=0.5"),
    "data.responses_per_prompt must be at least 2": lambda: config_error("data.responses_per_prompt=1"),
    "Is the server running there?": nobody_listens,
}
# What takes longer is quoted from the code, as it stands there, and has tests of its own.
QUOTED = {
    'torch is not installed; training needs it: pip install -c constraints.txt -e ".[train]"': (
        "agents/train.py",
        'is not installed; training needs it: pip install -c constraints.txt -e ".[train]"',
    ),
    "too few tasks to hold out a": ("agents/runs/data.py", "too few tasks to hold out a {split} split"),
    "the train split has only 40": ("agents/runs/build.py", "but the train split has only "),
    "leaves no room for a response": ("agents/runs/room.py", "leaves no room for a response"),
    "neither a folder here nor the name of a model": (
        "agents/models/policy.py",
        "neither a folder here nor the name of a model",
    ),
    "holds a run already; go on with --resume": (
        "agents/runs/run_folder.py",
        "holds a run already; go on with --resume",
    ),
    "in most rows the assistant gives the answer already": (
        "agents/runs/data.py",
        "in most rows the assistant gives the answer already",
    ),
    "the tiny model is made for short tasks": ("agents/train.py", "the tiny model is made for short tasks"),
    "not one episode of the last": ("agents/rollouts/failures.py", "collections could be judged"),
    "skipped_steps": ("agents/algorithms/metrics.py", "skipped_steps"),
    "log-probs differ from the trainer's by": ("agents/inference/parity.py", "log-probs differ from the trainer's by"),
    "CAPACITY_REACHED": ("envs/serving/sessions.py", "CAPACITY_REACHED"),
}
MISSING = "python.wasm is missing. Make it with: python -m infinite_rl.runtimes.build"


def test_every_message_of_the_page_is_one_of_these():
    assert sorted(MESSAGES) == sorted([*LIVE, *QUOTED, MISSING])


def test_a_missing_sandbox_names_the_command_that_makes_it(tmp_path, monkeypatch):
    assert missing_artefact(tmp_path, monkeypatch) == MISSING


@pytest.mark.parametrize("message", LIVE)
def test_a_message_is_what_people_get(message):
    assert message in LIVE[message]()


@pytest.mark.parametrize("message", QUOTED)
def test_a_message_stands_in_the_code(message):
    place, text = QUOTED[message]
    code = re.sub(r'"\n\s+f?"', "", (ROOT / place).read_text("utf-8"))
    assert text in code
