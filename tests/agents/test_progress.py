"""Progress: bars on a terminal, plain lines in a log, notes alone where it is off."""

import io
import time

import pytest
from rich.console import Console

from infinite_rl.agents.progress import Progress, gain_error, number, summary_table

HOSTILE = "[bold red]x[/] [/] \x1b]0;title\x07 \x00 \u202e \ud800"


class Clock:
    """Time that passes only when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(clock):
    return Console(file=io.StringIO(), force_terminal=False, force_interactive=False, width=60, get_time=clock)


@pytest.fixture
def terminal(clock):
    return Console(file=io.StringIO(), force_terminal=True, force_interactive=True, width=100, get_time=clock)


def lines(console):
    return console.file.getvalue().splitlines()


def test_a_log_has_a_line_for_the_start_and_every_tenth_of_a_phase(log):
    with Progress(total_steps=200, console=log) as progress:
        progress.phase("training", 200)
        for _ in range(200):
            progress.advance(reward=0.5)
    assert [line.split()[1] for line in lines(log)] == [f"{step}/200" for step in range(0, 201, 20)]


def test_a_phase_of_fewer_than_ten_steps_has_a_line_for_each(log):
    with Progress(total_steps=3, console=log) as progress:
        progress.phase("training", 3)
        for _ in range(3):
            progress.advance()
    assert [line.split()[1] for line in lines(log)] == ["0/3", "1/3", "2/3", "3/3"]


def test_a_slow_phase_is_silent_for_five_minutes_at_most(log, clock):
    with Progress(total_steps=1000, console=log) as progress:
        progress.phase("training", 1000)
        for _ in range(6):
            clock.now += 200.0
            progress.advance()
    assert [line.split()[1] for line in lines(log)] == ["0/1000", "2/1000", "4/1000", "6/1000"]


def test_a_line_holds_figures_time_elapsed_and_time_left_unwrapped(log, clock):
    with Progress(total_steps=20, console=log) as progress:
        progress.phase("training", 20)
        for _ in range(10):
            clock.now += 10.0
            progress.advance(reward=0.25, held_out=0.5, kl=0.00123, tokens_per_second=12345.6)
    assert lines(log)[-1] == (
        "training  10/20  reward 0.25  held out 0.5  KL 0.00123  tokens/s 12,346  0:01:40 elapsed, 0:01:40 left"
    )


def test_a_figure_stays_until_a_newer_one_and_leaves_with_its_phase(log):
    with Progress(total_steps=2, console=log) as progress:
        progress.phase("training", 2)
        progress.advance(reward=0.1, held_out=0.7)
        progress.advance(reward=0.2)
        progress.phase("evaluating test split", 1)
    assert "reward 0.2  held out 0.7" in lines(log)[-2]
    assert lines(log)[-1].startswith("evaluating test split  0/1  0:00:00")


def test_the_last_line_of_a_phase_has_what_was_measured_after_its_last_step(log):
    with Progress(total_steps=2, console=log) as progress:
        progress.phase("training", 2)
        progress.advance(held_out=0.7)
        progress.advance(reward=0.2)
        progress.advance(0, held_out=0.9)
        progress.phase("test after", 1)
    ends = [line for line in lines(log) if line.startswith("training  2/2")]
    assert len(ends) == 1
    assert "held out 0.9  reward 0.2" in ends[0]


def test_a_phase_left_unfinished_goes_on_where_it_was(log):
    with Progress(total_steps=4, console=log) as progress:
        for title in ("training", "evaluating", "training", "evaluating", "training"):
            progress.phase(title, 4 if title == "training" else 1)
            progress.advance()
    done = [line.split()[:2] for line in lines(log)]
    assert [step for title, step in done if title == "training"] == ["0/4", "1/4", "1/4", "2/4", "2/4", "3/4"]
    assert [step for title, step in done if title == "evaluating"] == ["0/1", "1/1", "0/1", "1/1"]


def test_steps_without_a_phase_are_training(log):
    with Progress(total_steps=1, console=log) as progress:
        progress.advance()
    assert [line.split()[:2] for line in lines(log)] == [["training", "0/1"], ["training", "1/1"]]


def test_a_phase_of_no_steps_is_no_error(log):
    with Progress(total_steps=0, console=log) as progress:
        progress.phase("training", 0)
        progress.advance(0, held_out=0.5)
    assert lines(log)[0].startswith("training  0/0")


def test_an_interrupted_run_leaves_a_line_of_where_it_was(log):
    progress = Progress(total_steps=100, console=log)
    with pytest.raises(KeyboardInterrupt), progress:
        progress.phase("training", 100)
        progress.advance(7)
        raise KeyboardInterrupt
    assert lines(log)[-1].startswith("training  7/100")


@pytest.mark.parametrize("console", ["log", "terminal"])
def test_a_disabled_display_writes_notes_alone(console, request):
    console = request.getfixturevalue(console)
    with Progress(total_steps=10, enabled=False, console=console) as progress:
        progress.phase("training", 10)
        progress.advance(10, reward=1.0)
        progress.note("hello")
    assert console.file.getvalue() == "hello\n"


def test_a_terminal_shows_phase_steps_figures_and_times_in_a_live_bar(terminal, clock):
    with Progress(total_steps=200, console=terminal) as progress:
        progress.phase("training", 200)
        for _ in range(20):
            clock.now += 1.0
            progress.advance(reward=0.312, held_out=0.64, kl=0.002, tokens_per_second=1234.0)
        deadline = time.monotonic() + 60.0  # the bar is drawn by a thread
        while "20/200" not in terminal.file.getvalue() and time.monotonic() < deadline:
            time.sleep(0.02)
        frame = terminal.file.getvalue()
    for shown in (
        "training",
        "━",
        "20/200",
        "0:00:20",
        "0:03:00",
        "reward 0.312  held out 0.64  KL 0.002  tokens/s 1,234",
    ):
        assert shown in frame


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_the_terminal_is_restored_after(terminal, error):
    progress = Progress(total_steps=10, console=terminal)
    with pytest.raises(error), progress:
        progress.phase("training", 10)
        progress.advance(reward=0.5)
        raise error
    written = terminal.file.getvalue()
    hide, show = "\x1b[?25l", "\x1b[?25h"
    assert hide in written
    assert written.rindex(show) > written.rindex(hide)
    terminal.print("after")
    assert terminal.file.getvalue().endswith("after\n")


@pytest.mark.parametrize("console", ["log", "terminal"])
def test_text_from_outside_neither_styles_nor_steers_the_terminal(console, request):
    console = request.getfixturevalue(console)
    with Progress(total_steps=1, console=console) as progress:
        progress.phase(HOSTILE, 1)
        progress.advance(**{HOSTILE: 1.0})
        progress.note(HOSTILE)
    written = console.file.getvalue()
    assert written.count("[bold red]x[/] [/] ␛]0;title␇ ␀ ⟨U+202E⟩ ⟨U+D800⟩") >= 3
    assert not {"\x1b]", "\x07", "\x00", "\u202e", "\ud800"} & {
        written[at : at + size] for size in (1, 2) for at in range(len(written))
    }


@pytest.mark.parametrize("value", [None, "1", True, float("nan"), float("inf"), 10**400, 1e300, [1]])
def test_what_is_no_number_to_draw_is_none(value):
    assert number(value) is None


def test_the_error_of_a_gain_is_that_of_a_difference():
    assert gain_error(0.03, 0.04) == pytest.approx(0.05)
    assert gain_error(None, 0.04) is None


def shown(table):
    console = Console(file=io.StringIO(), width=80)
    console.print(table)
    return console.file.getvalue()


def test_the_summary_shows_both_sides_the_gain_and_its_error():
    text = shown(
        summary_table(
            {
                "status": "finished", "steps": 1200, "test_before": 0.125, "test_before_se": 0.03,
                "test_after": 0.75, "test_after_se": 0.04, "gain": 0.625, "cpu_seconds": 93.4,
                "tokens": 1234567, "report": "runs/[a]/report.html",
            }
        )
    )  # fmt: skip
    rows = (
        "0.125 ± 0.030",
        "0.750 ± 0.040",
        "+0.625 ± 0.050",
        "1,200",
        "1,234,567",
        "93",
        "finished",
        "runs/[a]/report.html",
    )
    assert all(row in text for row in rows)


def test_a_summary_with_nulls_says_what_was_not_measured():
    text = shown(
        summary_table({"status": "interrupted", "steps": 3, "test_before": 0.5, "test_after": None, "gain": None})
    )
    assert "0.500" in text
    assert text.count("not measured") == 2
