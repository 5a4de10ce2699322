"""Packed rows: sequences side by side in one row, each seeing itself alone."""

import inspect
import sys

import pytest
import torch
from torch.nn.attention import varlen
from transformers import Qwen2Config

from infinite_rl.agents.losses import LossConfig, sequence_weights
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.trajectory import stack
from infinite_rl.agents.updates import packing
from infinite_rl.agents.updates.backprop import BackpropModule
from infinite_rl.agents.updates.batching import microbatches
from infinite_rl.agents.updates.layout import Bundle, lay_out
from infinite_rl.agents.updates.packing import PACKED, enable_packing
from infinite_rl.agents.updates.planning import LayoutPlan, bundles_of, find_plan
from infinite_rl.agents.updates.scoring import layout_scores, token_scores

from ..models.conftest import ARCHITECTURES, ENDS, SHAPE, architecture  # noqa: F401

CPU = torch.device("cpu")
PACK = LayoutPlan(packed=True)
LENGTHS = [(3, 2), (4, 9), (1, 6), (2, 1), (5, 4)]  # of prompts and responses


@pytest.fixture
def trajectories(make_trajectory):
    random = torch.Generator().manual_seed(0)
    rows = [
        make_trajectory(*(torch.randint(1, 32, (n,), generator=random).tolist() for n in lengths), group=k // 2)
        for k, lengths in enumerate(LENGTHS)
    ]
    found = stack(rows)
    Columns(found).set_sampled("advantage", torch.linspace(-1, 2, sum(own for _, own in LENGTHS)))
    return found


@pytest.fixture
def exact(architecture):  # noqa: F811
    """A model of an architecture in float64 all through: norms of transformers go over float32, these do not."""

    def make(name, **options):
        model = architecture(name, dtype=torch.float64, **options)
        for norm in model.modules():
            if "RMSNorm" in type(norm).__name__:
                norm.forward = _norm(norm)
        return model

    return make


def _norm(norm):
    eps = norm.eps if hasattr(norm, "eps") else norm.variance_epsilon
    offset = 1 if "Gemma" in type(norm).__name__ else 0
    return lambda x: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * (offset + norm.weight)


def learn(model, reference, trajectories, *, layout, tokens=10_000):
    """The loss, every parameter's gradient, and the batches, of a clipped loss with entropy and KL terms."""
    backprop = BackpropModule(model, reference, torch.optim.SGD(model.parameters()))
    config = LossConfig(clip_low=0.2, kl_coef=0.1, entropy_coef=0.01)
    weights = sequence_weights(Columns(trajectories).response_lengths, "token_mean").double()
    model.zero_grad()
    loss = torch.zeros((), dtype=torch.float64)
    batches = microbatches(Columns(trajectories), tokens, CPU, layout=layout)
    for batch in batches:
        loss += backprop.learn(batch, weights[batch.rows], config)[0].loss.detach()
    return loss, {name: weight.grad.clone() for name, weight in model.named_parameters()}, batches


def assert_equal_learning(found, expected, *, tolerance=1e-10):
    torch.testing.assert_close(found[0], expected[0], rtol=tolerance, atol=tolerance)
    for name, gradient in expected[1].items():
        size = float(gradient.abs().max())
        torch.testing.assert_close(found[1][name], gradient, rtol=tolerance, atol=tolerance * size)


@pytest.mark.parametrize("tokens", [10_000, 14])
@pytest.mark.parametrize("name", ["gpt2", "llama", "mistral", "qwen2", "qwen3", "gemma", "granite"])
def test_16_packed_rows_learn_what_rows_of_their_own_learn(exact, trajectories, monkeypatch, name, tokens):
    monkeypatch.setattr(ARCHITECTURES["mistral"], "sliding_window", None)
    monkeypatch.setitem(ARCHITECTURES, "qwen2", Qwen2Config(**SHAPE, **ENDS))
    model, reference = exact(name), exact(name, seed=1)
    plain = learn(model, reference, trajectories, layout=LayoutPlan())
    packed = learn(model, reference, trajectories, layout=PACK, tokens=tokens)
    assert_equal_learning(packed, plain)
    assert all(len(batch.token_ids) == 1 for batch in packed[2])
    assert sum(batch.token_ids.numel() for batch in packed[2]) == sum(map(sum, LENGTHS))
    assert (len(packed[2]) > 1) == (tokens == 14)


def test_layers_that_are_called_again_in_the_backward_pass_see_the_same(exact, trajectories):
    model, reference = exact("llama"), exact("llama", seed=1)
    plain = learn(model, reference, trajectories, layout=PACK)
    model.gradient_checkpointing_enable({"use_reentrant": False})
    model.train()
    assert_equal_learning(learn(model, reference, trajectories, layout=PACK), plain)


def test_a_model_that_packs_does_all_else_as_before(lm, tmp_path):
    model = lm("qwen2")
    ids = torch.tensor([[0, 0, 3, 7, 9], [4, 5, 6, 1, 2]])
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])

    def answers():
        scores = token_scores(model, ids, mask, mask.bool(), temperature=1.0).logprob
        said = model.generate(ids, attention_mask=mask, max_new_tokens=3, do_sample=False, pad_token_id=0)
        return scores, said

    before = answers()
    enable_packing(model)
    assert model.config._attn_implementation == PACKED
    for one, other in zip(answers(), before, strict=True):
        assert torch.equal(one, other)
    model.save_pretrained(tmp_path)
    assert PACKED not in (tmp_path / "config.json").read_text()


def test_half_precision_is_that_of_autocast(lm, trajectories):
    """Keys and queries are turned in float32; attention casts them."""
    model = lm("llama", dtype=torch.float32)
    found = []
    for layout in (LayoutPlan(), PACK):
        (batch,) = microbatches(Columns(trajectories), 10_000, CPU, layout=layout)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = layout_scores(model, batch, temperature=1.0).logprob
        place = torch.empty_like(scores)
        place[batch.places] = scores.detach()
        found.append(place)
    torch.testing.assert_close(*found, rtol=0.05, atol=0.05)


def test_a_packed_row_is_told_where_sequences_end():
    ids, scored = torch.arange(10, 19), torch.tensor([0, 1, 1, 0, 1, 0, 1, 1, 1]).bool()
    pieces = [(0, 3), (3, 5), (5, 9)]
    ((bundle, numbers),) = bundles_of(ids, scored, pieces, [0, 0, 0], tokens=9, plan=PACK)
    assert numbers == [2, 0, 1]  # longest first
    laid = lay_out(ids, scored, [bundle], CPU, packed=True)
    assert laid.packed
    assert laid.token_ids.tolist() == [[15, 16, 17, 18, 10, 11, 12, 13, 14]]
    assert laid.position_ids.tolist() == [[0, 1, 2, 3, 0, 1, 2, 0, 1]]
    assert laid.attention.tolist() == [[[[0, 4, 7, 9]]]]
    assert laid.predictor.tolist() == [0, 1, 2, 4, 5, 7]
    assert laid.target.tolist() == [16, 17, 18, 11, 12, 14]
    assert laid.end.tolist() == [3, 6, 8]
    assert laid.inputs["max_length_q"] == laid.longest == 4
    assert not lay_out(ids, scored, [Bundle(0, [piece]) for piece in pieces], CPU).packed


def test_micro_batches_are_as_few_as_fit(make_trajectory):
    lengths = [9, 8, 2, 5, 5, 1, 12]
    pieces = [(sum(lengths[:k]), sum(lengths[: k + 1])) for k in range(len(lengths))]
    ids = torch.ones(sum(lengths), dtype=torch.long)
    found = bundles_of(ids, ids.bool(), pieces, [0] * len(lengths), tokens=10, plan=PACK)
    assert [numbers for _, numbers in found] == [[6], [0, 5], [1, 2], [3, 4]]
    assert [bundle.width for bundle, _ in found] == [12, 10, 10, 10]
    rows = [make_trajectory([1] * (n - 1), [2]) for n in lengths if n > 1]
    batches = microbatches(Columns(stack(rows)), 10, CPU, layout=PACK)
    assert [batch.token_ids.numel() for batch in batches] == [12, 10, 10, 9]


def kernel_of(monkeypatch, function):
    """What is made of a function in the place of torch's kernel."""
    monkeypatch.setattr(varlen, "varlen_attn", function)
    packing.fused_kernel.cache_clear()
    return packing.fused_kernel()


@pytest.fixture
def states():
    """Queries of four heads, keys and values of two, and ends."""
    random = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(9, heads, 8, generator=random) for heads in (4, 2, 2))
    return query, key, value, torch.tensor([0, 4, 9], dtype=torch.int32)


@pytest.fixture(autouse=True)
def forget():
    yield
    packing.fused_kernel.cache_clear()


def test_kernels_of_every_version_are_called_as_they_ask(states, monkeypatch):
    query, key, value, ends = states
    expected = packing._one_by_one(query, key, value, ends, 5, 0.3)
    present = inspect.signature(varlen.varlen_attn)

    def now(*given, **options):
        bound = present.bind(*given, **options).arguments
        assert bound["window_size"] == (-1, 0)  # nothing that comes later is seen
        assert bound["enable_gqa"]
        assert bound["max_q"] == bound["max_k"] == 5
        assert bound["cu_seq_q"] is bound["cu_seq_k"] is ends
        return packing._one_by_one(bound["query"], bound["key"], bound["value"], ends, 5, bound["scale"])

    now.__signature__ = present

    def once(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, is_causal=False, *, scale=None):
        assert is_causal
        assert key.shape == query.shape
        return packing._one_by_one(query, key, value, cu_seq_q, max_q, scale)

    for kernel in (now, once):
        torch.testing.assert_close(kernel_of(monkeypatch, kernel)(query, key, value, ends, 5, 0.3), expected)


def test_where_no_kernel_is_rows_are_not_packed(monkeypatch):
    monkeypatch.delattr(varlen, "varlen_attn")
    monkeypatch.setitem(sys.modules, "flash_attn", None)
    packing.fused_kernel.cache_clear()
    assert packing.fused_kernel() is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_packs_and_learns_the_same(lm, trajectories):
    gpu = torch.device("cuda")
    model = lm("qwen2", dtype=torch.float32).to(gpu)
    gradients = []
    with torch.autocast("cuda", dtype=torch.bfloat16):
        assert find_plan(model) == PACK
        for layout in (LayoutPlan(), PACK):
            (batch,) = microbatches(Columns(trajectories), 10_000, gpu, layout=layout)
            scores = layout_scores(model, batch, temperature=1.0)
            gradients.append(torch.autograd.grad(scores.logprob.sum(), [*model.parameters()]))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.05 * float(other.abs().max()))
