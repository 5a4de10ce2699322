"""Updates: clipping, what is not finite, the reference model."""

import copy
from contextlib import contextmanager

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from infinite_rl.agents.losses import LossConfig, LossInputs, objective
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.updates.backprop import BackpropConfig, BackpropModule
from infinite_rl.agents.updates.batching import microbatches

CPU = torch.device("cpu")


@pytest.fixture
def model(lm):
    return lm()


def module(model, ref=None, **config):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    return BackpropModule(model, ref, optimizer, BackpropConfig(**{"max_grad_norm": float("inf")} | config))


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def some_loss(model):
    return model(torch.tensor([[1, 2, 3]])).logits.square().mean()


def test_a_module_needs_an_optimizer(model):
    with pytest.raises(ValueError, match="needs an optimizer"):
        BackpropModule(model)


def test_an_update_takes_the_optimizer_s_step(model):
    before, gradients = weights(model), torch.autograd.grad(some_loss(model), list(model.parameters()))
    result = module(model).update(some_loss(model))
    for (name, value), gradient in zip(model.named_parameters(), gradients, strict=True):
        torch.testing.assert_close(value.detach(), before[name] - gradient, rtol=1e-12, atol=1e-15)
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    assert result["grad_norm"] == pytest.approx(float(norm), rel=1e-6)


def test_a_tensor_a_mapping_and_loss_outputs_do_the_same(lm):
    def after(wrap):
        model = lm()
        logits = model(torch.tensor([[1, 2, 3]])).logits[0, :, 5]
        zeros = torch.zeros(3)
        batch = LossInputs(logits, zeros, zeros, torch.ones(3), zeros.long(), torch.ones(3))
        result = module(model).update(wrap(objective(batch, LossConfig())))
        return weights(model), result

    plain, result = after(lambda outputs: outputs.loss)
    for wrap in (lambda outputs: outputs, lambda outputs: {"total_loss": outputs.loss, "kl_loss": outputs.kl_loss}):
        others, other_result = after(wrap)
        assert same(plain, others)
        assert other_result == result
        assert isinstance(result["loss"], float)


def test_the_gradient_is_scaled_down_to_the_largest_norm_and_never_up(lm):
    def gap(limit):
        model = lm()
        before = weights(model)
        result = module(model, max_grad_norm=limit).update(some_loss(model))
        moved = torch.stack([(value.detach() - before[name]).norm() for name, value in model.named_parameters()]).norm()
        return float(moved), result["grad_norm"]

    free, norm = gap(float("inf"))
    assert free == pytest.approx(norm)
    assert gap(norm / 4)[0] == pytest.approx(norm / 4, rel=1e-4)
    assert gap(norm / 4)[1] == pytest.approx(norm)  # the norm is reported as it was
    assert gap(norm * 4)[0] == pytest.approx(norm)


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), float("-inf")])
def test_a_gradient_that_is_not_finite_leaves_weights_and_optimizer_as_they_were(lm, poison):
    model = lm()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    backprop = BackpropModule(model, optimizer=optimizer)
    backprop.update(some_loss(model))
    before, state = weights(model), copy.deepcopy(optimizer.state_dict())
    result = backprop.update(some_loss(model) * poison)
    assert not torch.isfinite(torch.tensor(result["grad_norm"]))
    assert same(before, weights(model))
    for name, slot in state["state"].items():
        for key, value in slot.items():
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(optimizer.state_dict()["state"][name][key]))
    # and the next update is that of a module that never saw it
    backprop.update(some_loss(model))
    assert not same(before, weights(model))
    assert all(value.isfinite().all() for value in weights(model).values())


def test_gradients_add_up_until_the_step_and_are_gone_after_it(lm):
    once, twice = lm(), lm()
    module(once).update(some_loss(once) * 2)
    backprop = module(twice)
    backprop.accumulate(some_loss(twice))
    backprop.accumulate(some_loss(twice))
    backprop.step()
    for name, value in weights(once).items():
        torch.testing.assert_close(weights(twice)[name], value, rtol=1e-12, atol=1e-15)
    assert all(weight.grad is None for weight in twice.parameters())


# The reference


def test_the_reference_gets_no_gradient_and_stays_in_evaluation_mode(lm):
    reference = lm(seed=1).train()
    backprop = module(lm(), reference)
    assert not reference.training
    assert not any(weight.requires_grad for weight in reference.parameters())
    assert backprop.ref_model is reference


@pytest.mark.parametrize("kind", ["qwen2", "gpt2"])
def test_18_the_divergence_from_a_frozen_copy_is_exactly_zero(lm, random_batch, kind):
    model = lm(kind)
    backprop = module(model, copy.deepcopy(model))
    for batch in microbatches(Columns(random_batch()), 30, CPU):
        inputs = backprop.loss_inputs(batch, torch.ones(len(batch.rows)))
        assert torch.equal(inputs.logprob, inputs.reference_logprob)
        assert float(objective(inputs, LossConfig(kl_coef=1.0)).kl_loss) == 0
        assert not inputs.reference_logprob.requires_grad


def test_a_reference_that_has_scored_the_tokens_is_not_asked_again(lm, random_batch):
    backprop = module(lm(), lm(seed=1))
    (batch,) = microbatches(Columns(random_batch()), 10_000, CPU)
    once = backprop.columns(batch, ["reference_logprob"])["reference_logprob"]
    batch.columns["reference_logprob"] = once
    assert backprop.loss_inputs(batch, torch.ones(len(batch.rows))).reference_logprob is once


def test_without_a_reference_nothing_is_scored_twice(lm, random_batch):
    backprop = module(lm())
    (batch,) = microbatches(Columns(random_batch()), 10_000, CPU)
    assert backprop.loss_inputs(batch, torch.ones(len(batch.rows))).reference_logprob is None


def test_a_frozen_copy_shares_no_memory_with_the_policy(model):
    twin = copy.deepcopy(model)
    before = weights(twin)
    module(model).update(some_loss(model))
    assert same(before, weights(twin))


def test_copy_takes_the_policy_s_weights_exactly(lm):
    model, reference = lm(seed=0), lm(seed=1)
    module(model, reference).update_ref_model()
    assert same(weights(model), weights(reference))


def test_18_ema_keeps_alpha_of_the_reference(lm):
    model, reference = lm(seed=0), lm(seed=1)
    new, old = weights(model), weights(reference)
    backprop = module(model, reference, ref_update_method="ema", ema_alpha=0.9)
    backprop.update_ref_model()
    for name, value in weights(reference).items():
        torch.testing.assert_close(value, 0.9 * old[name] + 0.1 * new[name], rtol=1e-12, atol=1e-15)
    assert same(new, weights(model))
    for _ in range(9):
        backprop.update_ref_model("ema")
    for name, value in weights(reference).items():
        expected = 0.9**10 * old[name] + (1 - 0.9**10) * new[name]
        torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-12)


def test_a_method_overrides_the_configured_one(lm):
    model, reference = lm(seed=0), lm(seed=1)
    module(model, reference, ref_update_method="ema").update_ref_model("copy")
    assert same(weights(model), weights(reference))


def test_reference_updates_that_cannot_be_made_say_so(lm):
    with pytest.raises(ValueError, match="no reference model"):
        module(lm()).update_ref_model()
    with pytest.raises(ValueError, match="'copy' or 'ema'"):
        module(lm(), lm()).update_ref_model("mean")


def test_compute_kl_is_k3(model):
    p, q = torch.tensor([-1.0, -2.0]), torch.tensor([-1.5, -2.0])
    expected = torch.exp(q - p) - 1 - (q - p)
    torch.testing.assert_close(module(model).compute_kl(p, q), expected)


def test_scoring_happens_under_the_given_autocast(lm, random_batch):
    entered = []

    @contextmanager
    def autocast():
        entered.append(True)
        yield

    model = lm()
    backprop = BackpropModule(model, lm(seed=1), torch.optim.SGD(model.parameters()), autocast=autocast)
    (batch,) = microbatches(Columns(random_batch()), 10_000, CPU)
    backprop.loss_inputs(batch, torch.ones(len(batch.rows)))
    assert len(entered) == 2  # the policy and the reference


def test_the_temperature_is_that_of_the_scores(lm, random_batch):
    model = lm()
    (batch,) = microbatches(Columns(random_batch(((3, 2),))), 100, CPU)
    logits = model(batch.token_ids).logits[0, 2:4] / 0.7
    expected = torch.log_softmax(logits, -1).gather(-1, batch.token_ids[0, 3:, None]).squeeze(-1)
    found = module(model, temperature=0.7).score(batch).logprob
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


def test_dropout_is_off_in_training_mode_too():
    shape = {"vocab_size": 32, "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 16}
    model = GPT2LMHeadModel(GPT2Config(**shape)).train()
    module(model)
    ids = torch.arange(8)[None]
    assert model.training
    assert torch.equal(model(ids).logits, model(ids).logits)


def test_the_policy_is_no_reference_of_itself(model):
    with pytest.raises(ValueError, match="ref_model is the policy itself"):
        module(model, model)
    assert all(weight.requires_grad for weight in model.parameters())


def test_an_optimizer_of_another_model_is_refused(lm):
    with pytest.raises(ValueError, match="the optimizer holds no weight of the model"):
        BackpropModule(lm(), None, torch.optim.SGD(lm().parameters(), lr=1.0))


def test_an_average_in_half_precision_is_refused(lm):
    backprop = module(lm(dtype=torch.bfloat16), lm(seed=1, dtype=torch.bfloat16), ref_update_method="ema")
    with pytest.raises(ValueError, match="keep the reference in float32"):
        backprop.update_ref_model()
    backprop.update_ref_model("copy")


def test_a_reference_in_float32_follows_a_policy_in_half_precision(lm):
    policy, reference = lm(dtype=torch.bfloat16), lm(seed=1, dtype=torch.float32)
    before = weights(reference)
    module(policy, reference, ref_update_method="ema", ema_alpha=0.99).update_ref_model()
    for name, weight in reference.state_dict().items():
        torch.testing.assert_close(weight, 0.99 * before[name] + 0.01 * policy.state_dict()[name].float())
