"""A tiny language model and its tokenizer, made on the spot: enough to learn arithmetic on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from omegaconf import OmegaConf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from ..config import TinyConfig

CONFIG_DIR = Path(__file__).resolve().parents[2] / "config"
CHARACTERS = [chr(code) for code in range(32, 127)] + ["\n"]
SPECIAL = ["<pad>", "<bos>", "<eos>", "<unk>"]
# Contents follow each other as they stand; an assistant's turn ends with the end token.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
)


def make_tokenizer(phrases: Sequence[str] = ()) -> PreTrainedTokenizerFast:
    """A tokenizer with one token a character; ``<answer>``, ``</answer>`` and ``phrases`` are single tokens."""
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *CHARACTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    whole = dict.fromkeys(["<answer>", "</answer>", *phrases])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in whole])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def make_model(tokenizer: PreTrainedTokenizerFast, shape: TinyConfig, *, seed: int) -> Qwen2ForCausalLM:
    """A Qwen2 of the given shape with random weights, the same for the same seed."""
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        intermediate_size=shape.mlp_size,
        max_position_embeddings=shape.max_positions,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Qwen2ForCausalLM(config)


def make_tiny(*, seed: int = 0, max_positions: int = 4096) -> tuple[Qwen2ForCausalLM, PreTrainedTokenizerFast]:
    """The model of ``config/model/tiny.yaml`` with random weights, and its tokenizer: to try things with.

    Args:
        seed: of the weights.
        max_positions: tokens that prompt and response may have together; a token is a character.
    """
    values = OmegaConf.load(CONFIG_DIR / "model" / "tiny.yaml").model.tiny
    shape = TinyConfig(**{**values, "max_positions": max_positions})
    tokenizer = make_tokenizer()
    return make_model(tokenizer, shape, seed=seed), tokenizer
