"""Python and packages, against the ranges that this package declares."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, metadata, version
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path
from typing import NamedTuple

from .check import Check, State

ROOT = Path(__file__).resolve().parents[2]
NAME = "infinite-rl"
# What each extra is for; those for developers of this package are no business of its users.
EXTRAS = {
    "train": "training, reports, data files",
    "generate": "tasks by Gemini",
    "lora": "adapters",
    "tensorboard": "event files of runs",
    "search": "vectors by FAISS",
    "mcp": "tools of MCP servers",
    "vllm": "rollouts by an engine",
}
_COMPARISONS = {"==": eq, "!=": ne, "<=": le, ">=": ge, "<": lt, ">": gt}


class Requirement(NamedTuple):
    """A package that is asked for.

    Attributes:
        name: of the package.
        ranges: such as ``<2,>=1.2``; empty for any version.
        extra: the extra that asks for it; empty for the core.
    """

    name: str
    ranges: str
    extra: str


def install(extra: str = "") -> str:
    """The command that installs this package with an extra: from a clone, if this is one."""
    if (ROOT / "constraints.txt").is_file():
        return f'pip install -c constraints.txt -e ".[{extra}]"' if extra else "pip install -c constraints.txt -e ."
    return f"pip install '{NAME}[{extra}]'" if extra else f"pip install {NAME}"


def check_packages() -> Iterator[Check]:
    """Python, the packages of the core one by one if anything is wrong with them, and each extra."""
    try:
        about = metadata(NAME)
    except PackageNotFoundError:
        yield Check("packages", NAME, "problem", "not installed", install())
        return
    wanted, here = about["Requires-Python"] or "", ".".join(map(str, sys.version_info[:3]))
    fits = within(here, wanted)
    advice = "" if fits else f"make a virtual environment with a Python {wanted.replace(',', ' and ')}"
    yield Check("packages", "python", "ok" if fits else "problem", f"{here} ({sys.executable})", advice)
    requirements = [read_requirement(line) for line in about.get_all("Requires-Dist") or ()]
    core = [one for one in requirements if not one.extra]
    wrong = [text for one in core if (text := misfit(one))]
    told = "; ".join(wrong) or ", ".join(f"{one.name} {version(one.name)}" for one in core)
    yield Check("packages", "core", "problem" if wrong else "ok", told, install() if wrong else "")
    for extra in (name for name in EXTRAS if name in (about.get_all("Provides-Extra") or ())):
        yield _check_extra(extra, [one for one in requirements if one.extra == extra and one.name != NAME])


def read_requirement(line: str) -> Requirement:
    """Reads a line of a package's metadata, such as ``torch>=2.9; extra == "train"``."""
    wanted, _, marker = line.partition(";")
    name = re.match(r"[\w.-]+", wanted.strip())
    extra = re.search(r"""extra == ["']([\w-]+)["']""", marker)
    ranges = re.sub(r"^[\w.-]+\s*(\[[^]]*\])?", "", wanted.strip()).strip("() ")
    return Requirement(name[0] if name else "", ranges, extra[1] if extra else "")


def within(found: str, ranges: str) -> bool:
    """Whether a version lies within ranges such as ``<2,>=1.2``; of both the numbers count alone."""
    for one in filter(None, re.split(r"\s*,\s*", ranges.strip())):
        parts = re.match(r"(==|!=|<=|>=|<|>|~=)\s*(.+)", one)
        if parts is None:
            continue
        given, bound = _numbers(found), _numbers(parts[2])
        length = max(len(given), len(bound))
        given, bound = ([*numbers, *[0] * (length - len(numbers))] for numbers in (given, bound))
        if parts[1] in _COMPARISONS and not _COMPARISONS[parts[1]](given, bound):
            return False
    return True


def misfit(requirement: Requirement) -> str:
    """What is wrong with a package, in a few words; empty if nothing is."""
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is missing"
    if within(found, requirement.ranges):
        return ""
    return f"{requirement.name} {found} is not {requirement.ranges.replace(',', ' and ')}"


def _check_extra(extra: str, requirements: Sequence[Requirement]) -> Check:
    wrong = [text for one in requirements if (text := misfit(one))]
    absent = len(wrong) == len(requirements) and all(text.endswith(" is missing") for text in wrong)
    name = f"[{extra}]"
    if absent:
        state: State = "warning" if extra == "train" else "optional"
        return Check("packages", name, state, f"not installed: {EXTRAS[extra]}", install(extra))
    if wrong:  # of the others a package may have come with something else
        told = "; ".join(wrong)
        missing = all(text.endswith(" is missing") for text in wrong)
        state = "problem" if extra == "train" else "optional" if missing else "warning"
        return Check("packages", name, state, f"{told}: {EXTRAS[extra]}", install(extra))
    return Check("packages", name, "ok", ", ".join(f"{one.name} {version(one.name)}" for one in requirements))


def _numbers(text: str) -> list[int]:
    """The numbers of a release: 2, 13 and 0 of ``2.13.0+cpu``."""
    found = re.match(r"\d+(\.\d+)*", text)
    return [int(part) for part in found[0].split(".")] if found else []
