"""Where artefacts lie: in the package, in the user's cache; written whole or not at all, by one process at a time."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..artefact import Artefact, BadArtefactError, cache_root, parse_artefact
from .fetch import Report
from .recipe import recipe_hash

if sys.platform != "win32":
    import fcntl

PACKAGE = Path(__file__).parent.parent
"""The folder ``runtimes`` of the package, which holds the artefacts of an editable checkout and of a wheel."""


def cache_folder() -> Path:
    """The folder of the user's cache that holds what this recipe makes."""
    return cache_root() / "artefacts" / recipe_hash()


def is_checkout() -> bool:
    """Whether the package lies in a checkout of its repository rather than among installed packages."""
    return (PACKAGE.parent / "pyproject.toml").is_file()


def read(path: Path, language: str) -> Artefact | None:
    """The artefact in a file; None where there is no file, or another thing in it."""
    try:
        artefact = parse_artefact(path.read_bytes(), path)
    except (OSError, BadArtefactError):
        return None
    return artefact if artefact.language == language else None


def write(path: Path, content: bytes) -> None:
    """Writes a file so that others see all of it or none.

    Raises:
        OSError: the folder cannot be written, or there is no space.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Should this process be killed, git ignores what it leaves as it ignores artefacts.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner only, and a wheel keeps the mode
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def locked(path: Path, report: Report) -> Iterator[None]:
    """Holds a lock between processes, which the system releases should this one be killed.

    Where the folder cannot be written there is nothing to share, and so nothing to lock.
    """
    descriptor = None if sys.platform == "win32" else _open_lock(path)
    if descriptor is None:
        yield
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another process is making it; waiting")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int | None:
    """Opens a lock's file; None where the folder cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
