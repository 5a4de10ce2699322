"""Tiny models of many architectures, and conversations with them."""

from copy import deepcopy

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    CohereConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    GPT2Config,
    GraniteConfig,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    Qwen2MoeConfig,
    Qwen3Config,
    Qwen3MoeConfig,
)

VOCABULARY = 32
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 64,
}
ENDS = {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
WINDOW = {"head_dim": 8, "sliding_window": 6, "query_pre_attn_scalar": 8}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
# What is particular: tied heads, windows shorter than the texts, scaled and capped logits, experts.
ARCHITECTURES = {
    "gpt2": GPT2Config(vocab_size=VOCABULARY, n_positions=64, n_embd=16, n_layer=2, n_head=2, **ENDS),
    "llama": LlamaConfig(**SHAPE, **ENDS),
    "mistral": MistralConfig(**SHAPE, **ENDS, sliding_window=6),
    "qwen3": Qwen3Config(**SHAPE, **ENDS, head_dim=8),
    "gemma": GemmaConfig(**SHAPE, **ENDS, head_dim=8),
    "gemma2": Gemma2Config(**SHAPE, **ENDS, **WINDOW, attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
    "gemma3": Gemma3TextConfig(**SHAPE, **ENDS, **WINDOW, final_logit_softcapping=3.0),
    "cohere": CohereConfig(**SHAPE, **ENDS, logit_scale=0.3),
    "granite": GraniteConfig(**SHAPE, **ENDS, logits_scaling=3.0, attention_multiplier=0.3),
    "mixtral": MixtralConfig(**SHAPE, **ENDS, num_local_experts=4, num_experts_per_tok=2),
    "qwen2_moe": Qwen2MoeConfig(**SHAPE, **ENDS, **EXPERTS, shared_expert_intermediate_size=16),
    "qwen3_moe": Qwen3MoeConfig(**SHAPE, **ENDS, **EXPERTS, head_dim=8, decoder_sparse_step=1),
}


@pytest.fixture
def architecture():
    """Makes a tiny model of a named architecture with random weights, large enough to prefer some tokens."""

    def make(name, *, seed=0, **options):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # A copy: models write into their configurations.
            model = AutoModelForCausalLM.from_config(deepcopy(ARCHITECTURES[name]), **options)
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.mul_(8.0)
        return model.eval()

    return make


@pytest.fixture
def prompts():
    """Prompts of uneven lengths, some longer than the windows."""
    random = torch.Generator().manual_seed(1)
    return [torch.randint(1, VOCABULARY, (n,), generator=random).tolist() for n in (3, 12, 7, 1)]


@pytest.fixture
def saved(architecture, tokenizer, tmp_path):
    """The folder of a model of an architecture, with a tokenizer beside it."""

    def make(name):
        architecture(name).save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
        return tmp_path / name

    return make
