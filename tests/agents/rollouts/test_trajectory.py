"""Trajectories: ragged records with views of their text."""

import pytest
import torch

from infinite_rl.agents.inference.tokens import Tokens
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.trajectory import Ending, from_tokens, join, stack


def test_20_the_response_length_is_the_mask_s_sum_and_no_span(make_trajectory):
    one = make_trajectory([1, 2], [3, 4, 5, 6, 7])
    two = make_trajectory([1], [2, 3])
    one.action_mask = torch.tensor([False, False, True, False, False, False, True])  # two turns, a gap between
    lengths = Columns(stack([one, two])).response_lengths
    assert lengths.tolist() == [2, 2]
    assert lengths.dtype == torch.int64


def test_a_batch_keeps_every_length_and_state(make_trajectory):
    rows = [make_trajectory([1] * n, [2] * (7 - n), reward=n, prompt=f"p{n}", response=f"r{n}") for n in range(1, 6)]
    batch = stack(rows)
    assert len(batch) == 5
    assert tuple(batch.batch_size) == (5,)
    assert batch.reward.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert [row.prompt for row in batch] == [f"p{n}" for n in range(1, 6)]
    assert [row.response for row in batch] == [f"r{n}" for n in range(1, 6)]
    assert [state["prompt"] for state in Columns(batch).states] == [f"p{n}" for n in range(1, 6)]
    assert [len(row.token_ids) for row in batch] == [7] * 5


def test_a_batch_of_one_is_a_batch(make_trajectory):
    batch = stack([make_trajectory([1], [2, 3], prompt="only")])
    assert tuple(batch.batch_size) == (1,)
    assert Columns(batch).states[0]["prompt"] == "only"
    assert Columns(batch).response_lengths.tolist() == [2]


def test_advantages_set_on_a_batch_reach_its_members(make_trajectory):
    batch = stack([make_trajectory([1], [2]), make_trajectory([1, 2, 3], [4])])
    Columns(batch).set_sampled("advantage", torch.tensor([0.25, -4.0]))
    assert [row.advantage.tolist() for row in batch] == [[0.0, 0.25], [0.0, 0.0, 0.0, -4.0]]
    assert Columns(batch).sampled("advantage").tolist() == [0.25, -4.0]
    assert Columns(batch).sampled("returns") is None
    with pytest.raises(ValueError, match=r"shape \[3\] for 2 sampled tokens"):
        Columns(batch).set_sampled("advantage", torch.zeros(3))


def test_turns_are_those_of_the_record(make_trajectory):
    """Also where nothing was said between two of them."""
    one, two = make_trajectory([1, 2], [3, 4, 5, 6]), make_trajectory([1], [2, 3])
    one.turn = torch.tensor([-1, -1, 0, 0, 1, 2])
    assert Columns(stack([one, two])).turns.tolist() == [0, 0, 1, 2, 0, 0]


def test_trajectories_hold_the_tokens_and_the_ending_of_their_own_episode():
    tokens = [Tokens(), Tokens(), Tokens()]
    tokens[0].append([5, 6])
    tokens[0].append([7, 8], turn=0, logprobs=[-0.5, -1.5], version=7)
    tokens[2].append([9], turn=1, logprobs=[-2.0], version=3)
    endings = [
        Ending(reward=0.5, group=3, valid=True, truncated=False, state={"prompt": "xx", "response": "y"}),
        Ending(reward=0, group=4, valid=False, truncated=False, state={"status": "error"}),
        Ending(reward=1.0, group=4, valid=True, truncated=True, state={}),
    ]
    batch = from_tokens(tokens, endings)
    first, empty, last = batch
    assert first.token_ids.tolist() == [5, 6, 7, 8]
    assert first.action_mask.tolist() == [False, False, True, True]
    assert first.behaviour_logprob.tolist() == [0.0, 0.0, -0.5, -1.5]
    assert first.version.tolist() == [-1, -1, 7, 7]
    assert first.turn.tolist() == [-1, -1, 0, 0]
    assert first.advantage.tolist() == [0.0] * 4
    assert (float(first.reward), int(first.group), bool(first.valid), bool(first.truncated)) == (0.5, 3, True, False)
    assert (first.prompt, first.response) == ("xx", "y")
    assert (empty.token_ids.tolist(), bool(empty.valid), empty.state) == ([], False, {"status": "error"})
    assert (last.token_ids.tolist(), last.turn.tolist(), bool(last.truncated)) == ([9], [1], True)
    assert last.token_ids.untyped_storage().nbytes() == 8  # it keeps no other's memory
    assert batch.reward.dtype == torch.float32
    both = join([batch, from_tokens(tokens[:1], endings[:1])])
    assert both.group.tolist() == [3, 4, 4, 3]
    assert [state.get("prompt") for state in Columns(both).states] == ["xx", None, None, "xx"]


def test_a_trajectory_survives_saving(make_trajectory, tmp_path):
    row = make_trajectory([1], [2, 3], prompt="saved")
    torch.save(row, tmp_path / "row.pt")
    found = torch.load(tmp_path / "row.pt", weights_only=False)
    assert found.token_ids.tolist() == [1, 2, 3]
    assert found.prompt == "saved"
