import pickle
import sys
from functools import partial

import cloudpickle
import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.math import MathVectorEnv
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.envs.vector import TextVectorEnv
from infinite_rl.rewards.score import RewardFunctionScore, Status
from infinite_rl.spaces import TextSpace

MODES = list(AutoresetMode)

# Spawned workers cannot import a test: AsyncVectorEnv's pickles carry the environment of this file by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


class GuessEnv(TextEnv):
    """Guess a number in at most three turns; every way to end an episode is one action away."""

    domain = "guess"

    def __init__(self, **arguments):
        super().__init__(max_turns=3, **arguments)
        self.action_space = TextSpace(20)
        self.batches = []

    def make_source(self):
        return TaskList([Task.ask(f"Guess {i}\ud800\x00é", i, id=f"guess/{i}", domain=f"d{i % 3}") for i in range(50)])

    def respond(self, episode, action):
        super().respond(episode, action)
        if action == "crash":
            raise OSError("lost")
        episode.finished = action.startswith("=")
        if not episode.finished:
            episode.messages.append({"role": "user", "content": f"No, not {action}."})

    def finish(self, episodes):
        self.batches.append(len(episodes))
        return super().finish(episodes)

    def grade(self, task, response):
        if response == "=crash":
            raise ZeroDivisionError("broken")
        right = response == f"={task.answer}"
        # Whole numbers on purpose, and a component that only some episodes have.
        return RewardFunctionScore(1, right, components={"speed": 2} if right else {}, error_msg="" if right else "no")


ACTIONS = ["", "5", "=5", "=crash", "crash", "x" * 21, "=17", "é\ud800\x00", "=3"]


def actions_of(rng, indices):
    """Random actions, some of them right."""
    return tuple(f"={index}" if rng.random() < 0.3 else str(rng.choice(ACTIONS)) for index in indices)


def rollout(env, steps=30, seed=11):
    """Every result of an episode stream, in any autoreset mode."""
    rng = np.random.default_rng(0)
    results = [env.reset(seed=seed)]
    for _ in range(steps):
        results.append(env.step(actions_of(rng, results[-1][-1]["task_index"])))
        over = results[-1][2] | results[-1][3]
        if env.metadata["autoreset_mode"] is AutoresetMode.DISABLED and over.any():
            results.append(env.reset(options={"reset_mask": over}))
            results[-1][1]["task_index"][~over] = results[-2][-1]["task_index"][~over]
    env.close()
    return results


def assert_same(results, expected):
    assert len(results) == len(expected)
    for number, (one, other) in enumerate(zip(results, expected, strict=True)):
        assert data_equivalence(one, other, exact=True), f"result {number} differs:\n{one}\n{other}"


@pytest.mark.parametrize("mode", MODES)
def test_it_returns_what_sync_returns(mode):
    ours = rollout(TextVectorEnv(GuessEnv, 5, autoreset_mode=mode))
    assert_same(ours, rollout(SyncVectorEnv([GuessEnv] * 5, autoreset_mode=mode)))
    ends = [result[-1].get("final_info", result[-1]) for result in ours]
    assert {Status.SCORED, Status.ERROR, Status.RESOURCE_LIMIT} <= {s for info in ends for s in info.get("status", ())}
    assert {1.0, 0.0} == {reward for result in ours if len(result) == 5 for reward in result[1]}


@pytest.mark.parametrize("shared_memory", [True, False])
def test_it_returns_what_async_returns(shared_memory):
    ours = rollout(TextVectorEnv(GuessEnv, 2), steps=8)
    assert_same(ours, rollout(AsyncVectorEnv([GuessEnv] * 2, shared_memory, context="spawn"), steps=8))


@pytest.mark.parametrize("mode", MODES)
def test_one_environment_alone_returns_what_it_returns_in_a_batch(mode):
    assert_same(
        rollout(TextVectorEnv(GuessEnv, 1, autoreset_mode=mode)),
        rollout(SyncVectorEnv([GuessEnv], autoreset_mode=mode)),
    )


def test_all_episodes_that_end_in_one_step_are_graded_in_one_call():
    vector = TextVectorEnv(GuessEnv, 6)
    vector.reset(seed=0)
    vector.step(("=1", "=2", "no", "=4", "x" * 21, "crash"))
    assert vector.env.batches == [3]
    vector.step(("=1",) * 6)
    assert vector.env.batches == [3, 1]


def test_results_have_gymnasiums_types():
    vector = TextVectorEnv(GuessEnv, 3)
    observations, infos = vector.reset(seed=0)
    assert observations in vector.observation_space
    assert isinstance(observations, tuple)
    observations, rewards, terminations, truncations, infos = vector.step(vector.action_space.sample())
    assert observations in vector.observation_space
    assert (rewards.dtype, terminations.dtype, truncations.dtype) == (np.float64, np.bool_, np.bool_)
    assert rewards.shape == terminations.shape == truncations.shape == (3,)
    assert infos["task_index"].dtype == np.int64
    assert infos["_messages"].tolist() == [True] * 3


def test_same_step_keeps_the_end_in_final_obs_and_final_info():
    vector = TextVectorEnv(GuessEnv, 2, autoreset_mode="SameStep")
    vector.reset(options={"task_index": [3, 4]})
    observations, rewards, terminations, _, infos = vector.step(("=3", "no"))
    assert rewards.tolist() == [1.0, 0.0]
    assert terminations.tolist() == [True, False]
    assert infos["final_obs"].tolist() == ["", None]
    assert infos["final_info"]["task_index"].tolist() == [3, 0]
    assert infos["final_info"]["components"]["speed"].tolist() == [2.0, 0.0]
    assert infos["_final_info"].tolist() == [True, False]
    assert "score" not in infos
    assert observations[0].startswith("Guess")


def test_results_of_a_step_are_not_changed_by_later_steps():
    vector = TextVectorEnv(GuessEnv, 4)
    vector.reset(seed=0)
    first = vector.step(("=1", "no", "=3", "crash"))
    kept = pickle.loads(pickle.dumps(first))
    for _ in range(4):
        vector.step(("=5", "maybe", "=7", "=8"))
    assert_same([first], [kept])


def test_equal_seeds_give_equal_prompts():
    vector = TextVectorEnv(GuessEnv, 4, autoreset_mode=AutoresetMode.DISABLED)
    observations, _ = vector.reset(seed=[7] * 4)
    assert len(set(observations)) == 1
    assert vector.reset(seed=[7] * 4)[0] == observations
    assert vector.reset(seed=[7, 8, 7, 8])[0][::2] == observations[:2]
    assert vector.reset(seed=np.array([7] * 4))[0] == observations


def test_an_integer_seeds_the_places_in_sequence():
    vector = TextVectorEnv(GuessEnv, 4)
    assert vector.reset(seed=20)[0] == vector.reset(seed=[20, 21, 22, 23])[0]


def test_without_a_seed_the_random_streams_go_on():
    vector = TextVectorEnv(GuessEnv, 4)
    first = [vector.reset(seed=1), vector.reset(), vector.reset()]
    assert_same([vector.reset(seed=1), vector.reset(), vector.reset()], first)
    assert first[1][0] != first[2][0]


def test_a_place_with_the_seed_none_goes_on():
    vector, same = TextVectorEnv(GuessEnv, 2), TextVectorEnv(GuessEnv, 2)
    vector.reset(seed=1)
    same.reset(seed=1)
    assert vector.reset(seed=[5, None])[0][1] == same.reset()[0][1]


@pytest.mark.parametrize("indices", [3, np.int64(3), [3, 3, 3], (3, 3, 3), np.array([3, 3, 3])])
def test_task_index_selects_one_task_for_all_or_one_for_each(indices):
    observations, infos = TextVectorEnv(GuessEnv, 3).reset(options={"task_index": indices})
    assert infos["task_index"].tolist() == [3, 3, 3]
    assert len(set(observations)) == 1


def test_domains_are_one_for_all_or_one_for_each():
    tasks = TaskList([Task.ask(str(i), "a", id=str(i), domain="even" if i % 2 == 0 else "odd") for i in range(8)])
    vector = TextVectorEnv(GuessEnv, 4, tasks=tasks)
    assert set(vector.reset(seed=0, options={"domain": "odd"})[1]["domain"]) == {"odd"}
    domains = ["even", "odd", "odd", "even"]
    observations, infos = vector.reset(seed=[3, 4, 4, 3], options={"domain": domains})
    assert infos["domain"].tolist() == domains
    assert (observations[0], observations[1]) == (observations[3], observations[2])
    with pytest.raises(ValueError, match="domain must be one name or 4 of them, not 2"):
        vector.reset(options={"domain": ["even", "odd"]})
    sync = SyncVectorEnv([lambda: GuessEnv(tasks=tasks)] * 4)
    assert sync.reset(seed=0, options={"domain": "odd"})[0] == vector.reset(seed=0, options={"domain": "odd"})[0]


def test_task_index_and_reset_mask_go_together():
    vector = TextVectorEnv(GuessEnv, 3, autoreset_mode="Disabled")
    vector.reset(options={"task_index": [1, 2, 3]})
    vector.step(("=1", "no", "no"))
    mask = np.array([True, False, False])
    observations, infos = vector.reset(options={"task_index": [9, 0, 0], "reset_mask": mask})
    assert infos["task_index"].tolist() == [9, 0, 0]
    assert infos["_task_index"].tolist() == [True, False, False]
    assert observations == ("Guess 9\ud800\x00é", "No, not no.", "No, not no.")
    assert vector.step(("=9", "=2", "=3"))[1].tolist() == [1.0, 1.0, 1.0]


def test_a_group_of_one_task_asks_the_source_once():
    class CountingSource(TaskList):
        calls = 0

        def task(self, index):
            type(self).calls += 1
            return super().task(index)

    source = CountingSource(GuessEnv().tasks.tasks)
    TextVectorEnv(GuessEnv, 8, tasks=source).reset(options={"task_index": [1] * 4 + [2] * 4})
    assert CountingSource.calls == 2


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"task": 1}, ValueError, "unknown reset option 'task'; known: task_index, domain, group_size, reset_mask"),
        ({"task_index": [1, 2]}, ValueError, "one index or 3 of them, not 2"),
        ({"task_index": [1, 2, 50]}, ValueError, "from 0 to 49, not 50"),
        ({"task_index": [1, 2, "3"]}, TypeError, "must be an integer"),
        ({"task_index": None}, TypeError, "must be an integer"),
        ({"reset_mask": [True, False, True]}, TypeError, "NumPy array of bool"),
        ({"reset_mask": np.array([1, 0, 1])}, TypeError, "NumPy array of bool"),
        ({"reset_mask": np.array([True])}, ValueError, "shape"),
        ({"reset_mask": np.zeros(3, dtype=bool)}, ValueError, "at least one"),
    ],
)
def test_wrong_options_are_clear_errors_and_change_nothing(options, error, says):
    vector = TextVectorEnv(GuessEnv, 3)
    vector.reset(options={"task_index": [1, 2, 3]})
    with pytest.raises(error, match=says):
        vector.reset(options=options)
    assert vector.step(("=1", "=2", "=3"))[1].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("actions", "error", "says"),
    [
        ("=1=", TypeError, "not one text"),
        (("=1", "=2"), ValueError, r"expected 3 actions.*got 2"),
        (("=1", "=2", 3), TypeError, "must be a str, not int"),
        (("=1", "=2", None), TypeError, "must be a str, not NoneType"),
    ],
)
def test_wrong_actions_are_clear_errors_and_change_nothing(actions, error, says):
    vector = TextVectorEnv(GuessEnv, 3)
    vector.reset(options={"task_index": [1, 2, 3]})
    with pytest.raises(error, match=says):
        vector.step(actions)
    assert vector.step(["=1", "=2", "=3"])[1].tolist() == [1.0, 1.0, 1.0]


def test_actions_of_places_that_start_anew_are_not_read():
    vector = TextVectorEnv(GuessEnv, 2)
    vector.reset(seed=0)
    vector.step(("=1", "no"))
    observations, rewards, terminations, *_ = vector.step((None, "no"))
    assert observations[0].startswith("Guess")
    assert (rewards[0], terminations[0]) == (0.0, False)


def test_stepping_needs_episodes_under_way():
    vector = TextVectorEnv(GuessEnv, 2, autoreset_mode="Disabled")
    with pytest.raises(ResetNeeded, match="before step"):
        vector.step(("a", "b"))
    with pytest.raises(ResetNeeded, match="first reset"):
        vector.reset(options={"reset_mask": np.array([True, False])})
    vector.reset(seed=0)
    vector.step(("=1", "no"))
    with pytest.raises(ResetNeeded, match="1 of 2 episodes have ended"):
        vector.step(("a", "b"))
    vector.reset()
    vector.step(("a", "b"))


@pytest.mark.parametrize("mode", MODES)
def test_modes_are_known_by_value_too(mode):
    vector = TextVectorEnv(GuessEnv, 1, autoreset_mode=mode.value)
    assert vector.metadata["autoreset_mode"] is mode
    assert "autoreset_mode" not in GuessEnv.metadata


def test_wrong_arguments_are_clear_errors():
    with pytest.raises(ValueError, match="at least 1"):
        TextVectorEnv(GuessEnv, 0)
    with pytest.raises(ValueError, match="Sometimes"):
        TextVectorEnv(GuessEnv, 1, autoreset_mode="Sometimes")
    with pytest.raises(TypeError, match="takes no more arguments"):
        TextVectorEnv(GuessEnv(), 1, render_mode="ansi")


def test_an_instance_can_be_driven():
    vector = TextVectorEnv(GuessEnv(), 2)
    assert vector.reset(seed=0)[0] == TextVectorEnv(GuessEnv, 2).reset(seed=0)[0]


def test_rendering_returns_what_sync_renders():
    make = partial(GuessEnv, render_mode="ansi")
    ours, sync = TextVectorEnv(make, 2), SyncVectorEnv([make] * 2)
    for vector in (ours, sync):
        vector.reset(seed=3)
        vector.step(("=1", "no"))
    assert ours.render() == sync.render()


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_human_rendering_shows_every_message(mode, capsys):
    vector = TextVectorEnv(GuessEnv, 2, autoreset_mode=mode, render_mode="human")
    # The seed draws the task that comes next in SAME_STEP mode: neither of these two.
    vector.reset(seed=0, options={"task_index": [1, 2]})
    vector.step(("first", "=2"))
    printed = capsys.readouterr().out
    assert all(
        printed.count(text) == 1
        for text in ("Guess 1⟨U+D800⟩␀é", "Guess 2⟨U+D800⟩␀é", "No, not first.", "=2", "[score]")
    )


def test_gymnasiums_episode_statistics_work_also_after_masked_resets():
    vector = gymnasium.wrappers.vector.RecordEpisodeStatistics(TextVectorEnv(GuessEnv, 2, autoreset_mode="Disabled"))
    vector.reset(options={"task_index": [1, 2]})
    vector.step(("=1", "no"))
    vector.reset(options={"task_index": [1, 2], "reset_mask": np.array([True, False])})
    *_, infos = vector.step(("=1", "=2"))
    assert infos["episode"]["r"].tolist() == [1.0, 1.0]
    assert infos["episode"]["l"].tolist() == [1, 2]


def test_a_pickled_vector_environment_goes_on_where_it_was():
    vector = TextVectorEnv(GuessEnv, 3)
    vector.reset(seed=0)
    vector.step(("=1", "no", "no"))
    copy = pickle.loads(pickle.dumps(vector))
    assert_same([copy.step(("a", "b", "=c"))], [vector.step(("a", "b", "=c"))])


def test_closing_twice_is_allowed():
    vector = TextVectorEnv(GuessEnv, 2)
    vector.close()
    vector.close()
    assert vector.closed


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_groups_draw_the_same_tasks_now_and_when_they_start_anew(size):
    vector = MathVectorEnv(6, level=4, autoreset_mode="SameStep")
    indices = [vector.reset(seed=3, options={"group_size": size})[1]["task_index"]]
    for _ in range(3):
        indices.append(vector.step(("<answer>0</answer>",) * 6)[4]["task_index"])
    for found in indices:
        groups = found.reshape(-1, size)
        assert (groups == groups[:, :1]).all()
        assert len(set(groups[:, 0].tolist())) == 6 // size


@pytest.mark.parametrize(("size", "error"), [(4, ValueError), (0, ValueError), ("2", TypeError), (True, TypeError)])
def test_an_impossible_group_size_is_refused(size, error):
    with pytest.raises(error, match="group_size must"):
        MathVectorEnv(6).reset(options={"group_size": size})
