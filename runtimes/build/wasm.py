"""The binary format of WebAssembly: numbers, sections, constant expressions. ``module`` builds on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

HEADER = b"\0asm\1\0\0\0"
PAGE = 65536
GLOBAL_GET, I32_CONST, I64_CONST, END, REF_FUNC = 0x23, 0x41, 0x42, 0x0B, 0xD2
CUSTOM_SECTION = 0

T = TypeVar("T")


class WasmError(ValueError):
    """A module that is malformed, or that uses what these tools do not know."""


def unsigned(value: int) -> bytes:
    """Encode a number >= 0 as LEB128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value: int) -> bytes:
    """Encode a number as signed LEB128."""
    out = bytearray()
    while not -0x40 <= value < 0x40:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


def read_unsigned(data: bytes, position: int) -> tuple[int, int]:
    """Decode LEB128; returns the value and the position after it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def read_signed(data: bytes, position: int) -> tuple[int, int]:
    """Decode signed LEB128; returns the value and the position after it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value - (1 << shift) if byte & 0x40 else value), position


def sized(content: bytes) -> bytes:
    """Bytes after their length."""
    return unsigned(len(content)) + content


def vector(items: Iterable[bytes]) -> bytes:
    """Encoded items after their number."""
    listed = list(items)
    return unsigned(len(listed)) + b"".join(listed)


def read_sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the id and content of each section of a module or component."""
    position = len(HEADER)
    while position < len(data):
        section, (size, start) = data[position], read_unsigned(data, position + 1)
        position = start + size
        if position > len(data):
            raise WasmError(f"section {section} ends behind the end of the file")
        yield section, data[start:position]


def write_sections(sections: Iterable[tuple[int, bytes]]) -> bytes:
    """Make a module of sections given in their order."""
    return HEADER + b"".join(bytes([section]) + sized(content) for section, content in sections)


def add_custom_section(module: bytes, name: str, content: bytes) -> bytes:
    """Append a custom section, which tools may read and engines ignore."""
    return module + bytes([CUSTOM_SECTION]) + sized(sized(name.encode()) + content)


def constant(value: int, wide: bool = False) -> bytes:
    """The constant expression of an integer of 32 or 64 bits; values above the greatest positive one wrap around."""
    half = 1 << (63 if wide else 31)
    return bytes([I64_CONST if wide else I32_CONST]) + signed((value + half) % (2 * half) - half) + bytes([END])


def function_reference(index: int) -> bytes:
    """The constant expression of a reference to a function."""
    return bytes([REF_FUNC]) + unsigned(index) + bytes([END])


def end_of_constant(data: bytes, position: int) -> int:
    """The position behind the end of a constant expression."""
    while data[position] != END:
        position = end_of_constant_instruction(data, position)
    return position + 1


def end_of_constant_instruction(data: bytes, position: int) -> int:
    """The position behind one instruction of a constant expression."""
    opcode = data[position]
    match opcode:
        case 0x41 | 0x42:
            return read_signed(data, position + 1)[1]
        case 0x23 | 0xD2:
            return read_unsigned(data, position + 1)[1]
        case 0x43 | 0x44:
            return position + (5 if opcode == 0x43 else 9)
        case 0xD0:
            return position + 2
        case 0x6A | 0x6B | 0x6C | 0x7C | 0x7D | 0x7E:
            return position + 1
        case 0xFD if data[position + 1] == 12:
            return position + 18
    raise WasmError(f"the instruction {opcode:#x} in a constant expression is not supported")


class Reader:
    """Reads the content of one section from its start to its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def byte(self) -> int:
        """Read one byte."""
        self.position += 1
        return self.data[self.position - 1]

    def number(self) -> int:
        """Read an unsigned number."""
        value, self.position = read_unsigned(self.data, self.position)
        return value

    def content(self) -> bytes:
        """Read bytes with their length in front."""
        size = self.number()
        self.position += size
        return self.data[self.position - size : self.position]

    def name(self) -> str:
        """Read a name."""
        return self.content().decode()

    def vector(self, item: Callable[[], T]) -> list[T]:
        """Read a number of items and the items."""
        return [item() for _ in range(self.number())]

    def expression(self) -> bytes:
        """Read a constant expression with its end."""
        start = self.position
        self.position = end_of_constant(self.data, start)
        return self.data[start : self.position]

    def finish(self) -> None:
        """Check that nothing is left.

        Raises:
            WasmError: something is left, so the section was misread.
        """
        if self.position != len(self.data):
            raise WasmError(f"{len(self.data) - self.position} bytes of a section were not understood")
