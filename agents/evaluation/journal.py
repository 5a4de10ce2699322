"""Replies of episodes that are not recorded yet: a process that goes on where one was stopped asks for none again."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ...datasets.folder import write_whole
from ...envs.tools.formats import MAX_CALLS
from ...runtimes.endpoint import ChatReply
from .results import Place, plain_file

_MALFORMED = (ValueError, TypeError, LookupError, OverflowError, RecursionError)
# Tokens and seconds beyond this are no measurement.
_GREATEST = 2**40
_NUMBERS = ("task_index", "sample", "turn", "prompt_tokens", "completion_tokens")

_Key = tuple[int, int, int, str]
"""Task index, sample, turn, and what was asked."""
_Told = tuple[ChatReply, float]
"""What was answered, and the seconds it took."""


class Entry(NamedTuple):
    """A reply.

    Attributes:
        place: of the sample.
        turn: of the episode, from 0.
        messages: what was asked.
        reply: what was answered.
        seconds: how long it took.
    """

    place: Place
    turn: int
    messages: Sequence[Mapping[str, Any]]
    reply: ChatReply
    seconds: float


class Journal:
    """The file of replies; any thread may use it.

    Each is known by what was asked, so that where an environment draws otherwise than before, the model is asked from
    that turn on. A line that is not whole or not to be read is left out: its reply is asked for again.

    Args:
        path: the file; made where it is not there.
        recorded: samples that need no replies any more; theirs are dropped.
    """

    def __init__(self, path: Path, recorded: Container[Place] = ()) -> None:
        self._known: dict[_Key, _Told] = {}
        self._places: set[Place] = set()
        self._lock = threading.Lock()
        plain_file(path)
        if path.exists():
            kept = []
            with path.open("rb") as file:
                for line in file:
                    for key, told in _read(line):
                        if key[:2] not in recorded:
                            self._known[key] = told
                            kept.append(line.decode("ascii"))
            self._places = {(task, sample) for task, sample, *_ in self._known}
            write_whole(path, "".join(kept))
        self._file = path.open("ab", buffering=0)

    def knows(self, place: Place) -> bool:
        """Whether anything was answered in an episode before."""
        return place in self._places

    def told(self, place: Place, turn: int, messages: Sequence[Mapping[str, Any]]) -> _Told | None:
        """What was answered to these messages, and the seconds it took; None if nothing was."""
        return self._known.pop((*place, turn, _asked(messages)), None) if place in self._places else None

    def append(self, entries: Iterable[Entry]) -> None:
        """Writes replies.

        Raises:
            OSError: they can't be written; the file is as it was.
        """
        lines = "".join(map(_line, entries)).encode("ascii")
        with self._lock:
            if not lines or self._file.closed:  # what comes after the end is nobody's
                return
            size, written = os.fstat(self._file.fileno()).st_size, 0
            try:
                while written < len(lines):  # a disk that gets full takes a part
                    written += self._file.write(lines[written:])
            except OSError:
                self._file.truncate(size)
                raise

    def close(self) -> None:
        """Ends writing."""
        with self._lock:
            self._file.close()


def _asked(messages: Sequence[Mapping[str, Any]]) -> str:
    return hashlib.blake2b(json.dumps(messages).encode("ascii"), digest_size=8).hexdigest()


def _line(entry: Entry) -> str:
    """The line of a reply; empty if it can't be written."""
    reply = entry.reply
    row = {
        "task_index": entry.place[0],
        "sample": entry.place[1],
        "turn": entry.turn,
        "asked": _asked(entry.messages),
        "text": reply.text,
        "tool_calls": reply.tool_calls[:MAX_CALLS],
        "finish_reason": reply.finish_reason,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "seconds": entry.seconds,  # as it is, so that sums stay the same
    }
    with suppress(RecursionError):  # calls of tools nest as deep as a server likes
        return json.dumps(row) + "\n"
    return ""


def _read(line: bytes) -> Iterator[tuple[_Key, _Told]]:
    """The reply of a line; none if it is malformed."""
    with suppress(*_MALFORMED):
        row = json.loads(line.decode("ascii"))  # with NaN, which calls of tools hold where a server sent it
        *key, read, written = numbers = [row[name] for name in _NUMBERS]
        asked, text, reason = texts = [row[name] for name in ("asked", "text", "finish_reason")]
        calls, seconds = row["tool_calls"], float(row["seconds"])
        counted = all(type(one) is int and 0 <= one <= _GREATEST for one in numbers) and 0 <= seconds <= _GREATEST
        typed = all(isinstance(one, str) for one in texts) and isinstance(calls, list)
        if counted and typed and line.endswith(b"\n"):
            reply = ChatReply(text, "", reason, read, written, {"tool_calls": calls})
            yield (*key, asked), (reply, seconds)
