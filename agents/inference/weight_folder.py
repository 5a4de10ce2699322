"""Folders that weights are written to: each goes with its process, or, where that was killed, when the next begins."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

# Of this machine: where processes of others write too, nobody here can tell whether they live.
PREFIX = f"weights-{socket.gethostname()}-"
# One that was made so many seconds ago may not be locked yet.
FRESH_S = 60.0


class WeightFolder:
    """A folder of this process, locked for as long as it is used.

    Args:
        place: where it is made.

    Attributes:
        path: of the folder.
    """

    def __init__(self, place: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=place, ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self.path.chmod(0o755)  # a server may run as somebody else
        self._lock = os.open(self.path, os.O_RDONLY)
        with suppress(OSError):  # file systems without locks: then nobody removes what is left there
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Removes the folder, and all in it."""
        self._folder.cleanup()
        os.close(self._lock)


def remove_left(place: Path) -> None:
    """Removes what killed processes of this user left there: whole models, which nobody reads any more."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is in use, or somebody else's, or gone
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                found = os.fstat(handle)
                if found.st_uid == os.getuid() and time.time() - found.st_mtime > FRESH_S:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
            finally:
                os.close(handle)
