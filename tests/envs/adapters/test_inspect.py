import pytest

inspect_ai = pytest.importorskip("inspect_ai")
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from infinite_rl import RewardFunctionScore, Task, ToolEnv
from infinite_rl.datasets.task import TaskList
from infinite_rl.envs.adapters.inspect import export, inspect_task
from infinite_rl.envs.adapters.rows import make_text_env
from infinite_rl.envs.tools.builtin import calculator

ID = "InfiniteRL/Math-v0"


def evaluate(task, outputs, tmp_path, **options):
    """What Inspect logs of a model that says these texts: in turn, or by the first message."""
    turns = iter(outputs)

    def say(messages, *_):
        text = outputs[messages[0].text] if isinstance(outputs, dict) else next(turns)
        output = ModelOutput.from_content("mockllm", text)
        # Given, because Inspect would download a tokenizer to count.
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output

    options = {"display": "none", "log_dir": str(tmp_path)} | options
    (log,) = inspect_ai.eval(task, model=get_model("mockllm/model", custom_outputs=say), **options)
    assert log.status == "success", log.error
    return log


def samples_of(log):
    return sorted(log.samples, key=lambda sample: sample.metadata["task_index"])


def scores_of(log):
    return [next(iter(sample.scores.values())) for sample in samples_of(log)]


def test_inspect_scores_right_and_wrong_answers(tmp_path):
    env = make_text_env(ID, level=2)
    right = [f"<answer>{env.tasks.task(index).answer}</answer>" for index in range(4)]

    def prompt_of(index):
        return env.tasks.task(index).prompt

    answers = dict(zip(map(prompt_of, range(4)), [right[0], "no", "<answer>0.5</answer>", right[3]], strict=True))
    log = evaluate(inspect_task(ID, 4, level=2), answers, tmp_path)
    scores = scores_of(log)
    assert [score.value for score in scores] == [1.0, 0.0, 0.0, 1.0]
    assert scores[1].metadata["status"] == "no_answer"
    assert log.results.scores[0].metrics["mean"].value == 0.5
    assert [sample.input[0].text for sample in samples_of(log)] == list(map(prompt_of, range(4)))
    assert all(sample.target == "" for sample in log.samples)


class SumEnv(ToolEnv):
    """Compute."""

    def make_tools(self):
        return [calculator(cost=0.1)]

    def grade(self, task, response):
        return RewardFunctionScore.scored(float(task.answer in response))


@pytest.fixture
def sums():
    return SumEnv(TaskList([Task.ask("What is 2^64?", str(2**64), id="power", domain="sums")]), budget=0.5)


CALL = '<tool_call>{"name": "calculator", "arguments": {"expression": "2^64"}}</tool_call>'


def test_several_turns(sums, tmp_path):
    log = evaluate(inspect_task(sums), [CALL, f"It is {2**64}."], tmp_path)
    (sample,) = log.samples
    assert [message.role for message in sample.messages][-4:] == ["user", "assistant", "user", "assistant"]
    assert sample.messages[-2].text == str(2**64)
    assert scores_of(log)[0].value == 1.0


def test_transcripts_of_other_solvers_are_scored_too(sums, tmp_path):
    from inspect_ai.solver import generate

    for answer, value in ((f"It is {2**64}.", 1.0), ("no", 0.0), (CALL, 0.0)):
        log = evaluate(inspect_task(sums), [answer], tmp_path, solver=generate())
        assert scores_of(log)[0].value == value


def test_a_failure_of_ours_is_unscored(tmp_path, monkeypatch):
    env = make_text_env(ID)

    def broken(episodes):
        raise OSError("no disk")

    monkeypatch.setattr(env, "finish", broken)
    log = evaluate(inspect_task(env, 1), ["<answer>1</answer>"], tmp_path)
    (score,) = scores_of(log)
    assert score.value != score.value
    assert score.reason == "scoring_failed"
    assert "no disk" in score.explanation


def test_inspect_runs_an_exported_file(tmp_path):
    path = tmp_path / "math_task.py"
    export(path, ID, 3, level=2, split="test")
    tasks = [make_text_env(ID, level=2, split="test").tasks.task(index) for index in (1, 2)]
    right = {task.prompt: f"<answer>{task.answer}</answer>" for task in tasks}
    log = evaluate(f"{path}@math_task", right, tmp_path, task_args={"count": 2, "start": 1})
    assert [score.value for score in scores_of(log)] == [1.0, 1.0]
    assert log.eval.task == "Math-v0"


def test_what_cannot_be_exported_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no name of a Python module"):
        export(tmp_path / "math-task.py", ID, 3)
    with pytest.raises(ValueError, match="tasks"):
        export(tmp_path / "math_task.py", ID, 0)
