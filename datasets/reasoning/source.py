"""The stream of reasoning tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ..drawing import Rng, pick
from ..naming import check_names
from ..procedural import ProceduralSource
from ..task import Split, Task
from .families import DOMAINS, FAMILIES
from .family import Family, Problem

TAGGED = "Give the answer between <answer> and </answer>."
BOXED = "Put the answer into \\boxed{}."


class ReasoningSource(ProceduralSource):
    """Questions over mathematics, logic and text.

    Each family is a domain of its own, such as ``logic/knights``; a problem belongs to one split, whatever the seed.

    Args:
        seed: names the stream.
        split: ``train``, ``validation`` or ``test``.
        level: 1 to 4; every family has all levels.
        families: names of families, each drawn equally often.
        domain: ``math``, ``logic`` or ``text``: all families of that domain. Without both, all there are.
        closing: the sentence that says where the answer goes; ``BOXED`` for models that box their answers.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        split: Split = "train",
        level: int = 1,
        families: Sequence[str] | str | None = None,
        domain: str | None = None,
        closing: str = TAGGED,
    ) -> None:
        super().__init__(seed=seed, split=split, level=level)
        if families is not None and domain is not None:
            raise ValueError("families and domain exclude each other: give one of them")
        if domain is not None and domain not in DOMAINS:
            raise ValueError(f"domain must be one of {', '.join(DOMAINS)}, not {domain!r}")
        chosen = DOMAINS[domain] if domain is not None else families if families is not None else tuple(FAMILIES)
        chosen = check_names("families", chosen, FAMILIES)
        if not chosen:
            raise ValueError("families names no family")
        self.families = tuple(FAMILIES[name] for name in chosen)
        self.closing = closing

    @property
    def domains(self) -> tuple[str, ...]:
        """One for each family."""
        return tuple(f"{_DOMAIN_OF[family.name]}/{family.name}" for family in self.families)

    def draw(self, rng: Rng) -> Task:
        """Draws a family and a problem of it."""
        family = pick(rng, self.families)
        return make_task(family, family.problem(rng, self.level), self.level, self.closing)


def make_task(family: Family, problem: Problem, level: int, closing: str = TAGGED) -> Task:
    """The task that asks a family's problem."""
    key = f"{family.name} {problem.key}"
    answer = problem.answer if family.grader != "family" else {"family": family.name, **problem.answer}
    form = {"answer_form": family.answer_form} if family.grader == "math" else {}
    return Task.ask(
        f"{problem.question}\n\n{closing}",
        answer,
        id=f"{family.name}/{hashlib.blake2b(key.encode(), digest_size=8).hexdigest()}",
        domain=f"{_DOMAIN_OF[family.name]}/{family.name}",
        key=key,
        level=level,
        grader=family.grader,
        solution=problem.solution or str(problem.answer),
        **form,
    )


_DOMAIN_OF = {name: domain for domain, names in DOMAINS.items() for name in names}
