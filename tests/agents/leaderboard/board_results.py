"""Folders of results, as an evaluation leaves them: a policy of known skill plays, and its answers are graded."""

import json
import random
from functools import cache
from pathlib import Path

from infinite_rl.agents.evaluation.about import describe, hashes_of
from infinite_rl.agents.evaluation.bounds import published
from infinite_rl.agents.evaluation.recording import Cost, record
from infinite_rl.agents.evaluation.results import RESULT, RUN, SAMPLES, sha256_of
from infinite_rl.agents.evaluation.subject import environment
from infinite_rl.agents.evaluation.summary import summarize, used
from infinite_rl.envs.tools.reply import Reply


@cache
def subject(level=1, tasks=6, seed=0):
    """Tasks of Math-v0; those of another seed than the usual one are nobody's but the host's."""
    return environment("InfiniteRL/Math-v0", arguments={"level": level} | ({"seed": seed} if seed else {}), tasks=tasks)


@cache
def described(level, tasks, n, seed):
    model = {"name": "model", "backend": "endpoint", "parameters": None}
    sampling = {"n": n, "temperature": 1.0, "top_p": 1.0, "max_tokens": 512, "max_turns": None, "seed": 0}
    return json.dumps(describe(subject(level, tasks, seed), model, sampling))


def make_run(*, model="model", backend="endpoint", n=4, tasks=6, level=1, secret=0, canary=None, **hashes):
    run = json.loads(described(level, tasks, n, secret))
    run["model"] |= {"name": model, "backend": backend}
    run["declarations"]["contamination"] = "Not trained on this split."
    run |= {"canary": canary, "started": "2026-11-20T10:00:00+00:00"}
    # Of what is asked, which has just been changed.
    run["hashes"]["config"] = config_hash(run)
    run["hashes"] |= hashes
    return run


def config_hash(run):
    return hashes_of(asked(run), run["model"], run["sampling"])["config"]


def asked(run):
    """The environment of a run, with the tasks that it asks."""
    arguments = run["env"]["arguments"]
    return subject(arguments["level"], run["env"]["tasks"], arguments.get("seed", 0))


def play(run, skill, seed=0, say=None):
    """The samples of a policy that solves each task with a chance of its own, around ``skill``."""
    env = asked(run).env
    rng = random.Random(f"{run['model']['name']} {seed}")
    hard = random.Random("how hard the tasks are")
    samples = []
    for index in asked(run).tasks:
        task = env.tasks.task(index)
        chance = min(1.0, max(0.0, skill + hard.uniform(-0.35, 0.35)))
        for number in range(run["sampling"]["n"]):
            right = task.answer if rng.random() < chance else rng.choice(["0", "-1", "no idea", str(index)])
            words = f"Let me see. I get <answer>{right}</answer>."
            if rng.random() < 0.04:
                words = "I am not sure what is asked."
            if say is not None:
                words = say(index, number, words)
            samples.append(answered(env, index, number, words))
    return samples


def passing(run, counts):
    """The samples of a policy that passes so many of each task."""
    env = asked(run).env
    for (index, task), passed in zip(asked(run).tasks.items(), counts, strict=True):
        for number in range(run["sampling"]["n"]):
            yield answered(env, index, number, f"<answer>{task.answer if number < passed else '-77'}</answer>")


def answered(env, index, number, words):
    """The line of one answer to one task."""
    episode = env.begin(env.tasks.task(index), index)
    env.advance([episode], [Reply.from_message({"content": words})])
    return record(env, episode, number, Cost(40, min(len(words) // 4 + 1, 512), 0.2, "stop"))


def write_results(folder: Path, run, samples, **changed):
    """Writes the three files; ``changed`` are fields of ``result.json`` that are not as they should be."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN).write_text(json.dumps(run, indent=2))
    (folder / SAMPLES).write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    result = run | summarize(run, samples)
    result |= {"usage": used(samples, len(samples), 60.0), "cost": None, **published(run["env"])}
    result |= {"samples_sha256": sha256_of(folder / SAMPLES), "finished": "2026-11-20T11:00:00+00:00"}
    (folder / RESULT).write_text(json.dumps(result | changed, indent=2))
    return folder


def make_results(folder: Path, *, skill=0.6, seed=0, say=None, **wanted):
    run = make_run(**wanted)
    return write_results(folder, run, play(run, skill, seed, say))
