"""A virtual clock: it starts at a fixed moment and moves by one microsecond per reading and by sleeps.

The sandbox has no clock of a host: programs give the same output on every run, and a sleep costs no time.
"""

import _datetime
import gc
import sys
import time
import types
from collections.abc import Callable

START = 1_700_000_000  # seconds since the epoch, UTC
UPTIME = 1_000  # seconds of the monotonic clocks at the start

_microseconds = 0  # since the start

_gmtime, _asctime, _strftime = time.gmtime, time.asctime, time.strftime


def reset() -> None:
    """Set the clock back to its start."""
    global _microseconds
    _microseconds = 0


def advance(seconds: float) -> None:
    """Let virtual time pass."""
    global _microseconds
    _microseconds += max(0, round(seconds * 1_000_000))


def read() -> int:
    """Microseconds since the start; each reading takes one."""
    global _microseconds
    _microseconds += 1
    return _microseconds


def sleep(seconds: float, /) -> None:
    """Let virtual time pass at once."""
    if not isinstance(seconds, (int, float)) and not hasattr(seconds, "__index__"):
        raise TypeError(f"'{type(seconds).__name__}' object cannot be interpreted as an integer")
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    advance(seconds)


def _wall() -> float:
    return START + read() / 1_000_000


def _wall_ns() -> int:
    return START * 1_000_000_000 + read() * 1000


def _uptime() -> float:
    return UPTIME + read() / 1_000_000


def _uptime_ns() -> int:
    return UPTIME * 1_000_000_000 + read() * 1000


def _processor() -> float:
    return read() / 1_000_000


def _processor_ns() -> int:
    return read() * 1000


def _in_utc(seconds: float | None = None, /) -> time.struct_time:
    return _gmtime(_wall() if seconds is None else seconds)


def _ctime(seconds: float | None = None, /) -> str:
    return _asctime(_in_utc(seconds))


def _as_text(moment: time.struct_time | None = None, /) -> str:
    return _asctime(_in_utc() if moment is None else moment)


def _format(text: str, moment: time.struct_time | None = None, /) -> str:
    return _strftime(text, _in_utc() if moment is None else moment)


def _info(name: str, /) -> types.SimpleNamespace:
    if name not in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        raise ValueError("unknown clock")
    return types.SimpleNamespace(implementation="virtual", monotonic=name != "time", adjustable=False, resolution=1e-06)


def _clock_gettime(clock: int, /) -> float:
    return _wall() if clock == getattr(time, "CLOCK_REALTIME", 0) else _uptime()


def _clock_gettime_ns(clock: int, /) -> int:
    return _wall_ns() if clock == getattr(time, "CLOCK_REALTIME", 0) else _uptime_ns()


def _now(cls: type[_datetime.datetime], tz: _datetime.tzinfo | None = None) -> _datetime.datetime:
    return cls.fromtimestamp(_wall(), tz)


def _utcnow(cls: type[_datetime.datetime]) -> _datetime.datetime:
    import warnings

    warnings.warn(
        "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. Use timezone-aware "
        "objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC).",
        DeprecationWarning,
        stacklevel=2,
    )
    return cls.fromtimestamp(_wall(), _datetime.timezone.utc).replace(tzinfo=None)


def _replace(owner: types.ModuleType, **functions: Callable[..., object]) -> None:
    for name, function in functions.items():
        if hasattr(owner, name):
            function.__name__ = function.__qualname__ = name
            setattr(owner, name, function)


def install() -> None:
    """Replace the clocks of `time` and `datetime`. Before other modules take `time.monotonic` by name."""
    _replace(time, time=_wall, time_ns=_wall_ns, sleep=sleep, get_clock_info=_info)
    for name in ("monotonic", "perf_counter"):
        setattr(time, name, _uptime)
        setattr(time, name + "_ns", _uptime_ns)
    for name in ("process_time", "thread_time"):
        setattr(time, name, _processor)
        setattr(time, name + "_ns", _processor_ns)
    _replace(time, gmtime=_in_utc, ctime=_ctime, asctime=_as_text, strftime=_format)
    time.localtime = _in_utc
    _replace(time, clock_gettime=_clock_gettime, clock_gettime_ns=_clock_gettime_ns)
    # datetime is an immutable type of C whose `now` asks the host. Its namespace can be reached all the same; this
    # must happen before the first look-up of `now`, which would be cached.
    namespace = gc.get_referents(_datetime.datetime.__dict__)[0]
    namespace["now"] = classmethod(_now)
    namespace["utcnow"] = classmethod(_utcnow)
    sys._clear_internal_caches()
