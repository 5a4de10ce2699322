"""The decoding loop: the distribution, the end of rows, and independence of the batch."""

from itertools import pairwise
from math import sqrt

import pytest
import torch

from infinite_rl.agents.inference.decoding import sample_tokens
from infinite_rl.agents.inference.sampling import TokenFilter, stream_key
from infinite_rl.agents.updates.scoring import token_scores

END = 31


def sample(
    model, prompts, *, keys=None, max_new_tokens=5, temperature=1.0, end_ids=(END,), pad_id=0, token_filter=None
):
    keys = [stream_key("test", i) for i in range(len(prompts))] if keys is None else keys
    return sample_tokens(
        model,
        prompts,
        keys,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        end_ids=list(end_ids),
        pad_id=pad_id,
        token_filter=token_filter,
    )


def random_table(seed=0, spread=1.5):
    return spread * torch.randn(32, 32, generator=torch.Generator().manual_seed(seed))


def assert_drawn_from(counts, probability):
    """Pearson's chi-square over the tokens that can occur, within five standard deviations."""
    assert not counts[probability == 0].any()
    counts, expected = counts[probability > 0], probability[probability > 0] * counts.sum()
    freedom = len(counts) - 1
    assert float(((counts - expected) ** 2 / expected).sum()) < freedom + 5 * sqrt(2 * freedom)


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_tokens_are_drawn_from_the_softmax(table_model, temperature):
    table = random_table()
    found = sample(table_model(table), [[7]] * 20_000, max_new_tokens=1, temperature=temperature)
    counts = torch.bincount(torch.cat([row.token_ids for row in found]), minlength=32)
    assert_drawn_from(counts, torch.softmax(table[7].double() / temperature, 0))


def test_later_tokens_are_drawn_from_the_softmax_too(table_model):
    """Every transition of long rows, pooled by the token before."""
    table = random_table(1)
    found = sample(table_model(table), [[i % 32] for i in range(256)], max_new_tokens=100, end_ids=[99])
    pairs = torch.zeros(32, 32)
    for row in found:
        pairs.index_put_((row.token_ids[:-1], row.token_ids[1:]), torch.tensor(1.0), accumulate=True)
    probability = torch.softmax(table.double(), -1)
    expected = probability * pairs.sum(1, keepdim=True)
    enough = expected > 5
    statistic = float(((pairs - expected)[enough] ** 2 / expected[enough]).sum())
    freedom = int(enough.sum())
    assert abs(statistic - freedom) < 5 * sqrt(2 * freedom)


def test_a_real_model_samples_its_own_softmax_at_t_07(lm):
    model = lm("gpt2", dtype=torch.float32)
    found = sample(model, [[4, 9, 2]] * 8_000, max_new_tokens=1, temperature=0.7)
    counts = torch.bincount(torch.cat([row.token_ids for row in found]), minlength=32)
    logits = model(torch.tensor([[4, 9, 2]])).logits[0, -1].detach().double()
    assert_drawn_from(counts, torch.softmax(logits / 0.7, 0))


def test_a_token_of_probability_zero_is_never_drawn(table_model):
    table = random_table()
    ruled_out = [0, 1, 5, 6, 7, 30, 31]  # at both ends of the vocabulary and in a row
    table[:, ruled_out] = float("-inf")
    found = sample(table_model(table), [[2]] * 500, max_new_tokens=20, temperature=0.7)
    drawn = torch.cat([row.token_ids for row in found])
    assert not torch.isin(drawn, torch.tensor(ruled_out)).any()
    assert all(row.logprobs.isfinite().all() for row in found)


@pytest.mark.parametrize("noise", [0.0, 0.5, 1 - 2**-53])
@pytest.mark.parametrize("only", [0, 13, 31])
def test_a_certain_token_is_drawn_whatever_the_random_number(table_model, monkeypatch, noise, only):
    import numpy as np

    monkeypatch.setattr(
        "infinite_rl.agents.inference.decoding.uniforms", lambda keys, at, count: np.full((len(keys), count), noise)
    )
    table = torch.full((32, 32), float("-inf"))
    table[:, only] = 3.0
    (found,) = sample(table_model(table), [[4]], max_new_tokens=1)
    assert found.token_ids.tolist() == [only]
    assert found.logprobs.tolist() == [0.0]


def test_logits_of_minus_infinity_and_huge_ones_live_together(table_model):
    table = torch.full((32, 32), float("-inf"))
    table[:, 3] = 1e30
    table[:, 9] = 1e30
    found = sample(table_model(table), [[4]] * 200, max_new_tokens=1, temperature=0.01)
    assert {int(row.token_ids) for row in found} == {3, 9}


def test_temperature_zero_takes_the_likeliest_token_with_log_probs_at_one(table_model):
    table = random_table(2)
    (found,) = sample(table_model(table), [[3]], max_new_tokens=4, temperature=0, end_ids=[99])
    last = 3
    for token, logprob in zip(found.token_ids.tolist(), found.logprobs.tolist(), strict=True):
        assert token == int(table[last].argmax())
        assert logprob == pytest.approx(float(torch.log_softmax(table[last], 0)[token]))
        last = token


@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_log_probs_are_those_of_the_distribution_drawn_from(table_model, temperature):
    table = random_table(3)
    (found,) = sample(table_model(table), [[3]], max_new_tokens=20, temperature=temperature, end_ids=[99])
    path = [3, *found.token_ids.tolist()]
    logprob = torch.log_softmax(table / temperature, -1)
    expected = torch.stack([logprob[a, b] for a, b in pairwise(path)])
    torch.testing.assert_close(found.logprobs, expected)
    assert found.logprobs.dtype == torch.float32
    assert found.token_ids.dtype == torch.int64


@pytest.mark.parametrize("kind", ["qwen2", "llama", "gpt2"])
def test_sampled_log_probs_equal_the_recomputed_ones(lm, kind):
    """The sampler pads on the left and caches; the scorer pads on the right and does not."""
    model = lm(kind)
    prompts = [[1, 2, 3, 4, 5, 6, 7], [8], [9, 10, 11]]
    found = sample(model, prompts, max_new_tokens=12, temperature=0.7)
    width = max(len(p) + len(row.token_ids) for p, row in zip(prompts, found, strict=True))
    ids, mask, scored = (torch.zeros(3, width, dtype=t) for t in (torch.long, torch.long, torch.bool))
    for i, (prompt, row) in enumerate(zip(prompts, found, strict=True)):
        whole = [*prompt, *row.token_ids.tolist()]
        ids[i, : len(whole)] = torch.tensor(whole)
        mask[i, : len(whole)] = 1
        scored[i, len(prompt) : len(whole)] = True
    scores = token_scores(model, ids, mask, scored, temperature=0.7)
    for i, row in enumerate(found):
        torch.testing.assert_close(scores.logprob[i][scored[i]].float(), row.logprobs, rtol=1e-5, atol=1e-5)


def chain(*path):
    """A table in which each token of the path is certain after the one before."""
    table = torch.full((32, 32), -1e4)
    for a, b in pairwise(path):
        table[a, b] = 0.0
    return table


def test_an_end_token_ends_its_row_and_stays_in_it(table_model):
    table = torch.maximum(chain(1, 2, 3, END), chain(5, 6, END))
    model = table_model(table)
    long, short = sample(model, [[1], [5]], max_new_tokens=9)
    assert (long.token_ids.tolist(), long.truncated) == ([2, 3, END], False)
    assert (short.token_ids.tolist(), short.truncated) == ([6, END], False)
    assert len(long.logprobs) == 3
    assert len(short.logprobs) == 2
    assert model.calls == 3  # not one step more than the longest row needs


def test_any_of_several_end_tokens_ends_a_row(table_model):
    table = torch.maximum(chain(1, 2, 3, 4, 4), chain(5, 6, 7, 4))
    rows = sample(table_model(table), [[1], [5]], max_new_tokens=9, end_ids=[3, 7])
    assert [row.token_ids.tolist() for row in rows] == [[2, 3], [6, 7]]


def test_a_row_that_the_limit_cuts_is_truncated(table_model):
    table = torch.maximum(chain(1, 2, 2), chain(5, 6, END))
    cut, ended = sample(table_model(table), [[1], [5]], max_new_tokens=2)
    assert (cut.token_ids.tolist(), cut.truncated) == ([2, 2], True)
    assert (ended.token_ids.tolist(), ended.truncated) == ([6, END], False)  # at the limit, but by itself


def test_an_end_token_in_the_prompt_ends_nothing(table_model):
    (row,) = sample(table_model(chain(END, 3, 4, END)), [[END]], max_new_tokens=9)
    assert row.token_ids.tolist() == [3, 4, END]


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_the_token_limit_is_kept(lm, limit):
    for row in sample(lm(), [[1], [2, 3], [4, 5, 6]], max_new_tokens=limit, end_ids=[99]):
        assert len(row.token_ids) == len(row.logprobs) == limit
        assert row.truncated


@pytest.mark.parametrize("kind", ["qwen2", "gpt2"])
def test_a_row_depends_neither_on_its_batch_nor_on_its_place(lm, kind):
    model = lm(kind, dtype=torch.float32)
    random = torch.Generator().manual_seed(0)
    prompts = [torch.randint(0, 32, (1 + i % 9,), generator=random).tolist() for i in range(24)]
    keys = [stream_key("row", i) for i in range(24)]
    together = sample(model, prompts, keys=keys, max_new_tokens=10, temperature=0.9)
    backwards = sample(model, prompts[::-1], keys=keys[::-1], max_new_tokens=10, temperature=0.9)[::-1]
    alone = [sample(model, [p], keys=[k], max_new_tokens=10, temperature=0.9)[0] for p, k in zip(prompts, keys)]  # noqa: B905
    for others in (backwards, alone):
        for one, other in zip(together, others, strict=True):
            assert one.token_ids.tolist() == other.token_ids.tolist()
            assert one.truncated == other.truncated
            torch.testing.assert_close(one.logprobs, other.logprobs, rtol=1e-4, atol=1e-5)
    assert len({tuple(row.token_ids.tolist()) for row in together}) > 20


def test_a_longer_limit_only_adds_tokens(lm):
    model = lm()
    short = sample(model, [[1, 2], [3]], max_new_tokens=4, end_ids=[99])
    long = sample(model, [[1, 2], [3]], max_new_tokens=9, end_ids=[99])
    for a, b in zip(short, long, strict=True):
        assert b.token_ids[:4].tolist() == a.token_ids.tolist()


def test_sampling_goes_on_where_it_was_cut(lm):
    """A position's random number is its own: sampling 3 tokens and then 5 gives the 8 of one go."""
    model, key = lm(), [stream_key("one")]
    (whole,) = sample(model, [[1, 2]], keys=key, max_new_tokens=8, end_ids=[99])
    (first,) = sample(model, [[1, 2]], keys=key, max_new_tokens=3, end_ids=[99])
    (rest,) = sample(model, [[1, 2, *first.token_ids.tolist()]], keys=key, max_new_tokens=5, end_ids=[99])
    assert [*first.token_ids.tolist(), *rest.token_ids.tolist()] == whole.token_ids.tolist()


def test_global_random_state_is_neither_used_nor_consumed(lm):
    model = lm()
    rows = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        rows.append([row.token_ids.tolist() for row in sample(model, [[1], [2]])])
        assert torch.equal(torch.get_rng_state(), before)
    assert rows[0] == rows[1]


def test_the_padding_token_may_be_the_end_token(lm):
    model = lm()
    prompts = [[1, 2, 3, 4], [END], [5]]
    rows = sample(model, prompts, max_new_tokens=6, pad_id=END)
    others = sample(model, prompts, max_new_tokens=6, pad_id=0)
    assert [row.token_ids.tolist() for row in rows] == [row.token_ids.tolist() for row in others]


# Filters


@pytest.mark.parametrize(
    ("token_filter", "kept"),
    [
        (TokenFilter(top_k=2), [0, 2]),
        (TokenFilter(top_k=9), [0, 1, 2, 3]),
        (TokenFilter(top_p=0.49), [0]),
        (TokenFilter(top_p=0.51), [0, 2]),
        (TokenFilter(top_p=0.76), [0, 2, 3]),
        (TokenFilter(min_p=0.37), [0, 2, 3]),
        (TokenFilter(min_p=0.38), [0, 2]),
        (TokenFilter(min_p=1.0), [0]),
        (TokenFilter(top_k=3, top_p=0.6, min_p=0.1), [0, 2]),
        (TokenFilter(top_p=1e-9), [0]),
    ],
)
def test_a_filter_keeps_the_likeliest_and_scales_them_up_to_one(token_filter, kept):
    probability = torch.tensor([[8, 1, 4, 3]], dtype=torch.float64) / 16
    left = token_filter.apply(probability.log()).exp()[0]
    expected = torch.zeros(4, dtype=torch.float64)
    expected[kept] = probability[0, kept] / probability[0, kept].sum()
    torch.testing.assert_close(left, expected, rtol=1e-9, atol=0)


def test_of_equally_likely_tokens_top_k_keeps_exactly_k():
    left = TokenFilter(top_k=2).apply(torch.full((1, 4), 0.25).log()).exp()
    assert left.tolist() == [[0.5, 0.5, 0.0, 0.0]]


@pytest.mark.parametrize("token_filter", [TokenFilter(top_k=5), TokenFilter(top_p=0.6), TokenFilter(min_p=0.3)])
def test_filtered_tokens_are_drawn_from_the_renormalised_softmax_and_say_so(table_model, token_filter):
    table = random_table(4)
    found = sample(table_model(table), [[7]] * 5_000, max_new_tokens=1, temperature=0.7, token_filter=token_filter)
    whole = torch.softmax(table[7].double() / 0.7, 0)
    probability = token_filter.apply(whole.log()[None])[0].exp()
    counts = torch.bincount(torch.cat([row.token_ids for row in found]), minlength=32)
    assert_drawn_from(counts, probability)
    for row in found[:50]:
        assert float(row.logprobs[0]) == pytest.approx(float(probability[row.token_ids[0]].log()), abs=1e-5)
    assert 1 < int((probability > 0).sum()) < 32


def test_no_filter_changes_nothing(table_model):
    table = random_table(5)
    plain, filtered = (
        sample(table_model(table), [[3]] * 4, max_new_tokens=9, token_filter=f) for f in (None, TokenFilter())
    )
    for one, other in zip(plain, filtered, strict=True):
        assert one.token_ids.tolist() == other.token_ids.tolist()
        assert one.logprobs.tolist() == other.logprobs.tolist()


@pytest.mark.parametrize("arguments", [{"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.1}, {"min_p": -0.1}, {"min_p": 2}])
def test_filters_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        TokenFilter(**arguments)


# Limits of single rows


def test_each_row_may_have_a_limit_of_its_own(table_model):
    """What a row says does not depend on the limits of the others."""
    table = random_table(6)
    whole = sample(table_model(table), [[3], [4], [5]], max_new_tokens=9, end_ids=[99])
    found = sample(table_model(table), [[3], [4], [5]], max_new_tokens=[2, 9, 1], end_ids=[99])
    for row, limit, expected in zip(found, [2, 9, 1], whole, strict=True):
        assert row.token_ids.tolist() == expected.token_ids[:limit].tolist()
        assert row.logprobs.tolist() == expected.logprobs[:limit].tolist()
        assert row.truncated


def test_a_row_that_ends_at_its_limit_is_not_truncated(table_model):
    table = torch.full((32, 32), float("-inf"))
    table[3, 4] = table[4, END] = 0.0
    found = sample(table_model(table), [[3], [3]], max_new_tokens=[2, 1])
    assert [row.token_ids.tolist() for row in found] == [[4, END], [4]]
    assert [row.truncated for row in found] == [False, True]


def test_a_row_at_the_end_of_its_positions_does_not_hurt_a_longer_neighbour(lm):
    """GPT-2 has 64 learnt positions: the first row may say two tokens more, the other thirty."""
    model = lm("gpt2")
    found = sample(model, [[1] * 62, [2] * 20], max_new_tokens=[2, 30], end_ids=[99])
    assert [len(row.token_ids) for row in found] == [2, 30]
    (alone,) = sample(model, [[2] * 20], keys=[stream_key("test", 1)], max_new_tokens=30, end_ids=[99])
    assert found[1].token_ids.tolist() == alone.token_ids.tolist()
