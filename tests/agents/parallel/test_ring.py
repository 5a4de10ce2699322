"""Zigzag ring attention equals attention, on 1, 2 and 4 ranks, packed and unpacked."""

import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

sys.path.insert(0, str(Path(__file__).parent))
from by_definition import attention
from gloo import run

from infinite_rl.agents.parallel.ring import ring_attention
from infinite_rl.agents.parallel.zigzag import padded_length, shard, unshard, zigzag_positions

# Lengths of the sequences of a row, heads of queries, heads of keys; and a window, and a cap of products.
CASES = {
    "one sequence": ([64], 4, 4, {}),
    "shared keys": ([48], 6, 2, {}),
    "packed": ([16, 40, 8], 4, 2, {}),
    "shortest": ([8, 8], 2, 1, {}),
    "a window within chunks": ([64], 4, 2, {"window": 5}),
    "a window over chunks": ([64, 16], 4, 2, {"window": 19}),
    "a window over all": ([32], 2, 2, {"window": 32}),
    "only itself": ([16], 2, 1, {"window": 1}),
    "a cap": ([16, 40], 4, 2, {"cap": 0.7}),
    "a window and a cap": ([48, 24], 4, 2, {"window": 13, "cap": 0.7}),
}


def states(lengths, heads, groups):
    generator = torch.Generator().manual_seed(sum(lengths) + heads)
    shapes = [(2, count, sum(lengths), 16) for count in (heads, groups, groups, heads)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def whole(lengths, heads, groups, rule):
    """Output and gradients, sequence by sequence, of all rows at once."""
    query, key, value, grad = states(lengths, heads, groups)
    parts = [state.requires_grad_() for state in (query, key, value)]
    out, start = [], 0
    for length in lengths:
        own = slice(start, start + length)
        out.append(attention(*(part[:, :, own] for part in parts), **rule))
        start += length
    found = torch.cat(out, 2)
    found.backward(grad)
    return [found.detach(), *(part.grad for part in parts)]


def parts_of_a_rank():
    """For each case what a rank computes, and how many numbers it sent forward and backward."""
    group = dist.group.WORLD
    rank, ranks = dist.get_rank(), dist.get_world_size()
    sent, send = [0], dist.batch_isend_irecv

    def counted(operations):
        sent[0] += sum(operation.tensor.numel() for operation in operations if operation.op is dist.isend)
        return send(operations)

    dist.batch_isend_irecv = counted
    found = {}
    for case, (lengths, heads, groups, rule) in CASES.items():
        query, key, value, grad = (shard(state, lengths, rank, ranks, 2) for state in states(lengths, heads, groups))
        parts = [state.requires_grad_() for state in (query, key, value)]
        before = sent[0]
        out = ring_attention(*parts, group, lengths=[length // ranks for length in lengths], **rule)
        forward = sent[0]
        out.backward(grad)
        found[case] = [out.detach(), *(part.grad for part in parts)], forward - before, sent[0] - forward
    return found


@pytest.fixture(scope="module", params=[1, 2, pytest.param(4, marks=pytest.mark.slow)])
def computed(request):
    return run(__file__, "parts_of_a_rank", request.param)


@pytest.mark.parametrize("case", CASES)
def test_outputs_gradients_and_volume_are_those_of_the_formula(case, computed):
    lengths, heads, groups, rule = CASES[case]
    ranks, found = len(computed), [of_rank[case] for of_rank in computed]
    for number, expected in enumerate(whole(lengths, heads, groups, rule)):
        joined = unshard([parts[number] for parts, _, _ in found], lengths, 2)
        torch.testing.assert_close(joined, expected, rtol=1e-12, atol=1e-12)
    numbers = 2 * 2 * groups * (sum(lengths) // ranks) * 16  # keys and values of both rows
    for _, forward, backward in found:
        assert forward == (ranks - 1) * numbers
        assert backward == ((ranks - 1) * numbers + ranks * numbers if ranks > 1 else 0)


@pytest.mark.parametrize("tile", [1024, 7])
@pytest.mark.parametrize("case", CASES)
def test_alone_it_needs_no_group(case, tile, monkeypatch):
    monkeypatch.setattr("infinite_rl.agents.parallel.blocks.TILE", tile)
    lengths, heads, groups, rule = CASES[case]
    query, key, value, grad = states(lengths, heads, groups)
    parts = [state.requires_grad_() for state in (query, key, value)]
    out = ring_attention(*parts, None, lengths=lengths, **rule)
    out.backward(grad)
    for found, expected in zip([out, *(part.grad for part in parts)], whole(*CASES[case]), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", [{"window": 500}, {"cap": 20.0}], ids=str)
def test_rules_without_a_kernel_are_as_exact_as_kernels_in_half_precision(rule):
    """Beside a window of all positions, which the kernel computes."""
    lengths, exact = [512], states([512], 4, 2)
    halves = [state.bfloat16() for state in exact]

    def errors(how):
        parts = [state.clone().requires_grad_() for state in halves[:3]]
        out = ring_attention(*parts, None, lengths=lengths, **how)
        out.backward(halves[3])
        known = [state.double().requires_grad_() for state in halves[:3]]
        right = attention(*known, **how)
        right.backward(halves[3].double())
        pairs = zip(
            [out.detach(), *(part.grad for part in parts)],
            [right.detach(), *(part.grad for part in known)],
            strict=True,
        )
        return [float((one.double() - other).norm() / other.norm()) for one, other in pairs]

    for found, kernel in zip(errors(rule), errors({"window": 512}), strict=True):
        assert found < 1.5 * kernel


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("lengths", [[48], [48, 96, 240]])
def test_each_rank_has_as_much_to_compute(lengths, ranks):
    pairs = []
    for rank in range(ranks):
        positions, start, count = zigzag_positions(lengths, rank, ranks), 0, 0
        for length in lengths:
            own = positions[(positions >= start) & (positions < start + length)] - start
            count += int((own + 1).sum())
            start += length
        pairs.append(count)
    assert max(pairs) <= 1.05 * min(pairs)
    assert sum(pairs) == sum(length * (length + 1) // 2 for length in lengths)


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_the_parts_of_all_ranks_are_the_row(ranks):
    row, lengths = torch.arange(72).view(1, 72), [8, 64]
    parts = [shard(row, lengths, rank, ranks) for rank in range(ranks)]
    assert unshard(parts, lengths).equal(row)


def test_lengths_that_do_not_fit_are_refused():
    state = torch.zeros(1, 1, 6, 4)
    with pytest.raises(ValueError, match="5 positions"):
        ring_attention(state, state, state, None, lengths=[5])
    with pytest.raises(ValueError, match="divisible by 4"):
        zigzag_positions([6], 0, 2)
    with pytest.raises(ValueError, match="rank 2"):
        zigzag_positions([8], 2, 2)
    assert [padded_length(length, 2) for length in (0, 1, 4, 5)] == [0, 4, 4, 8]
