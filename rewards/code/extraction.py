"""Extraction of the program from a response, in linear time: its tags, then its Markdown fence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile

from ..extraction import check_name, tags, visible_text

LANGUAGES = {
    "python": "python",
    "python3": "python",
    "py": "python",
    "javascript": "javascript",
    "js": "javascript",
    "node": "javascript",
}
"""The languages by the names that fences and callers give them."""

_FENCE = re.compile("`{3,}")
# What a broken fence must hold to be worth running.
_MIN_BROKEN = 10
_MAX_INFO = 40
# Of more fences than this the first are read.
_MAX_FENCES = 1_000
_MALFORMED = "Malformed markdown code block inside <{tag}> tags."


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """What a response holds in its answer tags.

    Attributes:
        code: the program; None where there is none that could be run.
        format_score: 1.0 for a fenced program, 0.5 for bare text, 0.4 for several pairs of tags, 0.3 for a broken fence
            around enough text, 0.2 for one around less, 0.0 without tags.
        error_msg: what is wrong with the form; empty where nothing is.
    """

    code: str | None
    format_score: float
    error_msg: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of Markdown: the word after its fence in lower case, and the text inside."""

    info: str
    text: str

    @property
    def language(self) -> str | None:
        """The language that the fence names; None if it names none that we run."""
        return LANGUAGES.get(self.info)


def extract_code(response: str, language: str, tag: str = "answer") -> CodeAnswer:
    """Finds the program of a response.

    Only exact tags count (in any case), since ``[answer]`` is a list in both languages. Thinking is cut away first.

    Args:
        response: the whole response of a model, thinking included.
        language: ``python`` or ``javascript``: of several fenced blocks, one of this language comes first, then one
            without a language, then any.
        tag: name of the tag around the answer.
    """
    check_name(tag)
    found = _tagged(visible_text(response), tag)
    if not found:
        message = f"Missing <{tag}> tags in response. Ensure the code is wrapped in <{tag}> and </{tag}>."
        return CodeAnswer(None, 0.0, message)
    if len(found) > 1:
        first = _unfenced(found[0], language, tag)
        same = all(_unfenced(text, language, tag).code == first.code for text in found[1:])
        message = f"Multiple <{tag}> tags found. The code must be in exactly one pair."
        # Which of two programs is the answer would have to be guessed.
        return CodeAnswer(first.code if same else None, 0.4, message)
    return _unfenced(found[0], language, tag)


def fenced_blocks(text: str) -> Iterator[Block]:
    """All closed fenced blocks of a text, in order.

    A block ends at the next line that begins with a fence; where there is none, at the next fence.
    """
    fences = list(islice(_FENCE.finditer(text), _MAX_FENCES))
    line_starts = [i for i, fence in enumerate(fences) if _begins_line(text, fences[i - 1].end() if i else 0, fence)]
    i, known = 0, 0
    while i + 1 < len(fences):
        while known < len(line_starts) and line_starts[known] <= i:
            known += 1
        closing = line_starts[known] if known < len(line_starts) else i + 1
        yield _block(text[fences[i].end() : fences[closing].start()])
        i = closing + 1


def _tagged(text: str, tag: str) -> list[str]:
    """The texts in pairs of tags; none at all if a tag is unclosed, closed only or nested."""
    found: list[str] = []
    start: int | None = None
    for bound in tags(text, tag):
        if not bound.exact:
            continue
        if bound.closing == (start is None):
            return []
        if start is None:
            start = bound.end
        else:
            found.append(text[start : bound.start])
            start = None
    return found if start is None else []


def _unfenced(text: str, language: str, tag: str) -> CodeAnswer:
    """The program in the text of an answer."""
    if not _FENCE.search(text):
        code = _trim(text)
        return CodeAnswer(code, 0.5) if code else CodeAnswer(None, 0.5, "The answer is empty.")
    chosen = _choose(fenced_blocks(text), language)
    if chosen is not None:
        if chosen.text:
            return CodeAnswer(chosen.text, 1.0)
        return CodeAnswer(None, 1.0, "The code block is empty.")
    before, after = _FENCE.split(text, maxsplit=1)  # there is one, at the start or at the end
    rest = _block(after).text if len(after.strip()) > len(before.strip()) else before
    malformed = _MALFORMED.format(tag=tag)
    if len(rest.strip()) > _MIN_BROKEN:
        return CodeAnswer(_trim(rest), 0.3, malformed)
    return CodeAnswer(None, 0.2, malformed)


def _choose(blocks: Iterable[Block], language: str) -> Block | None:
    """The first block of the language, else the first without any, else the first."""
    first = untagged = None
    for block in blocks:
        if block.language == language:
            return block
        first = first or block
        untagged = untagged or (None if block.info else block)
    return untagged or first


def _begins_line(text: str, previous: int, fence: re.Match[str]) -> bool:
    """Whether only blanks stand before a fence on its line; ``previous`` is where the fence before it ends."""
    newline = text.rfind("\n", previous, fence.start())
    if newline < 0 and previous:
        return False
    return not text[newline + 1 : fence.start()].strip()


def _block(inside: str) -> Block:
    """A block from the text between its fences: on its first line stands the language, if any."""
    first, newline, rest = inside.partition("\n")
    info = first.strip()
    if newline and len(info) <= _MAX_INFO and _is_info(info):
        return Block(info.split()[0].lower() if info else "", _trim(rest))
    word, _, others = inside.strip().partition(" ")
    if word.lower() in LANGUAGES:  # all on one line
        return Block(word.lower(), others.strip())
    return Block("", _trim(inside))


def _trim(text: str) -> str:
    """A program without the indentation that all its lines share."""
    text = text.rstrip()
    # Without the blank lines before it: there may be half a million.
    text = text[text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1 :]
    # Most programs start at the margin, and then nothing is shared.
    return _dedent(text).strip() if text[:1].isspace() else text.rstrip()


def _dedent(text: str) -> str:
    # textwrap.dedent makes a regular expression of the margin, which takes seconds for a megabyte of blanks.
    lines = text.split("\n")
    margins = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip()]
    # What the least and the greatest share, all share.
    pairs = zip(min(margins, default=""), max(margins, default=""), strict=False)
    width = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
    return "\n".join(line[width:] if line.strip() else "" for line in lines)


def _is_info(info: str) -> bool:
    """Whether the rest of an opening fence's line names a language rather than being code."""
    return not info or info.split()[0].replace("-", "").replace("+", "").replace("#", "").isalnum()
