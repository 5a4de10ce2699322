import json
import sys
from pathlib import Path

import pytest

from infinite_rl import cli
from infinite_rl.agents.evaluation import reverify_command
from infinite_rl.agents.evaluation.regrading import changes, regrade
from infinite_rl.agents.evaluation.results import read_results
from infinite_rl.agents.evaluation.subject import subject_of
from infinite_rl.datasets.folder import FolderInUseError, alone_in

sys.path.insert(0, str(Path(__file__).parents[2] / "runtimes"))
from chat_server import serving


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """An evaluation with right, wrong and missing answers."""
    out = tmp_path_factory.mktemp("evaluation") / "out"
    texts = iter(["<answer>4</answer>", "no tags", "<answer>8</answer>"] * 20)
    with serving(lambda request: next(texts)) as server:
        given = ["--env", "Math-v0", "--tasks", "10", "-n", "3", "--one-by-one", "--base-url", server.url]
        assert cli.main(["eval", *given, "--model", "m", "--out", str(out)]) == 0
    return out


@pytest.fixture
def folder(finished, tmp_path):
    for path in finished.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def edit(folder, place, change):
    """Changes the sample in a line."""
    lines = (folder / "samples.jsonl").read_text("utf-8").splitlines()
    sample = json.loads(lines[place])
    change(sample)
    lines[place] = json.dumps(sample)
    (folder / "samples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return sample


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def reverified(folder, capsys, *more):
    code = cli.main(["reverify", str(folder), "--json", *more])
    return code, json.loads(capsys.readouterr().out)


def test_what_was_graded_is_graded_the_same_again(folder, capsys):
    before = contents(folder)
    code, found = reverified(folder, capsys)
    assert (code, found) == (0, {"samples": 30, "changed": [], "missing": 0, "written": False})
    assert contents(folder) == before


def test_a_finished_run_that_lacks_samples_is_told(folder, capsys):
    lines = (folder / "samples.jsonl").read_text("utf-8").splitlines()
    (folder / "samples.jsonl").write_text("\n".join(lines[2:]) + "\n", encoding="utf-8")
    code, found = reverified(folder, capsys)
    assert (code, found["missing"]) == (1, 2)
    assert cli.main(["reverify", str(folder)]) == 1
    assert "28 samples graded again, 0 verdicts changed, 2 missing" in capsys.readouterr().out
    (folder / "result.json").unlink()
    assert reverified(folder, capsys) == (0, {"samples": 28, "changed": [], "missing": 0, "written": False})


def test_nobody_else_works_in_the_folder_from_reading_to_writing(folder, monkeypatch):
    edit(folder, 4, lambda one: one.update(passed=not one["passed"], reward=1.0 - one["reward"]))
    tried = []

    def reading(place):
        with pytest.raises(FolderInUseError), alone_in(place, "evaluates"):
            tried.append("got in")
        tried.append("refused")
        return read_results(place)

    monkeypatch.setattr(reverify_command, "read_results", reading)
    assert cli.main(["reverify", str(folder), "--write"]) == 1
    assert tried == ["refused"]
    with alone_in(folder, "evaluates"):
        assert cli.main(["reverify", str(folder)]) == 0, "who only reads disturbs nobody"


@pytest.mark.parametrize("more", [(), ("--write",)])
def test_a_folder_that_is_not_there_is_named(tmp_path, capsys, more):
    assert cli.main(["reverify", str(tmp_path / "nowhere"), *more]) == 2
    assert "no run.json, so no evaluation lies there" in capsys.readouterr().err


def test_a_changed_verdict_is_told_and_written_only_if_that_is_asked_for(folder, capsys):
    flipped = edit(folder, 4, lambda one: one.update(passed=not one["passed"], reward=1.0 - one["reward"]))
    before = contents(folder)
    code, found = reverified(folder, capsys)
    assert code == 1
    (change,) = found["changed"]
    assert (change["task_id"], change["sample"]) == (flipped["task_id"], flipped["sample"])
    assert change["was"]["passed"] != change["now"]["passed"]
    assert contents(folder) == before
    assert cli.main(["reverify", str(folder)]) == 1
    assert f"{flipped['task_id']}, sample {flipped['sample']}: " in capsys.readouterr().out
    assert reverified(folder, capsys, "--write")[1]["written"]
    assert reverified(folder, capsys)[0] == 0
    scores = read_results(folder).result["scores"]
    assert scores["pass@1"]["value"] == pytest.approx(sum(one["passed"] for one in read_results(folder).samples) / 30)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda one: one["messages"][0].update(content="What is 2+2?"), "opens with other messages than the task"),
        (lambda one: one.update(task_id="arithmetic/0+0"), "not 'arithmetic/0+0'"),
        (lambda one: one["messages"].append({"role": "assistant", "content": "x"}), "goes on after the episode's end"),
        (lambda one: one["messages"].append({"role": "user", "content": "x"}), "the environment says something else"),
    ],
)
def test_a_transcript_that_is_not_of_the_task_is_an_error(folder, capsys, change, problem):
    edit(folder, 0, change)
    code, found = reverified(folder, capsys)
    assert code == 1
    assert found["changed"][0]["now"]["status"] == "error"
    assert problem in found["changed"][0]["error_msg"]


def test_an_answer_that_was_changed_is_graded_as_what_it_is(folder):
    def claims(sample):
        sample["messages"][-1]["content"] = "<answer>1000</answer>"
        sample.update(passed=True, reward=1.0, status="scored")

    edit(folder, 0, claims)
    results = read_results(folder)
    again = regrade(results.samples, subject_of(results.run).env)
    (change,) = changes(results.samples, again)
    assert change["now"] == {"passed": False, "status": "scored", "reward": 0.0}
    assert again[0]["answer"] == "1000"
    assert again[1:] == results.samples[1:]


def test_what_the_endpoint_broke_off_stays_as_it_is(folder):
    nothing = {"passed": False, "reward": 0.0, "components": {}, "answer": None, "terminated": False, "turns": 0}
    edit(folder, 0, lambda one: one.update(nothing, status="endpoint_error", messages=one["messages"][:-1]))
    results = read_results(folder)
    assert regrade(results.samples, subject_of(results.run).env) == results.samples


@pytest.mark.parametrize("status", ["error", "endpoint_error"])
def test_an_answer_that_is_hidden_as_a_failure_is_a_change(folder, capsys, status):
    hidden = {"status": status, "reward": 0.0, "passed": False}
    edit(folder, 0, lambda one: one.update(hidden, messages=[]))
    edit(folder, 1, lambda one: one.update(hidden))
    code, found = reverified(folder, capsys)
    assert (code, len(found["changed"])) == (1, 2)
    assert "opens with other messages than the task" in found["changed"][0]["error_msg"]


def test_other_tasks_are_refused(folder, capsys):
    run = json.loads((folder / "run.json").read_text("utf-8"))
    run["env"]["arguments"]["level"] = 2
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    assert cli.main(["reverify", str(folder)]) == 2
    assert "hashes.data differs" in capsys.readouterr().err


def test_what_is_no_evaluation_is_refused(tmp_path, capsys):
    assert cli.main(["reverify", str(tmp_path)]) == 2
    assert "no evaluation lies there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({"id": "this:Zen-v0"}, "names a module"),
        ({"arguments": {"tasks": "/etc/passwd"}}, "env.arguments.tasks is not taken from a run"),
        ({"arguments": {"tasks": "secret.jsonl"}}, "give it with --file"),
        ({"arguments": {"tasks": "train@someone/tasks"}}, "env.arguments.tasks is not taken from a run"),
        ({"arguments": {"corpus": "http://127.0.0.1:1/"}}, "env.arguments.corpus is not taken from a run"),
        ({"arguments": {"index": "written-here"}}, "env.arguments.index is not taken from a run"),
        (
            {"arguments": {"embeddings": {"base_url": "http://127.0.0.1:1/v1", "model": "m"}}},
            "env.arguments.embeddings is not taken from a run",
        ),
        ({"arguments": {"level": {"base_url": "a"}}}, "env.arguments.level is not taken from a run"),
        ({"arguments": {"families": [{"base_url": "a"}]}}, "env.arguments.families is not taken from a run"),
        ({"arguments": {"limits": "http://127.0.0.1:1/"}}, "env.arguments.limits is not taken from a run"),
        ({"tasks": 10**9}, '"env.tasks" must be from 1 to 1,000,000'),
        ({"id": "InfiniteRL/Nothing-v0"}, "no environment"),
    ],
)
def test_a_run_of_unknown_origin_imports_reads_and_asks_nothing(folder, capsys, monkeypatch, env, problem):
    if "arguments" in env:
        monkeypatch.setattr("gymnasium.make", lambda *asked, **more: 1 / 0)
    run = json.loads((folder / "run.json").read_text("utf-8"))
    run["env"] |= env
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    assert cli.main(["reverify", str(folder)]) == 2
    assert problem in capsys.readouterr().err
    assert "this" not in sys.modules


def test_samples_that_were_not_asked_for_are_refused(folder, capsys):
    for change in ({"sample": 3}, {"task_index": 10**30}):
        edit(folder, 0, lambda one, change=change: one.update(change))
        assert cli.main(["reverify", str(folder)]) == 2
        assert "is none that the run asked for" in capsys.readouterr().err
