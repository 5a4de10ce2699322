"""The file system of the sandbox: empty and read-only, but for the standard streams and the program's own text."""

import builtins
import errno
import io
import os
import posix
from collections.abc import Callable
from typing import Any, NoReturn

import script
import streams

# What these functions of `os` say of any path or descriptor.
NOT_FOUND = """
stat lstat chdir readlink scandir listdir pathconf statvfs utime chmod unlink remove rmdir rename replace truncate
"""
NOT_WRITABLE = "mkdir link symlink"
BAD_DESCRIPTOR = """
close closerange dup dup2 fsync fdatasync ftruncate lseek pread pwrite pipe posix_fadvise fpathconf get_blocking
set_blocking get_inheritable set_inheritable
"""
STANDARD_PATHS = {
    f"{folder}/{name}": number
    for number, names in enumerate((("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")))
    for folder, name in (("/dev", names[0]), ("/dev", names[1]), ("/proc/self", names[1]))
}
NO_FILES = "Permission denied (the sandbox has no files to write)"


class NullBytes(io.BufferedIOBase):
    """`/dev/null`."""

    name, mode = os.devnull, "wb"

    def write(self, data: Any, /) -> int:
        """Drop it."""
        return len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        """Nothing is ever there."""
        return b""

    read1 = read

    def readable(self) -> bool:
        """Yes."""
        return True

    def writable(self) -> bool:
        """Yes."""
        return True


def _binary(file: Any, mode: str) -> io.IOBase:
    """The binary stream that a name or file descriptor means, or the error that the empty file system gives."""
    if isinstance(file, int):
        stream = streams.by_descriptor(file)
        if stream is None:
            raise OSError(errno.EBADF, "Bad file descriptor", file)
        return stream
    path = os.fsdecode(file)
    if path in STANDARD_PATHS:
        return streams.by_descriptor(STANDARD_PATHS[path])
    if path == os.devnull:
        return NullBytes()
    if set(mode) & set("wax+"):
        raise PermissionError(errno.EACCES, NO_FILES, path)
    if path == script.FILENAME:
        return io.BytesIO(script.source)
    raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)


def open_file(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[..., int] | None = None,
) -> io.IOBase:
    """Open a standard stream, the null device or the program's text; anything else is not there."""
    binary = _binary(file, mode)
    if "b" in mode:
        return binary
    # Text is written through: what a program forgets to flush natively appears when it ends.
    return io.TextIOWrapper(binary, encoding or "utf-8", errors, newline, write_through=True)


class FileIO(io.RawIOBase):
    """`io.FileIO`: there is no file to open."""

    def __init__(self, file: Any, mode: str = "r", closefd: bool = True, opener: object = None) -> None:
        _binary(file, mode)
        raise PermissionError(errno.EACCES, NO_FILES, file)


def read_descriptor(descriptor: int, size: int, /) -> bytes:
    """`os.read`: works on standard input."""
    if descriptor != 0:
        raise OSError(errno.EBADF, "Bad file descriptor")
    return streams.stdin.bytes.read(size)


def write_descriptor(descriptor: int, data: Any, /) -> int:
    """`os.write`: works on standard output and error."""
    if descriptor not in (1, 2):
        raise OSError(errno.EBADF, "Bad file descriptor")
    return (streams.stdout if descriptor == 1 else streams.stderr).bytes.write(data)


def describe_descriptor(descriptor: int, /) -> os.stat_result:
    """`os.fstat`: the fast-input idiom `os.read(0, os.fstat(0).st_size)` needs the size of standard input."""
    if descriptor not in (0, 1, 2):
        raise OSError(errno.EBADF, "Bad file descriptor")
    size = len(streams.stdin.bytes.getvalue()) if descriptor == 0 else 0
    return os.stat_result((0o010600, 0, 0, 1, 0, 0, size, 0, 0, 0))


def _is_terminal(descriptor: int, /) -> bool:
    return False


def _may_access(path: Any, mode: int, **options: object) -> bool:
    return False


def _directory() -> str:
    return "/"


def _raiser(name: str, number: int, text: str | None = None) -> Callable[..., NoReturn]:
    def function(*args: Any, **options: Any) -> NoReturn:
        path = os.fspath(args[0]) if args and isinstance(args[0], (str, bytes, os.PathLike)) else None
        raise OSError(number, text or os.strerror(number), path)

    function.__name__ = function.__qualname__ = name
    return function


def open_descriptor(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """`os.open`: a standard stream or nothing."""
    return _binary(path, "w" if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else "r").fileno()


def replace_open() -> None:
    """Replace `open` for programs and for the library's modules; imports go on with the native one."""
    open_file.__name__ = open_file.__qualname__ = "open"
    builtins.open = io.open = open_file


def install() -> None:
    """Replace the file functions of `os`. After the last import: the import system uses them too."""
    replace_open()
    import _io

    _io.open, _io.FileIO, io.FileIO = open_file, FileIO, FileIO
    io.open_code = _io.open_code = lambda path: open_file(path, "rb")
    table: dict[str, Callable[..., Any]] = {name: _raiser(name, errno.ENOENT) for name in NOT_FOUND.split()}
    table |= {name: _raiser(name, errno.EACCES, NO_FILES) for name in NOT_WRITABLE.split()}
    table |= {name: _raiser(name, errno.EBADF) for name in BAD_DESCRIPTOR.split()}
    table |= {
        "open": open_descriptor,
        "read": read_descriptor,
        "write": write_descriptor,
        "fstat": describe_descriptor,
        "isatty": _is_terminal,
        "access": _may_access,
        "getcwd": _directory,
        "getcwdb": lambda: b"/",
    }
    for name, function in table.items():
        if name in ("open", "read", "write", "fstat"):
            function.__name__ = function.__qualname__ = name
        for module in (os, posix):
            if hasattr(module, name):
                setattr(module, name, function)
