"""What the tests of interruptions share: what a caller may be doing, and whether an executor is whole after that."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

from infinite_rl.runtimes import RewardExecutor
from infinite_rl.runtimes.workers import Task

ANSWER = '{"value":[1]}'


def operations(executor: RewardExecutor) -> dict[str, Callable[[], object]]:
    """All that a caller does with an executor of the tiny guest; each checks its own results."""

    def run() -> None:
        assert executor.run("e", "python", "x").stdout == "x"

    def run_many() -> None:
        results = executor.run_many([("e", "python", str(number)) for number in range(4)])
        assert [result.stdout for result in results] == [str(number) for number in range(4)]

    def leave_early() -> None:
        results = executor.run_many([("e", "python")] * 4)
        next(results)
        results.close()

    def batch_run() -> None:
        assert executor.batch_run(["e", "E", "u"], "python")[0] == ("", "")

    def session() -> None:
        with executor.open("e", "python", ANSWER) as opened:
            assert opened.call("f").value == [1]

    def forgotten_session() -> None:
        assert executor.open("e", "python", ANSWER).loaded.ok

    return {
        function.__name__: function for function in (run, run_many, leave_early, batch_run, session, forgotten_session)
    }


def assert_whole(executor: RewardExecutor) -> None:
    """Checks that an executor runs as many programs at once as it should, with right results."""
    everybody = threading.Barrier(executor.settings.threads)
    tasks = [executor._lane.submit(Task(lambda: everybody.wait(60))) for _ in range(executor.settings.threads)]
    for task in tasks:
        task.result()
    for operation in operations(executor).values():
        operation()


def resources() -> tuple[int, int, int, int]:
    """This process's memory in KiB, threads, open files and mappings, once nothing is left to collect."""
    gc.collect()
    status = Path("/proc/self/status").read_text().splitlines()
    resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    mappings = Path("/proc/self/maps").read_text().count("\n")
    return resident, threading.active_count(), len(os.listdir("/proc/self/fd")), mappings
