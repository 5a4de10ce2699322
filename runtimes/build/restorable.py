"""Is memory the whole state of a module? Then its instances can be used again after their memory has been put back."""

from __future__ import annotations

from .instructions import Reference, Space, split_body
from .module import GLOBAL, MEMORY, Module
from .wasm import WasmError

_TABLE_SET, _GLOBAL_SET, _BULK = 0x26, 0x24, 0xFC
_SEGMENTS = (Space.TABLE, Space.ELEMENTS, Space.DATA)


def is_restorable(wasm: bytes) -> bool:
    """Whether an instance is as fresh once its memory and its exported mutable globals have their first values again.

    It is not where code could change a table, use up a segment, or write a global that is not exported.
    """
    try:
        module = Module.parse(wasm)
        written = {
            reference for body in module.code for reference in split_body(body) if isinstance(reference, Reference)
        }
    except WasmError:
        return False
    if len(module.memories) != 1 or not any(item.kind == MEMORY for item in module.exports):
        return False
    if any(item.opcode == _TABLE_SET or (item.opcode == _BULK and item.space in _SEGMENTS) for item in written):
        return False
    exported = {item.index for item in module.exports if item.kind == GLOBAL}
    return {item.index for item in written if item.opcode == _GLOBAL_SET} <= exported
