"""Put the functions of ``wide`` in the places of CPython's own, in the memory of a running guest."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .wasm import WasmError
from .wide import FUNCTIONS, WORDS

# Offsets in CPython 3.14's objects where pointers have 32 bits.
_TYPE, _TYPE_NUMBERS, _TYPE_HASH, _NUMBERS_POWER = 4, 48, 60, 20
_FUNCTION_DEFINITION, _DEFINITION_CODE, _WRAPPED = 8, 4, 24
_TUPLE_HASH, _FROZENSET_HASH = 12, 24
_NOT_CACHED = 0xFFFFFFFF

_HASHED = ("int", "float", "complex", "tuple", "frozenset")
_NOTED = ("isinstance", "len", "list_append")
_CALLED = ("hash", "len", "bisect_left", "bisect_right")


@dataclass(frozen=True)
class Objects:
    """What the guest's ``wide.py`` says of its objects: their addresses.

    Attributes:
        named: by name.
        types: of all types.
        tuples: of all tuples.
        frozensets: of all frozen sets.
    """

    named: Mapping[str, int]
    types: Iterable[int]
    tuples: Iterable[int]
    frozensets: Iterable[int]


def widen(memory: bytearray, first_slot: int, objects: Objects) -> None:
    """Change a guest's memory. It must then put the content of its dictionaries and sets in anew.

    Args:
        memory: is changed.
        first_slot: the first slot of ``wide.functions``.
        objects: what lives there.

    Raises:
        WasmError: something is not where CPython 3.14 has it.
    """
    slots = {name: first_slot + number for number, name in enumerate(FUNCTIONS)}
    named = objects.named
    _replace_hashes(memory, slots, objects)
    for name in _CALLED:
        definition = _read(memory, named[name] + _FUNCTION_DEFINITION)
        before = _exchange(memory, definition + _DEFINITION_CODE, slots[name])
        if name in WORDS:
            _write(memory, WORDS[name], before)
    numbers = _read(memory, named["float"] + _TYPE_NUMBERS)
    _write(memory, WORDS["power"], _exchange(memory, numbers + _NUMBERS_POWER, slots["power"]))
    for name in WORDS.keys() & named.keys() - set(_CALLED):
        _write(memory, WORDS[name], named[name])
    for name, addresses, place in (
        ("tuple", objects.tuples, _TUPLE_HASH),
        ("frozenset", objects.frozensets, _FROZENSET_HASH),
    ):
        for address in addresses:  # some have died since they were listed
            if _hash_slot(memory, _read(memory, address + _TYPE)) == slots[f"{name}_hash"]:
                _write(memory, address + place, _NOT_CACHED)
    _widen_longs(memory)
    _unspecialise_len(memory, named)


def _unspecialise_len(memory: bytearray, named: Mapping[str, int]) -> None:
    """Make the interpreter call ``len`` as any function: specialised code would ask C's, which refuses huge ranges.

    Raises:
        WasmError: the functions that it has code for are not noted in one place.
    """
    noted = tuple(named[name] for name in _NOTED)
    places = _all_places(memory, noted)
    if len(places) != 1:
        raise WasmError(f"the functions that CPython has code for are noted in memory {len(places)} times")
    _write(memory, places[0] + 4 * _NOTED.index("len"), 0)


def _hash_slot(memory: bytearray, kind: int) -> int | None:
    """The slot of a type's hash function; None where the address is none of a type."""
    place = kind + _TYPE_HASH
    return _read(memory, place) if kind % 4 == 0 and place + 4 <= len(memory) else None


def _replace_hashes(memory: bytearray, slots: Mapping[str, int], objects: Objects) -> None:
    """Replace hash functions in all types, their descriptors, and where types that a program makes get theirs."""
    named = objects.named
    replaced = {_read(memory, named[name] + _TYPE_HASH): slots[f"{name}_hash"] for name in _HASHED}
    python = _read(memory, named["fraction"] + _TYPE_HASH)
    replaced[python] = slots["python_hash"]
    if len(replaced) != len(_HASHED) + 1:
        raise WasmError("types that hash in different ways share a function")
    for address in objects.types:
        place = address + _TYPE_HASH
        _write(memory, place, replaced.get(_read(memory, place), _read(memory, place)))
    for name in _HASHED:
        place = named[f"{name}_descriptor"] + _WRAPPED
        _write(memory, place, replaced[_read(memory, place)])
    places = _all_places(memory, (_TYPE_HASH, python))
    if len(places) != 1:
        raise WasmError(f"the function behind a __hash__ of Python is in memory {len(places)} times")
    _write(memory, places[0] + 4, slots["python_hash"])
    # Its own function in C reduces by the small prime. In its type, `__hash__` is one of Python by now.
    _write(memory, named["decimal"] + _TYPE_HASH, slots["python_hash"])


def _widen_longs(memory: bytearray) -> None:
    """Give C's `long` and `size_t` eight bytes in `struct`, and `long` in `array`: they become what `long long` is."""
    _widen_rows(memory, "lLnNqQ", 20, lambda size: (size, size), 4)
    _widen_rows(memory, "lLqQ", 32, lambda size: (size,), 5)


def _widen_rows(
    memory: bytearray, letters: str, row_size: int, sizes: Callable[[int], tuple[int, ...]], copied: int
) -> None:
    """Find the rows of a table that start with these letters and sizes; copy words behind `q` and `Q` to the others."""
    rows = [(ord(letter), *sizes(8 if letter in "qQ" else 4)) for letter in letters]
    places = _all_places(memory, rows[0])
    for number, row in enumerate(rows):
        later = {place - number * row_size for place in _all_places(memory, row)}
        places = [place for place in places if place in later]
    if len(places) != 1:
        raise WasmError(f"the table of the C types {letters} is in memory {len(places)} times")
    start = {letter: places[0] + number * row_size + 4 for number, letter in enumerate(letters)}
    for letter in letters:
        source = start["Q" if letter.isupper() else "q"]
        memory[start[letter] : start[letter] + 4 * copied] = memory[source : source + 4 * copied]


def _all_places(memory: bytearray, words: tuple[int, ...]) -> list[int]:
    """Where these words stand in memory, one behind the other."""
    pattern = struct.pack(f"<{len(words)}I", *words)
    places, place = [], memory.find(pattern)
    while place >= 0:
        if place % 4 == 0:
            places.append(place)
        place = memory.find(pattern, place + 1)
    return places


def _exchange(memory: bytearray, place: int, value: int) -> int:
    before = _read(memory, place)
    _write(memory, place, value)
    return before


def _read(memory: bytearray, place: int) -> int:
    value: int = struct.unpack_from("<I", memory, place)[0]
    return value


def _write(memory: bytearray, place: int, value: int) -> None:
    struct.pack_into("<I", memory, place, value)
