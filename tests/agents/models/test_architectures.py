"""Models of many architectures: what the sampler says of its tokens is what the trainer finds."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from infinite_rl.agents.inference.decoding import sample_tokens
from infinite_rl.agents.models.policy import load_policy
from infinite_rl.agents.updates.scoring import token_scores

from .conftest import ARCHITECTURES

TEMPERATURE = 0.7
WITH_EXPERTS = ("mixtral", "qwen2_moe", "qwen3_moe")


def sample(model, prompts, **options):
    return sample_tokens(
        model,
        prompts,
        range(len(prompts)),
        max_new_tokens=12,
        temperature=TEMPERATURE,
        end_ids=[0],
        pad_id=0,
        **options,
    )


def padded(prompts, samples, side):
    """Ids, attention and action masks, and the sampler's log-probs, with three places of padding too many."""
    rows = [prompt + sample.token_ids.tolist() for prompt, sample in zip(prompts, samples, strict=True)]
    shape = len(rows), max(map(len, rows)) + 3
    ids, attended = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    scored, logprobs = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape)
    for i, (prompt, found, row) in enumerate(zip(prompts, samples, rows, strict=True)):
        start = 0 if side == "right" else shape[1] - len(row)
        ids[i, start : start + len(row)] = torch.tensor(row)
        attended[i, start : start + len(row)] = 1
        scored[i, start + len(prompt) : start + len(row)] = True
        logprobs[i, start + len(prompt) : start + len(row)] = found.logprobs
    return ids, attended, scored, logprobs


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_rows_may_come_and_go(architecture, prompts, name):
    model = architecture(name)
    prompts = [*prompts, prompts[1], prompts[0]]
    for one, other in zip(sample(model, prompts), sample(model, prompts, rows_at_once=2), strict=True):
        assert one.token_ids.tolist() == other.token_ids.tolist()
        torch.testing.assert_close(one.logprobs, other.logprobs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_sampler_and_trainer_agree_on_every_log_prob(architecture, prompts, name, side):
    model = architecture(name)
    ids, attended, scored, logprobs = padded(prompts, sample(model, prompts), side)
    found = token_scores(model, ids, attended, scored, temperature=TEMPERATURE).logprob.detach()
    assert scored.sum() > 20
    torch.testing.assert_close(found, logprobs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_weight_gets_a_gradient(architecture, prompts, name):
    model = architecture(name).train()
    ids, attended, scored, _ = padded(prompts, sample(model, prompts), "right")
    token_scores(model, ids, attended, scored, temperature=1.0).logprob.sum().backward()
    assert not [n for n, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_loaded_model_computes_what_plain_attention_computes(saved, prompts, name):
    """Fused kernels leave out the cap on attention scores: sampler and trainer would agree, and both be wrong."""
    folder = saved(name)
    model, _ = load_policy(str(folder))
    plain = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    ids = torch.tensor([prompts[1]])
    torch.testing.assert_close(model(ids).logits, plain(ids).logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gemma2", lambda raw: 3 * torch.tanh(raw / 3)),
        ("gemma3", lambda raw: 3 * torch.tanh(raw / 3)),
        ("cohere", lambda raw: raw * 0.3),
        ("granite", lambda raw: raw / 3),
    ],
)
def test_logits_are_capped_and_scaled_as_the_configuration_says(architecture, prompts, name, expected):
    model = architecture(name)
    ids = torch.tensor([prompts[1]])
    raw = model.get_output_embeddings()(model.base_model(ids).last_hidden_state)
    torch.testing.assert_close(model(ids).logits, expected(raw))
    assert not torch.allclose(raw, expected(raw), atol=1e-2)


@pytest.mark.parametrize("name", WITH_EXPERTS)
def test_the_loss_that_balances_experts_is_off(architecture, prompts, name):
    """It would pull the router away from what the policy was when it sampled; rewards alone move it."""
    model = architecture(name)
    out = model(torch.tensor([prompts[1]]))
    assert getattr(out, "aux_loss", None) is None
    assert not model.config.output_router_logits


@pytest.mark.parametrize("name", ["llama", "gemma2", "qwen3_moe"])
def test_checkpointed_activations_give_the_same_gradients(architecture, prompts, name):
    gradients = []
    for checkpointing in (False, True):
        model = architecture(name).train()
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        ids, attended, scored, _ = padded(prompts, sample(architecture(name), prompts), "right")
        token_scores(model, ids, attended, scored, temperature=1.0).logprob.sum().backward()
        gradients.append([weight.grad for weight in model.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
