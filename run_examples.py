"""Runs the built-in examples through the reward functions: ``python -m infinite_rl.run_examples``.

An example is a Markdown file in ``datasets/examples/`` with prompt, answer and response. Its name begins with the task
type (``math``, ``python``, ``javascript``, or another of `get_reward_functions`); one that is meant to fail ends in
``.fail.md``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .datasets.example_parser import Example, ExampleParser
from .rewards import CodingRewardFunction, RewardFunction, RewardFunctionScore, get_reward_functions
from .runtimes import MissingArtefactError
from .spaces.visible import visible

EXAMPLES = Path(__file__).parent / "datasets" / "examples"
PASS_ABOVE = 0.8
_MEANT_TO_FAIL = ".fail"
_LANGUAGES = ("python", "javascript")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an example.

    Attributes:
        name: of its file.
        score: as graded.
    """

    name: str
    score: RewardFunctionScore

    @property
    def total(self) -> float:
        """The mean of format and correctness."""
        return (self.score.format_score + self.score.correctness_score) / 2

    @property
    def passed(self) -> bool:
        """Whether it scores above 0.8."""
        return self.total > PASS_ABOVE

    @property
    def surprises(self) -> bool:
        """Whether it passed or failed against what its name says, or could not be graded."""
        return self.score.failed or self.passed == self.name.endswith(_MEANT_TO_FAIL)

    @property
    def status(self) -> str:
        """What the table says."""
        if self.score.failed:
            return "ERROR"
        unexpected = " (unexpected)" if self.surprises else " (as expected)" if not self.passed else ""
        return ("PASS" if self.passed else "FAIL") + unexpected


def run_examples(folder: str | Path = EXAMPLES, types: Sequence[str] = ()) -> list[Outcome]:
    """Grades the examples of a folder, in order of their names.

    Args:
        folder: holds the files.
        types: task types with which names must begin; all if none is given.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: a name begins with no task type, or no example is left.
        MissingArtefactError: the sandbox of a language has not been built.
    """
    found = ExampleParser.get_all_examples(folder)
    chosen = {name: example for name, example in found.items() if not types or name.startswith(tuple(types))}
    if not chosen:
        raise ValueError(f"{folder}: no example{' of ' + ', '.join(types) if types else ''}. Names end in .md.")
    functions = get_reward_functions()
    return [Outcome(name, _grade(name, example, functions)) for name, example in chosen.items()]


def _grade(name: str, example: Example, functions: Mapping[str, RewardFunction]) -> RewardFunctionScore:
    kind = next((kind for kind in (*functions, *_LANGUAGES) if name.startswith(kind)), None)
    if kind is None:
        known = ", ".join((*functions, *_LANGUAGES))
        raise ValueError(f"{name}.md: begins with no task type. Known are {known}.")
    function = functions["coding" if kind in _LANGUAGES else kind]
    if isinstance(function, CodingRewardFunction) and kind in _LANGUAGES:
        function.set_language(kind)
    return function.compute_reward(example["response"], example["answer"])


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    """Prints the table, the average, and why examples surprised."""
    table = Table("Example Name", "Status", "Score")
    for outcome in outcomes:
        style = "red" if outcome.surprises else "green" if outcome.passed else "dim"
        table.add_row(outcome.name, Text(outcome.status, style), f"{outcome.total:.2f}")
    console.print(table)
    console.print(f"Average Score: {sum(outcome.total for outcome in outcomes) / len(outcomes):.2f}")
    for outcome in outcomes:
        if outcome.surprises:
            console.print(Text(f"{outcome.name}: {visible(outcome.score.error_msg) or 'was meant to fail'}", "red"))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: the arguments; those of the process if not given.

    Returns:
        0 if all went as their names say, 1 if an example surprises, 2 if they could not be run.
    """
    description = "Runs the built-in examples through the reward functions."
    parser = argparse.ArgumentParser(prog="python -m infinite_rl.run_examples", description=description)
    parser.add_argument("types", nargs="*", help="only examples of these types, such as math or python")
    parser.add_argument("--folder", type=Path, default=EXAMPLES, help="another folder of examples")
    arguments = parser.parse_args(argv)
    try:
        outcomes = run_examples(arguments.folder, arguments.types)
    except (ValueError, TypeError, OSError, MissingArtefactError) as error:
        print(f"run_examples: {' '.join(visible(str(error)).split())}", file=sys.stderr)
        return 2
    show(outcomes, Console(highlight=False))
    return 1 if any(outcome.surprises for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
