"""Small modules written by hand, linked by wasmtime or merged by us. The import module ``u0`` is the first of them."""

import wasmtime

from infinite_rl.runtimes.build.merge import Unit, merge
from infinite_rl.runtimes.build.module import Module


def assemble(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def merged(texts: list[str], exports: dict[str, tuple[int, str]]) -> Module:
    modules = [Module.parse(assemble(text)) for text in texts]
    sources = [[(int(item.module[1:]), item.name) for item in module.imports] for module in modules]
    return merge([Unit(module, source) for module, source in zip(modules, sources, strict=True)], exports)


class Exports:
    """Calls exported functions by name and remembers nothing of wasmtime's ways."""

    def __init__(self, store: wasmtime.Store, exports: dict[str, object]) -> None:
        self.store = store
        self.exports = exports

    def __call__(self, name: str, *arguments: int) -> object:
        try:
            return self.exports[name](self.store, *arguments)
        except wasmtime.Trap as trap:
            return f"trap: {trap.trap_code}"

    def memory(self, start: int, end: int) -> bytes:
        return bytes(self.exports["memory"].read(self.store, start, end))


def run_linked(texts: list[str], exports: dict[str, tuple[int, str]]) -> Exports:
    store = wasmtime.Store()
    linker = wasmtime.Linker(store.engine)
    instances = []
    for number, text in enumerate(texts):
        instance = linker.instantiate(store, wasmtime.Module(store.engine, assemble(text)))
        linker.define_instance(store, f"u{number}", instance)
        instances.append(instance.exports(store))
    return Exports(store, {name: instances[number][old] for name, (number, old) in exports.items()})


def run_module(wasm: bytes) -> Exports:
    store = wasmtime.Store()
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, wasm), [])
    return Exports(store, instance.exports(store))
