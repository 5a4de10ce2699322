"""A guest written by hand, so that the host can be tested without a real language, and against one that lies.

The first letter of a program says what it does; its standard input is the data:
  e  echo stdin to stdout              E  the same, with exit code 3
  l  write stdin, then loop for ever   w  run a fixed amount of work, then echo
  u  write stdin, then trap            r  recurse until the stack ends
  x  write stdin, then exit(7) by trap q  the same with code 0
  f  meet the output limit             m  grow memory until refused, then report it and return
  M  grow memory until refused, then trap
  h  claim lengths of 4 GiB and return i  claim lengths of 4 GiB and trap
  p  call the exchange slot with stdin as the request, echo its answer
  P  call it with an address outside memory
  s  smear over the whole memory but the buffers, then echo
  g  grow memory by one page, then echo
A call of a function answers with stdin, or after program "L" loops, "U" traps, "H" claims 4 GiB of reply, "D" works.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import TypeVar
from unittest import mock

from wasmtime import Engine, Module, wat2wasm

from infinite_rl.runtimes import ExecutionResult, RewardExecutor
from infinite_rl.runtimes.artefact import Artefact, parse_artefact
from infinite_rl.runtimes.deadlines import Deadlines
from infinite_rl.runtimes.engine import Limits, SandboxEngine
from infinite_rl.runtimes.reuse import Instances
from infinite_rl.runtimes.sandboxes import sandboxes
from infinite_rl.runtimes.workers import Lane

T = TypeVar("T")

CAPACITY = 4096
MAGIC_WORK = 1_000_000

WAT = """
(module
  (type $exchange (func (param i32 i32) (result i32)))
  (memory (export "memory") 4)
  (table (export "table") 8 funcref)
  (global $heap (export "heap") (mut i32) (i32.const 65536))
  (global $mode (export "mode") (mut i32) (i32.const 0))
  (global $data (export "data") (mut i32) (i32.const 0))
  (global $size (export "size") (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param i32 i32 i32) (param $n i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $heap))
    (global.set $heap (i32.add (local.get $at) (local.get $n)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
      (drop (memory.grow (i32.add (i32.shr_u (local.get $n) (i32.const 16)) (i32.const 1)))))
    (local.get $at))

  (func $write (param $from i32) (param $n i32)
    (memory.copy (i32.const 4096) (local.get $from) (local.get $n))
    (i32.store (i32.const 1040) (local.get $n)))
  (func $state (param $state i32) (param $code i32)
    (i32.store (i32.const 1032) (local.get $state))
    (i32.store (i32.const 1036) (local.get $code)))
  (func $lie
    (i32.store (i32.const 1040) (i32.const -1))
    (i32.store (i32.const 1044) (i32.const -1))
    (i32.store (i32.const 1048) (i32.const -1)))
  (func $work
    (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 1000000)))))
  (func $forever (loop $again (br $again)))
  (func $recurse (param i32) (result i32)
    (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (local.get 0)))
  (func $fill
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (loop $last (br_if $last (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))))
  (func $is (param $letter i32) (result i32) (i32.eq (global.get $mode) (local.get $letter)))

  (func (export "run") (param $code i32) (param $code_n i32) (param $in i32) (param $in_n i32) (param $limit i32)
      (result i32)
    (local $n i32)
    (if (local.get $code_n) (then (global.set $mode (i32.load8_u (local.get $code)))))
    (global.set $data (local.get $in))
    (global.set $size (local.get $in_n))
    (if (i32.gt_u (local.get $in_n) (local.get $limit)) (then
      (call $write (local.get $in) (local.get $limit))
      (i32.store (i32.const 1052) (i32.const 1))
      (call $state (i32.const 2) (i32.const 0))
      unreachable))
    (if (call $is (i32.const 119)) (then (call $work)))
    (if (call $is (i32.const 115)) (then
      (memory.fill (i32.const 131072) (i32.const 165) (i32.const 131072))
      (memory.fill (i32.const 0) (i32.const 165) (i32.const 1000))))
    (if (call $is (i32.const 103)) (then (drop (memory.grow (i32.const 1)))))
    (if (call $is (i32.const 112)) (then
      (local.set $n (call_indirect (type $exchange) (local.get $in) (local.get $in_n) (i32.const 5)))
      (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (i32.const 9))))
      (call $write (i32.const 12288) (local.get $n))
      (return (i32.const 0))))
    (if (call $is (i32.const 80)) (then
      (return (i32.sub (i32.const 0)
        (call_indirect (type $exchange) (i32.const -16) (i32.const 64) (i32.const 5))))))
    (call $write (local.get $in) (local.get $in_n))
    (if (call $is (i32.const 69)) (then (return (i32.const 3))))
    (if (call $is (i32.const 108)) (then (call $forever)))
    (if (call $is (i32.const 117)) (then unreachable))
    (if (call $is (i32.const 114)) (then (return (call $recurse (i32.const 1)))))
    (if (call $is (i32.const 120)) (then (call $state (i32.const 1) (i32.const 7)) unreachable))
    (if (call $is (i32.const 113)) (then (call $state (i32.const 1) (i32.const 0)) unreachable))
    (if (call $is (i32.const 102)) (then (call $state (i32.const 2) (i32.const 0)) unreachable))
    (if (call $is (i32.const 109)) (then (call $fill) (call $state (i32.const 3) (i32.const 1)) (return (i32.const 1))))
    (if (call $is (i32.const 77)) (then (call $fill) unreachable))
    (if (call $is (i32.const 104)) (then (call $lie) (return (i32.const -1))))
    (if (call $is (i32.const 105)) (then (call $lie) unreachable))
    (i32.const 0))

  (func (export "call") (param $request i32) (param $n i32) (result i32)
    (if (call $is (i32.const 76)) (then (call $forever)))
    (if (call $is (i32.const 85)) (then unreachable))
    (if (call $is (i32.const 68)) (then (call $work)))
    (if (call $is (i32.const 72)) (then (return (i32.const -1))))
    (memory.copy (i32.const 12288) (global.get $data) (global.get $size))
    (global.get $size))
)
"""

DESCRIPTION = {
    "abi": 1,
    "language": "python",
    "version": "0",
    "engine": "tiny 0",
    "variant": "plain",
    "recipe": "tiny",
    "control": 1024,
    "stdout": 4096,
    "stderr": 8192,
    "reply": 12288,
    "capacity": CAPACITY,
    "reply_capacity": CAPACITY,
    "exchange_slot": 5,
    "restorable": True,
}


def leb(number: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def custom_section(name: str, content: bytes) -> bytes:
    """A custom section of a module."""
    body = leb(len(name)) + name.encode() + content
    return b"\0" + leb(len(body)) + body


def tiny_wasm(wat: str = WAT, **changes: object) -> bytes:
    """The guest's module; ``changes`` replace fields of its description."""
    return bytes(wat2wasm(wat)) + custom_section("infinite_rl", json.dumps({**DESCRIPTION, **changes}).encode())


def tiny_artefact(**changes: object) -> Artefact:
    """The guest with its description read."""
    return parse_artefact(tiny_wasm(**changes))


def tiny_instances(limits: Limits = Limits.TIME, **changes: object) -> Instances:
    """Instances of the guest on the process's engine."""
    # Compiled each time, in milliseconds: the user's cache keeps few files, and real guests would have to make room.
    with mock.patch("infinite_rl.runtimes.engine.load_module", _compile):
        return Instances(sandboxes().engine(limits).load(tiny_artefact(**changes)), 2)


def _compile(engine: Engine, artefact: Artefact, _: str) -> Module:
    return Module(engine, artefact.wasm)


def install() -> None:
    """Makes the guest this process's Python."""
    for limits in Limits:
        sandboxes().add(tiny_instances(limits), limits, "python")


def on_worker(function: Callable[[], T]) -> T:
    """Calls a function where guests may run."""
    return Lane(1).run(function)


def compile_in_child(barrier: Barrier) -> None:
    """What processes started at once by a test do."""
    barrier.wait()
    SandboxEngine(Limits.TIME).load(tiny_artefact())


def until(condition: Callable[[], object], what: str, patience: float = 60.0) -> None:
    """Waits for something that another thread or process does; an AssertionError when it never comes."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {patience:g} s"
        time.sleep(0.001)


def running() -> int:
    """How many programs are inside a guest now."""
    return len(_deadlines()._due)


def end_programs() -> None:
    """Ends the programs that run, as if their time were up."""
    _deadlines().expire_all()


def _deadlines() -> Deadlines:
    return sandboxes().engine(Limits.TIME).deadlines


def run_in_child(executor: RewardExecutor, code: str, stdin: str) -> ExecutionResult:
    """What a process started by a test runs."""
    install()
    return executor.run(code, "python", stdin)
