"""Pareto fronts against their definition, and the price of self-verification in closed form."""

import pytest
import torch

from infinite_rl.agents.credit.objectives import ParetoRewardComputer, SVRLRewardComputer
from infinite_rl.agents.credit.pareto import pareto_ranks
from infinite_rl.agents.credit.reward_computer import RewardComputer
from infinite_rl.agents.environments.state import SVRLState
from infinite_rl.agents.rollouts.facade import PlayedState
from infinite_rl.agents.rollouts.trajectory import stack


def ranks(*rows):
    return pareto_ranks(torch.tensor(rows, dtype=torch.float64)).tolist()


def test_the_front_is_what_nothing_dominates():
    #     y
    # 3 | a
    # 2 |   b   e
    # 1 | d   c
    #     1 2 3 4
    a, b, c, d, e = (1, 3), (2, 2), (3, 1), (1, 1), (4, 2)
    assert ranks(a, b, c, d) == [0, 0, 0, 1]
    assert ranks(a, b, c, d, e) == [0, 1, 1, 2, 0]


def test_a_chain_has_a_front_for_each():
    assert ranks((0, 0), (3, 3), (1, 1), (2, 2)) == [3, 0, 2, 1]


def test_equal_rows_share_their_front():
    assert ranks((1, 1), (1, 1), (0, 1)) == [0, 0, 1]
    assert pareto_ranks(torch.zeros(0, 2)).tolist() == []


def test_ranks_agree_with_the_definition_on_random_rows():
    values = torch.randint(0, 4, (60, 3), generator=torch.Generator().manual_seed(0)).double()
    found = pareto_ranks(values).tolist()
    for i in range(60):
        above = [found[j] for j in range(60) if (values[j] >= values[i]).all() and (values[j] > values[i]).any()]
        assert found[i] == (max(above) + 1 if above else 0)


@pytest.fixture
def batch(make_trajectory):
    def make(*responses, group=None, failed=()):
        return stack(
            [
                make_trajectory([1], [2], response=text, group=i if group is None else group[i], valid=i not in failed)
                for i, text in enumerate(responses)
            ]
        )

    return make


def length(trajectory):
    return len(trajectory.response)


def vowels(trajectory):
    return sum(letter in "aeiou" for letter in trajectory.response)


def test_the_front_earns_one_and_the_dominated_less(batch):
    computer = ParetoRewardComputer([length, vowels], ["length", "vowels"])
    assert computer.compute_rewards(batch("aa", "xxxx", "ax", "x"), method="pareto").tolist() == [
        1.0,
        1.0,
        0.5,
        pytest.approx(1 / 3),
    ]


def test_other_spellings_of_the_objectives(batch):
    trajectories = batch("aa", "x")
    for computer in (
        ParetoRewardComputer(objectives=[length, vowels]),
        ParetoRewardComputer({"length": length, "vowels": vowels}),
    ):
        assert computer.objective_names == ["length", "vowels"]
        assert computer.compute_rewards(trajectories).tolist() == [1.0, 0.5]
    assert ParetoRewardComputer([length, vowels]).compute_rewards(trajectories, "absolute").tolist() == [2.0, 0.5]
    with pytest.raises(ValueError, match="needs objectives"):
        ParetoRewardComputer()
    with pytest.raises(ValueError, match="2 objectives but 1 names"):
        ParetoRewardComputer([length, vowels], ["length"])


def test_fronts_are_made_within_groups(batch):
    trajectories = batch("aaaa", "aa", "a", "x", group=[0, 0, 1, 1])
    assert ParetoRewardComputer([length, vowels]).compute_rewards(trajectories).tolist() == [1.0, 0.5, 1.0, 0.5]


def test_relative_rewards_rank_within_groups(batch):
    class Length(RewardComputer):
        score_trajectory = staticmethod(length)

    trajectories = batch("aaaa", "aa", "a", "xxx", group=[0, 0, 1, 1])
    assert Length().compute_rewards(trajectories, "relative").tolist() == [1.0, -1.0, -1.0, 1.0]
    assert Length().compute_rewards(trajectories, "pareto").tolist() == [1.0, 0.5, 0.5, 1.0]


def test_a_failed_grading_is_on_no_front(batch):
    def counted(trajectory):
        assert trajectory.response != "broken"
        return length(trajectory)

    found = ParetoRewardComputer([counted]).compute_rewards(batch("broken", "x", failed=[0]))
    assert found.tolist() == [0.0, 1.0]


def test_an_objective_that_is_not_finite_is_named(batch):
    with pytest.raises(ValueError, match="objective speed gave nan"):
        ParetoRewardComputer([lambda trajectory: float("nan")], ["speed"]).compute_rewards(batch("x"))


def test_an_objective_that_raises_leaves_its_trajectory_out(batch):
    trajectories = batch("a", "bb", "ccc")
    found = ParetoRewardComputer([lambda one: 1 / (len(one.response) - 2)]).compute_rewards(trajectories)
    assert found.tolist() == [0.5, 0.0, 1.0]
    assert trajectories.valid.tolist() == [True, False, True]


def verified(make_trajectory, response, **fields):
    row = make_trajectory([1], [2], reward=0.25)
    final = SVRLState(prompt="p", response=response, budget=10.0, **fields)
    row.state = PlayedState(prompt="p", response=response, answer=final.answer, final=final)
    return row


def test_checks_and_steps_have_their_price(make_trajectory):
    row = verified(make_trajectory, "<answer>12</answer>", answer=12, spent=5.0, step_count=4)
    assert SVRLRewardComputer().score_trajectory(row) == pytest.approx(1 - 0.1 * 0.5 - 0.05 * 0.75)
    assert SVRLRewardComputer(None, 0.5, 0.0).score_trajectory(row) == pytest.approx(0.75)
    assert SVRLRewardComputer(lambda trajectory: 0.5, 0.0, 0.0).score_trajectory(row) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("response", "answer", "quality"),
    [("<answer> 12 </answer>", 12, 1.0), ("12", 12, 1.0), ("13", 12, 0.0), ("whatever", None, 0.25)],
)
def test_the_quality_is_the_answer_s_where_it_is_known(make_trajectory, response, answer, quality):
    row = verified(make_trajectory, response, answer=answer, step_count=1)
    assert SVRLRewardComputer().score_trajectory(row) == pytest.approx(quality)


def test_a_wrong_answer_earns_nothing_by_being_quick(make_trajectory):
    quick = verified(make_trajectory, "13", answer=12, step_count=1)
    slow = verified(make_trajectory, "13", answer=12, spent=10.0, step_count=8)
    assert SVRLRewardComputer().score_trajectory(quick) == SVRLRewardComputer().score_trajectory(slow) == 0.0


def test_weights_that_turn_rewards_negative_are_refused():
    with pytest.raises(ValueError, match="nor above 1 together"):
        SVRLRewardComputer(verification_weight=0.9, efficiency_weight=0.2)
