import threading
import time

import pytest

from infinite_rl import RewardFunctionScore, Task, TextEnv
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.pool import TextEnvPool
from infinite_rl.rewards import Status
from infinite_rl.runtimes.workers import available_cores

TASKS = TaskList([Task.ask(f"{n}?", str(n), id=str(n), domain="n") for n in range(100)])


class EchoEnv(TextEnv):
    """Two turns; `wait` lasts until the test lets go of it."""

    gate = threading.Event()

    def respond(self, episode, action):
        if action == "wait":
            self.gate.wait(60)
        episode.messages.append({"role": "assistant", "content": action})
        if episode.turns == 1:
            episode.messages.append({"role": "user", "content": "sure?"})
        else:
            episode.finished = True

    def grade(self, task, response):
        return RewardFunctionScore.scored(float(response == task.answer))


@pytest.fixture(autouse=True)
def gate():
    EchoEnv.gate.clear()
    yield EchoEnv.gate
    EchoEnv.gate.set()


def test_every_episode_goes_at_its_own_pace(gate):
    pool = TextEnvPool(EchoEnv, 4, batch_size=2, tasks=TASKS)
    pool.async_reset(options={"task_index": [10, 11, 12, 13]})
    seen = {}
    for _ in range(2):
        observations, *_, infos = pool.recv()
        seen |= dict(zip(infos["env_id"].tolist(), observations, strict=True))
    assert seen == {0: "10?", 1: "11?", 2: "12?", 3: "13?"}
    pool.send(["wait", "a", "b"], [0, 1, 2])
    observations, _, terminations, _, infos = pool.recv()
    assert sorted(infos["env_id"]) == [1, 2]  # they do not wait for place 0
    assert observations == ("sure?", "sure?")
    gate.set()
    *_, terminations, _, infos = pool.step(["12"], [2])
    assert sorted(infos["env_id"]) == [0, 2]
    found = dict(zip(infos["env_id"].tolist(), terminations.tolist(), strict=True))
    assert found == {0: False, 2: True}
    place = infos["env_id"].tolist().index(2)
    assert infos["status"][place] == Status.SCORED
    assert infos["components"]["correctness"][place] == 1.0


def test_an_ended_episode_starts_anew_with_the_next_action():
    pool = TextEnvPool(EchoEnv, 1, tasks=TASKS)
    pool.async_reset(seed=3)
    first = pool.recv()[4]["task_index"][0]
    pool.step(["x"], [0])
    assert pool.step([str(first)], [0])[1].tolist() == [1.0]
    observations, rewards, terminations, _, infos = pool.step(["not read"], [0])
    assert observations[0] == f"{infos['task_index'][0]}?"
    assert (rewards[0], terminations[0]) == (0.0, False)


def test_tasks_do_not_depend_on_who_comes_first():
    def tasks(batch_size):
        pool = TextEnvPool(EchoEnv, 3, batch_size=batch_size, tasks=TASKS)
        pool.async_reset(seed=5)
        found = {place: [] for place in range(3)}
        for _ in range(24 // batch_size):
            *_, infos = pool.recv()
            places = infos["env_id"].tolist()
            for place, index in zip(places, infos["task_index"].tolist(), strict=True):
                found[place].append(index)
            pool.send(["x"] * len(places), places)
        return [indices[:6] for indices in found.values()]

    assert tasks(3) == [indices[:6] for indices in tasks(3)]
    assert tasks(1)[0][:2] == tasks(3)[0][:2]


def test_a_deadline_leaves_the_late_behind():
    pool = TextEnvPool(EchoEnv, 2, tasks=TASKS, deadline=0.2)
    pool.async_reset(seed=1)
    pool.recv()
    *_, truncations, infos = pool.step(["wait", "x"], [0, 1])
    by_place = dict(zip(infos["env_id"].tolist(), truncations.tolist(), strict=True))
    assert by_place == {0: True, 1: False}
    assert infos["status"][infos["env_id"].tolist().index(0)] == Status.TIMEOUT
    assert not pool.step(["x", "y"], [0, 1])[3].any()


@pytest.mark.parametrize(
    ("actions", "places", "error"),
    [
        (["a"], [0, 1], ValueError),
        (["a", "b"], [0, 0], ValueError),
        (["a"], [2], ValueError),
        (["a"], [-1], ValueError),
        ([1], [0], TypeError),
    ],
)
def test_what_cannot_be_sent_is_refused(actions, places, error):
    pool = TextEnvPool(EchoEnv, 2, tasks=TASKS)
    with pytest.raises(RuntimeError, match="async_reset"):
        pool.send(["a"], [0])
    with pytest.raises(RuntimeError, match="0 environments are under way"):
        pool.recv()
    pool.async_reset()
    with pytest.raises(RuntimeError, match="are under way"):
        pool.async_reset()
    with pytest.raises(RuntimeError, match="were received"):
        pool.send(["a"], [0])
    pool.recv()
    with pytest.raises(error):
        pool.send(actions, places)
    pool.close()


@pytest.mark.parametrize("batch_size", [0, 3])
def test_an_impossible_batch_is_refused(batch_size):
    with pytest.raises(ValueError, match="batch_size must be from 1 to 2"):
        TextEnvPool(EchoEnv, 2, batch_size, tasks=TASKS)


def test_an_episode_that_cannot_be_opened_holds_up_no_other():
    class FragileEnv(EchoEnv):
        broken = False

        def open(self, task):
            if self.broken:
                raise OSError("gone")
            return super().open(task)

    pool = TextEnvPool(FragileEnv, 3, tasks=TASKS, max_turns=1)
    pool.async_reset(seed=0)
    pool.recv()
    pool.step(["a", "b", "c"], [0, 1, 2])
    pool.env.broken = True
    pool.send(["new"] * 3, [0, 1, 2])
    with pytest.raises(OSError, match="gone"):
        pool.recv()
    pool.env.broken = False
    observations, *_, infos = pool.step(["new"] * 3, [0, 1, 2])
    assert sorted(infos["env_id"]) == [0, 1, 2]
    assert all(text.endswith("?") for text in observations)


def test_what_was_not_begun_is_forgotten_when_the_pool_is_closed(gate):
    begun = []

    class CountingEnv(EchoEnv):
        def respond(self, episode, action):
            begun.append(action)
            super().respond(episode, action)

    count = 4 * available_cores() + 40
    pool = TextEnvPool(CountingEnv, count, tasks=TASKS)
    pool.async_reset(seed=0)
    pool.recv()
    pool.send(["wait"] * count, range(count))
    pool.close()
    gate.set()
    time.sleep(0.1)
    assert len(begun) <= available_cores()
    with pytest.raises(RuntimeError, match="async_reset"):
        pool.send(["a"], [0])
