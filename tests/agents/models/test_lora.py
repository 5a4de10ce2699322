"""Adapters: they alone are trained, they begin without effect, and the model without them is the reference."""

import sys
from dataclasses import replace
from functools import partial

import pytest
import torch
from transformers import AutoModelForCausalLM

from infinite_rl.agents.config import ConfigError, LoraConfig, ModelConfig
from infinite_rl.agents.models.critic import make_critic
from infinite_rl.agents.models.lora import WithoutAdapters, has_adapters, merged
from infinite_rl.agents.models.policy import make_policy

pytest.importorskip("peft")
CPU = torch.device("cpu")
LORA = LoraConfig(r=4, alpha=8, target_modules=None)


@pytest.fixture
def config(saved):
    def make(name="llama", **changes):
        given = ModelConfig(
            name=str(saved(name)),
            dtype="float32",
            weights="float32",
            gradient_checkpointing=False,
            compile=False,
            liger=False,
            lora=LORA,
            tiny=None,
            warm_start=None,
        )
        return replace(given, **changes)

    return make


@pytest.fixture
def adapted(config):
    return make_policy(config(), CPU, seed=0)[0]


def randomise(model):
    """Adapters as training leaves them: with an effect."""
    random = torch.Generator().manual_seed(0)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3, generator=random)


def logits(model, prompts):
    with torch.no_grad():
        return model(torch.tensor([prompts[1]])).logits


def test_adapters_alone_are_trained_and_begin_without_effect(adapted, saved, prompts):
    trained = [name for name, weight in adapted.named_parameters() if weight.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)
    assert not any("lm_head" in name for name in trained)
    plain = AutoModelForCausalLM.from_pretrained(saved("llama"))
    assert torch.equal(logits(adapted, prompts), logits(plain, prompts))


def test_they_are_a_function_of_the_seed(config):
    one, same, other = (dict(make_policy(config(), CPU, seed=seed)[0].named_parameters()) for seed in (0, 0, 1))
    names = [name for name in one if "lora_A" in name]
    assert all(torch.equal(one[name], same[name]) for name in names)
    assert not any(torch.equal(one[name], other[name]) for name in names)


def test_only_the_layers_that_are_named_get_one(config):
    model, _ = make_policy(config(lora=replace(LORA, target_modules=["q_proj"])), CPU, seed=0)
    assert all("q_proj" in name for name, weight in model.named_parameters() if weight.requires_grad)


def test_the_reference_is_the_model_without_them_and_shares_its_weights(adapted, saved, prompts):
    randomise(adapted)
    reference = WithoutAdapters(adapted).eval().requires_grad_(False)
    plain = AutoModelForCausalLM.from_pretrained(saved("llama"))
    before = logits(adapted, prompts)
    assert torch.equal(logits(reference, prompts), logits(plain, prompts))
    assert not torch.equal(before, logits(plain, prompts))
    # Scoring with the reference, or freezing it, leaves the policy as it was.
    assert torch.equal(logits(adapted, prompts), before)
    assert any(weight.requires_grad for weight in adapted.parameters())
    assert not list(reference.parameters())


def test_the_reference_in_the_middle_of_an_update_changes_no_gradient(adapted, prompts):
    gradients = []
    for with_reference in (False, True):
        adapted.zero_grad()
        loss = adapted(torch.tensor([prompts[1]])).logits.square().mean()
        if with_reference:
            logits(WithoutAdapters(adapted), prompts)
        loss.backward()
        gradients.append([weight.grad.clone() for weight in adapted.parameters() if weight.grad is not None])
    assert gradients[0]
    for one, other in zip(*gradients, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("weights", ["float32", "bfloat16"])
def test_a_checkpoint_holds_adapters_alone_and_comes_back(config, tmp_path, prompts, weights):
    config = partial(config, weights=weights)
    adapted, _ = make_policy(config(), CPU, seed=0)
    randomise(adapted)
    adapted.save_pretrained(tmp_path / "checkpoint")
    assert {path.name for path in (tmp_path / "checkpoint").glob("*.safetensors")} == {"adapter_model.safetensors"}
    again, _ = make_policy(config(), CPU, seed=5, folder=tmp_path / "checkpoint")
    assert torch.equal(logits(again, prompts), logits(adapted, prompts))
    trained = [name for name, weight in again.named_parameters() if weight.requires_grad]
    assert trained == [name for name, weight in adapted.named_parameters() if weight.requires_grad]
    assert again.training


@pytest.mark.parametrize("resumed", [False, True])
def test_merged_weights_say_the_same_without_peft(adapted, config, tmp_path, prompts, resumed):
    randomise(adapted)
    if resumed:
        adapted.save_pretrained(tmp_path / "checkpoint")
        adapted, _ = make_policy(config(), CPU, seed=5, folder=tmp_path / "checkpoint")
    before = logits(adapted, prompts)
    merged(adapted).save_pretrained(tmp_path / "merged")
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert not has_adapters(plain)
    assert not any("lora" in name for name in plain.state_dict())
    torch.testing.assert_close(logits(plain, prompts), before, atol=1e-4, rtol=1e-4)
    assert has_adapters(adapted)
    assert torch.equal(logits(adapted, prompts), before)


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "mixtral", "qwen3_moe"])
def test_other_architectures_take_adapters_too(config, prompts, name):
    model, _ = make_policy(config(name), CPU, seed=0)
    model(torch.tensor([prompts[1]])).logits.square().mean().backward()
    assert all(weight.grad is not None for weight in model.parameters() if weight.requires_grad)


def test_a_frozen_model_may_be_kept_in_half_precision(config):
    model, _ = make_policy(config(weights="bfloat16"), CPU, seed=0)
    kept = {weight.requires_grad: weight.dtype for weight in model.parameters()}
    assert kept == {True: torch.float32, False: torch.bfloat16}
    ids = torch.arange(1, 9)[None]
    model(ids).logits.float().square().mean().backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters() if weight.requires_grad)


def test_checkpointed_activations_give_the_adapters_the_same_gradients(config, prompts):
    gradients = []
    for checkpointing in (False, True):
        model, _ = make_policy(config(gradient_checkpointing=checkpointing), CPU, seed=0)
        randomise(model)
        model(torch.tensor([prompts[1]])).logits.square().mean().backward()
        gradients.append([weight.grad for weight in model.parameters() if weight.requires_grad])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_a_critic_of_an_adapted_policy_trains_adapters_of_its_own(adapted):
    critic = make_critic(adapted)
    trained = [weight for name, weight in critic.named_parameters() if weight.requires_grad and "head" not in name]
    assert trained
    assert not {w.data_ptr() for w in trained} & {w.data_ptr() for w in adapted.parameters()}


def test_adapters_of_another_shape_are_refused(adapted, config, tmp_path):
    adapted.save_pretrained(tmp_path / "checkpoint")
    for other in (replace(LORA, r=2), replace(LORA, target_modules=["q_proj"])):
        with pytest.raises(ConfigError, match=r"model\.lora: "):
            make_policy(config(lora=other), CPU, seed=0, folder=tmp_path / "checkpoint")


def test_what_cannot_be_adapted_is_one_clear_line(config):
    with pytest.raises(ConfigError, match=r"model\.lora: .*nowhere") as error:
        make_policy(config(lora=replace(LORA, target_modules=["nowhere"])), CPU, seed=0)
    assert "\n" not in str(error.value)
    assert "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj" in str(error.value)
    with pytest.raises(ConfigError, match=r"set model\.name"):
        make_policy(replace(config(), name=None), CPU, seed=0)


def test_without_peft_one_line_says_what_to_install(config, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ConfigError, match=r"model\.lora needs peft: pip install -c constraints\.txt -e '\.\[lora\]'"):
        make_policy(config(), CPU, seed=0)
