"""What the warm-up changes in a guest's memory from outside."""

import struct

import pytest

from infinite_rl.runtimes.build import warm
from infinite_rl.runtimes.build.snapshot import State
from infinite_rl.runtimes.build.wasm import WasmError

IMMORTAL = 5 << 28
TYPE, OTHER_TYPE = 4000, 5000


def objects(*pairs: tuple[int, int]) -> bytearray:
    return bytearray(b"".join(struct.pack("<II", *pair) for pair in pairs))


def test_only_what_lived_then_and_is_the_same_now_becomes_immortal():
    memory = objects((1, TYPE), (7, OTHER_TYPE), (0, TYPE), (3_000_000, TYPE), (IMMORTAL, TYPE), (2, TYPE))
    living = dict.fromkeys(range(0, 48, 8), TYPE) | {1000: TYPE}
    assert warm._make_immortal(memory, living) == 2
    counts = [count for count, _ in struct.iter_unpack("<II", memory)]
    assert counts == [IMMORTAL, 7, 0, 3_000_000, IMMORTAL, IMMORTAL]


def stack_state(*bounds: tuple[int, int, int]) -> State:
    """A memory with a stack of 64 KiB at its start, used once, and records of its bounds behind it."""
    memory = bytearray(b"\xaa" * 65536 + bytes(65536 + warm._STACK_SIZE))
    for number, words in enumerate(bounds):
        struct.pack_into("<3I", memory, 66_000 + 100 * number, *words)
    return State(memory, {3: 65536})


def test_the_stack_moves_to_a_larger_place():
    state = stack_state((65536, 16384, 8192))
    warm._move_stack(state, 3, 131_000)
    top, soft, hard = struct.unpack_from("<3I", state.memory, 66_000)
    assert state.globals == {3: top}
    assert top % 16 == 0
    assert 131_000 + warm._STACK_SIZE - 16 < top <= 131_000 + warm._STACK_SIZE
    assert (soft - hard, hard - 131_000) == (8192, 8192 + 8)
    assert not any(state.memory[1024:65536])


@pytest.mark.parametrize("bounds", [(), ((65536, 16384, 8192),) * 2])
def test_the_stack_stays_where_its_bounds_are_not_known(bounds):
    with pytest.raises(WasmError, match=f"in memory {len(bounds)} times"):
        warm._move_stack(stack_state(*bounds), 3, 131_000)


def test_holes_are_filled_from_large_to_small():
    assert list(warm._HOLES) == sorted(set(warm._HOLES), reverse=True)
    assert (warm._HOLES[0], warm._HOLES[-1]) == (65536, 8)
