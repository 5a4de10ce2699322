"""What holds for every id of the table, whatever the environment asks."""

import json
import os
import pickle
import subprocess
import sys
import warnings
from hashlib import blake2b
from itertools import combinations

import cloudpickle
import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

from infinite_rl.datasets.task import SPLITS, Task, TaskSource
from infinite_rl.envs.registration import ENVIRONMENTS
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.envs.vector import TextVectorEnv
from infinite_rl.rewards import Status

LEVELS = (1, 2, 3, 4)
AT_RESET = {"messages", "task_id", "task_index", "domain"}
AT_THE_END = AT_RESET | {"score", "components", "status", "error_msg"}
ACTIONS = ("It is <answer>1</answer>.", "é\ud800", "", "<answer>\n```python\nprint(1)\n```\n</answer>")

every_environment = pytest.mark.parametrize("env_id", [row.id for row in ENVIRONMENTS])


def rollout(env, steps=8, seed=123):
    """Every result of a stream of episodes with given and sampled actions."""
    env.action_space.seed(seed)
    results = [env.reset(seed=seed)]
    for number in range(steps):
        results.append(env.step(ACTIONS[number] if number < len(ACTIONS) else env.action_space.sample()))
        if results[-1][2] or results[-1][3]:
            results.append(env.reset())
    return results


def to_the_end(env, action="a"):
    """The last step of an episode."""
    for _ in range(100):
        step = env.step(action)
        if step[2] or step[3]:
            return step
    raise AssertionError("an episode without an end")


def beside_tasks(env_id, folder):
    """What an environment wants beside tasks of one's own: documents, if it searches any."""
    if env_id != "InfiniteRL/Search-v0":
        return {}
    path = folder / "corpus.jsonl"
    path.write_text(json.dumps({"id": "1", "title": "Ulm", "text": "A city."}), encoding="utf-8")
    return {"corpus": str(path)}


def source_of(env_id, **arguments) -> TaskSource:
    return gymnasium.make(env_id, **arguments).unwrapped.tasks


def keys_of(source, count):
    return [source.task(index).metadata["key"] for index in range(count)]


# Gymnasium's rules.


@every_environment
def test_gymnasiums_checker_finds_nothing(env_id):
    env = gymnasium.make(env_id)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


@every_environment
def test_making_and_stepping_warns_of_nothing(env_id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rollout(gymnasium.make(env_id))
        gymnasium.make_vec(env_id, num_envs=2).reset()


@every_environment
def test_specs_are_honest(env_id):
    spec = gymnasium.spec(env_id)
    assert not spec.nondeterministic
    assert spec.max_episode_steps is None
    json.dumps(spec.kwargs)


@every_environment
def test_it_is_a_documented_text_environment(env_id):
    env = gymnasium.make(env_id).unwrapped
    assert isinstance(env, TextEnv)
    for entry in ("Observation: ", "Action: ", "Reward: ", "Termination: ", "Truncation: ", "Floor: ", "Versions: "):
        assert entry in type(env).__doc__


@every_environment
def test_every_render_mode_renders(env_id, capsys):
    assert gymnasium.make(env_id).metadata["render_modes"] == ["ansi", "human"]
    for mode in ("ansi", "human"):
        env = gymnasium.make(env_id, render_mode=mode)
        env.reset(seed=0)
        env.step("<answer>a</answer>")
        shown = env.render() if mode == "ansi" else capsys.readouterr().out
        assert "<answer>a</answer>" in shown
    vector = gymnasium.make_vec(env_id, num_envs=2, render_mode="ansi")
    vector.reset(seed=0)
    assert all(text.strip() for text in vector.render())


@every_environment
def test_infos_hold_what_they_say_and_no_more(env_id):
    env = gymnasium.make(env_id)
    _, info = env.reset(seed=0)
    assert set(info) == AT_RESET
    *_, info = to_the_end(env)
    assert set(info) == AT_THE_END
    assert info["status"] in set(Status)
    assert {"format", "correctness"} <= set(info["components"])
    assert all(type(value) is float for value in info["components"].values())
    vector = gymnasium.make_vec(env_id, num_envs=2, max_turns=1)
    assert {key.removeprefix("_") for key in vector.reset(seed=0)[1]} == AT_RESET
    assert {key.removeprefix("_") for key in vector.step(("a", "b"))[4]} == AT_THE_END


@every_environment
def test_episodes_end_even_where_nobody_says_anything(env_id):
    env = gymnasium.make(env_id)
    env.reset(seed=0)
    _, reward, terminated, truncated, info = to_the_end(env, "")
    assert terminated != truncated
    assert 0.0 <= reward <= 1.0
    assert info["status"] is not Status.ERROR


@every_environment
def test_closing_twice_is_no_mistake(env_id):
    env = gymnasium.make(env_id)
    rollout(env, steps=2)
    env.close()
    env.close()
    env.unwrapped.close()
    vector = gymnasium.make_vec(env_id, num_envs=2)
    vector.reset(seed=0)
    vector.step(("a", "b"))
    vector.close()
    vector.close()


@every_environment
def test_gymnasiums_wrappers_work(env_id):
    env = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.make(env_id, max_turns=1, max_episode_steps=5))
    env.reset(seed=0)
    assert env.step("a")[4]["episode"]["l"] == 1
    vector = gymnasium.wrappers.vector.RecordEpisodeStatistics(gymnasium.make_vec(env_id, num_envs=2, max_turns=1))
    vector.reset(seed=0)
    assert vector.step(("a", "b"))[4]["episode"]["l"].tolist() == [1, 1]


# The same everywhere.


@every_environment
def test_rollouts_with_one_seed_are_the_same_and_with_others_differ(env_id):
    one, other = (rollout(gymnasium.make(env_id)) for _ in range(2))
    assert data_equivalence(one, other, exact=True)
    assert not data_equivalence(one, rollout(gymnasium.make(env_id), seed=124), exact=True)


@every_environment
def test_specs_survive_json(env_id):
    env = gymnasium.make(env_id, level=2, split="test", seed=4, max_turns=3)
    spec = EnvSpec.from_json(env.spec.to_json())
    assert spec == env.spec
    assert data_equivalence(rollout(gymnasium.make(spec)), rollout(env), exact=True)
    vector = gymnasium.make_vec(env_id, num_envs=2, level=2)
    again = gymnasium.make_vec(EnvSpec.from_json(vector.spec.to_json()))
    assert again.reset(seed=1)[0] == vector.reset(seed=1)[0]


@every_environment
@pytest.mark.parametrize("library", [pickle, cloudpickle])
def test_pickled_environments_go_on_where_they_were(env_id, library):
    env = gymnasium.make(env_id)
    env.reset(seed=9)
    vector = gymnasium.make_vec(env_id, num_envs=2)
    vector.reset(seed=9)
    vector.step(("a", "b"))
    for one, action in ((env, "a"), (vector, ("c", "d"))):
        copy = library.loads(library.dumps(one))
        assert data_equivalence(copy.step(action), one.step(action), exact=True)
        assert data_equivalence(copy.reset(), one.reset(), exact=True)


@every_environment
def test_sync_vectorisation_returns_the_same(env_id):
    check_vectorisation(env_id, "sync", SyncVectorEnv, {})


# Its processes take a second each to start.
@pytest.mark.parametrize(
    "env_id",
    [
        pytest.param(row.id, marks=[] if row.name in ("Math-v0", "Search-v0") else [pytest.mark.slow])
        for row in ENVIRONMENTS
    ],
)
@pytest.mark.parametrize("shared_memory", [True, False])
def test_async_vectorisation_returns_the_same(env_id, shared_memory):
    check_vectorisation(env_id, "async", AsyncVectorEnv, {"shared_memory": shared_memory})


def check_vectorisation(env_id, mode, kind, options):
    vector = gymnasium.make_vec(env_id, num_envs=2, vectorization_mode=mode, vector_kwargs=options)
    ours = gymnasium.make_vec(env_id, num_envs=2)
    try:
        assert isinstance(vector, kind)
        assert isinstance(ours, TextVectorEnv)
        assert data_equivalence(vector.reset(seed=5), ours.reset(seed=5), exact=True)
        for actions in (("<answer>1</answer>", "é\ud800"), ("", ""), ("a", "b")):
            assert data_equivalence(vector.step(actions), ours.step(actions), exact=True)
    finally:
        vector.close()
        ours.close()


@every_environment
def test_the_batched_form_plays_the_episodes_of_single_ones(env_id):
    vector = gymnasium.make_vec(env_id, num_envs=3)
    singles = [gymnasium.make(env_id) for _ in range(3)]
    observations, _ = vector.reset(seed=[4, 5, 4])
    assert observations[0] == observations[2]
    assert [env.reset(seed=seed)[0] for env, seed in zip(singles, (4, 5, 4), strict=True)] == list(observations)
    observations, rewards, *_ = vector.step(ACTIONS[:3])
    for place, env in enumerate(singles):
        assert env.step(ACTIONS[place])[:2] == (observations[place], rewards[place])


def digest_of_rollouts():
    """What every environment returns, hashed by id; a child process says it too."""
    digests = {}
    for row in ENVIRONMENTS:
        env = gymnasium.make(row.id)
        digests[row.id] = blake2b(repr(rollout(env, steps=6)).encode("utf-8", "backslashreplace")).hexdigest()
    return digests


def test_seeds_reproduce_in_another_process_with_another_hash_seed():
    code = f"import json, runpy; print(json.dumps(runpy.run_path({__file__!r})['digest_of_rollouts']()))"
    hash_seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    child = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": hash_seed}, check=True, capture_output=True
    )
    assert json.loads(child.stdout) == digest_of_rollouts()


# Tasks.


@every_environment
def test_reset_seeds_next_to_each_other_draw_other_tasks(env_id):
    vector = gymnasium.make_vec(env_id, num_envs=100)
    indices = vector.reset(seed=0)[1]["task_index"]
    assert len(set(indices)) == 100
    assert not set(indices) & set(vector.reset(seed=100)[1]["task_index"])


counted = pytest.mark.parametrize("count", [15, pytest.param(60, marks=pytest.mark.slow)])


@every_environment
def test_seeds_of_sources_next_to_each_other_share_no_tasks(env_id):
    one, near, far = (keys_of(source_of(env_id, level=4, seed=seed), 100) for seed in (0, 1, 987_654_321))
    # Small families ask for a problem again, by chance and not because the seeds are near.
    assert len({*one} & {*near}) <= len({*one} & {*far}) + 10
    for shift in range(-5, 6):
        pairs = zip(one[5 + shift : 95 + shift], near[5:95], strict=True)
        assert sum(key == other for key, other in pairs) <= 5, f"shifted by {shift}"


@every_environment
@counted
def test_splits_never_overlap_whatever_seed_and_level(env_id, count):
    keys = {
        split: {
            key
            for level in LEVELS
            for seed in (0, 1)
            for key in keys_of(source_of(env_id, split=split, level=level, seed=seed), count)
        }
        for split in SPLITS
    }
    assert all(len(found) >= 1.5 * count for found in keys.values())
    assert not any(keys[one] & keys[other] for one, other in combinations(SPLITS, 2))


@every_environment
@pytest.mark.parametrize("level", LEVELS)
def test_tasks_survive_json_and_pickle(env_id, level):
    source = source_of(env_id, level=level)
    assert isinstance(source, TaskSource)
    for index in range(30):
        task = source.task(index)
        row = json.loads(task.to_json())
        assert Task(row["id"], row["domain"], tuple(row["messages"]), row["answer"], row["metadata"]) == task
        assert pickle.loads(pickle.dumps(task)) == task
        assert task == source.task(index)
        assert task.metadata["level"] == level


@every_environment
def test_tasks_of_a_file_are_played_like_those_of_the_source(env_id, tmp_path):
    env = gymnasium.make(env_id).unwrapped
    path = tmp_path / "tasks.jsonl"
    path.write_text("\n".join(env.tasks.task(index).to_json() for index in range(3)), encoding="utf-8")
    filed = gymnasium.make(env_id, tasks=str(path), **beside_tasks(env_id, tmp_path)).unwrapped
    for index in range(3):
        for one in (env, filed):
            one.reset(options={"task_index": index})
        assert filed.episode.messages == env.episode.messages
        assert filed.step(ACTIONS[0])[:4] == env.step(ACTIONS[0])[:4]


# Mistakes.


@every_environment
@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"level": 5}, ValueError, "level must be from 1 to 4"),
        ({"split": "dev"}, ValueError, "split must be one of train, validation, test"),
        ({"max_turns": 0}, ValueError, "max_turns must be at least 1"),
        ({"render_mode": "rgb_array"}, ValueError, "render_mode must be one of"),
        ({"colour": "red"}, TypeError, "colour"),
        ({"tasks": 3}, TypeError, "tasks must be"),
        ({"tasks": "no_such_file.jsonl"}, FileNotFoundError, "no_such_file.jsonl"),
        ({"tasks": "a.jsonl", "level": 2}, TypeError, "level: for procedural tasks only"),
    ],
)
def test_wrong_arguments_are_named(env_id, arguments, kind, message, tmp_path):
    environment = next(row for row in ENVIRONMENTS if row.id == env_id).load()
    if "tasks" in arguments:
        arguments = arguments | beside_tasks(env_id, tmp_path)
    with pytest.raises(kind, match=message):
        environment(**arguments)


@every_environment
def test_wrong_calls_are_named(env_id):
    env = gymnasium.make(env_id).unwrapped
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step("a")
    with pytest.raises(ValueError, match="unknown reset option 'colour'"):
        env.reset(options={"colour": "red"})
    with pytest.raises(TypeError, match="task_index must be an integer"):
        env.reset(options={"task_index": "3"})
    env.reset(seed=0)
    with pytest.raises(TypeError, match="an action must be a str"):
        env.step(3)
    to_the_end(env)
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step("a")
