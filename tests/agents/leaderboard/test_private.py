"""Of private tasks nothing is published by which they could be made again, or a guess of their seed be tried."""

import json
import secrets
import shutil

import pytest
from board_results import asked, make_results, make_run, passing, play, write_results
from pages import data, entry_of

from infinite_rl.agents.leaderboard.card import model_card
from infinite_rl.agents.leaderboard.grouping import benchmark_key
from infinite_rl.cli import main

CANARY = "infinite-rl-canary-" + "3d" * 16
SEEDS = [secrets.randbits(64) | 1 << 63, secrets.randbits(64) | 1 << 63]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Two private splits, one of which has a name; a submission to one is packed, with a card."""
    place = tmp_path_factory.mktemp("kept")
    row = {"env": "Math-v0", "split": "test", "private": True}
    rows = [row | {"arguments": {"seed": seed}} for seed in SEEDS] + [row | {"arguments": {"level": 2}}]
    rows[0]["name"] = "Summer"
    (place / "board.json").write_text(json.dumps({"splits": rows}))
    runs = [make_run(model=f"model-{seed}"[:9], tasks=3, n=1, secret=seed) for seed in SEEDS]
    runs += [make_run(model="two", tasks=3, n=1, level=2)]
    for number, run in enumerate(runs):
        results = write_results(place / f"results-{number}", run, play(run, 0.5))
        result = json.loads((results / "result.json").read_text())
        (results / "card.md").write_text(model_card(run, result, "My words."))
    assert main(["leaderboard", str(place), "--check"]) == 0
    return place / "site", runs


def test_no_page_tells_the_arguments_of_private_tasks_or_a_hash_made_of_them(kept):
    site, runs = kept
    shown = "".join(path.read_text() for path in site.rglob("*.*"))
    for run in runs:
        made = [run["hashes"][name] for name in ("data", "prompts", "config")]
        for secret in (*made, made[0][:4] + "…", benchmark_key(run), benchmark_key(run)[-16:]):
            assert secret not in shown
    for seed in SEEDS:
        assert str(seed) not in shown
    assert "level 2" not in shown
    assert "My words." not in shown
    assert runs[0]["hashes"]["code"] in shown


def test_pages_of_private_tasks_are_the_same_whatever_the_seed(tmp_path):
    """So that no guess of it can be tried on anything that is published, by whatever way."""
    for name, seed in (("one", SEEDS[0]), ("other", SEEDS[1])):
        run = make_run(tasks=3, n=2, secret=seed)
        row = {"env": "Math-v0", "split": "test", "private": True, "arguments": {"seed": seed}}
        samples = [one | {"completion_tokens": 9, "prompt_tokens": seed % 50} for one in passing(run, [0, 1, 2])]
        folder = write_results(tmp_path / name / "in" / "results", run, samples)
        result = json.loads((folder / "result.json").read_text())
        read, written = (result["usage"][key] for key in ("prompt_tokens", "completion_tokens"))
        cost = {"input_per_million": 1.0, "output_per_million": 2.0, "total": (read + 2 * written) / 1e6}
        (folder / "result.json").write_text(json.dumps(result | {"cost": cost}))
        forged = shutil.copytree(folder, tmp_path / name / "in" / "forged")
        (forged / "result.json").write_text(json.dumps(result | {"floor": {"none": seed}}))
        (tmp_path / name / "in" / "board.json").write_text(json.dumps({"splits": [row]}))
        assert main(["leaderboard", str(tmp_path / name / "in"), "--out", str(tmp_path / name / "site")]) == 1
    one, other = (
        {path.relative_to(place): path.read_bytes() for path in place.rglob("*.*")}
        for place in (tmp_path / "one" / "site", tmp_path / "other" / "site")
    )
    assert one == other
    assert len([path for path in one if path.match("data/*/entry.js")]) == 1


def test_entries_whose_cards_say_the_same_have_addresses_of_their_own(tmp_path):
    row = {"env": "Math-v0", "split": "test", "private": True}
    (tmp_path / "board.json").write_text(json.dumps({"splits": [row]}))
    for seed in SEEDS:
        run = make_run(tasks=3, n=2, secret=seed)
        samples = [one | {"completion_tokens": 9} for one in passing(run, [0, 1, 2])]
        write_results(tmp_path / f"results-{seed}", run, samples)
    assert main(["leaderboard", str(tmp_path)]) == 0
    first, second = (one["id"] for one in data(tmp_path / "site" / "data" / "board.js")[1]["entries"])
    assert second == f"{first}-2"
    assert {path.name for path in (tmp_path / "site" / "data").iterdir()} == {"board.js", first, second}


def test_private_splits_without_a_name_are_told_apart_by_a_number(kept):
    told = data(kept[0] / "data" / "board.js")[1]["benchmarks"]
    assert [one["name"] for one in told] == ["Math-v0, 3 tasks, no. 1", "Math-v0, 3 tasks, no. 2", "Summer, 3 tasks"]
    assert len({one["key"] for one in told}) == 3
    assert {(one["data"], one["arguments"], one["ceiling"], *one["floor"]) for one in told} == {("", "", None)}


def test_what_only_one_submitter_keeps_back_is_told_where_others_publish_it(tmp_path):
    make_results(tmp_path / "in" / "mine", model="mine", tasks=3, secret=77, canary=CANARY)
    make_results(tmp_path / "in" / "yours", model="yours", tasks=3, secret=77)
    assert main(["leaderboard", str(tmp_path / "in")]) == 0
    (told,) = data(tmp_path / "in" / "site" / "data" / "board.js")[1]["benchmarks"]
    assert told["arguments"] == "level 1, seed 77"
    mine = entry_of(tmp_path / "in" / "site", "mine", 3)["id"]
    assert "77" not in json.dumps(dict(data(tmp_path / "in" / "site" / "data" / mine / "entry.js")[1]["card"])["Tasks"])


@pytest.mark.parametrize("canary", [CANARY, None])
def test_a_card_has_the_arguments_unless_a_canary_keeps_the_tasks_back(canary):
    run = make_run(tasks=3, n=1, secret=SEEDS[0], canary=canary)
    result = {"scores": {"pass@1": {"value": None}}, "usage": {}, "samples_sha256": "s", "finished": "f"}
    assert (str(SEEDS[0]) in model_card(run, result)) is (canary is None)
    assert (run["hashes"]["data"] in model_card(run, result)) is (canary is None)


def test_a_seed_of_64_bits_is_taken_as_it_is():
    """What the documentation asks for: fewer could all be tried."""
    first, second = (asked(make_run(tasks=3, n=1, secret=seed)).hashes()["data"] for seed in SEEDS)
    assert first != second
