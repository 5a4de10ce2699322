"""What is kept of sampled tokens: text that adds up, and no more of it than is agreed."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from infinite_rl.agents.runs import samples
from infinite_rl.agents.runs.samples import pieces, sample_row


@pytest.fixture(scope="module")
def by_bytes():
    """A token a byte, as in the tail of every byte-level vocabulary."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


@pytest.fixture(scope="module")
def by_words():
    """Tokens that are written without their space where a text begins, as those of SentencePiece are."""
    tokenizer = Tokenizer(models.WordLevel({"▁one": 0, "▁two": 1, "s": 2, "?": 3}, unk_token="?"))
    tokenizer.decoder = decoders.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False)


@pytest.mark.parametrize("text", ["plain", "añé €", "🦜🦜 x", "中文", ""])
def test_texts_of_tokens_add_up_and_no_character_is_torn(by_bytes, text):
    ids = by_bytes.encode(text)
    found = pieces(by_bytes, ids)
    assert len(found) == len(ids)
    assert "".join(found) == text
    assert "\ufffd" not in "".join(found)


def test_bytes_that_are_no_character_are_told_and_hold_nothing_up(by_bytes):
    found = pieces(by_bytes, [by_bytes.encode("é")[0]] * 9)
    assert len(found) == 9
    assert "".join(found) == "\ufffd" * 9


def test_spaces_between_words_stay(by_words):
    assert pieces(by_words, [0, 1, 2, 1]) == ["one", " two", "s", " two"]


def test_no_more_tokens_are_kept_than_agreed(make_trajectory, tokenizer, monkeypatch):
    monkeypatch.setattr(samples, "MOST_TOKENS", 3)
    tokens = sample_row(make_trajectory([5], [6, 7, 8, 9]), tokenizer)["tokens"]
    assert [len(tokens[name]) for name in ("texts", "logprobs", "turns")] == [3, 3, 3]
    assert tokens["left"] is True
