"""TorchRL's own wrappers, specs and collector drive the environments as they are."""

import gymnasium
import pytest

import infinite_rl

torchrl_envs = pytest.importorskip("torchrl.envs")
import infinite_rl.envs.adapters.torchrl  # noqa: F401  (teaches TorchRL the text spaces)

IDS = ["InfiniteRL/Math-v0", "InfiniteRL/MultiDomain-v0", "InfiniteRL/Stub-v0"]


@pytest.mark.parametrize("id", IDS)
def test_specs_hold_and_rollouts_run(id):
    env = torchrl_envs.GymEnv(id)
    torchrl_envs.check_env_specs(env)
    rollout = env.rollout(3, break_when_any_done=False)
    assert rollout.shape == (3,)
    assert all(isinstance(text, str) for text in rollout["observation"])


def test_a_policy_that_computes_earns_everything():
    env = torchrl_envs.GymWrapper(gymnasium.make("InfiniteRL/Math-v0", operations=["add"]))

    def policy(tensordict):
        first, second = tensordict["observation"].removeprefix("What is ").partition("?")[0].split("+")
        return tensordict.set("action", f"<answer>{int(first) + int(second)}</answer>")

    rollout = env.rollout(8, policy, break_when_any_done=False)
    assert rollout["next", "reward"].sum() == 8


def test_a_collector_collects():
    from torchrl.collectors import Collector

    def policy(tensordict):
        return tensordict.set("action", "<answer>1</answer>")

    collector = Collector(
        lambda: torchrl_envs.GymEnv("InfiniteRL/Stub-v0"), policy, frames_per_batch=5, total_frames=10
    )
    batches = list(collector)
    collector.shutdown()
    assert [batch.numel() for batch in batches] == [5, 5]
