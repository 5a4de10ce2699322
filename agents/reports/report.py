"""The report of a run: its folder becomes one page, ``report.html``, that needs no network and no script.

``infinite-rl report RUN`` writes it again. The same folder always gives the same bytes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from ...spaces.visible import visible
from ..progress import number
from .continual import PRACTICE, continual, practice
from .curves import make_curves, rate_top
from .data import Log, find, held_out, read_config, read_logs, read_rows, read_summary
from .figures import compare, headline, spend
from .samples import pair_samples
from .svg import draw
from .text import cut, duration, short

LONGEST_CONFIG = 40_000


def write_report(run_dir: Path, out: Path | None = None) -> Path:
    """Writes the report of a run's folder in one step: whole, or the old one stays.

    Args:
        run_dir: the folder, however little it holds.
        out: the page; ``report.html`` in the folder if not given.

    Returns:
        The path of the page.

    Raises:
        FileNotFoundError: there is no such folder.
    """
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
    path = out or run_dir / "report.html"
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(page, encoding="utf-8")
    os.replace(unfinished, path)
    return path


def _gather(run_dir: Path) -> dict[str, Any]:
    """Everything that the template shows."""
    notes: list[str] = []
    summary = read_summary(run_dir / "summary.json", notes)
    config_text, config = read_config(run_dir / "config.yaml", notes)
    logs = read_logs(read_rows(run_dir / "metrics.jsonl", notes), "metrics.jsonl", notes)
    times = list(read_rows(run_dir / "timing.jsonl", notes))
    timing = read_logs(times, "timing.jsonl", notes)
    samples, more_samples = pair_samples(read_rows(run_dir / "transcripts.jsonl", notes))
    staged = continual(logs.get("eval/validation", Log()), find(config, "buffer.arrivals"))
    curves = make_curves(logs, timing, notes, staged.begins[1:] if staged else ())
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
        "rate_top": rate_top(curves),
        "splits": list(held_out(logs, "pass_rate")),
        "evaluations": held_out(logs, "pass_rate"),
        "staged": staged,
        "measures": measures if isinstance(measures := summary.get("measures"), list) else [],
        "practice": practice(logs.get("curriculum", Log())),
        "practice_names": PRACTICE,
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


def _finalize(value: Any) -> Any:
    return value if isinstance(value, Markup) else visible(str(value))
