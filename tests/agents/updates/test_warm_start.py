"""The warm start: solved tasks as the policy would have said them, and steps that can be resumed."""

import pytest
import torch

from infinite_rl.agents.config import WarmStartConfig
from infinite_rl.agents.updates.demonstrations import solved
from infinite_rl.agents.updates.warm_start import RAMP_STEPS, WarmStart
from infinite_rl.datasets.task import Task, TaskList

CONFIG = WarmStartConfig(lr=1e-2, batch_size=4, target=0.5, check_every=10, max_steps=100)


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
        rates.append(warm._optimizer.param_groups[0]["lr"])
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
