import json
import threading
import time

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from infinite_rl import Task, TextVectorEnv
from infinite_rl.datasets.arithmetic import ArithmeticSource
from infinite_rl.datasets.mixture import Mixture
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.math import MathEnv
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.envs.tools.formats import FORMATS
from infinite_rl.envs.tools.tool import ToolCall
from infinite_rl.rewards import RewardFunctionScore, Status
from infinite_rl.wrappers import (
    AuxiliaryReward,
    ChatTemplate,
    CurriculumDifficulty,
    FormatReward,
    GroupBaseline,
    MixReward,
    RecordTranscripts,
    RubricReward,
    SystemPrompt,
    TimeLimit,
    ToolUse,
    TurnLimit,
)

RUBRIC = """
criteria:
  - name: right
    weight: 3
    scorer: math
  - name: short
    scorer: {length: {most: 100, margin: 40}}
"""


def math(**arguments):
    return gymnasium.make("InfiniteRL/Math-v0", **arguments)


near = pytest.approx


def answer(env):
    return f"<answer>{env.unwrapped.episode.task.answer}</answer>"


class Guess(TextEnv):
    """Any number of turns; `stop` ends the episode."""

    tasks_of_its_own = TaskList([Task.ask("Go on.", "stop", id="go", domain="guess")])

    def make_source(self):
        return self.tasks_of_its_own

    def respond(self, episode, action):
        episode.messages.append({"role": "assistant", "content": action})
        episode.messages.append({"role": "user", "content": "More?"})
        episode.finished = action in ("stop", "break")
        if action == "break":
            raise RuntimeError("ours")

    def grade(self, task, response):
        return RewardFunctionScore.scored(float(response == "stop"))


def guess(**arguments):
    gymnasium.register("Guess-v0", Guess) if "Guess-v0" not in gymnasium.registry else None
    return gymnasium.make("Guess-v0", **arguments)


WRAPPED = [
    lambda: SystemPrompt(math(), "Be brief."),
    lambda: MixReward(math(), {"correctness": 0.5, "format": 0.5}),
    lambda: FormatReward(math(), 0.2),
    lambda: AuxiliaryReward(math(), "length", 0.1, most=100),
    lambda: RubricReward(math(), RUBRIC),
    lambda: TurnLimit(math(), 2),
    lambda: TimeLimit(math(), 60.0),
    lambda: ToolUse(math(), ["calculator"], budget=1.0),
    lambda: CurriculumDifficulty(math(), window=3),
]


@pytest.mark.filterwarnings("error::UserWarning", "ignore:.*different from the unwrapped version")
@pytest.mark.parametrize("make", WRAPPED)
def test_every_wrapper_is_an_environment_that_its_spec_rebuilds(make):
    env = make()
    check_env(env, skip_render_check=True)
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert type(again) is type(env)
    first = [env.reset(seed=4), env.step("<answer>1</answer>")]
    second = [again.reset(seed=4), again.step("<answer>1</answer>")]
    assert repr(first) == repr(second)


def test_transcripts_need_a_text_environment():
    with pytest.raises(TypeError, match="SystemPrompt wraps text environments, not CartPoleEnv"):
        SystemPrompt(gymnasium.make("CartPole-v1"), "hello")


def test_a_system_prompt_stands_before_everything():
    env = SystemPrompt(math(), "Be brief.")
    observation, info = env.reset(seed=0)
    assert observation.startswith("Be brief.\n\nWhat is")
    assert info["messages"][0] == {"role": "system", "content": "Be brief."}
    assert env.step("1")[4]["messages"][0]["content"] == "Be brief."
    both = SystemPrompt(env, "First.").reset(seed=0)[1]["messages"]
    assert both[0]["content"] == "First.\n\nBe brief."


class Template:
    def apply_chat_template(self, conversation, *, tokenize, add_generation_prompt):
        text = "".join(f"<{message['role']}>{message['content']}" for message in conversation)
        return text + ("<assistant>" if add_generation_prompt else "")


def test_a_chat_template_renders_the_whole_conversation():
    env = ChatTemplate(guess(), Template())
    assert env.reset(seed=0)[0] == "<user>Go on.<assistant>"
    assert env.step("a")[0] == "<user>Go on.<assistant>a<user>More?<assistant>"
    assert env.step("stop")[0].endswith("<user>More?")


def test_rewards_are_mixed_from_components():
    def reward(wrap, action):
        env = wrap(math())
        env.reset(seed=0)
        return env.step(answer(env) if action == "right" else action)[1]

    assert reward(lambda env: MixReward(env, {"correctness": 0.7, "format": 0.2}), "right") == near(0.9)
    assert reward(lambda env: MixReward(env, {"format": 2.0}), "<answer>1000</answer>") == 2.0
    assert reward(lambda env: FormatReward(env, 0.5), "right") == 1.5
    assert reward(lambda env: FormatReward(env, 0.5), "no tags") == 0.0
    assert reward(lambda env: AuxiliaryReward(env, "length", 1.0, most=10), "x" * 20) == 0.0
    assert reward(lambda env: AuxiliaryReward(env, "length", 1.0, most=1_000), "x" * 20) == 1.0
    assert reward(lambda env: RubricReward(env, RUBRIC), "right") == 1.0
    assert reward(lambda env: RubricReward(env, RUBRIC), "<answer>1000</answer>") == near(0.25)


def test_a_rubric_that_fails_truncates_like_every_failure_of_ours():
    task = Task.ask("Order.", {"one": 1}, id="t", domain="order")
    env = FormatReward(RubricReward(MathEnv(TaskList([task])), "criteria: [{name: right, scorer: eq}]"), 1.0)
    env.reset()
    _, reward, terminated, truncated, info = env.step("<answer>1</answer>")
    assert (reward, terminated, truncated, info["status"]) == (0.0, False, True, Status.ERROR)


def test_a_rubric_does_not_tell_the_expected_answer():
    env = RubricReward(math(), RUBRIC)
    env.reset(seed=0)
    info = env.step("<answer>1000</answer>")[4]
    assert info["error_msg"] == info["score"].error_msg == "The answer is wrong."


def test_wrapped_components_reach_the_mixture():
    env = MixReward(AuxiliaryReward(math(), "repetition"), {"repetition": 1.0})
    env.reset(seed=0)
    _, reward, _, _, info = env.step("the same words again " * 50)
    assert reward == info["components"]["repetition"] < 0.2


def test_a_failure_of_ours_is_paid_nothing():
    env = MixReward(guess(), {"format": 1.0})
    env.reset(seed=0)
    _, reward, _, truncated, info = env.step("break")
    assert (reward, truncated, info["status"]) == (0.0, True, Status.ERROR)


@pytest.mark.parametrize(("name", "arguments"), [("beauty", {}), ("language", {"language": "Klingon"})])
def test_impossible_scores_are_refused(name, arguments):
    with pytest.raises((ValueError, KeyError)):
        AuxiliaryReward(math(), name, **arguments)


def test_a_turn_limit_grades_the_last_response():
    env = TurnLimit(guess(), 2)
    env.reset(seed=0)
    assert env.step("a")[2:4] == (False, False)
    _, _, terminated, truncated, info = env.step("b")
    assert (terminated, truncated, info["status"]) == (False, True, Status.SCORED)
    with pytest.raises(ValueError, match="turns must be at least 1"):
        TurnLimit(guess(), 0)


def test_a_time_limit_truncates():
    env = TimeLimit(guess(), 0.01)
    env.reset(seed=0)
    time.sleep(0.02)
    assert env.step("a")[2:4] == (False, True)
    env.reset(seed=0)
    time.sleep(0.02)
    assert env.step("stop")[1:4] == (1.0, True, False)
    with pytest.raises(ValueError, match="seconds must be positive"):
        TimeLimit(guess(), 0)


def test_a_call_that_is_too_long_is_refused_like_any_other_message():
    env = ToolUse(math(), ["calculator"])
    env.reset(seed=0)
    call = FORMATS["hermes"].write(ToolCall("calculator", {"expression": "1" * env.action_space.max_length}))
    assert env.step(call)[4]["status"] == Status.RESOURCE_LIMIT


def test_a_call_after_the_end_is_refused_like_any_other_message():
    env = ToolUse(math(), ["calculator"])
    env.reset(seed=0)
    env.step("<answer>1</answer>")
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(FORMATS["hermes"].write(ToolCall("calculator", {"expression": "1+1"})))


def test_any_environment_gets_tools():
    env = ToolUse(math(level=4), ["calculator"], budget=0.0, calls=2)
    observation, info = env.reset(seed=0)
    assert "calculator" in observation
    assert "What is" in observation
    expression = info["messages"][-1]["content"].removeprefix("What is ").partition("?")[0]
    call = FORMATS["hermes"].write(ToolCall("calculator", {"expression": expression}))
    result, reward, terminated, truncated, info = env.step(call)
    assert (reward, terminated, truncated) == (0.0, False, False)
    _, reward, terminated, _, info = env.step(f"<answer>{result}</answer>")
    assert (reward, terminated) == (1.0, True)
    assert [message["role"] for message in info["messages"]] == ["system", "user", "assistant", "tool", "assistant"]
    env.reset(seed=0)
    assert not env.step(call)[2]
    assert not env.step(call)[2]
    assert env.step(call)[2], "the third message with calls is the action"
    with pytest.raises(ValueError, match="tools must be of"):
        ToolUse(math(), ["hammer"])
    assert ToolUse(math(), "calculator").tool_schemas == ToolUse(math(), ["calculator"]).tool_schemas
    with pytest.raises(ValueError, match=r"Did you mean 'calculator'\?"):
        ToolUse(math(), "calculater")


def test_a_system_prompt_is_text():
    with pytest.raises(TypeError, match="text must be a str, not None"):
        SystemPrompt(math(), None)


def test_transcripts_are_lines_without_the_answer(tmp_path):
    path = tmp_path / "runs" / "transcripts.jsonl"

    def play(seed):
        env = RecordTranscripts(math(level=4), path)
        for episode in range(25):
            env.reset(seed=100 * seed + episode)
            env.step("<answer>\ud800 1</answer>")

    threads = [threading.Thread(target=play, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = [json.loads(line) for line in path.read_text("ascii").splitlines()]
    assert len(rows) == 100
    assert {row["status"] for row in rows} <= {"scored", "no_answer"}
    assert all(row["messages"][1]["content"] == "<answer>\ud800 1</answer>" for row in rows)
    assert all("answer" not in row for row in rows)


def test_difficulty_follows_success():
    env = CurriculumDifficulty(math(split="test"), up=0.8, down=0.3, window=4)

    def episode(right):
        _, info = env.reset(seed=None)
        env.step(answer(env) if right else "<answer>no</answer>")
        return info["level"]

    assert [episode(True) for _ in range(14)] == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 2
    assert [episode(False) for _ in range(10)] == [4] * 3 + [3] * 4 + [2] * 3
    assert env.unwrapped.tasks.split == "test"
    with pytest.raises(TypeError, match="no levels"):
        CurriculumDifficulty(guess())
    with pytest.raises(ValueError, match="down < up"):
        CurriculumDifficulty(math(), up=0.2, down=0.5)


@pytest.mark.parametrize("env_id", ["InfiniteRL/MultiDomain-v0", "InfiniteRL/SelfVerification-v0"])
def test_mixed_tasks_become_harder_too(env_id):
    weights = {"math": 3, "coding": 1}
    env = gymnasium.make(env_id, weights=weights, seed=5, split="test")
    env = CurriculumDifficulty(env, up=1.0, down=0.5, window=1)
    env.env.unwrapped.graders.score = lambda episodes: [RewardFunctionScore.scored(1.0)] * len(episodes)
    for level in (1, 2, 3, 4, 4):
        assert env.reset(options={"task_index": 7})[1]["level"] == level
        alone = gymnasium.make(env_id, weights=weights, seed=5, split="test", level=level).unwrapped
        assert env.unwrapped.episode.task == alone.tasks.task(7)
        env.step("any")
    several = Mixture({"easy": ArithmeticSource(level=1), "hard": ArithmeticSource(level=2)})
    with pytest.raises(TypeError, match="no levels"):
        CurriculumDifficulty(gymnasium.make("InfiniteRL/MultiDomain-v0", tasks=several))


def test_failures_of_ours_make_nothing_easier():
    env = CurriculumDifficulty(math(level=2), up=0.8, down=0.3, window=1)
    env.reset(seed=0)
    env.unwrapped.finish = lambda episodes: 1 / 0
    assert env.step("<answer>1</answer>")[4]["status"] == Status.ERROR
    assert env.reset()[1]["level"] == 2


def test_a_group_is_compared_with_its_own_mean():
    vector = GroupBaseline(TextVectorEnv(MathEnv, 4), 2)
    vector.reset(seed=0, options={"group_size": 2})
    answers = [f"<answer>{episode.task.answer}</answer>" for episode in vector.unwrapped.episodes]
    *_, infos = vector.step((answers[0], "no", answers[2], answers[3]))
    assert infos["advantage"].tolist() == [0.5, -0.5, 0.0, 0.0]
    assert infos["_advantage"].all()


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_members_that_end_at_different_times_wait_for_each_other(mode):
    vector = GroupBaseline(TextVectorEnv(Guess, 2, autoreset_mode=mode, max_turns=3), 2)
    vector.reset(seed=0)
    assert "advantage" not in vector.step(("stop", "a"))[4]
    seen = [vector.step(("stop", "a"))[4] for _ in range(8)]
    found = [
        (infos["advantage"].tolist(), infos["advantage_episode"].tolist()) for infos in seen if "advantage" in infos
    ]
    assert found[0] == ([0.5, -0.5], [0, 0])
    assert found[1][1] == [1, 1]


def test_failures_of_ours_are_left_out_of_the_mean():
    vector = GroupBaseline(TextVectorEnv(Guess, 3), 3)
    vector.reset(seed=0)
    vector.step(("break", "a", "a"))
    *_, infos = vector.step(("x", "stop", "stop"))
    assert infos["advantage"].tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="group_size must divide"):
        GroupBaseline(TextVectorEnv(Guess, 3), 2)
    assert np.isfinite(infos["advantage"]).all()


def test_weights_that_name_no_component_are_refused():
    with pytest.raises(ValueError, match="weights is empty"):
        MixReward(math(), {})
    env = MixReward(math(), {"corectness": 1.0})
    env.reset(seed=0)
    with pytest.raises(ValueError, match="names 'corectness'; the components are format, correctness"):
        env.step("<answer>1</answer>")


def test_transcripts_make_their_folder_and_no_more(tmp_path):
    assert RecordTranscripts(math(), tmp_path / "new" / "x.jsonl").path.parent.is_dir()
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        RecordTranscripts(math(), tmp_path / "no" / "such" / "x.jsonl")
    assert not (tmp_path / "no").exists()
