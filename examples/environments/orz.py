"""A math problem, answered in a box or in tags at the end of long reasoning."""

from infinite_rl.rewards import get_reward_functions
from infinite_rl.rewards.boxed import boxed_as_tagged

math = get_reward_functions()["math"]


def interact(messages):
    """Nothing to say: the first response holds the answer."""
    return []


def reward_fn(messages, answer):
    """1.0 where the last message's answer has the expected value."""
    return math.compute_reward(boxed_as_tagged(messages[-1]["content"]), answer).correctness_score
