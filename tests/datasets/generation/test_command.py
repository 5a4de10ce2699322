"""The command as users run it, in processes of its own that may be killed."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from gemini_server import error, good, serving, wrong

from infinite_rl.cli import main
from infinite_rl.datasets.files import load_tasks

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = [sys.executable, str(ROOT / "scripts" / "generate.py")]


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def start(server, folder, *arguments, **options):
    command = [*SCRIPT, "--out_dir", str(folder), "--base-url", server.url, "--max_backoff", "0.01", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def wait_for_rows(folder, count, process):
    path = folder / "dataset.csv"
    while process.poll() is None and (not path.exists() or path.read_bytes().count(b"\nmath,") < count):
        time.sleep(0.01)


def run(server, folder, *arguments):
    return main(["generate", "--base-url", server.url, "--out_dir", str(folder), "--max-backoff", "0.01", *arguments])


def test_the_command_fills_the_dataset_and_says_so(tmp_path, capsys):
    with serving() as server:
        assert run(server, tmp_path, "--num_samples", "6", "--threads", "2", "--price", "1000,2000") == 0
    told = capsys.readouterr().out
    assert "coding rows" in told
    assert "$1.3200" in told  # 600 tokens of prompts and 360 of replies
    assert Counter(row["type"] for row in rows(tmp_path / "dataset.csv")) == {"coding": 3, "math": 3}


def test_exports_hold_the_same_tasks(tmp_path, capsys):
    files = [tmp_path / "tasks.jsonl", tmp_path / "tasks.parquet"]
    with serving() as server:
        assert run(server, tmp_path, "--num_samples", "6", "--export", *map(str, files)) == 0
    assert "6 tasks in" in capsys.readouterr().out
    read = [load_tasks(path).tasks for path in (tmp_path / "dataset.csv", *files)]
    for others in read[1:]:
        assert [(task.prompt, task.answer) for task in others] == [(task.prompt, task.answer) for task in read[0]]


def test_what_is_missing_is_told_with_exit_code_1(tmp_path, capsys):
    with serving(wrong) as server:
        assert run(server, tmp_path, "--num_samples", "3", "--max_retries", "1") == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "incomplete: 2 of coding, 1 of math missing" in told
    assert "failed_dataset.csv" in told


def test_a_bad_distribution_is_told_and_the_default_used(tmp_path, capsys):
    with serving() as server:
        assert run(server, tmp_path, "--num_samples", "4", "--task_dist", "0.5;0.5") == 0
    assert "Error parsing task_dist: there must be 2 weights" in capsys.readouterr().err
    assert Counter(row["type"] for row in rows(tmp_path / "dataset.csv")) == {"coding": 2, "math": 2}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--threads", "0"], "threads must be at least 1"),
        (["--price", "cheap"], "is no price"),
        (["--export", "x.txt"], "--export x.txt"),
        (["--export", "nowhere/x.jsonl"], "there is no folder"),
        (["--base-url", "localhost:1"], "--base-url"),
        (["--eval", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--timeout", "-1"], "timeout must be a positive number"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_code_2(tmp_path, capsys, arguments, why):
    with serving() as server:
        assert run(server, tmp_path / "data", *arguments) == 2
    told = capsys.readouterr().err
    assert why in told
    assert "Traceback" not in told


def test_a_missing_key_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    assert main(["generate", "--out_dir", str(tmp_path / "data")]) == 2
    assert "GEMINI_API_KEY" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("google", [None, ModuleType("google")], ids=["nothing", "another package"])
def test_without_the_extra_it_says_what_to_install_and_writes_nothing(tmp_path, capsys, monkeypatch, google):
    monkeypatch.delitem(sys.modules, "google.genai", raising=False)
    monkeypatch.setitem(sys.modules, "google", google)
    assert main(["generate", "--num_samples", "2", "--out_dir", str(tmp_path / "data"), "--api-key", "k"]) == 2
    told = "infinite-rl: generation needs google-genai: pip install 'infinite-rl[generate]'\n"
    assert capsys.readouterr().err == told
    assert not (tmp_path / "data").exists()


def test_a_dry_run_shows_plan_and_prompts_and_does_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    assert main(["generate", "--out_dir", str(tmp_path / "data"), "--num_samples", "7", "--dry-run"]) == 0
    told = capsys.readouterr().out
    for part in ("[PROMPT]", "Task type: coding", "Language: JavaScript", "Task type: math", "at least 7 calls"):
        assert part in told
    assert not (tmp_path / "data").exists()


def test_the_key_is_in_no_output(tmp_path):
    with serving(lambda call: error(403, "PERMISSION_DENIED", "no")) as server:
        environment = os.environ | {"GEMINI_API_KEY": "secret-key-123"}
        process = start(server, tmp_path, "--debug", env=environment)
        out, err = process.communicate(timeout=120)
    assert server.calls[0].key == "secret-key-123"
    written = "".join(path.read_text() for path in tmp_path.rglob("*.*") if path.suffix in (".csv", ".txt", ".json"))
    assert "secret-key" not in out + err + written
    assert process.returncode == 1


# In the background of some shells Ctrl-C is ignored, and so it is in what they start.
@pytest.mark.parametrize(
    ("number", "code", "ctrl_c"),
    [
        (signal.SIGINT, 130, signal.SIG_DFL),
        pytest.param(signal.SIGTERM, 143, signal.SIG_DFL, marks=pytest.mark.slow),
        (signal.SIGTERM, 143, signal.SIG_IGN),
    ],
)
def test_a_signal_ends_it_at_once_with_all_rows_in_order(tmp_path, number, code, ctrl_c):
    with serving(latency=0.2) as server:
        process = start(
            server,
            tmp_path,
            *("--num_samples", "500", "--threads", "8", "--task_dist", "0,1"),
            preexec_fn=lambda: signal.signal(signal.SIGINT, ctrl_c),
        )
        wait_for_rows(tmp_path, 9, process)
        process.send_signal(number)
        asked = time.monotonic()
        _, err = process.communicate(timeout=60)
        assert time.monotonic() - asked < 40
        assert process.returncode == code
        assert "the same command goes on" in " ".join(err.split())
        assert "Traceback" not in err
        assert 9 <= len(rows(tmp_path / "dataset.csv")) < 500
        assert run(server, tmp_path, "--num_samples", "12", "--task_dist", "0,1") == 0


@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow)])
def test_a_kill_at_any_instant_loses_only_what_was_under_way(tmp_path, threads):
    rng = random.Random(threads)
    seen = []
    with serving(latency=0.02) as server:
        for _ in range(4):
            process = start(server, tmp_path, "--num_samples", "90", "--threads", str(threads))
            wait_for_rows(tmp_path, len(seen) // 2 + rng.randint(1, 12), process)
            time.sleep(rng.random() * 0.05)
            process.kill()
            process.communicate()
            found = rows(tmp_path / "dataset.csv")
            assert found[: len(seen)] == seen
            seen = found
        assert 0 < len(seen) < 90
        assert run(server, tmp_path, "--num_samples", "90", "--threads", "8") == 0
    final = rows(tmp_path / "dataset.csv")
    assert final[: len(seen)] == seen
    assert len({row["prompt_hash"] for row in final}) == len(final)
    assert Counter(row["type"] for row in final) == {"coding": 45, "math": 45}
    # What was answered and not written: at most what was under way at each of the kills.
    assert len(server.calls) - len(final) <= 4 * threads


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 4, 16, 32])
def test_after_any_number_of_kills_there_are_exactly_the_rows_asked_for(tmp_path, threads):
    rng = random.Random(threads)
    with serving(lambda call: good(call) if rng.random() < 0.8 else wrong(call), latency=0.01) as server:
        for _ in range(60):
            process = start(server, tmp_path, "--num_samples", "150", "--threads", str(threads), "--max_retries", "20")
            try:
                process.communicate(timeout=1.0 + rng.random() * 2)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        assert process.returncode == 0
    found = rows(tmp_path / "dataset.csv")
    assert Counter(row["type"] for row in found) == {"coding": 75, "math": 75}
    assert len({row["prompt_hash"] for row in found}) == 150


def test_two_processes_on_one_folder_are_refused_with_a_clear_message(tmp_path):
    with serving(latency=0.1) as server:
        first = start(server, tmp_path, "--num_samples", "100")
        wait_for_rows(tmp_path, 1, first)
        second = start(server, tmp_path, "--num_samples", "100")
        _, err = second.communicate(timeout=60)
        assert second.returncode == 2
        assert "another process generates there" in " ".join(err.split())
        assert first.poll() is None
        first.kill()
        first.communicate()
