"""Layouts: whichever way sequences lie in rows, what is learnt from them is the same."""

from dataclasses import replace
from itertools import chain, pairwise

import pytest
import torch
from transformers import AutoModelForCausalLM, FalconH1Config, Lfm2Config, Qwen3NextConfig

from infinite_rl.agents.losses import LossConfig, sequence_weights
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.trajectory import stack
from infinite_rl.agents.updates import planning
from infinite_rl.agents.updates.backprop import BackpropModule
from infinite_rl.agents.updates.batching import microbatches
from infinite_rl.agents.updates.layout import Bundle, lay_out
from infinite_rl.agents.updates.planning import LayoutPlan, bundles_of, find_even_width, find_plan

from ..models.conftest import ARCHITECTURES, architecture  # noqa: F401

CPU = torch.device("cpu")
# Attention costs next to nothing, so that whatever can share does.
ALWAYS = 1e9


def columns(*sequences):
    """Tokens, which of them are scored, and pieces, of sequences of a prompt and a response each."""
    ids = torch.tensor([token for prompt, response in sequences for token in (*prompt, *response)])
    scored = [[False] * len(prompt) + [True] * len(response) for prompt, response in sequences]
    lengths = [len(prompt) + len(response) for prompt, response in sequences]
    ends = [sum(lengths[:k]) for k in range(len(lengths) + 1)]
    return ids, torch.tensor([*chain(*scored)]), list(pairwise(ends))


def bundled(*sequences, groups=None, tokens=10_000, even=ALWAYS):
    plan = LayoutPlan(even_width=even)
    return bundles_of(*columns(*sequences), groups or [0] * len(sequences), tokens=tokens, plan=plan)


@pytest.fixture
def batch(make_trajectory):
    """Groups: three of one prompt, one with tool tokens between two turns; two of prompts that part; one alone."""
    rows = [
        make_trajectory([1, 2, 3, 4], [5, 6]),
        make_trajectory([1, 2, 3, 4], [7]),
        make_trajectory([1, 2, 3, 4], [5, 8, 9, 10, 11, 12]),
        make_trajectory([1, 2, 9], [3, 3, 3], group=1),
        make_trajectory([1, 2, 8, 7], [4, 4], group=1),
        make_trajectory([13, 14], [15, 16, 17, 18], group=2),
    ]
    rows[2].action_mask = torch.tensor([0, 0, 0, 0, 1, 1, 0, 0, 1, 1]).bool()
    trajectories = stack(rows)
    count = int(Columns(trajectories).response_lengths.sum())
    Columns(trajectories).set_sampled("advantage", torch.linspace(-1, 2, count))
    return trajectories


def learn(model, trajectories, *, even_width, tokens=10_000, reference=None):
    """Every parameter's gradient of a clipped loss with entropy and KL terms, and the log-probs by place."""
    backprop = BackpropModule(model, reference, torch.optim.SGD(model.parameters()))
    config = LossConfig(clip_low=0.2, kl_coef=0.1, entropy_coef=0.01)
    lengths = Columns(trajectories).response_lengths
    weights = sequence_weights(lengths, "sequence_mean").double()
    model.zero_grad()
    logprob = torch.zeros(int(lengths.sum()), dtype=torch.float64)
    batches = microbatches(Columns(trajectories), tokens, CPU, layout=LayoutPlan(even_width=even_width))
    for batch in batches:
        _, inputs = backprop.learn(batch, weights[batch.rows], config)
        logprob[batch.places] = inputs.logprob.detach().double()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}, logprob, batches


@pytest.mark.parametrize("tokens", [10_000, 16, 9])
@pytest.mark.parametrize(("kind", "tolerance"), [("gpt2", 1e-10), ("qwen2", 1e-6), ("llama", 1e-6)])
def test_shared_rows_learn_what_plain_rows_learn(lm, batch, kind, tolerance, tokens):
    """In float64; but the norms of Qwen2 and Llama round to float32 in between, whatever the weights are."""
    model, reference = lm(kind), lm(kind, seed=1)
    plain, logprob, rows = learn(model, batch, even_width=None, reference=reference)
    shared, found, others = learn(model, batch, even_width=ALWAYS, tokens=tokens, reference=reference)
    torch.testing.assert_close(found, logprob, rtol=tolerance, atol=tolerance)
    for name, gradient in plain.items():
        size = float(gradient.abs().max())
        torch.testing.assert_close(shared[name], gradient, rtol=tolerance, atol=tolerance * size)
    assert sum(len(one.token_ids) for one in others) < sum(len(one.token_ids) for one in rows)


def test_old_log_probs_are_the_same_in_both_layouts(lm, batch):
    backprop = BackpropModule(model := lm(), None, torch.optim.SGD(model.parameters()))
    columns = []
    for even_width in (None, ALWAYS):
        source = Columns(batch)
        backprop.set_columns(
            source, microbatches(source, 12, CPU, layout=LayoutPlan(even_width=even_width)), ["old_logprob"]
        )
        columns.append(torch.cat([row.old_logprob for row in batch]))
    torch.testing.assert_close(columns[0], columns[1], rtol=1e-10, atol=1e-10)
    assert columns[0].any()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_models_that_cannot_share_rows_are_known(architecture, name):  # noqa: F811
    """Windows would hide the shared beginning, and own kernels of attention read no such mask."""
    even = find_even_width(architecture(name))
    assert (even is None) == (name in ("mistral", "gemma2", "gemma3"))
    assert even is None or even == 6 * 16
    plan = find_plan(architecture(name))
    assert plan == LayoutPlan(even_width=even, tokens=planning.CPU_TOKENS)  # packed rows are for GPUs


def test_a_model_that_does_not_do_as_the_mask_says_is_found_out(lm):
    model, whole = lm(), lm().base_model.forward
    assert find_even_width(model) == 96

    def causal(input_ids=None, attention_mask=None, **others):
        return whole(input_ids=input_ids, **others)  # sees all that comes before, whatever it is told

    other = lm()
    other.base_model.forward = causal
    assert find_even_width(other) is None
    assert find_even_width(torch.nn.Linear(2, 2)) is None


MIXED = {"hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 64}
MIXED |= {"intermediate_size": 64, "num_hidden_layers": 4}
LINEAR = {"linear_num_key_heads": 2, "linear_num_value_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8}
LINEAR |= {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16, "head_dim": 8}


@pytest.mark.parametrize(
    "config",
    [
        Lfm2Config(**MIXED, full_attn_idxs=[0, 2]),
        Qwen3NextConfig(**MIXED, **LINEAR, shared_expert_intermediate_size=16),
        FalconH1Config(**MIXED, mamba_d_ssm=32, mamba_n_heads=4, mamba_d_head=8, mamba_d_state=8),
    ],
    ids=lambda config: config.model_type,
)
def test_models_whose_layers_remember_more_than_attention_does_share_no_row(config):
    """One sequence would tell the next, so little of fresh weights that states look alike."""
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")
    assert find_even_width(model) is None


def test_a_shared_row_holds_its_beginning_once():
    sequences = ([1, 2, 3], [4, 5]), ([1, 2, 3], [6])
    ((bundle, numbers),) = bundled(*sequences)
    assert numbers == [0, 1]
    ids, scored, _ = columns(*sequences)
    laid = lay_out(ids, scored, [bundle], CPU)
    assert laid.token_ids.tolist() == [[1, 2, 3, 4, 5, 6]]
    assert laid.position_ids.tolist() == [[0, 1, 2, 3, 4, 3]]
    assert laid.predictor.tolist() == [2, 3, 2]
    assert laid.target.tolist() == [4, 5, 6]
    assert laid.sequence.tolist() == [0, 0, 1]
    assert laid.end.tolist() == [4, 5]
    sees = [[j for j in range(6) if laid.attention[0, 0, i, j]] for i in range(6)]
    assert sees == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 5]]


def test_padding_sees_padding_so_that_no_row_of_attention_is_empty():
    sequences = ([1, 2], [3, 4]), ([1, 2], [5]), ([1], [2]), ([1], [3])
    ids, scored, pieces = columns(*sequences)
    laid = lay_out(ids, scored, [Bundle(2, pieces[:2]), Bundle(1, pieces[2:])], CPU)
    assert laid.attention.any(-1).all()
    assert laid.attention.shape == (2, 1, 5, 5)
    assert laid.token_ids.tolist() == [[1, 2, 3, 4, 5], [1, 2, 3, 0, 0]]
    assert laid.predictor.tolist() == [1, 2, 1, 5, 5]
    assert laid.end.tolist() == [3, 4, 6, 7]


def test_a_sequence_that_is_all_beginning_ends_there():
    ids, scored, pieces = columns(([1, 2], []), ([1, 2], [3]))
    laid = lay_out(ids, scored, [Bundle(2, pieces)], CPU)
    assert laid.end.tolist() == [1, 2]
    assert laid.sequence.tolist() == [1]


def test_only_what_comes_before_every_scored_token_is_shared():
    """Equal first responses are scored for each; prompts are shared as far as they agree."""
    same = ([1, 2], [3, 4]), ([1, 2], [3, 5])
    ((bundle, _),) = bundled(*same)
    assert bundle.shared == 2
    ((bundle, _),) = bundled(([1, 2, 3], [4]), ([1, 9, 3], [4]))
    assert bundle.shared == 1
    assert len(bundled(([1], [2]), ([9], [2]))) == 2
    assert len(bundled(*same, groups=[0, 1])) == 2
    assert len(bundled(*same, even=None)) == 2


def test_a_row_holds_no_more_than_the_budget():
    found = bundled(*(([1] * 4, [2] * n) for n in (3, 3, 3, 3, 9)), tokens=10)
    assert [numbers for _, numbers in found] == [[0, 1], [2, 3], [4]]
    assert all(bundle.width <= 10 for bundle, numbers in found if len(numbers) > 1)


def test_no_shared_row_is_wider_than_what_each_token_sees_may_take(monkeypatch):
    monkeypatch.setattr(planning, "WIDEST", 10)
    found = bundled(*[([1] * 4, [2] * 3)] * 5, ([1] * 4, [2] * 20))
    assert sorted(numbers for _, numbers in found) == [[0, 1], [2, 3], [4], [5]]


def test_long_responses_to_a_short_prompt_do_not_share():
    """A shared row pays attention to what it does not see; that must cost less than the prompt's copies."""
    assert len(bundled(*[([1] * 4, [2] * 40)] * 8, even=96.0)) == 8
    assert len(bundled(*[([1] * 40, [2] * 4)] * 8, even=96.0)) == 1


def test_a_plan_may_make_micro_batches_smaller_than_asked(batch):
    def sizes(plan):
        return [one.token_ids.numel() for one in microbatches(Columns(batch), 10_000, CPU, layout=plan)]

    assert len(sizes(LayoutPlan())) == 1
    assert max(sizes(LayoutPlan(tokens=20))) <= 20


@pytest.mark.parametrize(("padding", "masked"), [("right", False), ("left", True)])
def test_padding_that_no_token_sees_needs_no_mask(padding, masked):
    ids, scored, pieces = columns(([1, 2], [3, 4]), ([1], [5]))
    laid = lay_out(ids, scored, [Bundle(0, [piece]) for piece in pieces], CPU)
    assert laid.attention.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]  # as a critic reads it
    if padding == "left":
        laid = replace(laid, attention=laid.attention.flip(1))
    assert bool(laid.inputs["attention_mask"].all()) == (not masked)


def test_a_token_without_one_before_it_cannot_be_scored():
    ids, scored, pieces = columns(([], [1, 2]))
    with pytest.raises(ValueError, match="none before it"):
        lay_out(ids, scored, [Bundle(0, pieces)], CPU)
