"""The chunked head: what a plain softmax over all logits gives, without all logits."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from infinite_rl.agents.updates import head as heads
from infinite_rl.agents.updates.head import LanguageHead, Tile, find_head
from infinite_rl.agents.updates.scoring import naive_scores, token_scores

from ..models.conftest import ARCHITECTURES, architecture, prompts  # noqa: F401

TOKENS, WORDS, WIDTH = 11, 37, 5


@pytest.fixture
def parts():
    """Hidden states, weight, bias and targets, in float64."""
    random = torch.Generator().manual_seed(0)
    hidden, weight, bias = (
        torch.randn(*shape, generator=random, dtype=torch.float64).mul_(2).requires_grad_()
        for shape in ((TOKENS, WIDTH), (WORDS, WIDTH), (WORDS,))
    )
    return hidden, weight, bias, torch.randint(0, WORDS, (TOKENS,), generator=random)


def naive(hidden, weight, bias, targets, *, scale, cap, **options):
    logits = scale * torch.nn.functional.linear(hidden, weight, bias)
    return naive_scores(logits if cap is None else cap * torch.tanh(logits / cap), targets, **options)


@pytest.mark.parametrize("entropy_gradient", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize(("scale", "cap"), [(1.0, None), (0.3, None), (1.0, 3.0), (2.0, 1.5)])
@pytest.mark.parametrize("tile", [Tile(1, 100), Tile(3, 10), Tile(100, 1), Tile(100, 100)])
def test_17_values_and_gradients_are_those_of_a_plain_softmax(
    parts, monkeypatch, tile, scale, cap, with_bias, entropy_gradient
):
    monkeypatch.setattr(heads, "CPU_TILE", tile)
    hidden, weight, bias, targets = parts
    bias = bias if with_bias else None
    inputs = [value for value in (hidden, weight, bias) if value is not None]
    options = {"temperature": 0.7, "entropy_gradient": entropy_gradient}
    found = LanguageHead(weight, bias, scale, cap).score(hidden, targets, **options)
    expected = naive(hidden, weight, bias, targets, scale=scale, cap=cap, **options)
    by_token = torch.linspace(-1, 2, TOKENS, dtype=torch.float64)
    gradients = []
    for logprob, entropy in (found, expected):
        torch.testing.assert_close(logprob, expected[0], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(entropy, expected[1], rtol=1e-12, atol=1e-12)
        total = (by_token * logprob).sum() + ((by_token.flip(0) * entropy).sum() if entropy_gradient else 0)
        gradients.append(torch.autograd.grad(total, inputs))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("scale", "cap"), [(1.0, None), (0.5, 2.0)])
def test_17_gradcheck(parts, monkeypatch, scale, cap):
    monkeypatch.setattr(heads, "CPU_TILE", Tile(4, 8))
    hidden, weight, bias, targets = parts

    def scores(hidden, weight, bias):
        head = LanguageHead(weight, bias, scale, cap)
        return head.score(hidden, targets, temperature=0.8, entropy_gradient=True)

    assert torch.autograd.gradcheck(scores, (hidden, weight, bias))


@pytest.mark.parametrize("frozen", ["hidden", "weight"])
def test_what_is_frozen_gets_no_gradient(parts, frozen):
    hidden, weight, _, targets = parts
    (hidden if frozen == "hidden" else weight).requires_grad_(False)
    logprob, entropy = LanguageHead(weight).score(hidden, targets, temperature=1.0)
    logprob.sum().backward()
    assert (hidden.grad is None) == (frozen == "hidden")
    assert (weight.grad is None) == (frozen == "weight")
    assert not entropy.requires_grad


@pytest.mark.parametrize("first", [0, 20])
def test_words_that_are_ruled_out_leave_everything_finite(parts, monkeypatch, first):
    """Whole tiles of them, too, before those that are left and behind."""
    monkeypatch.setattr(heads, "CPU_TILE", Tile(4, 5))
    hidden, weight, bias, _ = parts
    left = (torch.arange(WORDS) >= first) & (torch.arange(WORDS) < first + 8)
    bias = torch.where(left, bias.detach(), -torch.inf).requires_grad_()
    targets = torch.arange(TOKENS) % 8 + first
    logprob, entropy = LanguageHead(weight, bias).score(hidden, targets, temperature=1.0, entropy_gradient=True)
    (logprob.sum() + entropy.sum()).backward()
    for value in (logprob, entropy, hidden.grad, weight.grad, bias.grad):
        assert value.isfinite().all()


def test_no_tokens_have_no_scores(parts):
    hidden, weight, _, targets = parts
    logprob, entropy = LanguageHead(weight).score(hidden[:0], targets[:0], temperature=1.0)
    assert logprob.shape == entropy.shape == (0,)


class Largest(TorchDispatchMode):
    """Notes the size of the largest tensor that any operation makes."""

    elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for value in tree_flatten(found)[0]:
            if isinstance(value, torch.Tensor):
                self.elements = max(self.elements, value.numel())
        return found


def test_logits_of_all_tokens_never_exist(parts, monkeypatch):
    monkeypatch.setattr(heads, "CPU_TILE", Tile(2, WORDS))
    hidden, weight, bias, targets = parts
    with Largest() as largest:
        scores = LanguageHead(weight, bias, 0.5, 2.0).score(hidden, targets, temperature=0.8, entropy_gradient=True)
        sum(score.sum() for score in scores).backward()
    assert largest.elements == max(WORDS * WIDTH, 2 * WORDS) < TOKENS * WORDS
    with Largest() as largest:
        naive(hidden, weight, bias, targets, scale=0.5, cap=2.0, temperature=0.8)
    assert largest.elements == TOKENS * WORDS  # so the watch sees them where they are


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_heads_of_many_architectures_are_known(architecture, prompts, monkeypatch, name):  # noqa: F811
    """Tied, scaled and capped ones too: what a pass through the whole model gives."""
    model = architecture(name)
    ids = torch.tensor([prompts[1]])
    scored = torch.arange(ids.shape[1])[None] > 4
    assert find_head(model) is not None
    found = token_scores(model, ids, torch.ones_like(ids), scored, temperature=0.7, entropy_gradient=True)
    gradient = torch.autograd.grad((found.logprob - found.entropy).sum(), [*model.parameters()])
    monkeypatch.setattr("infinite_rl.agents.updates.scoring.find_head", lambda model: None)
    expected = token_scores(model, ids, torch.ones_like(ids), scored, temperature=0.7, entropy_gradient=True)
    torch.testing.assert_close(found.logprob, expected.logprob, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.entropy, expected.entropy, rtol=1e-4, atol=1e-5)
    plain = torch.autograd.grad((expected.logprob - expected.entropy).sum(), [*model.parameters()])
    for one, other in zip(gradient, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()) + 1e-6)


def test_a_head_that_computes_something_else_is_left_alone(lm):
    model = lm()
    model.lm_head.register_forward_hook(lambda module, inputs, logits: 2 * logits)
    assert find_head(model) is None
    assert find_head(torch.nn.Linear(2, 2)) is None
    bare = lm()
    bare.base_model_prefix = "nothing"  # its backbone is itself, and gives logits
    assert find_head(bare) is None
    assert find_head(lm()) is not None


def test_half_precision_is_that_of_autocast(lm):
    """Products in bfloat16, sums over the vocabulary in float32."""
    model = lm(dtype=torch.float32)
    ids = torch.tensor([[3, 7, 9, 4, 5, 6, 1]])
    scored = torch.arange(7)[None] > 2
    head = find_head(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = token_scores(model, ids, torch.ones_like(ids), scored, temperature=0.7)
        hidden = model.base_model(ids).last_hidden_state
        logits = head.weight.bfloat16() @ hidden.bfloat16().transpose(1, 2)
    logprob, _ = naive_scores(logits[0].T[2:-1], ids[0, 3:], temperature=0.7)
    assert found.logprob.dtype == torch.float32
    torch.testing.assert_close(found.logprob[0, 3:], logprob, rtol=1e-3, atol=1e-3)
    found.logprob.sum().backward()
    assert model.lm_head.weight.grad.dtype == torch.float32
    assert model.lm_head.weight.grad.isfinite().all()


def test_many_tiles_round_a_gradient_in_half_precision_no_more_than_one(monkeypatch):
    random = torch.Generator().manual_seed(0)
    hidden, weight = (torch.randn(*shape, generator=random) for shape in ((4096, 16), (50, 16)))
    targets, by_token = torch.randint(0, 50, (4096,), generator=random), torch.randn(4096, generator=random)

    def gradient(dtype, tokens):
        monkeypatch.setattr(heads, "CPU_TILE", Tile(tokens, 50))
        parameter = weight.to(torch.bfloat16).to(dtype).requires_grad_()
        head = LanguageHead(parameter)
        logprob, _ = head.score(hidden.to(torch.bfloat16).to(dtype), targets, temperature=1.0)
        (logprob * by_token).sum().backward()
        return parameter.grad.double()

    exact = gradient(torch.float64, 4096)
    one, many = ((gradient(torch.bfloat16, tokens) - exact).norm() / exact.norm() for tokens in (4096, 32))
    assert many < 1.2 * one
