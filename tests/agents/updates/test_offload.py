"""Host memory for what waits: it is used, and changes no bit of a result."""

import pytest
import torch

from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.updates import offload
from infinite_rl.agents.updates.offload import move, offload_state, offloaded_activations
from infinite_rl.agents.updates.optimizer import make_optimizer


def gradients(model, wanted):
    ids = torch.arange(24).view(2, 12)
    with offloaded_activations(wanted):
        loss = torch.log_softmax(model(input_ids=ids, use_cache=False).logits, -1)[:, :, 3].sum()
    loss.backward()
    found = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad(set_to_none=True)
    return found


@pytest.fixture
def moved(monkeypatch):
    """What went to the host, as if the models were on a GPU: copies, and of what stayed behind nothing is left."""
    found = []

    def to_host(tensor):
        copied = tensor.detach().clone()
        found.append(copied)
        return copied

    monkeypatch.setattr(offload, "to_host", to_host)
    monkeypatch.setattr(offload, "LEAST_ELEMENTS", 8)
    return found


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("kind", ["qwen2", "gpt2"])
def test_gradients_are_the_same_bit_for_bit(lm, moved, kind, checkpointing):
    model = lm(kind).train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    plain = gradients(model, False)
    assert not moved
    for one, other in zip(plain, gradients(model, True), strict=True):
        assert torch.equal(one, other)
    assert moved


def test_weights_stay_where_they_are(lm, moved):
    model = lm("llama")
    gradients(model, True)
    weights = [weight for weight in model.parameters() if weight.dim() > 1]
    for kept in moved:
        assert not any(torch.equal(kept, weight) or torch.equal(kept, weight.T) for weight in weights)


def test_on_a_cpu_nothing_is_copied(lm):
    tensor = torch.arange(3.0)
    assert offload.to_host(tensor) is tensor


@pytest.mark.parametrize("name", ["adamw", "adafactor", "sgd"])
def test_an_optimizer_whose_averages_go_away_and_come_back_takes_the_same_steps(lm, moved, name):
    found = []
    for wanted in ("false", "true"):
        config = load_config(overrides=[f"actor.optimizer={name}", f"actor.offload_optimizer={wanted}"]).actor
        model = lm()
        optimizer = make_optimizer(model, config, lr=0.01, weight_decay=0.1)
        for step in range(4):
            if step == 2:  # as a resumed run does
                saved = optimizer.state_dict()
                optimizer = make_optimizer(model, config, lr=0.01, weight_decay=0.1)
                optimizer.load_state_dict(saved)
            gradients_of(model)
            optimizer.step()
        found.append(list(model.parameters()))
        assert bool(moved) == (wanted == "true")
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def gradients_of(model):
    model.zero_grad()
    model(input_ids=torch.arange(8)[None]).logits.square().sum().backward()


def test_averages_are_away_between_steps_and_after_loading(lm, moved):
    model = lm()
    optimizer = torch.optim.AdamW(model.parameters())
    offload_state(optimizer)

    def away():
        kept = {id(tensor) for tensor in moved}
        state = [value for held in optimizer.state.values() for value in held.values() if value.dim()]
        return bool(state) and all(id(value) in kept for value in state)

    gradients_of(model)
    optimizer.step()
    assert away()
    moved.clear()
    optimizer.load_state_dict(optimizer.state_dict())
    assert away()


@pytest.mark.parametrize("kind", ["llama", "gpt2"])  # the second has tied weights
def test_models_that_go_away_and_come_back_learn_the_same(lm, moved, kind):
    found = []
    for wanted in (False, True):
        model = lm(kind)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        for _ in range(3):
            if wanted:
                before = {id(weight) for weight in model.parameters()}
                move(model, torch.device("cpu"))
                kept = {tensor.data_ptr() for tensor in moved}
                assert all(weight.data_ptr() in kept for weight in model.parameters())
                assert {id(weight) for weight in model.parameters()} == before  # as the optimizer knows them
            gradients_of(model)
            optimizer.step()
        found.append(list(model.parameters()))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_it_is_host_memory(lm):
    model = lm().cuda()
    optimizer = torch.optim.AdamW(model.parameters())
    offload_state(optimizer)
    with offloaded_activations(True):
        loss = model(input_ids=torch.arange(8, device="cuda")[None]).logits.square().sum()
    loss.backward()
    optimizer.step()
    assert all(held["exp_avg"].is_pinned() for held in optimizer.state.values())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_models_leave_a_gpu(lm):
    before = torch.cuda.memory_allocated()
    model = lm().cuda()
    move(model, torch.device("cpu"))
    assert torch.cuda.memory_allocated() == before
    assert all(weight.is_pinned() for weight in model.parameters())
    move(model, torch.device("cuda"))
    assert all(weight.is_cuda for weight in model.parameters())
