"""Transcripts as the viewer shows them: of training runs, of evaluations, and of files that ``infinite-rl play`` wrote.

Everything here comes from models and files that anybody may have written: what acts in a text is made visible, numbers
are finite or none, and there is a limit to how much is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ...spaces.visible import visible
from ..progress import number
from .data import read_rows, read_summary

# The characters of all samples of one page; a browser holds twice that.
MOST_CHARACTERS = 60_000_000
MOST_MESSAGES = 400
LONGEST_TEXT = 8_000_000
RUN_FILES = {"transcripts.jsonl": "", "training_samples.jsonl": "step"}
SAMPLES_FILE = "samples.jsonl"
COUNTS = {"turns": "turns", "prompt_tokens": "tokens read", "completion_tokens": "tokens written"}


class View(NamedTuple):
    """What a page shows.

    Attributes:
        title: of the page.
        facts: names and values, for its head.
        notes: what is missing or broken.
        samples: each with ``id``, ``when``, ``sample``, ``domain``, ``status``, ``reward``, ``passed``, ``error``,
            ``expected``, ``answer``, ``components`` and ``facts`` (pairs), ``messages``, ``left`` (how many more there
            are) and ``tokens``.
    """

    title: str
    facts: list[tuple[str, str]]
    notes: list[str]
    samples: list[dict[str, Any]]


def read_view(place: Path) -> View:
    """What there is to see of a run's folder, of an evaluation's, or of a file of transcripts.

    Raises:
        FileNotFoundError: there is no such folder or file, or nothing in it to see.
    """
    notes: list[str] = []
    if place.is_file():
        rows: Iterable[Mapping[str, Any]] = read_rows(place, notes)
        facts = []
    elif (place / SAMPLES_FILE).is_file():
        rows = read_rows(place / SAMPLES_FILE, notes)
        facts = _results_facts(place, notes)
    elif any((place / name).is_file() for name in RUN_FILES):
        rows = _run_rows(place, notes)
        facts = _run_facts(place, notes)
    elif place.is_dir():
        raise FileNotFoundError(
            f"{place}: no transcripts there. Give the folder of a run or of an evaluation, or a JSON Lines file."
        )
    else:
        raise FileNotFoundError(f"{place}: there is no such folder or file")
    samples = _samples(rows, notes, evaluated=(place / SAMPLES_FILE).is_file() or place.is_file())
    title = f"{place.resolve().name} · transcripts"
    return View(visible(title), [(name, visible(text)) for name, text in facts], [*map(visible, notes)], samples)


def _samples(rows: Iterable[Mapping[str, Any]], notes: list[str], *, evaluated: bool) -> list[dict[str, Any]]:
    """As many of the samples as a page may hold, in the order of their file."""
    samples: list[dict[str, Any]] = []
    places: dict[object, int] = {}
    size, left = 0, 0
    for line, row in enumerate(rows):
        sample, key = _sample(row, evaluated), _key(row, line) if evaluated else line
        if key in places:  # an evaluation that went on has asked again for what had failed
            samples[places[key]] = sample
        elif size < MOST_CHARACTERS:
            size += len(json.dumps(sample))
            places[key] = len(samples)
            samples.append(sample)
        else:
            left += 1
    if left:
        notes.append(f"The page holds {len(samples):,} samples; {left:,} more would be too much for a browser.")
    return samples


def _key(row: Mapping[str, Any], line: int) -> object:
    """What tells samples apart: task and number in an evaluation, else the line."""
    task, sample = row.get("task_index"), row.get("sample")
    return (task, sample) if isinstance(task, int) and isinstance(sample, int) else line


def _sample(row: Mapping[str, Any], evaluated: bool) -> dict[str, Any]:
    messages = row.get("messages")
    messages = messages if isinstance(messages, list) else []
    components = row.get("components")
    components = components if isinstance(components, dict) else {}
    answer = _text(row.get("answer"))
    passed = row.get("passed")
    return {
        "id": _text(row.get("task_id"))[:300] or "?",
        "when": _text(row.get("when"))[:60],
        "sample": sample if isinstance(sample := row.get("sample"), int) else None,
        "domain": _text(row.get("domain"))[:200],
        "status": _text(row.get("status"))[:60],
        "reward": number(row.get("reward")),
        "passed": passed if isinstance(passed, bool) else None,
        "error": _text(row.get("error_msg")),
        # In a run's transcripts it is the right one, in those of an evaluation the one that was found.
        "expected": "" if evaluated else answer,
        "answer": answer if evaluated else "",
        "components": [(visible(str(name)), _number(value)) for name, value in components.items()][:50],
        "facts": _facts(row),
        "messages": [_message(one) for one in messages[:MOST_MESSAGES]],
        "left": max(0, len(messages) - MOST_MESSAGES),
        "tokens": _tokens(row.get("tokens")),
    }


def _facts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [(title, _number(row[name])) for name, title in COUNTS.items() if row.get(name) is not None]
    seconds = number(row.get("seconds"))
    found += [("time", f"{seconds:.1f} s")] if seconds is not None else []
    return found + ([("ended by", text)] if (text := _text(row.get("finish_reason"))[:40]) else [])


def _message(message: Any) -> dict[str, str]:
    fields = message if isinstance(message, dict) else {"role": "?", "content": message}
    return {
        "role": _text(fields.get("role"))[:60] or "?",
        "text": _text(fields.get("content")),
        "reasoning": _text(fields.get("reasoning_content")),
        "calls": _text(fields.get("tool_calls") or None),
    }


def _tokens(found: Any) -> dict[str, Any] | None:
    """The sampled tokens, if all their lists are of one length."""
    if not isinstance(found, dict):
        return None
    lists = {name: found.get(name) for name in ("texts", "logprobs", "turns", "advantages")}
    lengths = {len(values) for values in lists.values() if isinstance(values, list)}
    if len(lengths) != 1 or not all(isinstance(lists[name], list) for name in ("texts", "logprobs", "turns")):
        return None
    return {
        "texts": [_text(text) for text in lists["texts"] or ()],
        "turns": [turn if isinstance(turn, int) else -1 for turn in lists["turns"] or ()],
        "logprobs": [number(value) for value in lists["logprobs"] or ()],
        "advantages": None if lists["advantages"] is None else [number(value) for value in lists["advantages"]],
        "left": bool(found.get("left")),
    }


def _run_rows(folder: Path, notes: list[str]) -> Iterator[dict[str, Any]]:
    for name, when in RUN_FILES.items():
        if (folder / name).is_file():
            for row in read_rows(folder / name, notes):
                yield {**row, "when": f"{when} {row.get(when)}"} if when else row


def _run_facts(folder: Path, notes: list[str]) -> list[tuple[str, str]]:
    summary = read_summary(folder / "summary.json", notes)
    config = _config(folder / "config.yaml", notes)
    model, data = (part if isinstance(part := config.get(name), dict) else {} for name in ("model", "data"))
    facts = [
        ("model", summary.get("model") or model.get("name")),
        ("environment", summary.get("env") or data.get("env")),
    ]
    facts += [(name, summary.get(name)) for name in ("status", "steps", "seed")]
    for when in ("before", "after"):
        rate, error = number(summary.get(f"test_{when}")), number(summary.get(f"test_{when}_se"))
        facts += [(f"test {when}", _rate(rate, error))] if rate is not None else []
    return [(name, _text(value)) for name, value in facts if value not in (None, "")]


def _config(path: Path, notes: list[str]) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text("utf-8", errors="replace")) if path.is_file() else {}
    except (yaml.YAMLError, RecursionError) as error:
        notes.append(f"{path.name} can't be read ({type(error).__name__}).")
        return {}
    return config if isinstance(config, dict) else {}


def _results_facts(folder: Path, notes: list[str]) -> list[tuple[str, str]]:
    """Of an evaluation: what was measured of which model; the scores, where it has ended."""
    run = read_summary(folder / "run.json", notes)
    ended = (folder / "result.json").is_file()
    result = read_summary(folder / "result.json", notes) if ended else {}
    if not ended:
        notes.append("result.json is missing: the evaluation was cut short or still goes on.")
    env, model, sampling, scores = (_object(run | result, name) for name in ("env", "model", "sampling", "scores"))
    facts = [("model", model.get("name")), ("environment", env.get("id")), ("split", env.get("split"))]
    facts += [(name, sampling.get(name)) for name in ("n", "temperature", "max_tokens")]
    for name, score in scores.items():
        value = score if isinstance(score, dict) else {}
        rate, low, high = (number(value.get(key)) for key in ("value", "low", "high"))
        if rate is not None:
            within = "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
            facts.append((str(name), f"{rate:.3f}{within}"))
    return [(visible(name), _text(value)) for name, value in facts if value not in (None, "")]


def _object(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _rate(value: float, error: float | None) -> str:
    return f"{value:.1%}" + ("" if error is None else f" ± {error:.1%}")


def _number(value: Any) -> str:
    found = number(value)
    return _text(value)[:60] if found is None else f"{found:,.4g}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, indent=1)
    left = len(text) - LONGEST_TEXT
    return visible(text if left <= 0 else f"{text[:LONGEST_TEXT]} … {left:,} more characters are left out")
