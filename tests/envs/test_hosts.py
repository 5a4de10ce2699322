"""Environments in other processes: what comes of an episode is the same, and a process that dies costs nothing."""

import importlib.util
import os
import threading

import pytest

from infinite_rl.envs.hosts import Processes
from infinite_rl.envs.hosts_ray import RayActors
from infinite_rl.envs.math import MathEnv
from infinite_rl.envs.module_env import ModuleEnv
from infinite_rl.envs.self_verification import SelfVerificationEnv
from infinite_rl.envs.timed import advance_in_time
from infinite_rl.envs.workers import Workers

# Grading ends the process, so many times.
MORTAL = """
import os
def interact(messages): return []
def reward_fn(messages, answer):
    for k in range({deaths}):
        try:
            os.close(os.open("{folder}/died-%d" % k, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        os._exit(9)
    return float(messages[-1]["content"] == answer)
"""


@pytest.fixture
def processes():
    made = []

    def make(env, count=2):
        made.append(Processes(env, count))
        return made[-1]

    yield make
    for one in made:
        one.close()


def begun(env, count=5):
    return [env.begin(env.tasks.task(index), index) for index in range(count)]


def outcomes(episodes):
    """What came of them."""
    scores = [(one.score.status, one.score.components) if one.score else None for one in episodes]
    return [
        (one.messages, one.turns, one.ended, one.reward, score) for one, score in zip(episodes, scores, strict=True)
    ]


def mortal(folder, deaths):
    (folder / "mortal.py").write_text(MORTAL.format(folder=folder, deaths=deaths))
    (folder / "tasks.jsonl").write_text(
        "\n".join(f'{{"messages": [{{"role": "user", "content": "{k}?"}}], "answer": "{k}"}}' for k in range(5))
    )
    return ModuleEnv(folder / "mortal.py", folder / "tasks.jsonl")


def test_episodes_end_as_they_do_in_this_process(processes):
    env = MathEnv()
    hosts = processes(env)
    here, there = begun(env), begun(env)
    actions = [f"<answer>{episode.task.answer if k % 2 else 1}</answer>" for k, episode in enumerate(here)]
    env.advance(here, actions)
    tasks = [episode.task for episode in there]
    hosts.advance(there, actions)
    assert outcomes(there) == outcomes(here)
    assert {episode.reward for episode in here} == {0.0, 1.0}
    assert all(episode.task is task for episode, task in zip(there, tasks, strict=True))


@pytest.mark.slow
def test_several_turns_with_tools_too(processes):
    env = SelfVerificationEnv(weights={"arithmetic": 1}, tools=["calculator"], tool_format="tagged")
    hosts = processes(env)
    here, there = begun(env, 3), begun(env, 3)
    for action in ("<calculator>2*3</calculator>", "<answer>6</answer>"):
        for advance, episodes in ((env.advance, here), (hosts.advance, there)):
            live = [episode for episode in episodes if not episode.ended]
            advance(live, [action] * len(live))
    assert outcomes(there) == outcomes(here)
    for judge, episodes in ((env.judge, begun(env, 2)), (hosts.judge, begun(env, 2))):
        judge(episodes)
        assert [episode.score.status for episode in episodes] == ["no_answer"] * 2


def test_a_process_that_dies_over_episodes_costs_nothing(processes, tmp_path):
    hosts = processes(mortal(tmp_path, deaths=2))
    episodes = begun(hosts.env)
    hosts.advance(episodes, ["0", "1", "2", "x", "4"])
    assert [episode.reward for episode in episodes] == [1, 1, 1, 0, 1]
    assert len([*tmp_path.glob("died-*")]) == 2


@pytest.mark.slow
def test_one_that_was_killed_is_replaced(processes):
    env = MathEnv()
    hosts = processes(env, 1)
    hosts.advance(begun(env, 2), ["1", "2"])
    process = hosts._all[0][0]
    os.kill(process.pid, 9)
    process.join()
    episodes = begun(env, 2)
    hosts.advance(episodes, ["1", "2"])
    assert all(episode.ended for episode in episodes)
    assert len(hosts._all) == 1


KILLER = """
import os
def interact(messages): return []
def reward_fn(messages, answer):
    if messages[-1]["content"] == "die":
        os._exit(9)
    return 1.0
"""


@pytest.mark.slow
def test_an_action_that_kills_every_process_fails_its_own_episode_alone(processes, tmp_path):
    (tmp_path / "killer.py").write_text(KILLER)
    mortal(tmp_path, deaths=0)
    hosts = processes(ModuleEnv(tmp_path / "killer.py", tmp_path / "tasks.jsonl"))
    episodes = begun(hosts.env)
    hosts.advance(episodes, ["0", "die", "2", "3", "4"])
    assert [episode.score.status for episode in episodes] == ["scored", "error", "scored", "scored", "scored"]
    assert "again and again" in episodes[1].score.error_msg
    assert episodes[1].truncated


SLOW = """
import time
def interact(messages): return []
def reward_fn(messages, answer):
    time.sleep(10**6 if messages[-1]["content"] == "hang" else 0.4)
    return 1.0
"""


def test_a_deadline_counts_from_the_start_of_the_work_and_who_hangs_holds_nobody_up(processes, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    mortal(tmp_path, deaths=0)
    hosts = processes(ModuleEnv(tmp_path / "slow.py", tmp_path / "tasks.jsonl"), 1)
    # All five together take longer than the deadline, and the process that hangs is not asked again.
    for actions in (["hang", "x"], ["0", "1", "2", "3", "4"]):
        episodes = begun(hosts.env, len(actions))
        found = advance_in_time(hosts, Workers(1.5), episodes, actions)
        assert [one.score.status for one in found] == [
            "timeout" if action == "hang" else "scored" for action in actions
        ]
    assert len(hosts._all) == 1


@pytest.mark.slow
def test_threads_share_the_processes(processes):
    env = MathEnv()
    hosts = processes(env)
    found = []

    def work(k):
        episodes = begun(env, k + 1)
        hosts.advance(episodes, [f"<answer>{episode.task.answer}</answer>" for episode in episodes])
        found.append([episode.reward for episode in episodes])

    threads = [threading.Thread(target=work, args=[k]) for k in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(map(len, found)) == [1, 2, 3, 4, 5]
    assert all(set(rewards) == {1.0} for rewards in found)
    assert len(hosts._all) <= 2


def test_closing_ends_the_processes(processes):
    env = MathEnv()
    hosts = processes(env)
    hosts.advance(begun(env), ["1"] * 5)
    pool = [process for process, _ in hosts._all]
    assert pool
    hosts.close()
    hosts.close()
    assert not any(process.is_alive() for process in pool)


def test_an_environment_that_cannot_be_pickled_is_told():
    env = MathEnv()
    env.lock = threading.Lock()
    with pytest.raises(ValueError, match="cannot be pickled"):
        Processes(env, 1)


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_the_command_is_told_that_installs_it():
    with pytest.raises(ModuleNotFoundError, match="pip install ray"):
        RayActors(MathEnv(), 1)


@pytest.mark.slow
def test_ray_actors_do_the_same():
    ray = pytest.importorskip("ray")
    env = MathEnv()
    hosts = RayActors(env, 2)
    here, there = begun(env), begun(env)
    actions = [f"<answer>{episode.task.answer}</answer>" for episode in here]
    env.advance(here, actions)
    hosts.advance(there, actions)
    assert outcomes(there) == outcomes(here)
    ray.kill(hosts._all[0])  # and what it had goes to another one
    again = begun(env)
    hosts.advance(again, actions)
    assert outcomes(again) == outcomes(here)
    hosts.close()
    ray.shutdown()
