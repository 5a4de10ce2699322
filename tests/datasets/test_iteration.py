import json
from itertools import islice

import pytest

from infinite_rl.datasets.arithmetic import ArithmeticSource
from infinite_rl.datasets.iteration import Domains, TaskIterator
from infinite_rl.datasets.task import Task, TaskList

LETTERS = TaskList([Task.ask(letter, letter, id=letter, domain="letters") for letter in "abcdefg"])


def ids(iterator, count):
    return [task.id for task in islice(iterator, count)]


def test_every_epoch_shows_every_task_once_in_an_order_of_its_own():
    iterator = TaskIterator(LETTERS)
    epochs = [ids(iterator, 7) for _ in range(4)]
    assert all(sorted(epoch) == list("abcdefg") for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 4
    assert ids(TaskIterator(LETTERS, seed=1), 7) != epochs[0]
    assert ids(TaskIterator(LETTERS, shuffle=False), 9) == list("abcdefgab")


@pytest.mark.parametrize("taken", [0, 1, 6, 7, 8, 20])
@pytest.mark.parametrize("source", [LETTERS, ArithmeticSource()])
def test_what_is_taken_up_again_goes_on_as_if_never_stopped(source, taken):
    iterator = TaskIterator(source, seed=3)
    ids(iterator, taken)
    state = json.loads(json.dumps(iterator.state_dict()))
    again = TaskIterator(source, seed=3)
    again.load_state_dict(state)
    assert ids(again, 30) == ids(iterator, 30)


def test_a_state_of_something_else_is_refused():
    state = TaskIterator(LETTERS).state_dict()
    with pytest.raises(ValueError, match="of seed 0, not 1"):
        TaskIterator(LETTERS, seed=1).load_state_dict(state)
    with pytest.raises(ValueError, match="of size 7, not None"):
        TaskIterator(ArithmeticSource()).load_state_dict(state)
    with pytest.raises(ValueError, match="of shuffle True, not False"):
        TaskIterator(LETTERS, shuffle=False).load_state_dict(state)
    for place in ({"position": 8}, {"position": -1}, {"epoch": -1}):
        with pytest.raises(ValueError, match="there is no position"):
            TaskIterator(LETTERS).load_state_dict(state | place)
    with pytest.raises(ValueError, match="holds no task"):
        TaskIterator(TaskList([]))


def test_domains_advance_apart_and_are_resumed_together(tmp_path):
    path = tmp_path / "sums.jsonl"
    path.write_text('{"question": "1+1?", "answer": "2"}\n{"question": "1+2?", "answer": "3"}\n')
    domains = Domains({"letters": LETTERS, "sums": path, "more": ArithmeticSource()}, seed=5)
    assert {domains.next("sums").domain for _ in range(3)} == {"sums"}
    domains.next("letters")
    again = Domains({"letters": LETTERS, "sums": path, "more": ArithmeticSource()}, seed=5)
    again.load_state_dict(json.loads(json.dumps(domains.state_dict())))
    for name in ("letters", "sums", "more") * 4:
        assert domains.next(name) == again.next(name)
    assert {domains.mixture({"sums": 1}).task(index).answer for index in range(20)} == {"2", "3"}
    with pytest.raises(KeyError, match="no domain 'x'; there are letters, sums, more"):
        domains.next("x")
    with pytest.raises(ValueError, match="of the domains"):
        again.load_state_dict({})
    before = again.state_dict()
    states = {name: state | {"position": 1} for name, state in before.items()}
    with pytest.raises(ValueError, match="of seed 99"):
        again.load_state_dict(states | {"more": states["more"] | {"seed": 99}})
    assert again.state_dict() == before
    with pytest.raises(ValueError, match="no domain is given"):
        Domains({})
