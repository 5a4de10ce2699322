import json
import pickle
import threading
from typing import ClassVar

import gymnasium
import pytest
from gymnasium.error import ResetNeeded
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.math import MathEnv
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.envs.vector import TextVectorEnv
from infinite_rl.rewards.score import RewardFunctionScore, Status
from infinite_rl.spaces import TextSpace

SECRET = "the-secret-answer"
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def ask(index, **metadata):
    return Task.ask(f"Question {index}", f"{SECRET}-{index}", id=f"task-{index}", domain="quiz", **metadata)


class QuizEnv(TextEnv):
    """One turn; right if the response is the answer."""

    domain = "quiz"

    def make_source(self, count=5):
        return TaskList([ask(index) for index in range(count)])

    def grade(self, task, response):
        if response == "break the grader":
            raise ZeroDivisionError("broken")
        return RewardFunctionScore.scored(float(response == task.answer))


class CarelessEnv(QuizEnv):
    """Its grader returns what is no score for some responses."""

    SCORES: ClassVar = {
        "nothing": None,
        "nan": RewardFunctionScore.scored(float("nan")),
        "infinite": RewardFunctionScore.scored(float("inf")),
        "part": RewardFunctionScore(1.0, 1.0, components={"part": float("nan")}),
        "text": RewardFunctionScore(1.0, 1.0, components={"part": "much"}),
    }

    def grade(self, task, response):
        return self.SCORES.get(response, RewardFunctionScore.scored(1.0))


class DialogueEnv(QuizEnv):
    """Answers everything with a hint, until the response is the answer."""

    def respond(self, episode, action):
        super().respond(episode, action)
        if action == "break the environment":
            raise OSError("no hints left")
        episode.finished = action == episode.task.answer
        if not episode.finished:
            episode.messages.append({"role": "tool", "content": f"hint {episode.turns}"})
            episode.messages.append({"role": "user", "content": "Again?"})


@pytest.fixture
def env():
    return QuizEnv()


def test_an_episode_shows_the_prompt_then_the_score(env):
    observation, info = env.reset(options={"task_index": 2})
    prompt = {"role": "user", "content": "Question 2"}
    assert observation == "Question 2"
    assert info == {"messages": [prompt], "task_id": "task-2", "task_index": 2, "domain": "quiz"}
    observation, reward, terminated, truncated, info = env.step(f"{SECRET}-2")
    assert (observation, reward, terminated, truncated) == ("", 1.0, True, False)
    assert info["messages"] == [prompt, {"role": "assistant", "content": f"{SECRET}-2"}]
    assert info["score"] == RewardFunctionScore.scored(1.0)
    assert info["components"] == {"format": 1.0, "correctness": 1.0}
    assert (info["status"], info["error_msg"]) == (Status.SCORED, "")


def test_the_first_observation_shows_all_opening_messages():
    messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"})
    env = QuizEnv(TaskList([Task("t", "quiz", messages, "")]))
    observation, info = env.reset()
    assert observation == "Be brief.\n\nWhy?"
    assert info["messages"] == list(messages)


def test_later_observations_show_what_came_since_without_the_assistant():
    env = DialogueEnv()
    env.reset(options={"task_index": 0})
    observation, reward, terminated, truncated, info = env.step("first")
    assert (observation, reward, terminated, truncated) == ("hint 1\n\nAgain?", 0.0, False, False)
    assert "score" not in info
    assert env.step("second")[0] == "hint 2\n\nAgain?"
    observation, reward, terminated, truncated, info = env.step(f"{SECRET}-0")
    assert (observation, reward, terminated, truncated) == ("", 1.0, True, False)
    assert [message["role"] for message in info["messages"]] == [
        "user",
        *("assistant", "tool", "user") * 2,
        "assistant",
    ]


@pytest.mark.parametrize("response", CarelessEnv.SCORES)
def test_what_is_no_score_is_a_failure_of_ours_and_costs_the_others_nothing(response):
    env = CarelessEnv()
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step(response)
    assert (reward, terminated, truncated, info["status"]) == (0.0, False, True, Status.ERROR)
    assert "score must be" in info["error_msg"] or response == "text"
    vector = TextVectorEnv(CarelessEnv, 3)
    vector.reset(seed=0)
    _, rewards, terminations, truncations, _ = vector.step(("right", response, "right"))
    assert rewards.tolist() == [1.0, 0.0, 1.0]
    assert truncations.tolist() == [False, True, False]
    assert (terminations != truncations).all()


def test_an_answer_at_the_turn_limit_is_truncated_and_graded():
    env = DialogueEnv(max_turns=2)
    env.reset()
    assert env.step("no")[2:4] == (False, False)
    _, reward, terminated, truncated, info = env.step("still no")
    assert (reward, terminated, truncated, info["status"]) == (0.0, False, True, Status.SCORED)


def test_a_right_answer_in_the_last_turn_terminates():
    env = DialogueEnv(max_turns=1)
    env.reset(options={"task_index": 3})
    assert env.step(f"{SECRET}-3")[1:4] == (1.0, True, False)


@pytest.mark.parametrize("action", ["", "nonsense", "break the grader", "x" * 300_000])
def test_the_expected_answer_is_never_shown(env, action):
    assert SECRET not in repr(env.reset(seed=1))
    assert SECRET not in repr(env.step(action))


def test_a_failing_grader_is_an_error_and_no_zero(env, caplog):
    env.reset()
    _, reward, terminated, truncated, info = env.step("break the grader")
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["status"] is Status.ERROR
    assert info["error_msg"] == "grading raised ZeroDivisionError: broken"
    assert "ZeroDivisionError" in caplog.text


def test_a_score_with_status_error_truncates_and_keeps_no_reward():
    class Failing(QuizEnv):
        def grade(self, task, response):
            return RewardFunctionScore(1.0, 1.0, "sandbox gone", status=Status.ERROR)

    env = Failing()
    env.reset()
    assert env.step("")[1:4] == (0.0, False, True)


def test_a_failing_environment_is_an_error_too():
    env = DialogueEnv()
    env.reset()
    _, reward, terminated, truncated, info = env.step("break the environment")
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["error_msg"] == "respond raised OSError: no hints left"


@pytest.mark.parametrize("scores", [[], [1.0], [RewardFunctionScore.scored(1.0)] * 2, None])
def test_a_finish_that_returns_anything_but_one_score_an_episode_is_an_error(scores):
    class Odd(QuizEnv):
        def finish(self, episodes):
            return scores

    env = Odd()
    env.reset()
    assert env.step("")[4]["status"] is Status.ERROR


def test_an_action_that_is_too_long_is_a_resource_limit_and_is_not_graded(env):
    env.action_space = TextSpace(16)
    env.reset()
    _, reward, terminated, truncated, info = env.step("break the grader!")
    assert (reward, terminated, truncated) == (0.0, True, False)
    assert info["status"] is Status.RESOURCE_LIMIT
    assert info["error_msg"] == "the response has 17 characters; the limit is 16"
    env.reset()
    assert env.step("x" * 16)[4]["status"] is Status.SCORED


@pytest.mark.parametrize("action", [None, 3, b"text", ["text"], ("a", "b")])
def test_an_action_that_is_no_text_is_a_type_error_and_the_episode_goes_on(env, action):
    env.reset()
    with pytest.raises(TypeError, match="must be a str"):
        env.step(action)
    assert env.step("text")[2]


def test_a_str_subclass_is_an_action(env):
    env.reset(options={"task_index": 0})
    assert env.step(type("Generated", (str,), {})(f"{SECRET}-0"))[1] == 1.0


def test_stepping_needs_an_episode_under_way(env):
    with pytest.raises(ResetNeeded):
        env.step("early")
    env.reset()
    env.step("answer")
    with pytest.raises(ResetNeeded):
        env.step("late")
    env.reset()
    env.step("answer")


@given(ANY_TEXT)
def test_no_action_crashes_a_step(action):
    env = DialogueEnv(max_turns=1, render_mode="ansi")
    env.reset(seed=0)
    assert env.step(action)[2:4] in ((True, False), (False, True))
    env.render().encode()


def test_seeds_decide_the_tasks():
    def tasks_of(seed):
        env = QuizEnv(count=1000)
        return [env.reset(seed=seed)[1]["task_id"]] + [env.reset()[1]["task_id"] for _ in range(5)]

    assert tasks_of(1) == tasks_of(1)
    assert tasks_of(1) != tasks_of(2)
    assert len(set(tasks_of(1))) > 4


def test_every_task_is_drawn():
    env = QuizEnv(count=3)
    env.reset(seed=0)
    assert {env.reset()[1]["task_index"] for _ in range(60)} == {0, 1, 2}


def test_a_domain_selects_among_its_tasks():
    tasks = [Task.ask(str(i), "a", id=str(i), domain="even" if i % 2 == 0 else "odd") for i in range(7)]
    env = QuizEnv(tasks=TaskList(tasks))
    env.reset(seed=0)
    drawn = [env.reset(options={"domain": "even"})[1] for _ in range(60)]
    assert {info["task_index"] for info in drawn} == {0, 2, 4, 6}
    assert env.reset(seed=5, options={"domain": "odd"}) == env.reset(seed=5, options={"domain": "odd"})


def test_a_selected_task_takes_no_draw():
    env, same = QuizEnv(count=1000), QuizEnv(count=1000)
    env.reset(seed=3, options={"task_index": 1})
    assert env.reset()[1]["task_index"] == same.reset(seed=3)[1]["task_index"]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"task": 1}, ValueError, "unknown reset option 'task'; known: task_index, domain"),
        ({"domain": "chess"}, ValueError, "no task of domain 'chess'; one of this source is 'quiz'"),
        ({"domain": "quiz", "task_index": 1}, ValueError, "task_index and domain exclude each other"),
        ({"task_index": 5}, ValueError, "from 0 to 4, not 5"),
        ({"task_index": -1}, ValueError, "from 0 to 4, not -1"),
        ({"task_index": 1.0}, TypeError, "must be an integer, not 1.0"),
        ({"task_index": True}, TypeError, "must be an integer"),
        ({"task_index": "1"}, TypeError, "must be an integer"),
        ({"task_index": [1]}, TypeError, "must be an integer"),
    ],
)
def test_wrong_options_are_clear_errors(env, options, error, says):
    with pytest.raises(error, match=says):
        env.reset(options=options)


def test_options_are_left_as_they_were(env):
    options = {"task_index": 1}
    env.reset(options=options)
    assert options == {"task_index": 1}


def test_changing_an_info_changes_neither_episode_nor_task(env):
    _, info = env.reset(options={"task_index": 0})
    info["messages"][0]["content"] = "changed"
    info["messages"].clear()
    assert env.step("x")[4]["messages"][0]["content"] == "Question 0"
    assert env.reset(options={"task_index": 0})[0] == "Question 0"


def test_tasks_come_from_a_json_lines_file(tmp_path):
    path = tmp_path / "quiz.jsonl"
    path.write_text(json.dumps({"messages": [{"role": "user", "content": "2+2?"}], "answer": "4"}), encoding="utf-8")
    for tasks in (path, str(path)):
        env = QuizEnv(tasks)
        observation, info = env.reset()
        assert (observation, info["domain"]) == ("2+2?", "quiz")
        assert env.step("4")[1] == 1.0


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"tasks": 5}, TypeError, "task source or the path"),
        ({"tasks": "no/such.jsonl"}, FileNotFoundError, "no such file"),
        ({"tasks": TaskList([])}, ValueError, "no task"),
        ({"tasks": TaskList([ask(0)]), "count": 3}, TypeError, "count: for procedural tasks only"),
        ({"colour": "red"}, TypeError, "colour"),
        ({"render_mode": "rgb_array"}, ValueError, "render_mode must be one of"),
        ({"max_turns": 0}, ValueError, "max_turns must be at least 1"),
    ],
)
def test_wrong_arguments_are_clear_errors(arguments, error, says):
    with pytest.raises(error, match=says):
        QuizEnv(**arguments)


def test_an_environment_without_tasks_or_grader_says_what_is_missing():
    with pytest.raises(TypeError, match="no tasks of its own"):
        TextEnv()
    env = TextEnv(TaskList([ask(0)]))
    env.reset()
    assert "must define grade" in env.step("")[4]["error_msg"]


def test_a_pickled_environment_goes_on_where_it_was():
    env = DialogueEnv()
    env.reset(seed=4)
    env.step("first")
    copy = pickle.loads(pickle.dumps(env))
    assert copy.step("second") == env.step("second")
    assert copy.reset() == env.reset()


def test_closing_twice_is_allowed(env):
    env.reset()
    env.close()
    env.close()


def test_two_environments_in_two_threads_do_not_disturb_each_other():
    def play(seed):
        env = QuizEnv(count=1000)
        env.reset(seed=seed)
        return [(env.step("x"), env.reset()) for _ in range(200)]

    results = {}
    threads = [threading.Thread(target=lambda seed=seed: results.update({seed: play(seed)})) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {1: play(1), 2: play(2)}


def test_gymnasium_wrappers_work():
    env = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.wrappers.TimeLimit(DialogueEnv(), 3))
    env.reset(seed=0)
    for _ in range(3):
        *_, truncated, info = env.step("no")
    assert truncated
    assert info["episode"]["l"] == 3


def test_the_first_observation_shows_examples_of_the_assistant_and_no_calls():
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    opening = (
        {"role": "user", "content": "Say ja for yes: no"},
        {"role": "assistant", "content": "nein"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "user", "content": "Say ja for yes: yes"},
    )
    env = DialogueEnv(TaskList([Task("few", "quiz", opening, "ja")]))
    assert env.reset()[0] == env.episode.task.prompt == "Say ja for yes: no\n\nnein\n\nSay ja for yes: yes"
    assert env.step("hm")[0] == "hint 1\n\nAgain?"


def test_a_mistyped_argument_is_named():
    with pytest.raises(TypeError, match=r"MathEnv got an unexpected keyword argument 'levl'; see help\(MathEnv\)"):
        MathEnv(levl=2)
