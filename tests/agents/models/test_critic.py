"""The critic: values of tokens, learnt beside the policy and without touching it."""

import pytest
import torch

from infinite_rl.agents.models.critic import make_critic

from .conftest import ARCHITECTURES


def batch(prompts, side="right", extra=0):
    width = max(map(len, prompts)) + extra
    ids, mask = torch.zeros(len(prompts), width, dtype=torch.long), torch.zeros(len(prompts), width, dtype=torch.long)
    for i, prompt in enumerate(prompts):
        places = slice(0, len(prompt)) if side == "right" else slice(width - len(prompt), width)
        ids[i, places], mask[i, places] = torch.tensor(prompt), 1
    return ids, mask


@pytest.fixture
def critic(architecture):
    """A critic that has an opinion."""

    def make(name="llama"):
        found = make_critic(architecture(name))
        torch.nn.init.normal_(found.head.weight, generator=torch.Generator().manual_seed(0))
        return found

    return make


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_there_is_a_value_for_every_token_of_every_architecture(critic, prompts, name):
    ids, mask = batch(prompts)
    values = critic(name)(ids, mask)
    assert values.shape == ids.shape
    assert values.dtype == torch.float32
    assert values.isfinite().all()


def test_it_expects_nothing_until_it_has_learnt(architecture, prompts):
    assert not make_critic(architecture("llama"))(*batch(prompts)).any()


def test_padding_on_either_side_changes_no_value(critic, prompts):
    module = critic()
    plain = module(*batch(prompts))
    for side in ("left", "right"):
        ids, mask = batch(prompts, side, extra=3)
        torch.testing.assert_close(module(ids, mask)[mask > 0], plain[batch(prompts)[1] > 0], atol=1e-5, rtol=1e-5)


def test_a_value_sees_its_own_token_and_none_after_it(critic, prompts):
    module = critic()
    ids, mask = batch(prompts[1:2])
    before = module(ids, mask)
    ids[0, 6] = ids[0, 6] % 31 + 1
    changed = (module(ids, mask) != before)[0]
    assert not changed[:6].any()
    assert changed[6]


def test_it_shares_no_weight_with_the_policy(architecture):
    model = architecture("qwen3")
    critic = make_critic(model)
    own = {weight.data_ptr() for weight in critic.parameters()}
    assert not own & {weight.data_ptr() for weight in model.parameters()}
    for (name, weight), copied in zip(model.base_model.named_parameters(), critic.backbone.parameters(), strict=True):
        assert torch.equal(weight, copied), name


def test_it_learns_what_it_is_told(critic, prompts):
    module = critic()
    ids, mask = batch(prompts)
    told = torch.randn(ids.shape, generator=torch.Generator().manual_seed(2))
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    errors = []
    for _ in range(60):
        error = ((module(ids, mask) - told).square() * mask).sum() / mask.sum()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(float(error.detach()))
    assert errors[-1] < errors[0] / 10
    assert all(weight.grad is not None for weight in module.parameters())


def test_under_autocast_values_are_not_rounded(critic, prompts):
    module = critic()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = module(*batch(prompts))
    assert values.dtype == torch.float32
    assert not torch.equal(values, values.bfloat16().float())
