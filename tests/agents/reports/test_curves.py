"""The curves of a report: every step or an honest mean of them, drawn where its value is."""

import json
import re

import pytest

from infinite_rl.agents.reports.curves import Curve, buckets, make_curves
from infinite_rl.agents.reports.data import read_logs
from infinite_rl.agents.reports.report import write_report
from infinite_rl.agents.reports.svg import draw


def page_with(folder, rows):
    """The page of a run that has logged these rows and nothing else."""
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return write_report(folder).read_text(encoding="utf-8")


def line_points(svg):
    """The coordinates of the drawn curve."""
    path = re.search(r'id="[^"]*line">\s*<path d="([^"]*)"', svg)
    return [(float(x), float(y)) for x, y in re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", path[1])] if path else []


def test_values_that_cannot_be_drawn_are_counted(tmp_path):
    values = [1.0, float("nan"), float("inf"), 1e308, 2.0, None, "text", 10**400, [1]]
    rows = [{"step": step, "phase": "train", "kl": value} for step, value in enumerate(values)]
    page = page_with(tmp_path, [*rows, {"phase": "train", "kl": 3.0}])
    assert "3 values of kl are missing or not finite" in page
    assert "1 values of step are missing or not finite" in page
    assert len(line_points(page)) == 2


def test_every_step_is_a_point_while_there_are_few():
    values = {float(step): step**2 / 100 for step in range(10)}
    assert [(point.step, point.mean) for point in buckets(values)] == list(values.items())
    points = line_points(draw(Curve("Reward", values), "id"))
    assert len(points) == 10


def test_the_drawn_line_is_the_logged_figures():
    values = {0.0: 0.1, 1.0: 0.5, 2.0: 0.3, 6.0: 0.2}
    (x0, y0), *others = line_points(draw(Curve("Reward", values), "id"))
    (x1, y1) = others[0]
    for (step, value), (x, y) in zip(list(values.items())[1:], others, strict=True):
        assert (x - x0) / (x1 - x0) == pytest.approx(step / 1.0, rel=1e-4)
        assert (y - y0) / (y1 - y0) == pytest.approx((value - 0.1) / 0.4, rel=1e-4)


def test_many_steps_become_means_that_hide_no_outlier():
    values = dict.fromkeys(range(1000), 0.0) | {617: 90.0}
    points = buckets(values)
    assert len(points) <= 120
    assert sum(point.mean for point in points) * 9 == pytest.approx(90.0)
    assert max(point.high for point in points) == 90.0
    assert all(point.low == 0.0 for point in points)
    assert [point.step for point in points[:2]] == [4.0, 13.0]
    svg = draw(Curve("Gradient norm", values), "id")
    assert len(line_points(svg)) == len(points)
    assert "fill-opacity: 0.16" in svg  # the band of least and greatest


def test_held_out_points_lie_on_the_training_curve_with_their_errors():
    train = [{"step": step, "phase": "train", "pass_rate": step / 20} for step in range(1, 11)]
    held_out = [
        {"step": step, "phase": "eval", "split": split, "pass_rate": 0.1 + step / 20, "standard_error": 0.02}
        for split in ("validation", "test")
        for step in (0, 10)
    ]
    logs = read_logs(held_out[:2] + train + held_out[2:], "", [])
    curve = next(curve for curve in make_curves(logs, {}, [])["learning"] if curve.title == "Pass rate")
    assert curve.held_out["validation"] == [(0, 0.1, 0.02), (10, pytest.approx(0.6), 0.02)]
    svg = draw(curve, "id")
    assert svg.count("var(--test)") > 0
    assert svg.count("var(--validation)") > 0


def test_domains_have_curves_only_if_there_are_two(tmp_path):
    row = {"step": 1, "phase": "train", "pass_rate": 0.5, "pass_rate/sums": 0.5}
    assert "Pass rate by domain" not in page_with(tmp_path, [row])
    assert "Pass rate by domain" in page_with(tmp_path, [{**row, "pass_rate/products": 0.1}])


def test_a_hundred_thousand_rows_make_no_large_page(tmp_path):
    rows = ({"step": step, "phase": "train", "reward": step % 7, "kl": 0.1} for step in range(100_000))
    page = page_with(tmp_path, rows)
    assert len(page) < 200_000
    assert len(line_points(page)) == 120
    assert "the mean of 834 neighbouring steps" in " ".join(page.split())


def test_curves_beyond_the_most_are_left_out_with_a_note(tmp_path):
    page = page_with(tmp_path, [{"step": 1, "phase": "train", **{f"key{place}": 1.0 for place in range(40)}}])
    assert "16 curves of the section others are left out" in page
    assert page.count("<figure") == 24
