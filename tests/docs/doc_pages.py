"""The pages that people read, and their code blocks, wherever these stand: in lists, quotes and notes, too."""

import re
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Its Python blocks build on each other; test_tutorial.py runs them.
TUTORIAL = ROOT / "docs" / "tutorial.md"
FENCE = re.compile(r"([ \t>]*)(`{3,}|~{3,})([^`]*)")


class Block(NamedTuple):
    """A fenced block: its language, its code, and the line of its fence."""

    language: str
    code: str
    line: int


def split(text: str) -> tuple[list[Block], list[tuple[int, str]]]:
    """The blocks of a page, and its other lines, each with its number."""
    blocks, others, inside, opening, begun = [], [], [], None, 0
    for number, line in enumerate(text.splitlines(), 1):
        found = FENCE.fullmatch(line)
        if opening is None and found:
            opening, begun, inside = found, number, []
        elif opening is None:
            others.append((number, line))
        elif found and found[2].startswith(opening[2]) and not found[3].strip():
            code = "".join(f"{one}\n" for one in inside)
            if ">" in opening[1]:
                code = re.sub(r"(?m)^[ \t]*> ?", "", code)
            blocks.append(Block(opening[3].strip(), dedent(code), begun))
            opening = None
        else:
            inside.append(line)
    assert opening is None, f"the block that begins at line {begun} does not end"
    return blocks, others


def blocks(page: Path) -> list[Block]:
    """The blocks of a page."""
    return split(page.read_text("utf-8"))[0]


def prose(page: Path) -> list[tuple[int, str]]:
    """The lines of a page that are in no block, each with its number."""
    return split(page.read_text("utf-8"))[1]


def named(page: Path, block: Block) -> str:
    """Where a block stands."""
    return f"{page.relative_to(ROOT).as_posix()}:{block.line}"
