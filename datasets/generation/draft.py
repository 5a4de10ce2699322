"""What a model wrote, read from the three heads ``[PROMPT]``, ``[ANSWER]`` and ``[RESPONSE]``."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ...rewards.code.extraction import fenced_blocks
from ..example_parser import ExampleParser

HEADS = ("[PROMPT]", "[ANSWER]", "[RESPONSE]")
_FENCE = "```"
# Characters; no task needs more, and what is longer is not read.
_MOST, _MOST_PROMPT = 200_000, 20_000


class DraftError(ValueError):
    """A reply is no task; the message says why, for the model and for people."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A task and its solution, as a model wrote them; not yet checked."""

    prompt: str
    answer: str
    response: str


def read_draft(text: str) -> Draft:
    """Reads a reply.

    Each head stands on a line of its own, outside of fenced blocks, once and in this order; stars, hashes and a colon
    around it do no harm. A reply without them is read by `ExampleParser`, which knows headings by other names.

    Raises:
        DraftError: one of the parts is missing, empty or there twice, or the reply is too long.
    """
    if len(text) > _MOST:
        raise DraftError(f"The reply is longer than {_MOST:,} characters.")
    parts = _parts(_unfenced(text))
    if parts is None:
        example = ExampleParser.parse_text(text)
        parts = [example["prompt"], example["answer"], example["response"]]
    if missing := [head for head, part in zip(HEADS, parts, strict=True) if not part.strip()]:
        raise DraftError(f"Missing or empty: {', '.join(missing)}. Each head stands on a line of its own.")
    prompt, answer, response = (part.strip() for part in parts)
    if len(prompt) > _MOST_PROMPT:
        raise DraftError(f"The prompt is longer than {_MOST_PROMPT:,} characters.")
    return Draft(prompt, _plain_answer(answer), response)


def _parts(text: str) -> list[str] | None:
    """What stands under each head; None if there is no head at all."""
    parts: dict[str, list[str]] = {}
    current: list[str] | None = None
    fenced = False
    for line in text.split("\n"):
        head, rest = (None, "") if fenced else _head(line)
        if line.lstrip().startswith(_FENCE):
            fenced = not fenced
        if head is None or (rest and head in parts):  # a response may speak of the heads
            if current is not None:
                current.append(line)
            continue
        if head.startswith("[/"):
            current = None
            continue
        if head in parts:
            raise DraftError(f"{head} comes twice. Write one task.")
        if len(parts) != HEADS.index(head):
            raise DraftError(f"{head} is out of order. The heads come as {', '.join(HEADS)}.")
        current = parts[head] = [rest]
    return ["\n".join(parts.get(head, ())) for head in HEADS] if parts else None


def _head(line: str) -> tuple[str | None, str]:
    """The head that a line begins with, opening or closing, and what stands behind it."""
    text = line.strip().lstrip("*# ")
    for head in HEADS:
        for name in (head, f"[/{head[1:]}"):
            if text[: len(name)].upper() == name:
                rest = text[len(name) :].lstrip("*#: ")
                return name, rest
    return None, ""


def _unfenced(text: str) -> str:
    """The reply without a fence around all of it."""
    lines = text.strip().split("\n")
    if len(lines) > 2 and lines[0].startswith(_FENCE) and lines[-1].strip() == _FENCE and _head(lines[1])[0]:
        return "\n".join(lines[1:-1])
    return text


def _plain_answer(answer: str) -> str:
    """The answer without tags, and JSON without its fence; a fenced program is known by its fence, which stays."""
    tagged = ExampleParser.extract_answer_tags(answer, ["answer"])
    if len(tagged) == 1 and tagged[0]:
        answer = tagged[0]
    blocks = list(fenced_blocks(answer))
    if len(blocks) == 1 and answer.startswith(_FENCE) and _is_object(blocks[0].text):
        return blocks[0].text.strip()
    return answer


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
