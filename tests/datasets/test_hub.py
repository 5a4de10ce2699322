import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("datasets")
sys.path.insert(0, str(Path(__file__).parent))
from hub_server import hub

from infinite_rl.datasets.files import load_tasks
from infinite_rl.datasets.hub import is_hub_name

# What each argument loads, or the error, in a process that knows no other hub.
LOAD = """
import json, sys
from infinite_rl.datasets.files import load_tasks
for path in sys.argv[1:]:
    try:
        tasks = load_tasks(path).tasks
        print(json.dumps([[task.id, task.domain, task.answer] for task in tasks]), flush=True)
    except ValueError as error:
        print(json.dumps(str(error)), flush=True)
"""


def loaded(tmp_path, endpoint, *paths):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", LOAD, *paths]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_datasets_of_a_hub_are_loaded_by_split_and_configuration(tmp_path):
    with hub() as server:
        main, hard, bad, no_split, no_config, missing = loaded(
            tmp_path,
            f"http://127.0.0.1:{server.server_address[1]}",
            "train@owner/sums:main",
            "train@owner/sums:hard",
            "test@owner/sums:main",
            "validation@owner/sums:main",
            "train@owner/sums:easy",
            "train@owner/nothing",
        )
    assert main == [[f"sums/{n}", "sums", str(n)] for n in (1, 2, 3)]
    assert hard == [["sums/1", "sums", "18"]]
    assert bad.startswith('test@owner/sums:main, row 2: "answer" is empty.')
    assert "validation@owner/sums:main: " in no_split
    assert "test" in no_split
    assert "'easy' not found" in no_config
    assert "no folder 'owner/nothing' is here, and the hub gives no such dataset (404" in missing
    assert any(path.endswith("hard/train-00000-of-00001.parquet") for path in server.asked)


def test_a_hub_that_cannot_be_reached_is_told_at_once(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        (found,) = loaded(tmp_path, f"http://127.0.0.1:{closed.getsockname()[1]}", "train@owner/sums")
    assert found.startswith("train@owner/sums: no folder 'owner/sums' is here, and the hub gives no such dataset (")


@pytest.mark.parametrize("name", ["folder", "./a/b", "/a/b", "../b", "a/b/c", "a/b.jsonl", "a/.b", "a\\b", "a/", "/b"])
def test_what_looks_like_a_path_is_never_asked_of_the_hub(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "datasets", None)  # its import would fail
    with pytest.raises(
        FileNotFoundError, match="no such folder; a dataset of the hub would be called train@owner/name"
    ):
        load_tasks(f"train@{name}")


@pytest.mark.parametrize("name", ["openai/gsm8k", "openai/gsm8k:main", "a-b/c_d.e:x y"])
def test_names_of_the_hub_have_an_owner(name):
    assert is_hub_name(name)
