"""What a family of programming tasks is: one statement with parameters, its inputs, and who solves it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from string import Template
from typing import Any, ClassVar, Literal, TypeAlias

from ..drawing import Rng

Parameters: TypeAlias = dict[str, Any]
Language: TypeAlias = Literal["python", "javascript"]
LANGUAGES: tuple[Language, ...] = ("python", "javascript")


class Family(ABC):
    """Tasks that ask for the same thing with different parameters, such as a Caesar cipher with different shifts.

    All texts may hold ``$name`` for the parameter of that name, and ``$name_th`` for it as an ordinal number. The
    parameters are part of what is asked, so that a program for one task of the family is wrong for the next.

    Attributes:
        name: the family's name.
        level: its difficulty, 1 to 4.
        signature: the function that is asked for, such as ``clamp(numbers)``; empty if it is a program that reads
            standard input.
        statement: what the function returns, or what the program does.
        python: a right solution.
        javascript: the same in the other language.
        python_slips: edits of the solution (what stands there, what stands there instead), each of which makes a
            plausible wrong one. Tests use them: the hidden cases must tell each from a right one.
        javascript_slips: the same in the other language.
    """

    name: ClassVar[str]
    level: ClassVar[int]
    signature: ClassVar[str] = ""
    statement: ClassVar[str]
    python: ClassVar[str]
    javascript: ClassVar[str]
    python_slips: ClassVar[Sequence[tuple[str, str]]]
    javascript_slips: ClassVar[Sequence[tuple[str, str]]]

    @abstractmethod
    def parameters(self, rng: Rng) -> Parameters:
        """Draws the parameters: numbers, text, or lists of them."""

    @abstractmethod
    def inputs(self, rng: Rng, p: Parameters) -> list[Any]:
        """Draws the inputs of a task, edge cases first: tuples of arguments, or texts of standard input.

        The last two are the examples of the prompt; all others are hidden.
        """

    @abstractmethod
    def solve(self, p: Parameters, *args: Any) -> Any:
        """The right result for one input: a JSON value, or the text to print."""

    @property
    def function(self) -> str | None:
        """The name of the function that is asked for; None for a program."""
        return self.signature.partition("(")[0] or None

    def key(self, p: Parameters) -> str:
        """Names the problem: equal for parameters that ask for the same."""
        return f"{self.name} " + " ".join(f"{name}={value}" for name, value in p.items())

    def text(self, p: Parameters, language: Language, template: str | None = None) -> str:
        """The statement; ``template`` is for families that have a form of their own."""
        del language, template
        return fill(self.statement, p)

    def reference(self, language: Language, p: Parameters) -> str:
        """A right solution."""
        return fill(getattr(self, language), p).strip()

    def mutants(self, language: Language, p: Parameters) -> list[str]:
        """Wrong solutions."""
        source: str = getattr(self, language)
        slips: Sequence[tuple[str, str]] = getattr(self, f"{language}_slips")
        return [fill(source.replace(right, wrong), p).strip() for right, wrong in slips]


def fill(text: str, p: Parameters) -> str:
    """The text with its parameters in place."""
    ordinals = {f"{name}_th": ordinal(value) for name, value in p.items() if isinstance(value, int)}
    return Template(text).substitute({name: str(value) for name, value in p.items()} | ordinals)


def ordinal(n: int) -> str:
    """The number as 1st, 2nd, 3rd, 4th."""
    ending = "th" if n // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
