import json
import pickle
import subprocess
import sys
import warnings

import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

import infinite_rl
from infinite_rl.envs.registration import ENVIRONMENTS, register_envs
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.envs.vector import TextVectorEnv

IDS = [row.id for row in ENVIRONMENTS]
every_environment = pytest.mark.parametrize("env_id", IDS)


def rollout(env, steps=8, seed=123):
    """Every result of a stream of episodes with sampled actions."""
    env.action_space.seed(seed)
    results = [env.reset(seed=seed)]
    for _ in range(steps):
        results.append(env.step(env.action_space.sample()))
        if results[-1][2] or results[-1][3]:
            results.append(env.reset())
    return results


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
def test_rollouts_with_one_seed_are_the_same(env_id):
    one, other = (rollout(gymnasium.make(env_id)) for _ in range(2))
    assert data_equivalence(one, other, exact=True)
    assert not data_equivalence(one, rollout(gymnasium.make(env_id), seed=124), exact=True)


@every_environment
def test_every_render_mode_renders(env_id, capsys):
    modes = gymnasium.make(env_id).metadata["render_modes"]
    assert modes == ["ansi", "human"]
    for mode in modes:
        env = gymnasium.make(env_id, render_mode=mode)
        env.reset(seed=0)
        env.step("<answer>a</answer>")
        shown = env.render() if mode == "ansi" else capsys.readouterr().out
        assert "<answer>a</answer>" in shown


@every_environment
def test_specs_survive_json(env_id):
    env = gymnasium.make(env_id)
    spec = EnvSpec.from_json(env.spec.to_json())
    assert spec == env.spec
    assert data_equivalence(rollout(gymnasium.make(spec)), rollout(env), exact=True)


def test_specs_with_arguments_survive_json():
    arguments = {"level": 3, "split": "test", "seed": 4, "operations": ["add"], "max_turns": 1, "render_mode": "ansi"}
    env = gymnasium.make("InfiniteRL/Math-v0", **arguments)
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert data_equivalence(rollout(again), rollout(env), exact=True)
    assert again.render_mode == "ansi"


def test_specs_of_vector_environments_survive_json():
    vector = gymnasium.make_vec("InfiniteRL/Math-v0", num_envs=3, level=2, autoreset_mode="SameStep")
    again = gymnasium.make_vec(EnvSpec.from_json(vector.spec.to_json()))
    assert again.reset(seed=1)[0] == vector.reset(seed=1)[0]
    assert again.metadata == vector.metadata


@every_environment
def test_pickled_environments_go_on_where_they_were(env_id):
    env = gymnasium.make(env_id)
    env.reset(seed=9)
    copy = pickle.loads(pickle.dumps(env))
    assert data_equivalence(copy.step("a"), env.step("a"), exact=True)
    assert data_equivalence(copy.reset(), env.reset(), exact=True)


@every_environment
@pytest.mark.parametrize(("mode", "kind"), [(None, TextVectorEnv), ("sync", SyncVectorEnv), ("async", AsyncVectorEnv)])
def test_all_vectorisations_return_the_same(env_id, mode, kind):
    vector = gymnasium.make_vec(env_id, num_envs=2, vectorization_mode=mode)
    ours = gymnasium.make_vec(env_id, num_envs=2)
    try:
        assert isinstance(vector, kind)
        assert data_equivalence(vector.reset(seed=5), ours.reset(seed=5), exact=True)
        for actions in (("<answer>1</answer>", "é\ud800"), ("", ""), ("a", "b")):
            assert data_equivalence(vector.step(actions), ours.step(actions), exact=True)
    finally:
        vector.close()


@every_environment
def test_gymnasiums_wrappers_work(env_id):
    env = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.make(env_id, max_episode_steps=2))
    env.reset(seed=0)
    steps = [env.step("a")]
    if not (steps[0][2] or steps[0][3]):  # environments with several turns go on
        steps.append(env.step("a"))
    assert steps[-1][4]["episode"]["l"] == len(steps)
    vector = gymnasium.wrappers.vector.RecordEpisodeStatistics(gymnasium.make_vec(env_id, num_envs=2, max_turns=1))
    vector.reset(seed=0)
    assert vector.step(("a", "b"))[4]["episode"]["l"].tolist() == [1, 1]


@every_environment
def test_specs_are_honest(env_id):
    spec = gymnasium.spec(env_id)
    assert not spec.nondeterministic
    assert spec.max_episode_steps is None
    json.dumps(spec.kwargs)


def test_registering_again_changes_nothing():
    before = dict(gymnasium.registry)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register_envs()
        gymnasium.register_envs(infinite_rl)
    assert gymnasium.registry == before


def test_every_row_names_a_text_environment_with_a_page():
    for row in ENVIRONMENTS:
        assert issubclass(row.load(), TextEnv)
        assert row.load().__doc__


def test_the_package_registers_on_import_without_heavy_libraries():
    code = (
        "import sys, gymnasium, infinite_rl; gymnasium.spec('InfiniteRL/Math-v0');"
        "assert not {'torch', 'transformers', 'datasets', 'pandas', 'sympy', 'wasmtime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_id_can_name_the_module_that_registers_it():
    code = "import gymnasium; gymnasium.make('infinite_rl:InfiniteRL/Math-v0')"
    subprocess.run([sys.executable, "-c", code], check=True)
