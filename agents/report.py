"""The report of a run: its folder becomes one page, ``report.html``, that needs no network and no script.

``python -m infinite_rl.agents.report RUN_DIR`` writes it again. The same folder always gives the same bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from omegaconf import OmegaConf

from .progress import gain_error, number, visible

CURVE_POINTS = 120
MOST_CURVES = 24
MOST_SAMPLES = 12
MOST_MESSAGES = 8
LONGEST_TEXT = 4_000
LONGEST_CONFIG = 40_000

# Figures that every run is judged by, in the order of the page; all others follow them.
_TITLES = {
    "pass_rate": "Pass rate",
    "reward": "Reward",
    "kl": "KL to the reference",
    "entropy": "Entropy",
    "response_length": "Response length",
    "grad_norm": "Gradient norm",
    "clip_fraction": "Clip fraction",
    "truncated": "Truncated",
    "zero_variance_groups": "Groups without variance",
    "tokens_per_second": "Tokens per second",
    "loss": "Loss",
    "validation_pass_rate": "Validation pass rate",
}

# Colours that matplotlib draws with, and what the page's style sheet makes of them in light and dark.
_PAINT = {
    "#010101": "currentColor",
    "#020202": "var(--rule)",
    "#030303": "var(--train)",
    "#040404": "var(--validation)",
    "#050505": "var(--test)",
}
_TEXT, _RULE, _TRAIN, _VALIDATION, _TEST = _PAINT


class Log(dict[str, dict[float, float]]):
    """The figures of one phase: key to step to value. Of a step written twice, by a resumed run, the last counts."""


class Bucket(NamedTuple):
    """Neighbouring steps as one point of a curve: their mean step, and the mean, least and greatest of their values."""

    step: float
    mean: float
    low: float
    high: float


class Point(NamedTuple):
    """One held-out evaluation, with the standard error where it is known."""

    step: float
    value: float
    error: float | None


class Side(NamedTuple):
    """A held-out pass rate and when it was measured."""

    when: str
    value: float
    error: float | None


class Headline(NamedTuple):
    """What a run came to on a split."""

    split: str
    before: Side | None = None
    after: Side | None = None

    @property
    def gain(self) -> float:
        """After less before; 0.0 where there are not both."""
        return self.after.value - self.before.value if self.before and self.after else 0.0

    @property
    def error(self) -> float | None:
        """Standard error of the gain."""
        return gain_error(self.before.error, self.after.error) if self.before and self.after else None


class Shown(NamedTuple):
    """Text as far as it is shown: its head, how many characters are left out, and its tail."""

    head: str
    left_out: int
    tail: str


@dataclass(frozen=True)
class Curve:
    """One figure over the steps of a phase, with the held-out points that belong to it."""

    title: str
    values: Mapping[float, float]
    held_out: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    is_rate: bool = False

    @property
    def buckets(self) -> list[Bucket]:
        """The points that are drawn."""
        return buckets(self.values)

    @property
    def steps_per_point(self) -> int:
        """How many steps one drawn point stands for, at most."""
        return -(-len(self.values) // CURVE_POINTS)

    @property
    def ends(self) -> tuple[str, str] | None:
        """The first and the last drawn mean, as text."""
        drawn = self.buckets
        return (self.show(drawn[0].mean), self.show(drawn[-1].mean)) if drawn else None

    def show(self, value: float) -> str:
        """A value of this curve as text."""
        return f"{value:.1%}" if self.is_rate else short(value)

    def highest(self) -> float:
        """The greatest value that has to fit into the picture, error bars included."""
        held_out = [point.value + (point.error or 0.0) for points in self.held_out.values() for point in points]
        return max([bucket.high for bucket in self.buckets] + held_out, default=0.0)


def buckets(values: Mapping[float, float], most: int = CURVE_POINTS) -> list[Bucket]:
    """At most ``most`` points that hide no outlier: neighbouring steps give their mean, least and greatest value."""
    steps = sorted(values)
    size = -(-len(steps) // most) or 1
    groups = (steps[start : start + size] for start in range(0, len(steps), size))
    return [_bucket(group, [values[step] for step in group]) for group in groups]


def _bucket(steps: Sequence[float], values: Sequence[float]) -> Bucket:
    return Bucket(sum(steps) / len(steps), sum(values) / len(values), min(values), max(values))


def read_rows(path: Path, notes: list[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file of lines; what is missing or broken is noted and passed over."""
    if not path.is_file():
        notes.append(f"{path.name} is missing.")
        return
    broken = []
    with path.open(encoding="utf-8", errors="replace") as lines:
        for count, line in enumerate(lines, start=1):
            row = _parse(line)
            if isinstance(row, dict):
                yield row
            elif line.strip():
                broken.append(count)
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        notes.append(f"{path.name}, line {broken[0]}{more}: cut or not a JSON object; left out.")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def read_summary(path: Path, notes: list[str]) -> dict[str, Any]:
    """The summary, or an empty one with a note."""
    if not path.is_file():
        notes.append(f"{path.name} is missing: the run was cut short or still goes on.")
        return {}
    summary = _parse(path.read_text(encoding="utf-8", errors="replace"))
    if not isinstance(summary, dict):
        notes.append(f"{path.name} is not a JSON object; left out.")
        return {}
    return summary


def read_config(path: Path, notes: list[str]) -> tuple[str, dict[str, Any]]:
    """The configuration as it was written, and as a mapping."""
    if not path.is_file():
        notes.append(f"{path.name} is missing.")
        return "", {}
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        config = OmegaConf.to_container(OmegaConf.create(text))
    except Exception as error:  # YAML and OmegaConf raise many kinds, and none is worth losing the report
        notes.append(f"{path.name} can't be read ({type(error).__name__}); it is shown as it is.")
        config = None
    return text, config if isinstance(config, dict) else {}


def read_logs(rows: Iterable[Mapping[str, Any]], name: str, notes: list[str]) -> dict[str, Log]:
    """Figures by phase; the evaluations of each split are a phase of their own (``eval/test``)."""
    logs: dict[str, Log] = {}
    lost = Counter[str]()
    for row in rows:
        step = number(row.get("step"))
        if step is None:
            lost["step"] += 1
            continue
        phase = "/".join(str(row[key]) for key in ("phase", "split") if key in row) or "train"
        log = logs.setdefault(phase, Log())
        for key, value in row.items():
            finite = number(value)
            if finite is not None and key != "step":
                log.setdefault(key, {})[step] = finite
            elif isinstance(value, float):
                lost[key] += 1
    notes.extend(f"{name}: {count} values of {key} are missing or not finite; left out." for key, count in lost.items())
    return logs


def held_out(logs: Mapping[str, Log], key: str) -> dict[str, list[Point]]:
    """The evaluations of one figure, by split, in the order of their steps."""
    points = {}
    for phase, log in sorted(logs.items(), reverse=True):
        if phase.startswith("eval") and key in log:
            errors = log.get(key.replace("pass_rate", "standard_error"), {}) if "pass_rate" in key else {}
            values = sorted(log[key].items())
            points[phase.removeprefix("eval/")] = [Point(step, value, errors.get(step)) for step, value in values]
    return points


def _curve(logs: Mapping[str, Log], key: str, phase: str = "train", title: str = "") -> Curve:
    points = held_out(logs, key) if phase == "train" else {}
    values = logs.get(phase, Log()).get(key, {})
    return Curve(title or _TITLES.get(key, key.replace("_", " ").capitalize()), values, points, "pass_rate" in key)


def make_curves(logs: Mapping[str, Log], timing: Mapping[str, Log], notes: list[str]) -> dict[str, list[Curve]]:
    """The curves of the page, by section; a section without figures is empty."""
    keys = {key for phase, log in logs.items() if phase.startswith(("train", "eval")) for key in log}
    keys = {key for key in keys if not key.startswith(("reward/", "failures/", "standard_error"))}
    domains = sorted(key for key in keys if key.startswith("pass_rate/"))
    sections = {
        "learning": [_curve(logs, key) for key in _TITLES if key in keys],
        "domains": [_curve(logs, key, title=key.removeprefix("pass_rate/")) for key in domains if len(domains) > 1],
        "warmup": [_curve(logs, key, "warmup") for key in sorted(logs.get("warmup", ()))],
        "others": [_curve(logs, key, title=key) for key in sorted(keys - set(_TITLES) - set(domains))],
    }
    for phase, log in timing.items():
        if "tokens_per_second" in log and not phase.startswith(("warmup", "eval")):
            title = f"Tokens per second{f', {phase}' * (phase != 'train')}"
            sections["learning"].append(_curve(timing, "tokens_per_second", phase, title))
    for name, curves in sections.items():
        if len(curves) > MOST_CURVES:
            notes.append(f"{len(curves) - MOST_CURVES} curves of the section {name} are left out.")
            del curves[MOST_CURVES:]
    return sections


def draw(curve: Curve, prefix: str, top: float | None = None) -> Markup:
    """A curve as inline SVG. Its only text is numbers: names come from outside, and stay with the template.

    Args:
        curve: what to draw.
        prefix: for the ids, which must differ from those of all other pictures of the page.
        top: end of the vertical axis, so that rates can be compared between pictures.
    """
    # No simplification: matplotlib would drop points that the page says are there.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report", "path.simplify": False}):
        figure = Figure(figsize=(4.8, 2.3))
        axes = figure.add_axes((0.095, 0.125, 0.885, 0.83))
        _plot(axes, curve)
        _frame(axes, curve, top)
        picture = io.StringIO()
        quiet = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(picture, format="svg", transparent=True, metadata=quiet)
    return _inline(picture.getvalue(), prefix)


def _plot(axes: Any, curve: Curve) -> None:
    steps, means, lows, highs = zip(*curve.buckets, strict=True) if curve.buckets else ((),) * 4
    if curve.steps_per_point > 1:
        axes.fill_between(steps, lows, highs, color=_TRAIN, alpha=0.16, linewidth=0)
    marker = "o" if len(steps) == 1 else None
    axes.plot(
        steps, means, color=_TRAIN, linewidth=1.6, solid_joinstyle="round", marker=marker, clip_on=False, gid="line"
    )
    for split, points in curve.held_out.items():
        colour, marker = (_TEST, "D") if split == "test" else (_VALIDATION, "o")
        x, y, errors = zip(*points, strict=True)
        bars = [error or 0.0 for error in errors]
        axes.errorbar(x, y, yerr=bars, color=colour, marker=marker, markersize=4, linewidth=0, elinewidth=1.2, zorder=3)


def _frame(axes: Any, curve: Curve, top: float | None) -> None:
    low, high = axes.get_ylim()
    least, greatest = axes.dataLim.intervaly
    # From zero, unless there are values below it or that would flatten the curve.
    bottom = 0.0 if curve.is_rate or 0 <= least <= 0.6 * greatest else low
    axes.set_ylim(bottom, top if curve.is_rate and top else high)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}" if curve.is_rate else short(value)))
    axes.grid(axis="y", color=_RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(_RULE)
    axes.tick_params(length=0, pad=5, labelcolor=_TEXT)


def _inline(svg: str, prefix: str) -> Markup:
    """An SVG file as an element of the page: no size, font, style sheet or namespace of its own, and its own ids."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<text style="[^"]*(text-anchor: \w+)[^"]*"', r'<text style="\1"', svg)
    svg = re.sub(r' (?:width|height)="[\d.]+pt"| xmlns(?::\w+)?="[^"]*"| version="1.1"', "", svg)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    for colour, paint in _PAINT.items():
        svg = svg.replace(colour, paint)
    return Markup(re.sub(r"\s*\n\s*", " ", svg))


def cut(text: str, limit: int = LONGEST_TEXT) -> Shown:
    """Text of at most ``limit`` characters; of longer text three quarters are its start, one its end."""
    if len(text) <= limit:
        return Shown(text, 0, "")
    head, tail = limit * 3 // 4, limit // 4
    return Shown(text[:head], len(text) - head - tail, text[-tail:])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _messages(messages: Sequence[Any]) -> dict[str, Any]:
    """A part of a transcript, as far as it is shown."""
    shown = []
    for message in messages[:MOST_MESSAGES]:
        fields = message if isinstance(message, dict) else {"role": "?", "content": message}
        texts = [_text(fields[key]) for key in ("reasoning_content", "content", "tool_calls") if fields.get(key)]
        shown.append({"role": cut(_text(fields.get("role", "?")), 40), "text": cut("\n".join(texts))})
    return {"messages": shown, "left_out": max(0, len(messages) - MOST_MESSAGES)}


def _sample(row: Mapping[str, Any]) -> dict[str, Any]:
    """One transcript, cut when it is read, so that a file of long responses never lies in memory whole."""
    messages = row.get("messages")
    messages = messages if isinstance(messages, list) else []
    roles = [message.get("role") if isinstance(message, dict) else None for message in messages]
    start = roles.index("assistant") if "assistant" in roles else len(messages)
    return {
        "when": cut(_text(row.get("when", "?")), 40),
        "domain": cut(_text(row.get("domain", "")), 80),
        "answer": cut(_text(row.get("answer", "")), 500),
        "prompt": _messages(messages[:start]),
        "response": _messages(messages[start:]),
        "reward": number(row.get("reward")),
        "status": cut(_text(row.get("status", "")), 40),
        "error": cut(_text(row.get("error_msg") or ""), 500),
    }


def pair_samples(rows: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The first tasks of the file, each with its transcript from before and its latest one; and how many tasks follow.

    The order of the file is kept and nothing is picked, so that the page flatters nobody.
    """
    pairs: dict[str, dict[str, Any]] = {}
    others = set()
    for row in rows:
        task = _text(row.get("task_id", "?"))[:200]
        if task not in pairs and len(pairs) == MOST_SAMPLES:
            others.add(task)
            continue
        side = "before" if row.get("when") == "before" else "after"
        sample = _sample(row)
        pairs.setdefault(task, {"task_id": task, "shared": sample})[side] = sample
    return list(pairs.values()), len(others)


def headline(summary: Mapping[str, Any], logs: Mapping[str, Log]) -> Headline:
    """The held-out pass rate before and after: of the summary, else of the first and last evaluation of a split."""
    sides = []
    for side in ("before", "after"):
        value, error = number(summary.get(f"test_{side}")), number(summary.get(f"test_{side}_se"))
        if value is not None:
            sides.append(Side(f"{side} training", value, error))
    if len(sides) == 2:
        return Headline("test", *sides)
    splits = held_out(logs, "pass_rate").items()
    split, points = max(splits, key=lambda item: (len(item[1]) > 1, item[0] == "test"), default=("test", []))
    ends = [Side(f"at step {point.step:.0f}", point.value, point.error) for point in points]
    if len(ends) > 1:
        return Headline(split, ends[0], ends[-1])
    return Headline("test", sides[0]) if sides else Headline(split, *ends)


def compare(log: Log, prefix: str) -> list[dict[str, Any]]:
    """Mean figures of the first and the last tenth of the steps, for every key under a prefix."""
    rows = []
    for key in sorted(key for key in log if key.startswith(prefix)):
        values = [value for _, value in sorted(log[key].items())]
        tenth = -(-len(values) // 10)
        first, last = (sum(part) / tenth for part in (values[:tenth], values[-tenth:]))
        rows.append(
            {"name": key.removeprefix(prefix), "first": first, "last": last, "low": min(values), "high": max(values)}
        )
    return rows


def spend(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Where the time went: seconds by phase, and within a phase by every key that ends in ``_seconds``.

    Every row counts: of a step that a resumed run did twice, both times were spent.
    """
    phases: dict[str, Counter[str]] = {}
    for row in rows:
        totals = phases.setdefault(str(row.get("phase", "unknown")), Counter())
        totals.update({key: seconds for key in row if key.endswith("seconds") and (seconds := number(row[key]))})
    whole = sum(totals["seconds"] for totals in phases.values())
    return [
        {
            "phase": phase,
            "seconds": totals["seconds"],
            "share": totals["seconds"] / whole if whole > 0 else 0.0,
            "cpu": totals["cpu_seconds"],
            "parts": {key: totals[key] for key in totals if key not in ("seconds", "cpu_seconds")},
        }
        for phase, totals in phases.items()
    ]


def find(config: Mapping[str, Any], path: str) -> Any:
    """What a configuration holds at a dotted path, None if nothing."""
    value: Any = config
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def short(value: float) -> str:
    """A number in few characters: 0.0123, 4.5, 1,234, 12.3k, 1.2M."""
    size = abs(value)
    if size < 100:
        return f"{value:.3g}".replace("-", "−")
    unit, letter = (1e6, "M") if size >= 1e6 else (1e3, "k") if size >= 1e4 else (1, "")
    return (f"{value / unit:.3g}{letter}" if letter else f"{value:,.0f}").replace("-", "−")


def duration(seconds: float) -> str:
    """Seconds for people: 4.2 s, 3:05 min, 2:03:05 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    clock = str(timedelta(seconds=int(seconds)))
    return f"{clock} h" if seconds >= 3600 else f"{clock.removeprefix('0:').removeprefix('0')} min"


def _gather(run_dir: Path) -> dict[str, Any]:
    """Everything that the template shows."""
    notes: list[str] = []
    summary = read_summary(run_dir / "summary.json", notes)
    config_text, config = read_config(run_dir / "config.yaml", notes)
    logs = read_logs(read_rows(run_dir / "metrics.jsonl", notes), "metrics.jsonl", notes)
    times = list(read_rows(run_dir / "timing.jsonl", notes))
    timing = read_logs(times, "timing.jsonl", notes)
    samples, more_samples = pair_samples(read_rows(run_dir / "transcripts.jsonl", notes))
    curves = make_curves(logs, timing, notes)
    train = logs.get("train", Log())
    versions = summary.get("versions")
    return {
        "name": run_dir.resolve().name,
        "model": find(config, "model.name") or ("tiny model, made on the spot" if find(config, "model.tiny") else ""),
        "environment": find(config, "data.env"),
        "status": summary.get("status") or "unfinished",
        "summary": {key: number(summary.get(key)) for key in ("steps", "seconds", "cpu_seconds", "parameters")},
        "seed": summary.get("seed", config.get("seed")),
        "headline": headline(summary, logs),
        "curves": curves,
        "rate_top": _rate_top(curves),
        "splits": list(held_out(logs, "pass_rate")),
        "evaluations": held_out(logs, "pass_rate"),
        "components": compare(train, "reward/"),
        "failures": compare(train, "failures/"),
        "figures": compare(train, ""),
        "samples": samples,
        "more_samples": more_samples,
        "timing": spend(times),
        "config": cut(config_text, LONGEST_CONFIG),
        "versions": versions if isinstance(versions, dict) else {},
        "notes": notes,
    }


def _rate_top(curves: Mapping[str, Sequence[Curve]]) -> float:
    """One end for the axes of all pass rates, so that they can be compared, near enough to see low ones."""
    highest = max((curve.highest() for section in curves.values() for curve in section if curve.is_rate), default=1.0)
    return next((top for top in (0.1, 0.25, 0.5) if highest < top), 1.0) * 1.04


def _finalize(value: Any) -> Any:
    return value if isinstance(value, Markup) else visible(str(value))


def write_report(run_dir: Path) -> Path:
    """Writes ``report.html`` of a run's folder, however little the folder holds, in one step, and returns its path."""
    if not run_dir.is_dir():
        raise FileNotFoundError(f"{run_dir}: no such folder. Give the folder of a run, such as runs/my-run.")
    # Everything that comes from a run passes both: what acts in a text is made visible, then HTML is escaped.
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(short=short, duration=duration)
    pages.globals.update(draw=draw)
    page = pages.get_template("report.html.j2").render(_gather(run_dir))
    path = run_dir / "report.html"
    unfinished = path.with_suffix(".html.tmp")
    unfinished.write_text(page, encoding="utf-8")
    os.replace(unfinished, path)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the report of one run's folder again."""
    parser = argparse.ArgumentParser(description="Write report.html of a run's folder.")
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    print(write_report(parser.parse_args(arguments).run_dir))


if __name__ == "__main__":
    main()
