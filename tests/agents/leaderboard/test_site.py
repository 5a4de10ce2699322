"""A folder of submissions becomes pages: what is on them, what is kept off them, and what they are made of."""

import csv
import json
import random
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from board_results import config_hash, make_results, make_run, passing, play, write_results
from chat_server import serving
from pages import data, entry_of

from infinite_rl.agents.evaluation.bounds import FLOORS, POLICIES, bounds_of
from infinite_rl.agents.evaluation.statistics import mcnemar, paired_difference
from infinite_rl.agents.leaderboard.archive import opened
from infinite_rl.agents.leaderboard.board import benchmark_key, read_board
from infinite_rl.agents.leaderboard.exports import as_csv, as_markdown, escaped
from infinite_rl.agents.leaderboard.pairs import compare
from infinite_rl.agents.leaderboard.scripts import write_script
from infinite_rl.agents.leaderboard.settings import split_of
from infinite_rl.agents.leaderboard.site import write_site
from infinite_rl.cli import main

ROOT = Path(__file__).resolve().parents[3]
CANARY = "infinite-rl-canary-" + "5e" * 16


def test_entries_are_ranked_among_those_with_the_same_tasks(site):
    _, told = data(site / "data" / "board.js")
    assert {(one["model"], one["tasks"]): (one["rank"], one["of"]) for one in told["entries"]} == {
        ("strong", 30): (1, 3), ("middling", 30): (2, 3), ("weak", 30): (3, 3),
        ("strong", 5): (1, 1), ("secretive", 6): (1, 1),
    }  # fmt: skip
    assert [one["name"] for one in told["benchmarks"]] == [
        "Math-v0, 6 tasks", "Math-v0, level 1, 30 tasks", "Math-v0, level 2, 5 tasks",
    ]  # fmt: skip


def test_each_sample_is_in_one_file_of_transcripts(site):
    entry = entry_of(site, "weak", 30)
    _, told = data(site / "data" / entry["id"] / "entry.js")
    for index, (_, _, samples, passed, reward, chunk, _) in enumerate(told["tasks"]):
        name, rows = data(site / "data" / entry["id"] / f"{chunk}.js")
        assert name == f"{entry['id']}/{chunk}"
        (task,) = [one for one in rows["tasks"] if one["index"] == index]
        assert [one["number"] for one in task["samples"]] == [0, 1, 2, 3]
        assert (len(task["samples"]), sum(one["passed"] for one in task["samples"]), passed / samples) == (
            samples, passed, reward,
        )  # fmt: skip
        assert task["opening"][0][0] == "user"
        assert task["samples"][0]["blocks"][0][0] == "assistant"


def test_long_transcripts_are_spread_over_files(tmp_path):
    make_results(tmp_path / "in" / "long", n=1, tasks=6, say=lambda *said: "x" * 100_000 + said[2])
    write_site(tmp_path / "in", tmp_path / "out")
    files = sorted(path for path in (tmp_path / "out" / "data").rglob("*.js") if path.stem.isdigit())
    assert len(files) == 3
    assert max(path.stat().st_size for path in files) < 300_000


def test_a_private_split_shows_scores_and_nothing_else(site):
    entry = entry_of(site, "secretive", 6)
    assert entry["private"]
    assert entry["withheld"]
    assert 0 <= entry["pass1"]["low"] <= entry["pass1"]["value"] <= entry["pass1"]["high"] <= 1
    assert [path.name for path in (site / "data" / entry["id"]).iterdir()] == ["entry.js"]
    _, told = data(site / "data" / entry["id"] / "entry.js")
    assert (told["tasks"], told["domains"]) == ([], [])
    assert CANARY not in "".join(path.read_text() for path in site.rglob("*.*"))
    assert "arithmetic/" not in json.dumps(told)


def test_board_json_names_hides_and_retires_splits(folder, tmp_path):
    place = shutil.copytree(folder, tmp_path / "board")
    level = {"env": "InfiniteRL/Math-v0", "split": "test"}
    settings = {"title": "Sums", "about": "Who adds best.", "references": ["weak"]}
    settings["splits"] = [
        level | {"arguments": {"level": 2}, "name": "Autumn", "retired": "2026-12-01"},
        level | {"arguments": {"level": 1}, "private": True},
    ]
    (place / "board.json").write_text(json.dumps(settings))
    write_site(place, tmp_path / "out")
    _, told = data(tmp_path / "out" / "data" / "board.js")
    assert (told["title"], told["about"]) == ("Sums", "Who adds best.")
    assert [(one["name"], one["retired"]) for one in told["benchmarks"]][-1] == ("Autumn, 5 tasks", "2026-12-01")
    assert {one["model"]: one["private"] for one in told["entries"] if one["tasks"] == 30} == {
        "strong": True, "middling": True, "weak": True,
    }  # fmt: skip
    assert {one["model"] for one in told["entries"] if one["reference"]} == {"weak"}


MATH = {"env": "Math-v0", "split": "test", "private": True}
PRIVATE_ROWS = [
    (MATH, {}, True),
    (MATH | {"env": "InfiniteRL/Math-v0", "arguments": {"level": 1}}, {}, True),
    (MATH | {"arguments": {"level": 1}}, {"arguments": {"level": 1, "seed": 0}}, True),
    (MATH | {"arguments": {"level": 1}}, {"arguments": {}}, True),
    (MATH | {"arguments": {"seed": 0}}, {}, True),
    (MATH | {"arguments": {"seed": 0, "families": None}}, {"split": None}, True),
    (MATH, {"split": "train", "arguments": {"split": "test"}}, True),
    (MATH | {"split": "train", "data": "the hash"}, {"id": "Mine-v0"}, True),
    (MATH | {"arguments": {"operations": ["add"]}}, {}, True),
    (MATH | {"arguments": {"seed": 7}}, {}, False),
    (MATH | {"arguments": {"seed": 7}}, {"arguments": {"seed": "7"}}, True),
    (MATH | {"arguments": {"seed": "7"}}, {"arguments": {"seed": 7}}, True),
    (MATH | {"arguments": {"seed": 7}}, {"arguments": {"seed": 8.0}}, False),
    (MATH | {"arguments": {"families": ["sums"]}}, {"arguments": {"families": "sums"}}, True),
    (MATH | {"arguments": {"families": ["sums"]}}, {"arguments": {}}, False),
    (MATH | {"arguments": {"level": 2}}, {}, False),
    (MATH | {"arguments": {"tasks": "secret.jsonl"}}, {}, False),
    (MATH | {"split": "train"}, {}, False),
    (MATH | {"env": "Orz-v0"}, {}, False),
]


@pytest.mark.parametrize(("row", "env", "private"), PRIVATE_ROWS)
def test_a_private_row_is_about_its_tasks_however_they_are_named(row, env, private):
    run = make_run(data="the hash")
    run["env"] |= env
    public = {"env": "Math-v0", "split": "test", "name": "All"}
    for rows in ([row, public], [public, row]):
        assert bool(split_of({"splits": rows}, run).get("private")) is private


def test_a_private_row_about_no_submission_is_told(tmp_path, capsys):
    make_results(tmp_path / "board" / "one", tasks=2, n=1)
    (tmp_path / "board" / "board.json").write_text(json.dumps({"splits": [MATH | {"arguments": {"seed": 77}}]}))
    assert main(["leaderboard", str(tmp_path / "board")]) == 0
    assert 'no submission is of the private split {"env": "Math-v0", "split": "test"' in capsys.readouterr().err
    assert main(["leaderboard", str(tmp_path / "board"), "--check"]) == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"splits": [{"env": "a", "split": "b", "private": "yes"}]}',
        '{"splits": [{"env": "a", "split": "b", "private": true, "private": false}]}',
        "[1]",
        '{"titel": "x"}',
        '{"title": 3}',
        '{"splits": [{"env": "a"}]}',
        "{",
        '{"splits": [3]}',
        "[" * 100_000,
    ],
)
def test_a_malformed_board_json_is_told_in_one_line(folder, tmp_path, text, capsys):
    place = shutil.copytree(folder, tmp_path / "board")
    (place / "board.json").write_text(text)
    assert main(["leaderboard", str(place)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_does_not_hold_together_is_left_out_and_named(folder, tmp_path, capsys):
    place = shutil.copytree(folder, tmp_path / "board")
    shutil.copytree(place / "strong", place / "strong-again")
    result = json.loads((place / "weak" / "result.json").read_text())
    result["scores"]["pass@1"]["value"] = 1.0
    (place / "weak" / "result.json").write_text(json.dumps(result))
    (place / "nonsense.zip").write_bytes(b"PK no")
    assert main(["leaderboard", str(place), "--out", str(tmp_path / "site")]) == 1
    told = capsys.readouterr().err
    for line in (
        "not shown: broken: ",
        "not shown: nonsense.zip: not a readable ZIP archive",
        "not shown: strong-again: the samples are those of strong",
        'not shown: weak: result.json: "scores.pass@1.value" is 1.0, but the samples give',
    ):
        assert line in told
    _, board = data(tmp_path / "site" / "data" / "board.js")
    assert len(board["entries"]) == 4
    assert len(board["left_out"]) == 4
    assert main(["leaderboard", str(place), "--out", str(tmp_path / "site"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["page"] == str(tmp_path / "site" / "index.html")
    assert {one["source"] for one in found["not_shown"]} == {"broken", "nonsense.zip", "strong-again", "weak"}
    assert {one["source"]: one["model"] for one in found["entries"]}["strong"] == "strong"


def test_keys_and_canaries_are_never_put_on_a_page(tmp_path, capsys):
    for name, said in (("key", "hf_" + "k" * 34), ("canary", CANARY), ("named", "marzipan-owl-7"), ("fine", "")):
        say = lambda index, number, words, said=said: f"{words} {said}"  # noqa: E731
        make_results(tmp_path / "board" / name, model=name, tasks=2, n=1, say=say)
    (tmp_path / "board" / "board.json").write_text('{"canaries": ["marzipan-owl-7"]}')
    assert main(["leaderboard", str(tmp_path / "board")]) == 1
    told = capsys.readouterr().err
    assert "not shown: key: samples.jsonl: task 0, sample 0 holds a Hugging Face token (2 samples do)" in told
    assert f"not shown: canary: samples.jsonl: task 0, sample 0 holds the canary {CANARY} of a private split" in told
    assert "not shown: named: samples.jsonl: task 0, sample 0 holds the canary marzipan-owl-7" in told
    site = tmp_path / "board" / "site"
    assert [one["model"] for one in data(site / "data" / "board.js")[1]["entries"]] == ["fine"]
    assert "hf_" not in "".join(path.read_text() for path in site.rglob("*.*"))


def test_why_a_private_submission_was_refused_is_told_to_the_host_alone(tmp_path, capsys):
    run = make_run(model="kept", tasks=2, n=1, secret=77, canary=CANARY)
    samples = play(run, skill=0.0)
    samples[0]["answer"] = "a private answer"
    write_results(tmp_path / "board" / "kept", run, samples)
    assert main(["leaderboard", str(tmp_path / "board"), "--check"]) == 1
    assert "a private answer" in capsys.readouterr().err
    site = tmp_path / "board" / "site"
    assert data(site / "data" / "board.js")[1]["left_out"] == [["kept", "its tasks are private, and so is the reason"]]
    assert "a private answer" not in "".join(path.read_text() for path in site.rglob("*.*"))


def test_a_folder_that_is_not_there_is_not_made(tmp_path, capsys):
    assert main(["leaderboard", str(tmp_path / "typo" / "board")]) == 2
    assert "no such folder" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def test_a_default_that_is_said_makes_no_ranking_of_its_own_and_other_turns_do():
    run, said, turns = make_run(), make_run(), make_run()
    said["env"]["arguments"]["seed"] = 0
    turns["sampling"]["max_turns"] = 3
    assert benchmark_key(said) == benchmark_key(run) != benchmark_key(turns)


@pytest.mark.parametrize("first", ["said", "plain"])
def test_a_default_that_is_said_names_no_table_whichever_file_comes_first(tmp_path, first):
    for name in ("said", "plain"):
        run = make_run(model=name, tasks=3, n=1)
        if name == "said":
            run["env"]["arguments"] = {"seed": 0, "level": 1, "families": None}
            run["hashes"]["config"] = config_hash(run)
        place = tmp_path / "in" / ("a" if name == first else "b")
        write_results(place, run, play(make_run(model=name, tasks=3, n=1), 0.5))
    write_site(tmp_path / "in", tmp_path / "out")
    (told,) = data(tmp_path / "out" / "data" / "board.js")[1]["benchmarks"]
    assert (told["name"], told["arguments"]) == ("Math-v0, level 1, 3 tasks", "level 1")
    assert (dict(told["floor"])["random"], told["ceiling"]) == (0.039, 1.0)


def test_no_submission_fills_a_page_or_a_terminal(tmp_path, capsys):
    endless = "W" * 900_000
    forged = [lambda run: run["model"].update(name=endless), lambda run: run.update(schema=endless)]
    forged += [lambda run: run["env"]["arguments"].update({"level": "9" * 200, "families": ["f"] * 5_000})]
    forged += [lambda run: run.update({endless: 1}), lambda run: run["declarations"].update(contamination=endless)]
    for number, forge in enumerate(forged):
        run = make_run(tasks=2, n=1)
        samples = play(run, 0.5)
        forge(run)
        write_results(tmp_path / "in" / f"{number}", run, samples)
    assert main(["leaderboard", str(tmp_path / "in")]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 4
    assert max(map(len, told)) < 1_100
    assert (tmp_path / "in" / "site" / "data" / "board.js").stat().st_size < 10_000
    (benchmark,) = data(tmp_path / "in" / "site" / "data" / "board.js")[1]["benchmarks"]
    assert benchmark["name"] == f"Math-v0, level {'9' * 143}…, 2 tasks"
    assert len(benchmark["arguments"]) == 1_000


def test_a_link_shows_no_file_of_the_host(folder, tmp_path, capsys):
    place = tmp_path / "board"
    shutil.copytree(folder / "weak", place / "linked")
    (tmp_path / "diary.txt").write_text("dear diary")
    (place / "linked" / "card.md").symlink_to(tmp_path / "diary.txt")
    (place / "whole").symlink_to(folder / "strong")
    assert main(["leaderboard", str(place)]) == 1
    assert capsys.readouterr().err.count("holds a link") == 2
    assert "dear diary" not in "".join(path.read_text() for path in (place / "site").rglob("*.*"))


def test_check_leaves_out_what_only_a_regrade_can_tell(tmp_path, capsys):
    make_results(tmp_path / "board" / "honest", model="honest", tasks=3, n=2)
    run = make_run(model="forger", tasks=3, n=2)
    samples = play(run, skill=0.0)
    samples[0].update(passed=True, reward=1.0)
    write_results(tmp_path / "board" / "forged", run, samples)
    out = tmp_path / "site"
    assert main(["leaderboard", str(tmp_path / "board"), "--out", str(out)]) == 0
    assert main(["leaderboard", str(tmp_path / "board"), "--out", str(out), "--check"]) == 1
    assert "not shown: forged: samples.jsonl: task 0" in capsys.readouterr().err
    _, board = data(out / "data" / "board.js")
    assert [one["model"] for one in board["entries"]] == ["honest"]
    assert board["checked"] is True


def test_an_evaluation_is_submitted_and_shown_as_it_was_made(tmp_path, capsys):
    def answer(request):
        sum_of_both = eval(re.search(r"What is ([0-9+*-]+)\?", request["messages"][0]["content"])[1])
        return f"<answer>{sum_of_both if request['seed'] % 2 else 'none'}</answer>"

    asked = ["--env", "Math-v0", "--level", "2", "--tasks", "6", "-n", "4", "--one-by-one", "--contamination", "none"]
    with serving(answer) as server:
        told = ["--base-url", server.url, "--model", "tiny", "--out", str(tmp_path / "results"), "--json"]
        assert main(["eval", *asked, *told]) == 0
    result = json.loads(capsys.readouterr().out)
    assert main(["submit", str(tmp_path / "results"), "--out", str(tmp_path / "board")]) == 0
    assert "accepted: 24 samples were graded again" in capsys.readouterr().out
    assert main(["leaderboard", str(tmp_path / "board"), "--check"]) == 0
    shown = entry_of(tmp_path / "board" / "site", "tiny", 6)
    score = result["scores"]["pass@1"]
    assert shown["pass1"] == pytest.approx({name: score[name] for name in ("value", "low", "high")})
    assert 0 < shown["pass1"]["value"] < 1


def test_a_private_file_is_evaluated_submitted_and_shown_without_its_tasks(tmp_path, capsys):
    rows = [
        {"id": f"q{number}", "messages": [{"role": "user", "content": f"Private question {number}?"}],
         "answer": str(number), "metadata": {"canary": CANARY}}
        for number in range(4)
    ]  # fmt: skip
    file = tmp_path / "private.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(lambda request: "<answer>2</answer>") as server:
        told = ["--base-url", server.url, "--model", "tiny", "--out", str(tmp_path / "results")]
        asked = ["--env", "Math-v0", "--file", str(file), "--contamination", "none", "--canary", CANARY]
        assert main(["eval", *asked, *told]) == 0
    assert main(["submit", str(tmp_path / "results"), "--check"]) == 1
    assert '"env.arguments.tasks" is not taken from a submission' in capsys.readouterr().err
    out = ["--out", str(tmp_path / "board")]
    assert main(["submit", str(tmp_path / "results"), "--file", str(file), *out]) == 0
    assert main(["leaderboard", str(tmp_path / "board")]) == 0
    shown = "".join(path.read_text() for path in (tmp_path / "board" / "site").rglob("*.*"))
    assert '\\"value\\":0.25' in shown
    assert "Private question" not in shown
    assert CANARY not in shown


SAID = [
    "<answer>1</answer>",
    "<answer>print(1)</answer>",
    "<answer>```python\nwhile True: pass\n```</answer>",
    "<search>capital</search>",
    '<tool_call>{"name": "calculator", "arguments": {"expression": "1+1"}}</tool_call>',
    "<tool_call>{bad json</tool_call>",
    "\\boxed{3}",
    "Hello\x00\u202e",
    "",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOORS)
def test_honest_evaluations_of_every_environment_are_accepted(name, tmp_path):
    asked = ["--env", name, "--tasks", "12", "-n", "2", "--one-by-one", "--contamination", "none", "--model", "tiny"]
    with serving(lambda request: random.Random(request["seed"]).choice(SAID)) as server:
        told = ["--base-url", server.url, "--out", str(tmp_path / "results")]
        assert main(["eval", *asked, *told]) == 0
    assert main(["submit", str(tmp_path / "results"), "--out", str(tmp_path / "board")]) == 0
    assert main(["leaderboard", str(tmp_path / "board"), "--check"]) == 0


def test_packed_submissions_and_folders_show_the_same(tmp_path):
    make_results(tmp_path / "results", tasks=3, n=2)
    assert main(["submit", str(tmp_path / "results"), "--out", str(tmp_path / "packed")]) == 0
    shutil.copytree(tmp_path / "results", tmp_path / "plain" / "results")
    for place in ("packed", "plain"):
        write_site(tmp_path / place, tmp_path / f"{place}-site")
    entry = entry_of(tmp_path / "packed-site", "model", 3)["id"]
    for name in ("board.js", f"{entry}/0.js"):
        packed, plain = (tmp_path / f"{place}-site" / "data" / name for place in ("packed", "plain"))
        assert packed.read_bytes() == plain.read_bytes()


def test_equal_results_are_packed_into_equal_files_and_never_written_over(tmp_path, capsys):
    make_results(tmp_path / "results", tasks=2, n=1)
    for out in ("a", "b"):
        assert main(["submit", str(tmp_path / "results"), "--out", str(tmp_path / out)]) == 0
    (first,), (second,) = ([*(tmp_path / out).iterdir()] for out in ("a", "b"))
    assert (first.name, first.read_bytes()) == (second.name, second.read_bytes())
    assert main(["submit", str(tmp_path / "results"), "--out", str(tmp_path / "a")]) == 2
    assert "never written over" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../run.json", "/tmp/run.json", "report.html", "run.json/"])
def test_an_archive_with_another_file_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "{}")
    with pytest.raises(ValueError, match="and nothing else"), opened(tmp_path / "bad.zip"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


BOMBS = [
    ("run.json", 2, b"0", "2,097,152 bytes, too many"),
    ("result.json", 33, b"[],", "too many"),
    ("samples.jsonl", 40, b"\n", "unpacks to more than .* bytes, too many for an archive of its size"),
]


@pytest.mark.parametrize(("name", "size", "filling", "reason"), BOMBS)
def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, name, size, filling, reason):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, filling * ((size << 20) // len(filling) + 1) if size > 2 else b"0" * (2 << 20))
    with pytest.raises(ValueError, match=reason), opened(tmp_path / "bomb.zip"):
        pass


def test_a_line_in_an_archive_has_a_limit_though_the_file_may_be_longer(tmp_path, monkeypatch):
    monkeypatch.setattr("infinite_rl.agents.leaderboard.archive._LONGEST_LINE", 3 << 20)
    for lines, fits in (([2 << 20] * 4, True), ([2 << 20, 5 << 20, 9], False)):
        with zipfile.ZipFile(tmp_path / "long.zip", "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("samples.jsonl", b"".join(b"x" * length + b"\n" for length in lines))
        if fits:
            with opened(tmp_path / "long.zip") as place:
                assert (place / "samples.jsonl").stat().st_size == sum(lines) + len(lines)
        else:
            with pytest.raises(ValueError, match="has a line of more than"), opened(tmp_path / "long.zip"):
                pass


def test_a_model_that_says_the_same_for_ever_can_be_handed_in(tmp_path):
    run = make_run(tasks=4, n=2)
    say = lambda index, number, words: f"{words} {'no ' * 100_000}"  # noqa: E731
    write_results(tmp_path / "dull", run, play(run, 0.5, say=say))
    assert main(["submit", str(tmp_path / "dull"), "--out", str(tmp_path / "board")]) == 0
    assert main(["submit", str(next((tmp_path / "board").iterdir())), "--check"]) == 0


def test_a_site_takes_the_place_of_a_site_only(folder, tmp_path, capsys):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    assert main(["leaderboard", str(folder), "--out", str(mine)]) == 2
    assert (mine / "thesis.txt").read_text() == "mine"
    assert "is no site of a leaderboard" in capsys.readouterr().err
    out = tmp_path / "site"
    for _ in range(2):
        assert main(["leaderboard", str(folder), "--out", str(out)]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "site"]


def test_a_folder_without_submissions_costs_no_site(folder, tmp_path, capsys):
    write_site(folder, tmp_path / "site")
    before = (tmp_path / "site" / "data" / "board.js").read_bytes()
    assert main(["leaderboard", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    told = "there is no submission, which is a .zip or a folder with run.json; nothing was written"
    assert (out, err) == ("", f"infinite-rl: in {tmp_path} {told}\n")
    assert (tmp_path / "site" / "data" / "board.js").read_bytes() == before


def test_a_build_that_fails_leaves_the_old_site(folder, tmp_path, monkeypatch):
    write_site(folder, tmp_path / "site")
    before = {path: path.read_bytes() for path in (tmp_path / "site").rglob("*.*")}
    monkeypatch.setattr("infinite_rl.agents.leaderboard.site.as_csv", lambda table: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_site(folder, tmp_path / "site")
    assert {path: path.read_bytes() for path in (tmp_path / "site").rglob("*.*")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_tasks_of_a_file_have_no_split_no_floor_and_no_name_of_the_submitters(tmp_path):
    run = make_run(tasks=3, n=1)
    run["env"] |= {"split": None, "arguments": {"tasks": "the winner is MODEL X.jsonl"}}
    write_results(tmp_path / "in" / "mine", run, play(make_run(tasks=3, n=1), 0.5))
    board = write_site(tmp_path / "in", tmp_path / "out")
    assert board.left_out == []
    (benchmark,) = data(tmp_path / "out" / "data" / "board.js")[1]["benchmarks"]
    assert (benchmark["split"], benchmark["arguments"], benchmark["floor"]) == ("", "tasks of a file", [])
    assert benchmark["name"] == "Math-v0, tasks of a file, 3 tasks"
    assert "winner" not in "".join(path.read_text() for path in (tmp_path / "out").rglob("*.*"))


def test_an_empty_folder_is_an_empty_board(tmp_path):
    write_site(tmp_path, tmp_path / "site")
    assert data(tmp_path / "site" / "data" / "board.js")[1]["entries"] == []
    assert "No entries yet" in (tmp_path / "site" / "board.md").read_text()


def test_two_entries_are_compared_task_by_task_though_ids_repeat(folder):
    board = read_board(folder, lambda entry, tasks: None)
    strong, weak = (next(one for one in board.entries if one.source == name) for name in ("strong", "weak"))
    for one in (*strong.rows.values(), *weak.rows.values()):
        one.task_id = "the same"
    there, back = compare(strong, weak), compare(weak, strong)
    shares = [[row.passed / row.samples for row in one.rows.values()] for one in (strong, weak)]
    found = paired_difference(*shares)
    assert (there.difference, there.low, there.high) == (found.value, found.low, found.high)
    assert there.p == mcnemar(there.only_first, there.only_second)
    assert there.wins + there.losses + there.ties == 30
    assert (back.wins, back.losses, back.ties) == (there.losses, there.wins, there.ties)
    assert (back.difference, back.only_first) == (-there.difference, there.only_second)
    assert compare(strong, next(one for one in board.entries if one.source == "other")) is None


def test_data_can_leave_no_script_and_becomes_no_program(tmp_path):
    value = {"__proto__": {"x": 1}, "text": "</script><script>alert(1)</script><!-- \u2028\u202e\ud800 ' \" \\"}
    write_script(tmp_path, "a/b", value)
    text = (tmp_path / "a" / "b.js").read_bytes()
    assert not set(b"<>&'") & set(text)
    assert max(text) < 0x80
    assert data(tmp_path / "a" / "b.js") == ("a/b", value)


def test_exports_hold_nothing_that_a_spreadsheet_or_a_page_would_obey():
    row = dict.fromkeys(("split", "parameters", "low", "high", "k", "pass@k", "maj@n", "tokens", "doubt"))
    row |= {"environment": "Math", "rank": 1, "model": "=cmd|'/c calc'!A0", "backend": "<img src=x onerror=a()>|\n# b"}
    row |= {"pass@1": 0.5, "reward": 0.5, "tasks": 1, "n": 1, "samples": 1, "finished": "2026"}
    assert "'=cmd" in as_csv([row])
    (line,) = [line for line in as_markdown("Board", [row]).splitlines() if "cmd" in line]
    assert line.count("|") - line.count("\\|") == 13
    assert "<img" not in line.replace("\\<", "")
    assert escaped("[a](javascript:b)") == "\\[a\\](javascript:b)"


def test_published_floors_are_those_that_were_measured():
    measured = json.loads((ROOT / "benchmarks" / "results" / "floors.json").read_text())
    for name, levels in FLOORS.items():
        rows = measured[f"InfiniteRL/{name}"]
        assert {int(level) for level in rows} == set(levels)
        for level, values in levels.items():
            row = rows[str(level)]
            assert tuple(row[policy] for policy in POLICIES) == values, (name, level)
            told = bounds_of({"id": f"InfiniteRL/{name}", "arguments": {"level": level}, "split": "test"})
            assert f"{row['count']:,} tasks" in told.how


def test_no_floor_is_claimed_for_tasks_that_were_not_measured():
    plain = {"id": "InfiniteRL/Math-v0", "arguments": {"level": 1}, "split": "test"}
    assert bounds_of(plain).floor["random"] == 0.039
    assert bounds_of(plain | {"split": "train"}) is None
    for arguments in ({"level": 9}, {}, {"level": [1]}, {"level": {}}, {"level": "1"}, {"level": None}):
        assert bounds_of(plain | {"arguments": arguments}) is None
    assert bounds_of(plain | {"arguments": {"level": 1, "families": "all"}}) is None
    assert bounds_of(plain | {"id": "gsm8k"}) is None


def test_building_needs_no_extra():
    code = (
        "import sys\n"
        "import infinite_rl.agents.leaderboard.site, infinite_rl.agents.leaderboard.check\n"
        "print({'torch', 'jinja2', 'matplotlib', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_equal_scores_share_a_rank_however_they_were_added_up_and_whatever_the_file_says(tmp_path):
    # As many passes, whose shares add up to floats that differ in their last digit.
    counts = {"one": [1, 4, 0, 2, 0, 3, 3, 3, 5, 3, 1, 0], "two": [5, 0, 0, 4, 0, 2, 3, 1, 3, 3, 1, 3]}
    assert len({np.mean(np.array(one) / 5) for one in counts.values()}) == 2
    for name, some in counts.items():
        run = make_run(model=name, n=5, tasks=12)
        write_results(tmp_path / "in" / name, run, [*passing(run, some)])
    run = make_run(model="nudged", n=5, tasks=12)
    nudged = write_results(tmp_path / "in" / "nudged", run, [*passing(run, counts["one"])])
    result = json.loads((nudged / "result.json").read_text())
    for score in result["scores"].values():
        score.update({name: score[name] + 4e-10 for name in ("value", "low", "high")})
    (nudged / "result.json").write_text(json.dumps(result))
    main(["leaderboard", str(tmp_path / "in"), "--check"])
    site = tmp_path / "in" / "site"
    entries = data(site / "data" / "board.js")[1]["entries"]
    assert [one["rank"] for one in entries] == [1, 1, 1]
    assert len({json.dumps([one[name] for name in ("pass1", "passk", "maj", "reward")]) for one in entries}) == 1
    rows = [*csv.DictReader((site / "board.csv").read_text().splitlines())]
    assert {(one["rank"], one["pass@1"], one["low"]) for one in rows} == {("1", rows[0]["pass@1"], rows[0]["low"])}
