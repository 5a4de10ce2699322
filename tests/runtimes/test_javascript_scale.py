"""Large data in the JavaScript sandbox: long arrays and argument lists, memory, deep nesting."""

import pytest

from infinite_rl.runtimes import ExecutionStatus, RewardExecutor


@pytest.fixture(scope="module")
def executor():
    with RewardExecutor(timeout=60) as made:
        yield made


def run(executor, code, stdin=""):
    return executor.run(code, "javascript", stdin)


def cpu_seconds(executor, code):
    result = run(executor, code)
    assert result.status is ExecutionStatus.OK, (result.status, result.stderr)
    return result.cpu_seconds


# Arrays

MOVES = {
    "splice at the front": "a.splice(0, 1)",
    "splice in the middle": "a.splice(a.length >> 1, 1)",
    "splice in an element": "a.splice(1, 0, i)",
    "unshift": "a.unshift(i)",
}


@pytest.mark.parametrize("call", MOVES.values(), ids=MOVES.keys())
def test_moving_elements_costs_no_more_than_a_copy_of_memory(executor, call):
    setup = "const a = Array.from({ length: 20000 }, (_, i) => i); const b = new Float64Array(20000);"
    copies = cpu_seconds(executor, f"{setup} for (let i = 0; i < 10000; i++) b.copyWithin(0, 1);")
    moves = cpu_seconds(executor, f"{setup} for (let i = 0; i < 10000; i++) {{ {call}; }}")
    # The engine's own loop takes thirty times as long as the copy.
    assert moves < 10 * copies + 0.1


@pytest.mark.parametrize("call", ["a.slice(1)", "[...a]", "a.concat([1])", "new Array(n).fill(0)", "[0, ...a]"])
def test_copying_an_array_is_no_slower_than_walking_over_it(executor, call):
    setup = "const n = 50000, a = Array.from({ length: n }, (_, i) => i); let s = 0;"
    walks = cpu_seconds(executor, f"{setup} for (let k = 0; k < 40; k++) for (let i = 0; i < n; i++) s += a[i];")
    copies = cpu_seconds(executor, f"{setup} for (let k = 0; k < 40; k++) s += ({call}).length;")
    assert copies < 2 * walks + 0.1


@pytest.mark.parametrize(
    "call",
    [
        "Math.max(...a) === n - 1",
        "Math.max.apply(null, a) === n - 1",
        "[].push(...a) === n",
        "String.fromCharCode.apply(null, a).length === n",
        "[].concat(...a.map((x) => [x])).length === n",
        "new Array(...a).length === n",
        "((...rest) => rest.length)(...a) === n",
        "(function () { return arguments.length })(...a) === n",
        "((x) => x).bind(null, 5)(...a) === 5",
        "new (class { constructor(...rest) { this.n = rest.length } })(...a).n === n",
        "Reflect.construct(Array, a).length === n",
        "[...(function* (...rest) { yield* rest })(...a)].length === n",
    ],
)
def test_a_call_takes_120_000_arguments(executor, call):
    code = f"const n = 120000, a = Array.from({{ length: n }}, (_, i) => i); console.log({call})"
    assert run(executor, code).stdout == "true\n"


def test_more_arguments_than_node_takes_are_a_range_error(executor):
    code = "try { Math.max(...new Array(1e6).fill(1)) } catch (e) { console.log(e instanceof RangeError, e.message) }"
    assert run(executor, code).stdout == "true Maximum call stack size exceeded\n"


def test_text_grows_without_changing_the_names_of_properties(executor):
    # A name that no object uses any more has one reference, and it must not be lengthened in place.
    code = """
    const name = (i) => { const o = {}; o['key' + i] = 1; return Object.keys(o)[0] };
    const made = {};
    made[name(5) + 'y'] = 1;
    console.log(made.key5y, made['key5' + 'y'], 'key5y' in made);
    let text = 'x'.repeat(10000);
    for (let i = 0; i < 10; i++) text += 'y';
    const before = text;
    text += name(7);
    text += '!';
    console.log(before.length, text.slice(-6), name(7), made[name(5) + 'y']);
    """
    assert run(executor, code).stdout == "1 1 true\n10010 ykey7! key7 1\n"


# Memory: what programs keep within the default limit


@pytest.mark.parametrize(
    "code",
    [
        "new Array(5e6).fill(0).length",
        "new Array(1e7).fill(true).length",
        "(() => { const a = []; for (let i = 0; i < 8e6; i++) a.push(i); return a.length })()",
        "(() => { const a = []; for (let i = 0; i < 5e6; i++) a[i] = i / 2; return a.length })()",
        "new Uint8Array(6e7).length",
        "new Map(Array.from({ length: 5e5 }, (_, i) => [i, i])).size",
        "Array.from({ length: 1e6 }, (_, i) => ({ x: i, y: i })).length",
        "Array.from({ length: 1e6 }, (_, i) => [i, i]).length",
        "Array.from({ length: 2000 }, () => new Array(2000).fill(0)).length",
        "(() => { let s = ''; for (let i = 0; i < 1e6; i++) s += 'line ' + i; return s.length })()",
        "'12345 '.repeat(1e6).split(' ').map(Number).length",
        "Array.from({ length: 1e6 }, (_, i) => (i * 7919) % 1000003).sort((a, b) => a - b).length",
    ],
)
def test_large_data_fit_into_the_default_memory(code):
    with RewardExecutor(timeout=60) as executor:
        result = run(executor, f"console.log({code})")
    assert result.status is ExecutionStatus.OK
    assert result.stdout.strip().isdigit()


@pytest.mark.parametrize(("rounds", "total"), [(16, 16760000), pytest.param(40, 42380000, marks=pytest.mark.slow)])
def test_memory_that_was_freed_is_used_again(executor, rounds, total):
    code = """
    let sum = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const large = new Array(1e6 + round * 1000).fill(round);
      const small = Array.from({ length: 20000 }, (_, i) => ({ i }));
      const texts = small.map(({ i }) => 'text ' + i + 'x'.repeat(i % 700));
      sum += large.length + small.length + texts.length;
    }
    console.log(sum);
    """
    assert run(executor, code.replace("ROUNDS", str(rounds))).stdout == f"{total}\n"


# Nesting

DEEP = "let a = []; for (let i = 0; i < 100000; i++) a = [a];"


@pytest.mark.parametrize(
    "code",
    [
        "eval('['.repeat(100000))",
        "eval('('.repeat(100000))",
        "eval('{'.repeat(100000) + '}'.repeat(100000))",
        "eval('if (1) {'.repeat(100000) + '}'.repeat(100000))",
        "eval('try {'.repeat(30000) + '} finally {}'.repeat(30000))",
        "eval('`${'.repeat(100000) + '1' + '}`'.repeat(100000))",
        "eval('1 ** '.repeat(100000) + '1')",
        f"{DEEP} JSON.stringify(a)",
        f"{DEEP} String(a)",
        f"{DEEP} structuredClone(a)",
        "let o = null; for (let i = 0; i < 100000; i++) o = { next: o }; JSON.stringify(o)",
        "const o = { toJSON() { return { o } } }; JSON.stringify(o)",
        "let p = {}; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); p.x",
        "let g = [1].values(); for (let i = 0; i < 100000; i++) g = g.map((x) => x); [...g]",
    ],
)
def test_what_nests_too_deep_is_a_range_error_soon(executor, code):
    result = run(executor, f"try {{ {code} }} catch (e) {{ console.log(e instanceof RangeError, e.message) }}")
    assert result.stdout == "true Maximum call stack size exceeded\n"
    # Seconds, where the time was quadratic in the depth.
    assert result.cpu_seconds < 10


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("JSON.stringify(JSON.parse('['.repeat(5000) + ']'.repeat(5000))).length", "10000"),
        ("JSON.parse('['.repeat(1e5) + ']'.repeat(1e5)).length", "1"),
        (f"(() => {{ {DEEP} return a }})()", "[ [ [ [Array] ] ] ]"),
        ("eval('1 + '.repeat(100000) + '1')", "100001"),
        ("(() => { let f = () => 1; for (let i = 0; i < 2e4; i++) f = f.bind(); return f.name.length })()", "120001"),
        ("(() => { let s = ''; for (let i = 0; i < 2e5; i++) s = 'a' + s + 'b'; return s.length })()", "400000"),
    ],
)
def test_what_node_nests_works_here_too(executor, code, output):
    assert run(executor, f"console.log({code})").stdout == f"{output}\n"


def test_a_long_chain_of_promises_settles(executor):
    code = "let p = Promise.resolve(0); for (let i = 0; i < 100000; i++) p = p.then((x) => x + 1); p.then(console.log)"
    assert run(executor, code).stdout == "100000\n"
