"""The job with tools: demonstrations, words that are single tokens, and runs over several turns."""

import json

import pytest

from infinite_rl.agents.models.tiny_model import make_tokenizer
from infinite_rl.agents.rollouts.manager import RolloutManager
from infinite_rl.agents.runs.data import load_splits
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.train import main
from infinite_rl.agents.updates.demonstrations import demonstrations, refrains, solved
from infinite_rl.buffers.tasks import TaskDraw
from infinite_rl.datasets.task import Task, TaskList

JOB = "env=self_verification"
SMALL = ["data.train_size=40", "data.validation_size=10", "data.test_size=15"]
SHORT = ["trainer.steps=2", "trainer.progress=false", "model.warm_start.max_steps=1", "evaluation.every=1"]
SHORT += ["data.prompts_per_rollout=2", "data.responses_per_prompt=2", "evaluation.samples_per_prompt=1"]


@pytest.fixture
def splits():
    return load_splits(load_config(overrides=[JOB, *SMALL]).data, seed=0)


def rows_of(folder, phase):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if row["phase"] == phase]


def test_a_share_of_the_tasks_is_first_put_to_the_calculator(splits):
    env = splits.envs["train"]
    for share, least, most in ((0.0, 0, 0), (0.5, 10, 30), (1.0, 40, 40)):
        found = demonstrations(splits.train, env, tool_share=share, key=1)
        assert least <= sum(len(turns) == 2 for turns in found) <= most
    for task, ((_, call), (heard, answer)) in zip(splits.train.tasks, found, strict=True):
        assert call == f"<calculator>{task.metadata['expression']}</calculator>"
        assert answer == f"<answer>{task.answer}</answer>"
        assert [message["content"] for message in heard] == [f"<result>\n{task.answer}\n</result>"]


def test_demonstrations_are_right_and_their_records_are_those_of_rollouts(splits, scripted):
    """A policy that says what they say is shown the same tokens, and earns the reward."""
    env = splits.envs["train"]
    tokenizer = make_tokenizer(refrains(splits.train, env, tool_share=0.5))
    said = demonstrations(splits.train, env, tool_share=1.0)
    rows = solved(splits.train, tokenizer, env, tool_share=1.0)
    for index in range(5):
        inference = scripted(tokenizer, lambda turn, row, i=index: said[i][turn][1] + "<eos>")
        (found,) = RolloutManager(env, inference=inference).collect([TaskDraw(index)])
        assert found.token_ids.tolist() == rows[index].token_ids.tolist()
        assert found.action_mask.tolist() == rows[index].action_mask.tolist()
        assert found.state["components"]["quality"] == 1
        assert float(found.reward) == pytest.approx(0.99)


def test_what_the_environment_always_says_is_a_few_tokens(splits):
    env = splits.envs["train"]
    phrases = refrains(splits.train, env, tool_share=0.5)
    rows, spelt = (solved(splits.train, make_tokenizer(words), env) for words in (phrases, ()))
    assert {"<calculator>", "</calculator>", "<result>", "What is "} <= set(phrases)
    assert max(len(row.token_ids) for row in rows) < 40 < 300 < min(len(row.token_ids) for row in spelt)
    tokenizer = make_tokenizer(phrases)
    for short, long in zip(rows, spelt, strict=True):
        assert tokenizer.decode(short.token_ids) == make_tokenizer().decode(long.token_ids)


def test_refrains_are_those_of_each_domain_that_has_a_few_tasks(quiz):
    def asked(domain, says, count):
        return [Task.ask(f"{says} {i}?", str(i), id=f"{domain}{i}", domain=domain) for i in range(count)]

    tasks = [*asked("a", "What follows", 40), *asked("b", "Who is before", 4), *asked("c", "Said in few", 3)]
    env = quiz(TaskList(tasks))
    assert refrains(env.tasks, env, tool_share=0.5) == ["</answer>", "<answer>", "What follows ", "Who is before "]
    alone = TaskList(tasks[-3:])
    assert refrains(alone, quiz(alone), tool_share=0.5) == ["</answer>", "<answer>", "Said in few "]


def test_wordings_and_what_stands_around_names_are_refrains(quiz):
    wordings = ("{} must come before {}.\nPlan them.", "{} must come before {}.\nIn which order do they come?")
    names = [chr(ord("A") + i % 26) * (1 + i // 26) for i in range(100)]
    tasks = [
        Task.ask(wordings[i % 2].format(names[i], names[i - 1]), "A", id=f"t{i}", domain="logic/order")
        for i in range(100)
    ]
    found = refrains(TaskList(tasks), quiz(TaskList(tasks)), tool_share=0.5)
    assert found == ["</answer>", "<answer>", "In which order do they come?", "Plan them.", "must come before"]


def test_tasks_without_refrains_get_the_plain_tokenizer(quiz):
    env = quiz()
    assert refrains(env.tasks, env, tool_share=0.5) == ["</answer>", "<answer>"]
    nothing = quiz(TaskList([Task.ask("q", None, id="t", domain="d")]))
    assert refrains(nothing.tasks, nothing, tool_share=0.5) == []
    assert make_tokenizer(["<answer>"]).get_vocab() == make_tokenizer().get_vocab()


def test_a_run_over_several_turns_reports_calls_turns_and_limits(tmp_path):
    assert main([JOB, *SMALL, *SHORT, "rollout.max_length=40", f"trainer.save_dir={tmp_path}"]) == 0
    for row in [*rows_of(tmp_path, "eval"), *rows_of(tmp_path, "train")]:
        assert {"reward/calls", "reward/quality", "reward/verification_cost"} <= row.keys()
        assert any(name.startswith("truncated/") for name in row)
    assert json.loads((tmp_path / "summary.json").read_text())["status"] == "finished"


def test_evaluation_may_take_the_likeliest_tokens_or_filter_them(tmp_path):
    greedy, filtered = tmp_path / "greedy", tmp_path / "filtered"
    for folder, how in ((greedy, "evaluation.temperature=0"), (filtered, "evaluation.top_k=1")):
        arguments = [*SMALL, *SHORT, "trainer.steps=0", how, "evaluation.samples_per_prompt=2"]
        assert main([*arguments, f"trainer.save_dir={folder}"]) == 0
        assert {row["pass_rate"] for row in rows_of(folder, "eval")} <= {0.0, *(i / 15 for i in range(16))}
    said = [[json.loads(line) for line in (one / "transcripts.jsonl").open()] for one in (greedy, filtered)]
    for row in (row for rows in said for row in rows):
        row["tokens"].pop("logprobs")  # a token that alone is left is certain
    assert said[0] == said[1]


@pytest.mark.slow
def test_a_run_whose_judge_goes_away_ends_with_one_clear_line(tmp_path, capsys, caplog):
    (tmp_path / "env.py").write_text(
        "calls = []\n\ndef interact(messages):\n    return []\n\n"
        "def reward_fn(messages, answer):\n    calls.append(1)\n"
        "    if len(calls) > 10:\n        raise ConnectionError('the judge is gone')\n    return 1.0\n"
    )
    tasks = [{"messages": [{"role": "user", "content": f"{i}+1="}], "answer": str(i + 1)} for i in range(60)]
    (tmp_path / "tasks.jsonl").write_text("".join(json.dumps(task) + "\n" for task in tasks))
    data = [f"data.env={tmp_path / 'env.py'}", f"data.train_path={tmp_path / 'tasks.jsonl'}"]
    short = [
        *SHORT,
        "data.test_size=8",
        "model.warm_start.max_steps=0",
        "trainer.steps=9",
        "evaluation.every=99",
        "rollout.patience=2",
    ]
    folder = tmp_path / "run"
    assert main(["env=any", "data=file", *data, *short, f"trainer.save_dir={folder}"]) == 1
    message = capsys.readouterr().err
    assert "error: the run ended at step" in message
    assert "not one episode of the last 2 collections could be judged" in message
    assert "ConnectionError: the judge is gone" in message
    assert sum("do not count" in record.getMessage() for record in caplog.records) == 1
    failed = [row["failures/error"] for row in rows_of(folder, "train") if "failures/error" in row]
    assert failed[-1] == 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_job_learns_to_use_its_tool(seed, tmp_path):
    assert main([JOB, f"seed={seed}", "trainer.progress=false", f"trainer.save_dir={tmp_path}"]) == 0
    before, after = (row for row in rows_of(tmp_path, "eval") if row["split"] == "test")
    assert after["pass_rate"] - before["pass_rate"] >= 0.3
    assert after["reward/calls"] > before["reward/calls"] + 0.2
    assert json.loads((tmp_path / "summary.json").read_text())["cpu_seconds"] <= 300
