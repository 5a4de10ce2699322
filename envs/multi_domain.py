"""Tasks of several domains in one stream."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..datasets.arithmetic import ArithmeticSource
from ..datasets.coding.family import Language
from ..datasets.coding.source import CodingSource
from ..datasets.mixture import Mixture
from ..datasets.naming import check_names
from ..datasets.procedural import ProceduralSource
from ..datasets.reasoning import families as reasoning
from ..datasets.reasoning.source import ReasoningSource
from ..datasets.task import TaskSource
from ..rewards import RewardFunctionScore
from .episode import Episode
from .grading import Graders
from .text_env import TextEnv
from .vector import TextVectorEnv

# Who makes the tasks of each domain.
SOURCES: Mapping[str, type[ProceduralSource]] = {
    "arithmetic": ArithmeticSource,
    "math": ReasoningSource,
    "logic": ReasoningSource,
    "text": ReasoningSource,
    "coding": CodingSource,
}
# Not for one source alone: its name says the domain, and all share the split, or a task could be in two.
_OURS = ("domain", "split")


class MultiDomainEnv(TextEnv):
    """One task out of several domains, mixed by weights.

    Observation: the task as text; each says how to answer, for example ``Put these words in reverse order, with blanks
    between them: zebra jacket oyster``.
    Action: text with one answer between ``<answer>`` and ``</answer>``.
    Reward: 1.0 if the answer is right, else 0.0; each task is judged by the grader of its own domain.
    Info: ``domain`` is the family, such as ``logic/seating_order`` or ``coding/caesar``; what stands before the slash
    is what the weights name. ``reset(options={"domain": "logic"})`` draws a task of one.
    Termination: after one action.
    Truncation: only if grading fails (status ``error``).
    Arguments: ``weights`` (of ``arithmetic``, ``math``, ``logic``, ``text`` and ``coding``, by default 1 each; those
    left out weigh 0), ``level`` (1 to 4), ``split`` (``train``, ``validation``, ``test``; no problem is in two of them,
    whatever the seed), ``seed``, and ``language`` of the programs (``python`` or ``javascript``). ``sources``: what
    one domain's source alone is told, by the domain's name, such as ``{"logic": {"families": ["nim"], "level": 2}}``;
    see ``ArithmeticSource``, ``ReasoningSource`` and ``CodingSource``. Or ``tasks``: a file of tasks or a task source;
    a task's metadata names its ``grader`` (by default ``eq``). ``timeout``: seconds that a program may run.
    Floor: 0.00 for empty and copying policies; constant, majority and random ones at most 0.03 with equal weights.
    Versions: v0, first release.
    """

    domain = "multi_domain"
    default_grader = "eq"

    def __init__(
        self,
        tasks: TaskSource | str | Path | None = None,
        *,
        timeout: float = 5.0,
        max_turns: int | None = None,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(tasks, max_turns=max_turns, render_mode=render_mode, **arguments)
        self.graders = Graders("eq", timeout=timeout)

    def make_source(self, **arguments: Any) -> TaskSource:
        """A mixture of all procedural tasks."""
        return all_domains(**arguments)

    def finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """Judges each task by its own grader, those of one grader together."""
        return self.graders.score(episodes)


def all_domains(
    *,
    weights: Mapping[str, float] | None = None,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    language: Language = "python",
    **common: Any,
) -> TaskSource:
    """A mixture of all procedural tasks.

    Args:
        weights: of the domains; see :class:`~infinite_rl.datasets.mixture.Mixture`.
        sources: arguments of each domain's source, by the domain's name; they override the common ones.
        language: of the programs asked for.
        common: the arguments that all sources have: ``level``, ``split`` and ``seed``.

    Raises:
        ValueError: if a domain, or an argument of its source, is not known or not good.
    """
    sources = sources or {}
    check_names("sources", sources, SOURCES)
    made = {
        name: _source(name, common | ({"language": language} if name == "coding" else {}), sources.get(name) or {})
        for name in SOURCES
    }
    mixture = Mixture(made, weights, seed=common.get("seed", 0))
    templates = [source.template for source in mixture.sources.values() if hasattr(source, "template")]
    if len(set(templates)) < len(templates):
        raise ValueError(
            f"sources gives arithmetic and coding the same template, {templates[0]!r}: nobody could tell whether a "
            "number or a program is asked for"
        )
    return mixture


def _source(domain: str, common: Mapping[str, Any], own: Mapping[str, Any]) -> TaskSource:
    make = SOURCES[domain]
    known = [name for name in inspect.getfullargspec(make.__init__).kwonlyargs if name not in _OURS]
    check_names(f"sources.{domain}", own, known)
    arguments = {**common, **own}
    if make is ReasoningSource:
        families = own.get("families") or reasoning.DOMAINS[domain]
        arguments["families"] = check_names(f"sources.{domain}.families", families, reasoning.DOMAINS[domain])
    return make(**arguments)


MultiDomainVectorEnv = partial(TextVectorEnv, MultiDomainEnv)
