"""Garbage collection during a run: what was there before is left out, and comes back."""

import gc
import weakref

import pytest

from infinite_rl.agents.runs.garbage import frozen_heap


class Ring:
    def __init__(self):
        self.itself = self


@pytest.fixture(autouse=True)
def thawed():
    gc.unfreeze()
    yield
    gc.freeze()  # as the tests' settings have it


def test_what_was_there_is_not_walked_over():
    ring = Ring()
    with frozen_heap():
        assert all(other is not ring for other in gc.get_objects())
        assert gc.get_freeze_count() > 0
    assert any(other is ring for other in gc.get_objects())
    assert gc.get_freeze_count() == 0


def test_what_comes_later_is_collected():
    with frozen_heap():
        gone = weakref.ref(Ring())
        gc.collect()
        assert gone() is None


def test_the_end_comes_with_an_error_too():
    with pytest.raises(KeyError), frozen_heap():
        raise KeyError
    assert gc.get_freeze_count() == 0


def test_what_others_froze_stays_so():
    gc.freeze()
    before = gc.get_freeze_count()
    ring = Ring()
    with frozen_heap():
        assert any(other is ring for other in gc.get_objects())  # it could not be taken back alone
    assert gc.get_freeze_count() == before
