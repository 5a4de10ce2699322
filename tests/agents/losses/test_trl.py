"""Our losses and gradients beside those of TRL's ``GRPOTrainer`` on the same tensors, in float64."""

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from infinite_rl.agents.losses import LossConfig, LossInputs, objective, sequence_weights

trl = pytest.importorskip("trl")

B, T, LONGEST = 6, 9, 12


class StandIn(SimpleNamespace):
    """Stands for a trainer in which everything is off that is not named."""

    def __getattr__(self, name):
        return None


LENGTHS = torch.tensor([2, 9, 5, 1, 7, 3])


@pytest.fixture
def batch():
    """Log-probs of six responses of uneven length, padded as TRL pads them."""
    random = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    logprob = -normal(B, T).abs() - 0.2
    mask = torch.arange(T) < LENGTHS[:, None]
    return SimpleNamespace(
        logprob=logprob.clone().requires_grad_(),
        old=logprob + 0.3 * normal(B, T),
        reference=logprob + 0.3 * normal(B, T),
        sampler=logprob + 0.4 * normal(B, T),
        advantage=normal(B),
        mask=mask,
        entropy=normal(B, T).abs(),
    )


def of_trl(batch, *, importance=None, **settings):
    """The loss of ``GRPOTrainer._compute_loss``, with the model's forward pass replaced by given log-probs."""
    from trl import GRPOTrainer

    args = {"epsilon": 0.2, "epsilon_high": 0.2, "beta": 0.0, "loss_type": "grpo", "level": "token"} | settings
    stand_in = StandIn(
        accelerator=SimpleNamespace(gather=lambda x: x, reduce=lambda x, reduction: x, num_processes=1),
        model=SimpleNamespace(training=True),
        args=StandIn(delta=args.get("delta"), steps_per_generation=1),
        beta=args["beta"],
        epsilon_low=args["epsilon"],
        epsilon_high=args["epsilon_high"],
        loss_type=args["loss_type"],
        importance_sampling_level=args["level"],
        top_entropy_quantile=1.0,
        use_vllm=importance is not None,
        vllm_importance_sampling_correction=importance is not None,
        max_completion_length=LONGEST,
        current_gradient_accumulation_steps=1,
        _metrics={"train": defaultdict(list)},
        _get_per_token_logps_and_entropies=lambda *args, **others: (batch.logprob, batch.entropy, None),
    )
    given = {
        "prompt_ids": torch.zeros(B, 1, dtype=torch.long),
        "prompt_mask": torch.ones(B, 1, dtype=torch.long),
        "completion_ids": torch.zeros(B, T, dtype=torch.long),
        "completion_mask": batch.mask.long(),
        "advantages": batch.advantage,
        "old_per_token_logps": batch.old,
        "ref_per_token_logps": batch.reference,
        "num_items_in_batch": batch.mask.sum(),
    }
    if importance is not None:
        given["importance_sampling_ratio"] = importance
    loss = GRPOTrainer._compute_loss(stand_in, SimpleNamespace(training=True), given)
    (gradient,) = torch.autograd.grad(loss, batch.logprob)
    return loss.detach(), gradient


def of_ours(batch, config, *, behaviour=None):
    weight = sequence_weights(LENGTHS, config.aggregation, normaliser=LONGEST)
    flat = {name: getattr(batch, name)[batch.mask] for name in ("old", "reference", "entropy")}
    logprob = batch.logprob.detach()[batch.mask].requires_grad_()
    loss = objective(
        LossInputs(
            logprob=logprob,
            old_logprob=flat["old"],
            behaviour_logprob=flat["old"] if behaviour is None else behaviour[batch.mask],
            advantage=torch.repeat_interleave(batch.advantage, LENGTHS),
            sequence=torch.repeat_interleave(torch.arange(B), LENGTHS),
            weight=torch.repeat_interleave(weight, LENGTHS),
            reference_logprob=flat["reference"],
            entropy=flat["entropy"],
        ),
        config,
    ).loss
    (gradient,) = torch.autograd.grad(loss, logprob)
    return loss.detach(), torch.zeros_like(batch.logprob).masked_scatter(batch.mask, gradient)


CASES = {
    "grpo": ({}, LossConfig(aggregation="sequence_mean")),
    "grpo with a divergence": ({"beta": 0.3}, LossConfig(aggregation="sequence_mean", kl_coef=0.3)),
    "grpo with dual clip": ({"delta": 1.5}, LossConfig(aggregation="sequence_mean", dual_clip=1.5)),
    "dr_grpo": ({"loss_type": "dr_grpo"}, LossConfig(aggregation="sequence_sum")),
    "dapo": ({"loss_type": "dapo", "epsilon_high": 0.28}, LossConfig(clip_high=0.28)),
    "cispo": ({"loss_type": "cispo", "epsilon_high": 1.3}, LossConfig("cispo", clip_low=1.0, clip_high=0.3)),
    "gspo": (
        {"level": "sequence", "epsilon": 3e-2, "epsilon_high": 4e-2},
        LossConfig("gspo", clip_low=3e-2, clip_high=4e-2, aggregation="sequence_mean"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_loss_and_gradient_are_those_of_trl(batch, name):
    settings, config = CASES[name]
    expected, found = of_trl(batch, **settings), of_ours(batch, config)
    torch.testing.assert_close(found[0], expected[0], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-12, atol=1e-14)
    assert float(expected[1].abs().sum()) > 0


def test_truncated_importance_sampling_is_that_of_trl(batch):
    ratio = torch.exp(batch.old - batch.sampler).clamp(max=2.0)
    expected = of_trl(batch, importance=ratio, beta=0.1)
    config = LossConfig(aggregation="sequence_mean", kl_coef=0.1, correction="truncate", correction_cap=2.0)
    found = of_ours(batch, config, behaviour=batch.sampler)
    torch.testing.assert_close(found[0], expected[0], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-12, atol=1e-14)
