"""RewardExecutor: one program or thousands, from any thread or process."""

import itertools
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_guest
from tiny_guest import end_programs, running, until
from torment import resources

from infinite_rl.runtimes import ExecutionStatus, RewardExecutor
from infinite_rl.runtimes.engine import Limits
from infinite_rl.runtimes.program import FUEL_PER_SECOND, MAX_CODE
from infinite_rl.runtimes.sandboxes import sandboxes


def script(text, *, timeout=200, **options):
    """Runs a Python script in which ``executor`` runs the tiny guest."""
    # A shell's background jobs inherit that Ctrl-C is ignored; these don't.
    head = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    head += "import tiny_guest; tiny_guest.install()\nfrom infinite_rl.runtimes import RewardExecutor\n"
    head += "executor = RewardExecutor(timeout=300, threads=2)\n"
    command = [sys.executable, "-c", head + textwrap.dedent(text)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)


def test_run_single_gives_both_streams_stripped(executor):
    assert executor.run_single("e", "python") == ("", "")
    assert executor.run("e", "py", "  a b \n").stdout == "  a b \n"


@pytest.mark.parametrize(
    ("letter", "words"),
    [("l", "TimeoutError"), ("M", "MemoryError"), ("f", "OutputLimitError"), ("u", "SandboxError"), ("E", "")],
)
def test_run_single_says_on_stderr_why_the_host_ended_a_program(executor, hasty, letter, words):
    chosen = hasty if letter == "l" else executor
    assert chosen.run_single(letter, "python")[1].split(":")[0] == words


@pytest.mark.parametrize("name", ["ruby", "", "python3.11"])
def test_an_unknown_language_is_named(executor, name):
    with pytest.raises(ValueError, match=r"unknown language .*known are python, py, javascript, js"):
        executor.run("e", name)
    with pytest.raises(ValueError, match="unknown language"):
        executor.batch_run(["e"], name)


@pytest.mark.parametrize("arguments", [(b"e", "python"), (None, "python"), ("e", 3), ("e", "python", b"")])
def test_what_is_no_string_is_refused(executor, arguments):
    with pytest.raises(TypeError, match="must be a string"):
        executor.run(*arguments)


@pytest.mark.parametrize(
    "arguments", [("\udc00", "python"), ("e", "python", "\ud800x"), ("e" * (MAX_CODE + 1), "python")]
)
def test_text_that_is_no_program_is_an_error_of_the_program(executor, arguments):
    result = executor.run(*arguments)
    assert (result.status, result.exit_code) == (ExecutionStatus.ERROR, 1)
    assert result.stderr.startswith("SyntaxError")
    with pytest.raises(ValueError):
        executor.open(*arguments)


def test_a_program_of_ten_megabytes_runs(tiny):
    assert RewardExecutor().run("e" * 10_000_000, "python", "x").stdout == "x"


@pytest.mark.parametrize(
    "limits",
    [
        {"timeout": 0},
        {"timeout": float("nan")},
        {"memory_mb": 0},
        {"output_limit": -1},
        {"timeout": 86_401},
        {"limits": "x"},
        {"limits": None},
        {"threads": -1},
        {"threads": 0},
    ],
)
def test_limits_out_of_range_are_refused_by_name(limits):
    (name,) = limits
    with pytest.raises(ValueError, match=f"^{name} must be .*, not "):
        RewardExecutor(**limits)


@pytest.mark.parametrize(
    "limits", [{"timeout": None}, {"timeout": "5"}, {"memory_mb": 1.5}, {"output_limit": None}, {"threads": "2"}]
)
def test_limits_that_are_no_numbers_are_refused_by_name(limits):
    (name,) = limits
    with pytest.raises(TypeError, match=f"^{name} must be a .*number.*, not "):
        RewardExecutor(**limits)


def test_numbers_of_any_library_are_limits(tiny):
    executor = RewardExecutor(timeout=np.float32(60), memory_mb=np.int64(8), threads=np.uint8(1))
    assert executor.run("e", "python", "x").stdout == "x"


@pytest.mark.parametrize("job", ["e", ("e",), ("e", "python", "", ""), None, {"code": "e"}])
def test_what_is_no_job_is_refused(executor, job):
    with pytest.raises(TypeError, match="a job must be"):
        next(executor.run_many([job]))


def test_a_time_limit_is_kept(hasty):
    for _ in range(3):
        started = time.monotonic()
        assert hasty.run("l", "python").status is ExecutionStatus.TIMEOUT
        # That it ends; how exactly is measured by benchmarks/sandbox.py.
        assert 0.2 <= time.monotonic() - started < 20


def test_queueing_is_not_counted(tiny):
    executor = RewardExecutor(timeout=0.5, threads=1)
    jobs = [("l", "python")] * 2 + [("w", "python", "done")]
    assert [result.status for result in executor.run_many(jobs)] == ["timeout", "timeout", "ok"]


def test_programs_that_loop_leave_the_gil_free(tiny):
    thread = threading.Thread(target=RewardExecutor(timeout=60, threads=1).run, args=("l", "python"))
    thread.start()
    until(running, "the program's start")
    for _ in range(100_000):
        assert running()  # With the GIL held, this thread would come next when the program has met its limit.
    end_programs()
    thread.join()


def test_results_come_in_order(tiny):
    executor = RewardExecutor(threads=2)
    jobs = (("w" if number % 3 == 0 else "e", "python", str(number)) for number in range(200))
    assert [result.stdout for result in executor.run_many(jobs)] == [str(number) for number in range(200)]
    assert executor.batch_run(["e", "E"], "python") == [("", ""), ("", "")]
    assert executor.batch_run([], "python") == []


def test_jobs_are_taken_only_a_little_ahead(tiny):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield "e", "python", "x"

    results = RewardExecutor(threads=2).run_many(endless())
    for _ in range(5):
        next(results)
    results.close()
    assert len(taken) <= 5 + 8


def test_progress_counts_the_results(tiny):
    seen = []
    results = list(RewardExecutor(threads=2).run_many([("e", "python")] * 5, progress=seen.append))
    assert len(results) == 5
    assert seen == [1, 2, 3, 4, 5]


def test_cancelling_ends_the_iteration_and_starts_nothing_more(tiny):
    started = time.monotonic()
    executor = RewardExecutor(timeout=60, threads=1)
    cancel = threading.Event()
    results = executor.run_many([("e", "python"), *[("l", "python")] * 50], cancel=cancel)
    assert next(results).ok
    until(running, "the second program's start")
    cancel.set()
    assert list(results) == []
    assert running()
    # The one that runs ends by its limit, and the others never begin.
    end_programs()
    assert executor.run("e", "python").ok
    assert time.monotonic() - started < 60


def test_a_failing_source_of_jobs_stops_the_run(executor):
    def jobs():
        yield "e", "python"
        raise KeyError("broken")

    with pytest.raises(KeyError):
        list(executor.run_many(jobs()))
    with pytest.raises(ValueError, match="unknown language"):
        list(executor.run_many([("e", "cobol")]))
    assert executor.run("e", "python").ok


def test_many_threads_share_one_executor(tiny):
    executor = RewardExecutor(threads=2)
    wrong = []

    def work(number):
        for step in range(20):
            text = f"{number}-{step}"
            if executor.run("e", "python", text).stdout != text:
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_many_executors_share_the_threads(tiny):
    before = threading.active_count()
    executors = [RewardExecutor(threads=2) for _ in range(30)]
    assert all(executor.run("e", "python").ok for executor in executors)
    assert threading.active_count() <= before + 3


def test_an_executor_is_pickled_by_its_limits(tiny):
    executor = RewardExecutor(timeout=1.5, memory_mb=9, output_limit=10, limits="fuel", threads=3)
    copy = pickle.loads(pickle.dumps(executor))
    assert copy.settings == executor.settings
    assert copy.run("e", "python", "x").stdout == "x"


def test_a_closed_executor_refuses(tiny):
    with RewardExecutor() as executor:
        session = executor.open("e", "python", '{"value":1}')
    with pytest.raises(RuntimeError, match="closed"):
        executor.run("e", "python")
    assert session.call("f").status is ExecutionStatus.ERROR
    executor.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_runs_programs_while_its_parent_does(tiny):
    executor = RewardExecutor(timeout=60, threads=2)
    looping = threading.Thread(target=executor.run, args=("l", "python"))
    looping.start()
    until(running, "the parent's program")
    children = []
    for number in range(3):
        child = os.fork()
        if not child:
            try:
                result = tiny_guest.run_in_child(executor, "e", str(number))
                os._exit(0 if result.stdout == str(number) else 1)
            finally:
                os._exit(2)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    end_programs()
    looping.join()
    assert codes == [0, 0, 0]
    assert executor.run("e", "python", "parent").stdout == "parent"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_started_processes_run_programs(tiny, method):
    context = multiprocessing.get_context(method)
    with context.Pool(1) as pool:
        result = pool.apply(tiny_guest.run_in_child, (RewardExecutor(), "e", "child"))
    assert result.stdout == "child"


def test_fuel_is_the_same_in_every_run(tiny):
    executor = RewardExecutor(limits="fuel", threads=2)
    results = list(executor.run_many([("w", "python", "x")] * 20))
    assert len({result.fuel for result in results}) == 1
    assert results[0].fuel > 1_000_000
    assert RewardExecutor().run("w", "python").fuel is None


def test_a_loop_ends_when_its_fuel_is_used_up(tiny, monkeypatch):
    monkeypatch.setitem(FUEL_PER_SECOND, "python", 10_000_000)
    results = [RewardExecutor(timeout=0.5, limits="fuel").run("l", "python", "x") for _ in range(2)]
    assert [result.status for result in results] == ["timeout", "timeout"]
    assert results[0].fuel == results[1].fuel >= 5_000_000
    assert results[0].stdout == "x"


def test_the_process_ends_at_once_while_programs_run():
    done = script(
        """
        import threading
        for _ in range(3):
            threading.Thread(target=executor.run, args=("l", "python"), daemon=True).start()
        tiny_guest.until(lambda: tiny_guest.running() == 2, "both programs' start")
        print("end")
        """
    )
    # The programs' own limit lies beyond the script's.
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_programs_run_in_exit_handlers():
    done = script(
        """
        import atexit
        atexit.register(lambda: print(executor.run("e", "python", "late").stdout))
        executor.run("e", "python")
        class Last:
            def __del__(self):
                try:
                    print(executor.run("e", "python", "last").stdout)
                except RuntimeError as error:
                    print("refused")
        import builtins
        builtins.kept = Last()
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() in (["late"], ["late", "refused"], ["late", "last"])


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize(
    "call",
    [
        "list(executor.run_many([('l', 'python')] * 20))",
        "[executor.run('l', 'python') for _ in range(2)]",
        "executor.open('l', 'python')",
        "with executor.open('L', 'python') as session: session.call('f')",
    ],
)
def test_ctrl_c_ends_a_call_at_once(call):
    done = script(
        f"""
        import os, signal, threading
        executor.run("e", "python")
        def interrupt():
            tiny_guest.until(tiny_guest.running, "the program's start")
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    # The programs' own limit lies beyond the script's.
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell no thread where its stack lies")
def test_a_deep_recursion_leaves_no_memory_in_its_thread(executor):
    executor.batch_run(["e"] * 10, "python")
    before = resources()[0]
    assert all(result.status is ExecutionStatus.CRASHED for result in executor.run_many([("r", "python")] * 4))
    assert resources()[0] - before < 150_000  # KiB: each of the two threads has touched 128,000, and malloc keeps some.


def hostile_runs(executor, count):
    letters = "eEuxqfmMhigswP" * 4 + "r"  # Which costs a hundred times what the others do.
    for result in executor.run_many((letters[n % len(letters)], "python", "y" * 50) for n in range(count)):
        assert result.status is not ExecutionStatus.TIMEOUT


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_hostile_programs_leave_nothing_behind(tiny, count):
    executor = RewardExecutor(memory_mb=8, threads=2)
    rounds = []
    for _ in range(4):
        hostile_runs(executor, count // 4)
        rounds.append(resources())
    growth = [[after - before for before, after in zip(*pair, strict=True)] for pair in itertools.pairwise(rounds)]
    # Stacks and the allocator's arenas settle at some time; what leaks grows in every round.
    assert min(memory for memory, _, _, _ in growth) < 512  # KiB
    assert max(growth[-1][1:3]) <= 0  # what earlier tests left may go
    assert min(mappings for _, _, _, mappings in growth) < 20


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_nothing_ticks_while_nothing_runs(tiny):
    assert RewardExecutor().run("e", "python").ok
    clock = sandboxes().engine(Limits.TIME).deadlines._thread

    def times_asleep():
        status = Path(f"/proc/self/task/{clock.native_id}/status").read_text()
        return re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE).group(1)

    def still():
        before = times_asleep()
        time.sleep(1.2)
        return times_asleep() == before

    until(still, "the clock's rest")
