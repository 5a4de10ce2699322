"""One plan for all ranks, and the results of all: in two real processes, which run this file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed

from infinite_rl.buffers import TaskBuffer

DOMAINS = ["add"] * 10 + ["mul"] * 10


def rates_of(draws):
    return torch.tensor([0.9 if draw.task_index < 10 else 0.2 for draw in draws])


def practise(buffer, mine):
    found = []
    for _ in range(6):
        draws = buffer.draw(8)
        rates = rates_of(draws)
        buffer.learn_from(draws, torch.where(mine, rates, torch.nan), torch.where(mine, rates / 2, torch.nan))
        found.append([draw.task_index for draw in draws])
    return {"draws": found, "accuracy": buffer.accuracy(), "score": buffer.sampler.mastery.score.tolist()}


def of_a_rank(rank, folder):
    distributed.init_process_group("gloo", init_method=f"file://{folder / 'store'}", rank=rank, world_size=2)
    buffer = TaskBuffer(DOMAINS, preset="rubric", seed=rank)  # another seed: what the first rank draws counts
    found = practise(buffer, torch.arange(8) % 2 == rank)
    (folder / f"{rank}.json").write_text(json.dumps(found))
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_ranks_draw_and_learn_as_one_process_does(tmp_path):
    ranks = [subprocess.Popen([sys.executable, __file__, str(rank), str(tmp_path)]) for rank in range(2)]
    assert [process.wait(120) for process in ranks] == [0, 0]
    expected = practise(TaskBuffer(DOMAINS, preset="rubric", seed=0), torch.ones(8, dtype=torch.bool))
    for rank in range(2):
        assert json.loads((tmp_path / f"{rank}.json").read_text()) == expected


if __name__ == "__main__":
    of_a_rank(int(sys.argv[1]), Path(sys.argv[2]))
