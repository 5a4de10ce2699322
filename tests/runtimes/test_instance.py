"""What the host makes of a run's end, however hostile the guest."""

import ctypes

import pytest
from tiny_guest import CAPACITY, on_worker, tiny_instances

from infinite_rl.runtimes import ExecutionStatus, RewardExecutor
from infinite_rl.runtimes.instance import Budget


@pytest.mark.parametrize(
    ("letter", "status", "exit_code"),
    [
        ("e", ExecutionStatus.OK, 0),
        ("E", ExecutionStatus.ERROR, 3),
        ("u", ExecutionStatus.CRASHED, None),
        ("r", ExecutionStatus.CRASHED, None),
        ("x", ExecutionStatus.ERROR, 7),
        ("q", ExecutionStatus.OK, 0),
        ("f", ExecutionStatus.OUTPUT_LIMIT, None),
        ("m", ExecutionStatus.MEMORY, 1),
        ("M", ExecutionStatus.MEMORY, None),
        ("p", ExecutionStatus.CRASHED, None),
    ],
)
def test_each_way_to_end_has_its_status_and_keeps_the_output_written_so_far(executor, letter, status, exit_code):
    result = executor.run(letter, "python", "héllo")
    assert (result.status, result.exit_code) == (status, exit_code)
    assert result.stdout == ("" if letter == "p" else "héllo")
    assert result.ok == (status is ExecutionStatus.OK)


def test_a_timeout_keeps_the_output_written_so_far(hasty):
    result = hasty.run("l", "python", "héllo")
    assert (result.status, result.exit_code, result.stdout) == (ExecutionStatus.TIMEOUT, None, "héllo")


@pytest.mark.parametrize("letter", ["h", "i"])
def test_lengths_that_the_guest_made_up_are_cut_to_what_exists(tiny, letter):
    executor = RewardExecutor(output_limit=1 << 20)
    result = executor.run(letter, "python", "x")
    assert len(result.stdout) == len(result.stderr) == CAPACITY
    assert result.stdout_truncated
    assert result.stderr_truncated


def test_output_beyond_the_limit_is_cut_by_the_host_too(executor):
    result = executor.run("h", "python", "x")
    assert len(result.stdout) == 1000
    assert result.stdout_truncated


def test_the_output_limit_keeps_what_fits(executor):
    result = executor.run("e", "python", "x" * 1001)
    assert result.status is ExecutionStatus.OUTPUT_LIMIT
    assert result.stdout == "x" * 1000
    assert result.stdout_truncated
    assert not result.stderr_truncated


def test_bytes_that_are_no_text_are_replaced(tiny):
    instances = tiny_instances()
    instance = instances.take(8 << 20)
    ending = on_worker(lambda: instance.run(b"e", b"ab", 100, Budget(1.0)))
    ctypes.memmove(instance.base() + instance.guest.artefact.stdout, b"\xff\x80", 2)
    assert instance.result(ending, 100).stdout == "\ufffd\ufffd"
    instance.close()


def test_an_input_larger_than_memory_is_a_memory_limit(executor):
    assert executor.run("e" * (9 << 20), "python").status is ExecutionStatus.MEMORY
    assert executor.run("e", "python", "x" * (9 << 20)).status is ExecutionStatus.MEMORY


def test_the_memory_limit_counts_what_comes_on_top_of_the_guests_own():
    instance = tiny_instances().take(1 << 16)
    own = instance.memory_size()
    ending = on_worker(lambda: instance.run(b"M", b"", 100, Budget(1.0)))
    assert ending.status is ExecutionStatus.MEMORY
    assert instance.memory_size() == own + (1 << 16)
    instance.close()


def test_a_guest_never_runs_on_a_thread_whose_stack_may_be_small(tiny):
    instance = tiny_instances().take(8 << 20)
    with pytest.raises(RuntimeError, match="workers"):
        instance.run(b"e", b"", 100, Budget(1.0))
    instance.close()


def test_closing_twice_is_closing_once(tiny):
    instance = tiny_instances().take(8 << 20)
    instance.close()
    instance.close()
