"""A board as pages: tables, tasks, transcripts and comparisons, from files that need no server."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..evaluation.bounds import bounds_of
from ..evaluation.given import NOTHING, Given
from ..evaluation.results import Sample
from .board import Board, Entry, read_board
from .chunks import Chunks
from .exports import as_csv, as_markdown, rows
from .facts import card_facts
from .grouping import arguments_of, arguments_told, titles
from .pairs import compare
from .scripts import shown, write_script
from .settings import split_of

PAGES = Path(__file__).parent / "site"
_DATA = "data"
_HIDDEN = "its tasks are private, and so is the reason"
_UNGRADED = "the host's check lacked what their tasks are made of, which is a file, an argument or an environment"
# What follows says what the files of the host are called, and what is wrong in them.
_OF_FILES = "the environment can't be made again"
# Characters of a line on the first page.
_LONGEST = 1_000
_PATH = re.compile(r"""(?<![^\s'"(:=])(?:~|\.{1,2})?/[^\s'":;,()]{1,4096}""")


def write_site(folder: Path, out: Path, *, checked: bool = False, given: Given = NOTHING) -> Board:
    """Builds the site of a folder of submissions; the old one stays until the new one is whole, and has an entry.

    Args:
        folder: the submissions.
        out: where the pages go.
        checked: whether all samples are graded again, and what a check refuses is left out.
        given: what is needed for that, and not taken from a submission.

    Returns:
        The board, whose ``left_out`` says what is not on it.

    Raises:
        FileNotFoundError: there is no such folder of submissions.
        FileExistsError: at ``out`` is something else than a site.
        ValueError: ``board.json`` is malformed.
    """
    if not folder.is_dir():  # before anything is made
        raise FileNotFoundError(f"{folder}: no such folder. Give one that holds submissions.")
    if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or (out / _DATA / "board.js").exists())):
        raise FileExistsError(f"{out} exists, and is no site of a leaderboard; give another folder by --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside it, so that it can be put into its place at once.
    draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        board = _build(folder, draft, checked, given)
        if board.entries or not out.exists():
            draft.chmod(0o755)
            if out.exists():
                shutil.rmtree(out)
            draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return board


def _build(folder: Path, site: Path, checked: bool, given: Given) -> Board:
    data = site / _DATA

    def visit(entry: Entry, tasks: dict[int, list[Sample]]) -> None:
        """Writes the transcripts of an entry."""
        if entry.private:
            return
        chunks = Chunks(data, entry.id)
        for place, (index, samples) in enumerate(tasks.items()):
            entry.rows[index].chunk = chunks.add(place, samples)
        chunks.flush()

    board = read_board(folder, visit, checked=checked, given=given)
    for page in PAGES.iterdir():
        shutil.copy(page, site / page.name)
    told = summary(board) | {"checked": checked}
    write_script(data, "board", told)
    for entry in board.entries:
        write_script(data, f"{entry.id}/entry", detail(entry, board.entries))
    table = rows(told["entries"], told["benchmarks"])
    (site / "board.csv").write_text(as_csv(table), encoding="utf-8")
    (site / "board.md").write_text(as_markdown(told["title"], table), encoding="utf-8")
    return board


def summary(board: Board) -> dict[str, Any]:
    """What the first page shows."""
    keys = list(dict.fromkeys(entry.benchmark for entry in board.entries))
    groups = {key: [entry for entry in board.entries if entry.benchmark == key] for key in keys}
    runs = [groups[key][0].run for key in keys]
    private = [all(entry.private for entry in groups[key]) for key in keys]
    names = titles(runs, [str(split_of(board.settings, run).get("name") or "") for run in runs], private)
    benchmarks = [
        _private(name, groups[key], board) if hidden else _benchmark(key, name, groups[key], board)
        for key, name, hidden in zip(keys, names, private, strict=True)
    ]
    order = sorted(range(len(keys)), key=lambda place: (bool(benchmarks[place]["retired"]), benchmarks[place]["name"]))
    place_of = {keys[old]: new for new, old in enumerate(order)}
    references = board.settings.get("references", [])
    ranks = {entry.id: rank for group in groups.values() for rank, entry in _ranked(group)}
    entries = [
        _entry(entry, place_of[entry.benchmark], ranks[entry.id], _sure(groups[entry.benchmark]))
        | {"reference": entry.source in references}
        for entry in board.entries
    ]
    return {
        "title": shown(board.settings.get("title", "Infinite RL leaderboard")),
        "about": shown(board.settings.get("about", "")),
        "version": version("infinite-rl"),
        "benchmarks": [benchmarks[place] for place in order],
        "entries": entries,
        "left_out": [(shown(one.source), _HIDDEN if one.private else _reason(one.why)) for one in board.left_out],
    }


_RATES = {
    "extraction_failure": "No answer found",
    "timeout": "Timeouts",
    "truncation": "Cut off",
    "error": "Not scored",
}


def detail(entry: Entry, entries: Sequence[Entry]) -> dict[str, Any]:
    """What the page of one entry shows."""
    result = entry.result
    pairs = [(other.id, compare(entry, other)) for other in entries if other is not entry]
    tasks = [] if entry.private else [
        (row.task_id, row.domain, row.samples, row.passed, row.reward, row.chunk, index)
        for index, row in entry.rows.items()
    ]  # fmt: skip
    return {
        "scores": [_scored(name, score) for name, score in result["scores"].items()],
        "domains": [] if entry.private else [_scored(name, score) for name, score in result["by_domain"].items()],
        "rates": [(name, result["rates"][key]) for key, name in _RATES.items() if result["rates"].get(key) is not None],
        "tasks": tasks,
        "pairs": [(other, *astuple(one)) for other, one in pairs if one is not None],
        "card": card_facts(entry.run, result, private=entry.private),
        # The card in an archive has the arguments, too.
        "words": "" if entry.private else shown(entry.card),
        "why": entry.ungraded and (_HIDDEN if entry.private else _UNGRADED),
    }


def _reason(why: str) -> str:
    """Why something was left out, without what is on the host's disk: that is told on its terminal alone."""
    told, mark, _ = why.partition(_OF_FILES)
    return shown(_PATH.sub("…", told + mark))


def _benchmark(key: str, name: str, entries: Sequence[Entry], board: Board) -> dict[str, Any]:
    env = entries[0].run["env"]
    split = split_of(board.settings, entries[0].run)
    bounds = bounds_of({**env, "arguments": arguments_of(env)})
    return {
        "key": key,
        "name": shown(name),
        "env": shown(env["id"]),
        "arguments": shown(arguments_told(env), _LONGEST),
        "split": shown(env["split"] or ""),
        "tasks": env["tasks"],
        "description": shown(env["description"]),
        "data": shown(str(entries[0].run["hashes"].get("data"))),
        "private": bool(split.get("private")),
        "retired": shown(str(split["retired"])) if split.get("retired") else "",
        "floor": list(bounds.floor.items()) if bounds else [],
        "references": list(bounds.references.items()) if bounds else [],
        "ceiling": bounds.ceiling if bounds else None,
        "ceiling_policy": "knows the answers",
        "how": bounds.how if bounds else "No floor is published for these tasks.",
    }


def _private(name: str, entries: Sequence[Entry], board: Board) -> dict[str, Any]:
    """A benchmark without what its tasks could be made of, or a guess of it be tried on."""
    # The usual key is made of arguments and hashes; this one of what the page says anyway.
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    kept: dict[str, Any] = {"key": f"private-{digest}", "arguments": "", "data": ""}
    # Bounds were measured at one level, with other arguments as they are by default.
    kept |= {"floor": [], "references": [], "ceiling": None, "how": "Of private tasks no floor is shown."}
    return _benchmark("", name, entries, board) | kept


def _entry(entry: Entry, benchmark: int, rank: int | None, of: int) -> dict[str, Any]:
    run, result = entry.run, entry.result
    scores, n, graded = result["scores"], run["sampling"]["n"], result["counts"]["graded"]
    curve = [(k, scores.get(f"pass@{k}")) for k in sorted({n, *(2**power for power in range(n.bit_length()))})]
    return {
        "id": entry.id,
        "benchmark": benchmark,
        "rank": rank,
        "of": of,
        "model": entry.model,
        "backend": shown(run["model"]["backend"]),
        "parameters": run["model"]["parameters"],
        "prompt": shown(run["sampling"]["prompt"] or ""),
        "pass1": _interval(scores["pass@1"]),
        "passk": [(k, score["value"], score["low"], score["high"]) for k, score in curve if score],
        "maj": _interval(scores[f"maj@{n}"]),
        "reward": _interval(scores["reward"]),
        "tasks": run["env"]["tasks"],
        "n": n,
        "graded": graded,
        "tokens": result["usage"]["completion_tokens"] / graded if graded else None,
        # Of known prices it would tell how many tokens were read.
        "cost": None if entry.private else (result.get("cost") or {}).get("total"),
        "finished": shown(result["finished"]),
        "private": entry.private,
        "withheld": entry.withheld,
        "ungraded": bool(entry.ungraded),
        "copies": [(other.id, share) for other, share in entry.copies],
    }


def _sure(entries: Sequence[Entry]) -> int:
    return sum(not entry.ungraded for entry in entries)


def _ranked(entries: Sequence[Entry]) -> list[tuple[int | None, Entry]]:
    """By pass@1, those that are equal with the same rank; without one where nobody knows whether the score is true."""
    values = {entry.id: entry.result["scores"]["pass@1"]["value"] for entry in entries}
    known = {entry.id: -1.0 if values[entry.id] is None else values[entry.id] for entry in entries}
    sure = [known[entry.id] for entry in entries if not entry.ungraded]
    return [
        (None if entry.ungraded else 1 + sum(other > known[entry.id] for other in sure), entry) for entry in entries
    ]


def _interval(score: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: score[name] for name in ("value", "low", "high")}


def _scored(name: str, score: Mapping[str, Any]) -> tuple[str, float | None, float | None, float | None]:
    value, low, high = _interval(score).values()
    return shown(name), value, low, high
