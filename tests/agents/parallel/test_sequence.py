"""A model whose sequences lie on several ranks computes what it computes alone."""

import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    GemmaConfig,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
)

sys.path.insert(0, str(Path(__file__).parent))
from gloo import run

from infinite_rl.agents.parallel.sequence import enable_ring, sequence_parallel
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
    "gemma": GemmaConfig(**SHAPE),
}
ROWS = [[64], [16, 40, 8]]


def make(family):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(FAMILIES[family], attn_implementation="sdpa").double()
    for module in model.modules():
        if "RMSNorm" in type(module).__name__:  # they round to float32, whatever the weights are
            module.forward = partial(exact_norm, module, float(family == "gemma"))
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


def test_windows_and_capped_products_are_refused_in_one_line():
    for config in (MistralConfig(**SHAPE, sliding_window=16), Gemma2Config(**SHAPE)):
        with pytest.raises(ValueError, match=r"parallel\.sp and parallel\.tp"):
            enable_ring(AutoModelForCausalLM.from_config(config))
