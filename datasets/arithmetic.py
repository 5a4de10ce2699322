"""Procedural arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .drawing import Rng, below, pick
from .naming import check_names
from .procedural import ProceduralSource
from .task import Split, Task

OPERATIONS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
QUESTION = "What is {expression}? Give the number between <answer> and </answer>."
BARE = "{expression}="


@dataclass(frozen=True, slots=True)
class Level:
    """The defaults of one difficulty level: how many digits the operands have, and which operations occur."""

    digits: tuple[int, int]
    operations: tuple[str, ...]


LEVELS = {
    1: Level((1, 1), ("add", "subtract")),
    2: Level((2, 2), ("add", "subtract")),
    3: Level((2, 1), ("add", "subtract", "multiply", "divide")),
    4: Level((3, 3), ("add", "subtract", "multiply", "divide")),
}


class ArithmeticSource(ProceduralSource):
    """Two integers, one operation, an integer result.

    Each operation is a domain of its own: ``arithmetic/add``, ``arithmetic/subtract``, and so on. Division is exact,
    made from a product. ``3+4`` and ``4+3`` are one problem, so a split never shows the mirror of another's.

    Args:
        seed: names the stream.
        split: ``train``, ``validation`` or ``test``.
        level: 1 to 4; sets the defaults of the other arguments.
        operations: of ``add``, ``subtract``, ``multiply``, ``divide``, each drawn equally often.
        digits: the most digits of the first and of the second operand (of divisor and quotient in a division).
        template: the prompt, with ``{expression}`` in it; ``BARE`` suits models that know digits only.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        split: Split = "train",
        level: int = 1,
        operations: Sequence[str] | str | None = None,
        digits: Sequence[int] | None = None,
        template: str = QUESTION,
    ) -> None:
        super().__init__(seed=seed, split=split, level=level)
        self.operations = check_names("operations", operations or LEVELS[level].operations, OPERATIONS)
        self.digits = tuple(digits or LEVELS[level].digits)
        self.template = template
        if len(self.digits) != 2 or not all(isinstance(n, int) and 1 <= n <= 18 for n in self.digits):
            raise ValueError(f"digits must be two numbers from 1 to 18, not {list(self.digits)}")
        if "{expression}" not in template:
            raise ValueError(f"template must contain {{expression}}; it is {template!r}")

    @property
    def domains(self) -> tuple[str, ...]:
        """One for each operation."""
        return tuple(f"arithmetic/{name}" for name in self.operations)

    def draw(self, rng: Rng) -> Task:
        """Draws operation and operands, all values of the digit ranges equally likely."""
        name = pick(rng, self.operations)
        first, second = (below(rng, 10**digits) for digits in self.digits)
        if name == "divide":
            divisor = max(first, 1)
            first, second, answer = divisor * second, divisor, second
        else:
            answer = {"add": first + second, "subtract": first - second, "multiply": first * second}[name]
        operands = sorted((first, second)) if name in ("add", "multiply") else (first, second)
        symbol = OPERATIONS[name]
        expression = f"{first}{symbol}{second}"
        return Task.ask(
            self.template.replace("{expression}", expression),
            str(answer),
            id=f"arithmetic/{expression}",
            domain=f"arithmetic/{name}",
            key=f"{operands[0]}{symbol}{operands[1]}",
            level=self.level,
            expression=expression,
            grader="math",
            answer_form="numeral",
        )
