"""Read the core modules out of a component and how they are linked.

Of the component model this knows what componentize-py writes: core modules, core instances, aliases of their exports,
and functions that are lifted (exports of the component) or lowered (its imports). Component-level types and names are
skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .module import FUNCTION, GLOBAL, MEMORY, TABLE
from .wasm import Reader, WasmError, read_sections

HEADER = b"\0asm\x0d\0\1\0"
_CORE_MODULE, _CORE_INSTANCE, _ALIAS, _CANON, _IMPORT, _EXPORT = 1, 2, 6, 8, 10, 11
_KINDS = (FUNCTION, TABLE, MEMORY, GLOBAL)


@dataclass(frozen=True)
class Lowered:
    """A core function that the host would provide: the component's import of that number."""

    number: int


Exported = tuple[int, str]  # the number of a core instance and the name of one of its exports
Core = Exported | Lowered


@dataclass(frozen=True)
class Lifted:
    """What stands behind a function that the component exports.

    Attributes:
        function: the core function.
        realloc: allocates room for its arguments.
        post: is called with its result, when the caller has read that.
    """

    function: Core
    realloc: Core | None
    post: Core | None


@dataclass
class Instance:
    """A core instance: a module with arguments, or a bundle of exports of others.

    Attributes:
        module: the module's number, or None for a bundle.
        arguments: for a module, which instance provides the imports of each module name.
        exports: for a bundle, what it exports.
    """

    module: int | None = None
    arguments: dict[str, int] = field(default_factory=dict)
    exports: dict[str, Core] = field(default_factory=dict)


@dataclass
class Component:
    """What a component consists of.

    Attributes:
        modules: its core modules.
        instances: its core instances, in the order in which they are made.
        imports: names of the functions that it imports.
        lifted: its lifted functions.
        core: for each kind, the index space of core things.
    """

    modules: list[bytes] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    lifted: list[Lifted] = field(default_factory=list)
    core: dict[int, list[Core]] = field(default_factory=lambda: {kind: [] for kind in _KINDS})

    @classmethod
    def parse(cls, data: bytes) -> Component:
        """Read a component.

        Raises:
            WasmError: it is none, or it uses what is not known here.
        """
        if data[:8] != HEADER:
            raise WasmError("not a WebAssembly component")
        component = cls()
        for section, content in read_sections(data):
            if section == _CORE_MODULE:
                component.modules.append(content)
            else:
                component._read_section(section, Reader(content))
        return component

    def resolve(self, item: Core) -> Core:
        """Follow bundles to the module's instance that defines a thing, or to the import that it is."""
        while not isinstance(item, Lowered):
            number, name = item
            instance = self.instances[number]
            if instance.module is not None:
                break
            item = instance.exports[name]
        return item

    def _read_section(self, section: int, reader: Reader) -> None:
        readers: dict[int, Callable[[Reader], object]] = {
            _CORE_INSTANCE: self._read_instance,
            _ALIAS: self._read_alias,
            _CANON: self._read_canon,
            _IMPORT: self._read_import,
        }
        if section in readers:
            reader.vector(lambda: readers[section](reader))
            reader.finish()

    def _read_instance(self, reader: Reader) -> None:
        if reader.byte() == 0:
            instance = Instance(module=reader.number())
            for _ in range(reader.number()):
                name = reader.name()
                if reader.byte() != 0x12:
                    raise WasmError("core modules take instances as arguments only")
                instance.arguments[name] = reader.number()
        else:
            instance = Instance()
            for _ in range(reader.number()):
                name, kind = reader.name(), reader.byte()
                instance.exports[name] = self.core[kind][reader.number()]
        self.instances.append(instance)

    def _read_alias(self, reader: Reader) -> None:
        core_kind = reader.byte() if reader.byte() == 0 else None
        target = reader.byte()
        if target == 2:  # of an enclosing component: types only
            reader.number(), reader.number()
            return
        number, name = reader.number(), reader.name()
        if target == 1:
            if core_kind not in self.core:
                raise WasmError(f"aliases of core things of kind {core_kind} are not supported")
            self.core[core_kind].append((number, name))

    def _read_import(self, reader: Reader) -> None:
        if reader.byte() > 1:
            raise WasmError("versioned import names are not supported")
        name, kind = reader.name(), reader.byte()
        reader.number()
        if kind != 1:
            raise WasmError(f"the import {name!r} is not a function")
        self.imports.append(name)

    def _read_canon(self, reader: Reader) -> None:
        operation = reader.byte()
        if operation > 1 or reader.byte():
            raise WasmError(f"the canonical operation {operation} is not supported")
        function = reader.number()
        options: dict[int, int] = {}
        for _ in range(reader.number()):
            option = reader.byte()
            options[option] = reader.number() if option > 2 else 0  # the first three are encodings of strings
        functions = self.core[FUNCTION]
        if operation == 0:
            reader.number()  # the component-level type
            realloc, post = (functions[options[option]] if option in options else None for option in (4, 5))
            self.lifted.append(Lifted(functions[function], realloc, post))
        else:
            functions.append(Lowered(function))
