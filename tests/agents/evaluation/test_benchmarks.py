import gzip
import json
import sys
from pathlib import Path

import pytest

from infinite_rl import cli
from infinite_rl.agents.evaluation.benchmarks import BENCHMARKS, continued, program_of
from infinite_rl.agents.evaluation.results import read_results
from infinite_rl.agents.evaluation.subject import benchmark

sys.path.insert(0, str(Path(__file__).parents[2] / "runtimes"))
from chat_server import serving

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
ROWS = {
    "gsm8k": {"question": "Two and two?", "answer": "2+2=4\n#### 1,004"},
    "math-500": {"problem": "Half?", "answer": "\\frac{1}{2}", "subject": "Algebra", "level": 2, "unique_id": "a/1"},
    "aime-2024": {"ID": "2024-I-1", "Problem": "How many?", "Answer": 33, "Solution": "…"},
    "aime-2025": {"id": 7, "problem": "How many?", "answer": "070"},
    "humaneval": {
        "task_id": "HumanEval/0",
        "prompt": "from math import pi\n\n\ndef two():\n    return 2\n\n\ndef area(r):\n    '''The area.'''\n",
        "entry_point": "area",
        "canonical_solution": "    return two() * pi * r * r / 2\n",
        "test": "def check(candidate):\n    assert abs(candidate(1) - 3.14159265) < 1e-6\n",
    },
    "mbpp": {
        "task_id": 11,
        "text": "Write a function to add.",
        "code": "def add(a, b):\n    return a + b",
        "test_list": ["assert add(1, 2) == 3", "assert add(-1, 1) == 0"],
        "test_setup_code": "",
    },
}
RIGHT = {
    "gsm8k": {"boxed": "So \\boxed{1004}.", "tagged": "<answer>1004</answer>"},
    "math-500": {"boxed": "\\boxed{0.5}", "tagged": "<answer>1/2</answer>"},
    "aime-2024": {"boxed": "\\boxed{33}", "tagged": "<answer>033</answer>"},
    "aime-2025": {"boxed": "\\boxed{70}", "tagged": "<answer>70</answer>"},
    "humaneval": {
        "chat": "Sure:\n```python\ndef area(r):\n    return two() * pi * r * r / 2\n```\n"
        "Try it:\n```python\nprint(area(1))\n```",
        "continue": "    return two() * pi * r * r / 2\n\n\ndef check(c):\n    assert False",
    },
    "mbpp": {"chat": "```python\ndef add(a, b):\n    return a + b\n```"},
}
WRONG = {
    "boxed": ["\\boxed{5}", "1004", "<answer>5</answer>", "\\boxed{1004"],
    "tagged": ["<answer>5</answer>", "\\boxed{1004}", ""],
    "chat": [
        "```python\ndef area(r):\n    return 0\ndef add(a, b):\n    return 0\n```",
        "def area(r): return pi",
        "",
        "```",
    ],
    "continue": ["    return 0", "", "\ndef area(r):\n    return 3.14159265"],
}


@pytest.fixture
def files(tmp_path):
    for name, row in ROWS.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return tmp_path


def graded(subject, response):
    env = subject.env
    episode = env.begin(env.tasks.task(0), 0)
    env.advance([episode], [response])
    return episode


STYLES = [(name, style.name) for name, one in BENCHMARKS.items() for style in one.styles]


@pytest.mark.parametrize(("name", "style"), STYLES)
def test_right_answers_pass_and_wrong_ones_do_not(files, name, style):
    subject = benchmark(name, file=files / f"{name}.jsonl", prompt=style)
    right = graded(subject, RIGHT[name][style])
    assert right.reward == 1, right.score
    assert subject.env.answer_of(right) is not None
    for response in WRONG[style]:
        assert graded(subject, response).reward == 0, response
    assert graded(subject, f"<think>{RIGHT[name][style]}").reward == 0, "thinking is no answer"


@pytest.mark.parametrize(("name", "style"), STYLES)
def test_a_prompt_asks_the_question_and_says_where_the_answer_goes(files, name, style):
    subject = benchmark(name, file=files / f"{name}.jsonl", prompt=style)
    (message,) = subject.env.tasks.task(0).messages
    question = ROWS[name].get("question") or ROWS[name].get("problem") or ROWS[name].get("Problem")
    question = question or ROWS[name].get("text") or ROWS[name]["prompt"].strip()
    assert question in message["content"]
    told = {"boxed": "\\boxed{}", "tagged": "<answer> and </answer>", "chat": "in one fenced block", "continue": ""}
    assert told[style] in message["content"]
    assert str(ROWS[name].get("answer", "no such text")) not in message["content"]
    if style == "continue":
        assert message["content"] == ROWS[name]["prompt"], "to be gone on with, as it stands"


def test_the_prompt_is_hashed_and_the_data_are_those_of_any_prompt(files):
    one, other = (
        benchmark("gsm8k", file=files / "gsm8k.jsonl", prompt=style).hashes() for style in ("boxed", "tagged")
    )
    assert one["data"] == other["data"]
    assert one["prompts"] != other["prompts"]


def test_unknown_names_are_told_with_those_there_are(files):
    with pytest.raises(ValueError, match=r"no benchmark 'gsm9k'.*gsm8k"):
        benchmark("gsm9k")
    with pytest.raises(ValueError, match="gsm8k has no style 'x'; it has boxed"):
        benchmark("gsm8k", file=files / "gsm8k.jsonl", prompt="x")


def test_a_program_is_the_last_block_that_defines_the_function():
    known = {"function": "f", "preamble": "import os"}
    blocks = "```python\ndef f(): 1\n```\nbetter:\n```python\ndef f(): 2\n```\n```python\nprint(f())\n```"
    assert program_of(blocks, known) == "import os\ndef f(): 2"
    assert program_of("```\nx = 1\n```", known) == "import os\nx = 1"
    assert program_of("def f(): 1", known) is None
    assert program_of("<think>```python\ndef f(): 1\n```</think>nothing", known) is None


def test_a_continuation_ends_where_something_else_begins():
    known = {"prompt": "def f():\n"}
    for end in ("\ndef g():", "\nclass A:", "\nif True:", "\nprint(f())", "\n# test", "\n@cache"):
        assert continued(f"    return 1\n{end}\n    return 2", known) == "def f():\n    return 1"
    assert continued("    # a remark\n    return 1", known) == "def f():\n    # a remark\n    return 1"
    assert continued("  \n ", known) is None


def test_hostile_replies_take_linear_time(files):
    subject = benchmark("humaneval", file=files / "humaneval.jsonl")
    for response in (
        "```" * 300_000,
        "\ndef " * 200_000,
        "<answer>" * 100_000,
        "```python\n" + "(" * 100_000 + "\n```",
    ):
        assert graded(subject, response).reward == 0


def test_a_benchmark_is_evaluated_and_graded_again_from_the_command_line(files, tmp_path, capsys):
    with serving(lambda request: RIGHT["humaneval"]["chat"]) as server:
        given = ["--benchmark", "humaneval", "--file", str(files / "humaneval.jsonl"), "--base-url", server.url]
        assert cli.main(["eval", *given, "--model", "m", "--out", str(tmp_path / "out")]) == 0
    run = read_results(tmp_path / "out").run
    assert (run["env"]["id"], run["env"]["version"], run["env"]["split"]) == ("humaneval", "v1", "test")
    assert run["sampling"]["prompt"] == "chat"
    assert cli.main(["reverify", str(tmp_path / "out"), "--file", str(files / "humaneval.jsonl")]) == 0
    assert "1 sample graded again, 0 verdicts changed" in capsys.readouterr().out
    assert cli.main(["reverify", str(tmp_path / "out"), "--file", str(files / "mbpp.jsonl")]) == 2
    assert "hashes.data differs" in capsys.readouterr().err


def test_a_text_model_is_asked_for_completions(files, tmp_path):
    def goes_on(request):
        assert request["prompt"] == ROWS["humaneval"]["prompt"]
        assert request["stop"] == ["\nclass ", "\ndef ", "\nif ", "\nprint("]
        assert request["max_tokens"] == 1024
        choice = {"index": 0, "text": RIGHT["humaneval"]["continue"], "finish_reason": "stop"}
        return 200, {"choices": [choice] * request["n"], "usage": {"prompt_tokens": 5, "completion_tokens": 9}}, {}

    with serving(goes_on) as server:
        given = [
            "--benchmark",
            "humaneval",
            "--prompt",
            "continue",
            "--file",
            str(files / "humaneval.jsonl"),
            "-n",
            "2",
        ]
        given += ["--base-url", server.url, "--model", "base", "--out", str(tmp_path / "out")]
        assert cli.main(["eval", *given]) == 0
    assert server.paths == ["/v1/completions"]
    result = read_results(tmp_path / "out").result
    assert result["scores"]["pass@2"]["value"] == 1
    assert result["usage"]["completion_tokens"] == 9


@pytest.mark.slow
@pytest.mark.parametrize("style", ["chat", "continue"])
def test_the_solutions_of_humaneval_pass(style):
    path = DATA / "HumanEval.jsonl.gz"
    if not path.exists():
        pytest.skip("the file of HumanEval is not there")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    subject = benchmark("humaneval", file=path, prompt=style)
    env = subject.env
    episodes = [env.begin(task, index) for index, task in subject.tasks.items()]
    wholes = [row["prompt"] * (style == "chat") + row["canonical_solution"] for row in rows]
    env.advance(episodes, [f"```python\n{text}\n```" if style == "chat" else text for text in wholes])
    assert [episode.task.id for episode in episodes if episode.reward < 1] == []


def test_the_answers_of_gsm8k_pass():
    path = DATA / "gsm8k_test.jsonl.gz"
    if not path.exists():
        pytest.skip("the file of GSM8K is not there")
    subject = benchmark("gsm8k", file=path)
    env = subject.env
    episodes = [env.begin(task, index) for index, task in subject.tasks.items()]
    assert len(episodes) == 1319
    env.advance(episodes, [f"\\boxed{{{episode.task.answer}}}" for episode in episodes])
    assert all(episode.reward == 1 for episode in episodes)


def test_without_a_file_the_tasks_are_those_of_the_hub(monkeypatch):
    asked = []

    def rows(name, split):
        asked.append(f"{split}@{name}")
        key = next(key for key, one in BENCHMARKS.items() if one.hub == asked[-1])
        yield 1, f"{asked[-1]}, row 1", ROWS[key]

    monkeypatch.setattr("infinite_rl.datasets.files.hub_rows", rows)
    for name, one in BENCHMARKS.items():
        subject = benchmark(name)
        assert graded(subject, RIGHT[name][one.styles[0].name]).reward == 1
        assert subject.about["split"] == one.hub.partition("@")[0]
    assert asked == [
        "test@openai/gsm8k:main",
        "test@HuggingFaceH4/MATH-500",
        "train@HuggingFaceH4/aime_2024",
        "test@math-ai/aime25",
        "test@openai/openai_humaneval",
        "test@google-research-datasets/mbpp:full",
    ]
