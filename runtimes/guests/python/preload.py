"""Imports the whole standard library into the snapshot: later there is no file to import from."""

import importlib
import pkgutil
import sys
import warnings

# Modules for other systems, that need a terminal, a screen or a browser, that print, or that test CPython itself.
UNWANTED = {
    "_aix_support", "_android_support", "_apple_support", "_ios_support", "_osx_support", "_pyrepl", "antigravity",
    "asyncio.windows_events", "asyncio.windows_utils", "ctypes", "curses", "encodings.mbcs", "encodings.oem",
    "ensurepip", "idlelib", "lib2to3", "multiprocessing.popen_spawn_win32", "nturl2path", "test", "this", "tkinter",
    "turtle", "turtledemo", "venv",
}  # fmt: skip


def import_standard_library() -> None:
    """Import every module of the standard library that can be imported here, with submodules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in sorted(sys.stdlib_module_names - UNWANTED):
            _import_with_submodules(name)


def _import_with_submodules(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except Exception:  # it needs a library or a system that is not there (ssl, ctypes): half an import may not stay
        sys.modules.pop(name, None)
        return
    for child in pkgutil.iter_modules(getattr(module, "__path__", ())):
        full_name = f"{name}.{child.name}"
        if child.name not in ("__main__", "test", "tests") and full_name not in UNWANTED:
            _import_with_submodules(full_name)
