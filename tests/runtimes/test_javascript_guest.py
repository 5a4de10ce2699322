"""The JavaScript sandbox's limits, exits, refusals and calls; what programs print is in test_javascript_programs."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime

from infinite_rl.runtimes import ExecutionStatus, RewardExecutor
from infinite_rl.runtimes.artefact import load_artefact

FUNCTIONS = """
function add(a, b) { return a + b; }
const arrow = (x) => [x, [x]];
function echo(x) { return x; }
function kind(x) { return Object.prototype.toString.call(x); }
class Account {
  constructor() { this.balance = 1; }
  deposit(amount) { return (this.balance += amount); }
  static make() { return { plain: { a: 1 }, map: new Map([[1, 2]]), set: new Set(['x']) }; }
}
async function slow(x) { await new Promise((done) => setTimeout(done, 60000)); return x * 2; }
let count = 0;
function tick() { return ++count; }
function fail() { throw new TypeError('bad thing'); }
function cyclic() { const list = []; list.push(list); return list; }
function never() { return new Promise(() => {}); }
function quit() { process.exit(3); }
function loop() { for (;;); }
module.exports = { exported: (x) => x + '!' };
"""


@pytest.fixture(scope="module")
def executor():
    with RewardExecutor(timeout=60) as made:
        yield made


@pytest.fixture(scope="module")
def session(executor):
    with executor.open(FUNCTIONS, "javascript") as opened:
        yield opened


def run(executor, code, stdin=""):
    return executor.run(code, "javascript", stdin)


# The artefact


def test_the_artefact_imports_nothing_and_exports_the_interface():
    module = wasmtime.Module(wasmtime.Engine(), load_artefact("javascript").wasm)
    assert not list(module.imports)
    exported = {item.name for item in module.exports}
    assert exported == {"memory", "table", "__stack_pointer", "cabi_realloc", "run", "call"}


@pytest.mark.slow
def test_two_builds_are_the_same_to_the_byte(tmp_path):
    command = [sys.executable, "-m", "infinite_rl.runtimes.build", "--language", "javascript", "--force", "--plain"]
    hashes = set()
    for name in ("first", "second"):
        environment = os.environ | {"INFINITE_RL_CACHE": str(tmp_path / f"{name}-cache")}
        output = tmp_path / name
        subprocess.run([*command, "--output", str(output)], env=environment, check=True)
        hashes.add(hashlib.sha256((output / "javascript.wasm").read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_programs_leave_nothing_behind_for_the_next_one(executor):
    run(executor, "globalThis.left = 1; Array.prototype.map = null; process.env.X = 'y'; Math.random();")
    seen = run(executor, "console.log(typeof left, typeof [].map, process.env.X, Math.random())").stdout
    assert seen == run(executor, "console.log(typeof left, typeof [].map, process.env.X, Math.random())").stdout
    assert seen.startswith("undefined function undefined ")


# Ends


@pytest.mark.parametrize(
    ("code", "exit_code", "stderr"),
    [
        ("process.exit(7)", 7, ""),
        ("process.exitCode = 5", 5, ""),
        ("try { process.exit(3) } finally { console.log('never') }", 3, ""),
        ("Promise.resolve().then(() => process.exit(4)); setTimeout(() => console.log('never'))", 4, ""),
        ("[1].forEach(() => process.exit(256 + 2))", 2, ""),
        ("await new Promise(() => {}); export {}", 13, "unsettled top-level await"),
        ("let x = ;", 1, "SyntaxError: Unexpected token ';'"),
        ("foo(", 1, "SyntaxError: Unexpected end of input"),
        ("null.x", 1, "TypeError: Cannot read properties of null (reading 'x')"),
        ("throw { code: 1 }", 1, "{ code: 1 }"),
        ("throw 'text'", 1, "text\n(Use `node --trace-uncaught ...` to show where the exception was thrown)\n"),
        ("Promise.reject({ a: 1 })", 1, "UnhandledPromiseRejection: This error originated either"),
        ("function f() { await 1 }", 1, "SyntaxError: await is only valid in async functions and the top level bodies"),
        ("let a = 1;\nlet a = 2;", 1, "SyntaxError: Identifier 'a' has already been declared"),
        ("console.log(`a", 1, "SyntaxError: Unterminated template literal"),
        ("if (1) { throw new Error('x') }", 1, "\n         ^\n\nError: x\n"),
        ("require('assert')(1 > 2)", 1, "The expression evaluated to a falsy value:"),
        ("const s = new (require('stream').PassThrough)(); s.destroy(new Error('cut'))", 1, "Error: cut"),
        ("Promise.reject(new RangeError('nobody'))", 1, "RangeError: nobody"),
        ("Promise.reject(5)", 1, "ERR_UNHANDLED_REJECTION"),
        ("setTimeout(() => { throw new Error('late') }, 5)", 1, "Error: late"),
        ("import fs from 'nothing'", 1, "Cannot find package 'nothing'"),
        ("import { nothing } from 'fs'", 1, "module 'fs' does not provide an export named 'nothing'"),
    ],
)
def test_a_program_ends_as_under_node(executor, code, exit_code, stderr):
    result = run(executor, code)
    assert result.exit_code == exit_code
    assert result.status is ExecutionStatus.ERROR
    assert stderr in result.stderr
    assert "never" not in result.stdout


def test_node_test_reports_every_test_and_fails_if_one_does(executor):
    code = """
    const { describe, it, test, beforeEach, mock } = require('node:test');
    const assert = require('node:assert');
    describe('math', () => {
      beforeEach(() => console.log('each'));
      it('adds', () => assert.strictEqual(1 + 1, 2));
      it('waits', async () => { await null; });
    });
    test('nested', async (t) => { await t.test('inner', (t) => t.skip('not now')); });
    test.skip('skipped', () => assert.fail());
    test('spies', () => { const f = mock.fn((x) => x); f(3); assert.deepEqual(f.mock.calls[0].arguments, [3]); });
    """
    result = run(executor, code)
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert result.status is ExecutionStatus.OK
    assert lines[:2] == ["each", "each"]
    assert [line for line in lines if line.startswith("ok")] == [
        "ok 1 - adds",
        "ok 2 - waits",
        "ok 1 - math",
        "ok 1 - inner # SKIP not now",
        "ok 2 - nested",
        "ok 3 - skipped # SKIP",
        "ok 4 - spies",
    ]
    assert {"# tests 6", "# suites 1", "# pass 4", "# fail 0", "# skipped 2"} <= set(lines)

    failed = run(executor, "require('node:test')('sums', () => require('assert').equal(1, 2));")
    assert failed.exit_code == 1
    assert "not ok 1 - sums" in failed.stdout
    assert "1 == 2" in failed.stdout


def test_an_error_shows_the_programs_own_line_and_frames(executor):
    result = run(executor, "// first\nfunction f(x) {\n  return x.y.z;\n}\n\nf({});\n")
    assert result.stderr.startswith("solution.js:3\n  return x.y.z;\n")
    assert "TypeError: Cannot read properties of undefined (reading 'z')\n    at f (solution.js:3:" in result.stderr
    assert "at solution.js:6:" in result.stderr
    assert "internal" not in result.stderr


def test_a_program_is_its_own_file_from_the_first_column(executor):
    assert "at solution.js:1:1\n" in run(executor, "missing()").stderr
    code = "#!/usr/bin/env node\n'use strict'; console.log(this, (function () { return this })())"
    assert run(executor, code).stdout == "{} undefined\n"


# Limits


@pytest.mark.parametrize(
    "code",
    [
        "function f(n) { return n ? 1 + f(n - 1) : 0 } console.log(f(10000))",
        "class A { f(n) { return n ? 1 + this.f(n - 1) : 0 } } console.log(new A().f(10000))",
        "const f = (n) => { let a = n, b = n; return n > 0 ? 1 + f(a - 1, b) : 0 }; console.log(f(10000))",
    ],
)
def test_recursion_goes_ten_thousand_deep(executor, code):
    assert run(executor, code).stdout == "10000\n"


@pytest.mark.parametrize(
    "code",
    [
        "function f() { f() } f()",
        "const o = { get x() { return this.x } }; o.x",
        "const o = { toString() { return '' + o } }; '' + o",
        "function f() { return [2, 1].sort(f) } f()",
        "let p = {}; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); p.x",
        "const o = { toJSON() { return JSON.stringify(o) } }; JSON.stringify(o)",
        "const it = { [Symbol.iterator]() { return [...it] } }; [...it]",
        "let a = []; for (let i = 0; i < 100000; i++) a = [a]; String(a)",
        "let a = []; for (let i = 0; i < 100000; i++) a = [a]; structuredClone(a)",
        "function* g(n) { yield* g(n + 1) } [...g(0)]",
        "const f = (s) => s.replace(/a/, () => f('a')); f('a')",
        "function f() { eval('f()') } f()",
    ],
)
def test_endless_recursion_is_an_error_that_a_program_can_catch(executor, code):
    result = run(executor, f"try {{ {code} }} catch (e) {{ console.log(e instanceof RangeError, e.message) }}")
    assert result.stdout == "true Maximum call stack size exceeded\n"


@pytest.mark.parametrize(
    "code",
    [
        "JSON.parse('['.repeat(1e6))",
        "eval('('.repeat(50000) + ')'.repeat(50000))",
        "eval('['.repeat(50000) + ']'.repeat(50000))",
        "eval('!'.repeat(100000) + '1')",
        "eval('`${'.repeat(20000) + '1' + '}`'.repeat(20000))",
        "new RegExp('('.repeat(50000) + ')'.repeat(50000))",
        "let f = () => 1; for (let i = 0; i < 100000; i++) f = f.bind(); f()",
        "let o = {}; for (let i = 0; i < 100000; i++) o = { o }; o = null",
    ],
)
def test_depth_in_the_engine_itself_ends_the_program_at_most(executor, code):
    run(executor, f"try {{ {code} }} catch {{}}")
    assert run(executor, "console.log('alive')").stdout == "alive\n"


@pytest.mark.parametrize(
    "code",
    [
        "for (;;);",
        "for (;;) { try { for (;;); } catch {} }",
        "/^(a+)+$/.test('a'.repeat(40) + 'b')",
        "setInterval(() => {}, 1000)",
        "Atomics.wait(new Int32Array(4), 0, 0)",
    ],
)
def test_a_program_without_end_meets_the_time_limit_and_keeps_its_output(code):
    with RewardExecutor(timeout=0.3) as executor:
        result = run(executor, f"console.log('kept'); {code}")
    assert result.status is ExecutionStatus.TIMEOUT
    assert result.stdout == "kept\n"


@pytest.mark.parametrize(
    "code",
    [
        "const a = []; for (;;) a.push(new Array(1000).fill(1))",
        "const a = []; for (;;) { try { a.push('x'.repeat(1e6) + a.length) } catch {} }",
        "new Array(1e9).fill(0)",
        "new Uint8Array(1e9)",
        "const f = () => Promise.resolve().then(f); const a = []; for (;;) a.push({})",
    ],
)
def test_memory_is_limited(executor, code):
    assert run(executor, code).status is ExecutionStatus.MEMORY


@pytest.mark.parametrize("call", ["console.log('x')", "console.error('x')", "process.stdout.write('x\\n')"])
def test_output_is_limited_and_nothing_runs_after_the_limit(call):
    with RewardExecutor(output_limit=1000) as executor:
        result = run(executor, f"for (;;) {{ try {{ {call} }} catch {{}} }}")
    assert result.status is ExecutionStatus.OUTPUT_LIMIT
    assert result.stdout + result.stderr == "x\n" * 500


# Refusals


@pytest.mark.parametrize("name", ["http", "net", "child_process", "worker_threads", "vm", "node:https", "zlib"])
def test_modules_that_reach_out_are_refused_with_a_clear_message(executor, name):
    result = run(executor, f"try {{ require('{name}') }} catch (e) {{ console.log(e.message) }}")
    assert result.stdout == f"The module '{name.removeprefix('node:')}' is not available in the sandbox\n"


def test_files_the_network_and_packages_are_out_of_reach(executor):
    code = """
    const fs = require('fs');
    const attempts = [
      () => fs.readFileSync('/etc/passwd'), () => fs.writeFileSync('/tmp/x', ''), () => require('lodash'),
    ];
    for (const attempt of attempts) try { attempt() } catch (e) { console.log(e.code) }
    fetch('http://localhost').catch((e) => console.log(e.message));
    console.log(Object.keys(process.env).length, fs.existsSync('/'));
    """
    assert run(executor, code).stdout == "ENOENT\nEROFS\nMODULE_NOT_FOUND\n0 false\nfetch failed\n"


def test_the_clock_is_virtual_and_waiting_costs_nothing(executor):
    code = """
    const start = Date.now();
    setTimeout(() => console.log(start, Date.now() - start >= 3600000, performance.now() > 3600000), 3600000);
    """
    result = run(executor, code)
    assert result.stdout == "1700000000000 true true\n"
    assert result.cpu_seconds < 10  # and not an hour


# Calls


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        ("add", [1, 2], 3),
        ("add", ["a", "b"], "ab"),
        ("arrow", [5], [5, [5]]),
        ("Account().deposit", [4], 5),
        ("Account.make", [], {"plain": {"a": 1}, "map": {1: 2}, "set": {"x"}}),
        ("slow", [4], 8),
        ("exported", ["x"], "x!"),
        ("echo", [{"a": [1, 2.5, None, True, "é😀\n"]}], {"a": [1, 2.5, None, True, "é😀\n"]}),
        ("echo", [10**30], 10**30),
        ("echo", [float("inf")], float("inf")),
        ("kind", [{1, 2}], "[object Set]"),
        ("kind", [{1: 2}], "[object Map]"),
        ("kind", [{"a": 2}], "[object Object]"),
        ("kind", [(1, 2)], "[object Array]"),
        ("kind", [b"ab"], "[object Uint8Array]"),
        ("kind", [10**30], "[object BigInt]"),
    ],
)
def test_values_cross_into_a_function_and_back(session, function, arguments, value):
    assert session.call(function, arguments).value == value


@pytest.mark.parametrize(
    ("function", "error_type", "message"),
    [
        ("fail", "TypeError", "bad thing"),
        ("nothing", "ReferenceError", "nothing is not defined"),
        ("count", "TypeError", "count is not a function"),
        ("Account.nothing", "TypeError", "Account.nothing is not a function"),
        ("cyclic", "ValueError", "a value that contains itself cannot cross the sandbox"),
        ("never", "Error", "the promise never settled"),
    ],
)
def test_a_call_that_fails_says_why_and_the_session_goes_on(session, function, error_type, message):
    result = session.call(function)
    assert (result.error_type, result.error_message) == (error_type, message)
    assert session.call("add", [1, 1]).value == 2


def test_a_session_keeps_its_state(executor):
    with executor.open(FUNCTIONS, "javascript") as opened:
        assert [opened.call("tick").value for _ in range(3)] == [1, 2, 3]


def test_functions_take_no_keyword_arguments(session):
    assert session.call("add", [1], {"b": 2}).error_type == "TypeError"


def test_an_exit_during_a_call_ends_the_session(executor):
    with executor.open(FUNCTIONS, "javascript") as opened:
        assert opened.call("quit").error_type == "SystemExit"
        assert opened.call("add", [1, 1]).error_type == "RuntimeError"


def test_functions_of_a_module_can_be_called(executor):
    code = """
    import 'fs';
    export function f(x) { return x + 1 }
    let n = 0;
    const g = () => ++n;
    class A { m() { return 7 } }
    """
    with executor.open(code, "javascript") as opened:
        assert [opened.call(name, [1]).value for name in ("f", "g", "g", "A().m")] == [2, 1, 2, 7]


def test_a_trusted_program_calls_a_candidate_through_the_host(executor):
    trusted = """
    console.log(add(1, 2), add('a', 'b'), echo(new Map([[1, [2n ** 70n]]])));
    try { fail() } catch (e) { console.log(e.name, e.message) }
    """
    with executor.open(FUNCTIONS, "javascript") as candidate:
        names = {name: (candidate, name) for name in ("add", "echo", "fail")}
        result = executor.run_trusted(trusted, "javascript", names)
    assert result.stdout == "3 ab Map(1) { 1 => [ 1180591620717411303424n ] }\nTypeError bad thing\n"


def test_an_untrusted_program_cannot_call_out(executor):
    result = run(executor, "console.log('kept'); require('infinite_rl:exchange').proxy('f')(1)")
    assert result.status is ExecutionStatus.CRASHED
    assert result.stdout == "kept\n"


def test_every_prelude_file_is_small_enough_to_read():
    folder = Path(__file__).parents[2] / "runtimes" / "guests" / "javascript" / "prelude"
    assert max(len(path.read_text().splitlines()) for path in folder.glob("*.js")) < 500
