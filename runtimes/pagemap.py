"""Which pages of a private mapping this process has written to, as Linux (6.7 and later) tells it."""

from __future__ import annotations

import ctypes
import os
import struct
import sys

if sys.platform != "win32":
    import fcntl

_SCAN = (3 << 30) | (96 << 16) | (ord("f") << 8) | 16
_FILE, _PRESENT, _SWAPPED, _ZERO = 1 << 2, 1 << 3, 1 << 4, 1 << 5
_REGION = struct.Struct("<3Q")
_ARGUMENT = struct.Struct("<12Q")
_MAX_REGIONS = 1024

_NO_HUGE_PAGES = 15

Region = tuple[int, int]
"""Addresses of the first byte and of the byte after the last."""


class PageMap:
    """Asks the kernel about this process's pages. A forked process needs one of its own.

    Raises:
        OSError: this system cannot tell.
    """

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise OSError("only Linux tells")
        self._file = open("/proc/self/pagemap", "rb", buffering=0)  # noqa: SIM115 - kept for the object's life
        self._process = os.getpid()
        self.written(0, 0)

    def written(self, start: int, length: int) -> list[Region] | None:
        """The regions of a private mapping, of a file or of nothing, whose pages are this process's own.

        A page that was only read is not among them; one that was swapped out is.

        Returns:
            The regions in order; None where there are very many, or in another process than the one this was made in.

        Raises:
            OSError: the kernel cannot tell.
        """
        if os.getpid() != self._process:
            return None
        found = (ctypes.c_uint64 * (3 * _MAX_REGIONS))()
        # Neither of a file nor the shared page of zeros; present or swapped out.
        request = (_FILE | _ZERO, _FILE | _ZERO, _PRESENT | _SWAPPED, _PRESENT)
        argument = bytearray(
            _ARGUMENT.pack(96, 0, start, start + length, 0, ctypes.addressof(found), _MAX_REGIONS, 0, *request)
        )
        count = fcntl.ioctl(self._file, _SCAN, argument, True)
        walked_to = _ARGUMENT.unpack(argument)[4]
        if count >= _MAX_REGIONS or walked_to != start + length:
            return None
        raw = ctypes.string_at(found, _REGION.size * count)
        return [(first, end) for first, end, _ in _REGION.iter_unpack(raw)]

    def close(self) -> None:
        """Closes the kernel's file."""
        self._file.close()


def avoid_huge_pages(start: int, length: int) -> None:
    """Keeps the system from backing a mapping with huge pages, of which one written byte makes 2 MiB to put back."""
    if sys.platform == "linux":
        _madvise(start, length, _NO_HUGE_PAGES)  # Systems without huge pages refuse, which is as well.


if sys.platform == "linux":
    _madvise = ctypes.PyDLL(None).madvise
    _madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
