"""What the processes of a run tell each other."""

import os
import sys
import time
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

sys.path.insert(0, str(Path(__file__).parent))
from gloo import run

from infinite_rl.agents.parallel.processes import LostProcessError, Processes, told_of_losses
from infinite_rl.agents.rollouts.failures import RolloutError
from infinite_rl.agents.runs.interrupt import Leave


class Unsendable(ValueError):
    """Its constructor wants more than its words."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def raised(make):
    try:
        make()
    except BaseException as error:
        return type(error).__name__, str(error)
    return None


def on_a_rank():
    processes = Processes()
    rank = processes.rank

    def fail(error):
        def make():
            if rank == 1:
                raise error
            return rank

        return raised(lambda: processes.exchange(make))

    return {
        "share": [*processes.share(5)],
        "exchange": processes.exchange(lambda: {"rank": rank}),
        "from_first": processes.from_first(lambda: f"of {rank}"),
        "agree": [processes.agree(rank == 1), processes.agree(False)],
        "most": processes.most(torch.tensor([rank, -rank])).tolist(),
        "errors": [fail(error) for error in (RolloutError("nothing"), Leave(), Unsendable("one", "two"))],
        "after": processes.exchange(lambda: rank),
    }


def test_all_processes_get_what_each_makes_and_fail_where_one_fails():
    for rank, found in enumerate(run(__file__, "on_a_rank", 2)):
        assert found["share"] == ([0, 1], [2, 3, 4])[rank]
        assert found["exchange"] == [{"rank": 0}, {"rank": 1}]
        assert found["from_first"] == "of 0"
        assert found["agree"] == [True, False]
        assert found["most"] == [1, 0]
        assert found["errors"][:2] == [("RolloutError", "nothing"), ("Leave", "")]
        assert "one and two" in found["errors"][2][1]
        assert found["after"] == [0, 1]


def die_on_a_rank():
    processes = Processes()
    if processes.rank == 1:
        os._exit(0)
    began = time.monotonic()
    found = raised(lambda: processes.exchange(lambda: 1))
    return found, time.monotonic() - began


@pytest.mark.slow
def test_who_dies_is_one_clear_error_to_the_others_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):  # of the rank that died there is nothing to read
        run(__file__, "record_a_death", 2, str(tmp_path))
    name, words = (tmp_path / "told").read_text().split("\n")[:2]
    assert name == "LostProcessError"
    assert words.startswith("another process of the run has ended (")
    assert float((tmp_path / "told").read_text().split("\n")[2]) < 30


def record_a_death(folder):
    found, seconds = die_on_a_rank()
    (Path(folder) / "told").write_text("\n".join([*found, str(seconds)]))


def test_one_process_alone_asks_nobody():
    processes = Processes()
    assert (processes.rank, processes.size, processes.first) == (0, 1, True)
    assert [*processes.share(3)] == [0, 1, 2]
    assert processes.exchange(lambda: 7) == [7]
    assert processes.agree(True) is True
    assert not dist.is_initialized()


def test_other_errors_are_not_taken_for_losses():
    with pytest.raises(RuntimeError, match="mat1 and mat2"), told_of_losses():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(LostProcessError, match="has ended"), told_of_losses():
        raise RuntimeError("[pair.cc:544] Connection closed by peer [127.0.0.1]:17")
    with pytest.raises(LostProcessError) as twice, told_of_losses():
        raise LostProcessError("another process of the run has ended (said once)")
    assert str(twice.value).count("has ended") == 1
