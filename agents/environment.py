"""A demonstration: ``python -m infinite_rl.agents.environment`` plays environments that are programs, without a model.

The environments themselves lie in the room :mod:`infinite_rl.agents.environments`.
"""

from __future__ import annotations

import gymnasium

from .environments.text import ConversationEnvironment
from .environments.verification import SVRLEnvironment


def show(title: str, env: gymnasium.Env[str, str], answers: list[str]) -> None:
    """Plays an episode with the answers given, and prints what was said."""
    print(f"== {title}")
    observation, _ = env.reset(seed=0)
    for answer in answers:
        print(observation)
        print(f"> {answer}")
        observation, reward, terminated, truncated, _ = env.step(answer)
        if terminated or truncated:
            print(f"reward {float(reward):g}")
            return
    print(observation)


def main() -> None:
    """Plays a conversation, and a task whose answer is checked with a tool first."""
    talk = ConversationEnvironment(prompts=["What is 6*7?"], user=["Are you sure?"])
    show("ConversationEnvironment", talk.as_gymnasium(score=lambda s: float("42" in s.response)), ["42", "Yes, 42."])
    tools = {"multiply": {"cost": 1.0, "fn": lambda first, second: int(first) * int(second)}}
    check = SVRLEnvironment(task_prompts=["What is 6*7?"], verification_tools=tools, budget=2.0)
    call = '<tool_call>{"name": "multiply", "arguments": {"first": 6, "second": 7}}</tool_call>'
    show("SVRLEnvironment", check.as_gymnasium(score=lambda s: float(s.response == "42")), [call, "42"])


if __name__ == "__main__":
    main()
