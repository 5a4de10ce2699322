"""Finding artefacts and reading what they say."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_guest import WAT, custom_section, tiny_artefact, tiny_wasm
from wasmtime import wat2wasm

from infinite_rl.runtimes import MissingArtefactError
from infinite_rl.runtimes import artefact as module
from infinite_rl.runtimes.artefact import BadArtefactError, find_artefact, load_artefact, parse_artefact
from infinite_rl.runtimes.engine import Limits, SandboxEngine


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No artefact in the package, an empty cache, and a recipe."""
    monkeypatch.setattr(module, "__file__", str(tmp_path / "package" / "artefact.py"))
    monkeypatch.setattr(module, "_recipe_hash", lambda: "abc")
    monkeypatch.setenv("INFINITE_RL_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_a_missing_artefact_is_named_with_the_command_that_makes_it(nowhere):
    with pytest.raises(MissingArtefactError) as raised:
        find_artefact("python")
    assert str(raised.value) == "python.wasm is missing. Make it with: python -m infinite_rl.runtimes.build"


def test_the_package_comes_before_the_cache(nowhere):
    cached = nowhere / "cache" / "artefacts" / "abc" / "python.wasm"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(tiny_wasm())
    assert find_artefact("python") == cached
    packaged = nowhere / "package" / "python.wasm"
    packaged.parent.mkdir()
    packaged.write_bytes(tiny_wasm())
    assert find_artefact("python") == packaged
    assert load_artefact("python").engine == "tiny 0"


def test_a_module_that_changes_under_its_description_is_refused(nowhere):
    path = nowhere / "package" / "python.wasm"
    path.parent.mkdir()
    path.write_bytes(tiny_wasm())
    artefact = load_artefact("python")
    assert artefact.wasm == tiny_wasm()
    path.write_bytes(tiny_wasm(variant="other"))
    with pytest.raises(BadArtefactError, match="changed"):
        _ = artefact.wasm


def test_an_artefact_of_another_language_is_refused(nowhere):
    path = nowhere / "package" / "javascript.wasm"
    path.parent.mkdir()
    path.write_bytes(tiny_wasm())
    with pytest.raises(BadArtefactError, match="holds python, not javascript"):
        load_artefact("javascript")


def test_the_description_is_read():
    artefact = tiny_artefact(stdout=4096)
    assert (artefact.language, artefact.control, artefact.stdout, artefact.capacity) == ("python", 1024, 4096, 4096)
    assert artefact.restorable
    assert not tiny_artefact(restorable="yes").restorable
    assert len(artefact.sha256) == 64
    assert artefact.size == len(tiny_wasm(stdout=4096)) > artefact.code_size > 0
    assert artefact.wasm == tiny_wasm(stdout=4096)


@pytest.mark.parametrize(
    "changes",
    [
        {"abi": 2},
        {"control": -1},
        {"control": "1"},
        {"stdout": 2**32},
        {"stderr": True},
        {"capacity": 1.5},
        {"language": 3},
    ],
)
def test_a_description_that_makes_no_sense_is_refused(changes):
    with pytest.raises(BadArtefactError, match="Make it anew"):
        tiny_artefact(**changes)


@pytest.mark.parametrize(
    "wasm",
    [
        b"",
        b"MZ",
        bytes(wat2wasm("(module)")),
        tiny_wasm()[:-3],
        bytes(wat2wasm("(module)")) + custom_section("infinite_rl", b"[]"),
        bytes(wat2wasm("(module)")) + custom_section("infinite_rl", b"[" * 60_000),
        bytes(wat2wasm("(module)")) + custom_section("infinite_rl", b" " * 70_000),
        bytes(wat2wasm("(module)")) + b"\0\xff\xff\xff\xff\xff\xff",
    ],
)
def test_what_is_no_artefact_is_refused(wasm):
    with pytest.raises(BadArtefactError):
        parse_artefact(wasm)


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_being_refused(tail):
    with pytest.raises(BadArtefactError):
        parse_artefact(b"\0asm\x01\0\0\0" + tail)


@pytest.mark.parametrize("changes", [{"control": 262_140}, {"stdout": 262_000}, {"reply_capacity": 2**31}])
def test_buffers_outside_memory_are_refused(cache, changes):
    with pytest.raises(BadArtefactError, match="outside its memory"):
        SandboxEngine(Limits.TIME).load(tiny_artefact(**changes))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('(export "run")', '(export "walk")'),
        ('(export "memory")', '(export "storage")'),
        ('(export "table")', '(export "chair")'),
        ("(param $request i32) (param $n i32) (result i32)", "(param $request i32) (param $n i64) (result i32)"),
        ("(memory ", '(import "a" "b" (func))\n(memory '),
    ],
)
def test_a_module_that_does_not_keep_to_the_interface_is_refused(cache, old, new):
    assert old in WAT
    with pytest.raises(BadArtefactError):
        SandboxEngine(Limits.TIME).load(parse_artefact(tiny_wasm(WAT.replace(old, new))))


def test_importing_the_package_loads_no_wasmtime():
    code = "import infinite_rl.runtimes, sys; assert 'wasmtime' not in sys.modules; infinite_rl.runtimes.RewardExecutor"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
