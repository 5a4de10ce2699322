"""Whole generations with the real client, against a server on this machine that is good or hostile."""

import asyncio
import csv
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from gemini_server import MISBEHAVIOURS, RATE_LIMIT, Said, error, good, serving, wrong

from infinite_rl import generate_dataset, get_reward_functions
from infinite_rl.datasets.files import load_tasks
from infinite_rl.datasets.folder import FolderInUseError, alone_in
from infinite_rl.datasets.generation.generate import Server
from infinite_rl.datasets.generation.sample import COLUMNS, FAILED_COLUMNS, prompt_hash


@pytest.fixture(autouse=True)
def no_picture(monkeypatch):
    """Drawing takes longer than most generations here, and one test looks at the picture."""
    monkeypatch.setattr("infinite_rl.datasets.generation.picture.draw", lambda summary, path: None)


def generate(server, folder, **options):
    options = {"num_samples": 6, "max_backoff": 0.01, "progress": False, "request_timeout": 20.0} | options
    return generate_dataset("model-a", out_dir=folder, server=Server(base_url=server.url), **options)


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def assert_whole(folder, coding, math):
    """The dataset has exactly these rows, no two alike, each right."""
    found = rows(folder / "dataset.csv")
    assert Counter(row["type"] for row in found) == Counter(coding=coding, math=math)
    assert len({row["prompt_hash"] for row in found}) == len(found)
    for row in found:
        assert row["prompt_hash"] == prompt_hash(row["prompt"])
        assert (row["quality_score"], row["format_score"], row["correctness_score"]) == ("1", "1", "1")
        assert row["model"] == "model-a"
        assert int(row["seed"]) >= 0
        assert row["time"].endswith("Z")
        assert bool(row["language"]) == (row["type"] == "coding")
    return found


@pytest.mark.parametrize("threads", [1, 3, 16, 32])
def test_a_good_server_gives_exactly_the_rows_asked_for(tmp_path, threads):
    with serving() as server:
        outcome = generate(server, tmp_path, num_samples=21, task_dist=(0.3, 0.7), num_threads=threads)
    assert outcome.complete
    found = assert_whole(tmp_path, 7, 14)
    assert Counter(row["language"] for row in found) == Counter({"": 14, "python": 4, "javascript": 3})
    assert list(found[0]) == list(COLUMNS)
    assert rows(tmp_path / "failed_dataset.csv") == []
    assert len(server.calls) == outcome.calls == 21
    assert outcome.tokens == (2_100, 1_260)
    assert len({call.seed for call in server.calls}) == 21
    grade = get_reward_functions(5)["math"].compute_reward
    assert all(grade(row["response"], row["answer"]).correctness_score for row in found if row["type"] == "math")


def test_calls_are_under_way_side_by_side(tmp_path):
    together = threading.Barrier(8)  # which nobody passes alone

    def says(call):
        together.wait(60)
        return good(call)

    with serving(says) as server:
        assert generate(server, tmp_path, num_samples=16, num_threads=8, task_dist=(0, 1)).complete
        assert server.most == 8


def test_the_same_command_makes_what_is_missing(tmp_path):
    with serving() as server:
        generate(server, tmp_path, num_samples=5, num_threads=2)
        before = (tmp_path / "dataset.csv").read_bytes()
        assert generate(server, tmp_path, num_samples=5).calls == 0
        assert (tmp_path / "dataset.csv").read_bytes() == before
        assert generate(server, tmp_path, num_samples=11, task_dist=(0, 1)).accepted == 9
        assert (tmp_path / "dataset.csv").read_bytes().startswith(before)
        assert generate(server, tmp_path, num_samples=2).complete  # more than enough is there
    assert_whole(tmp_path, 3, 11)


def test_a_dataset_that_is_complete_needs_no_key(tmp_path, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    with serving() as server:
        generate(server, tmp_path, num_samples=2)
    assert generate_dataset(num_samples=2, out_dir=tmp_path, progress=False).complete
    with pytest.raises(ValueError, match="GEMINI_API_KEY"):
        generate_dataset(num_samples=3, out_dir=tmp_path, progress=False)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_server_that_always_misbehaves_ends_the_run_by_its_limits(tmp_path, name, threads):
    slow = name in ("timeout", "drip")
    with serving(MISBEHAVIOURS[name]) as server:
        outcome = generate(server, tmp_path, max_retries=2, num_threads=threads, request_timeout=0.3 if slow else 20.0)
    assert not outcome.complete
    assert outcome.problem
    failed = rows(tmp_path / "failed_dataset.csv")
    reason = "timeout" if name == "drip" else name
    assert {row["reason"] for row in failed} == {reason}
    assert len(failed) == outcome.rejected[reason]
    # A busy server may not have read a request before its time was over.
    assert 0 < len(server.calls) <= len(failed) if slow else len(server.calls) == len(failed)
    assert list(failed[0]) == list(FAILED_COLUMNS)
    assert all(row["error_msg"] and row["type"] in ("coding", "math") for row in failed)
    assert rows(tmp_path / "dataset.csv") == []
    if threads == 1:
        tries = {"rate_limit": 2, "format": 2 * 2 * 3, "quality": 2 * 2 * 3}  # types, tries, corrections
        assert len(failed) == tries.get(name, 4)


@pytest.mark.parametrize("threads", [1, 8, 32])
def test_a_server_that_misbehaves_now_and_then_costs_calls_and_no_rows(tmp_path, threads):
    rng, lock = random.Random(threads), threading.Lock()
    names = [name for name in MISBEHAVIOURS if name not in ("timeout", "drip")]

    def says(call):
        with lock:
            bad = rng.random() < 0.4
            name = rng.choice(names)
        return MISBEHAVIOURS[name](call) if bad else good(call)

    with serving(says) as server:
        outcome = generate(server, tmp_path, num_samples=40, num_threads=threads, max_retries=12)
    assert outcome.complete, outcome.problem
    assert_whole(tmp_path, 20, 20)
    assert len(rows(tmp_path / "failed_dataset.csv")) == len(server.calls) - 40


@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.slow), 8, 32])
def test_failures_between_successes_end_nothing_whatever_the_number_of_threads(tmp_path, threads):
    calls, lock = Counter(), threading.Lock()

    def says(call):
        with lock:  # by types: of two rows that are left, one may get every failure of the other
            calls[call.kind] += 1
            lucky = calls[call.kind] % 3 == 0
        return good(call) if lucky else error(503, "UNAVAILABLE")

    with serving(says) as server:
        outcome = generate(server, tmp_path, num_samples=40, num_threads=threads, max_retries=5)
    assert outcome.complete, outcome.problem


def test_a_run_that_made_nothing_is_followed_by_other_requests(tmp_path):
    with serving(wrong) as server:
        for _ in range(2):
            generate(server, tmp_path, num_samples=1, max_retries=2)
    assert len({call.seed for call in server.calls}) == len(server.calls) == 12


def test_the_last_failure_is_told(tmp_path):
    with serving(lambda call: error(500, "INTERNAL", "the tape is torn")) as server:
        assert "the tape is torn" in generate(server, tmp_path, max_retries=1).problem


def test_rows_that_no_trainer_could_read_leave_the_dataset(tmp_path):
    heading = "type,prompt,answer,response,,"
    there = ["Math ,1+1?,2,<answer>2</answer>,,", "math,,2,x,,", "math,1+1?,2,again,,", "coding,Print 3.,3,x,,"]
    (tmp_path / "dataset.csv").write_text("\n".join([heading, *there]) + "\n")
    with serving() as server:
        outcome = generate(server, tmp_path, num_samples=4)
    assert (outcome.rows, outcome.accepted) == ({"coding": 2, "math": 2}, 2)
    assert [row["reason"] for row in rows(tmp_path / "failed_dataset.csv")] == ["empty", "duplicate"]
    assert len(load_tasks(tmp_path / "dataset.csv").tasks) == 4


def test_a_log_that_is_none_any_more_is_put_aside(tmp_path):
    (tmp_path / "failed_dataset.csv").write_text("a,b\n1,2,3\n4,5\n")
    with serving() as server:
        assert generate(server, tmp_path, num_samples=1).complete
    assert (tmp_path / "failed_dataset.csv.damaged").read_text() == "a,b\n1,2,3\n4,5\n"


def test_a_limit_of_calls_slows_down_and_fails_nothing(tmp_path):
    """Of 16 calls at the same time the server takes 3."""
    under_way, lock = 0, threading.Lock()

    def says(call):
        nonlocal under_way
        with lock:
            if under_way >= 3:
                return RATE_LIMIT
            under_way += 1
        threading.Event().wait(0.05)
        with lock:
            under_way -= 1
        return good(call)

    with serving(says) as server:
        outcome = generate(server, tmp_path, num_samples=60, num_threads=16, task_dist=(0, 1), max_retries=4)
    assert outcome.complete, outcome.problem
    assert outcome.rejected["rate_limit"] < 60


def test_a_refused_key_ends_at_once(tmp_path):
    with serving(lambda call: error(403, "PERMISSION_DENIED", "no")) as server:
        outcome = generate(server, tmp_path, num_threads=4, num_samples=100)
    assert len(server.calls) <= 4
    assert "may not use" in outcome.problem


def test_a_wrong_reply_is_corrected_at_most_twice(tmp_path):
    def says(call):
        return good(call) if call.corrects and "Correctness score: 0" in call.text else wrong(call)

    with serving(says) as server:
        outcome = generate(server, tmp_path, num_samples=4)
    assert outcome.complete
    assert outcome.rectified == 4
    assert {row["rectified"] for row in assert_whole(tmp_path, 2, 2)} == {"True"}
    failed = rows(tmp_path / "failed_dataset.csv")
    assert [(row["reason"], row["rectified"]) for row in failed] == [("quality", "False")] * 4
    assert all(row["raw_text"].startswith("[PROMPT]") and row["prompt"] and row["answer"] for row in failed)
    corrections = [call.text for call in server.calls if call.corrects]
    assert all("Task type: " in text and "[RESPONSE]" in text for text in corrections)


def test_an_earlier_prompt_is_shown_to_differ_from_and_a_repetition_is_refused(tmp_path):
    def says(call):
        return good(type(call)(1 if call.number in (2, 3) else call.number, *list(vars(call).values())[1:]))

    with serving(says) as server:
        outcome = generate(server, tmp_path, num_samples=3, task_dist=(0, 1))
    assert outcome.complete
    assert outcome.rejected == {"duplicate": 2}
    assert "What is 1 + 2?" not in server.calls[0].text
    assert all("What is 1 + 2?" in call.text for call in server.calls[1:4])
    assert not any(call.corrects for call in server.calls)
    assert_whole(tmp_path, 0, 3)


def test_rows_made_at_the_same_time_are_never_alike(tmp_path):
    """Each task comes six times, from calls that are under way together."""

    def says(call):
        return good(type(call)(1 + (call.number - 1) // 6, *list(vars(call).values())[1:]))

    with serving(says, latency=0.05) as server:
        outcome = generate(server, tmp_path, num_samples=8, num_threads=16, task_dist=(0, 1), max_retries=200)
    assert outcome.complete
    assert_whole(tmp_path, 0, 8)


def test_prompts_of_an_evaluation_set_are_refused(tmp_path):
    held_out = tmp_path / "test.jsonl"
    row = {"messages": [{"role": "user", "content": "what is 2 + 4 ?"}], "answer": "6"}
    held_out.write_text(json.dumps(row))
    with serving() as server:
        outcome = generate(server, tmp_path / "data", num_samples=3, task_dist=(0, 1), evaluation=[str(held_out)])
    assert outcome.complete
    assert outcome.rejected == {"contaminated": 1}
    assert "What is 2 + 4?" not in (tmp_path / "data" / "dataset.csv").read_text()


def test_a_solver_measures_how_difficult_a_task_is(tmp_path):
    def says(call):
        if call.writes:
            return good(call)
        numbers = [int(word.strip("?")) for word in call.text.split() if word.strip("?").isdigit()]
        assert "<answer>" in call.text
        return f"<answer>{sum(numbers) + (call.seed % 2)}</answer>" if call.model == "solver" else "?"

    with serving(says) as server:
        outcome = generate(
            server, tmp_path, num_samples=4, task_dist=(0, 1), solver_model="solver", solver_samples=4, num_threads=2
        )
    assert outcome.calls == 20
    assert {row["pass_rate"] for row in rows(tmp_path / "dataset.csv")} == {"0.5"}
    assert json.loads((tmp_path / "statistics.json").read_text())["pass_rate"]["median"] == 0.5


def test_a_solver_that_fails_costs_no_row(tmp_path):
    with serving(lambda call: good(call) if call.writes else error(500, "INTERNAL")) as server:
        assert generate(server, tmp_path, num_samples=2, solver_model="solver").complete
    assert {row["pass_rate"] for row in rows(tmp_path / "dataset.csv")} == {""}


def test_debug_keeps_prompts_and_replies(tmp_path):
    with serving() as server:
        generate(server, tmp_path, num_samples=4, debug=True)
    found = sorted(path.name for path in (tmp_path / "debug_prompts").iterdir())
    assert found == ["coding_00000.txt", "coding_00001.txt", "math_00000.txt", "math_00001.txt"]
    text = (tmp_path / "debug_prompts" / "math_00000.txt").read_text()
    assert "=== prompt\nTask type: math" in text
    assert "=== reply\n[PROMPT]" in text


def test_a_dataset_of_the_original_system_goes_on(tmp_path):
    heading = "type,prompt,answer,response,quality_score,note"
    old = f"{heading}\nmath,1+1?,2,<answer>2</answer>,1.0,mine\n,x,y,z,1.0,\nart,a,b,c,1,"
    (tmp_path / "dataset.csv").write_text(old)
    with serving() as server:
        outcome = generate(server, tmp_path, num_samples=4)
    assert outcome.rows == {"coding": 2, "math": 2}
    found = rows(tmp_path / "dataset.csv")
    assert found[0]["note"] == "mine"
    assert found[0]["prompt_hash"] == prompt_hash("1+1?")
    strays = rows(tmp_path / "failed_dataset.csv")
    assert [(row["prompt"], row["type"], row["reason"]) for row in strays] == [
        ("x", "", "no_type"),
        ("a", "art", "no_type"),
    ]


def test_a_row_that_was_cut_off_is_made_again(tmp_path):
    with serving() as server:
        generate(server, tmp_path, num_samples=4)
        path = tmp_path / "dataset.csv"
        path.write_bytes(path.read_bytes()[:-30])
        assert generate(server, tmp_path, num_samples=4).accepted == 1
    assert_whole(tmp_path, 2, 2)
    assert rows(tmp_path / "failed_dataset.csv")[0]["reason"] == "cut_off"


def test_rows_behind_a_quote_that_somebody_left_open_are_kept(tmp_path):
    there = 'type,prompt,answer,response\nmath,1+1?,2,x\nmath,"2+2?,4,y\nmath,3+3?,6,z\n'
    (tmp_path / "dataset.csv").write_text(there)
    with serving() as server:
        assert generate(server, tmp_path, num_samples=4).complete
    assert (tmp_path / "dataset.csv.damaged").read_text() == there
    assert "3+3?" in rows(tmp_path / "failed_dataset.csv")[0]["raw_text"]
    assert "1+1?" in (tmp_path / "dataset.csv").read_text()


def test_a_file_that_is_no_dataset_is_refused_and_stays_as_it_is(tmp_path):
    (tmp_path / "dataset.csv").write_text("name,age\nAnn,7\n")
    with pytest.raises(ValueError, match="no column 'type'"):
        generate_dataset(num_samples=1, out_dir=tmp_path, progress=False, server=Server(base_url="http://127.0.0.1:9"))
    assert (tmp_path / "dataset.csv").read_text() == "name,age\nAnn,7\n"


def test_two_processes_in_one_folder_are_refused(tmp_path):
    with alone_in(tmp_path, "generates"), pytest.raises(FolderInUseError, match="another process generates there"):
        generate_dataset(num_samples=1, out_dir=tmp_path, progress=False, server=Server(base_url="http://127.0.0.1:9"))


def test_hostile_text_stays_text(tmp_path):
    """Cells that CSV, terminals and spreadsheets could stumble over come back as they were."""
    nasty = 'What is 1 + 1? "quoted", comma\r\nnew\rline \x1b[31m \u202e =SUM(A1) é 😀'

    def says(call):
        return f"[PROMPT]\n{nasty} {call.number * 11}\n[ANSWER]\n2\n[RESPONSE]\nwell\x00, <answer>2</answer>"

    with serving(says) as server:
        assert generate(server, tmp_path, num_samples=3, task_dist=(0, 1), num_threads=3).complete
    found = rows(tmp_path / "dataset.csv")
    assert {row["prompt"].rpartition(" ")[0] for row in found} == {nasty}
    assert len(load_tasks(tmp_path / "dataset.csv").tasks) == 3


def test_half_a_character_is_no_reason_to_end(tmp_path):
    body = json.dumps(
        {
            "candidates": [
                {
                    "content": {
                        "parts": [{"text": "[PROMPT]\n\ud800 1+1?\n[ANSWER]\n2\n[RESPONSE]\n<answer>2</answer>"}]
                    },
                    "finishReason": "STOP",
                }
            ]
        }
    ).encode()
    with serving(lambda call: Said(body=body)) as server:
        generate(server, tmp_path, num_samples=1, task_dist=(0, 1), max_retries=1)
    found = rows(tmp_path / "dataset.csv") + rows(tmp_path / "failed_dataset.csv")
    assert len(found) == 1
    assert "1+1?" in found[0]["prompt"] + found[0].get("raw_text", "")


def test_it_runs_where_a_loop_runs_already(tmp_path):
    async def cell():
        with serving() as server:
            return generate(server, tmp_path, num_samples=1)

    assert asyncio.run(cell()).complete


def test_an_interrupt_ends_it_there_too(tmp_path):
    def interrupt(number, frame):
        raise KeyboardInterrupt

    async def cell():
        with serving(latency=0.2) as server:
            generate(server, tmp_path, num_samples=200)

    before = signal.signal(signal.SIGALRM, interrupt)
    start = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 1.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(cell())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - start < 20
    assert len(rows(tmp_path / "dataset.csv")) < 100


def test_statistics_and_a_picture_are_there_at_the_end(tmp_path, monkeypatch):
    monkeypatch.undo()
    with serving(lambda call: good(call) if call.number % 3 else wrong(call)) as server:
        generate(server, tmp_path, num_samples=4)
    numbers = json.loads((tmp_path / "statistics.json").read_text())
    assert numbers["rows"] == {"coding (javascript)": 1, "coding (python)": 1, "math": 2}
    assert numbers["failures"] == {"quality": len(rows(tmp_path / "failed_dataset.csv"))}
    assert (tmp_path / "statistics.png").read_bytes().startswith(b"\x89PNG")
