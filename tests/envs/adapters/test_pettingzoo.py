import warnings

import gymnasium
import pytest

import infinite_rl  # noqa: F401

pytest.importorskip("pettingzoo")
from pettingzoo.test import parallel_api_test
from pettingzoo.utils import parallel_to_aec

from infinite_rl.envs.adapters.pettingzoo import AGENT, TextParallelEnv

IDS = ["InfiniteRL/Math-v0", "InfiniteRL/MultiDomain-v0", "InfiniteRL/Stub-v0"]


@pytest.mark.parametrize("id", IDS)
def test_pettingzoos_own_test_passes(id):
    env = TextParallelEnv(id)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(env, num_cycles=20)


def test_agents_may_take_turns():
    # PettingZoo's test of such environments reads the dtype of observations: it is for arrays alone.
    env = parallel_to_aec(TextParallelEnv("InfiniteRL/Math-v0", operations=["add"]))
    env.reset(seed=0)
    ends = []
    for agent in env.agent_iter():
        observation, reward, terminated, truncated, _ = env.last()
        if terminated or truncated:
            ends.append((agent, reward, terminated, truncated))
            env.step(None)
            continue
        first, second = observation.removeprefix("What is ").partition("?")[0].split("+")
        env.step(f"<answer>{int(first) + int(second)}</answer>")
    assert ends == [(AGENT, 1.0, True, False)]


def test_it_plays_what_gymnasium_plays():
    ours, theirs = TextParallelEnv("InfiniteRL/Math-v0", level=2), gymnasium.make("InfiniteRL/Math-v0", level=2)
    for seed in range(3):
        observations, infos = ours.reset(seed=seed)
        assert observations[AGENT] == theirs.reset(seed=seed)[0]
        assert infos[AGENT]["task_id"]
    answer = ours.env.episode.task.answer
    _, rewards, terminations, truncations, _ = ours.step({AGENT: f"<answer>{answer}</answer>"})
    assert (rewards, terminations, truncations) == ({AGENT: 1.0}, {AGENT: True}, {AGENT: False})
    assert ours.agents == []
    assert ours.step({}) == ({}, {}, {}, {}, {})


def test_options_select_the_task():
    env = TextParallelEnv("InfiniteRL/Math-v0")
    assert env.reset(options={"task_index": 3})[1][AGENT]["task_index"] == 3


def test_rllibs_wrapper_takes_it():
    rllib = pytest.importorskip("ray.rllib.env.wrappers.pettingzoo_env")
    env = rllib.ParallelPettingZooEnv(TextParallelEnv("InfiniteRL/Math-v0"))
    observations, _ = env.reset(seed=0)
    assert observations[AGENT].startswith("What is")
    _, rewards, terminations, _, _ = env.step({AGENT: "no"})
    assert (rewards[AGENT], terminations["__all__"]) == (0.0, True)
