"""Rollouts: the right tasks in the right order, whatever the waves, with every token accounted for."""

from itertools import chain

import pytest
import torch

from infinite_rl.agents.credit.advantages import group_advantages
from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager
from infinite_rl.buffers.tasks import TaskDraw


@pytest.fixture
def manager(tiny, tokenizer, quiz):
    inference = InferenceModule(tiny(tokenizer), tokenizer)

    def make(env=None, **config):
        settings = {"max_new_tokens": 6} | config
        return RolloutManager(env or quiz(), RolloutConfig(**settings), inference=inference)

    return make


def draws(*tasks, attempt=0):
    return [TaskDraw(task, attempt) for task in tasks]


def records(trajectories):
    return [(t.token_ids.tolist(), t.action_mask.tolist(), int(t.group), float(t.reward)) for t in trajectories]


def test_groups_come_in_the_order_of_the_draws(manager):
    found = manager().collect(draws(3, 0, 3), group_size=2)
    assert found.group.tolist() == [0, 0, 1, 1, 2, 2]
    assert [t.prompt for t in found] == ["q3=", "q3=", "q0=", "q0=", "q3=", "q3="]
    assert [t.state["task_index"] for t in found] == [3, 3, 0, 0, 3, 3]
    assert [t.state["task_id"] for t in found] == ["quiz/3"] * 2 + ["quiz/0"] * 2 + ["quiz/3"] * 2
    assert [t.state["domain"] for t in found] == ["odd"] * 2 + ["even"] * 2 + ["odd"] * 2


def test_members_of_a_group_draw_from_streams_of_their_own(manager):
    found = manager(max_new_tokens=12).collect(draws(1), group_size=8)
    assert len({tuple(t.token_ids.tolist()) for t in found}) == 8


def test_attempts_seeds_and_streams_differ_and_repeat(manager):
    def one(attempt=0, **config):
        return records(manager(max_new_tokens=12, **config).collect(draws(1, 2, attempt=attempt), group_size=2))

    assert one() == one()
    others = [one(), one(attempt=1), one(seed=1), one(stream="test")]
    assert len({str(other) for other in others}) == 4


@pytest.mark.parametrize("num_parallel", [1, 2, 3, 5, 6, 100])
def test_waves_of_any_size_give_the_same_trajectories(manager, num_parallel):
    expected = manager().collect(draws(0, 1, 2), group_size=2)
    found = manager(num_parallel=num_parallel).collect(draws(0, 1, 2), group_size=2)
    assert records(found) == records(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.behaviour_logprob, other.behaviour_logprob, rtol=1e-4, atol=1e-5)


def test_openings_are_measured_one_at_a_time_as_they_will_be_played(manager, quiz, monkeypatch):
    rollouts = manager()
    played = rollouts.collect(draws(0, 1, 2, 3))
    assert [*rollouts.opening_lengths(9)] == [int((~t.action_mask).sum()) for t in played]
    assert len([*rollouts.opening_lengths(2)]) == 2
    opened = []
    begin = rollouts._begin
    monkeypatch.setattr(rollouts, "_begin", lambda *arguments: opened.append(arguments) or begin(*arguments))
    next(rollouts.opening_lengths(9))
    assert len(opened) == 1


def test_num_parallel_overrides_the_configuration(tiny, tokenizer, quiz):
    inference = InferenceModule(tiny(tokenizer), tokenizer)
    rollouts = RolloutManager(quiz(), RolloutConfig(num_parallel=9), inference=inference, num_parallel=2)
    assert rollouts.config.num_parallel == 2


def test_no_wave_is_larger_than_num_parallel(scripted, tokenizer, quiz):
    inference = scripted(tokenizer, lambda turn, row: "x<eos>")
    rollouts = RolloutManager(quiz(), RolloutConfig(num_parallel=4), inference=inference)
    rollouts.collect(draws(0, 1, 2), group_size=3)
    assert [len(prompts) for prompts in inference.shown] == [4, 4, 1]


def test_rewards_responses_and_verdicts_belong_to_their_own_row(scripted, tokenizer, quiz):
    inference = scripted(tokenizer, lambda turn, row: ["a0<eos>", "a1<eos>", "a0", "<eos>"][row])
    found = RolloutManager(quiz(), inference=inference).collect(draws(0, 1), group_size=2)
    assert found.reward.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert [t.response for t in found] == ["a0", "a1", "a0", ""]
    assert [t.state["status"] for t in found] == ["scored", "scored", "scored", "no_answer"]
    assert found.truncated.tolist() == [False, False, True, False]
    assert found.valid.all()
    assert [t.state["components"]["correctness"] for t in found] == [1.0, 0.0, 0.0, 0.0]
    assert [t.state["passed"] for t in found] == [True, False, False, False]
    for t in found:
        assert t.state["messages"] == [
            {"role": "user", "content": t.prompt},
            {"role": "assistant", "content": t.response},
        ]
        assert t.state["answer"] == "a" + t.prompt[1]


def test_log_probs_stand_at_the_tokens_they_belong_to(scripted, tokenizer, quiz):
    inference = scripted(tokenizer, lambda turn, row: "xyz<eos>")
    (found,) = RolloutManager(quiz(), inference=inference).collect(draws(0))
    torch.testing.assert_close(found.behaviour_logprob, torch.tensor([0, 0, 0, -0.1, -0.2, -0.3, -0.4]))
    assert found.action_mask.tolist() == [False] * 3 + [True] * 4


def test_a_failing_grader_makes_one_row_invalid_and_spares_the_others(scripted, tokenizer, quiz, caplog):
    inference = scripted(tokenizer, lambda turn, row: ["a0<eos>", "!<eos>", "no<eos>"][row])
    found = RolloutManager(quiz(), inference=inference).collect(draws(0), group_size=3)
    assert found.valid.tolist() == [True, False, True]
    assert found.reward.tolist() == [1.0, 0.0, 0.0]
    assert found[1].state["status"] == "error"
    assert "ZeroDivisionError" in found[1].state["error_msg"]
    advantage = group_advantages(found.reward, found.group, found.valid, norm_std=False)
    assert advantage.tolist() == [0.5, 0.0, -0.5]


def test_versions_are_those_of_the_policy_when_it_sampled(scripted, tokenizer, quiz):
    inference = scripted(tokenizer, lambda turn, row: "x<eos>")
    rollouts = RolloutManager(quiz(), inference=inference)
    inference.load({}, version=5)
    (found,) = rollouts.collect(draws(0))
    assert found.version.tolist() == [-1, -1, -1, 5, 5]


def test_the_limit_of_tokens_and_the_temperature_reach_the_policy(tiny, tokenizer, quiz):
    inference = InferenceModule(tiny(tokenizer), tokenizer)
    heard = []
    inference.backend.sample = lambda prompts, keys, **options: (
        heard.append(options) or sample(prompts, keys, **options)
    )
    sample = type(inference.backend).sample.__get__(inference.backend)
    RolloutManager(quiz(), RolloutConfig(max_new_tokens=3, temperature=0.5), inference=inference).collect(draws(0))
    assert heard == [{"max_new_tokens": 3, "temperature": 0.5}]


# Several turns


def script(texts):
    return lambda turn, row: texts[turn]


@pytest.mark.parametrize("template", ["tiny", "chatml"])
def test_a_conversation_is_shown_as_the_template_renders_it(
    scripted, talk, tokenizer, chatml_tokenizer, template, request
):
    tokenizer = tokenizer if template == "tiny" else chatml_tokenizer
    end = tokenizer.eos_token
    said = ["1" + end, "22", "a0" + end]  # the second is cut by the token limit
    inference = scripted(tokenizer, script(said))
    (found,) = RolloutManager(talk(), inference=inference).collect(draws(0))
    messages = found.state["messages"]
    assert [m["role"] for m in messages] == [
        "user",
        "assistant",
        "tool",
        "user",
        "assistant",
        "tool",
        "user",
        "assistant",
    ]
    turns = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
    for turn, place in enumerate(turns):
        text = tokenizer.apply_chat_template(messages[:place], tokenize=False, add_generation_prompt=True)
        assert inference.shown[turn] == [tokenizer.encode(text, add_special_tokens=False)]
    sampled = [tokenizer.encode(text, add_special_tokens=False) for text in said]
    assert found.token_ids[found.action_mask].tolist() == list(chain(*sampled))
    assert float(found.reward) == 1
    assert not found.truncated


def test_episodes_of_different_lengths_are_kept_apart(scripted, tokenizer, talk):
    said = {0: ["no<eos>", "a1<eos>", "no<eos>"], 1: ["no<eos>", "a2<eos>"], 2: ["a0<eos>"]}
    inference = scripted(tokenizer, lambda turn, row: said[turn][row])
    found = RolloutManager(talk(), inference=inference).collect(draws(0, 1, 2))
    assert [len(prompts) for prompts in inference.shown] == [3, 2, 1]
    assert found.reward.tolist() == [1.0, 1.0, 1.0]
    assert [t.response for t in found] == ["a0", "a1", "a2"]
    assert [int(t.action_mask.sum()) for t in found] == [9, 3, 6]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_turn_limit_truncates_and_grades(scripted, tokenizer, talk, limit):
    inference = scripted(tokenizer, lambda turn, row: "no<eos>")
    (found,) = RolloutManager(talk(), inference=inference).collect(draws(0), max_steps_per_rollout=limit)
    assert len(inference.shown) == limit
    assert bool(found.truncated)
    assert bool(found.valid)
    assert float(found.reward) == 0
    assert found.state["status"] == "scored"


def test_an_answer_in_the_last_turn_is_no_truncation(scripted, tokenizer, talk):
    inference = scripted(tokenizer, script(["no<eos>", "a0<eos>"]))
    (found,) = RolloutManager(talk(), inference=inference).collect(draws(0), max_steps_per_rollout=2)
    assert not found.truncated
    assert float(found.reward) == 1


def test_real_sampling_over_several_turns_scores_as_it_sampled(tiny, tokenizer, talk):
    """On-policy log-probs of all turns, recomputed in one forward pass over the whole record."""
    from infinite_rl.agents.updates.scoring import token_scores

    inference = InferenceModule(tiny(tokenizer), tokenizer)
    rollouts = RolloutManager(talk(), RolloutConfig(max_new_tokens=5, temperature=0.7), inference=inference)
    for t in rollouts.collect(draws(0, 1), group_size=2, max_steps_per_rollout=3):
        ids = t.token_ids[None]
        scores = token_scores(inference.model, ids, torch.ones_like(ids), t.action_mask[None], temperature=0.7)
        torch.testing.assert_close(scores.logprob[0], t.behaviour_logprob, rtol=1e-4, atol=1e-5)
        assert int(t.action_mask.sum()) > 10


# Free rollouts


@pytest.mark.parametrize(("least", "size", "expected"), [(1, 1, 1), (5, 1, 5), (5, 2, 6), (6, 2, 6), (1, 4, 4)])
def test_free_rollouts_come_in_whole_groups_on_one_task_each(manager, least, size, expected):
    found = manager().collect_rollouts(least, group_size=size)
    assert len(found) == expected
    by_group = {}
    for t in found:
        by_group.setdefault(int(t.group), []).append(t.state["task_id"])
    assert all(len(tasks) == size and len(set(tasks)) == 1 for tasks in by_group.values())


def test_free_rollouts_never_repeat_their_random_streams(manager):
    rollouts = manager(max_new_tokens=12)
    rows = [tuple(t.token_ids.tolist()) for _ in range(4) for t in rollouts.collect_rollouts(6, group_size=2)]
    assert len(set(rows)) == 24


def test_free_rollouts_repeat_with_the_seed(manager):
    one, other = manager().collect_rollouts(4), manager().collect_rollouts(4)
    assert records(one) == records(other)
    assert records(manager(seed=1).collect_rollouts(4)) != records(one)


def test_free_rollouts_reach_every_task(manager):
    found = manager(max_new_tokens=1).collect_rollouts(64)
    assert {t.state["task_index"] for t in found} == {0, 1, 2, 3}


def test_statistics_count_sampled_tokens(scripted, tokenizer, quiz):
    inference = scripted(tokenizer, lambda turn, row: ["x<eos>", "xyz<eos>"][row % 2])
    rollouts = RolloutManager(quiz(), inference=inference)
    assert rollouts.get_statistics() == {"trajectories": 0, "tokens": 0, "avg_trajectory_length": 0.0}
    rollouts.collect(draws(0, 1), group_size=2)
    assert rollouts.get_statistics() == {"trajectories": 4, "tokens": 12, "avg_trajectory_length": 3.0}
    rollouts.collect(draws(0))
    assert rollouts.get_statistics() == {"trajectories": 5, "tokens": 14, "avg_trajectory_length": 2.8}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_parallel", 0),
        ("max_new_tokens", 0),
        ("max_length", 0),
        ("patience", 0),
        ("temperature", -1.0),
        ("temperature", float("nan")),
        ("deadline", 0.0),
    ],
)
def test_values_that_cannot_be_played_are_refused(name, value):
    """No episode at once would wait for ever."""
    with pytest.raises(ValueError, match=f"{name} must be"):
        RolloutConfig(**{name: value})
