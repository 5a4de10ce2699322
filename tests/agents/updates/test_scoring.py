"""Log-probs and entropies of given tokens: against a naive softmax, under padding, with gradients."""

import pytest
import torch

from infinite_rl.agents.updates.scoring import token_scores

KINDS = ["qwen2", "llama", "gpt2"]
ROWS = [([3, 7, 9, 4], [5, 6]), ([1, 2], [8, 31, 30, 29, 2, 0]), ([17], [4, 4, 4])]


def naive(model, prompt, response, temperature):
    """Log-prob and entropy of each response token: one row, no padding, every logit, in float64."""
    ids = torch.tensor([[*prompt, *response]])
    logits = model(input_ids=ids).logits[0, len(prompt) - 1 : -1].double() / temperature
    logprob = torch.log_softmax(logits, -1)
    entropy = -(logprob.exp() * logprob).sum(-1)
    return logprob.gather(-1, torch.tensor(response)[:, None]).squeeze(-1), entropy


def padded(rows, side, extra=0, pad=0):
    """Token ids, attention mask and the mask of response tokens, padded on one side to ``extra`` beyond the longest."""
    width = max(len(p) + len(r) for p, r in rows) + extra
    columns = ([], [], [])
    for prompt, response in rows:
        gap = width - len(prompt) - len(response)
        for column, row, fill in zip(
            columns,
            ([*prompt, *response], [1] * (len(prompt) + len(response)), [False] * len(prompt) + [True] * len(response)),
            (pad, 0, False),
            strict=True,
        ):
            column.append([fill] * gap + row if side == "left" else row + [fill] * gap)
    return tuple(torch.tensor(column) for column in columns)


def gradient(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.6])
def test_17_scores_are_those_of_a_naive_softmax(lm, kind, temperature):
    model = lm(kind)
    ids, mask, scored = padded(ROWS, "right")
    found = token_scores(model, ids, mask, scored, temperature=temperature)
    for i, row in enumerate(ROWS):
        logprob, entropy = naive(model, *row, temperature)
        torch.testing.assert_close(found.logprob[i][scored[i]].double(), logprob, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(found.entropy[i][scored[i]].double(), entropy, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("extra", [0, 5])
def test_8_padding_on_either_side_changes_no_score_and_no_gradient(lm, kind, side, extra):
    model = lm(kind)
    total, expected = 0.0, []
    for row in ROWS:
        ids, mask, scored = padded([row], "right")
        scores = token_scores(model, ids, mask, scored, temperature=0.7)
        expected.append((scores.logprob[scored], scores.entropy[scored]))
        total = total + scores.logprob[scored].square().sum()
    plain = gradient(model, total)

    ids, mask, scored = padded(ROWS, side, extra, pad=29)
    scores = token_scores(model, ids, mask, scored, temperature=0.7)
    for i, (logprob, entropy) in enumerate(expected):
        torch.testing.assert_close(scores.logprob[i][scored[i]], logprob, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(scores.entropy[i][scored[i]], entropy, rtol=1e-5, atol=1e-5)
    found = gradient(model, scores.logprob[scored].square().sum())
    assert found.keys() == plain.keys()
    for name, value in plain.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-5 * float(value.abs().max()))


@pytest.mark.parametrize("side", ["left", "right"])
def test_what_the_padding_holds_does_not_matter(lm, side):
    model = lm("gpt2")
    scores = []
    for pad in (0, 13):
        ids, mask, scored = padded(ROWS, side, extra=2, pad=pad)
        scores.append(token_scores(model, ids, mask, scored, temperature=1.0))
    assert torch.equal(scores[0].logprob, scores[1].logprob)
    assert torch.equal(scores[0].entropy, scores[1].entropy)


@pytest.mark.parametrize("side", ["left", "right"])
def test_what_is_not_scored_is_exactly_zero(lm, side):
    ids, mask, scored = padded(ROWS, side, extra=3)
    scores = token_scores(lm(), ids, mask, scored, temperature=1.0)
    assert scores.logprob.shape == scores.entropy.shape == ids.shape
    assert not scores.logprob[~scored].any()
    assert not scores.entropy[~scored].any()
    assert (scores.logprob[scored] < 0).all()
    assert not scores.entropy.requires_grad


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_first_token_of_a_row_has_no_distribution_and_scores_zero(lm, side):
    rows = [([], [4, 5, 6]), ([1, 2, 3, 4, 5, 6], [7])]
    ids, mask, scored = padded(rows, side)
    scores = token_scores(lm(), ids, mask, scored, temperature=1.0)
    first = int(mask[0].argmax())
    logprob = scores.logprob.detach()
    assert float(logprob[0, first]) == 0
    assert float(scores.entropy[0, first]) == 0
    assert (logprob[0, first + 1 : first + 3] < 0).all()


def test_nothing_to_score_scores_nothing(lm):
    ids, mask, _ = padded(ROWS, "right")
    scores = token_scores(lm(), ids, mask, torch.zeros_like(ids, dtype=torch.bool), temperature=1.0)
    assert scores.logprob.shape == ids.shape
    assert not scores.logprob.any()


def test_gaps_between_scored_tokens_are_left_out(lm):
    model, ids = lm(), torch.tensor([[1, 2, 3, 4, 5, 6, 7, 8]])
    scored = torch.tensor([[False, False, True, True, False, False, True, False]])
    scores = token_scores(model, ids, torch.ones_like(ids), scored, temperature=1.0)
    everything = token_scores(model, ids, torch.ones_like(ids), torch.ones_like(scored), temperature=1.0)
    torch.testing.assert_close(scores.logprob, torch.where(scored, everything.logprob, 0.0))


def test_1_a_token_is_predicted_from_the_one_before_it(table_model):
    """Mask shift: the last prompt token's own likelihood does not matter, the first response token's does."""
    table = torch.randn(32, 32, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    ids = torch.tensor([[5, 6, 7, 8]])
    scored = torch.tensor([[False, False, True, True]])
    model = table_model(table)
    scores = token_scores(model, ids, torch.ones_like(ids), scored, temperature=1.0)
    logprob = torch.log_softmax(table, -1)
    expected = torch.stack([logprob[6, 7], logprob[7, 8]])
    torch.testing.assert_close(scores.logprob[0, 2:], expected)
    scores.logprob.sum().backward()
    # Only the rows that predict a response token: those of the last prompt token and the first response token.
    assert table.grad.any(1).nonzero().flatten().tolist() == [6, 7]


def test_no_logits_are_made_for_what_comes_before_every_response(table_model):
    """Logits are the largest thing in memory; those of a shared prompt serve nobody."""
    model = table_model(torch.randn(32, 32))
    ids, mask, scored = padded([([1] * 9, [2, 3]), ([1] * 7, [2])], "right")
    token_scores(model, ids, mask, scored, temperature=1.0)
    assert model.kept == 11 - 7 + 1  # from the token before the first scored one


@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_17_the_gradient_is_that_of_finite_differences(table_model, temperature):
    """Per logit: (1[token] - p) / T, summed over the places where the table's row predicts."""
    table = torch.randn(32, 32, generator=torch.Generator().manual_seed(1)).double().requires_grad_()
    ids = torch.tensor([[3, 4, 3, 9], [1, 3, 4, 4]])
    scored = torch.tensor([[False, True, True, True], [False, False, True, True]])
    scores = token_scores(table_model(table), ids, torch.ones_like(ids), scored, temperature=temperature)
    weights = torch.arange(1.0, 9.0).view(2, 4)
    (scores.logprob * weights).sum().backward()
    expected = torch.zeros(32, 32, dtype=torch.float64)
    probability = torch.softmax(table.detach() / temperature, -1)
    for row, place in scored.nonzero().tolist():
        last, token = ids[row, place - 1], ids[row, place]
        expected[last] -= weights[row, place] * probability[last] / temperature
        expected[last, token] += weights[row, place] / temperature
    torch.testing.assert_close(table.grad, expected, rtol=1e-5, atol=1e-5)


def test_10_infinite_logits_in_places_that_are_not_scored_leave_loss_and_gradient_finite(table_model):
    table = torch.randn(32, 32, generator=torch.Generator().manual_seed(0))
    table[0] = float("nan")  # what follows token 0, the padding
    table[9] = float("inf")
    table.requires_grad_()
    ids, mask, scored = padded([([9, 9, 4], [5, 6]), ([9, 4], [5, 6, 7, 8])], "right", extra=2)
    scores = token_scores(table_model(table), ids, mask, scored, temperature=1.0)
    scores.logprob.sum().backward()
    assert scores.logprob.isfinite().all()
    assert scores.entropy.isfinite().all()
    assert table.grad[[4, 5, 6, 7]].isfinite().all()


def test_a_token_of_probability_zero_elsewhere_in_the_row_leaves_entropy_finite(table_model):
    """A model that rules a token out by a logit of minus infinity still has an entropy: 0 log 0 = 0."""
    table = torch.zeros(32, 32)
    table[:, 8:] = float("-inf")
    ids = torch.tensor([[1, 2, 3]])
    scored = torch.tensor([[False, True, True]])
    scores = token_scores(table_model(table), ids, torch.ones_like(ids), scored, temperature=1.0)
    torch.testing.assert_close(scores.logprob[0, 1:], torch.full((2,), 8.0).log().neg())
    torch.testing.assert_close(scores.entropy[0, 1:], torch.full((2,), 8.0).log())


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_large_logits_neither_overflow_nor_lose_the_entropy(table_model, scale):
    table = scale * torch.randn(32, 32, generator=torch.Generator().manual_seed(3))
    ids = torch.tensor([[1, 2, 3, 4]])
    scored = torch.tensor([[False, True, True, True]])
    scores = token_scores(table_model(table), ids, torch.ones_like(ids), scored, temperature=0.7)
    logprob = torch.log_softmax(table[[1, 2, 3]].double() / 0.7, -1)
    expected = -(logprob.exp() * logprob).sum(-1)
    torch.testing.assert_close(scores.entropy[0, 1:].double(), expected, rtol=1e-4, atol=1e-4)
    assert (scores.entropy >= 0).all() or float(scores.entropy.min()) > -1e-4
