"""Finds a file in pip's cache of responses by its hash, without a network.

pip itself cannot: it asks the index for the file's address before it looks into its cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

# pip before 23.3 keeps a response as MessagePack: after this come the length of the body in four bytes, and the body.
_OLD_START = b"cc=4,"
_OLD_BODY = b"\xa4body\xc6"


def find_in_cache(cache: Path, wanted: Collection[str]) -> tuple[str, bytes] | None:
    """The first file of pip's cache that has one of the hashes.

    Args:
        cache: pip's cache folder, as ``pip cache dir`` tells it.
        wanted: SHA-256 hashes, in hexadecimal.

    Returns:
        The hash and the file's content, or None.
    """
    for pattern, read in (("http-v2/**/*.body", _read_new), ("http/**/*", _read_old)):
        for path in sorted(cache.glob(pattern)):
            try:
                content = read(path)
            except OSError:
                continue  # a folder, or pip is cleaning up at the same time
            digest = hashlib.sha256(content).hexdigest()
            if digest in wanted:
                return digest, content
    return None


def _read_new(path: Path) -> bytes:
    """The body of a response, which is a file of its own since pip 23.3."""
    return path.read_bytes()


def _read_old(path: Path) -> bytes:
    """The body of a response in a file of an older pip; nothing if it is shorter than 64 KiB, or not there."""
    with path.open("rb") as file:
        head = file.read(4096)
        start = head.find(_OLD_BODY) + len(_OLD_BODY)
        if not head.startswith(_OLD_START) or start < len(_OLD_BODY):
            return b""
        file.seek(start)
        return file.read(int.from_bytes(file.read(4), "big"))
