"""A complete environment: combine given numbers to reach a target."""

import ast
import operator
from random import Random

from infinite_rl import RewardFunctionScore, Task, TextEnv
from infinite_rl.datasets.procedural import ProceduralSource

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


class CountdownSource(ProceduralSource):
    """Numbers and a target that they reach; ``level`` says how many and how large."""

    def draw(self, rng: Random) -> Task:
        """Draws numbers, and computes a target from them that is above zero."""
        numbers = [rng.randrange(1, 10 * self.level) for _ in range(self.level + 2)]
        target = 0
        while target <= 0:
            way = "".join(f"{n}{rng.choice('+-*')}" for n in rng.sample(numbers, len(numbers)))[:-1]
            target = value_of(ast.parse(way, mode="eval").body)
        answer = {"numbers": numbers, "target": target}
        prompt = f"Use each of {', '.join(map(str, numbers))} once, with + - * and brackets, to make {target}."
        return Task.ask(prompt, answer, id=f"countdown/{prompt}", domain="countdown", key=prompt, way=way)


class CountdownEnv(TextEnv):
    """Combine given numbers with + - * to reach a target.

    Observation: the task, for example ``Use each of 3, 7, 8 once, with + - * and brackets, to make 29.``
    Action: the expression, nothing else.
    Reward: 1.0 if it uses each number once and equals the target, else 0.0.
    Termination: after one action. Arguments: ``level`` (1 to 4), ``split``, ``seed``.
    """

    domain = "countdown"

    def make_source(self, **arguments) -> CountdownSource:
        """The tasks."""
        return CountdownSource(**arguments)

    def grade(self, task: Task, response: str) -> RewardFunctionScore:
        """Reads the expression, and never runs it as Python."""
        try:
            tree = ast.parse(response.strip()[:500], mode="eval").body
            value, used = value_of(tree), [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
        except (SyntaxError, ValueError, KeyError, AttributeError, RecursionError, MemoryError):
            return RewardFunctionScore.no_answer("This is no expression with + - *.")
        right = sorted(used) == sorted(task.answer["numbers"]) and value == task.answer["target"]
        return RewardFunctionScore.scored(float(right))


def value_of(tree: ast.expr) -> int:
    """The value of a tree of + - * over integers."""
    if isinstance(tree, ast.Constant) and type(tree.value) is int:
        return tree.value
    return OPERATORS[type(tree.op)](value_of(tree.left), value_of(tree.right))
