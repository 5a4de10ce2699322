import pytest

from infinite_rl import RewardFunctionScore, Status, Task, ToolEnv
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.adapters.files import write_module
from infinite_rl.envs.adapters.rows import make_text_env, news, replay
from infinite_rl.envs.tools.builtin import calculator


class SumEnv(ToolEnv):
    """Compute."""

    def make_tools(self):
        return [calculator(cost=0.1)]

    def grade(self, task, response):
        return RewardFunctionScore.scored(float(task.answer in response))


CALL = '<tool_call>{"name": "calculator", "arguments": {"expression": "2^64"}}</tool_call>'
RIGHT = f"It is {2**64}."


@pytest.fixture
def sums():
    return SumEnv(TaskList([Task.ask("What is 2^64?", str(2**64), id="power", domain="sums")]), max_turns=3)


@pytest.mark.parametrize(
    ("actions", "score"),
    [
        ([RIGHT], 1.0),
        ([CALL, RIGHT], 1.0),
        ([CALL, CALL, RIGHT], 1.0),
        ([CALL, CALL, CALL, RIGHT], 0.0),  # beyond the turn limit
        (["no", RIGHT], 0.0),  # the first answer ended it
        ([CALL], 0.0),  # graded as it stands
        ([], 0.0),
    ],
)
def test_a_transcript_is_played_again(sums, actions, score):
    replayed = replay(sums, 0, actions)
    assert (replayed.correctness_score, replayed.status) == (score, Status.SCORED)


def test_a_transcript_scores_what_the_episode_did():
    env = make_text_env("InfiniteRL/Math-v0")
    for index in range(5):
        for answer in (f"<answer>{env.tasks.task(index).answer}</answer>", "no"):
            env.reset(options={"task_index": index})
            assert replay(env, index, [answer]).correctness_score == env.step(answer)[1]


def test_news_are_what_came_since_the_assistant_spoke(sums):
    episode = sums.begin(sums.tasks.task(0), 0)
    assert [message["content"] for message in news(episode)][-1] == "What is 2^64?"
    sums.advance([episode], [CALL])
    (result,) = news(episode)
    assert result["content"] == str(2**64)
    result["content"] = "changed"
    assert news(episode)[0]["content"] == str(2**64)


def test_a_module_holds_what_it_was_written_with(tmp_path):
    path = tmp_path / "made.py"
    arguments = {"words": ['"""', "{name}", "\\", "\n"], "none": None, "deep": {"yes": True}}
    write_module(path, "name = {name!r}\narguments = {arguments!r}\n", arguments=arguments)
    made = {}
    exec(path.read_text(), made)
    assert (made["name"], made["arguments"]) == ("made", arguments)
    for bad in ("my-module.py", "class.py", "1.py"):
        with pytest.raises(ValueError, match="no name of a Python module"):
            write_module(tmp_path / bad, "", arguments={})
    with pytest.raises(TypeError, match="JSON values"):
        write_module(path, "", arguments={"set": {1}})
