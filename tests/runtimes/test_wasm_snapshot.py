"""A snapshot starts where the instance was."""

import pytest
from wat_units import assemble, run_module

from infinite_rl.runtimes.build.module import Module
from infinite_rl.runtimes.build.snapshot import Snapshotter, snapshot
from infinite_rl.runtimes.build.wasm import WasmError

COUNTER = """(module
  (memory (export "memory") 1 4)
  (global $count (mut i32) (i32.const 0))
  (global $wide (mut i64) (i64.const 1))
  (global $fixed i32 (i32.const 9))
  (data (i32.const 100) "before")
  (data $late "late data")
  (func (export "step") (result i32)
    (global.set $count (i32.sub (global.get $count) (i32.const 1)))
    (global.set $wide (i64.mul (global.get $wide) (i64.const -3000000000)))
    (i32.store8 (i32.add (i32.const 100) (global.get $count)) (i32.const 33))
    (global.get $count))
  (func (export "wide") (result i64) (global.get $wide))
  (func (export "grow") (drop (memory.grow (i32.const 1))) (i32.store (i32.const 131068) (i32.const 77)))
  (func (export "late") (memory.init $late (i32.const 200) (i32.const 0) (i32.const 9)))
  (func (export "end") (result i32) (i32.load (i32.const 131068))))"""


def test_memory_and_globals_are_kept():
    def warm_up(running):
        for _ in range(3):
            running.call("step")
        running.call("grow")

    taken = run_module(snapshot(assemble(COUNTER), warm_up))
    assert taken.memory(96, 107) == b"\0!!!before\0"
    wide = (-3_000_000_000) ** 3 % 2**64
    assert (taken("wide") % 2**64, taken("end"), taken("step")) == (wide, 77, -4)
    assert taken.exports["memory"].size(taken.store) == 2


def test_a_snapshot_goes_on_as_the_instance_would():
    straight = run_module(assemble(COUNTER))
    taken = run_module(snapshot(assemble(COUNTER), lambda running: (running.call("step"), running.call("step"))))
    for _ in range(2):
        straight("step")
    for call in ("step", "wide", "late", "step", "wide", "grow", "end"):
        assert taken(call) == straight(call), call
    assert taken.memory(0, 2 * 65536) == straight.memory(0, 2 * 65536)


def test_exports_and_passive_data_stay_as_they_were():
    before = Module.parse(assemble(COUNTER))
    after = Module.parse(snapshot(assemble(COUNTER), lambda running: running.call("step")))
    assert after.exports == before.exports
    assert [item.content for item in after.data if item.offset is None] == [b"", b"late data"]


def test_zeros_cost_nothing():
    def warm_up(running):
        running.write(b"\1", 60_000)
        running.write(b"\2", 60_200)

    module = Module.parse(snapshot(assemble('(module (memory (export "memory") 1))'), warm_up))
    assert [len(item.content) for item in module.data] == [64, 64]


def test_a_captured_state_may_be_edited_while_the_instance_runs_on():
    snapshotter = Snapshotter(assemble(COUNTER))
    running = snapshotter.start()
    running.call("step")
    state = snapshotter.capture(running)
    running.call("step")
    state.memory[100:106] = b"edited"
    taken = run_module(snapshotter.write(state))
    assert taken.memory(99, 106) == b"!edited"
    assert taken("step") == -2


@pytest.mark.parametrize(
    "text",
    [
        '(module (import "a" "b" (func)) (memory (export "memory") 1))',
        "(module)",
        '(module (memory (export "memory") 1) (global (mut funcref) (ref.null func)))',
    ],
)
def test_what_cannot_be_kept_is_refused(text):
    with pytest.raises(WasmError, match="a snapshot"):
        Snapshotter(assemble(text))
