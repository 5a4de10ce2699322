"""What a submitter can hide, copy, have imported or break, and what is said of it."""

import json
import os
import random
import shutil
import sys

import pytest
from board_results import make_results, make_run, play, write_results
from chat_server import serving
from pages import data, entry_of

from infinite_rl.agents.evaluation.results import SAMPLES, read_results
from infinite_rl.agents.leaderboard import archive
from infinite_rl.agents.leaderboard.archive import opened, pack
from infinite_rl.agents.leaderboard.check import check
from infinite_rl.agents.leaderboard.copies import replies_of, shared
from infinite_rl.agents.leaderboard.settings import withheld
from infinite_rl.cli import main

CANARY = "infinite-rl-canary-" + "7c" * 16


def test_a_canary_hides_no_transcript_of_tasks_that_everybody_has(tmp_path):
    make_results(tmp_path / "in" / "shy", model="shy", tasks=3, canary=CANARY)
    make_results(tmp_path / "in" / "open", model="open", tasks=3)
    assert main(["leaderboard", str(tmp_path / "in"), "--check"]) == 0
    site = tmp_path / "in" / "site"
    shy = entry_of(site, "shy", 3)
    assert (shy["private"], shy["withheld"], shy["rank"] is None) == (False, False, False)
    assert (site / "data" / shy["id"] / "0.js").exists()


@pytest.mark.parametrize("seed", [0, "0"])
def test_the_usual_tasks_are_not_withheld_whatever_their_seed_is_written_as(seed):
    run = make_run(canary=CANARY)
    run["env"]["arguments"]["seed"] = seed
    assert not withheld(run)


def hidden(site):
    entries = data(site / "data" / "board.js")[1]["entries"]
    return {one["model"]: (one["private"], one["withheld"]) for one in entries}


def test_transcripts_that_only_the_submitter_keeps_back_are_marked(tmp_path):
    for name, canary in (("mine", CANARY), ("yours", None)):
        make_results(tmp_path / "in" / name, model=name, tasks=3, secret=77, canary=canary)
    main(["leaderboard", str(tmp_path / "in")])
    assert hidden(tmp_path / "in" / "site") == {"mine": (True, True), "yours": (False, False)}
    row = {"env": "Math-v0", "split": "test", "arguments": {"seed": 77}, "private": True}
    (tmp_path / "in" / "board.json").write_text(json.dumps({"splits": [row]}))
    main(["leaderboard", str(tmp_path / "in")])
    assert hidden(tmp_path / "in" / "site") == {"mine": (True, False), "yours": (True, False)}


def wordy(index, number, words):
    more = random.Random(100 * index + number).random()
    return f"{words} {more} is what I think of it, and I have thought about it for long."


def test_the_same_replies_under_another_name_are_told_of_both_and_refused_by_submit(tmp_path, capsys):
    run = make_run(model="first", tasks=5)
    samples = play(run, 0.6, say=wordy)
    write_results(tmp_path / "in" / "first", run, samples)
    for sample in samples:  # spaces make no other reply, and neither does one that was changed
        sample["messages"][-1]["content"] += " \n"
    samples[0]["messages"][-1]["content"] += "!"
    copy = write_results(tmp_path / "copy", make_run(model="second", tasks=5), samples)
    assert main(["submit", str(copy), "--check"]) == 0
    assert main(["submit", str(copy), "--out", str(tmp_path / "in")]) == 1
    assert "refused: samples.jsonl: holds 95.0% of the longer replies of first in first, word for word" in (
        capsys.readouterr().err
    )
    shutil.copytree(copy, tmp_path / "in" / "second")
    assert main(["leaderboard", str(tmp_path / "in")]) == 0
    told = capsys.readouterr().err
    assert "warning: first (first): 95.0% of its longer replies are word for word those of second (second)" in told
    assert "warning: second (second): 95.0% of its longer replies are word for word those of first (first)" in told
    assert main(["leaderboard", str(tmp_path / "in"), "--check"]) == 1
    first, second = (entry_of(tmp_path / "in" / "site", name, 5) for name in ("first", "second"))
    assert (first["copies"], second["copies"]) == ([[second["id"], 0.95]], [[first["id"], 0.95]])


def test_models_that_are_both_right_in_few_words_are_no_copies(tmp_path):
    one, other = (play(make_run(model=name, tasks=6), 1.0) for name in ("one", "other"))
    assert shared(replies_of(one), replies_of(other)) == (0, 0)
    long = [play(make_run(model=name, tasks=6), 0.5, say=wordy) for name in ("one", "one", "other")]
    assert shared(*map(replies_of, long[:2])) == (1, 1)
    assert shared(*map(replies_of, long[1:])) == (0, 0)


def test_an_exact_copy_takes_no_place_from_those_who_made_the_samples(tmp_path, capsys):
    samples = play(make_run(model="Maker", tasks=5), 0.6)  # short, so that only all of them together tell
    write_results(tmp_path / "in" / "maker", make_run(model="Maker", tasks=5), samples)
    write_results(tmp_path / "in" / "aaa", make_run(model="maker!", tasks=5), samples)
    copy = write_results(tmp_path / "copy", make_run(model="thief", tasks=5), samples)
    assert main(["submit", str(copy), "--out", str(tmp_path / "in")]) == 1
    assert "holds 100.0% of the longer replies of Maker in maker, word for word" in capsys.readouterr().err
    assert main(["leaderboard", str(tmp_path / "in"), "--check"]) == 1
    assert "not shown" not in capsys.readouterr().err
    maker, thief = (entry_of(tmp_path / "in" / "site", name, 5) for name in ("Maker", "maker!"))
    assert (maker["copies"], thief["copies"]) == ([[thief["id"], 1.0]], [[maker["id"], 1.0]])
    assert maker["rank"] == thief["rank"] == 1


def test_copies_are_found_whatever_thoughts_or_calls_are_put_beside_them():
    samples = play(make_run(model="first", tasks=5), 0.6, say=wordy)
    for name in ("reasoning_content", "tool_calls"):
        changed = [
            one | {"messages": [*one["messages"][:-1], one["messages"][-1] | {name: f"{name} {place}"}]}
            for place, one in enumerate(samples)
        ]
        assert shared(replies_of(samples), replies_of(changed)) == (1, 1)


def test_both_who_share_replies_are_told_which_part_of_their_own_that_is():
    many = play(make_run(model="maker", tasks=20), 0.6, say=wordy)
    few = [*many[:3], *play(make_run(model="copier", tasks=19), 0.6)]
    assert shared(replies_of(many), replies_of(few)) == (pytest.approx(3 / 80), 1)
    half = [*many[:40], *play(make_run(model="copier", tasks=20), 0.6, say=lambda *said: wordy(*said) + " Or so.")]
    assert shared(replies_of(many[:40]), replies_of(half)) == (1, pytest.approx(40 / 120))


def test_who_wraps_anothers_replies_in_many_is_marked_like_them_and_can_not_keep_them_out(tmp_path, capsys):
    victim, wrapper = (make_run(model=name, n=n, tasks=5) for name, n in (("victim", 1), ("wrapper", 16)))
    said = play(victim, 0.6, say=wordy)
    rest = play(wrapper, 0.6, say=lambda *told: wordy(*told) + " Or so.")
    more = {one["task_index"]: one for one in said}
    write_results(tmp_path / "victim", victim, said)
    write_results(
        tmp_path / "wrapper", wrapper, [more[one["task_index"]] if one["sample"] == 0 else one for one in rest]
    )
    for name, other in (("victim", "wrapper"), ("wrapper", "victim")):  # who is first on the board
        assert main(["submit", str(tmp_path / name), "--out", str(tmp_path / f"{name}-first")]) == 0
        capsys.readouterr()
        found = main(["submit", str(tmp_path / other), "--out", str(tmp_path / f"{name}-first")])
        told = capsys.readouterr()
        if name == "victim":
            assert found == 1
            assert "refused: samples.jsonl: holds 100.0% of the longer replies of victim in victim-" in told.err
            shutil.copytree(tmp_path / "wrapper", tmp_path / "victim-first" / "wrapper")
        else:
            assert found == 0
            assert "note: 100.0% of its longer replies are word for word those of wrapper in wrapper-" in told.out
        assert main(["leaderboard", str(tmp_path / f"{name}-first")]) == 0
        marks = capsys.readouterr().err
        assert ": 100.0% of its longer replies are word for word those of wrapper" in marks
        assert ": 6.2% of its longer replies are word for word those of victim" in marks
        table = (tmp_path / f"{name}-first" / "site" / "board.csv").read_text()
        assert "100.0% of its longer replies equal those of wrapper" in table
        assert "6.2% of its longer replies equal those of victim" in table


OWN = '''
import gymnasium
from infinite_rl.envs.math import MathEnv


class Mine(MathEnv):
    """Sums of one's own."""


gymnasium.register("Mine-v0", entry_point=Mine)
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The results of an environment that a module of the user registers; the module is not imported."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mine_of_the_tests.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path / "code")
    with serving(lambda request: "<answer>7</answer>") as server:
        told = ["--base-url", server.url, "--model", "tiny", "--out", str(tmp_path / "in" / "tiny")]
        asked = ["--env", "mine_of_the_tests:Mine-v0", "--tasks", "4", "--contamination", "none"]
        assert main(["eval", *asked, *told]) == 0
    monkeypatch.delitem(sys.modules, "mine_of_the_tests")
    import gymnasium

    monkeypatch.delitem(gymnasium.registry, "Mine-v0")
    return tmp_path / "in"


def test_an_environment_of_ones_own_is_graded_again_if_it_is_named_and_never_imported_otherwise(own, capsys):
    capsys.readouterr()
    commands = {"reverify": ["reverify", str(own / "tiny")], "submit": ["submit", str(own / "tiny"), "--check"]}
    commands["leaderboard"] = ["leaderboard", str(own), "--check"]
    for name, command in commands.items():
        assert main(command) in (1, 2), name
        assert "mine_of_the_tests:Mine-v0" in capsys.readouterr().err
        assert main([*command, "--env", "other_module:Mine-v0"]) in (1, 2), name
        assert "mine_of_the_tests" not in sys.modules
        capsys.readouterr()
    for name, command in commands.items():
        assert main([*command, "--env", "mine_of_the_tests:Mine-v0"]) == 0, (name, capsys.readouterr().err)


def test_what_is_packed_can_be_read_however_well_it_shrinks(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_FREE", 1 << 20)
    folder = make_results(tmp_path / "dull", tasks=3, n=2, say=lambda *said: f"{said[2]} {'no ' * 200_000}")
    results = read_results(folder)
    pack(results, "a card", tmp_path / "dull.zip")
    with opened(tmp_path / "dull.zip") as place:
        assert read_results(place).samples == results.samples


LARGE = [("_LARGEST", archive._LARGEST | {SAMPLES: 1000}, "samples.jsonl has .* bytes, too many"),
         ("_LARGEST", archive._LARGEST | {"card.md": 3}, "card.md has 6 bytes, too many"),
         ("_LONGEST_LINE", 1 << 20, "has a line of more than 1,048,576 bytes")]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "reason"), LARGE, ids=[reason for *_, reason in LARGE])
def test_what_no_reader_would_take_is_not_packed(tmp_path, monkeypatch, name, value, reason):
    monkeypatch.setattr(archive, name, value)
    results = read_results(make_results(tmp_path / "large", tasks=1, n=1, say=lambda *said: "x" * (3 << 20)))
    with pytest.raises(ValueError, match=reason):
        pack(results, "a card", tmp_path / "large.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["large"]


ODD = [
    ("a folder", lambda path: path.mkdir()),
    ("a pipe or device", os.mkfifo),
    ("a link that leads nowhere", lambda path: path.symlink_to("nowhere")),
]


@pytest.mark.parametrize("name", ["run.json", "samples.jsonl", "result.json", "card.md"])
@pytest.mark.parametrize(("kind", "make"), ODD, ids=[kind for kind, _ in ODD])
def test_a_member_that_is_no_file_is_named(tmp_path, capsys, name, kind, make):
    folder = make_results(tmp_path / "in" / "odd", tasks=2, n=1)
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    for command in (["submit", "--check"], *([["reverify"]] if name != "card.md" else [])):
        assert main([*command, str(folder)]) == 2
        assert f"{folder / name} is {kind}, and should be a file" in capsys.readouterr().err
    main(["leaderboard", str(tmp_path / "in")])
    assert "not shown: odd: " in capsys.readouterr().err


@pytest.mark.parametrize("name", ["run.json", "samples.jsonl", "result.json"])
def test_a_submission_that_lost_a_part_is_named(tmp_path, capsys, name):
    folder = make_results(tmp_path / "in" / "torn", tasks=2, n=1)
    (folder / name).unlink()
    (tmp_path / "in" / "notes").mkdir()  # none of a submission's files: nobody handed it in
    assert main(["leaderboard", str(tmp_path / "in")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("not shown: torn: ")
    assert name in line


def test_a_regrade_of_a_stranger_says_what_it_needs(tmp_path):
    run = make_run(tasks=3, n=1)
    run["env"]["id"] = "their_module:Theirs-v0"
    report = check(write_results(tmp_path / "in", run, play(make_run(tasks=3, n=1), 0.5)))
    assert "whoever trusts it gives it by --env" in report.ungraded
    assert report.regraded == 0
    assert "their_module" not in sys.modules


@pytest.mark.parametrize("harm", ["torn", "forged", "small"])
def test_who_puts_a_few_replies_of_another_beside_them_keeps_nobody_out(tmp_path, capsys, harm):
    victim, troll = make_run(model="victim", tasks=20), make_run(model="troll", tasks=1, n=3)
    said = play(victim, 0.6, say=wordy)
    write_results(tmp_path / "victim", victim, said)
    place = write_results(tmp_path / "board" / "troll", troll, [one for one in said if one["task_index"] == 0][:3])
    if harm == "torn":
        (place / "result.json").unlink()
    if harm == "forged":
        result = json.loads((place / "result.json").read_text())
        (place / "result.json").write_text(json.dumps(result | {"samples_sha256": "0" * 64}))
    assert main(["submit", str(tmp_path / "victim"), "--out", str(tmp_path / "board")]) == 0
    assert ("word for word those of troll" in capsys.readouterr().out) == (harm == "small")


def test_where_nothing_can_be_shown_any_more_the_old_site_stays(tmp_path, capsys):
    run = make_run(tasks=3, n=1)
    place = write_results(tmp_path / "in" / "one", run, play(run, 0.5))
    assert main(["leaderboard", str(tmp_path / "in")]) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "in" / "site").rglob("*.*")}
    (place / "run.json").unlink()
    assert main(["leaderboard", str(tmp_path / "in")]) == 1
    assert "site stays as it was" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "in" / "site").rglob("*.*")} == before


def test_arguments_that_may_be_any_text_are_named_in_titles_and_not_told(tmp_path):
    run = make_run(tasks=3, n=1)
    run["env"]["arguments"] |= {"corpus": "MODEL X WINS, see https://example.org"}
    write_results(tmp_path / "in" / "one", run, play(make_run(tasks=3, n=1), 0.5))
    main(["leaderboard", str(tmp_path / "in")])
    (benchmark,) = data(tmp_path / "in" / "site" / "data" / "board.js")[1]["benchmarks"]
    assert benchmark["arguments"] == "level 1, corpus"
    assert "MODEL X WINS" not in json.dumps(benchmark)


def test_arguments_are_shown_as_json(tmp_path):
    run = make_run(tasks=3, n=1)
    run["env"]["arguments"] |= {"families": ["add", "sub"], "wrap": True, "note": None}
    write_results(tmp_path / "in" / "one", run, play(make_run(tasks=3, n=1), 0.5))
    main(["leaderboard", str(tmp_path / "in")])
    (benchmark,) = data(tmp_path / "in" / "site" / "data" / "board.js")[1]["benchmarks"]
    assert benchmark["arguments"] == 'level 1, families ["add", "sub"], note null, wrap true'
