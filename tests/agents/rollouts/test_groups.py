"""Groups as they are stored: nothing that learning reads is lost."""

import torch

from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.groups import pack, unpack
from infinite_rl.agents.rollouts.trajectory import stack


def test_what_is_stored_comes_back(random_batch):
    trajectories = random_batch(domain="d", task_index=7)
    Columns(trajectories).set_sampled("advantage", torch.arange(29.0) / 10)
    source = Columns(trajectories)
    groups = pack(source, ["c", "d"])
    assert [len(group["lengths"]) for group in groups] == [2, 2, 2]
    assert [int(group["domain"]) for group in groups] == [1, 1, 1]
    found = Columns(unpack(groups, ["c", "d"]))
    for name in ("token_ids", "action_mask", "behaviour_logprob", "version", "turn", "advantage"):
        assert torch.equal(found.tokens(name), source.tokens(name)), name
    for name in ("groups", "valid", "truncated", "rewards", "response_lengths"):
        assert torch.equal(getattr(found, name), getattr(source, name)), name
    assert {(state["domain"], state["task_index"]) for state in found.states} == {("d", 7)}


def test_segments_are_kept(make_trajectory):
    rows = [make_trajectory([1, 2], [3, 4, 5], segments=[2, 3]), make_trajectory([1], [2, 3])]
    found = Columns(unpack(pack(Columns(stack(rows)), ["d"]), ["d"]))
    assert [state["segments"] for state in found.states] == [[2, 3], [3]]


def test_groups_that_are_drawn_together_are_apart(random_batch):
    groups = pack(Columns(random_batch()), ["d"])
    found = Columns(unpack([groups[2], groups[0], groups[2]], ["d"]))
    assert found.groups.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.lengths == [10, 10, 5, 13, 10, 10]


def test_a_group_keeps_nothing_but_itself_alive(random_batch):
    for group in pack(Columns(random_batch()), ["d"]):
        for name, values in group.items():
            assert values.untyped_storage().nbytes() == values.numel() * values.element_size(), name
