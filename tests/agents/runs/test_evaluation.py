"""Held-out evaluation: a mean over tasks, with an error that knows that samples of one task are alike."""

from math import isnan, sqrt

import pytest
import torch

from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager
from infinite_rl.agents.runs.evaluation import evaluate
from infinite_rl.datasets.task import TaskList


@pytest.fixture
def answers(scripted, tokenizer, quiz):
    """Evaluates a policy of which it is said, task by task, which samples are right (``!``: the grader fails)."""

    def make(*tasks, num_parallel=256, on_progress=lambda n: None):
        said = [
            f"a{i}<eos>" if one == "+" else "!<eos>" if one == "!" else "x"
            for i, row in enumerate(tasks)
            for one in row
        ]
        inference = scripted(tokenizer, lambda turn, row: said.pop(0))
        rollouts = RolloutManager(quiz(count=len(tasks)), RolloutConfig(num_parallel=num_parallel), inference=inference)
        return evaluate(rollouts, samples_per_prompt=len(tasks[0]), on_progress=on_progress)

    return make


def test_the_standard_error_is_clustered_by_task(answers):
    found = answers("++++", "----", "++--")
    # Task means 1, 0, 1/2: mean 1/2, sample std 1/2, error (1/2) / sqrt(3). Twelve independent samples would say 0.15.
    assert found.pass_rate == pytest.approx(0.5)
    assert found.standard_error == pytest.approx(0.5 / sqrt(3))
    assert found.metrics["pass_rate"] == found.pass_rate
    assert found.metrics["standard_error"] == found.standard_error
    assert found.metrics["pass_rate/even"] == pytest.approx(0.75)
    assert found.metrics["pass_rate/odd"] == 0.0
    assert len(found.trajectories) == 12


def test_failed_gradings_are_left_out(answers, caplog):
    found = answers("+!", "!!", "--", "+-")
    # Task means 1, none, 0, 1/2.
    assert found.pass_rate == pytest.approx(0.5)
    assert found.standard_error == pytest.approx(0.5 / sqrt(3))


def test_where_nothing_could_be_graded_there_is_no_rate(answers, caplog):
    found = answers("!!", "!!")
    assert isnan(found.pass_rate)
    assert isnan(found.standard_error)


def test_one_task_has_a_rate_but_no_error(answers):
    found = answers("+-")
    assert found.pass_rate == 0.5
    assert isnan(found.standard_error)


@pytest.mark.parametrize("num_parallel", [1, 3, 4, 100])
def test_waves_do_not_change_the_result_and_progress_counts_every_task(answers, num_parallel):
    done = []
    found = answers("++", "--", "+-", "--", "++", num_parallel=num_parallel, on_progress=done.append)
    assert found.pass_rate == pytest.approx(0.5)
    assert sum(done) == 5
    assert [int(t.state["task_index"]) for t in found.trajectories] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_two_evaluations_of_one_policy_are_equal(tiny, tokenizer, quiz):
    inference = InferenceModule(tiny(tokenizer), tokenizer)
    rollouts = RolloutManager(quiz(), RolloutConfig(max_new_tokens=6), inference=inference)
    one = evaluate(rollouts, samples_per_prompt=3)
    rollouts.collect_rollouts(5)  # what happens between does not matter
    torch.manual_seed(123)
    other = evaluate(rollouts, samples_per_prompt=3)
    for a, b in zip(one.trajectories, other.trajectories, strict=True):
        assert a.token_ids.tolist() == b.token_ids.tolist()
    assert len({tuple(t.token_ids.tolist()) for t in one.trajectories}) == 12


def test_an_endless_source_cannot_be_evaluated(scripted, tokenizer, quiz):
    class Endless:
        size = None

        def task(self, index):
            return TaskList([]).task(index)

    rollouts = RolloutManager(quiz(Endless()), inference=scripted(tokenizer, lambda turn, row: "x"))
    with pytest.raises(ValueError, match="finite list of tasks"):
        evaluate(rollouts, samples_per_prompt=1)
