"""Hashes change with what they stand for, and with nothing else."""

import pytest

from infinite_rl.agents.runs import provenance
from infinite_rl.agents.runs.provenance import code_hash, file_hash, tasks_hash, versions
from infinite_rl.datasets.task import Task, TaskList

MESSAGES = ({"role": "user", "content": "q"},)
BASE = Task("id", "d", MESSAGES, "a", {"level": 1})


def changed(**changes):
    parts = {"id": "id", "domain": "d", "messages": MESSAGES, "answer": "a", "metadata": {"level": 1}} | changes
    return Task(**parts)


def test_equal_tasks_have_equal_hashes():
    assert tasks_hash(TaskList([BASE])) == tasks_hash(TaskList([changed()]))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "other"},
        {"domain": "e"},
        {"messages": ({"role": "user", "content": "q "},)},
        {"messages": ({"role": "system", "content": "q"},)},
        {"messages": MESSAGES * 2},
        {"answer": "A"},
        {"answer": 1},
        {"metadata": {"level": 2}},
        {"metadata": {}},
    ],
)
def test_any_change_of_a_task_changes_the_hash(changes):
    assert tasks_hash(TaskList([changed(**changes)])) != tasks_hash(TaskList([BASE]))


def test_order_and_number_count():
    other = changed(id="other")
    hashes = [tasks_hash(TaskList(tasks)) for tasks in ([BASE, other], [other, BASE], [BASE], [BASE, BASE], [])]
    assert len(set(hashes)) == 5


def test_a_file_s_hash_is_that_of_its_bytes(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"x")
    other.write_bytes(b"x")
    assert file_hash(one) == file_hash(other)
    other.write_bytes(b"x\n")
    assert file_hash(one) != file_hash(other)


def test_the_code_s_hash_sees_content_names_and_configuration(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    for room in ("agents", "config/data"):
        (tmp_path / room).mkdir(parents=True)
    (tmp_path / "agents/a.py").write_text("1")
    found = [code_hash()]
    (tmp_path / "agents/a.py").write_text("2")
    found.append(code_hash())
    (tmp_path / "agents/a.py").rename(tmp_path / "agents/b.py")
    found.append(code_hash())
    (tmp_path / "config/data/x.yaml").write_text("2")
    found.append(code_hash())
    (tmp_path / "agents/page.html.j2").write_text("2")
    found.append(code_hash())
    assert len(set(found)) == 5
    (tmp_path / "agents/notes.txt").write_text("not code")
    assert code_hash() == found[-1]


def test_where_a_name_ends_and_content_begins_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents/a.py").write_text(".py")
    one = code_hash()
    (tmp_path / "agents/a.py").unlink()
    (tmp_path / "agents/a.py.py").write_text("")
    assert code_hash() != one


def test_versions_name_what_results_depend_on():
    import torch

    found = versions()
    assert found["torch"] == torch.__version__
    assert found.keys() >= {"python", "numpy", "transformers", "tensordict", "torchrl", "infinite-rl"}
