"""Functions put in place of what a component would import, so that the merged module needs nobody.

componentize-py answers every WASI call of a sealed component with a trap, and a trap loses the interpreter: a
SyntaxError looks for its source file, ``datetime.now`` reads a clock, ``random.Random()`` wants a seed. Here such calls
get harmless answers: no files, no environment, output swallowed, sockets refused, a clock that stands still, and
pseudo-random bytes that are always the same. What the guest should really answer (its virtual clock, its messages), it
answers in its own language before WASI is reached.
"""

from __future__ import annotations

from collections.abc import Sequence

import wasmtime

from .module import FUNCTION, Module

_TRAP = b"\0\0\x0b"  # the body `unreachable`, without locals
_VALUE_TYPES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64"}


def _store(offset: int, value: int, width: str = "i32") -> str:
    """Write a number into the result area, whose address is the last argument."""
    return f"({width}.store offset={offset} (local.get $result) ({width}.const {value}))"


_EMPTY = _store(0, 0) + _store(4, 0)  # an empty list, or the success of a method
_NOTHING = _store(0, 0)
_REFUSED = _store(0, 1) + _store(4, 1)  # an error: "access denied", or "closed" for a stream
# Bytes of a generator that starts at the address that they are written to. With a state in a global, the host could not
# use an instance again after it has put memory back.
_RANDOM = """
    (local $address i32) (local $end i32) (local $state i32)
    (local.set $address (call $malloc (i32.wrap_i64 (local.get 0))))
    (local.set $state (local.get $address))
    (i32.store (local.get $result) (local.get $address))
    (i32.store offset=4 (local.get $result) (i32.wrap_i64 (local.get 0)))
    (local.set $end (i32.add (local.get $address) (i32.wrap_i64 (local.get 0))))
    (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $address) (local.get $end)))
        (local.set $state (i32.add (i32.mul (local.get $state) (i32.const 1664525)) (i32.const 1013904223)))
        (i32.store8 (local.get $address) (i32.shr_u (local.get $state) (i32.const 24)))
        (local.set $address (i32.add (local.get $address) (i32.const 1)))
        (br $next)))
"""
_ANSWERS = {
    "get-directories": _EMPTY,
    "get-environment": _EMPTY,
    "get-arguments": _EMPTY,
    "get-terminal-stdin": _NOTHING,
    "get-terminal-stdout": _NOTHING,
    "get-terminal-stderr": _NOTHING,
    "get-stdin": "(i32.const 0)",
    "get-stdout": "(i32.const 1)",
    "get-stderr": "(i32.const 2)",
    "create-udp-socket": _REFUSED,
    "create-tcp-socket": _REFUSED,
    "get-random-bytes": _RANDOM,
    "instance-network": "(i32.const 1)",
    "[method]output-stream.write": _NOTHING,
    "[method]output-stream.blocking-flush": _NOTHING,
    "[method]output-stream.check-write": _NOTHING + _store(8, 65536, "i64"),
    "[method]output-stream.subscribe": "(i32.const 1)",
    "[method]input-stream.read": _REFUSED,
    "[method]input-stream.subscribe": "(i32.const 1)",
    "[method]pollable.block": "",
    "subscribe-instant": "(i32.const 1)",
    "subscribe-duration": "(i32.const 1)",
}
# Both clocks have functions of these names; the monotonic one returns a number, the other one writes a record.
_WALL_CLOCK = {
    "now": _store(0, 1_700_000_000, "i64") + _store(8, 0),
    "resolution": _store(0, 0, "i64") + _store(8, 1000),
}
_MONOTONIC_CLOCK = {"now": "(i64.const 1000000000000)", "resolution": "(i64.const 1000)"}


def is_stub(module: Module) -> bool:
    """Whether a module is nothing but functions that trap."""
    return bool(module.code) and not module.imports and all(body == _TRAP for body in module.code)


def answer(stub: Module) -> Module:
    """Give the functions of a stub harmless answers, where these are known; the others go on trapping.

    Args:
        stub: a module as ``is_stub`` recognises it.

    Returns:
        A module with the same exports. Its imports are ``memory`` and ``malloc``, in this order.
    """
    functions = [
        _function(item.name, stub.types[stub.functions[item.index]]) for item in stub.exports if item.kind == FUNCTION
    ]
    return _assemble(
        '(import "" "memory" (memory 0))',
        '(import "" "malloc" (func $malloc (param i32) (result i32)))',
        *functions,
    )


def _function(name: str, kind: bytes) -> str:
    parameters, results = _signature(kind)
    clock = _MONOTONIC_CLOCK if results else _WALL_CLOCK
    body = clock.get(name, _ANSWERS.get(name))
    if body is None:
        body = "" if name.startswith("[resource-drop]") else "unreachable"
    names = [""] * (len(parameters) - 1) + ["$result"]
    declared = "".join(f" (param {name} {kind})" for name, kind in zip(names, parameters, strict=False))
    return f'(func (export "{name}"){declared}{"".join(f" (result {kind})" for kind in results)} {body})'


def _signature(kind: bytes) -> tuple[list[str], list[str]]:
    """The parameters and results of an encoded type of fewer than 128 of each."""
    split = 2 + kind[1]
    return [_VALUE_TYPES[byte] for byte in kind[2:split]], [_VALUE_TYPES[byte] for byte in kind[split + 1 :]]


def exchange(slot: int) -> Module:
    """The function behind the guest's import ``exchange``: it calls what the host has put into the table.

    Args:
        slot: the index into the table. A null there makes the call a trap, which is the answer for untrusted programs.

    Returns:
        A module that exports ``exchange`` and imports the table.
    """
    return _assemble(
        "(type $exchange (func (param i32 i32) (result i32)))",
        '(import "" "table" (table 0 funcref))',
        '(func (export "exchange") (type $exchange)',
        f"  (call_indirect (type $exchange) (local.get 0) (local.get 1) (i32.const {slot})))",
    )


def entry(lists: Sequence[tuple[int, int]]) -> Module:
    """Functions that call a lifted function and, with its result, the one that cleans up after it.

    An empty list may come with any address, yet the cleaner frees that address; so it gets a block of its own.

    Args:
        lists: for each function, how many lists of bytes (address and length) and then how many numbers it takes. Its
            result is a number.

    Returns:
        A module that exports functions "0", "1", ... Its imports are ``cabi_realloc`` and, for each function, the
        lifted one and its cleaner.
    """
    imports = ['(import "" "" (func $realloc (param i32 i32 i32 i32) (result i32)))']
    functions = [
        "(func $owned (param $address i32) (param $length i32) (result i32)",
        "  (if (result i32) (local.get $length) (then (local.get $address))",
        "    (else (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1)))))",
    ]
    for number, (pairs, numbers) in enumerate(lists):
        declared = "(param" + " i32" * (2 * pairs + numbers) + ")"
        imports.append(f'(import "" "" (func $call{number} {declared} (result i32)))')
        imports.append(f'(import "" "" (func $clean{number} (param i32)))')
        arguments = [
            f"(call $owned (local.get {index}) (local.get {index + 1})) (local.get {index + 1})"
            for index in range(0, 2 * pairs, 2)
        ]
        arguments += [f"(local.get {2 * pairs + index})" for index in range(numbers)]
        functions.append(
            f'(func (export "{number}") {declared} (result i32) (local $result i32)'
            f" (local.set $result (call $call{number} {' '.join(arguments)}))"
            f" (call $clean{number} (local.get $result)) (local.get $result))"
        )
    return _assemble(*imports, *functions)


def _assemble(*lines: str) -> Module:
    return Module.parse(bytes(wasmtime.wat2wasm("(module\n" + "\n".join(lines) + ")")))
