"""Micro-batches: every trajectory once, within the token budget, padded on the right."""

import pytest
import torch

from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.trajectory import stack
from infinite_rl.agents.updates.batching import TokenBatch, TokenRow, microbatches

CPU = torch.device("cpu")
LENGTHS = ((3, 2), (5, 8), (2, 1), (4, 6), (7, 3), (1, 9), (2, 2), (30, 5))


def scored_of(batch):
    """Which places of plain rows are scored."""
    scored = torch.zeros(batch.token_ids.numel(), dtype=torch.bool)
    scored[batch.predictor + 1] = True
    return scored.view_as(batch.token_ids)


def rows_of(batch):
    """The unpadded rows of a batch, as plain values."""
    found, scored = [], scored_of(batch)
    for i in range(len(batch.token_ids)):
        n = int(batch.attention[i].sum())
        found.append(
            (
                batch.token_ids[i, :n].tolist(),
                scored[i, :n].tolist(),
                batch.columns["behaviour_logprob"][batch.sequence == i].tolist(),
                batch.columns["advantage"][batch.sequence == i].tolist(),
            )
        )
    return found


@pytest.mark.parametrize("tokens", [1, 7, 13, 20, 40, 10_000])
def test_every_trajectory_is_in_exactly_one_micro_batch(random_batch, tokens):
    trajectories = random_batch(LENGTHS)
    Columns(trajectories).set_sampled("advantage", torch.arange(36.0))
    expected = sorted(
        (
            t.token_ids.tolist(),
            t.action_mask.tolist(),
            t.behaviour_logprob[t.action_mask].tolist(),
            t.advantage[t.action_mask].tolist(),
        )
        for t in trajectories
    )
    found = [row for batch in microbatches(Columns(trajectories), tokens, CPU) for row in rows_of(batch)]
    assert sorted(found) == expected


@pytest.mark.parametrize("tokens", [1, 13, 20, 40])
def test_only_a_single_trajectory_may_exceed_the_budget(random_batch, tokens):
    batches = list(microbatches(Columns(random_batch(LENGTHS)), tokens, CPU))
    for batch in batches:
        rows, width = batch.token_ids.shape
        assert rows * width <= tokens or rows == 1
    widths = [batch.token_ids.shape[1] for batch in batches]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == 35


def test_a_budget_for_all_makes_one_batch(random_batch):
    (batch,) = microbatches(Columns(random_batch(LENGTHS)), 35 * 8, CPU)
    assert batch.token_ids.shape == (8, 35)


def test_padding_is_on_the_right_and_counts_nowhere(random_batch):
    (batch,) = microbatches(Columns(random_batch(((3, 2), (1, 1)))), 100, CPU)
    assert batch.attention.tolist() == [[1] * 5, [1, 1, 0, 0, 0]]
    assert not scored_of(batch)[batch.attention == 0].any()
    assert {batch.token_ids.dtype, batch.predictor.dtype, batch.target.dtype} == {torch.int64}
    assert {column.dtype for column in batch.columns.values()} == {torch.float32}


def test_columns_follow_their_rows_and_hold_sampled_tokens_only(make_trajectory):
    trajectories = stack([make_trajectory([1], [2, 3]), make_trajectory([1, 2], [3, 4, 5])])
    Columns(trajectories).set_sampled("advantage", torch.tensor([0.5, 0.25, -1.0, -2.0, -3.0]))
    (batch,) = microbatches(Columns(trajectories), 100, CPU)
    assert batch.rows.tolist() == [1, 0]  # longest first
    assert batch.sequence.tolist() == [0, 0, 0, 1, 1]
    assert batch.columns["advantage"].tolist() == [-1.0, -2.0, -3.0, 0.5, 0.25]
    assert "returns" not in batch.columns  # not set, not there


def test_some_of_the_trajectories_keep_their_places(random_batch):
    trajectories = random_batch(LENGTHS)
    batches = microbatches(Columns(trajectories), 20, CPU, range(1, 8, 2))
    assert sorted(int(row) for batch in batches for row in batch.rows) == [1, 3, 5, 7]
    for batch in batches:
        for i, row in enumerate(batch.rows.tolist()):
            assert (
                batch.token_ids[i, : len(trajectories[row].token_ids)].tolist() == trajectories[row].token_ids.tolist()
            )


def test_trajectories_of_one_length_keep_their_order(random_batch):
    trajectories = random_batch([(2, 2)] * 6)
    batches = list(microbatches(Columns(trajectories), 8, CPU))
    assert [ids for batch in batches for ids, *_ in rows_of(batch)] == [t.token_ids.tolist() for t in trajectories]


def test_rows_bring_their_log_probs():
    row = TokenRow(torch.tensor([1, 2]), torch.tensor([False, True]), torch.tensor([0.0, -1.0]))
    batch = TokenBatch.of_rows([row], CPU)
    assert {name: column.tolist() for name, column in batch.columns.items()} == {"behaviour_logprob": [-1.0]}
