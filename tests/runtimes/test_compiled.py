"""The cache of compiled guests survives whatever happens to its files."""

import errno
import multiprocessing
import os
import re
import stat
import subprocess
import sys
import textwrap
import threading

import pytest
from tiny_guest import compile_in_child, tiny_artefact, tiny_instances

from infinite_rl.runtimes import compiled
from infinite_rl.runtimes.engine import Limits, SandboxEngine

ARTEFACT = tiny_artefact()
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
NOT_ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")


@pytest.fixture(scope="module")
def engine():
    return SandboxEngine(Limits.TIME)


@pytest.fixture
def load(engine, cache, capfd):
    """Loads the guest; returns how often it was compiled and what was said."""

    def load(artefact=ARTEFACT):
        capfd.readouterr()
        assert engine.load(artefact).minimum_memory == 4 * 65536
        said = capfd.readouterr().err
        return said.count("Compiling the Python sandbox for this machine, once"), said

    return load


def file_of(cache):
    (path,) = cache.glob("*.cwasm")
    return path


def test_a_guest_is_compiled_once_with_one_line(load, cache):
    count, said = load()
    assert count == 1
    assert re.fullmatch(r"Compiling the Python sandbox .* \d+ s of CPU time \.\.\.\n", said)
    assert load() == (0, "")


def test_files_that_nobody_has_used_for_long_are_removed(load, cache):
    cache.mkdir(mode=0o700, parents=True)
    for age in range(9):
        for language in ("python", "javascript"):
            old = cache / f"{language}-{age}.cwasm"
            old.write_bytes(b"code")
            os.utime(old, (1_000_000 - age, 1_000_000 - age))
    load()
    kept = {path.stem for path in cache.glob("python-?.cwasm")}
    assert kept == {f"python-{age}" for age in range(5)}
    assert len(list(cache.glob("javascript-*.cwasm"))) == 9
    assert load() == (0, "")


@POSIX
def test_folder_and_files_are_this_users_only(load, cache):
    before = os.umask(0)
    try:
        load()
    finally:
        os.umask(before)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in cache.iterdir())


@pytest.mark.parametrize("damage", ["empty", "cut", "one bit", "trailer", "rubbish", "longer"])
def test_a_damaged_file_is_never_loaded_and_made_anew(load, cache, damage):
    load()
    path = file_of(cache)
    good = path.read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    bad = {
        "empty": b"",
        "cut": good[:-100],
        "one bit": bytes(flipped),
        "trailer": good[:-1] + bytes([good[-1] ^ 1]),
        "rubbish": b"x" * 10_000,
        "longer": good + b"x",
    }[damage]
    path.write_bytes(bad)
    assert load()[0] == 1
    assert load()[0] == 0


def test_a_whole_file_of_another_key_is_not_loaded(load, cache, monkeypatch):
    load()
    path = file_of(cache)
    content = path.read_bytes()
    monkeypatch.setattr(compiled, "_cpu_features", lambda: "another processor")
    assert load()[0] == 1
    (other,) = set(cache.glob("*.cwasm")) - {path}
    other.write_bytes(content)
    assert load()[0] == 1


def test_a_file_that_wasmtime_refuses_is_made_anew(load, cache):
    load()
    path = file_of(cache)
    key = compiled.cache_key(ARTEFACT, f"epochs time stack={128 << 20}")
    compiled._write(path, b"\x7fELF rubbish" * 100, key)
    assert load()[0] == 1


def test_fuel_and_time_have_files_of_their_own(load, cache):
    load()
    SandboxEngine(Limits.FUEL).load(ARTEFACT)
    assert len(list(cache.glob("*.cwasm"))) == 2


def test_the_tests_own_guest_takes_no_real_ones_place(cache):
    tiny_instances()
    assert not cache.exists()


def test_leftovers_of_a_killed_process_are_removed(load, cache):
    load()
    path = file_of(cache)
    path.unlink()
    (cache / f".tmp-{path.stem}-dead").write_bytes(b"half")
    (cache / ".tmp-another-alive").write_bytes(b"half")
    assert load()[0] == 1
    assert sorted(found.name for found in cache.glob(".tmp-*")) == [".tmp-another-alive"]


@POSIX
def test_a_process_killed_while_it_writes_leaves_a_working_cache(load, cache):
    code = """
    import os
    from infinite_rl.runtimes import compiled
    from infinite_rl.runtimes.engine import Limits, SandboxEngine
    from tiny_guest import compile_in_child, tiny_artefact
    os.fsync = lambda descriptor: os.kill(os.getpid(), 9)
    SandboxEngine(Limits.TIME).load(tiny_artefact())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, timeout=60)
    assert done.returncode == -9
    assert list(cache.glob(".tmp-*"))
    assert not list(cache.glob("*.cwasm"))
    assert load()[0] == 1
    assert not list(cache.glob(".tmp-*"))
    assert load()[0] == 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_full_or_read_only_disk_costs_time_only(load, cache, monkeypatch, number):
    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    count, said = load()
    assert count == 1
    assert said.count("cannot be kept") == 1
    assert os.strerror(number) in said
    assert not list(cache.glob("*.cwasm")) + list(cache.glob(".tmp-*"))
    monkeypatch.undo()


@POSIX
@NOT_ROOT
def test_a_folder_that_cannot_be_written_costs_time_only(load, cache):
    cache.mkdir(parents=True, mode=0o700)
    cache.chmod(0o500)
    count, said = load()
    assert (count, said.count("cannot be kept")) == (1, 1)


def test_a_cache_that_cannot_be_made_costs_time_only(load, cache):
    cache.parent.parent.mkdir(exist_ok=True)
    cache.parent.write_text("a file stands here")
    count, said = load()
    assert (count, said.count("cannot be kept")) == (1, 1)


@POSIX
@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707])
def test_a_folder_open_to_others_is_refused(load, cache, mode):
    cache.mkdir(parents=True)
    cache.chmod(mode)
    count, said = load()
    assert count == 1
    assert "open to other users; close it with: chmod 700" in said
    assert not list(cache.iterdir())


@POSIX
def test_a_folder_of_another_user_is_refused(load, cache, monkeypatch):
    load()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    count, said = load()
    assert count == 1
    assert "belongs to another user" in said


@POSIX
def test_links_are_not_followed(load, cache, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    cache.parent.mkdir()
    cache.symlink_to(elsewhere)
    count, said = load()
    assert (count, "is not a folder" in said) == (1, True)
    assert not list(elsewhere.iterdir())
    cache.unlink()
    load()
    path = file_of(cache)
    moved = elsewhere / "code"
    path.rename(moved)
    path.symlink_to(moved)
    assert load()[0] == 1
    lock = cache / f".lock-{path.stem}"
    lock.unlink()
    victim = elsewhere / "victim"
    victim.write_text("kept")
    lock.symlink_to(victim)
    path.unlink(missing_ok=True)
    assert load()[0] == 1
    assert victim.read_text() == "kept"


def test_processes_that_start_at_once_compile_once(cache, capfd):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    children = [context.Process(target=compile_in_child, args=(barrier,)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert capfd.readouterr().err.count("Compiling") == 1
    assert len(list(cache.glob("*.cwasm"))) == 1


@POSIX
def test_who_finds_the_lock_held_says_so_and_waits(load, cache, monkeypatch):
    load()
    path = file_of(cache)
    path.unlink()
    held = threading.Event()
    heard = threading.Event()
    order = []
    say = compiled._say

    def hold():
        with compiled._locked(cache / f".lock-{path.stem}", ARTEFACT):
            held.set()
            heard.wait(60)
            order.append("released")

    def listen(line):
        say(line)
        heard.set()

    monkeypatch.setattr(compiled, "_say", listen)
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    count, said = load()
    order.append("loaded")
    holder.join()
    assert order == ["released", "loaded"]
    assert "Another process is compiling the Python sandbox; waiting for it ..." in said
    assert count == 1
