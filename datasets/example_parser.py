"""Reads examples (prompt, answer, response) from Markdown, forgiving what writers of data get wrong.

Only data files and generated data are read like this. Rewards find answers strictly; see ``rewards/extraction.py``.
All of it takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

from ..rewards.code.extraction import fenced_blocks

_TAGS = ("answer", "summary")
_FENCE = "```"
_SECTIONS = {
    "prompt": ("prompt", "input", "question", "instruction"),
    "answer": ("answer", "expected answer", "solution", "target"),
    "response": ("response", "output", "model output", "model response"),
}
_ALIASES = {alias: section for section, aliases in _SECTIONS.items() for alias in aliases}
_MAX_HEADER = 60
# An answer that is longer than this, without a response beside it, is the response.
_LONG_ANSWER = 500
# Of more text than this before a lone closing tag, what belongs to the answer begins at the last header.
_LONG_LEAD = 5_000


class Example(TypedDict):
    """One example; what is missing is empty."""

    prompt: str
    answer: str
    response: str


class _Mark(NamedTuple):
    """A tag, or what was meant for one."""

    start: int
    end: int
    tag: str
    closing: bool
    exact: bool
    fence: bool


class ExampleParser:
    """Reads examples from text and files."""

    @staticmethod
    def extract_answer_tags(text: str, tags: Sequence[str] | None = None) -> list[str]:
        """The texts in answer tags, by the first of these rules that finds any.

        Exact pairs, in any case; fuzzy pairs, opened by three backticks, ``[`` or ``<``, and closed likewise; an
        opening tag alone: the rest, without a trailing fence; a closing tag alone: what stands before it, and of more
        than 5,000 characters what begins with the last ``#`` header.

        Args:
            text: the text.
            tags: the tags' names; ``answer`` and ``summary`` if not given.
        """
        names = [tags] if isinstance(tags, str) else list(tags or _TAGS)
        marks = _marks(text, names)
        found = _exact_pairs(text, marks) or _fuzzy_pairs(text, marks)
        if found or not marks:
            return found
        opening = next((mark for mark in marks if not mark.closing), None)
        if opening is not None:
            rest = text[opening.end :].strip().removesuffix(_FENCE).strip()
            return [rest] if rest else []
        before = text[: marks[0].start]
        if len(before) > _LONG_LEAD:
            before = before[max(before.rfind("\n#"), 0) :]
        return [before.strip()] if before.strip() else []

    @staticmethod
    def parse_text(text: str) -> Example:
        """Reads one example.

        Sections begin with a line ``# Name`` or ``[Name]``, outside fences; each with its first such line. Names are
        Prompt, Input, Question, Instruction; Answer, Expected answer, Solution, Target; Response, Output, Model output,
        Model response.

        The answer is what stands in its tags (joined by newlines), else its code block, else its ``{…}``, else what
        stands in the response's tags (joined by ``|``), else its text. Without a response, the whole text is the
        response if it has tags, else an answer of more than 500 characters.
        """
        sections = _sections(text)
        response = sections["response"]
        answer = _answer(sections["answer"], response)
        if not response:
            if ExampleParser.extract_answer_tags(text):
                response = text
            elif len(sections["answer"]) > _LONG_ANSWER:
                response = sections["answer"]
        return {"prompt": sections["prompt"], "answer": answer, "response": response}

    @staticmethod
    def parse_file(path: str | Path) -> Example:
        """Reads the example in a UTF-8 file.

        Raises:
            OSError: it can't be read.
            ValueError: it is not UTF-8.
        """
        try:
            return ExampleParser.parse_text(Path(path).read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None

    @staticmethod
    def get_all_examples(folder: str | Path) -> dict[str, Example]:
        """The examples in the ``.md`` files of a folder, by file name without the suffix, in order.

        Raises:
            FileNotFoundError: there is no such folder.
            ValueError: a file is not UTF-8.
        """
        if not Path(folder).is_dir():
            raise FileNotFoundError(f"{folder}: no such folder")
        return {path.stem: ExampleParser.parse_file(path) for path in sorted(Path(folder).glob("*.md"))}


def _marks(text: str, names: list[str]) -> list[_Mark]:
    """All tags, exact and fuzzy, in order."""
    either = "|".join(map(re.escape, names))
    pattern = (
        rf"(```|[<\[])([ \t]{{0,8}}/?[ \t]{{0,8}})({either})(?![\w-])([ \t]{{0,8}}[>\]]|(?=[ \t]{{0,8}}[\r\n]|\Z))?"
    )
    found = []
    for match in re.finditer(pattern, text, re.IGNORECASE):  # all repetitions are bounded
        opened, slash, tag, ended = match.groups()
        if ended is None:
            continue
        exact = opened == "<" and slash in ("", "/") and ended == ">"
        closing = "/" in slash
        found.append(_Mark(match.start(), match.end(), tag.lower(), closing, exact, opened == _FENCE and not closing))
    return found


def _exact_pairs(text: str, marks: list[_Mark]) -> list[str]:
    found: list[str] = []
    opening: _Mark | None = None
    for mark in marks:
        if not mark.exact:
            continue
        if opening is None:
            opening = None if mark.closing else mark
        elif mark.closing and mark.tag == opening.tag:
            found.append(text[opening.end : mark.start].strip())
            opening = None
    return found


def _fuzzy_pairs(text: str, marks: list[_Mark]) -> list[str]:
    found: list[str] = []
    next_closing: dict[str, _Mark] = {}
    closings: list[_Mark | None] = []
    for mark in reversed(marks):  # so that the one behind each mark is known without looking for it
        closings.append(next_closing.get(mark.tag))
        if mark.closing:
            next_closing[mark.tag] = mark
    position = 0
    for mark, closing in zip(marks, reversed(closings), strict=True):
        if mark.closing or mark.start < position:
            continue
        end = text.find(_FENCE, mark.end) if mark.fence else -1
        if closing is not None and not 0 <= end < closing.start:
            end, position = closing.start, closing.end
        elif end >= 0:
            position = end + len(_FENCE)
        else:
            continue
        found.append(text[mark.end : end].strip())
    return found


def _sections(text: str) -> dict[str, str]:
    """The texts of the three sections; what stands before the first is left out."""
    lines = text.split("\n")
    fences = [number for number, line in enumerate(lines) if line.lstrip().startswith(_FENCE)]
    if len(fences) % 2:
        fences.pop()  # the last one is never closed, and must not hide the headers behind it
    toggles = set(fences)
    parts: dict[str, list[str]] = {}
    current: list[str] | None = None
    fenced = False
    for number, line in enumerate(lines):
        fenced ^= number in toggles
        section = None if fenced else _header(line)
        if section is not None and section not in parts:
            current = parts[section] = []
        elif current is not None:
            current.append(line)
    return {section: "\n".join(parts.get(section, ())).strip() for section in _SECTIONS}


def _header(line: str) -> str | None:
    """The section that a line opens."""
    if len(line) > _MAX_HEADER or line.startswith(("    ", "\t")):
        return None
    text = line.strip().rstrip(":").rstrip()
    if text.startswith("#"):
        name = text.strip("#")
    elif text.startswith("[") and text.endswith("]"):
        name = text[1:-1]
    else:
        return None
    return _ALIASES.get(" ".join(name.split()).rstrip(": ").lower())


def _answer(text: str, response: str) -> str:
    tagged = "\n".join(ExampleParser.extract_answer_tags(text))
    if tagged:
        return tagged
    block = next(fenced_blocks(text), None)
    if block is not None:
        return block.text.strip()
    # A brace inside a word is notation, such as \frac{1}{2}.
    opening, end = re.search(r"(?<![^\s:=])\{", text), text.rfind("}")
    if opening is not None and opening.start() < end:
        return text[opening.start() : end + 1]
    return " | ".join(ExampleParser.extract_answer_tags(response)) or text
