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


# Stages


STAGED = ["add"] * 6 + ["code/sums"] * 6 + ["code/sorts"] * 6 + ["nim"] * 6


def domains_of(draws):
    return {STAGED[draw.task_index] for draw in draws}


@pytest.mark.parametrize("preset", ["uniform", "rubric", "per", "plr", "round_robin"])
def test_domains_are_practised_when_they_have_come_in(preset):
    buffer = TaskBuffer(STAGED, preset=preset, arrivals={"code": 10, "nim": 20})
    assert domains_of(buffer.draw(40)) == {"add"}
    buffer.advance(9)
    assert domains_of(buffer.draw(40)) == {"add"}
    buffer.advance(10)
    assert domains_of(buffer.draw(60)) == {"add", "code/sums", "code/sorts"}
    buffer.advance(20)
    assert domains_of(buffer.draw(80)) == {*STAGED}


def test_retired_domains_are_not_practised():
    buffer = TaskBuffer(STAGED, arrivals={"code": 10, "nim": 20}, retire=True)
    buffer.advance(10)
    assert domains_of(buffer.draw(40)) == {"code/sums", "code/sorts"}
    buffer.advance(20)
    assert domains_of(buffer.draw(40)) == {"nim"}


def test_new_domains_get_their_share():
    buffer = TaskBuffer(STAGED, preset="uniform", arrivals={"code": 10, "nim": 20}, new_share=0.7)
    assert domains_of(buffer.draw(20)) == {"add"}
    buffer.advance(20)
    assert sum(STAGED[draw.task_index] == "nim" for draw in buffer.draw(100)) == 70


def test_what_a_domain_brings_is_not_stale_when_it_comes_in():
    buffer = TaskBuffer(STAGED, arrivals={"nim": 30})
    for step in range(30):
        buffer.advance(step)
        buffer.learn_from(buffer.draw(4), torch.full((4,), 0.5))
    buffer.advance(30)
    known = dict(zip(buffer.domains, buffer.sampler.mastery.staleness(), strict=True))
    assert known["nim"] == 0


def test_a_buffer_restored_in_mid_stage_goes_on(tmp_path):
    def make(seed):
        return TaskBuffer(STAGED, preset="rubric", seed=seed, arrivals={"code": 3, "nim": 6}, new_share=0.6)

    def practise(buffer, steps):
        found = []
        for step in steps:
            buffer.advance(step)
            draws = buffer.draw(8)
            buffer.learn_from(draws, torch.tensor([draw.task_index / 24 for draw in draws]))
            found.append(draws)
        return found

    buffer, other = make(1), make(2)
    practise(buffer, range(5))
    torch.save(buffer.state_dict(), tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert practise(other, range(5, 9)) == practise(buffer, range(5, 9))
    # Nothing is equal to itself when it is unknown.
    assert str(other.report()) == str(buffer.report())


def test_measured_pass_rates_are_what_is_known_at_the_start():
    buffer = TaskBuffer(STAGED, preset="seed_acc_ema")
    buffer.begin_with({"add": 0.9, "nim": 0.1, "elsewhere": 0.3, "code/sums": float("nan")})
    assert buffer.accuracy() == {"add": 0.9, "code/sorts": 0.5, "code/sums": 0.5, "nim": 0.1}
    shares = dict(zip(buffer.domains, buffer.sampler.probabilities(buffer.buffer.storage).tolist(), strict=True))
    assert shares["nim"] > shares["code/sums"] > shares["add"]


def test_the_report_says_how_domains_were_practised():
    buffer = TaskBuffer(STAGED, preset="uniform", arrivals={"nim": 5})
    draws = buffer.draw(18)
    rates = {"add": 1.0, "code/sums": 0.5, "code/sorts": 0.0}
    buffer.learn_from(draws, torch.tensor([rates[STAGED[draw.task_index]] for draw in draws]))
    report = buffer.report()
    assert {name: report[f"decided/{name}"] for name in rates} == {"add": 1, "code/sums": 0, "code/sorts": 1}
    assert [report[f"practised/{name}"] for name in rates] == [pytest.approx(1 / 3)] * 3
    assert [report[f"share/{name}"] for name in rates] == [pytest.approx(1 / 3)] * 3
    assert report["accuracy/add"] > 0.5 > report["accuracy/code/sorts"]
    assert not any(name.endswith("/nim") for name in report)
    assert report.keys() == buffer.report().keys()


@pytest.mark.parametrize("rates", [torch.tensor([0.5]), torch.tensor([0.5, 2.0]), torch.tensor([-1.0, 0.5])])
def test_pass_rates_that_cannot_be_are_refused(rates):
    buffer = TaskBuffer(DOMAINS)
    with pytest.raises(ValueError, match="pass rates"):
        buffer.learn_from(buffer.draw(2), rates)


def test_a_buffer_needs_tasks():
    with pytest.raises(ValueError, match="needs tasks"):
        TaskBuffer([])
