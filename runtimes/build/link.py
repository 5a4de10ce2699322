"""Turn a component of componentize-py into one core module without imports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from . import stubs, wide
from .component import Component, Core, Exported, Lifted, Lowered
from .merge import Source, Unit, merge
from .module import FUNCTION, GLOBAL, MEMORY, TABLE, Module
from .wasm import WasmError

# What `run` and `call` take: lists of bytes, and numbers.
_LISTS = [(2, 1), (1, 0)]


@dataclass(frozen=True)
class Linked:
    """A merged module.

    Attributes:
        module: the module.
        exchange_slot: the slot of its table through which the guest's import ``exchange`` is called; null.
        wide_slot: the first slot of ``wide.functions``.
    """

    module: Module
    exchange_slot: int
    wide_slot: int


def link(data: bytes, python: bool = True) -> Linked:
    """Merge a component's core modules and answer what they import.

    Args:
        data: a component whose only import is ``exchange`` and which exports ``run`` and ``call``.
        python: whether CPython is among its modules, so that functions of our own can stand beside its own.

    Raises:
        WasmError: the component is not of that shape.
    """
    component = Component.parse(data)
    if component.imports != ["exchange"]:
        raise WasmError(f"the component imports {', '.join(component.imports)}; expected: exchange")
    linker = _Linker(component)
    lifted = [_lifted(component, name) for name in ("run", "call")]
    realloc = linker.source(_present(lifted[0].realloc))
    if python:
        linker.add_wide_functions()
    entry = linker.add_entry(lifted, realloc, _LISTS)
    exports = {
        "memory": linker.memory,
        "table": linker.table,
        "__stack_pointer": linker.source(_named(component.core[GLOBAL], "__stack_pointer")),
        "cabi_realloc": realloc,
        "run": (entry, "0"),
        "call": (entry, "1"),
    }
    return Linked(merge(linker.units, exports), linker.exchange_slot, linker.wide_slot)


def _lifted(component: Component, name: str) -> Lifted:
    for item in component.lifted:
        if not isinstance(item.function, Lowered) and item.function[1] == name:
            return item
    raise WasmError(f"the component exports no function {name}")


def _present(item: Core | None) -> Core:
    if item is None:
        raise WasmError("a lifted function lacks its allocator or its cleaner")
    return item


def _named(items: Iterable[Core], name: str) -> Exported:
    for item in items:
        if not isinstance(item, Lowered) and item[1] == name:
            return item
    raise WasmError(f"the component's modules share no {name}")


class _Linker:
    """Adds the component's instances as units, each behind those whose exports it imports."""

    def __init__(self, component: Component) -> None:
        self.component = component
        self.modules = [Module.parse(module) for module in component.modules]
        self.units: list[Unit] = []
        self.added: dict[int | Lowered, int] = {}
        main, table = _named(component.core[TABLE], "__indirect_function_table")
        self.exchange_slot = self._add_slots(self.modules[self._module_of(main)], table, 1)
        self.wide_slot = self._add_slots(self.modules[self._module_of(main)], table, len(wide.FUNCTIONS))
        self.memory = self.source(component.core[MEMORY][0])
        self.table = self.source((main, table))
        # All are added, also those that nobody imports: they fill tables.
        for number, instance in enumerate(component.instances):
            if instance.module is not None:
                self.unit(number)

    def _module_of(self, instance: int) -> int:
        module = self.component.instances[instance].module
        assert module is not None
        return module

    def _add_slots(self, module: Module, table: str, count: int) -> int:
        """Append nulls to the table; returns the slot of the first."""
        limits = module.tables[module.export(table).index - module.count_imports(TABLE)].limits
        slot = limits.minimum
        limits.minimum += count
        if limits.maximum is not None:
            limits.maximum = max(limits.maximum, limits.minimum)
        return slot

    def source(self, item: Core) -> Source:
        """The unit and name of a core thing; its unit is added if need be."""
        resolved = self.component.resolve(item)
        if isinstance(resolved, Lowered):
            return self.unit(resolved), self.component.imports[resolved.number]
        return self.unit(resolved[0]), resolved[1]

    def unit(self, key: int | Lowered) -> int:
        """The number of the unit of an instance or of an import of the component."""
        if key not in self.added:
            unit = self._exchange() if isinstance(key, Lowered) else self._instance(key)
            self.units.append(unit)
            self.added[key] = len(self.units) - 1
        return self.added[key]

    def _instance(self, number: int) -> Unit:
        module, instance = self.modules[self._module_of(number)], self.component.instances[number]
        if stubs.is_stub(module):
            return Unit(stubs.answer(module), [self.memory, self._function("malloc")])
        sources = []
        for item in module.imports:
            bundle = instance.arguments[item.module]
            sources.append(self.source((bundle, item.name)))
        return Unit(module, sources)

    def _exchange(self) -> Unit:
        return Unit(stubs.exchange(self.exchange_slot), [self.table])

    def _function(self, name: str) -> Source:
        """A function of the C library or of CPython."""
        for number, instance in enumerate(self.component.instances):
            if instance.module is not None:
                for item in self.modules[instance.module].exports:
                    if (item.name, item.kind) == (name, FUNCTION):
                        return self.source((number, name))
        raise WasmError(f"no module of the component exports {name}")

    def add_wide_functions(self) -> None:
        """Add the functions that a guest of 32 bits lacks."""
        sources = [self.memory, self.table, *map(self._function, wide.IMPORTS)]
        self.units.append(Unit(wide.functions(self.wide_slot), sources))

    def add_entry(self, lifted: list[Lifted], realloc: Source, lists: list[tuple[int, int]]) -> int:
        """Add the functions that call lifted functions and clean up; returns their unit."""
        sources = [realloc]
        for item in lifted:
            sources += [self.source(item.function), self.source(_present(item.post))]
        self.units.append(Unit(stubs.entry(lists), sources))
        return len(self.units) - 1
