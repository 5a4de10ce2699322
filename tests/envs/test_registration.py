import subprocess
import sys
import warnings

import gymnasium
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import data_equivalence

import infinite_rl
from infinite_rl.envs.registration import ENVIRONMENTS, register_envs
from infinite_rl.envs.text_env import TextEnv


def rollout(env, steps=8, seed=123):
    """Every result of a stream of episodes with sampled actions."""
    env.action_space.seed(seed)
    results = [env.reset(seed=seed)]
    for _ in range(steps):
        results.append(env.step(env.action_space.sample()))
        if results[-1][2] or results[-1][3]:
            results.append(env.reset())
    return results


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
