"""A core module as a plain object.

What a merger and a snapshotter need, and no more: function bodies and constant expressions stay bytes (``instructions``
opens them), custom sections are dropped. Proposals that no guest of ours uses (garbage collection, tags, threads,
several memories) are refused with a message instead of being copied wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .wasm import (
    CUSTOM_SECTION,
    HEADER,
    REF_FUNC,
    Reader,
    WasmError,
    function_reference,
    read_sections,
    sized,
    unsigned,
    vector,
    write_sections,
)

FUNCTION, TABLE, MEMORY, GLOBAL = range(4)  # kinds of imports and exports
FUNCREF = 0x70
(
    TYPE_SECTION,
    IMPORT_SECTION,
    FUNCTION_SECTION,
    TABLE_SECTION,
    MEMORY_SECTION,
    GLOBAL_SECTION,
    EXPORT_SECTION,
    START_SECTION,
    ELEMENT_SECTION,
    CODE_SECTION,
    DATA_SECTION,
    DATA_COUNT_SECTION,
) = range(1, 13)


@dataclass
class Limits:
    """Least and greatest size of a table (in elements) or memory (in pages)."""

    minimum: int
    maximum: int | None = None

    @classmethod
    def read(cls, reader: Reader) -> Limits:
        """Read limits."""
        flags = reader.byte()
        if flags > 1:
            raise WasmError("shared and 64-bit memories are not supported")
        minimum = reader.number()
        return cls(minimum, reader.number() if flags else None)

    def encode(self) -> bytes:
        """Write limits."""
        if self.maximum is None:
            return b"\0" + unsigned(self.minimum)
        return b"\1" + unsigned(self.minimum) + unsigned(self.maximum)


@dataclass
class Table:
    """A table: the type of its elements and its size."""

    element: int
    limits: Limits

    @classmethod
    def read(cls, reader: Reader) -> Table:
        """Read a table's type."""
        element = reader.byte()
        if element not in (0x70, 0x6F):
            raise WasmError(f"tables of type {element:#x} are not supported")
        return cls(element, Limits.read(reader))

    def encode(self) -> bytes:
        """Write the table's type."""
        return bytes([self.element]) + self.limits.encode()


@dataclass
class Global:
    """A global: its type, whether it may change, and the expression of its first value."""

    type: int
    mutable: bool
    value: bytes

    @classmethod
    def read(cls, reader: Reader) -> Global:
        """Read a defined global."""
        return cls(reader.byte(), bool(reader.byte()), reader.expression())

    def encode(self) -> bytes:
        """Write the global."""
        return bytes([self.type, self.mutable]) + self.value


@dataclass
class Import:
    """An import: where it comes from and what it is (``type`` is the type's index for a function)."""

    module: str
    name: str
    kind: int
    type: int | Table | Limits | tuple[int, int]

    @classmethod
    def read(cls, reader: Reader) -> Import:
        """Read an import."""
        module, name, kind = reader.name(), reader.name(), reader.byte()
        readers: dict[int, Callable[[], int | Table | Limits | tuple[int, int]]] = {
            FUNCTION: reader.number,
            TABLE: lambda: Table.read(reader),
            MEMORY: lambda: Limits.read(reader),
            GLOBAL: lambda: (reader.byte(), reader.byte()),
        }
        if kind not in readers:
            raise WasmError(f"imports of kind {kind} are not supported")
        return cls(module, name, kind, readers[kind]())

    def encode(self) -> bytes:
        """Write the import."""
        match self.type:
            case int():
                kind = unsigned(self.type)
            case Table() | Limits():
                kind = self.type.encode()
            case _:
                kind = bytes(self.type)
        return sized(self.module.encode()) + sized(self.name.encode()) + bytes([self.kind]) + kind


@dataclass
class Export:
    """An export: its name, its kind and the index of the thing within its kind."""

    name: str
    kind: int
    index: int

    @classmethod
    def read(cls, reader: Reader) -> Export:
        """Read an export."""
        return cls(reader.name(), reader.byte(), reader.number())

    def encode(self) -> bytes:
        """Write the export."""
        return sized(self.name.encode()) + bytes([self.kind]) + unsigned(self.index)


@dataclass
class Elements:
    """An element segment; ``offset`` is None if it is passive or only declares functions."""

    items: list[bytes]  # each a constant expression with its end
    type: int = FUNCREF
    table: int = 0
    offset: bytes | None = None
    declares: bool = False

    @classmethod
    def read(cls, reader: Reader) -> Elements:
        """Read a segment in any of the format's eight ways."""
        flags = reader.number()
        passive, explicit, expressions = flags & 1, flags & 2, flags & 4
        table = reader.number() if explicit and not passive else 0
        offset = None if passive else reader.expression()
        element = FUNCREF
        if flags & 3:
            kind = reader.byte()
            if not expressions and kind:
                raise WasmError(f"elements of kind {kind} are not supported")
            element = kind if expressions else FUNCREF
        items = reader.vector(reader.expression if expressions else lambda: function_reference(reader.number()))
        return cls(items, element, table, offset, bool(passive and explicit))

    def encode(self) -> bytes:
        """Write the segment, by function indices where these are enough."""
        plain = self.type == FUNCREF and all(item[0] == REF_FUNC for item in self.items)
        # The shortest form can name neither a table nor a type.
        named = self.table or self.type != FUNCREF
        flags = (0 if plain else 4) | ((2 if named else 0) if self.offset is not None else (3 if self.declares else 1))
        out = unsigned(flags)
        if self.offset is not None:
            out += (unsigned(self.table) if named else b"") + self.offset
        if flags & 3:
            out += b"\0" if plain else bytes([self.type])
        return out + vector(item[1:-1] if plain else item for item in self.items)


@dataclass
class Data:
    """A data segment; ``offset`` is None if it is passive."""

    content: bytes
    offset: bytes | None = None

    @classmethod
    def read(cls, reader: Reader) -> Data:
        """Read a segment of memory 0."""
        flags = reader.number()
        if flags > 1:
            raise WasmError("more than one memory is not supported")
        offset = None if flags else reader.expression()
        return cls(reader.content(), offset)

    def encode(self) -> bytes:
        """Write the segment."""
        return (b"\1" if self.offset is None else b"\0" + self.offset) + sized(self.content)


@dataclass
class Module:
    """A core module without its custom sections."""

    types: list[bytes] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)  # the type of each defined function
    tables: list[Table] = field(default_factory=list)
    memories: list[Limits] = field(default_factory=list)
    globals: list[Global] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    start: int | None = None
    elements: list[Elements] = field(default_factory=list)
    code: list[bytes] = field(default_factory=list)  # one body with its locals for each defined function
    data: list[Data] = field(default_factory=list)

    @classmethod
    def parse(cls, data: bytes) -> Module:
        """Read a module.

        Raises:
            WasmError: it is malformed or needs an unsupported proposal.
        """
        if data[:8] != HEADER:
            raise WasmError("not a WebAssembly core module")
        module = cls()
        for section, content in read_sections(data):
            if section != CUSTOM_SECTION:
                reader = Reader(content)
                module._read(section, reader)
                reader.finish()
        return module

    def _read(self, section: int, reader: Reader) -> None:
        readers: dict[int, tuple[str, Callable[[Reader], object]]] = {
            TYPE_SECTION: ("types", _read_type),
            IMPORT_SECTION: ("imports", Import.read),
            FUNCTION_SECTION: ("functions", Reader.number),
            TABLE_SECTION: ("tables", Table.read),
            MEMORY_SECTION: ("memories", Limits.read),
            GLOBAL_SECTION: ("globals", Global.read),
            EXPORT_SECTION: ("exports", Export.read),
            ELEMENT_SECTION: ("elements", Elements.read),
            CODE_SECTION: ("code", Reader.content),
            DATA_SECTION: ("data", Data.read),
        }
        if section == START_SECTION:
            self.start = reader.number()
        elif section == DATA_COUNT_SECTION:
            reader.number()
        elif section in readers:
            name, item = readers[section]
            setattr(self, name, reader.vector(lambda: item(reader)))
        else:
            raise WasmError(f"sections of kind {section} are not supported")

    def encode(self) -> bytes:
        """Write the module."""
        sections: list[tuple[int, list[bytes]]] = [
            (TYPE_SECTION, self.types),
            (IMPORT_SECTION, [item.encode() for item in self.imports]),
            (FUNCTION_SECTION, [unsigned(index) for index in self.functions]),
            (TABLE_SECTION, [item.encode() for item in self.tables]),
            (MEMORY_SECTION, [item.encode() for item in self.memories]),
            (GLOBAL_SECTION, [item.encode() for item in self.globals]),
            (EXPORT_SECTION, [item.encode() for item in self.exports]),
            (ELEMENT_SECTION, [item.encode() for item in self.elements]),
            (CODE_SECTION, [sized(body) for body in self.code]),
            (DATA_SECTION, [item.encode() for item in self.data]),
        ]
        contents = {section: vector(items) for section, items in sections if items}
        if self.start is not None:
            contents[START_SECTION] = unsigned(self.start)
        if self.data:
            contents[DATA_COUNT_SECTION] = unsigned(len(self.data))
        # The number of data segments stands before the code, which is checked against it; all else is in order.
        places = {section: float(section) for section in contents} | {DATA_COUNT_SECTION: ELEMENT_SECTION + 0.5}
        order = sorted(contents, key=places.__getitem__)
        return write_sections((section, contents[section]) for section in order)

    def count_imports(self, kind: int) -> int:
        """How many imports of a kind there are; they come first among the things of their kind."""
        return sum(item.kind == kind for item in self.imports)

    def export(self, name: str) -> Export:
        """The export of that name.

        Raises:
            WasmError: there is none.
        """
        for item in self.exports:
            if item.name == name:
                return item
        raise WasmError(f"the module exports nothing named {name!r}")


def _read_type(reader: Reader) -> bytes:
    """Read a function's type as bytes; value types are one byte each in all that is supported."""
    start = reader.position
    if reader.byte() != 0x60:
        raise WasmError("only function types are supported")
    for _ in range(2):
        for kind in reader.content():
            if not 0x6F <= kind <= 0x7F:
                raise WasmError(f"the value type {kind:#x} is not supported")
    return reader.data[start : reader.position]
