"""The wasmtime calls of one run, bound so that they cost little.

wasmtime-py's classes look up types and wrap every export at each use, all of it under the GIL, which bounds how many
cores can be fed. A run here makes some 15 calls of the C API instead. Short calls keep the GIL (releasing it invites
other threads to take it); calls that may take long release it.
"""

from __future__ import annotations

import ctypes
from typing import Any

from wasmtime import WasmtimeError
from wasmtime import _ffi as ffi

_short = ctypes.PyDLL("wasmtime", handle=ffi.dll._handle)
_long = ctypes.CDLL("wasmtime", handle=ffi.dll._handle)
_pointer = ctypes.c_void_p


def _bind(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(library, name)
    function.restype = result
    function.argtypes = arguments
    return function


store_new = _bind(_long, "wasmtime_store_new", _pointer, _pointer, _pointer, _pointer)
store_delete = _bind(_long, "wasmtime_store_delete", None, _pointer)
store_context = _bind(_short, "wasmtime_store_context", _pointer, _pointer)
store_limiter = _bind(_short, "wasmtime_store_limiter", None, _pointer, *[ctypes.c_int64] * 5)
set_epoch_deadline = _bind(_short, "wasmtime_context_set_epoch_deadline", None, _pointer, ctypes.c_uint64)
increment_epoch = _bind(_short, "wasmtime_engine_increment_epoch", None, _pointer)
_set_fuel = _bind(_short, "wasmtime_context_set_fuel", _pointer, _pointer, ctypes.c_uint64)
_get_fuel = _bind(_short, "wasmtime_context_get_fuel", _pointer, _pointer, _pointer)
_instantiate = _bind(_long, "wasmtime_instance_pre_instantiate", _pointer, *[_pointer] * 4)
_export_get = _bind(
    _short,
    "wasmtime_instance_export_get",
    ctypes.c_bool,
    _pointer,
    _pointer,
    ctypes.c_char_p,
    ctypes.c_size_t,
    _pointer,
)
_call = _bind(_long, "wasmtime_func_call_unchecked", _pointer, _pointer, _pointer, _pointer, ctypes.c_size_t, _pointer)
_call_briefly = _bind(
    _short, "wasmtime_func_call_unchecked", _pointer, _pointer, _pointer, _pointer, ctypes.c_size_t, _pointer
)
memory_data = _bind(_short, "wasmtime_memory_data", _pointer, _pointer, _pointer)
memory_size = _bind(_short, "wasmtime_memory_data_size", ctypes.c_size_t, _pointer, _pointer)
_trap_code = _bind(_short, "wasmtime_trap_code", ctypes.c_bool, _pointer, _pointer)
_trap_delete = _bind(_short, "wasm_trap_delete", None, _pointer)
_trap_new = _bind(_short, "wasmtime_trap_new", _pointer, ctypes.c_char_p, ctypes.c_size_t)
_table_set = _bind(_short, "wasmtime_table_set", _pointer, _pointer, _pointer, ctypes.c_uint64, _pointer)
_caller_context = _bind(_short, "wasmtime_caller_context", _pointer, _pointer)

INTERRUPTED = (
    ffi.wasmtime_trap_code_enum.WASMTIME_TRAP_CODE_INTERRUPT.value,
    ffi.wasmtime_trap_code_enum.WASMTIME_TRAP_CODE_OUT_OF_FUEL.value,
)
"""Trap codes of a run that met its time or fuel limit."""


class NativeError(Exception):
    """Wasmtime refused a call; the text is wasmtime's."""


class GuestTrap(Exception):
    """The guest trapped.

    Attributes:
        code: wasmtime's trap code, or None where a host function raised the trap.
    """

    def __init__(self, code: int | None) -> None:
        super().__init__(f"trap {code}")
        self.code = code

    @property
    def interrupted(self) -> bool:
        """Whether the time or fuel limit ended the run."""
        return self.code in INTERRUPTED


def address(managed: Any) -> int:
    """The address of a wasmtime-py object, for the bindings above."""
    return ctypes.cast(managed.ptr(), ctypes.c_void_p).value or 0


def raise_error(error: int | None) -> None:
    """Raises a C API error as a NativeError, and frees it; None is no error."""
    if error:
        managed = WasmtimeError._from_ptr(ctypes.cast(error, ctypes.POINTER(ffi.wasmtime_error_t)))
        raise NativeError(str(managed).strip())


def _raise_trap(trap: int) -> None:
    code = ctypes.c_uint8()
    known = _trap_code(trap, ctypes.addressof(code))
    _trap_delete(trap)
    raise GuestTrap(code.value if known else None)


def instantiate(pre: int, context: int) -> Any:
    """A new instance in a store, as the C API's structure.

    Raises:
        NativeError: the store's limits do not allow it.
        GuestTrap: its start function trapped.
    """
    instance = ffi.wasmtime_instance_t()
    trap = ctypes.c_void_p()
    raise_error(_instantiate(pre, context, ctypes.addressof(instance), ctypes.addressof(trap)))
    if trap.value:
        _raise_trap(trap.value)
    return instance


def export(context: int, instance: Any, name: bytes) -> Any:
    """The export of that name, as the C API's structure; its types were checked when the guest was loaded.

    Raises:
        KeyError: there is none.
    """
    item = ffi.wasmtime_extern_t()
    if not _export_get(context, ctypes.addressof(instance), name, len(name), ctypes.addressof(item)):
        raise KeyError(name.decode())
    return item


def payload(item: Any) -> int:
    """The address of the memory, function or table inside an export's structure, which must stay alive."""
    return ctypes.addressof(item) + _PAYLOAD_OFFSET


_PAYLOAD_OFFSET: int = ffi.wasmtime_extern_t.of.offset


def call(context: int, function: int, *arguments: int, briefly: bool = False) -> int:
    """Calls a guest function of i32 arguments and one i32 result. The GIL is free while it runs.

    Args:
        context: the store's.
        function: the function's address.
        arguments: its arguments.
        briefly: keeps the GIL, which other threads would take. Only for functions that end at once, so never where a
            program that has run may have changed what they work on.

    Raises:
        GuestTrap: it trapped or met its limit.
    """
    values = (ffi.wasmtime_val_raw_t * max(1, len(arguments)))()
    for place, argument in zip(values, arguments, strict=False):
        place.i32 = argument
    trap = ctypes.c_void_p()
    function_call = _call_briefly if briefly else _call
    error = function_call(context, function, ctypes.addressof(values), len(values), ctypes.addressof(trap))
    raise_error(error)
    if trap.value:
        _raise_trap(trap.value)
    return int(values[0].i32)


def set_fuel(context: int, fuel: int) -> None:
    """Sets the fuel a store has left."""
    raise_error(_set_fuel(context, fuel))


def get_fuel(context: int) -> int:
    """The fuel a store has left."""
    left = ctypes.c_uint64()
    raise_error(_get_fuel(context, ctypes.addressof(left)))
    return left.value


def new_trap(message: bytes) -> int:
    """A trap for a host function to return."""
    return int(_trap_new(message, len(message)))


def fill_slot(context: int, table: Any, slot: int, kind: Any, function: Any) -> object:
    """Puts a host function into a slot of a guest's table.

    Returns:
        What must stay alive for as long as the guest.
    """
    callback = ffi.wasmtime_func_callback_t(function)
    value = ffi.wasmtime_val_t()
    value.kind = ffi.WASMTIME_FUNCREF
    _func_new(context, address(kind), callback, None, None, ctypes.addressof(value) + ffi.wasmtime_val_t.of.offset)
    raise_error(_table_set(context, payload(table), slot, ctypes.addressof(value)))
    return callback


_func_new = _bind(
    _short, "wasmtime_func_new", None, _pointer, _pointer, ffi.wasmtime_func_callback_t, _pointer, _pointer, _pointer
)
_global_get = _bind(_short, "wasmtime_global_get", None, *[_pointer] * 3)
_global_set = _bind(_short, "wasmtime_global_set", _pointer, *[_pointer] * 3)


def global_get(context: int, item: Any) -> Any:
    """The value of an exported global, as the C API's structure."""
    value = ffi.wasmtime_val_t()
    _global_get(context, payload(item), ctypes.addressof(value))
    return value


def global_set(context: int, item: Any, value: Any) -> None:
    """Sets an exported global to a value that ``global_get`` gave."""
    raise_error(_global_set(context, payload(item), ctypes.addressof(value)))


def set_i32(place: Any, number: int) -> None:
    """Writes a host function's result."""
    place.kind = ffi.WASMTIME_I32
    place.of.i32 = number
