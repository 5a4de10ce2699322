"""The Python side of what programs know from 64 bits: hashes, lengths of huge ranges, C's `long`.

The build replaces functions of CPython in this guest's memory (see `build/wide.py`). It learns here where the objects
are, and has their hash tables filled anew afterwards.
"""

import array
import bisect
import decimal
import fractions
import functools
import gc
import importlib.util
import random
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

PRIME = (1 << 61) - 1
GREATEST_SIZE = (1 << 31) - 1
RANGE_ERROR = (34, "Numerical result out of range")
HASH_MESSAGE = "__hash__ method should return an integer"
HASH_NAME = sys.intern("__hash__")


def length(items: Any, /) -> int:
    """`len` where C's fails: of a huge range, or as a `__len__` says."""
    is_range = type(items) is range
    size = max(0, -((items.start - items.stop) // items.step)) if is_range else type(items).__len__(items)
    if size > sys.maxsize:
        raise OverflowError("Python int too large to convert to C ssize_t")
    return size


def any_length(items: Any, /) -> int:
    """`len` for the library's own functions, which are specialised and so would not ask `length`."""
    try:
        return len(items)
    except OverflowError:
        return length(items)


def _bisect_in_python() -> types.ModuleType:
    """The library's own `bisect` in Python, which it uses where there is none in C."""
    native, sys.modules["_bisect"] = sys.modules["_bisect"], None
    try:
        spec = importlib.util.find_spec("bisect")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.modules["_bisect"] = native
    module.len = any_length
    return module


_bisect = _bisect_in_python()


def decimal_hash(self: decimal.Decimal) -> int:
    """The hash of a Decimal, equal to that of an equal int, float or Fraction."""
    if self.is_snan():
        raise TypeError("Cannot hash a signaling NaN value")
    if self.is_nan():
        return object.__hash__(self)
    if self.is_infinite():
        return -314159 if self < 0 else 314159
    sign, digits, exponent = self.as_tuple()
    factor = pow(10, exponent, PRIME)
    size = int(decimal.Decimal((0, digits, 0))) * factor % PRIME
    result = -size if sign else size
    return -2 if result == -1 else result


decimal_hash.__name__, decimal_hash.__qualname__ = "__hash__", "Decimal.__hash__"


def _cache(function: Callable[..., Any], maxsize: int | None, *more: Any) -> Any:
    """`functools._lru_cache_wrapper`, which takes no larger sizes."""
    return _native_cache(function, maxsize if maxsize is None else min(maxsize, GREATEST_SIZE), *more)


_native_cache = functools._lru_cache_wrapper


def install() -> None:
    """Replace what can be replaced in Python."""
    random.len = any_length
    functools._lru_cache_wrapper = _cache
    fractions._PyHASH_MODULUS = PRIME
    native = sys.hash_info
    sys.hash_info = type(native)((64, PRIME, *native[2:6], 64, *native[7:]))
    gc.get_referents(decimal.Decimal.__dict__)[0]["__hash__"] = decimal_hash


def _everything() -> Iterator[Any]:
    """All objects that can be found, those of code too."""
    seen: set[int] = set()
    waiting = [gc.get_objects(), sys.modules, (), frozenset()]
    own = {id(seen), id(waiting)}
    while waiting:
        item = waiting.pop()
        if id(item) in seen or id(item) in own:
            continue
        seen.add(id(item))
        yield item
        waiting.extend(gc.get_referents(item))
        if type(item) is types.CodeType:
            waiting += [item.co_consts, item.co_names, item.co_varnames, item.co_freevars, item.co_cellvars]


def show() -> None:
    """Print where things are: names and addresses, then address and count of three lists, which stay.

    The build takes back all that this changes in memory.
    """
    global lists
    kinds = {"int": int, "float": float, "complex": complex, "tuple": tuple, "frozenset": frozenset}
    named = kinds | {f"{name}_descriptor": kind.__dict__["__hash__"] for name, kind in kinds.items()}
    named |= {"decimal": decimal.Decimal, "fraction": fractions.Fraction, "none": None, "hash": hash, "len": len}
    named |= {"isinstance": isinstance, "list_append": list.append}
    named |= {"bisect_left": bisect.bisect_left, "bisect_right": bisect.bisect_right, "len_fallback": length}
    named |= {f"{name}_fallback": getattr(_bisect, name) for name in ("bisect_left", "bisect_right")}
    named |= {"overflow_error": OverflowError, "type_error": TypeError, "range_error": RANGE_ERROR}
    named |= {"hash_message": HASH_MESSAGE, "hash_name": HASH_NAME}
    for name, item in named.items():
        print(name, id(item))
    gc.unfreeze()
    lists = [array.array("I") for _ in range(3)]
    for item in _everything():
        for kind, addresses in zip((type, tuple, frozenset), lists, strict=True):
            if isinstance(item, kind):
                addresses.append(id(item))
    for addresses in lists:
        print(*addresses.buffer_info())


def fill_tables_anew() -> None:
    """Put the content of all dictionaries and sets in anew: hashes have changed."""
    fractions._hash_algorithm.cache_clear()
    gc.unfreeze()
    for table in [item for item in gc.get_objects() if isinstance(item, (dict, set))]:
        if all(type(key) is str or isinstance(key, type) for key in table):
            continue
        content = list(table.items() if isinstance(table, dict) else table)
        table.clear()
        table.update(content)
