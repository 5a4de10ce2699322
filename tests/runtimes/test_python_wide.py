"""The functions that give a guest of 32 bits hashes of 64, and how they get into its memory."""

import re
import struct

import pytest
import wasmtime

from infinite_rl.runtimes.build import wide, widen
from infinite_rl.runtimes.build.wasm import WasmError

FIRST_SLOT = 3
TYPES = {kind: 4096 + 128 * number for number, kind in enumerate((int, float, tuple, complex))}
FREE = 8192


class Guest:
    """The functions over a memory of ints, floats, complex numbers and tuples as CPython 3.14 lays them out."""

    def __init__(self) -> None:
        self.store = wasmtime.Store()
        self.memory = wasmtime.Memory(self.store, wasmtime.MemoryType(wasmtime.Limits(1, None)))
        slots = wasmtime.Limits(FIRST_SLOT + len(wide.FUNCTIONS), None)
        self.table = wasmtime.Table(self.store, wasmtime.TableType(wasmtime.ValType.funcref(), slots), None)
        module = wasmtime.Module(self.store.engine, wide.functions(FIRST_SLOT).encode())
        wasmtime.Instance(self.store, module, [self.memory, self.table, *map(self.refuse, wide.IMPORTS.values())])
        for kind, place in TYPES.items():
            self.words(place + 60, FIRST_SLOT + wide.FUNCTIONS.index(f"{kind.__name__}_hash"))
        self.free = FREE

    def refuse(self, kind: str) -> wasmtime.Func:
        """A function of CPython that nothing here may call."""
        types = {"i32": wasmtime.ValType.i32(), "i64": wasmtime.ValType.i64(), "f64": wasmtime.ValType.f64()}
        taken, given = (re.findall(rf"\({what}([^)]*)\)", kind) for what in ("param", "result"))
        signature = [[types[name] for part in parts for name in part.split()] for parts in (taken, given)]
        return wasmtime.Func(self.store, wasmtime.FuncType(*signature), lambda *_: pytest.fail("called CPython"))

    def words(self, place: int, *words: int) -> None:
        self.memory.write(self.store, struct.pack(f"<{len(words)}I", *words), place)

    def put(self, value: object) -> int:
        """Write an object; returns its address."""
        if isinstance(value, tuple):
            rest = struct.pack(f"<Ii{len(value)}I", len(value), -1, *map(self.put, value))
        elif isinstance(value, int):
            digits = [abs(value) >> 30 * n & (1 << 30) - 1 for n in range(max(1, -(-value.bit_length() // 30)))]
            sign = 1 if value == 0 else 2 * (value < 0)
            rest = struct.pack(f"<I{len(digits)}I", len(digits) * (value != 0) << 3 | sign, *digits)
        else:
            parts = (value.real, value.imag) if isinstance(value, complex) else (value,)
            rest = struct.pack(f"<{len(parts)}d", *parts)
        place = self.free
        self.free += -(-(8 + len(rest)) // 8) * 8
        self.memory.write(self.store, struct.pack("<II", 1, TYPES[type(value)]) + rest, place)
        return place

    def hash(self, value: object) -> int:
        function = self.table.get(self.store, FIRST_SLOT + wide.FUNCTIONS.index(f"{type(value).__name__}_hash"))
        return function(self.store, self.put(value))


def cut(value: int) -> int:
    low = (value + (1 << 31)) % (1 << 32) - (1 << 31)
    return -2 if low == -1 else low


NUMBERS = [
    *(sign * (1 << power) + more for power in (0, 29, 30, 31, 59, 60, 61, 62, 64, 122, 200) for sign in (1, -1)
      for more in (-1, 0, 1)),
    10**18, -(10**30), 3**200,
    0.0, -0.0, 0.5, 1.5, -2.75, 0.1, 1e20, -1e300, 5e-324, 2.2e-308, 1.7e308, float(2**61), float("inf"), -float("inf"),
    1j, 2.5 - 3.25j, -1 - 0j,
]  # fmt: skip


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_hash_as_with_64_bits(value):
    assert Guest().hash(value) == cut(hash(value))


@pytest.mark.parametrize("value", [(), (1, 2), (-1,), (0.5, (3, -4), 10**20), tuple(range(100))])
def test_tuples_hash_as_with_64_bits_and_keep_what_was_computed(value):
    guest = Guest()
    assert guest.hash(value) == cut(hash(value))
    kept = struct.pack("<3Ii", 1, TYPES[tuple], len(value), cut(hash(value)))
    assert kept in bytes(guest.memory.read(guest.store, FREE, guest.free))


def rows(sizes: dict[str, int], row_size: int) -> bytes:
    """A table of C types whose rows say which letter they are of."""
    return b"".join(
        struct.pack("<2I", ord(letter), size) + bytes([ord(letter)]) * (row_size - 8) for letter, size in sizes.items()
    )


def test_long_becomes_what_long_long_is():
    memory = bytearray(b"\1" * 40 + rows({"i": 4, "l": 4, "L": 4, "q": 8, "Q": 8, "d": 8}, 32))
    widen._widen_rows(memory, "lLqQ", 32, lambda size: (size,), 5)
    found = [memory[start : start + 32] for start in range(40, len(memory), 32)]
    assert [struct.unpack_from("<2I", row) for row in found] == [
        (ord(letter), size) for letter, size in zip("ilLqQd", (4, 8, 8, 8, 8, 8), strict=True)
    ]
    assert [bytes(row[8:24]) for row in found] == [letter * 16 for letter in (b"i", b"q", b"Q", b"q", b"Q", b"d")]
    assert [bytes(row[24:]) for row in found] == [letter * 8 for letter in (b"i", b"l", b"L", b"q", b"Q", b"d")]


@pytest.mark.parametrize("count", [0, 2])
def test_a_table_that_is_not_there_once_stays(count):
    memory = bytearray(rows({"l": 4, "L": 4, "q": 8, "Q": 8}, 32) * count)
    with pytest.raises(WasmError, match=f"in memory {count} times"):
        widen._widen_rows(memory, "lLqQ", 32, lambda size: (size,), 5)
