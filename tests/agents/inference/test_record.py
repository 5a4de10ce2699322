"""The record of an episode whose environment writes its own prompts."""

import pytest
import torch

from infinite_rl.agents.inference.record import EpisodeRecord
from infinite_rl.agents.inference.sampling import Sample

END = 99


def encode(text):
    return [1, *encode_rest(text)]  # a start token


def encode_rest(text):
    return [ord(letter) for letter in text]


@pytest.fixture
def record():
    return EpisodeRecord(encode, encode_rest, {END: "<end>"})


def say(record, prompt, text, ids=None, *, ended=False):
    """Lets the policy continue ``prompt``; its tokens need not be those that a tokenizer would give the text."""
    prompt_ids = record.prompt_ids(prompt)
    tokens = [*(ids or encode_rest(text)), *([END] if ended else [])]
    sample = Sample(torch.tensor(tokens), -torch.arange(1.0, len(tokens) + 1), truncated=not ended)
    record.add(prompt, prompt_ids, sample, text, version=4)
    return prompt_ids


def test_a_call_is_a_segment(record):
    say(record, "ab", "cd", ended=True)
    (segment,) = record.segments
    assert segment.token_ids == [1, 97, 98, 99, 100, END]
    assert segment.turns == [-1, -1, -1, 0, 0, 0]
    assert segment.logprobs == [0, 0, 0, -1, -2, -3]
    assert segment.versions == [-1, -1, -1, 4, 4, 4]


def test_a_prompt_that_goes_on_extends_the_segment_with_the_tokens_that_were_sampled(record):
    say(record, "ab", "cd", [7])  # one token, where the tokenizer would make two
    assert say(record, "abcd?", "e") == [1, 97, 98, 7, ord("?")]
    (segment,) = record.segments
    assert segment.token_ids == [1, 97, 98, 7, ord("?"), ord("e")]
    assert segment.turns == [-1, -1, -1, 0, -1, 1]


def test_an_end_token_stays_where_the_author_writes_it(record):
    say(record, "ab", "cd", ended=True)
    say(record, "abcd<end>e", "f")
    assert [segment.token_ids for segment in record.segments] == [[1, 97, 98, 99, 100, END, 101, 102]]


def test_an_end_token_that_the_author_leaves_out_begins_another_segment(record):
    say(record, "ab", "cd", [7], ended=True)
    say(record, "abcde", "f")
    assert [segment.token_ids for segment in record.segments] == [[1, 97, 98, 7, END], [1, 97, 98, 7, 101, 102]]
    assert record.segments[1].turns == [-1, -1, -1, -1, -1, 1]  # trained once, where they were sampled


def test_a_changed_text_begins_another_segment(record):
    say(record, "ab", "cd ")
    say(record, "abcd", "e")
    assert [segment.token_ids for segment in record.segments][1] == [1, 97, 98, 99, 100, 101]


def test_two_continuations_of_one_text_are_two_segments_and_either_may_go_on(record):
    say(record, "a", "b", [7])
    say(record, "a", "c", [8])
    assert say(record, "ab!", "x") == [1, 97, 7, ord("!")]
    assert say(record, "ac!", "y") == [1, 97, 8, ord("!")]
    assert say(record, "ab?", "z") == [1, 97, 7, ord("?")]
    assert [segment.token_ids[2] for segment in record.segments] == [7, 8, 7]
    assert [max(segment.turns) for segment in record.segments] == [2, 3, 4]


def test_an_empty_response_continues_its_prompt(record):
    say(record, "a", "", ended=True)
    assert say(record, "ab", "c") == [1, 97, 98]
    assert len(record.segments) == 2
