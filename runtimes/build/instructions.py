"""Function bodies and constant expressions: find the indices inside, so that they can be renumbered.

A body is cut into *parts*: bytes that stay as they are, and references ``(space, index)``. Of the six million bytes of
CPython most are instructions without indices; one regular expression skips a run of them at once, which makes pure
Python fast enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from .wasm import (
    END,
    GLOBAL_GET,
    REF_FUNC,
    WasmError,
    end_of_constant_instruction,
    read_signed,
    read_unsigned,
    signed,
)


class Space(IntEnum):
    """What an index counts."""

    FUNCTION = 0
    TABLE = 1
    MEMORY = 2
    GLOBAL = 3
    TYPE = 4
    ELEMENTS = 5
    DATA = 6


@dataclass(frozen=True, slots=True)
class Reference:
    """An index within a body. ``opcode`` tells reads of globals from writes."""

    space: Space
    index: int
    opcode: int


Part = bytes | Reference
Parts = list[Part]

GLOBAL_SET = 0x24

_LEB = rb"[\x80-\xff]*+[\x00-\x7f]"
_WITHOUT_INDICES = (
    rb"[\x00\x01\x05\x0b\x0f\x1a\x1b\x45-\xc4\xd1]",  # no immediates: numeric, control, parametric
    rb"[\x0c\x0d\x20-\x22\x41\x42]" + _LEB,  # branches by depth, locals, integer constants
    # Loads and stores. Flags with bit 6 set would name a memory; only memory 0 exists here, so that none does.
    rb"[\x28-\x3e][\x00-\x3f]" + _LEB,
    rb"[\x02-\x04][\x40\x6f\x70\x7b-\x7f]",  # blocks with no result or one
    rb"\x43.{4}",  # f32.const
    rb"\x44.{8}",  # f64.const
    rb"[\x3f\x40]\x00",  # memory.size, memory.grow
    rb"\xd0[\x6f\x70]",  # ref.null
    rb"\xfc(?:[\x00-\x07]|\x0a\x00\x00|\x0b\x00)",  # saturating truncation, memory.copy, memory.fill
)
_PLAIN = re.compile(rb"(?:" + rb"|".join(_WITHOUT_INDICES) + rb")*+", re.DOTALL)

_F, _T, _G, _Y, _E, _D = Space.FUNCTION, Space.TABLE, Space.GLOBAL, Space.TYPE, Space.ELEMENTS, Space.DATA
# Instructions whose immediates are indices: opcode -> the space of each.
_INDEXED: dict[int, tuple[Space, ...]] = {
    0x10: (_F,),  # call
    0x11: (_Y, _T),  # call_indirect
    0x12: (_F,),  # return_call
    0x13: (_Y, _T),  # return_call_indirect
    GLOBAL_GET: (_G,),
    GLOBAL_SET: (_G,),
    0x25: (_T,),  # table.get
    0x26: (_T,),  # table.set
    REF_FUNC: (_F,),
}
# The same behind the prefix 0xfc.
_PREFIXED: dict[int, tuple[Space, ...]] = {
    8: (_D, Space.MEMORY),  # memory.init
    9: (_D,),  # data.drop
    12: (_E, _T),  # table.init
    13: (_E,),  # elem.drop
    14: (_T, _T),  # table.copy
    15: (_T,),  # table.grow
    16: (_T,),  # table.size
    17: (_T,),  # table.fill
}


def split(code: bytes, position: int = 0) -> Parts:
    """Cut instructions into parts.

    Args:
        code: a body or constant expression.
        position: where its instructions start.

    Raises:
        WasmError: an instruction is not known here.
    """
    parts: Parts = []
    start, length = 0, len(code)
    skip = _PLAIN.match
    while True:
        found = skip(code, position)
        assert found is not None  # it may be empty, but it always matches
        position = found.end()
        if position >= length:
            break
        opcode = code[position]
        position += 1
        spaces = _INDEXED.get(opcode)
        if spaces is None and opcode in (0x02, 0x03, 0x04):
            spaces = (_Y,)  # a block whose type is in the table of types
        elif opcode == 0xFC:
            prefixed, position = read_unsigned(code, position)
            spaces = _PREFIXED.get(prefixed)
        if spaces is None:
            position = _skip_unindexed(code, opcode, position)
            continue
        parts.append(code[start:position])
        for space in spaces:
            index, position = read_unsigned(code, position)
            parts.append(Reference(space, index, opcode))
        start = position
    parts.append(code[start:])
    return parts


def _skip_unindexed(code: bytes, opcode: int, position: int) -> int:
    """Skip the immediates of the rarer instructions without indices; ``position`` is behind the opcode."""
    if opcode == 0x0E:  # br_table: depths, and the default
        count, position = read_unsigned(code, position)
        for _ in range(count + 1):
            _, position = read_unsigned(code, position)
        return position
    if opcode == 0x1C:  # select with its type
        return position + 1 + code[position]
    if opcode == 0xFD:
        return _skip_vector(code, position)
    raise WasmError(f"the instruction {opcode:#x} at byte {position - 1} is not supported")


def _skip_vector(code: bytes, position: int) -> int:
    """Skip the number and the immediates of a vector instruction."""
    opcode, position = read_unsigned(code, position)
    if opcode in (12, 13):  # v128.const, i8x16.shuffle
        return position + 16
    if 21 <= opcode <= 34:  # lanes
        return position + 1
    if opcode <= 11 or 84 <= opcode <= 93:  # loads and stores, some of one lane
        if code[position] & 0x40:
            raise WasmError("more than one memory is not supported")
        for _ in range(2):
            _, position = read_unsigned(code, position)
        return position + (84 <= opcode <= 91)
    return position


def split_body(body: bytes) -> Parts:
    """Cut a function's body, whose first bytes declare its locals."""
    count, position = read_unsigned(body, 0)
    for _ in range(count):
        _, position = read_unsigned(body, position)
        position += 1
    return split(body, position)


def join(parts: Parts, number: Callable[[Reference], bytes]) -> bytes:
    """Put a body together again.

    Args:
        parts: what ``split`` gave.
        number: encodes a reference; only the index, the opcode is in the bytes before it.
    """
    return b"".join([part if isinstance(part, bytes) else number(part) for part in parts])


def evaluate(expression: bytes, values: Sequence[bytes]) -> bytes:
    """Reduce a constant expression to one instruction and its end.

    Args:
        expression: with indices of functions already final.
        values: the reduced expressions of the globals it may read.
    """
    stack: list[bytes] = []
    position = 0
    while expression[position] != END:
        after = end_of_constant_instruction(expression, position)
        opcode = expression[position]
        if opcode == GLOBAL_GET:
            stack.append(values[read_unsigned(expression, position + 1)[0]][:-1])
        elif opcode in (0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E):
            right, left = stack.pop(), stack.pop()
            stack.append(_calculate(opcode, left, right))
        else:
            stack.append(expression[position:after])
        position = after
    (result,) = stack
    return result + bytes([END])


def _calculate(opcode: int, left: bytes, right: bytes) -> bytes:
    """Add, subtract or multiply two constants of 32 or 64 bits."""
    first, second = read_signed(left, 1)[0], read_signed(right, 1)[0]
    base, half = (0x6A, 1 << 31) if opcode < 0x70 else (0x7C, 1 << 63)
    value = (first + second, first - second, first * second)[opcode - base]
    return left[:1] + signed((value + half) % (2 * half) - half)
