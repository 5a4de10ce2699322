"""Folders of results, as an evaluation leaves them: a policy of known skill plays, and its answers are graded."""

import json
import random
from pathlib import Path

import gymnasium

from infinite_rl.agents.evaluation.results import RESULT, RUN, SAMPLES, SCHEMA, sha256_of
from infinite_rl.agents.evaluation.summary import summarize, used
from infinite_rl.agents.evaluation.voting import answer_of
from infinite_rl.envs.episode import components_of, passed
from infinite_rl.envs.tools.reply import Reply

HASHES = {name: name[0] * 32 for name in ("data", "prompts", "parser", "runtimes", "code", "config")}


def math_env(level=1, split="test"):
    return gymnasium.make("InfiniteRL/Math-v0", level=level, split=split, disable_env_checker=True).unwrapped


def make_run(env, *, model="model", n=4, tasks=6, level=1, backend="endpoint", hashes=HASHES, canary=None, **changed):
    run = {
        "schema": SCHEMA,
        "env": {
            "id": "InfiniteRL/Math-v0",
            "version": "v0",
            "arguments": {"level": level},
            "split": "test",
            "tasks": tasks,
            "description": "Work out a math problem.",
        },
        "model": {"name": model, "backend": backend, "parameters": None},
        "sampling": {
            "n": n, "temperature": 1.0, "top_p": 1.0, "max_tokens": 512, "max_turns": None, "seed": 0, "prompt": None,
        },
        "versions": {"python": "3.11.9", "infinite-rl": "0.1.0", "wasmtime": "50.0.1"},
        "hashes": dict(hashes),
        "hardware": {"cpu": "x86_64", "cores": 2, "gpu": None},
        "declarations": {"contamination": "Not trained on this split.", "tools": []},
        "canary": canary,
        "started": "2026-11-20T10:00:00+00:00",
    }  # fmt: skip
    return run | changed


def play(env, run, skill, seed=0, say=None):
    """The samples of a policy that solves each task with a chance of its own, around ``skill``."""
    rng = random.Random(f"{run['model']['name']} {seed}")
    hard = random.Random("how hard the tasks are")
    samples = []
    for index in range(run["env"]["tasks"]):
        task = env.tasks.task(index)
        chance = min(1.0, max(0.0, skill + hard.uniform(-0.35, 0.35)))
        for number in range(run["sampling"]["n"]):
            episode = env.begin(task, index)
            right = task.answer if rng.random() < chance else rng.choice(["0", "-1", "no idea", str(index)])
            words = f"Let me see. I get <answer>{right}</answer>."
            if rng.random() < 0.04:
                words = "I am not sure what is asked."
            if say is not None:
                words = say(index, number, words)
            env.advance([episode], [Reply.from_message({"content": words})])
            samples.append(line(env, episode, number, min(len(words) // 4 + 1, 512)))
    return samples


def line(env, episode, number, tokens):
    return {
        "task_id": episode.task.id,
        "task_index": episode.task_index,
        "sample": number,
        "domain": episode.task.domain,
        "reward": episode.reward,
        "passed": passed(episode),
        "status": str(episode.score.status),
        "error_msg": episode.score.error_msg,
        "components": components_of(episode),
        "answer": answer_of(env, episode),
        "terminated": episode.terminated,
        "turns": episode.turns,
        "prompt_tokens": 40,
        "completion_tokens": tokens,
        "finish_reason": "stop",
        "seconds": 0.2,
        "messages": episode.messages,
    }


def write_results(folder: Path, run, samples, **changed):
    """Writes the three files; ``changed`` are fields of ``result.json`` that are not as they should be."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN).write_text(json.dumps(run, indent=2))
    (folder / SAMPLES).write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    result = run | summarize(run, samples)
    result |= {"usage": used(samples, len(samples), 60.0), "cost": None, "floor": None, "ceiling": None}
    result |= {"samples_sha256": sha256_of(folder / SAMPLES), "finished": "2026-11-20T11:00:00+00:00"}
    (folder / RESULT).write_text(json.dumps(result | changed, indent=2))
    return folder


def make_results(folder: Path, *, skill=0.6, seed=0, say=None, **asked):
    env = math_env(asked.get("level", 1))
    run = make_run(env, **asked)
    return write_results(folder, run, play(env, run, skill, seed, say))
