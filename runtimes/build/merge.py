"""Merge linked core modules into one module without imports.

The modules of a component share one memory and one table and import each other's functions and globals. Here they
become one
module: everything is numbered anew, imports are replaced by what they name, constants are folded, and what cannot be
    reached from the exports is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .instructions import GLOBAL_SET, Part, Parts, Reference, Space, evaluate, join, split, split_body
from .module import FUNCTION, GLOBAL, MEMORY, TABLE, Data, Elements, Export, Global, Limits, Module, Table
from .wasm import GLOBAL_GET, REF_FUNC, WasmError, function_reference, read_unsigned, unsigned

T = TypeVar("T")
Source = tuple[int, str]  # the number of a unit and the name of one of its exports


@dataclass
class Unit:
    """A module and where its imports come from.

    Attributes:
        module: the module.
        sources: for each of its imports, in order, the export it is; of an earlier unit.
    """

    module: Module
    sources: list[Source] = field(default_factory=list)


@dataclass
class _Function:
    """A function of the merged module; its parts hold merged indices."""

    type: int
    parts: Parts


Spaces = list[list[int]]  # for each Space, the merged index of each index of one unit


class _Merger:
    """Collects the things of all units in common lists."""

    def __init__(self) -> None:
        self.units: list[tuple[Module, Spaces]] = []
        self.types: dict[bytes, int] = {}
        self.functions: list[_Function] = []
        self.tables: list[Table] = []
        self.memories: list[Limits] = []
        self.globals: list[Global] = []
        self.values: list[bytes] = []  # the first value of each global, reduced
        self.elements: list[Elements] = []
        self.data: list[Data] = []

    def add(self, unit: Unit) -> None:
        """Take a unit in; its sources must be there already."""
        module = unit.module
        if module.start is not None:
            raise WasmError("a module with a start function cannot be merged")
        if len(unit.sources) != len(module.imports):
            raise WasmError(f"{len(module.imports)} imports have {len(unit.sources)} sources")
        spaces: Spaces = [[] for _ in Space]
        for item, source in zip(module.imports, unit.sources, strict=True):
            spaces[item.kind].append(self.resolve(source, item.kind).index)
        spaces[Space.TYPE] = [self.types.setdefault(kind, len(self.types)) for kind in module.types]
        self._define(module, spaces)
        self.units.append((module, spaces))
        # Values and segments may name functions of this unit, so these are numbered before.
        self._define_globals(module, spaces)
        self._define_segments(module, spaces)
        for function, body in zip(self.functions[len(self.functions) - len(module.code) :], module.code, strict=True):
            function.parts = _renumber(split_body(body), spaces)

    def resolve(self, source: Source, kind: int | None = None) -> Export:
        """The export with its merged index.

        Raises:
            WasmError: it is missing or of another kind.
        """
        number, name = source
        module, spaces = self.units[number]
        item = module.export(name)
        if kind not in (None, item.kind):
            raise WasmError(f"the export {name!r} is not of the kind that is imported")
        return replace(item, index=spaces[item.kind][item.index])

    def _define(self, module: Module, spaces: Spaces) -> None:
        _append(spaces[FUNCTION], self.functions, [_Function(spaces[Space.TYPE][i], []) for i in module.functions])
        _append(spaces[TABLE], self.tables, module.tables)
        _append(spaces[MEMORY], self.memories, module.memories)
        if len(self.memories) > 1:
            raise WasmError("modules with memories of their own cannot be merged")

    def _define_globals(self, module: Module, spaces: Spaces) -> None:
        for item in module.globals:
            self.values.append(self._value(item.value, spaces))
            _append(spaces[GLOBAL], self.globals, [Global(item.type, item.mutable, self.values[-1])])

    def _define_segments(self, module: Module, spaces: Spaces) -> None:
        def offset(expression: bytes | None) -> bytes | None:
            return None if expression is None else self._value(expression, spaces)

        elements = [
            Elements(
                [self._value(value, spaces) for value in item.items],
                item.type,
                spaces[TABLE][item.table] if item.offset is not None else 0,
                offset(item.offset),
                item.declares,
            )
            for item in module.elements
        ]
        _append(spaces[Space.ELEMENTS], self.elements, elements)
        _append(spaces[Space.DATA], self.data, [Data(item.content, offset(item.offset)) for item in module.data])

    def _value(self, expression: bytes, spaces: Spaces) -> bytes:
        renumbered = join(_renumber(split(expression), spaces), lambda reference: unsigned(reference.index))
        return evaluate(renumbered, self.values)


def _append(space: list[int], common: list[T], items: Sequence[T]) -> None:
    """Number things that a unit defines: behind all things of the units before."""
    space.extend(range(len(common), len(common) + len(items)))
    common.extend(items)


def _renumber(parts: Parts, spaces: Spaces) -> Parts:
    """Replace a unit's indices by merged ones. Memory 0 is the only memory, here as there."""

    def renumber(part: Part) -> Part:
        if isinstance(part, bytes) or part.space == Space.MEMORY:
            return part
        return Reference(part.space, spaces[part.space][part.index], part.opcode)

    return [renumber(part) for part in parts]


def merge(units: Sequence[Unit], exports: Mapping[str, Source]) -> Module:
    """Merge linked modules.

    Args:
        units: in the order in which they would be instantiated.
        exports: what the merged module exports: its new name and which export of which unit it is.

    Returns:
        A module without imports that computes what the linked modules compute.

    Raises:
        WasmError: a unit uses what cannot be merged, such as a start function or a second memory.
    """
    merger = _Merger()
    for unit in units:
        merger.add(unit)
    exported = [replace(merger.resolve(source), name=name) for name, source in exports.items()]
    # Once before: what cannot be reached must not count as writing a global, such as the relocation code of a library.
    _fold_constant_globals(merger, _reachable(merger, exported)[FUNCTION])
    return _emit(merger, exported, _reachable(merger, exported))


def _fold_constant_globals(merger: _Merger, used: Iterable[int]) -> None:
    """Replace reads of globals that no used function writes by their values: reading through memory costs time."""
    functions = [merger.functions[index] for index in used]
    written = {
        part.index
        for function in functions
        for part in function.parts
        if not isinstance(part, bytes) and part.opcode == GLOBAL_SET
    }
    constants = {index: value[:-1] for index, value in enumerate(merger.values) if index not in written}
    for function in functions:
        function.parts = list(_substitute(function.parts, constants))
    for index in constants:
        merger.globals[index].mutable = False


def _substitute(parts: Parts, constants: Mapping[int, bytes]) -> Iterator[Part]:
    """Put constants in place of reads of globals; the opcode is the last byte of the part before."""
    held = b""
    for part in parts:
        if isinstance(part, bytes):
            held += part
        elif part.opcode == GLOBAL_GET and part.index in constants:
            constant = constants[part.index]
            held = held[:-1] + constant
            if constant[0] == REF_FUNC:
                yield held[: 1 - len(constant)]
                yield Reference(Space.FUNCTION, read_unsigned(constant, 1)[0], REF_FUNC)
                held = b""
        else:
            yield held
            yield part
            held = b""
    yield held


def _reachable(merger: _Merger, exported: Iterable[Export]) -> list[set[int]]:
    """For each space, the merged indices that the exports lead to."""
    found: list[set[int]] = [set() for _ in Space]
    waiting = [(Space(item.kind), item.index) for item in exported]
    waiting += [(Space.MEMORY, index) for index in range(len(merger.memories))]
    waiting += [(Space.DATA, index) for index, item in enumerate(merger.data) if item.offset is not None]
    filled: dict[int, list[int]] = {}
    for index, item in enumerate(merger.elements):
        if item.offset is not None:
            filled.setdefault(item.table, []).append(index)
    while waiting:
        space, index = waiting.pop()
        if index in found[space]:
            continue
        found[space].add(index)
        if space == Space.FUNCTION:
            function = merger.functions[index]
            waiting.append((Space.TYPE, function.type))
            waiting += [(part.space, part.index) for part in function.parts if not isinstance(part, bytes)]
        elif space == Space.TABLE:
            waiting += [(Space.ELEMENTS, number) for number in filled.get(index, ())]
        elif space == Space.ELEMENTS:
            waiting += [(Space.FUNCTION, target) for target in _targets(merger.elements[index].items)]
        elif space == Space.GLOBAL:
            waiting += [(Space.FUNCTION, target) for target in _targets([merger.globals[index].value])]
    return found


def _targets(values: Iterable[bytes]) -> Iterator[int]:
    """The functions that reduced constant expressions refer to."""
    return (read_unsigned(value, 1)[0] for value in values if value[0] == REF_FUNC)


def _emit(merger: _Merger, exported: Iterable[Export], reachable: Sequence[set[int]]) -> Module:
    """Make the merged module of what is reachable, numbered without gaps."""
    kept = [sorted(indices) for indices in reachable]
    numbers = [{old: new for new, old in enumerate(indices)} for indices in kept]
    encoded = [{old: unsigned(new) for old, new in space.items()} for space in numbers]

    def value(expression: bytes) -> bytes:
        if expression[0] != REF_FUNC:
            return expression
        return function_reference(numbers[FUNCTION][read_unsigned(expression, 1)[0]])

    def number(reference: Reference) -> bytes:
        return encoded[reference.space][reference.index]

    types = list(merger.types)
    functions = [merger.functions[index] for index in kept[FUNCTION]]
    elements = [
        replace(item, items=[value(each) for each in item.items], table=numbers[TABLE].get(item.table, 0))
        for item in (merger.elements[index] for index in kept[Space.ELEMENTS])
    ]
    return Module(
        types=[types[index] for index in kept[Space.TYPE]],
        functions=[numbers[Space.TYPE][function.type] for function in functions],
        tables=[merger.tables[index] for index in kept[TABLE]],
        memories=merger.memories,
        globals=[replace(item, value=value(item.value)) for item in (merger.globals[index] for index in kept[GLOBAL])],
        exports=[Export(item.name, item.kind, numbers[item.kind][item.index]) for item in exported],
        elements=elements + _declarations(functions, numbers[FUNCTION]),
        code=[join(function.parts, number) for function in functions],
        data=[merger.data[index] for index in kept[Space.DATA]],
    )


def _declarations(functions: Iterable[_Function], numbers: Mapping[int, int]) -> list[Elements]:
    """The segment that declares functions whose references are taken in code, as validation wants."""
    taken = {
        numbers[part.index]
        for function in functions
        for part in function.parts
        if not isinstance(part, bytes) and part.opcode == REF_FUNC
    }
    return [Elements([function_reference(index) for index in sorted(taken)], declares=True)] if taken else []
