"""What a run writes down: bytes that only the run decides, and clocks elsewhere."""

import json
import time

import pytest
import torch

from infinite_rl.agents.rollouts.trajectory import stack
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.run_log import RunLog


@pytest.fixture(scope="module")
def config():
    return load_config()


@pytest.fixture
def log(tmp_path, config):
    def make(offset=0, step=0):
        return RunLog(tmp_path, offset=offset, step=step, config=config)

    return make


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_metrics_are_one_object_a_line(log, tmp_path):
    with log() as run:
        run.write(1, "train", {"reward": 0.5, "kl": 1e-9})
        run.write(2, "eval", {"split": "test", "pass_rate": 1.0})
    assert rows(tmp_path / "metrics.jsonl") == [
        {"step": 1, "phase": "train", "reward": 0.5, "kl": 1e-9},
        {"step": 2, "phase": "eval", "split": "test", "pass_rate": 1.0},
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_json_becomes_null(log, tmp_path, value):
    with log() as run:
        run.write(1, "train", {"grad_norm": value})
        run.summary({"gain": value, "steps": 3})
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text()
    assert rows(tmp_path / "metrics.jsonl")[0]["grad_norm"] is None
    assert json.loads((tmp_path / "summary.json").read_text()) == {"gain": None, "steps": 3}


def test_rows_can_be_read_while_the_run_goes_on(log, tmp_path):
    with log() as run:
        run.write(1, "train", {"reward": 0.0})
        assert len(rows(tmp_path / "metrics.jsonl")) == 1
        assert run.offset == (tmp_path / "metrics.jsonl").stat().st_size


def test_a_resumed_run_drops_what_its_checkpoint_had_not_seen(log, tmp_path):
    with log() as run:
        run.write(1, "train", {"reward": 0.1})
        offset = run.offset
        run.write(2, "train", {"reward": 0.2})
    before = (tmp_path / "metrics.jsonl").read_bytes()
    with log(offset) as run:
        assert run.offset == offset
        assert [row["step"] for row in rows(tmp_path / "metrics.jsonl")] == [1]
        run.write(2, "train", {"reward": 0.2})
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def test_a_new_run_starts_empty(log, tmp_path):
    (tmp_path / "metrics.jsonl").write_text("an older run's\n")
    with log() as run:
        assert run.offset == 0


def test_metrics_that_were_lost_are_not_made_up(log, tmp_path):
    """A metrics file shorter than the checkpoint remembers (deleted, say) must not be filled up with zero bytes."""
    with log(offset=500) as run:
        run.write(2, "train", {"reward": 0.2})
    assert rows(tmp_path / "metrics.jsonl") == [{"step": 2, "phase": "train", "reward": 0.2}]


def test_clocks_are_written_apart(log, tmp_path):
    with log() as run:
        with run.timed(3, "eval"):
            time.sleep(0.02)
        run.write_times(4, "train", {"seconds": 0.5, "mfu": float("nan")})
    timed, told = rows(tmp_path / "timing.jsonl")
    assert (timed["step"], timed["phase"]) == (3, "eval")
    assert 0.02 <= timed["seconds"] < 25
    assert timed["cpu_seconds"] >= 0
    assert told == {"step": 4, "phase": "train", "seconds": 0.5, "mfu": None}
    assert (tmp_path / "metrics.jsonl").read_bytes() == b""


def test_times_of_a_resumed_run_follow_the_earlier_ones(log, tmp_path):
    for step in (1, 2):
        with log(offset=step - 1, step=step - 1) as run, run.timed(step, "train"):
            run.write(step, "train", {})
    assert [row["step"] for row in rows(tmp_path / "timing.jsonl")] == [1, 2]


def test_no_step_is_timed_twice_after_a_kill(log, tmp_path):
    """Steps that came after the checkpoint, and a row that the kill cut, are made anew."""
    with log() as run:
        for step in (1, 2, 3):
            with run.timed(step, "train"):
                pass
    with (tmp_path / "timing.jsonl").open("a") as file:
        file.write('{"step": 4, "pha')
    with log(offset=1, step=2) as run, run.timed(3, "train"):
        pass
    assert [row["step"] for row in rows(tmp_path / "timing.jsonl")] == [1, 2, 3]


@pytest.fixture
def batch(make_trajectory):
    texts = ["plain", "“ü\u2028\x85\x0b\r\n", '{"when": "before"', "\ud800"]
    return stack(
        [
            make_trajectory([1], [2], task_id=str(i), messages=[{"role": "user", "content": texts[i % 4]}])
            for i in range(40)
        ]
    )


def test_transcripts_show_the_first_of_every_so_many(log, tmp_path, batch, tokenizer):
    with log() as run:
        run.transcripts("before", batch, tokenizer, every=4, most=5)
        run.transcripts("after", batch[:3], tokenizer, every=1)
    found = rows(tmp_path / "transcripts.jsonl")
    assert [(row["when"], row["task_id"]) for row in found] == [
        *[("before", str(i)) for i in (0, 4, 8, 12, 16)],
        *[("after", str(i)) for i in (0, 1, 2)],
    ]
    assert found[0].keys() >= {"domain", "messages", "answer", "status", "error_msg", "reward"}


def test_a_resumed_run_drops_the_transcripts_of_its_end(log, tmp_path, batch, tokenizer):
    with log() as run:
        run.transcripts("before", batch, tokenizer, every=1)
        kept = (tmp_path / "transcripts.jsonl").read_bytes()
        run.transcripts("after", batch, tokenizer, every=1)
    with log():
        assert (tmp_path / "transcripts.jsonl").read_bytes() == kept


def test_the_group_of_a_step_that_taught_something_is_kept_with_its_numbers(log, tmp_path, make_trajectory, tokenizer):
    batch = [make_trajectory([5], [6, 7], group=i // 2, reward=i % 2, logprobs=[-0.12345, -2.0]) for i in range(6)]
    for one in batch[2:4]:
        one.advantage = torch.tensor([0.0, 0.5, -0.5])
    with log() as run:
        run.training_samples(1, stack(batch), tokenizer)
        run.training_samples(2, stack(batch[:2]), tokenizer)
    found = rows(tmp_path / "training_samples.jsonl")
    assert [(row["step"], row["reward"]) for row in found] == [(1, 0.0), (1, 1.0), (2, 0.0), (2, 1.0)]
    assert found[0]["tokens"] == {
        "texts": [tokenizer.decode([6]), tokenizer.decode([7])],
        "logprobs": [-0.1235, -2.0],
        "turns": [0, 0],
        "advantages": [0.5, -0.5],
        "left": False,
    }
    assert found[2]["tokens"]["advantages"] is None, "nothing was compared"
    with log(offset=1, step=1):  # resumed from the first step
        assert {row["step"] for row in rows(tmp_path / "training_samples.jsonl")} == {1}


def test_an_error_in_a_timed_block_goes_on_its_way(log, tmp_path):
    with pytest.raises(ZeroDivisionError), log() as run, run.timed(1, "train"):
        raise ZeroDivisionError
    assert rows(tmp_path / "timing.jsonl") == []
