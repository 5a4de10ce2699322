"""The decoding loop: rows share prompts, leave and come, and none of that shows in what they say."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from infinite_rl.agents.inference import decoding
from infinite_rl.agents.inference.decoding import sample_tokens
from infinite_rl.agents.inference.sampling import stream_key
from infinite_rl.agents.updates.scoring import token_scores

END = 31
PROMPTS = [[1, 2, 3], [4], [1, 2, 3], [5] * 11, [6, 7], [1, 2, 3], [4], [8] * 5, [9, 10], [5] * 11]
LIMITS = [9, 2, 30, 12, 1, 5, 20, 7, 16, 3]


def sample(model, prompts=PROMPTS, limits=LIMITS, **options):
    keys = [stream_key("decoding", i) for i in range(len(prompts))]
    arguments = {"max_new_tokens": limits, "temperature": 0.9, "end_ids": [END], "pad_id": 0}
    return sample_tokens(model, prompts, keys, **arguments | options)


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.token_ids.tolist() == other.token_ids.tolist()
        assert one.truncated == other.truncated
        torch.testing.assert_close(one.logprobs, other.logprobs, rtol=1e-5, atol=1e-6)


@pytest.fixture
def shapes(monkeypatch):
    """Notes the shape of the input of every forward pass of a model."""

    def watch(model):
        found, forward = [], model.forward

        def noted(input_ids, **others):
            found.append(tuple(input_ids.shape))
            return forward(input_ids=input_ids, **others)

        monkeypatch.setattr(model, "forward", noted)
        return found

    return watch


@pytest.mark.parametrize("kind", ["qwen2", "llama", "gpt2"])
@pytest.mark.parametrize("rows_at_once", [1, 2, 3, 7, 100])
def test_what_a_row_says_depends_on_no_other(lm, kind, rows_at_once):
    model = lm(kind)
    alone = [
        sample_tokens(model, [prompt], [stream_key("decoding", i)], max_new_tokens=limit, temperature=0.9,
                      end_ids=[END], pad_id=0)[0]
        for i, (prompt, limit) in enumerate(zip(PROMPTS, LIMITS, strict=True))
    ]  # fmt: skip
    assert len({len(row.token_ids) for row in alone}) > 4
    assert_same(sample(model, rows_at_once=rows_at_once), alone)


def test_the_cache_grows_past_its_first_block(lm):
    """What the cache gave, over memory that was taken several times, is what a pass without one gives."""
    model = lm()
    prompt = [3, 1, 4]
    (found,) = sample(model, [prompt], [60], end_ids=[99])
    ids = torch.tensor([[*prompt, *found.token_ids.tolist()]])
    scored = torch.arange(ids.shape[1])[None] >= len(prompt)
    scores = token_scores(model, ids, torch.ones_like(ids), scored, temperature=0.9)
    torch.testing.assert_close(scores.logprob[0, len(prompt) :].float(), found.logprobs, rtol=1e-5, atol=1e-5)


def test_a_prompt_is_read_once_for_all_members_of_its_group(lm, shapes):
    model = lm()
    seen = shapes(model)
    sample(model, [[1, 2, 3]] * 8 + [[4, 5, 6]] * 8, 4, end_ids=[99])
    assert seen == [(2, 3), (16, 1), (16, 1), (16, 1)]


def test_members_of_a_group_are_found_wherever_they_stand(lm, shapes):
    model = lm()
    seen = shapes(model)
    prompts = [[1, 2], [3, 4], [1, 2], [3, 4]]
    found = sample(model, prompts, 3, end_ids=[99])
    assert seen[0] == (2, 2)
    assert_same(found, sample(model, prompts, 3, end_ids=[99], rows_at_once=1))


def test_rows_that_have_ended_leave_the_batch(lm, shapes):
    model = lm()
    seen = shapes(model)
    sample(model, [[n] for n in range(1, 9)], [1, 2, 2, 2, 4, 4, 12, 12], end_ids=[99])
    rows = [shape[0] for shape in seen]
    assert rows[0] == 8
    assert rows[-1] == 2
    assert sum(rows) < 8 * 12 / 2
    assert rows == sorted(rows, reverse=True)


def test_waiting_rows_take_the_places_of_those_that_have_ended(lm, shapes):
    model = lm()
    seen = shapes(model)
    sample(model, [[n, n] for n in range(1, 11)], [2, 2, 20, 2, 2, 2, 2, 2, 2, 2], end_ids=[99], rows_at_once=4)
    assert max(rows for rows, _ in seen) == 4
    # The long row takes 19 passes after its prompt, and all the others fit in beside it.
    assert len([rows for rows, width in seen if width == 1]) == 19


def test_prompts_of_very_different_lengths_are_not_padded_to_the_longest(lm, shapes, monkeypatch):
    monkeypatch.setattr(decoding, "PREFILL_TOKENS", 40)
    model = lm()
    seen = shapes(model)
    sample(model, [[1] * 40, *([n] * 3 for n in range(2, 12))], 1, end_ids=[99])
    assert seen == [(1, 40), (10, 3)]


def test_a_model_whose_cache_cannot_be_moved_is_decoded_as_it_stands(lm, shapes, monkeypatch):
    """Recurrent states have no places: rows share nothing and stay to the end."""
    model = lm()
    expected = sample(model)
    new_cache = decoding.new_cache
    monkeypatch.setattr(decoding, "new_cache", lambda model: (new_cache(model)[0], False))
    seen = shapes(model)
    assert_same(sample(model), expected)
    assert {shape[0] for shape in seen} == {len(PROMPTS)}
    assert len(seen) <= max(LIMITS)


def test_no_row_is_no_work(lm):
    assert sample(lm(), [], []) == []


def test_broken_weights_are_told(lm):
    model = lm()
    model.lm_head.weight.data[3] = torch.nan
    with pytest.raises(ValueError, match="logits are not finite"):
        sample(model)


def test_learnt_positions_are_never_passed(lm):
    """Rows that have ended wait beside longer ones without going on."""
    config = GPT2Config(vocab_size=32, n_positions=24, n_embd=16, n_layer=2, n_head=2)
    model = GPT2LMHeadModel(config).eval()
    found = sample(model, [[1] * 22, [2] * 2, [3] * 21], [2, 22, 3], end_ids=[99], rows_at_once=2)
    assert [len(row.token_ids) for row in found] == [2, 22, 3]
