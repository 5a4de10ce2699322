"""People and models play at the terminal: what ``infinite-rl play`` does."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import gymnasium
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ..rewards.extraction import tags
from ..runtimes.endpoint import EndpointError
from ..spaces.visible import visible
from .agent_loop import AgentLoop, PlayedEpisode, summarize
from .conversation.environment import ConversationEnv
from .scoring import CUT_OFF
from .transcript import append_line, make_folder

INTERRUPTED = 130
"""The exit code of a run that was interrupted, as shells have it."""


def person_plays(
    env: gymnasium.Env[str, str], *, episodes: int, seed: int | None = None, wrap: bool = False, as_json: bool = False
) -> int:
    """Lets a person, or a program, answer on standard input; returns the exit code.

    A line that ends with a backslash goes on in the next one.

    Args:
        env: the environment.
        episodes: how many tasks, at most; the end of the input or Ctrl-C end it too.
        seed: draws the tasks.
        wrap: whether what is typed gets ``<answer>`` tags, where it has none.
        as_json: whether everything is written as JSON, an event a line.

    Raises:
        ValueError: ``wrap`` in an environment where one says other things than answers.
    """
    if wrap and (talk := _talk(env)):
        raise ValueError(
            f"--wrap would make answers of {talk}, too: leave it out, and type <answer>…</answer> yourself"
        )
    console = Console(highlight=False)
    rewards: list[float] = []
    if not as_json:
        console.print("A line that ends with a backslash goes on in the next one. Ctrl-C ends.\n", style="dim")
    try:
        for episode in range(episodes):
            rewards.append(_person_plays_one(env, console, seed if episode == 0 else None, wrap, as_json))
    except (EOFError, KeyboardInterrupt):
        if not as_json:
            console.print()
    mean = sum(rewards) / len(rewards) if rewards else None
    if as_json:
        _emit("summary", episodes=len(rewards), mean_reward=mean)
    elif mean is not None:
        console.print(f"{len(rewards)} answered, mean reward {mean:.2f}")
    else:
        console.print("Nothing answered.")
    return 0


def _talk(env: gymnasium.Env[str, str]) -> str:
    """What is said in an environment beside answers; empty where all that is said are answers."""
    if isinstance(env.unwrapped, ConversationEnv):
        return "messages to a user"
    return "calls of tools" if env.get_wrapper_attr("tool_schemas") else ""


def _person_plays_one(
    env: gymnasium.Env[str, str], console: Console, seed: int | None, wrap: bool, as_json: bool
) -> float:
    """Plays one episode to its end; returns the sum of its rewards."""
    observation, info = env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        if as_json:
            _emit("observation", text=observation, task_id=info["task_id"], domain=info["domain"])
        else:
            console.print(Text(visible(observation)))
        typed = _read_answer("" if as_json else "> ")
        while not as_json and not typed.strip():  # Enter slips easily; a program means what it writes
            typed = _read_answer("> ")
        action = f"<answer>{typed}</answer>" if wrap and not any(tags(typed, "answer")) else typed
        observation, reward, terminated, truncated, info = env.step(action)
        total, over = total + float(reward), terminated or truncated
    score = info.get("score", CUT_OFF)
    if as_json:
        found = {"status": str(score.status), "error_msg": score.error_msg, "components": dict(score.components)}
        _emit("episode", task_id=info["task_id"], reward=total, **found)
    else:
        why = f" ({visible(score.error_msg)})" if score.error_msg else ""
        line = f"reward {total:g}, format {score.format_score:g}, {score.status}{why}"
        console.print(Text(line, style="bold"))
        if not wrap and score.error_msg.startswith("Missing <answer>") and not _talk(env):
            console.print("Type <answer>…</answer>, or play with --wrap, which puts the tags there.", style="dim")
        console.print()
    return total


def _read_answer(prompt: str) -> str:
    lines = [input(prompt)]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        lines.append(input(prompt and "… "))
    return "\n".join(lines)


def model_plays(
    loop: AgentLoop, *, episodes: int, seed: int | None = None, out: Path | None = None, as_json: bool = False
) -> int:
    """Lets a model play, and shows how it fares.

    Args:
        loop: the model and the environment.
        episodes: how many episodes.
        seed: draws the tasks.
        out: a JSON Lines file, to which every episode is appended with its messages.
        as_json: whether everything is written as JSON, an event a line.

    Returns:
        The exit code: 0; 1 if the endpoint failed, or no episode says anything about the model; 130 if interrupted.

    Raises:
        FileNotFoundError: the folder of ``out`` would have to be made in one that does not exist.
    """
    if out is not None:
        make_folder(out)
    results: list[PlayedEpisode] = []
    started, problem, code = time.monotonic(), "", 0
    total = counted = 0.0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    errors = Console(stderr=True, highlight=False)
    with Progress(*columns, console=errors, transient=True, disable=as_json or not errors.is_terminal) as progress:
        bar = progress.add_task("playing", total=episodes)
        playing = loop.play(episodes, seed=seed)
        try:
            for result in playing:
                results.append(result)
                row = dataclasses.asdict(result)
                if out is not None:
                    append_line(out, row)
                if as_json:
                    _emit("episode", **{name: row[name] for name in row if name != "messages"})
                total, counted = total + result.reward * result.counts, counted + result.counts
                progress.update(bar, completed=len(results), description=f"mean {total / max(counted, 1):.3f}")
        except KeyboardInterrupt:
            problem, code = "Interrupted: these are the episodes that had ended.", INTERRUPTED
        except EndpointError as error:
            problem, code = str(error), 1
        finally:
            playing.close()  # type: ignore[attr-defined]
    summary = summarize(results, time.monotonic() - started)
    if as_json:
        _emit("summary", **summary, problem=problem)
    else:
        Console(highlight=False).print(summary_table(summary))
        failed = next((result.error_msg for result in results if not result.counts), "")
        for text in filter(None, (problem, failed if failed not in problem else "")):
            errors.print(Text(visible(text)))
    return code or (0 if summary["counted"] else 1)


def summary_table(summary: dict[str, Any]) -> Table:
    """What `summarize` found, for people."""
    table = Table(show_header=False)
    mean, error = summary["mean_reward"], summary["standard_error"]
    shown = "none counts" if mean is None else f"{mean:.3f}" + (f" ± {error:.3f}" if error is not None else "")
    table.add_row("mean reward", shown)
    left_out = summary["episodes"] - summary["counted"]
    table.add_row("episodes", f"{summary['episodes']}" + (f", {left_out} of them left out" if left_out else ""))
    for status, count in summary["by_status"].items():
        table.add_row(f"  {status}", str(count))
    if summary["cut_replies"]:
        table.add_row("last reply cut", f"{summary['cut_replies']} (finish_reason length)")
    table.add_row("turns", str(summary["turns"]))
    table.add_row("tokens", f"{summary['prompt_tokens']:,} read, {summary['completion_tokens']:,} written")
    table.add_row("time", f"{summary['seconds']:.1f} s")
    return table


def _emit(event: str, **members: Any) -> None:
    print(json.dumps({"event": event, **members}), flush=True)
