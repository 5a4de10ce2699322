"""Episodes for people to read. What models write is not trusted: a terminal must not obey it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..datasets.task import Message
from ..spaces.visible import visible
from .episode import Episode


def transcript(episode: Episode) -> str:
    """The episode as plain text: each message under its role, then the score if there is one."""
    parts = [f"[{visible(str(message['role']))}]\n{_body(message)}" for message in episode.messages]
    return "\n\n".join([*parts, *_score_lines(episode)])


def print_messages(episode: Episode) -> None:
    """Prints, in colour, the messages that were not printed yet, and the score when the episode has ended."""
    from rich.console import Console
    from rich.text import Text

    new = episode.messages[episode.printed :]
    if not new:
        return
    console = Console(highlight=False, soft_wrap=True)
    for message in new:
        console.rule(Text(visible(str(message["role"])), style="bold"), align="left")
        # Text, not a string: rich reads markup such as [red] or [link=…] in strings.
        console.print(Text(_body(message)))
    for line in _score_lines(episode):
        console.print(Text(line, style="bold"))
    episode.printed = len(episode.messages)


def make_folder(path: Path) -> None:
    """Makes the folder that a file is to lie in; where more than that folder is missing, the path may be a slip.

    Raises:
        FileNotFoundError: the folder would have to be made in one that does not exist.
    """
    try:
        path.parent.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no folder {path.parent.parent}") from None


def append_line(path: Path, row: Mapping[str, Any]) -> None:
    """Appends a row to a JSON Lines file, at once, so that threads and processes may share it."""
    # ASCII: a lone surrogate that a model wrote can't be encoded otherwise.
    line = json.dumps(row) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        file.write(line.encode())


def _body(message: Message) -> str:
    return visible(str(message.get("content") or ""))


def _score_lines(episode: Episode) -> list[str]:
    score = episode.score
    if score is None:
        return []
    why = f": {visible(score.error_msg)}" if score.error_msg else ""
    return [f"[score] correctness {score.correctness_score:g}, format {score.format_score:g}, {score.status}{why}"]
