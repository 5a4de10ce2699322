"""Importing what is not in the sandbox: ModuleNotFoundError with a message that says why."""

import _locale
import collections
import hashlib
import hmac
import importlib.util
import io
import locale
import sys
import time
import types
import zoneinfo
from collections.abc import Sequence
from zoneinfo import ZoneInfoNotFoundError, _common

from time_zones import ZONES

ONLY_STANDARD_LIBRARY = "not available in the sandbox: only the standard library"
NOT_THIS_ONE = "not available in the sandbox"
INSTEAD = {"bz2": "; use zlib", "lzma": "; use zlib", "_bz2": "; use zlib", "_lzma": "; use zlib"}
LOCALES = ("C", "POSIX", "C.UTF-8", "C.utf8", "")
USAGE = """
ru_utime ru_stime ru_maxrss ru_ixrss ru_idrss ru_isrss ru_minflt ru_majflt ru_nswap ru_inblock ru_oublock ru_msgsnd
ru_msgrcv ru_nsignals ru_nvcsw ru_nivcsw
"""


class MissingModules:
    """The last finder of `sys.meta_path`: explains instead of finding."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None) -> None:
        """Raise the error for a top-level module; leave submodules to CPython's own words."""
        if path is None:
            standard = name in sys.stdlib_module_names
            reason = NOT_THIS_ONE + INSTEAD.get(name, "") if standard else ONLY_STANDARD_LIBRARY
            raise ModuleNotFoundError(f"No module named {name!r} ({reason})", name=name)


def _find_spec(name: str, package: str | None = None) -> object:
    """`importlib.util.find_spec`: asks without importing, so that the answer is None."""
    try:
        return _native_find_spec(name, package)
    except ModuleNotFoundError as error:
        if error.name == name:
            return None
        raise


_native_find_spec = importlib.util.find_spec


def _resource_module() -> types.ModuleType:
    """A `resource` that grants every wish: programs ask it for a larger stack before they recurse."""
    module = types.ModuleType("resource", "Resource limits: accepted and without effect in the sandbox.")
    names = ("CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS")
    for number, name in enumerate(names):
        setattr(module, f"RLIMIT_{name}", number)
    module.RLIM_INFINITY, module.RUSAGE_SELF, module.error = -1, 0, OSError
    module.getrlimit = lambda resource, /: (-1, -1)
    module.setrlimit = lambda resource, limits, /: None
    module.RUSAGE_CHILDREN = -1
    module.struct_rusage = usage = collections.namedtuple("struct_rusage", USAGE)
    module.getrusage = lambda who, /: usage(time.process_time(), 0.0, 10_240, *[0] * 13)  # a plausible size, in KiB
    return module


def set_locale(category: int, locale: str | None = None) -> str:
    """`locale.setlocale`, where C's would take any name and call it C."""
    if locale is None or locale in LOCALES:
        return _native_set_locale(category, locale)
    raise _locale.Error("unsupported locale setting")


_native_set_locale = _locale.setlocale


def load_time_zone(key: str) -> io.BytesIO:
    """The data of a time zone for `zoneinfo`."""
    if key not in ZONES:
        raise ZoneInfoNotFoundError(f"No time zone found with key {key}")
    return io.BytesIO(ZONES[key])


def pbkdf2_hmac(hash_name: str, password: bytes, salt: bytes, iterations: int, dklen: int | None = None) -> bytes:
    """`hashlib.pbkdf2_hmac`, which natively comes from OpenSSL."""
    size = dklen or hashlib.new(hash_name).digest_size
    keyed, key = hmac.new(password, None, hash_name), b""
    while len(key) < size:
        step = salt + (len(key) // keyed.digest_size + 1).to_bytes(4, "big")
        total = 0
        for _ in range(iterations):
            turn = keyed.copy()
            turn.update(step)
            step = turn.digest()
            total ^= int.from_bytes(step, "big")
        key += total.to_bytes(keyed.digest_size, "big")
    return key[:size]


def install() -> None:
    """Close the import system: what is in `sys.modules` by now is all there is."""
    sys.modules["resource"] = _resource_module()
    _common.load_tzdata = load_time_zone
    zoneinfo.available_timezones = lambda: set(ZONES)
    hashlib.pbkdf2_hmac = pbkdf2_hmac
    locale._setlocale = set_locale
    # Under this file name CPython leaves the frame out of the tracebacks of failed imports, as its own.
    finder = MissingModules.find_spec
    finder.__code__ = finder.__code__.replace(co_filename="<frozen importlib._bootstrap>")
    sys.path[:] = ["/"]  # where `solution.py` seems to lie
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [*(found for found in sys.meta_path if found.__name__ != "PathFinder"), MissingModules]
    importlib.util.find_spec = _find_spec
