import pickle
import threading
import time

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from infinite_rl import RewardFunctionScore, Task, TextEnv, TextVectorEnv
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.workers import Job, Workers
from infinite_rl.rewards import Status
from infinite_rl.runtimes.workers import available_cores

TASKS = TaskList([Task.ask(f"{n}?", str(n), id=str(n), domain="n") for n in range(1_000)])
OPEN = threading.Event()


@pytest.fixture(autouse=True)
def blocked():
    """What waits for this event is let go at the end of the test."""
    OPEN.clear()
    yield
    OPEN.set()


class SlowEnv(TextEnv):
    """Grading of every hundredth task never ends while the test runs."""

    def grade(self, task, response):
        if response == "block" or (response == "hundreds" and int(task.id) % 100 == 0):
            OPEN.wait(60)
        if response == "raise":
            raise OSError("no")
        return RewardFunctionScore.scored(float(response == task.answer))


def test_ten_graders_that_block_hold_up_nobody():
    vector = TextVectorEnv(SlowEnv, 1_000, tasks=TASKS, deadline=1.0, autoreset_mode="Disabled")
    vector.reset(options={"task_index": list(range(1_000))})
    start = time.monotonic()
    _, rewards, terminations, truncations, infos = vector.step(("hundreds",) * 1_000)
    # The bar is 1.5 s on a machine that does nothing else; the graders would block for a minute.
    assert time.monotonic() - start < 20
    late = np.arange(1_000) % 100 == 0
    assert (truncations == late).all()
    assert (terminations == ~late).all()
    assert {infos["status"][i] for i in np.flatnonzero(late)} == {Status.TIMEOUT}
    assert {infos["status"][i] for i in np.flatnonzero(~late)} == {Status.SCORED}
    assert rewards.sum() == 0.0
    assert [message["role"] for message in infos["messages"][0]] == ["user", "assistant"]
    # What was late starts anew, and is not disturbed by the thread that is still at work.
    vector.reset(options={"reset_mask": late, "task_index": list(range(1_000))})
    vector.reset(options={"reset_mask": ~late, "task_index": list(range(1_000))})
    assert vector.step([task.answer for task in TASKS.tasks])[1].tolist() == [1.0] * 1_000


def test_a_deadline_changes_nothing_else():
    plain = TextVectorEnv(SlowEnv, 50, tasks=TASKS)
    timed = TextVectorEnv(SlowEnv, 50, tasks=TASKS, deadline=60.0)
    actions = [str(n) if n % 2 else "raise" for n in range(50)]
    options = {"task_index": list(range(50))}
    assert plain.reset(options=options)[0] == timed.reset(options=options)[0]
    for one, other in zip(plain.step(actions)[:4], timed.step(actions)[:4], strict=True):
        assert list(one) == list(other)


def test_a_vector_environment_with_a_deadline_can_be_pickled():
    vector = TextVectorEnv(SlowEnv, 2, tasks=TASKS, deadline=60.0)
    vector.reset(options={"task_index": 3})
    copy = pickle.loads(pickle.dumps(vector))
    assert copy.step(("3", "4"))[1].tolist() == vector.step(("3", "4"))[1].tolist() == [1.0, 0.0]


def test_waiting_in_the_queue_does_not_count():
    # One after the other would take three seconds, three times the deadline.
    workers = Workers(deadline=1.0)
    workers.submit(Job(n, lambda: time.sleep(0.03)) for n in range(100))
    assert not any(job.late for job in workers.collect(100))


def test_what_is_done_comes_first_and_errors_come_back():
    workers = Workers(deadline=0.2)
    workers.submit([Job(0, lambda: OPEN.wait(60)), Job(1, lambda: 1 / 0), Job(2, lambda: "two")])
    first, second = sorted(workers.collect(2), key=lambda job: job.key)
    assert isinstance(first.error, ZeroDivisionError)
    assert (second.result, second.late) == ("two", False)
    (last,) = workers.collect(1)
    assert (last.key, last.late, last.result) == (0, True, None)
    with pytest.raises(ValueError, match="only 0 are under way"):
        workers.collect(1)


def test_an_interrupted_step_leaves_nothing_to_the_next_one(monkeypatch):
    vector = TextVectorEnv(SlowEnv, 4, tasks=TASKS, deadline=60.0, autoreset_mode="Disabled")
    vector.reset(options={"task_index": [1, 2, 3, 4]})
    wait = threading.Condition.wait

    def interrupted(condition, timeout=None):
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return wait(condition, timeout)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(threading.Condition, "wait", interrupted)
        vector.step(("block",) * 4)
    with pytest.raises(ResetNeeded):  # the threads are still at work in its episodes
        vector.step(("1", "2", "3", "4"))
    OPEN.set()
    vector.reset(options={"task_index": [1, 2, 3, 4]})
    assert vector.step(("1", "2", "3", "4"))[1].tolist() == [1.0] * 4


def test_idle_threads_end():
    before = threading.active_count()
    workers = Workers()
    workers.submit(Job(n, int) for n in range(20))
    workers.collect(20)
    until = time.monotonic() + 30
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.05)
    assert threading.active_count() <= before


@pytest.mark.parametrize("deadline", [0, -1.0, float("nan")])
def test_an_impossible_deadline_is_refused(deadline):
    with pytest.raises(ValueError, match="deadline must be"):
        TextVectorEnv(SlowEnv, 2, tasks=TASKS, deadline=deadline)


def test_graders_that_compute_do_not_make_each_other_late():
    lock, at_work, most = threading.Lock(), [], [0]

    class BusyEnv(TextEnv):
        def grade(self, task, response):
            with lock:
                at_work.append(task)
                most[0] = max(most[0], len(at_work))
            start = time.thread_time()
            while time.thread_time() - start < 0.1:
                pass
            with lock:
                at_work.remove(task)
            return RewardFunctionScore.scored(1.0)

    count = 6 * available_cores() + 20
    vector = TextVectorEnv(BusyEnv, count, tasks=TASKS, deadline=60.0)
    vector.reset(seed=0)
    assert vector.step(("x",) * count)[1].sum() == count
    # Threads that wait would have been doubled every 0.05 s, until all actions had begun.
    assert most[0] < count / 2
