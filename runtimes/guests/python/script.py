"""Runs a program as the script `solution.py`: namespace, exit code, traceback and the end of the program."""

import atexit
import builtins
import contextlib
import io
import itertools
import linecache
import os
import sys
import traceback
import types
import weakref

import streams

FILENAME = "solution.py"
MODULE = "solution"
GUEST_FOLDERS = (os.path.dirname(__file__), "/world")  # where the guest's own frames come from
INTERRUPTED = 130
LONGEST_TRACEBACK = 400  # entries

source = b""  # the program's text
_module = types.ModuleType("__main__")
_ballast: bytearray | None = bytearray(1 << 18)  # freed when memory runs out, so that the traceback finds room


def namespace() -> dict[str, object]:
    """The global names of the last program."""
    return _module.__dict__


def _source_lines() -> str:
    return source.decode("utf-8", "replace")


def _prepare(program: bytes, name: str) -> dict[str, object]:
    """Make a fresh module for the program."""
    global source, _module
    source = program
    _module = types.ModuleType(name)
    _module.__file__ = FILENAME
    _module.__builtins__ = builtins
    sys.modules["__main__"] = sys.modules[name] = _module
    sys.argv = [FILENAME]
    # A lazy entry: tracebacks, `inspect` and `doctest` find the source lines, and nobody pays who needs none.
    linecache.cache[FILENAME] = (_source_lines,)
    return _module.__dict__


def run(program: bytes, as_module: bool) -> int:
    """Run a program to its end; return its exit code, as a Python process would.

    Args:
        program: its text.
        as_module: as if it were imported, so that what stands under `if __name__ == "__main__"` does not run.
    """
    names = _prepare(program, MODULE if as_module else "__main__")
    code = 0
    try:
        exec(compile(program, FILENAME, "exec", dont_inherit=True), names)
    except SystemExit as stop:
        code = _exit_code(stop)
    except BaseException as error:
        code = _report(error)
    try:
        return _finish(names) or code
    except BaseException:  # the program broke what ends it; its exit code stands
        return code


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    try:
        sys.stderr.write(f"{stop.code}\n")
    except BaseException:  # no stderr, or a __str__ that fails: natively nothing is printed either
        return 1
    return 1


def _report(error: BaseException) -> int:
    """Print the traceback of an exception that nobody caught."""
    global _ballast
    if isinstance(error, MemoryError):
        _ballast = None
        streams.control[streams.STATE] = streams.OUT_OF_MEMORY
        traceback.clear_frames(error.__traceback__)
    try:
        hide_guest_frames(error)
        sys.last_exc, sys.last_type, sys.last_value = error, type(error), error
        sys.last_traceback = error.__traceback__
        if sys.excepthook is sys.__excepthook__:
            traceback.print_exception(error)
        else:
            sys.excepthook(type(error), error, error.__traceback__)
    except BaseException:  # memory is short, or the program broke what prints
        _report_plainly(error)
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def _report_plainly(error: BaseException) -> None:
    """Print a traceback with nothing but the interpreter's own means."""
    write = streams.stderr.write
    write("Traceback (most recent call last):\n")
    entry = error.__traceback__
    while entry is not None:
        code = entry.tb_frame.f_code
        write(f'  File "{code.co_filename}", line {entry.tb_lineno}, in {code.co_name}\n')
        entry = entry.tb_next
    write(f"{error.__class__.__name__}: {error}\n")


def hide_guest_frames(error: BaseException) -> None:
    """Take the guest's own frames out of the tracebacks of an exception and of those that led to it."""
    todo: list[BaseException | None] = [error]
    seen = set()
    while todo:
        item = todo.pop()
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        item.__traceback__ = _without_guest_frames(item.__traceback__)
        todo += [item.__cause__, item.__context__, *getattr(item, "exceptions", ())]


def _without_guest_frames(entry: types.TracebackType | None) -> types.TracebackType | None:
    kept = []
    while entry is not None:
        if not entry.tb_frame.f_code.co_filename.startswith(GUEST_FOLDERS):
            kept.append(entry)
        entry = entry.tb_next
    if len(kept) > LONGEST_TRACEBACK:  # printing each frame of a deep recursion would take seconds
        kept = [*kept[: LONGEST_TRACEBACK // 2], *kept[-LONGEST_TRACEBACK // 2 :]]
    # Only where it changes: CPython walks the whole chain at each assignment, to look for loops.
    for before, after in itertools.pairwise(kept):
        if before.tb_next is not after:
            before.tb_next = after
    if kept:
        if kept[-1].tb_next is not None:
            kept[-1].tb_next = None
        return kept[0]
    return None


def _finish(names: dict[str, object]) -> int:
    """Do what a Python process does at its end; return 120 if the output cannot be flushed, else 0."""
    if atexit._ncallbacks():
        atexit._run_exitfuncs()
    code = 0
    for stream in (sys.stdout, sys.stderr):
        if stream is not streams.stdout and stream is not streams.stderr and stream is not None:
            try:
                stream.flush()
            except Exception:
                code = 120
    _drop_last_objects(names)
    return code


def _drop_last_objects(names: dict[str, object]) -> None:
    """Flush the program's own writers and let go of global objects with a `__del__`, which natively runs at the end.

    Everything else stays: the host may call the program's functions after it ended.
    """
    for name in list(names):  # not the values too: the list would keep them, and let go of the last one first
        value = names[name]
        kind = type(value)
        if isinstance(value, (io.TextIOWrapper, io.BufferedWriter)):
            with contextlib.suppress(Exception):  # closed or detached: nothing waits in it
                value.flush()
        elif kind.__module__ == names.get("__name__") and hasattr(kind, "__del__"):
            value = names[name] = None


def forget() -> None:
    """Forget the last program."""
    global source, _module
    source, _module = b"", types.ModuleType("__main__")
    sys.modules.pop("__main__", None)
    sys.modules.pop(MODULE, None)
    linecache.cache.clear()
    atexit._clear()
    weakref.finalize._registered_with_atexit = False  # it would believe that it still stands there
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)
