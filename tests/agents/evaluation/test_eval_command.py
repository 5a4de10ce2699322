import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from infinite_rl import Task, TextEnv, cli
from infinite_rl.agents.evaluation import command
from infinite_rl.agents.evaluation.about import describe
from infinite_rl.agents.evaluation.asking import EndpointPlayer, Job
from infinite_rl.agents.evaluation.evaluate import evaluation_in
from infinite_rl.agents.evaluation.recording import without_addresses
from infinite_rl.agents.evaluation.results import read_results, read_samples
from infinite_rl.agents.evaluation.subject import Subject, environment
from infinite_rl.datasets.task import TaskList
from infinite_rl.runtimes import ChatEndpoint

sys.path.insert(0, str(Path(__file__).parents[2] / "runtimes"))
from chat_server import ChatServer, completion, serving, wait_for

ChatServer.request_queue_size = 128
WORDS = ("Ulm", "Rom", "Riga", "Oslo", "Bonn", "Kiel")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("infinite_rl.runtimes.endpoint._wait", lambda cut, seconds: None)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def words(tmp_path):
    """A file of tasks that ask for a word."""
    path = tmp_path / "words.jsonl"
    rows = [
        {"id": word, "messages": [{"role": "user", "content": f"Say {word}."}], "answer": word, "domain": "say"}
        for word in WORDS
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def asked(request):
    return request["messages"][0]["content"].removeprefix("Say ").removesuffix(".")


def choices(texts, **message):
    """The JSON of a completion with several choices."""
    whole = completion("", **message)
    (choice,) = whole["choices"]
    whole["choices"] = [
        choice | {"index": place, "message": choice["message"] | {"content": text}} for place, text in enumerate(texts)
    ]
    return 200, whole, {}


def right(request):
    """All choices right."""
    return choices([f"<answer>{asked(request)}</answer>"] * request.get("n", 1))


def evaluate(server, words, out, *more, n=4):
    url = server if isinstance(server, str) else server.url
    given = ["--env", "MultiDomain-v0", "--file", str(words), "--base-url", url, "--model", "some/tiny"]
    return cli.main(["eval", *given, "--out", str(out), "-n", str(n), *more])


def results(out):
    found = read_results(out)
    assert found.result is not None
    return found


def test_all_samples_of_a_task_are_asked_for_at_once_and_scored(words, tmp_path, capsys):
    def half(request):
        return choices([f"<answer>{asked(request)}</answer>", "<answer>no</answer>", "no tags", "<answer>no</answer>"])

    with serving(half) as server:
        assert evaluate(server, words, tmp_path / "out", "--temperature", "0.5", "--max-tokens", "9") == 0
    assert len(server.requests) == len(WORDS)
    request = server.requests[0]
    assert (request["n"], request["temperature"], request["max_tokens"]) == (4, 0.5, 9)
    assert len({request["seed"] for request in server.requests}) == len(WORDS)
    found = results(tmp_path / "out")
    scores = found.result["scores"]
    assert list(scores) == ["pass@1", "pass@2", "pass@4", "avg@4", "maj@4", "reward"]
    assert [scores[name]["value"] for name in scores] == pytest.approx([0.25, 0.5, 1, 0.25, 0, 0.25])
    assert found.result["rates"] == {"extraction_failure": 0.25, "timeout": 0, "truncation": 0, "error": 0}
    assert found.result["counts"] == {"tasks": 6, "samples": 24, "graded": 24}
    assert found.result["by_domain"]["say"]["value"] == 0.25
    assert found.result["per_task"][0] == {
        "task_id": "Ulm", "domain": "say", "samples": 4, "passed": 1, "reward": 0.25,
    }  # fmt: skip
    assert (found.result["usage"]["prompt_tokens"], found.result["usage"]["completion_tokens"]) == (42, 18)
    assert [one["answer"] for one in found.samples if one["task_id"] == "Ulm"] == ["Ulm", "no", None, "no"]
    shown = capsys.readouterr().out
    assert "some/tiny on InfiniteRL/MultiDomain-v0" in shown
    assert "0.2500" in shown


def test_a_run_tells_what_was_asked_and_neither_address_nor_key_nor_path(words, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out", "--contamination", "none known", "--canary", "GUID 7") == 0
    texts = [path.read_text("utf-8") for path in (tmp_path / "out").iterdir()]
    assert len(texts) == 3
    for text in texts:
        assert not any(hidden in text for hidden in (server.url, "127.0.0.1", "sk-secret", str(tmp_path)))
    run = read_results(tmp_path / "out").run
    assert run["env"] == {
        "id": "InfiniteRL/MultiDomain-v0",
        "version": "v0",
        "arguments": {"tasks": "words.jsonl"},
        "split": None,
        "tasks": 6,
        "description": "One task out of several domains, mixed by weights.",
    }
    assert run["model"] == {"name": "some/tiny", "backend": "endpoint", "parameters": None}
    assert run["sampling"] == {
        "n": 4, "temperature": 1.0, "top_p": None, "max_tokens": None, "max_turns": None, "seed": 0, "prompt": None,
    }  # fmt: skip
    assert set(run["hashes"]) == {"data", "prompts", "parser", "runtimes", "code", "config"}
    assert run["declarations"] == {"contamination": "none known", "tools": []}
    assert run["canary"] == "GUID 7"
    assert run["hardware"]["cores"] == os.cpu_count()


def test_the_same_command_on_finished_results_asks_nothing(words, tmp_path, capsys):
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out") == 0
        first = capsys.readouterr().out
        assert evaluate(server, words, tmp_path / "out") == 0
        assert capsys.readouterr().out == first
        assert len(server.requests) == len(WORDS)
        assert evaluate(server, words, tmp_path / "out", "--price", "2", "10", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["cost"] == {
        "input_per_million": 2, "output_per_million": 10, "total": pytest.approx((42 * 2 + 18 * 10) / 1e6),
    }  # fmt: skip
    assert results(tmp_path / "out").result == result


@pytest.mark.parametrize(
    ("more", "field"),
    [
        (["--seed", "1"], "sampling.seed is 0 there, and 1 is asked for"),
        (["--tasks", "5"], "env.tasks is 6 there, and 5 is asked for"),
        (["--max-tokens", "5"], "sampling.max_tokens is null there"),
        (["--model", "other"], 'model.name is "some/tiny" there'),
    ],
)
def test_another_run_in_the_same_folder_is_refused_by_field(words, tmp_path, capsys, more, field):
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out") == 0
        before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
        capsys.readouterr()
        assert evaluate(server, words, tmp_path / "out", *more) == 2
        assert len(server.requests) == len(WORDS)
    error = capsys.readouterr().err
    assert field in error
    assert error.count("\n") == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_what_was_not_declared_is_added_to_finished_samples_and_then_stays(words, tmp_path, capsys):
    out = tmp_path / "out"
    with serving(right) as server:
        assert evaluate(server, words, out) == 0
        assert "submit will ask for --contamination" in capsys.readouterr().err
        before = results(out)
        assert evaluate(server, words, out, "--contamination", "none known", "--canary", "GUID 7") == 0
        assert "submit" not in capsys.readouterr().err
        assert evaluate(server, words, out, "--contamination", "other", "--canary", "GUID 7") == 2
        assert len(server.requests) == len(WORDS)
    assert 'declarations.contamination is "none known" there, and "other" is asked for' in capsys.readouterr().err
    after = results(out)
    declared = {"declarations": {"contamination": "none known", "tools": []}, "canary": "GUID 7"}
    assert after.run == before.run | declared
    assert after.result == before.result | declared
    assert after.samples == before.samples


def test_what_was_not_declared_is_added_to_a_run_that_goes_on(words, tmp_path):
    def half(request):
        return right(request) if asked(request) != "Kiel" else (503, "later", {})

    with serving(half) as server:
        assert evaluate(server, words, tmp_path / "out", n=1) == 1
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out", "--contamination", "unknown", n=1) == 0
        assert [asked(request) for request in server.requests] == ["Kiel"]
    found = results(tmp_path / "out")
    assert found.run["declarations"] == found.result["declarations"] == {"contamination": "unknown", "tools": []}


def test_a_run_that_nobody_answered_gives_way_to_a_corrected_command_alone(words, tmp_path, capsys):
    out = tmp_path / "out"
    with serving(lambda request: (404, "no such model", {})) as server:
        assert evaluate(server, words, out, "--tasks", "3", n=1) == 1
        told = " ".join(capsys.readouterr().err.split())
        assert "3 of 3 samples failed; all: " in told, "the cause is told for few tasks, too"
        assert "no such model" in told
    with serving(right) as server:
        assert evaluate(server, words, out, "--model", "other", n=1) == 0
        assert results(out).run["model"]["name"] == "other"
        assert len(results(out).samples) == len(WORDS)
        assert evaluate(server, words, out, n=1) == 2, "what was answered is never thrown away"


def test_changed_tasks_are_another_run(words, tmp_path, capsys):
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out") == 0
        words.write_text(words.read_text("utf-8").replace('"answer": "Rom"', '"answer": "Roma"'), encoding="utf-8")
        assert evaluate(server, words, tmp_path / "out") == 2
    assert "hashes.data" in capsys.readouterr().err


def test_a_server_that_gives_one_choice_is_asked_for_the_others_one_by_one(words, tmp_path):
    with serving(lambda request: f"<answer>{asked(request)}</answer>") as server:
        assert evaluate(server, words, tmp_path / "out", "--concurrency", "2") == 0
    found = results(tmp_path / "out")
    assert sorted((one["task_id"], one["sample"]) for one in found.samples) == sorted(
        (word, number) for word in WORDS for number in range(4)
    )
    assert len(server.requests) == 24, "no sample is asked for twice"
    assert sum("n" in request for request in server.requests) <= 4, "who was seen to give one is asked for one"
    assert len({request["seed"] for request in server.requests}) == 24
    assert found.result["scores"]["pass@1"]["value"] == 1


def test_a_server_that_refuses_several_choices_is_asked_one_by_one(words, tmp_path):
    def refuses(request):
        if "n" in request:
            return 400, {"error": {"message": "n must be 1"}}, {}
        return f"<answer>{asked(request)}</answer>"

    with serving(refuses) as server:
        assert evaluate(server, words, tmp_path / "out", "--concurrency", "1") == 0
    assert results(tmp_path / "out").result["scores"]["pass@1"]["value"] == 1
    assert sum("n" in request for request in server.requests) <= 3


def test_one_sample_a_request_if_that_is_asked_for(words, tmp_path):
    with serving(lambda request: f"<answer>{asked(request)}</answer>") as server:
        assert evaluate(server, words, tmp_path / "out", "--one-by-one", "--no-seed") == 0
    assert len(server.requests) == 24
    assert not any({"n", "seed"} & set(request) for request in server.requests)


def test_seeds_belong_to_task_and_sample_and_not_to_the_order(words, tmp_path):
    seen = []
    for threads in ("1", "5"):
        with serving(lambda request: f"<answer>{asked(request)}</answer>") as server:
            evaluate(server, words, tmp_path / threads, "--one-by-one", "--concurrency", threads)
        seen.append({(asked(request), request["seed"]) for request in server.requests})
    assert seen[0] == seen[1]


HOSTILE = {
    "no choices": {"choices": []},
    "choices are a number": {"choices": 7},
    "no message": {"choices": [{"index": 0}]},
    "content is a list": {"choices": [{"message": {"role": "assistant", "content": [1]}}]},
    "calls are a text": {"choices": [{"message": {"role": "assistant", "content": "x", "tool_calls": "f()"}}]},
    "not JSON": b"<html>",
    "not text": b"\xff\xfe",
    "deep": b"[" * 200_000,
    "null": b"null",
}


@pytest.mark.parametrize("reply", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_reply_costs_its_sample_alone(words, tmp_path, reply):
    def hostile(request):
        return (200, reply, {}) if asked(request) == "Rom" else right(request)

    with serving(hostile) as server:
        assert evaluate(server, words, tmp_path / "out", n=2) == 0
    found = results(tmp_path / "out")
    assert found.result["counts"] == {"tasks": 6, "samples": 12, "graded": 10}
    assert found.result["scores"]["pass@1"]["value"] == 1, "what fails without the model's fault is in no score"
    assert found.result["rates"]["error"] == pytest.approx(2 / 12)
    failed = [one for one in found.samples if one["task_id"] == "Rom"]
    assert {one["status"] for one in failed} == {"endpoint_error"}
    assert all("sent no chat completion" in one["error_msg"] for one in failed)


def test_a_reply_that_is_too_long_is_recorded_and_asked_for_once(words, tmp_path, monkeypatch):
    monkeypatch.setattr("infinite_rl.agents.evaluation.command._LONGEST_REPLY", 10_000)

    def long_of_rom(request):
        return choices(["x" * 20_000] * request.get("n", 1)) if asked(request) == "Rom" else right(request)

    with serving(long_of_rom) as server:
        assert evaluate(server, words, tmp_path / "out", "--one-by-one", n=2) == 0
        assert len(server.requests) == 12
    found = results(tmp_path / "out")
    assert found.result["counts"] == {"tasks": 6, "samples": 12, "graded": 10}
    failed = [one for one in found.samples if one["status"] == "endpoint_error"]
    assert {one["task_id"] for one in failed} == {"Rom"}
    assert all("longer than 20,000 bytes" in one["error_msg"] for one in failed)


def test_malformed_choices_are_asked_for_again_and_good_ones_are_not(words, tmp_path):
    def mixed(request):
        status, whole, headers = right(request)
        if "n" in request:
            whole["choices"][1]["message"]["content"] = {"a": 1}
        return status, whole, headers

    with serving(mixed) as server:
        assert evaluate(server, words, tmp_path / "out", "--concurrency", "1", "--tasks", "1") == 0
    assert len(server.requests) == 2
    assert len(results(tmp_path / "out").samples) == 4


def test_more_choices_than_asked_for_are_no_samples(words, tmp_path):
    with serving(lambda request: choices([f"<answer>{asked(request)}</answer>"] * 9)) as server:
        assert evaluate(server, words, tmp_path / "out") == 0
    assert len(results(tmp_path / "out").samples) == 24


def test_texts_of_all_kinds_are_recorded_and_graded(words, tmp_path, capsys):
    texts = ["x" * 1_000_000, "\x00\x1b[2J", "\ud800 <answer>\udfff</answer>", "<answer>" * 50_000]

    def odd(request):
        status, whole, headers = choices(texts)
        for choice in whole["choices"]:
            choice["finish_reason"] = "because " * 100
        return status, whole, headers

    with serving(odd) as server:
        assert evaluate(server, words, tmp_path / "out", "--tasks", "1") == 0
    found = results(tmp_path / "out")
    assert [one["messages"][-1]["content"] for one in found.samples] == texts
    assert found.result["scores"]["pass@1"]["value"] == 0
    assert all(len(one["finish_reason"]) == 40 for one in found.samples)
    assert "\x1b" not in capsys.readouterr().out
    assert cli.main(["reverify", str(tmp_path / "out"), "--file", str(words)]) == 0


def test_a_cut_reply_is_counted_as_such(words, tmp_path):
    def cut(request):
        status, whole, headers = right(request)
        whole["choices"][0]["finish_reason"] = "length"
        return status, whole, headers

    with serving(cut) as server:
        assert evaluate(server, words, tmp_path / "out") == 0
    assert results(tmp_path / "out").result["rates"]["truncation"] == 0.25


def test_a_dead_endpoint_ends_with_one_line_and_goes_on_later(words, tmp_path, capsys):
    answered = []

    def dies(request):
        answered.append(asked(request))
        return right(request) if len(answered) < 3 else (503, "down", {})

    with serving(dies) as server:
        assert evaluate(server, words, tmp_path / "out", "--concurrency", "1") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "answered 503" in error
    assert "8 of 24 samples are in" in error
    assert "the same command goes on from there" in error
    assert read_results(tmp_path / "out").result is None
    with serving(right) as again:
        assert evaluate(again, words, tmp_path / "out") == 0
    assert len(again.requests) == 4
    assert not {asked(request) for request in again.requests} & set(answered[:2])
    assert results(tmp_path / "out").result["counts"]["samples"] == 24


def test_nobody_at_the_address_is_one_line(words, tmp_path, capsys):
    with serving(right) as server:
        url = server.url
    assert evaluate(url, words, tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert error.count("could not be reached") == 1
    assert "0 of 24 samples" in error


def test_a_refused_key_ends_the_run_and_no_sample_is_lost_to_it(words, tmp_path, capsys):
    with serving(lambda request: (401, {"error": {"message": "bad key"}}, {})) as server:
        assert evaluate(server, words, tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert "answered 401: bad key" in error
    assert "Nothing was answered. Is it the right --model, --base-url and key?" in error
    assert "the same command goes on" not in error
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out") == 0
    assert results(tmp_path / "out").result["counts"]["graded"] == 24


def test_failed_samples_of_a_finished_run_are_asked_for_again_only_with_retry(words, tmp_path):
    def refuses_rom(request):
        return (400, "too long", {}) if asked(request) == "Rom" else right(request)

    with serving(refuses_rom) as server:
        assert evaluate(server, words, tmp_path / "out", n=1) == 0
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out", n=1) == 0
        assert not server.requests
        assert evaluate(server, words, tmp_path / "out", "--retry", n=1) == 0
        assert [asked(request) for request in server.requests] == ["Rom"]
    assert results(tmp_path / "out").result["counts"] == {"tasks": 6, "samples": 6, "graded": 6}


def test_a_model_of_which_nothing_is_known_is_exit_code_one(words, tmp_path):
    with serving(lambda request: (400, "no", {})) as server:
        assert evaluate(server, words, tmp_path / "out", "--tasks", "2", n=1) == 1
    assert results(tmp_path / "out").result["scores"]["pass@1"]["value"] is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["--timeout", "1e300"], "timeout is 1e+300"),
        (["--timeout", "nan"], "timeout is nan"),
        (["--concurrency", "100000"], "--concurrency must be at most 4,096, not 100000"),
        (["--price", "nan", "1"], "--price takes two numbers from 0 to 1,000,000,000"),
        (["--price", "1e308", "1e308"], "--price takes two numbers from 0 to 1,000,000,000"),
        (["-n", "1000000000"], "-n must be at most 1,000,000, not 1000000000"),
        (["-n", "1000000", "--tasks", "20"], "-n 1,000,000 makes 20,000,000 samples"),
        (["--tasks", "9" * 400], "--tasks must be at most 1,000,000, not 9999"),
        (["--max-tokens", "10000000000"], "--max-tokens must be at most 2,147,483,647"),
        (["--max-turns", "-1"], "--max-turns must be at least 1, not -1"),
        (["--seed", "9" * 400], "--seed must be at most 9,223,372,036,854,775,807, not 9999"),
        (["--seed", "-" + "9" * 400], "--seed must be at least -9,223,372,036,854,775,808, not -9999"),
        (["--arguments", "[" * 50_000], "not JSON: maximum recursion depth"),
    ],
)
def test_an_absurd_number_is_exit_code_two_and_one_line(given, problem, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        code = cli.main(["eval", "--env", "Math-v0", "--model", "m", "--base-url", "http://127.0.0.1:9/v1", *given])
    except SystemExit as ended:  # by the parser
        code = ended.code
    error = capsys.readouterr().err
    assert (code, error.count("\n")) == (2, 1)
    assert problem in error
    assert not (tmp_path / "evaluations").exists()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["--env", "Math-v0"], "--model is missing"),
        (["--model", "m", "--base-url", "http://127.0.0.1:1/v1"], "give --env or --benchmark"),
        (["--env", "Maths-v0", "--model", "m", "--base-url", "http://127.0.0.1:1/v1"], "did you mean"),
        (["--env", "Math-v0", "--model", "m", "--backend", "endpoint"], "--base-url is for --backend endpoint"),
        (["--env", "Math-v0", "--model", "m", "--base-url", "http://127.0.0.1:1", "-n", "0"], "-n must be at least 1"),
        (["--benchmark", "gsm9k", "--model", "m", "--base-url", "http://127.0.0.1:1"], "no benchmark 'gsm9k'"),
        (["--benchmark", "gsm8k", "--level", "2", "--model", "m", "--base-url", "http://h"], "--level is for --env"),
        (
            ["--env", "Math-v0", "--tasks", "99", "--model", "m", "--base-url", "http://h"],
            "leave it out, which asks all of them, or choose",
        ),
        (["--compare", "nowhere", "neither"], "no evaluation lies there"),
    ],
)
def test_a_wrong_argument_is_exit_code_two_and_one_line(given, problem, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["eval", *given]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_error_of_an_environment_s_arguments_does_not_show_their_values(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    common = ["--env", "Math-v0", "--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--arguments"]
    assert cli.main(["eval", *common, '{"judge": {"api_key": "sk-secret"}}']) == 2
    error = capsys.readouterr().err
    assert "judge" in error
    with pytest.raises(SystemExit):
        cli.main(["eval", *common, '["sk-secret"]'])
    assert "sk-secret" not in error + capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["eval", *common, '{"api_key": "sk-secret'])
    assert "sk-secret" not in capsys.readouterr().err


def test_the_folder_is_named_after_environment_and_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def four(request):
        return choices(["<answer>4</answer>"])

    with serving(four) as server:
        given = ["--env", "Math-v0", "--tasks", "3", "--base-url", server.url, "--model", "org/../odd name:7b"]
        assert cli.main(["eval", *given]) == 0
    assert [str(path) for path in Path("evaluations").iterdir()] == ["evaluations/Math-v0-test-org-..-odd-name-7b"]


def test_the_page_says_how_many_tasks_its_examples_have():
    page = " ".join((Path(__file__).parents[3] / "docs" / "evaluation.md").read_text("utf-8").split())
    counts = [len(environment("Math-v0", arguments=one).tasks) for one in ({}, SUMS, SUMS | {"digits": [2, 1]})]
    plain, bare, trained = counts
    assert f"has {plain} in its test split at level 1, as in the first example, and 200 from level 2 on" in page
    assert f"The sums of the tiny model are {bare}, and those of `python -m agents.train` {trained}." in page


SUMS = {"operations": ["add"], "template": "{expression}="}


@pytest.mark.parametrize(
    ("given", "name", "title"),
    [
        (["--level", "3"], "Math-v0-level3-test-m", "m on InfiniteRL/Math-v0, level 3, test"),
        (["--arguments", '{"level": 2}', "--split", "train"], "Math-v0-level2-train-m", "Math-v0, level 2, train"),
        (["--arguments", json.dumps(SUMS)], "Math-v0-d04fef1d-test-m", "template {expression}=, level 1, test"),
        (["--arguments", '{"seed": 77}'], "Math-v0-test-m", "seed 77, level 1, test"),
        (["--file", "words.jsonl"], "Math-v0-words-m", "tasks words.jsonl"),
    ],
)
def test_runs_with_other_arguments_have_folders_and_titles_of_their_own(
    given, name, title, words, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    with serving(lambda request: choices(["<answer>4</answer>"])) as server:
        common = ["--env", "Math-v0", "--tasks", "1", "--base-url", server.url, "--model", "m"]
        assert cli.main(["eval", *common, *given]) == 0
    assert [path.name for path in Path("evaluations").iterdir()] == [name]
    assert title in " ".join(capsys.readouterr().out.split())


def test_streams_are_asked_for_tasks_that_differ():
    subject = environment("Math-v0", tasks=30)
    assert len({task.id for task in subject.tasks.values()}) == 30
    assert all(subject.env.tasks.task(index) == task for index, task in subject.tasks.items())
    assert subject.about["arguments"] == {"level": 1}
    assert subject.about["split"] == "test"


def test_a_published_floor_stands_beside_the_score(tmp_path):
    with serving(lambda request: choices(["<answer>4</answer>"])) as server:
        given = ["--env", "Math-v0", "--level", "2", "--tasks", "3", "--base-url", server.url, "--model", "m"]
        assert cli.main(["eval", *given, "--out", str(tmp_path / "out")]) == 0
    floor = results(tmp_path / "out").result["floor"]
    assert set(floor) == {"empty", "copy", "constant", "majority", "random"}


def test_an_environment_with_several_turns_and_tools_is_played_to_its_end(tmp_path):
    def searches(request):
        last = request["messages"][-1]
        if last["role"] == "tool":
            return choices(["<answer>nothing</answer>"] * request.get("n", 1))
        call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"query": "capital"}'}}
        return choices([None] * request.get("n", 1), tool_calls=[call])

    with serving(searches) as server:
        given = ["--env", "Search-v0", "--tool-format", "native", "--tasks", "3", "-n", "2"]
        given += ["--base-url", server.url, "--model", "m", "--out", str(tmp_path / "out")]
        assert cli.main(["eval", *given]) == 0
        assert cli.main(["reverify", str(tmp_path / "out")]) == 0
    found = results(tmp_path / "out")
    assert {one["turns"] for one in found.samples} == {2}
    assert len(server.requests) == 3 + 6, "the first turns of a task's samples together, then each its own"
    assert all(request["tools"] for request in server.requests)
    assert found.run["declarations"]["tools"] == ["search"]
    assert [message["role"] for message in found.samples[0]["messages"]][-3:] == ["assistant", "tool", "assistant"]


def test_a_turn_limit_of_the_run_ends_episodes_and_is_kept_for_the_replay(tmp_path):
    with serving(lambda request: choices(["What do you want?"] * request.get("n", 1))) as server:
        given = ["--env", "Conversation-v0", "--tasks", "2", "-n", "2", "--max-turns", "3"]
        given += ["--base-url", server.url, "--model", "m", "--out", str(tmp_path / "out")]
        assert cli.main(["eval", *given]) == 0
        assert cli.main(["reverify", str(tmp_path / "out")]) == 0
    found = results(tmp_path / "out")
    assert {one["turns"] for one in found.samples} == {3}
    assert found.result["rates"]["truncation"] == 1


# As where torch is not installed.
LIGHT = """
import sys
sys.modules |= dict.fromkeys(("torch", "transformers", "tensordict", "matplotlib", "jinja2"))
from infinite_rl.cli import main
sys.exit(main())
"""


def eval_process(url, words, out, *more):
    command = [sys.executable, "-c", LIGHT, "eval", "--env", "MultiDomain-v0", "--file", str(words)]
    command += ["--base-url", url, "--model", "m", "--out", str(out), *more]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What shells start in the background ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def many_words(path, count):
    rows = [
        {"id": f"w{place}", "messages": [{"role": "user", "content": f"Say w{place}."}], "answer": f"w{place}"}
        for place in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("several", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_killed_run_goes_on_and_repeats_no_call_whose_sample_is_recorded(tmp_path, several):
    words, out = many_words(tmp_path / "many.jsonl", 60), tmp_path / "out"
    counts, release = Counter(), threading.Event()

    def answer(request):
        n = request.get("n", 1)
        counts[(asked(request), request["seed"])] += 1
        if len(counts) > (30 if several else 120):
            release.wait(0.05)
        return choices([f"<answer>{asked(request)}</answer>"] * n)

    more = ["-n", "4", "--concurrency", "4", *([] if several else ["--one-by-one"])]
    file = out / "samples.jsonl"
    with serving(answer) as server:
        process = eval_process(server.url, words, out, *more)
        wait_for(lambda: (file.exists() and file.read_bytes().count(b"\n") > 100) or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        with file.open("ab") as torn:  # as if it had been in the middle of a line
            torn.write(b'{"task_id": "w5')
        recorded = {(one["task_id"], one["sample"]) for one in read_results(out).samples}
        assert 100 < len(recorded) < 240
        before = Counter(counts)
        release.set()
        process = eval_process(server.url, words, out, *more)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    found = results(out)
    places = [(one["task_id"], one["sample"]) for one in found.samples]
    assert len(places) == len(set(places)) == 240
    again = counts - before
    tasks_done = {task for task in {place[0] for place in recorded} if all((task, k) in recorded for k in range(4))}
    assert not {task for task, _ in again} & tasks_done
    if not several:
        assert sum(counts.values()) <= 240 + 4, "only what was under way is asked for again"
        assert max(counts.values()) <= 2
    assert found.result["scores"]["pass@1"]["value"] == 1


@pytest.mark.parametrize("end", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_no_answered_turn_of_an_episode_under_way_is_asked_for_again(end, tmp_path):
    out, asks, hung, release = tmp_path / "out", Counter(), [], threading.Event()

    def answer(request):
        asks[json.dumps([request["messages"], request["seed"]])] += 1
        if asks.total() > 30 and not release.is_set():
            hung.append(request)
            release.wait(60)
        turn = sum(message["role"] == "assistant" for message in request["messages"])
        text = f"<search>city {turn}</search>" if turn < 3 else "<answer>5</answer>"
        return choices([text] * request.get("n", 1))

    def process():
        command = ["eval", "--env", "Search-v0", "--tasks", "6", "-n", "2", "--base-url", server.url, "--model", "m"]
        return subprocess.Popen(
            [sys.executable, "-c", LIGHT, *command, "--out", str(out), "--concurrency", "4", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    with serving(answer) as server:
        stopped = process()
        # When all threads wait for the server, all that it has answered has arrived.
        wait_for(lambda: len(hung) == 4 or stopped.poll() is not None)
        stopped.send_signal(end)
        stopped.communicate(timeout=60)
        assert stopped.returncode == (130 if end is signal.SIGINT else -end)
        release.set()
        assert read_results(out).result is None
        with (out / "replies.jsonl").open("ab") as torn:  # as if it had been in the middle of a line
            torn.write(b'{"turn": 1, "rep')
        again = process()
        _, errors = again.communicate(timeout=120)
        assert again.returncode == 0, errors
    assert asks.total() == len(asks) + len(hung), "what had been answered was asked for again"
    assert {one["turns"] for one in results(out).samples} == {4}
    assert not (out / "replies.jsonl").exists()


def test_ctrl_c_leaves_a_folder_that_goes_on(tmp_path):
    words, out = many_words(tmp_path / "many.jsonl", 20), tmp_path / "out"
    seen, release = [], threading.Event()

    def answer(request):
        seen.append(asked(request))
        if len(seen) > 5:
            release.wait(60)
        return right(request)

    with serving(answer) as server:
        process = eval_process(server.url, words, out, "--concurrency", "2")
        wait_for(lambda: len(seen) > 6 or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        release.set()
        assert process.returncode == 130
        assert "Interrupted. 5 of 20 samples are in" in errors
        assert "Traceback" not in errors
    with serving(right) as server:
        process = eval_process(server.url, words, out, "--concurrency", "2")
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert len(server.requests) == 15


REFUSALS = [
    (400, {"error": "too long; see HTTP://127.0.0.1:8000/docs or localhost:8000"}, {}),
    (400, {"error": "the worker at 10.0.0.7:9000 and [::1]:80 refuses"}, {}),
    (302, {}, {"Location": "https://gpu7.inside:8443/v1"}),
    (200, b"http://gpu7.inside", {}),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_is_recorded_of_a_refusal_holds_no_address(refusal, words, tmp_path):
    with serving(lambda request: refusal if asked(request) == "Ulm" else right(request)) as server:
        evaluate(server, words, tmp_path / "out", n=1)
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "out").iterdir() if path.is_file())
    (problem,) = {one["error_msg"] for one in results(tmp_path / "out").samples if one["status"] == "endpoint_error"}
    assert problem.startswith("[address] ")
    for place in ("://", "127.0.0.1", "localhost", "10.0.0.7", "::1", "gpu7", ":" + server.url.rpartition(":")[2]):
        assert place.lower() not in written.lower(), place


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ("http://gpu7:8000/v1/x: gpu7 says no", "http://[address]/v1/x: [address] says no"),
        ("gpu71 and my-gpu7 are others, GPU7:80 is not", "gpu71 and my-gpu7 are others, [address] is not"),
    ],
)
def test_the_name_of_a_host_is_hidden_wherever_it_stands(problem, told):
    assert ChatEndpoint("http://gpu7:8000/v1", "m").anonymous(problem) == told


def test_where_an_address_is_looked_for_no_number_or_version_is_taken_for_one():
    assert without_addresses("1.2.3 and 1.2.3.4.5 and x1.2.3.4") == "1.2.3 and 1.2.3.4.5 and x1.2.3.4"
    assert without_addresses("at 1.2.3.4:80. Over") == "at [address]. Over"
    started = time.perf_counter()
    for text in ("1." * 200_000, "http" * 100_000, "[" * 400_000, "localhost:" * 40_000):
        without_addresses(text)
    assert time.perf_counter() - started < 5


def test_that_tools_are_sent_is_recorded_where_it_makes_a_difference(tmp_path, capsys):
    def asks(server, out, *more):
        given = ["eval", "--env", "Search-v0", "--tasks", "2", "--base-url", server.url, "--model", "m", *more]
        return cli.main([*given, "--out", str(tmp_path / out), "--json"])

    with serving(lambda request: "<answer>5</answer>") as server:
        assert asks(server, "without") == asks(server, "with", "--send-tools") == 0
        assert ["tools" in request for request in server.requests] == [False] * 2 + [True] * 2
        assert asks(server, "without", "--send-tools") == 2
        assert "send_tools" in capsys.readouterr().err
        assert asks(server, "native", "--tool-format", "native", "--send-tools") == 0
    assert "send_tools" not in results(tmp_path / "without").run["sampling"]
    assert "send_tools" not in results(tmp_path / "native").run["sampling"]
    assert results(tmp_path / "with").run["sampling"]["send_tools"] is True


def test_that_tools_are_sent_is_not_recorded_of_a_model_that_is_sent_nothing():
    parser = argparse.ArgumentParser()
    command.declare(parser)
    given = parser.parse_args(["--env", "Search-v0", "--tasks", "2", "--model", "m", "--send-tools"])
    assert "send_tools" not in command._sampling(given, command._subject(given))


def test_two_processes_do_not_work_in_one_folder(words, tmp_path, capsys):
    from infinite_rl.datasets.folder import alone_in

    (tmp_path / "out").mkdir()
    with serving(right) as server, alone_in(tmp_path / "out", "evaluates"):
        assert evaluate(server, words, tmp_path / "out") == 2
    assert "another process evaluates there" in capsys.readouterr().err


def test_a_folder_of_something_else_is_left_alone(words, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out") == 2
    assert "is no evaluation, and not empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]


def test_a_process_that_was_killed_before_its_first_file_was_whole_is_no_hindrance(words, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".run.json.draft").write_text('{"sch', encoding="utf-8")
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out", n=1) == 0


def test_a_result_that_is_not_of_the_samples_is_made_anew_without_asking(words, tmp_path):
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out", n=1) == 0
        before = results(tmp_path / "out").result
        path = tmp_path / "out" / "samples.jsonl"
        path.write_text(path.read_text("utf-8").replace('"passed": true', '"passed": false', 1), encoding="utf-8")
        assert evaluate(server, words, tmp_path / "out", n=1) == 0
        assert len(server.requests) == len(WORDS)
    after = results(tmp_path / "out").result
    assert after["samples_sha256"] != before["samples_sha256"]
    assert after["scores"]["pass@1"]["value"] == pytest.approx(5 / 6)


FORGED = {
    "scores": lambda result: result["scores"]["pass@1"].update(value=1.0),
    "by_domain": lambda result: result["by_domain"].clear(),
    "counts": lambda result: result["counts"].update(graded=10**6),
    "model": lambda result: result["model"].update(name="another"),
    "usage": lambda result: result.update(usage="none"),
    "cost": lambda result: result.update(cost={"input_per_million": 1, "output_per_million": 1, "total": 0}),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_an_edited_result_is_found_out_and_written_anew_without_asking(words, tmp_path, capsys, request, forge):
    def some(request):
        return right(request) if asked(request) in WORDS[:2] else choices(["no"])

    path = tmp_path / "out" / "result.json"
    with serving(some) as server:
        assert evaluate(server, words, tmp_path / "out", n=1) == 0
        before = json.loads(path.read_text("utf-8"))
        capsys.readouterr()
        edited = json.loads(path.read_text("utf-8"))
        forge(edited)
        path.write_text(json.dumps(edited), encoding="utf-8")
        assert evaluate(server, words, tmp_path / "out", n=1) == 0
        told = capsys.readouterr()
        member = request.node.callspec.id
        assert f"result.json did not say what the samples do ({member}); it is written anew" in " ".join(
            told.err.split()
        )
        assert evaluate(server, words, tmp_path / "out", n=1) == 0
        assert "written anew" not in capsys.readouterr().err
        assert len(server.requests) == len(WORDS)
    after = json.loads(path.read_text("utf-8"))
    assert {name: after[name] for name in before if name not in ("usage", "cost")} == {
        name: before[name] for name in before if name not in ("usage", "cost")
    }
    assert after["usage"]["completion_tokens"] == before["usage"]["completion_tokens"]


def test_two_runs_are_compared_on_the_tasks_they_share(words, tmp_path, capsys):
    def knows(known):
        return lambda request: choices([f"<answer>{asked(request) if asked(request) in known else 'no'}</answer>"] * 2)

    for name, known in (("a", WORDS[:5]), ("b", WORDS[:2])):
        with serving(knows(known)) as server:
            assert evaluate(server, words, tmp_path / name, *(["--tasks", "5"] if name == "b" else []), n=2) == 0
    capsys.readouterr()
    folders = [str(tmp_path / name) for name in "ab"]
    assert cli.main(["eval", "--compare", *folders, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tasks"] == 5
    assert (found["a"]["pass@1"]["value"], found["b"]["pass@1"]["value"]) == (1, 0.4)
    assert found["difference"]["value"] == pytest.approx(0.6)
    assert found["mcnemar"] == {"only_a": 3, "only_b": 0, "p": 0.25}
    assert found["notes"] == []
    assert cli.main(["eval", "--compare", *folders]) == 0
    assert "+0.6000" in capsys.readouterr().out
    # A first sample that nobody answered says nothing, and the second is not put in its place.
    file = tmp_path / "a" / "samples.jsonl"
    samples = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for one in samples:
        if one["sample"] == 0 and one["messages"][0]["content"] == f"Say {WORDS[4]}.":
            one.update(status="endpoint_error", passed=False, reward=0.0)
    file.write_text("".join(json.dumps(one) + "\n" for one in samples), encoding="utf-8")
    assert cli.main(["eval", "--compare", *folders, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["tasks"], found["mcnemar"]["only_a"]) == (5, 2)


def test_runs_that_are_alike_everywhere_are_not_certainly_equal(words, tmp_path, capsys):
    for name in "ab":
        with serving(lambda request: choices(["<answer>no</answer>"])) as server:
            assert evaluate(server, words, tmp_path / name, n=1) == 0
    capsys.readouterr()
    assert cli.main(["eval", "--compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert "-0.4593 to +0.4593" in capsys.readouterr().out


def test_a_comparison_with_an_unfinished_run_says_so(words, tmp_path, capsys):
    def some(request):
        return right(request) if asked(request) in WORDS[:2] else (503, "later", {})

    for name, answers, code in (("a", right, 0), ("b", some, 1)):
        with serving(answers) as server:
            assert evaluate(server, words, tmp_path / name, n=1) == code
    capsys.readouterr()
    assert cli.main(["eval", "--compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "B is not finished: 2 of 6 samples are there" in shown


def test_runs_of_other_tasks_are_not_compared_though_ids_are_equal(words, tmp_path, capsys):
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "a", n=1) == 0
        words.write_text(words.read_text("utf-8").replace('"answer": "Rom"', '"answer": "Roma"'), encoding="utf-8")
        assert evaluate(server, words, tmp_path / "b", n=1) == 0
    capsys.readouterr()
    assert cli.main(["eval", "--compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    assert "were asked other tasks (hashes.data differs)" in capsys.readouterr().err


def test_runs_with_other_arguments_are_compared_only_where_their_tasks_are_known_to_be_the_same(tmp_path, capsys):
    def nobody(request):
        return choices(["<answer>none</answer>"])

    with serving(nobody) as server:
        common = ["--env", "Search-v0", "--base-url", server.url, "--model", "m", "--max-turns", "1"]
        for name, more in {
            "one": ["--tasks", "3"],
            "other": ["--tasks", "3", "--arguments", '{"top_k": 2}'],
            "harder": ["--tasks", "2", "--level", "2"],
        }.items():
            assert cli.main(["eval", *common, *more, "--out", str(tmp_path / name)]) == 0
    capsys.readouterr()
    assert cli.main(["eval", "--compare", str(tmp_path / "one"), str(tmp_path / "other")]) == 0
    assert "top_k is left out for A and 2 for B" in " ".join(capsys.readouterr().out.split())
    assert cli.main(["eval", "--compare", str(tmp_path / "one"), str(tmp_path / "harder")]) == 2
    assert "level is 1 for A and 2 for B" in capsys.readouterr().err


def test_a_server_that_counts_absurdly_breaks_no_sum(words, tmp_path):
    def absurd(request):
        status, whole, headers = right(request)
        whole["usage"] = {"prompt_tokens": 10**300, "completion_tokens": -5}
        return status, whole, headers

    with serving(absurd) as server:
        assert evaluate(server, words, tmp_path / "out", "--price", "1", "1") == 0
    usage = results(tmp_path / "out").result["usage"]
    assert usage["completion_tokens"] == 0
    assert usage["prompt_tokens"] < 2**50


def test_a_terminal_shows_the_score_so_far_with_its_error(words, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("infinite_rl.agents.evaluation.display._REFRESH", -1)
    with serving(right) as server:
        assert evaluate(server, words, tmp_path / "out", n=1) == 0
    assert "pass@1 1.000 ± 0.000" in capsys.readouterr().err


class BrokenEnv(TextEnv):
    """Breaks where a task, a reply or a grader is of a certain word."""

    domain = "say"

    def open(self, task):
        if task.id == "Ulm":
            raise RuntimeError("cannot open")
        return super().open(task)

    def grade(self, task, response):
        if task.id == "Rom":
            raise RuntimeError("cannot grade")
        return float(response == task.id)


def test_what_breaks_in_an_environment_is_an_error_of_its_samples_alone(tmp_path):
    env = BrokenEnv(TaskList([Task.ask(f"Say {word}.", word, id=word, domain="say") for word in WORDS]))
    about = {"id": "Broken-v0", "version": "v0", "arguments": {}, "split": None, "tasks": 6, "description": ""}
    subject = Subject(env, {index: env.tasks.task(index) for index in range(6)}, about)
    run = describe(subject, {"name": "m", "backend": "endpoint", "parameters": None}, {"n": 2})
    with serving(lambda request: choices([asked(request)] * request["n"])) as server:
        player = EndpointPlayer(subject, ChatEndpoint(server.url, "m"))
        with evaluation_in(tmp_path / "out", run, list(subject.tasks)) as evaluation:
            result = evaluation.finish(lambda: player, lambda batch: None)
    assert result["counts"] == {"tasks": 6, "samples": 12, "graded": 8}
    assert result["scores"]["pass@1"]["value"] == 1
    problems = {one["task_id"]: one["error_msg"] for one in read_samples(tmp_path / "out" / "samples.jsonl")}
    assert "cannot be opened (RuntimeError: cannot open)" in problems["Ulm"]
    assert "RuntimeError: cannot grade" in problems["Rom"]


@pytest.mark.parametrize("times", [1, 2])
def test_the_first_ctrl_c_lets_answers_be_graded_and_the_second_ends_at_once(times, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what shells start in the background ignores it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    class Interrupted(BrokenEnv):
        graded = 0

        def grade(self, task, response):
            self.graded += 1
            if self.graded == 1:
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)
            return float(response == task.id)

    env = Interrupted(
        TaskList([Task.ask(f"Say w{place}.", f"w{place}", id=f"w{place}", domain="say") for place in range(50)])
    )
    subject, lines = Subject(env, {place: env.tasks.task(place) for place in range(50)}, {}), []
    with serving(asked) as server:
        player = EndpointPlayer(subject, ChatEndpoint(server.url, "m"), concurrency=2)
        with pytest.raises(KeyboardInterrupt):
            for batch in player.play([Job(place, [0]) for place in range(50)]):
                lines += batch
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert env.graded == len(lines) if times == 1 else (env.graded, lines) == (1, [])
    assert times == 2 or 0 < len(lines) < 50
    assert all(line["status"] == "scored" for line in lines)


def test_samples_that_open_differently_are_asked_for_apart():
    class Drawing(BrokenEnv):
        drawn = 0

        def open(self, task):
            self.drawn += 1
            episode = TextEnv.open(self, task)
            episode.messages.append({"role": "user", "content": str(self.drawn)})
            return episode

    env = Drawing(TaskList([Task.ask("Say Bonn.", "Bonn", id="Bonn", domain="say")]))
    with serving(lambda request: request["messages"][-1]["content"]) as server:
        player = EndpointPlayer(Subject(env, {0: env.tasks.task(0)}, {}), ChatEndpoint(server.url, "m"))
        lines = [line for batch in player.play([Job(0, [0, 1, 2])]) for line in batch]
    assert len(server.requests) == 3
    assert all(line["messages"][-1]["content"] == line["messages"][-2]["content"] for line in lines)
