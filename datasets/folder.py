"""Folders that a process works in alone, and files that are whole at every instant."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderInUseError(OSError):
    """Another process works in the folder."""


@contextmanager
def alone_in(folder: Path, doing: str) -> Iterator[None]:
    """While it lasts, no other process that asks for it may work in the folder.

    However the process ends, the folder is free again. File systems without locks let everybody in.

    Args:
        folder: the folder.
        doing: what a process does there, for people, such as ``trains``.

    Raises:
        FolderInUseError: another process works there.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                message = f"{folder}: another process {doing} there; wait for its end, or stop it"
                raise FolderInUseError(message) from None
        yield
    finally:
        os.close(handle)


def write_whole(path: Path, text: str) -> None:
    """Writes a file that holds its old text or the new one at every instant, never half of it."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
