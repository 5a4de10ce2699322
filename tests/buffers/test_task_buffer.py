"""The task buffer: draws that count their attempts, and a curriculum that learns from what could be graded."""

import pytest
import torch

from infinite_rl.buffers.tasks import TaskBuffer, TaskDraw

DOMAINS = ["sub", "add", "add", "sub", "mul"]


def test_every_draw_of_a_task_has_an_attempt_of_its_own():
    buffer = TaskBuffer(DOMAINS, preset="uniform")
    draws = [draw for size in (7, 1, 30) for draw in buffer.draw(size)]
    by_task = {}
    for draw in draws:
        by_task.setdefault(draw.task_index, []).append(draw.attempt)
    assert sorted(by_task) == [0, 1, 2, 3, 4]
    assert all(attempts == list(range(len(attempts))) for attempts in by_task.values())
    assert len(draws) == 38


def test_uniform_draws_whole_passes_within_a_domain():
    draws = TaskBuffer(["one"] * 6, preset="uniform").draw(6)
    assert sorted(draw.task_index for draw in draws) == [0, 1, 2, 3, 4, 5]


def test_a_draw_holds_plain_numbers():
    (draw,) = TaskBuffer(["one"]).draw(1)
    assert draw == TaskDraw(0, 0)
    assert type(draw.task_index) is int
    assert type(draw.attempt) is int


def test_pass_rates_move_the_average_of_their_domain():
    buffer = TaskBuffer(DOMAINS)
    assert buffer.accuracy() == {"add": 0.5, "mul": 0.5, "sub": 0.5}
    buffer.learn_from([TaskDraw(0), TaskDraw(1), TaskDraw(3)], torch.tensor([1.0, 0.0, 0.5]))
    sub = 0.5 * 0.95 + 0.05
    assert buffer.accuracy() == pytest.approx({"add": 0.475, "mul": 0.5, "sub": sub * 0.95 + 0.05 * 0.5})


def test_groups_that_could_not_be_graded_teach_nothing():
    buffer = TaskBuffer(DOMAINS)
    nan = float("nan")
    buffer.learn_from([TaskDraw(0), TaskDraw(1)], torch.tensor([nan, 1.0]))
    assert buffer.accuracy() == pytest.approx({"add": 0.525, "mul": 0.5, "sub": 0.5})
    buffer.learn_from([TaskDraw(0), TaskDraw(1)], torch.tensor([nan, nan]))
    assert buffer.accuracy() == pytest.approx({"add": 0.525, "mul": 0.5, "sub": 0.5})


def test_nothing_drawn_teaches_nothing():
    buffer = TaskBuffer(DOMAINS)
    buffer.learn_from([], torch.tensor([]))
    assert buffer.accuracy() == {"add": 0.5, "mul": 0.5, "sub": 0.5}


def test_a_restored_buffer_draws_what_the_saved_one_would_have(tmp_path):
    buffer = TaskBuffer(DOMAINS, seed=1)
    buffer.learn_from(buffer.draw(9), torch.linspace(0, 1, 9))
    torch.save(buffer.state_dict(), tmp_path / "state.pt")
    expected = [buffer.draw(4) for _ in range(5)]
    other = TaskBuffer(DOMAINS, seed=2)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert [other.draw(4) for _ in range(5)] == expected
    assert other.accuracy() == buffer.accuracy()


def test_a_saved_state_does_not_change_with_the_buffer():
    buffer = TaskBuffer(DOMAINS)
    state = buffer.state_dict()
    buffer.draw(9)
    assert not state["attempts"].any()
    buffer.load_state_dict(state)
    buffer.draw(9)
    assert not state["attempts"].any()


def test_a_state_of_other_tasks_is_refused():
    with pytest.raises(ValueError, match="saved with 5 tasks, but there are 6 now"):
        TaskBuffer([*DOMAINS, "add"]).load_state_dict(TaskBuffer(DOMAINS).state_dict())
    with pytest.raises(ValueError, match="saved for 3 domains, not 1"):
        TaskBuffer(["add"] * 5).load_state_dict(TaskBuffer(DOMAINS).state_dict())


def test_an_unknown_preset_is_an_error():
    with pytest.raises(ValueError, match="uniform, round_robin, seed_acc_ema"):
        TaskBuffer(DOMAINS, preset="best")
