"""A process that no longer answers, though nothing was closed, is found out."""

import threading
from contextlib import ExitStack

import pytest
from torch.distributed import TCPStore

from infinite_rl.agents.parallel import heartbeats
from infinite_rl.agents.parallel.heartbeats import heartbeats as beating


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(heartbeats, "BEAT_S", 0.1)
    return TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)


class Mute:
    """A store that a process no longer reaches."""

    mute = threading.Event()

    def __init__(self, store):
        self.store = store

    def clone(self):
        return Mute(self.store.clone())

    def __getattr__(self, name):
        if self.mute.is_set():
            raise RuntimeError("out of reach")
        return getattr(self.store, name)


class Lost:
    def __init__(self):
        self.ranks, self.told = [], threading.Event()

    def __call__(self, rank):
        self.ranks.append(rank)
        self.told.set()


def test_a_silent_process_is_told_of_by_the_one_before_it(store):
    lost = [Lost() for _ in range(3)]
    with ExitStack() as alive:
        for rank in range(3):
            alive.enter_context(beating(Mute(store) if rank == 2 else store, rank, 3, lost[rank]))
        assert not lost[1].told.wait(1.5)
        Mute.mute.set()
        assert lost[1].told.wait(30)
    assert lost[1].ranks == [2]


def test_a_process_that_never_says_anything_is_found_out_too(store):
    lost = Lost()
    with beating(store, 0, 2, lost):
        assert lost.told.wait(30)
    assert lost.ranks == [1]


def test_a_process_that_is_through_before_others_is_not_missed(store):
    lost = [Lost(), Lost()]
    with beating(store, 0, 2, lost[0]):
        with beating(store, 1, 2, lost[1]):
            assert not lost[1].told.wait(0.5)
        assert not lost[0].told.wait(2)


def test_nobody_is_told_of_after_the_end(store):
    lost = Lost()
    with beating(store, 0, 2, lost):
        pass
    assert not lost.told.wait(1.5)
