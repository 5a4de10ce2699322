"""A model whose sequences lie on several ranks computes what it computes alone."""

import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from transformers import (
    AttentionInterface,
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
)

sys.path.insert(0, str(Path(__file__).parent))
from by_definition import attention
from gloo import run

from infinite_rl.agents.parallel.sequence import attend, enable_ring, sequence_parallel
from infinite_rl.agents.parallel.zigzag import shard, unshard

SHAPE = {
    "vocab_size": 32,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "head_dim": 8,
    "max_position_embeddings": 128,
}
FAMILIES = {
    "llama": LlamaConfig(**SHAPE),
    "qwen2": Qwen2Config(**SHAPE, tie_word_embeddings=True),
    "qwen3": Qwen3Config(**SHAPE),
    "mistral": MistralConfig(**SHAPE, sliding_window=None),
    "mistral with windows": MistralConfig(**SHAPE, sliding_window=11),
    "qwen2 with windows": Qwen2Config(**SHAPE, use_sliding_window=True, sliding_window=20, max_window_layers=1),
    "gemma": GemmaConfig(**SHAPE),
    "gemma2": Gemma2Config(**SHAPE, query_pre_attn_scalar=8, sliding_window=7, attn_logit_softcapping=0.5),
    "gemma3": Gemma3TextConfig(**SHAPE, query_pre_attn_scalar=8, sliding_window=7, sliding_window_pattern=2),
}
ROWS = [[64], [16, 40, 8]]


def by_definition(module, query, key, value, mask, sliding_window=None, softcap=None, **others):
    return attention(query, key, value, sliding_window, softcap).transpose(1, 2), None


AttentionInterface.register("by_definition", by_definition)


def make(family):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(FAMILIES[family], attn_implementation="sdpa").double()
    if family == "gemma2":  # SDPA knows no capped products, and transformers' own attention rounds to float32
        model.set_attn_implementation("by_definition")
    for module in model.modules():
        if "RMSNorm" in type(module).__name__:  # they round to float32, whatever the weights are
            module.forward = partial(exact_norm, module, float("gemma" in family))
    return model


def exact_norm(module, offset, states):
    scale = (states.pow(2).mean(-1, keepdim=True) + getattr(module, "variance_epsilon", 1e-6)).rsqrt()
    return states * scale * (module.weight + offset)


def row(lengths):
    generator = torch.Generator().manual_seed(len(lengths))
    ids = torch.randint(32, (1, sum(lengths)), generator=generator)
    return ids, torch.rand(1, sum(lengths), generator=generator, dtype=torch.float64)


def loss_of(logits, ids, weights):
    return -(logits.log_softmax(-1).gather(-1, ids[..., None])[..., 0] * weights).sum()


def alone(family, lengths):
    """Logits, loss and gradients, sequence by sequence."""
    model = make(family)
    ids, weights = row(lengths)
    found, start = [], 0
    for length in lengths:
        found.append(model(input_ids=ids[:, start : start + length], use_cache=False).logits)
        start += length
    logits = torch.cat(found, 1)
    loss = loss_of(logits, ids, weights)
    loss.backward()
    return logits.detach(), loss.item(), {name: p.grad for name, p in model.named_parameters()}


def on_a_rank():
    """Of each family and row: the rank's logits, the whole loss, and the gradients summed over the ranks."""
    group, found = dist.group.WORLD, {}
    rank, ranks = dist.get_rank(), dist.get_world_size()
    for family in FAMILIES:
        for lengths in ROWS:
            model = make(family)
            enable_ring(model)
            if family == "qwen3":
                model.train()
                model.gradient_checkpointing_enable({"use_reentrant": False})
            ids, weights = (shard(part, lengths, rank, ranks) for part in row(lengths))
            logits = model(input_ids=ids, **sequence_parallel(lengths, group)).logits
            loss = loss_of(logits, ids, weights)
            loss.backward()
            gradients = {name: p.grad for name, p in model.named_parameters()}
            loss = loss.detach()
            for part in (loss, *gradients.values()):
                dist.all_reduce(part)
            found[family, len(lengths)] = logits.detach(), loss.item(), gradients if rank == 0 else {}
    return found


@pytest.fixture(
    scope="module", params=[pytest.param(2, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)]
)
def computed(request):
    return run(__file__, "on_a_rank", request.param)


@pytest.mark.parametrize("lengths", ROWS, ids=["one", "packed"])
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_loss_and_gradients_equal_those_of_one_process(family, lengths, computed):
    logits, loss, gradients = alone(family, lengths)
    found = [of_rank[family, len(lengths)] for of_rank in computed]
    torch.testing.assert_close(unshard([part for part, _, _ in found], lengths, 1), logits, rtol=1e-11, atol=1e-11)
    assert found[0][1] == pytest.approx(loss, rel=1e-12)
    for name, gradient in gradients.items():
        torch.testing.assert_close(found[0][2][name], gradient, rtol=1e-10, atol=1e-11, msg=name)


def test_chunked_attention_is_refused_in_one_line():
    config = LlamaConfig(**SHAPE, layer_types=["full_attention", "chunked_attention"])
    with pytest.raises(ValueError, match="a window, not chunked_attention"):
        enable_ring(AutoModelForCausalLM.from_config(config))


def test_a_layer_that_does_not_tell_its_window_is_refused():
    layer = torch.nn.Module()
    layer.config, layer.layer_idx = FAMILIES["gemma3"], 0
    assert layer.config.layer_types[0] == "sliding_attention"
    state = torch.zeros(1, 2, 4, 8)
    with pytest.raises(ValueError, match="how far its window reaches"):
        attend(layer, state, state, state, None, ring_lengths=[4])
