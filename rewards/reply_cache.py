"""Replies of judge models, kept by the hash of what was asked."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any


class ReplyCache:
    """Keeps replies in memory, and in a folder if one is given; threads and processes may share it.

    Args:
        folder: where replies outlive the process; made when needed.
        most: replies that are kept in memory; the least recently used goes first.
    """

    def __init__(self, folder: str | Path | None = None, most: int = 10_000) -> None:
        self.folder = Path(folder) if folder is not None else None
        self.most = most
        self._replies: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    @staticmethod
    def key(*asked: Any) -> str:
        """The key of what was asked, from anything that JSON can hold."""
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def get(self, key: str) -> str | None:
        """The reply; None if there is none, or its file can't be read."""
        with self._lock:
            if key in self._replies:
                self._replies.move_to_end(key)
                return self._replies[key]
        if self.folder is None:
            return None
        try:
            reply = json.loads(self._path(key).read_bytes())["reply"]
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return None
        if not isinstance(reply, str):
            return None
        self._remember(key, reply)
        return reply

    def put(self, key: str, reply: str) -> None:
        """Keeps a reply.

        Raises:
            OSError: the folder can't be written.
        """
        self._remember(key, reply)
        if self.folder is None:
            return
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and put in place at once: another process never reads half a file.
        handle, name = tempfile.mkstemp(dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"reply": reply}, file)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)  # where the disk is full, say

    def _remember(self, key: str, reply: str) -> None:
        with self._lock:
            self._replies[key] = reply
            self._replies.move_to_end(key)
            while len(self._replies) > self.most:
                self._replies.popitem(last=False)

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / f"{key}.json"
