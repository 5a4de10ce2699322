from collections import defaultdict

import pytest

from infinite_rl.datasets.stub import PASS_RATES
from infinite_rl.envs.stub import StubEnv, StubVectorEnv
from infinite_rl.rewards import Status


@pytest.mark.parametrize("level", [1, 2])
def test_each_domain_passes_at_its_rate(level):
    count = 4_000
    vector = StubVectorEnv(count, level=level)
    _, infos = vector.reset(options={"task_index": list(range(count))})
    domains = list(infos["domain"])
    _, rewards, _, _, infos = vector.step(("anything",) * count)
    by_domain = defaultdict(list)
    for domain, reward, level_found, passed in zip(
        domains, rewards, infos["components"]["mean_level"], infos["components"]["pass"], strict=True
    ):
        by_domain[domain].append(reward)
        assert reward == passed
        assert (3 <= level_found <= 4) if reward else (1 <= level_found <= 2)
    for domain, rate in PASS_RATES.items():
        found = by_domain[domain]
        assert sum(found) / len(found) == pytest.approx(rate**level, abs=0.06)


def test_the_same_answer_to_the_same_task_earns_the_same_and_others_are_independent():
    env = StubEnv(pass_rates={"coin": 0.5})

    def reward(action):
        env.reset(options={"task_index": 0})
        return env.step(action)[1]

    assert reward("a") == reward("a")
    assert {reward(str(number)) for number in range(40)} == {0.0, 1.0}


@pytest.mark.parametrize("action", ["", "\ud800", "\x00", "x" * 200_000])
def test_any_text_is_an_answer(action):
    env = StubEnv()
    env.reset(seed=0)
    assert env.step(action)[4]["status"] == Status.SCORED
