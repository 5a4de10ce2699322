"""Compiles guests to native code once for a machine, and keeps the result in a private cache.

A cached file is native code: whoever can write it runs code as this user. So the folder must belong to this user and be
closed to others, a file counts only with a checksum over its content and over all that it depends on, and it is never
changed in place.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import platform
import stat
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

from wasmtime import Engine, Module, WasmtimeError

from .artefact import Artefact, cache_root

if sys.platform != "win32":
    import fcntl

_MAGIC = b"infrl\0\0\1"
_DIGEST = 32
_TRAILER = len(_MAGIC) + _DIGEST
_TEMPORARY = ".tmp-"
_KEPT = 6
"""Compiled files that are kept for a language; each engine, artefact and version of wasmtime has one."""

_COMPILE_SECONDS = 3e-6  # of CPU time for a byte of code


class UnsafeCacheError(OSError):
    """The cache folder is open to other users, or is not this user's."""


def load_module(engine: Engine, artefact: Artefact, settings: str) -> Module:
    """The compiled module of an artefact: from the cache, else compiled now and kept there.

    A cache that cannot be used costs time, never the run: the module is then compiled in memory, with a line on stderr.

    Args:
        engine: the engine that will run it.
        artefact: what to compile.
        settings: the engine's configuration in one line.
    """
    key = cache_key(artefact, settings)
    try:
        folder = private_folder(cache_root() / "compiled")
        path = folder / f"{artefact.language}-{key[:32]}.cwasm"
        module = _read(engine, path, key)
        if module is not None:
            return module
        with _locked(folder / f".lock-{path.stem}", artefact):
            return _read(engine, path, key) or _compile_into(engine, artefact, path, key)
    except OSError as error:
        _say(f"The compiled {_name(artefact)} sandbox cannot be kept ({error}); each process will compile it again.")
        return _compile(engine, artefact)


def cache_key(artefact: Artefact, settings: str) -> str:
    """Hash of everything that compiled code depends on, in hexadecimal."""
    parts = (artefact.sha256, version("wasmtime"), settings, sys.platform, platform.machine(), _cpu_features())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def private_folder(folder: Path) -> Path:
    """Makes the folder if needed, and checks that only this user can write in it.

    Raises:
        UnsafeCacheError: it is a link, another user's, or open to others.
        OSError: it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if hasattr(os, "geteuid"):
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise UnsafeCacheError(f"{folder} is not a folder")
        if status.st_uid != os.geteuid():
            raise UnsafeCacheError(f"{folder} belongs to another user")
        if status.st_mode & 0o077:
            raise UnsafeCacheError(f"{folder} is open to other users; close it with: chmod 700 {folder}")
    return folder


def _read(engine: Engine, path: Path, key: str) -> Module | None:
    """Loads a cached file; None where there is none or it is damaged."""
    if not _is_whole(path, key):
        return None
    try:
        # Mapped, not read: all processes share its pages. Wasmtime does not mind the trailer.
        module = Module.deserialize_file(engine, str(path))
        with contextlib.suppress(OSError):
            os.utime(path)  # Used now: `_prune` removes what nobody has used for longest.
        return module
    except WasmtimeError:  # Made by a wasmtime or for a processor that the key does not tell apart.
        return None


def _is_whole(path: Path, key: str) -> bool:
    """Whether a file ends with the checksum of its content and key. Deserialising a damaged file would be unsafe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return False
    with open(descriptor, "rb") as file:
        if os.fstat(descriptor).st_size <= _TRAILER:
            return False
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
            end = len(view) - _TRAILER
            with view[:end] as body:
                expected = _checksum(body, key)
            file.seek(end)
            return file.read() == _MAGIC + expected


def _checksum(content: bytes | memoryview, key: str) -> bytes:
    # As safe as SHA-256, and half again as fast where the processor has no instructions for that.
    digest = hashlib.blake2b(key.encode(), digest_size=_DIGEST)
    digest.update(content)
    return digest.digest()


def _compile_into(engine: Engine, artefact: Artefact, path: Path, key: str) -> Module:
    """Compiles, keeps the result if it can, and loads it from there so that its pages are shared."""
    _remove_leftovers(path)
    module = _compile(engine, artefact)
    try:
        _write(path, bytes(module.serialize()), key)
    except OSError as error:
        _say(f"The compiled {_name(artefact)} sandbox cannot be kept ({error}); each process will compile it again.")
        return module
    _prune(path.parent, artefact.language)
    return _read(engine, path, key) or module


def _compile(engine: Engine, artefact: Artefact) -> Module:
    seconds = max(1, round(artefact.code_size * _COMPILE_SECONDS))
    _say(f"Compiling the {_name(artefact)} sandbox for this machine, once: about {seconds} s of CPU time ...")
    return Module(engine, artefact.wasm)


def _write(path: Path, content: bytes, key: str) -> None:
    """Writes a file so that it is seen whole or not at all, whatever happens meanwhile.

    Raises:
        OSError: no space, or the folder cannot be written.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f"{_TEMPORARY}{path.stem}-", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.write(_MAGIC + _checksum(content, key))
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _remove_leftovers(path: Path) -> None:
    """Removes what killed processes left half written. The file's lock is held, so nobody is writing it now."""
    if sys.platform == "win32":
        return
    for leftover in path.parent.glob(f"{_TEMPORARY}{path.stem}-*"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _prune(folder: Path, language: str) -> None:
    """Removes a language's files but for those used last; a process that runs one of them keeps its mapping."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob(f"{language}-*.cwasm"), key=lambda path: path.stat().st_mtime, reverse=True)
        for file in files[_KEPT:]:
            file.unlink()


@contextlib.contextmanager
def _locked(path: Path, artefact: Artefact) -> Iterator[None]:
    """Holds a lock between processes, which the system releases should this one be killed."""
    if sys.platform == "win32":  # Two processes may compile at once there; the last one's file stays.
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"Another process is compiling the {_name(artefact)} sandbox; waiting for it ...")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Closing is not enough: a process forked meanwhile holds the same lock.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


@cache
def _cpu_features() -> str:
    """The processor's features where the system tells them; elsewhere wasmtime's own check must do."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            name, _, features = line.partition(":")
            if name.strip() in ("flags", "Features"):
                return " ".join(sorted(features.split()))
    return platform.processor()


def _name(artefact: Artefact) -> str:
    return {"python": "Python", "javascript": "JavaScript"}.get(artefact.language, artefact.language)


def _say(line: str) -> None:
    """One line on stderr, where there is one."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)
