"""The warm start: solved tasks as the policy would have said them, and steps that can be resumed."""

from dataclasses import replace

import pytest
import torch

from infinite_rl.agents.config import WarmStartConfig
from infinite_rl.agents.updates.demonstrations import solved
from infinite_rl.agents.updates.warm_start import RAMP_STEPS, WarmStart
from infinite_rl.datasets.task import Task, TaskList

CONFIG = WarmStartConfig(
    path=None,
    max_tokens=None,
    tool_share=0.0,
    lr=1e-2,
    batch_size=4,
    tokens_per_microbatch=16384,
    target=0.5,
    check_every=10,
    max_steps=100,
)


@pytest.fixture
def tasks():
    return TaskList([Task.ask(f"{i}+1=", str(i + 1), id=str(i), domain="add") for i in range(6)])


def test_rows_are_prompt_and_tagged_answer(tasks, tokenizer, chatml_tokenizer):
    for t in (tokenizer, chatml_tokenizer):
        for i, row in enumerate(solved(tasks, t)):
            messages = [{"role": "user", "content": f"{i}+1="}]
            prompt = t.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            answer = f"<answer>{i + 1}</answer>{t.eos_token}"
            assert t.decode(row.token_ids) == prompt + answer
            assert t.decode(row.token_ids[row.action_mask]) == answer
            assert row.action_mask.sum() == 4


def test_endless_tasks_and_answers_that_cannot_be_judged_are_refused(tokenizer):
    class Endless:
        size = None

    with pytest.raises(ValueError, match="finite list"):
        solved(Endless(), tokenizer)
    with pytest.raises(ValueError, match="task t: The expected answer is of type NoneType"):
        solved(TaskList([Task.ask("q", None, id="t", domain="d")]), tokenizer)


def test_the_loss_is_the_mean_negative_log_likelihood_of_answer_tokens(tasks, tokenizer, tiny):
    model, rows = tiny(tokenizer), solved(tasks, tokenizer)
    warm = WarmStart(model, rows[:1], CONFIG, seed=0)
    ids = rows[0].token_ids
    logprob = torch.log_softmax(model(ids[None]).logits[0, :-1].detach(), -1).gather(-1, ids[1:, None]).squeeze(-1)
    assert warm.step() == pytest.approx(-float(logprob[rows[0].action_mask[1:]].mean()), rel=1e-5)


def test_it_learns(tasks, tokenizer, tiny):
    warm = WarmStart(tiny(tokenizer), solved(tasks, tokenizer), CONFIG, seed=0)
    losses = [warm.step() for _ in range(60)]
    assert losses[-1] < losses[0] / 2
    assert warm.steps == 60


def test_the_learning_rate_rises_over_the_first_steps(tasks, tokenizer, tiny):
    warm = WarmStart(tiny(tokenizer), solved(tasks, tokenizer), CONFIG, seed=0)
    rates = []
    for _ in range(RAMP_STEPS + 3):
        warm.step()
        rates.append(warm.optimizer.param_groups[0]["lr"])
    assert rates[0] == pytest.approx(CONFIG.lr / RAMP_STEPS)
    assert rates[RAMP_STEPS - 1 :] == pytest.approx([CONFIG.lr] * 4)


def test_a_restored_warm_start_takes_the_same_steps(tasks, tokenizer, tiny, tmp_path):
    rows, model = solved(tasks, tokenizer), tiny(tokenizer)
    warm = WarmStart(model, rows, CONFIG, seed=3)
    for _ in range(5):
        warm.step()
    torch.save({"warm": warm.state_dict(), "model": model.state_dict()}, tmp_path / "state.pt")
    expected = [warm.step() for _ in range(5)]
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    other = tiny(tokenizer, seed=9)
    other.load_state_dict(saved["model"])
    resumed = WarmStart(other, rows, CONFIG, seed=4)
    resumed.load_state_dict(saved["warm"])
    assert [resumed.step() for _ in range(5)] == expected
    assert resumed.steps == 10
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_seeds_order_the_batches_differently(tasks, tokenizer, tiny):
    def losses(seed):
        warm = WarmStart(tiny(tokenizer), solved(tasks, tokenizer), CONFIG, seed=seed)
        return [warm.step() for _ in range(3)]

    assert losses(0) == losses(0)
    assert losses(0) != losses(1)


@pytest.fixture
def uneven(tokenizer):
    tasks = [Task.ask("1" * (3 * i + 1), "2" * (5 - i), id=str(i), domain="d") for i in range(5)]
    return solved(TaskList(tasks), tokenizer)


@pytest.mark.parametrize("limit", [1, 20, 60])
def test_micro_batches_change_no_loss_and_no_gradient(uneven, tokenizer, tiny, limit):
    found = []
    for tokens in (16384, limit):
        model = tiny(tokenizer, dtype=torch.float64)
        warm = WarmStart(model, uneven, replace(CONFIG, tokens_per_microbatch=tokens, batch_size=5), seed=0)
        parts, gradients = len(list(warm._parts(uneven))), []
        warm.optimizer.register_step_pre_hook(
            lambda *_, model=model, gradients=gradients: gradients.extend(w.grad.clone() for w in model.parameters())
        )
        found.append((warm.step(), gradients, parts))
    (loss, gradients, one), (other_loss, other_gradients, several) = found
    assert (one, several > 1) == (1, True)
    assert other_loss == pytest.approx(loss, rel=1e-12)
    for a, b in zip(gradients, other_gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-14)


def test_a_step_leaves_no_gradient_behind(uneven, tokenizer, tiny):
    """The first update of reinforcement learning would add to it."""
    model = tiny(tokenizer)
    WarmStart(model, uneven, CONFIG, seed=0).step()
    assert all(weight.grad is None for weight in model.parameters())


def test_micro_batches_hold_every_row_once_and_keep_to_their_limit(uneven, tokenizer, tiny):
    warm = WarmStart(tiny(tokenizer), uneven, replace(CONFIG, tokens_per_microbatch=40), seed=0)
    parts = list(warm._cut(uneven))
    assert sorted(id(row) for part in parts for row in part) == sorted(map(id, uneven))
    assert all(len(part) * max(len(row.token_ids) for row in part) <= 40 for part in parts)


def test_the_validation_loss_is_a_mean_over_tokens_and_changes_nothing(uneven, tokenizer, tiny):
    model = tiny(tokenizer)
    warm = WarmStart(model, uneven[:1], CONFIG, seed=0, validation=uneven)
    total = count = 0.0
    for row in uneven:
        lone = WarmStart(model, [row], replace(CONFIG, batch_size=1), seed=0, validation=[row]).validation_loss()
        total += lone * int(row.action_mask.sum())
        count += int(row.action_mask.sum())
    before = [weight.clone() for weight in model.parameters()]
    assert warm.validation_loss() == pytest.approx(total / count, rel=1e-5)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert all(weight.grad is None for weight in model.parameters())


def test_without_held_out_rows_there_is_no_validation_loss(uneven, tokenizer, tiny):
    assert WarmStart(tiny(tokenizer), uneven, CONFIG, seed=0).validation_loss() != 0
    assert str(WarmStart(tiny(tokenizer), uneven, CONFIG, seed=0).validation_loss()) == "nan"


def test_frozen_weights_stay(uneven, tokenizer, tiny):
    model = tiny(tokenizer)
    for name, weight in model.named_parameters():
        weight.requires_grad_("layers.1" in name)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    WarmStart(model, uneven, CONFIG, seed=0).step()
    moved = {name for name, weight in model.named_parameters() if not torch.equal(before[name], weight)}
    assert moved
    assert all("layers.1" in name for name in moved)
