"""The stacks of the threads that run guests."""

from __future__ import annotations

import ctypes
import os
import sys
import threading

MAX_WASM_STACK = 128 << 20
"""Native stack that a guest may use, in bytes: enough for CPython to meet its own limits first."""

THREAD_STACK = 320 << 20
"""Stack of the threads that run guests, in bytes of address space.

A trusted program and the candidate it calls share it. The host segfaults should MAX_WASM_STACK exceed what is left."""

_KEPT = 4 << 20
"""How much of a stack's top stays, in bytes: the thread's own frames, and what ordinary programs use."""

_DONTNEED = 4

_size_lock = threading.Lock()
_this_thread = threading.local()


def start_thread(thread: threading.Thread) -> None:
    """Starts a thread with THREAD_STACK bytes of stack; the size is the whole process's setting, so it is put back.

    Raises:
        RuntimeError: the system allows no thread more.
    """
    with _size_lock:
        before = threading.stack_size(THREAD_STACK)
        try:
            thread.start()
        finally:
            threading.stack_size(before)


def prepare_stack() -> None:
    """Marks this thread, which ``start_thread`` has started, as one that may run guests."""
    _this_thread.below = _below()


def require_large_stack() -> None:
    """Checks that this thread may run guests; elsewhere a deeply recursive one would take the process down.

    Raises:
        RuntimeError: it may not.
    """
    if not on_guest_thread():
        raise RuntimeError("guests run on the workers' threads only")


def on_guest_thread() -> bool:
    """Whether this thread may run guests."""
    return hasattr(_this_thread, "below")


def release_stack() -> None:
    """Gives back the memory of this thread's stack that a deep recursion has touched; no guest may be running on it."""
    if _this_thread.below is not None:
        _madvise(*_this_thread.below, _DONTNEED)


def _below() -> tuple[int, int] | None:
    """The part of this thread's stack that only guests reach, as address and length; None where nobody tells."""
    if _getattr is None:
        return None
    attributes = (ctypes.c_uint64 * 32)()  # Larger than any system's pthread_attr_t.
    start, size = ctypes.c_void_p(), ctypes.c_size_t()
    if _getattr(_libc.pthread_self(), attributes):
        return None
    _libc.pthread_attr_getstack(attributes, ctypes.byref(start), ctypes.byref(size))
    _libc.pthread_attr_destroy(attributes)
    if not start.value or size.value < THREAD_STACK:
        return None
    return start.value, size.value - _KEPT


_getattr = None
if sys.platform == "linux":
    _libc = ctypes.PyDLL(None)  # Short calls: they keep the GIL.
    _libc.pthread_self.restype = ctypes.c_ulong
    _getattr = getattr(_libc, "pthread_getattr_np", None)
    if _getattr is not None:
        _getattr.argtypes = [ctypes.c_ulong, ctypes.c_void_p]
    _madvise = _libc.madvise
    _madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def _after_fork() -> None:
    """A thread of the parent may have held the lock."""
    global _size_lock
    _size_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
