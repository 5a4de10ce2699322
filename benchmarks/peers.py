"""What other libraries offer that our environments are compared with; each is left out where it is not installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from infinite_rl.datasets.task import Task
from infinite_rl.envs.math import MathEnv
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.envs.vector import TextVectorEnv
from infinite_rl.rewards.extraction import extract_answer
from infinite_rl.rewards.score import RewardFunctionScore

# Kinds of tasks that both sides have: the name in reasoning-gym, and the arguments that make them alike.
ALIKE: dict[str, tuple[str, dict[str, Any]]] = {
    "word order": ("word_sequence_reversal", {}),
    "equation": ("simple_equations", {}),
    "sum": ("chain_sum", {"min_terms": 2, "max_terms": 2, "min_digits": 4, "max_digits": 4}),
}
Turn = Callable[[], int]


def installed(module: str, package: str) -> bool:
    if importlib.util.find_spec(module) is None:
        print(f"{package} is not installed and left out: pip install {package}", file=sys.stderr)
        return False
    return True


def versions() -> dict[str, str]:
    """The versions of what was compared."""
    found = {}
    for package in ("gymnasium", "math-verify", "reasoning-gym", "gem-llm"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def math_verify_env() -> type[MathEnv] | None:
    """Math-v0 graded one by one by math-verify."""
    if not installed("math_verify", "math-verify"):
        return None
    from math_verify import parse, verify

    class MathVerifyEnv(MathEnv):
        """The same problems and the same tags, with another grader."""

        finish = TextEnv.finish

        def grade(self, task: Task, response: str) -> RewardFunctionScore:
            found = extract_answer(response).answers
            if not found:
                return RewardFunctionScore.no_answer("no answer")
            gold, answer = (parse(f"\\boxed{{{text}}}") for text in (task.answer, found[0]))
            return RewardFunctionScore.scored(float(verify(gold, answer)))

    return MathVerifyEnv


def gem_math() -> Callable[[Any], list[float]] | None:
    """gem-llm's environment of math problems, a loop without processes of its own; its data are made beforehand."""
    if not (installed("gem", "gem-llm") and installed("datasets", "datasets")):
        return None
    from gem.envs.math_env import MathEnv as GemMathEnv

    from datasets import Dataset

    blank = Dataset.from_list([{"problem": "", "answer": ""}])
    env = GemMathEnv(dataset=blank, use_mp=False, eval=True)

    def play(batch: list[tuple[int, Task, str]]) -> list[float]:
        env.dataset = [{"problem": task.prompt, "answer": task.answer} for _, task, _ in batch]
        env.idx = 0
        rewards = []
        for _, _, action in batch:
            env.reset()
            boxed = action.replace("<answer>", "\\boxed{").replace("</answer>", "}")
            rewards.append(float(env.step(boxed)[1]))
        return rewards

    return play


def reasoning_gym_families(count: int, ours: dict[str, TextVectorEnv]) -> dict[str, Turn]:
    """Turns that draw ``count`` entries of each kind and score their answers."""
    if not installed("reasoning_gym", "reasoning-gym"):
        return {}
    import reasoning_gym
    from reasoning_gym.utils import extract_answer as extracted

    def turn(dataset: Any, following: Any) -> int:
        first = next(following) * count
        for index in range(first, first + count):
            entry = dataset[index]
            completion = f"<answer>{entry['answer']}</answer>"
            assert dataset.score_answer(extracted(completion), entry) == 1.0
        return count

    turns: dict[str, Turn] = {}
    for name, (theirs, options) in ALIKE.items():
        dataset = reasoning_gym.create_dataset(theirs, size=10**8, seed=0, **options)
        judge_alike(ours[name], dataset)
        following = iter(range(10**5))
        turns[f"{name}: reasoning-gym"] = lambda dataset=dataset, following=following: turn(dataset, following)
    return turns


def judge_alike(env: TextVectorEnv, dataset: Any) -> None:
    """Asserts that both sides find the same answers right, on tasks of ours."""
    env.reset(seed=1)
    solutions = [episode.task.metadata.get("solution", episode.task.answer) for episode in env.episodes]
    given = [text if place % 2 else f"{text}1" for place, text in enumerate(solutions)]
    rewards = env.step([f"<answer>{text}</answer>" for text in given])[1]
    for reward, text, solution in zip(rewards, given, solutions, strict=True):
        assert (reward == 1.0) == (dataset.score_answer(text, {"answer": solution}) == 1.0), (text, solution)


def gem_families(count: int) -> dict[str, Turn]:
    """The same tasks as environments of gem-llm, in its vector class."""
    if not (installed("gem", "gem-llm") and installed("reasoning_gym", "reasoning-gym")):
        return {}
    import gem

    def turn(env: Any) -> int:
        env.reset()
        actions = [f"\\boxed{{{single.data['answer']}}}" for single in env.envs]
        assert all(reward == 1.0 for reward in env.step(actions)[1])
        return count

    # Those whose tasks need no arguments, since its environments take none.
    names = {name: theirs for name, (theirs, options) in ALIKE.items() if not options}
    envs = {name: gem.make_vec([f"rg:{theirs}"] * count, seed=0) for name, theirs in names.items()}
    return {f"{name}: gem-llm": lambda env=env: turn(env) for name, env in envs.items()}
