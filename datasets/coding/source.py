"""The stream of programming tasks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from ..drawing import Rng, pick
from ..naming import check_names
from ..procedural import ProceduralSource
from ..task import Split, Task
from .families import FAMILIES
from .family import LANGUAGES, Family, Language, Parameters

TITLES: dict[Language, str] = {"python": "Python", "javascript": "JavaScript"}
EXAMPLES = 2
BARE = "{expression}="
CLOSING = "Put the code into a fenced block between <answer> and </answer>."
_FUNCTION_WORDINGS = (
    "Write a {title} function {signature}. It {statement}",
    "Implement the function {signature} in {title}. The function {statement}",
    "Please define {signature} in {title}. This function {statement}",
    "I need a function in {title}, {signature}, and this is what it does: it {statement}",
)
_PROGRAM_WORDINGS = (
    "Write a {title} program that reads standard input and prints to standard output. {statement}",
    "Implement this as a {title} program, which reads standard input and writes to standard output. {statement}",
    "{statement}\n\nSolve this with a {title} program. It gets its input on stdin and prints its output to stdout.",
)
_MAX_TRIES = 100


class CodingSource(ProceduralSource):
    """Small programs and functions, tested on hidden inputs.

    Each family is a domain of its own, such as ``coding/caesar``. What a task asks for depends on numbers or words
    drawn for it, so that no program solves two problems; a problem (family and parameters) belongs to one split.

    Args:
        seed: names the stream.
        split: ``train``, ``validation`` or ``test``.
        level: 1 to 4: all families of that level, drawn equally often.
        language: ``python`` or ``javascript``; both ask for the same problems.
        families: names of families instead of those of the level.
        template: the prompt of ``print_arithmetic``, with ``{expression}`` in it, instead of sentences; ``BARE`` suits
            models that know few words.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        split: Split = "train",
        level: int = 1,
        language: Language = "python",
        families: Sequence[str] | str | None = None,
        template: str | None = None,
    ) -> None:
        super().__init__(seed=seed, split=split, level=level)
        if language not in LANGUAGES:
            raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, not {language!r}")
        chosen = check_names("families", families or (), FAMILIES)
        if template is not None and "{expression}" not in template:
            raise ValueError(f"template must contain {{expression}}; it is {template!r}")
        if template is not None and chosen != ("print_arithmetic",):
            raise ValueError('template is for the family print_arithmetic alone: give families=["print_arithmetic"]')
        self.language: Language = language
        of_level = (family for family in FAMILIES.values() if family.level == level)
        self.families = tuple(FAMILIES[name] for name in chosen) or tuple(of_level)
        self.template = template

    @property
    def domains(self) -> tuple[str, ...]:
        """One for each family."""
        return tuple(f"coding/{family.name}" for family in self.families)

    def draw(self, rng: Rng) -> Task:
        """Draws a family, its parameters and its inputs."""
        family = pick(rng, self.families)
        parameters = family.parameters(rng)
        return make_task(family, parameters, rng, self.language, template=self.template)


def make_task(family: Family, p: Parameters, rng: Rng, language: Language, *, template: str | None = None) -> Task:
    """A task of a family: its prompt, and its hidden cases with their expected results."""
    shown, hidden = draw_cases(family, p, rng)
    key = family.key(p)
    prompt = family.text(p, language, template)
    if template is None:
        request = _request(family, prompt, language, rng)
        prompt = "\n\n".join([request, *_examples(family, shown, language), CLOSING])
    answer: dict[str, Any] = {"language": language, "cases": hidden}
    if family.function is not None:
        answer["function"] = family.function
    return Task.ask(
        prompt,
        answer,
        id=f"coding/{language}/{_digest(key, hidden)}",
        domain=f"coding/{family.name}",
        key=key,
        level=family.level,
        language=language,
        grader="coding",
        solution=family.reference(language, p),
    )


def draw_cases(family: Family, p: Parameters, rng: Rng) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The cases that the prompt shows, and the hidden ones. No constant answer passes the hidden ones."""
    for _ in range(_MAX_TRIES):
        cases = [_case(family, p, drawn) for drawn in family.inputs(rng, p)]
        if len(cases) == 1:  # a program without input
            return [], cases
        shown, hidden = cases[-EXAMPLES:], cases[:-EXAMPLES]
        results = {json.dumps(case.get("result", case.get("stdout"))) for case in hidden}
        if len(results) > 1:
            return shown, hidden
    raise LookupError(f"{family.name}: all results are alike for {p}")


def _case(family: Family, p: Parameters, drawn: Any) -> dict[str, Any]:
    if family.function is None:
        return {"stdin": drawn, "stdout": family.solve(p, drawn)}
    return {"args": list(drawn), "result": family.solve(p, *drawn)}


def _request(family: Family, statement: str, language: Language, rng: Rng) -> str:
    """The statement in one of several wordings."""
    if family.name == "print_arithmetic":
        return statement
    wordings = _PROGRAM_WORDINGS if family.function is None else _FUNCTION_WORDINGS
    return pick(rng, wordings).format(title=TITLES[language], signature=family.signature, statement=statement)


def _examples(family: Family, cases: Sequence[dict[str, Any]], language: Language) -> list[str]:
    if not cases:
        return []
    if family.function is None:
        return [f"Input:\n{case['stdin'].rstrip()}\nOutput:\n{case['stdout'].rstrip()}" for case in cases]
    write = repr if language == "python" else json.dumps
    calls = [
        f"{family.function}({', '.join(map(write, case['args']))}) returns {write(case['result'])}" for case in cases
    ]
    return ["\n".join(["Examples:", *calls])]


def _digest(*parts: object) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()
