"""Checkpoints: whole or not there, the latest few, readable by transformers."""

import shutil
from contextlib import suppress

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.runs import checkpoint
from infinite_rl.agents.runs.checkpoint import BEST, STATE_FILE, CheckpointError, Checkpoints


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def save(tiny, tokenizer, tmp_path):
    model = tiny(tokenizer)

    def make(step, *, keep=2, value=None):
        checkpoints = Checkpoints(tmp_path / "checkpoints", keep=keep)
        checkpoints.save(step, model, tokenizer, {"step": step, "value": value, "weights": torch.arange(3.0)})
        return checkpoints

    return make


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


def test_nothing_saved_is_nothing_to_resume(folder):
    checkpoints = Checkpoints(folder, keep=2)
    assert checkpoints.steps() == []
    with pytest.raises(ConfigError, match="no checkpoint to resume from"):
        checkpoints.latest()


def test_the_state_comes_back(save):
    path, state = save(7, value={"text": "x", "list": [1, 2.5, None]}).latest()
    assert path.name == "step-00000007"
    assert state["step"] == 7
    assert state["value"] == {"text": "x", "list": [1, 2.5, None]}
    assert torch.equal(state["weights"], torch.arange(3.0))


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_latest_few_are_kept(save, folder, keep):
    for step in (0, 5, 10, 100):
        checkpoints = save(step, keep=keep)
    assert checkpoints.steps() == [0, 5, 10, 100][-keep:]
    assert len(list(folder.iterdir())) == keep
    assert checkpoints.latest()[1]["step"] == 100


def test_steps_are_ordered_as_numbers(save):
    for step in (9, 99_999_999, 100):
        checkpoints = save(step, keep=3)
    assert checkpoints.steps() == [9, 100, 99_999_999]


def test_transformers_loads_the_folder(save, tiny, tokenizer):
    path, _ = save(1).latest()
    model = AutoModelForCausalLM.from_pretrained(path)
    loaded = AutoTokenizer.from_pretrained(path)
    for name, value in tiny(tokenizer).state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    text = "1+2=<answer>3</answer><eos>"
    assert loaded.encode(text) == tokenizer.encode(text)
    assert loaded.chat_template == tokenizer.chat_template
    assert (loaded.eos_token_id, loaded.pad_token_id) == (tokenizer.eos_token_id, tokenizer.pad_token_id)


@pytest.mark.parametrize("name", ["torch.save", "save_policy", "Path.rename"])
def test_a_kill_while_saving_leaves_the_earlier_ones_usable(save, folder, monkeypatch, name):
    save(1)
    save(2)

    def kill(*arguments, **options):
        raise Killed

    target = {"torch.save": (torch, "save"), "save_policy": (checkpoint, "save_policy")}
    with monkeypatch.context() as patch:
        patch.setattr(*target.get(name, (type(folder), "rename")), kill)
        with pytest.raises(Killed):
            save(3)
    checkpoints = Checkpoints(folder, keep=2)
    assert checkpoints.steps() == [1, 2]
    assert checkpoints.latest()[1]["step"] == 2
    save(3)
    assert checkpoints.steps() == [2, 3]
    assert sorted(path.name for path in folder.iterdir()) == ["step-00000002", "step-00000003"]  # no leftovers


def test_the_best_policy_is_replaced_as_a_whole(save, folder, tiny, tokenizer, monkeypatch):
    checkpoints = save(1)
    checkpoints.save_policy(BEST, tiny(tokenizer), tokenizer)
    rename = type(folder).rename
    for instant in range(2):  # killed before either of the two moves
        calls = []

        def kill(path, target, calls=calls, instant=instant):
            calls.append(target)
            if len(calls) > instant:
                raise Killed
            return rename(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(type(folder), "rename", kill)
            with pytest.raises(Killed):
                checkpoints.save_policy(BEST, tiny(tokenizer, seed=1), tokenizer)
        checkpoints = Checkpoints(folder, keep=2)
        kept = AutoModelForCausalLM.from_pretrained(folder / "best").state_dict()
        assert all(torch.equal(kept[name], value) for name, value in tiny(tokenizer).state_dict().items())
    checkpoints.save_policy(BEST, tiny(tokenizer, seed=1), tokenizer)
    kept = AutoModelForCausalLM.from_pretrained(folder / "best").state_dict()
    assert all(torch.equal(kept[name], value) for name, value in tiny(tokenizer, seed=1).state_dict().items())
    assert sorted(path.name for path in folder.iterdir()) == ["best", "step-00000001"]
    assert checkpoints.steps() == [1]


def test_half_written_state_is_never_seen(save, folder, monkeypatch):
    save(1)

    def half(state, path):
        path.write_bytes(b"half of it")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", half)
        with pytest.raises(Killed):
            save(2)
    assert Checkpoints(folder, keep=2).latest()[1]["step"] == 1


@pytest.mark.parametrize("size", [0, 500, 8_000])
def test_a_full_disk_loses_no_earlier_checkpoint(save, folder, files_of_at_most, size):
    save(1)
    save(2)
    with files_of_at_most(size), pytest.raises(CheckpointError, match=r"step-00000003: cannot be written \(.+\)"):
        save(3)
    assert sorted(path.name for path in folder.iterdir()) == ["step-00000001", "step-00000002"]
    checkpoints = Checkpoints(folder, keep=2)
    assert checkpoints.latest()[1]["step"] == 2
    AutoModelForCausalLM.from_pretrained(checkpoints.path(2))
    save(3)
    assert checkpoints.steps() == [2, 3]


def partial_removal(path, **options):
    """Removes a folder's state, then is killed."""
    (path / STATE_FILE).unlink()
    raise Killed


def test_a_kill_while_the_same_step_is_written_again_leaves_one_usable(save, folder, monkeypatch):
    """After a resume the same step may be saved anew: at every instant the old one or the new one is whole."""
    save(1, value="older")
    save(2, value="old")
    remove = shutil.rmtree

    def kill(path, *arguments, **options):
        if path.exists():
            partial_removal(path)
        remove(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", kill)
        with pytest.raises(Killed):
            save(2, value="new")
    assert Checkpoints(folder, keep=2).latest()[1]["value"] in ("old", "new")


@pytest.mark.parametrize("instant", [0, 1, 2])
def test_the_only_checkpoint_written_again_is_there_at_every_instant(save, folder, monkeypatch, instant):
    """A warm start stopped twice saves step 0 twice. A kill between any two moves of folders must not lose it."""
    save(0, value="old")
    rename, moves = type(folder).rename, []

    def kill(path, target):
        if len(moves) == instant:
            raise Killed
        moves.append(path)
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(type(folder), "rename", kill)
        with suppress(Killed):
            save(0, value="new")
    assert Checkpoints(folder, keep=2).latest()[1]["value"] in ("old", "new")


def test_what_a_killed_process_left_behind_is_in_nobody_s_way(save, folder, monkeypatch):
    """Killed after the new checkpoint took its place, before the old one was removed; then saved once more."""
    save(2, value="oldest")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *arguments, **options: None)
        save(2, value="old")
    checkpoints = save(2, value="new")
    assert checkpoints.latest()[1]["value"] == "new"
    assert [path.name for path in folder.iterdir()] == ["step-00000002"]


def test_the_same_step_again_takes_the_place_of_the_first(save, folder):
    save(2, value="old")
    checkpoints = save(2, value="new")
    assert checkpoints.latest()[1]["value"] == "new"
    assert [path.name for path in folder.iterdir()] == ["step-00000002"]


def test_a_kill_while_the_oldest_is_removed_leaves_the_latest_usable(save, folder, monkeypatch):
    save(1)
    save(2)
    remove = shutil.rmtree
    with monkeypatch.context() as patch:
        patch.setattr(
            shutil,
            "rmtree",
            lambda path, **o: partial_removal(path) if "step-00000001" in path.name else remove(path, **o),
        )
        with pytest.raises(Killed):
            save(3)
    checkpoints = Checkpoints(folder, keep=2)
    assert checkpoints.steps() == [2, 3]  # half of one is not among them
    assert checkpoints.latest()[1]["step"] == 3
    checkpoints.tidy()
    assert sorted(path.name for path in folder.iterdir()) == ["step-00000002", "step-00000003"]
    assert save(4).steps() == [3, 4]


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut", "missing", "pickle", "folder"])
def test_a_damaged_state_is_a_clear_error(save, damage):
    checkpoints = save(3)
    state = checkpoints.path(3) / STATE_FILE
    if damage == "cut":
        state.write_bytes(state.read_bytes()[:200])
    elif damage in ("missing", "folder"):
        state.unlink()
        if damage == "folder":
            state.mkdir()
    elif damage == "pickle":  # something that must not be executed
        torch.save({"run": print}, state)
    else:
        state.write_bytes(b"not a checkpoint" * 100 if damage == "garbage" else b"")
    with pytest.raises(ConfigError, match=r"step-00000003: cannot be read .*remove it to use the one before"):
        checkpoints.latest()


def test_other_files_are_no_checkpoints(save, folder):
    checkpoints = save(1)
    for name in ("step-1", "step-00000009.bak", ".step-00000008.77", "reference", "xstep-00000007"):
        (folder / name).mkdir()
    assert checkpoints.steps() == [1]
    assert checkpoints.latest()[1]["step"] == 1


def test_files_in_folders_of_a_checkpoint_are_on_the_disk_too(tiny, tokenizer, folder, monkeypatch):
    """Where a tokenizer has several chat templates, it saves them in one."""
    opened, real = set(), checkpoint.os.open

    def watched(path, *arguments):
        opened.add(path.name)
        return real(path, *arguments)

    monkeypatch.setattr(checkpoint.os, "open", watched)
    monkeypatch.setattr(tokenizer, "chat_template", {"default": "{{ messages }}", "tool_use": "{{ tools }}"})
    saved = Checkpoints(folder, keep=1).save(1, tiny(tokenizer), tokenizer, {})
    assert {path.name for path in saved.rglob("*")} <= opened
