"""The model card of a submission, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .exports import escaped, percent
from .facts import card_facts
from .settings import withheld

_END = (
    "Scores and verdicts followed from the transcripts, graded again when this was packed. The model's name, its "
    "sampling, the hardware, times and declarations are the submitter's word."
)


def model_card(run: Mapping[str, Any], result: Mapping[str, Any], words: str = "") -> str:
    """The card; of tasks that a canary marks it tells nothing by which they could be made again.

    Args:
        run: what was asked.
        result: what came of it.
        words: of the submitter, taken as they are.
    """
    score = result["scores"]["pass@1"]
    lines = [f"# {escaped(run['model']['name'])} on {escaped(run['env']['id'])}", ""]
    if score["value"] is not None:
        value, low, high = (percent(score[name]) for name in ("value", "low", "high"))
        lines += [f"pass@1 {value}, 95% interval {low} to {high}.", ""]
    if words:
        lines += [words.strip(), ""]
    for title, pairs in card_facts(run, result, private=withheld(run)):
        lines += [f"## {title}", "", *(f"- {escaped(name)}: {escaped(value)}" for name, value in pairs), ""]
    return "\n".join([*lines, _END, ""])
