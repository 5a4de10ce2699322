"""Playing: every limit has a name, and what fails is left out, told once, and never stalls the others."""

import threading
import time

import pytest
import torch

from infinite_rl.agents.algorithms.algorithm import GRPOAlgorithm
from infinite_rl.agents.algorithms.metrics import group_pass_rates, rollout_metrics
from infinite_rl.agents.credit.reward_computer import RewardComputer
from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.inference.sampling import TokenFilter
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.failures import RolloutError
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager
from infinite_rl.agents.updates.backprop import BackpropConfig, BackpropModule
from infinite_rl.buffers.tasks import TaskDraw
from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.self_verification import SelfVerificationEnv
from infinite_rl.envs.text_env import TextEnv


def draws(*tasks):
    return [TaskDraw(task) for task in tasks]


def play(env, inference, *tasks, group_size=1, turns=None, **config):
    return RolloutManager(env, RolloutConfig(**config), inference=inference).collect(draws(*tasks), group_size, turns)


def causes(found):
    return [(t.state["status"], t.state["limits"], bool(t.truncated), bool(t.valid)) for t in found]


# Limits


def test_a_cut_response_is_counted_also_where_the_last_one_was_whole(scripted, tokenizer, talk):
    inference = scripted(tokenizer, lambda turn, row: ["no", "a0<eos>"][turn])
    (found,) = play(talk(), inference, 0)
    assert found.state["limits"] == ["response"]
    assert not found.truncated  # the episode came to its end


def test_the_turn_limit_has_a_name(scripted, tokenizer, talk):
    inference = scripted(tokenizer, lambda turn, row: "no<eos>")
    found = play(talk(), inference, 0, turns=2)
    assert causes(found) == [("scored", ["turns"], True, True)]


@pytest.mark.parametrize("max_length", [24, 30, 36, 1000])
def test_an_episode_ends_truncated_where_the_next_response_would_not_fit(scripted, tokenizer, talk, max_length):
    """A turn has 4 tokens (``no`` and the end, the answer cut), and the environment's words 11."""
    inference = scripted(tokenizer, lambda turn, row: "no<eos>")
    (found,) = play(talk(), inference, 0, turns=9, max_length=max_length)
    assert causes([found]) == [("scored", ["context" if max_length < 1000 else "turns"], True, True)]
    shown = [len(prompts[0]) for prompts in inference.shown]
    assert all(length < max_length for length in shown)
    assert len(found.token_ids) >= max_length or max_length == 1000
    assert found.token_ids[: shown[-1]].tolist() == inference.shown[-1][0]


def test_a_response_is_cut_where_the_context_ends(tiny, tokenizer, quiz):
    inference = InferenceModule(tiny(tokenizer), tokenizer)
    inference.backend.end_ids = [0]
    whole = play(quiz(), inference, 0, 1, group_size=4, max_new_tokens=9)
    cut = play(quiz(), inference, 0, 1, group_size=4, max_new_tokens=9, max_length=7)
    for one, other in zip(whole, cut, strict=True):
        assert other.token_ids.tolist() == one.token_ids[:7].tolist()
        if len(one.token_ids) > 7:
            assert other.state["limits"] == ["response"]


def test_the_model_s_own_length_is_the_limit_where_none_is_set(tiny, tokenizer):
    """512 positions: the longest question leaves room for one token, and a longer one for none."""
    tasks = TaskList([Task.ask("x" * n, "y", id=str(n), domain="d") for n in (511, 512)])

    class Env(TextEnv):
        def grade(self, task, response):
            raise AssertionError("not reached")

    inference = InferenceModule(tiny(tokenizer), tokenizer)
    found = play(Env(tasks), inference, 0, 1)
    assert Columns(found).response_lengths.tolist() == [1, 0]
    assert causes(found)[1] == ("error", ["context"], True, False)
    assert found[1].state["error_msg"] == "the task opens with 512 tokens; max_length is 512"


def test_every_limit_is_counted_by_its_name(scripted, tokenizer, talk):
    said = {0: ["no", "no<eos>", "a1<eos>", "no<eos>"], 1: ["no<eos>", "a0", "no<eos>"], 2: ["no<eos>", "no<eos>"]}
    inference = scripted(tokenizer, lambda turn, row: said[turn][row])
    found = play(talk(), inference, 0, 1, group_size=2, turns=3)
    metrics = rollout_metrics(Columns(found), found.reward)
    assert {k: v for k, v in metrics.items() if k.startswith(("trunc", "turns"))} == {
        "truncated": 0.75,  # the second one's answer was cut, and right
        "truncated/response": 0.5,
        "truncated/turns": 0.5,
        "turns": pytest.approx((3 + 2 + 1 + 3) / 4),
    }


# Failures


@pytest.mark.parametrize("change", ["in place", "take back", "reword the policy"])
def test_what_the_policy_has_seen_or_said_stays_as_it_was(scripted, tokenizer, talk, change):
    """The record is what the policy saw; an environment that rewrites it would be judged by another conversation."""

    class RewritingEnv(talk):
        def respond(self, episode, action):
            super().respond(episode, action)
            if episode.turns < 2:
                return
            if change == "in place":
                episode.messages[0]["content"] = "another question"
            elif change == "take back":
                del episode.messages[:2]
            else:
                episode.messages[1] = {"role": "assistant", "content": "what it should have said"}

    inference = scripted(tokenizer, lambda turn, row: "no<eos>")
    (found,) = play(RewritingEnv(), inference, 0, turns=4)
    assert causes([found]) == [("error", [], True, False)]
    assert "changed messages that the policy has seen or said" in found.state["error_msg"]
    assert len(inference.shown) == 2


class BreakingEnv(TextEnv):
    """Breaks where and how the response says."""

    domain = "breaking"

    def make_source(self):
        return TaskList([Task.ask(f"q{i}", "a", id=str(i), domain="d") for i in range(3)])

    def open(self, task):
        if task.id == "2":
            raise LookupError("no such page")
        return super().open(task)

    def respond(self, episode, action):
        if action == "respond":
            raise ConnectionError("the tool is gone")
        super().respond(episode, action)

    def grade(self, task, response):
        if response == "grade":
            raise ConnectionError("the judge is gone")
        if response == "nan":
            return None
        return self.scored(response)

    @staticmethod
    def scored(response):
        from infinite_rl.rewards.score import RewardFunctionScore

        return RewardFunctionScore.scored(float(response == "a"))


def test_what_fails_is_invalid_and_spares_its_neighbours(scripted, tokenizer, caplog):
    said = ["a<eos>", "respond<eos>", "grade<eos>", "b<eos>"]
    found = play(BreakingEnv(), scripted(tokenizer, lambda turn, row: said[row]), 0, 2, group_size=4)
    assert causes(found[:4]) == [
        ("scored", [], False, True),
        ("error", [], True, False),
        ("error", [], True, False),
        ("scored", [], False, True),
    ]
    assert causes(found[4:]) == [("error", [], True, False)] * 4
    assert "LookupError: no such page" in found[4].state["error_msg"]
    assert len(found[4].token_ids) == 0
    metrics = rollout_metrics(Columns(found), found.reward)
    assert metrics["failures/error"] == 6
    assert metrics["reward"] == 0.5
    assert group_pass_rates(Columns(found), 4).isnan().tolist() == [False, True]


def test_each_cause_is_told_once(scripted, tokenizer, caplog):
    inference = scripted(tokenizer, lambda turn, row: ["a<eos>", "respond<eos>", "grade<eos>"][row % 3])
    rollouts = RolloutManager(BreakingEnv(), inference=inference)
    for _ in range(3):
        rollouts.collect(draws(0, 1), group_size=6)
    told = [record.getMessage() for record in caplog.records]
    assert sum("respond failed" in text for text in told) == 1
    assert sum("grading failed" in text for text in told) == 1
    assert sum("do not count" in text and "the tool is gone" in text for text in told) == 1
    assert "4 of 12 episodes do not count (error: respond raised ConnectionError: the tool is gone)" in told


def test_an_environment_that_breaks_for_all_at_once_breaks_no_rollout(scripted, tokenizer):
    class Env(BreakingEnv):
        def respond_all(self, episodes, actions):
            raise MemoryError("too many")

    found = play(Env(), scripted(tokenizer, lambda turn, row: "a<eos>"), 0, group_size=2)
    assert causes(found) == [("error", [], True, False)] * 2
    assert "MemoryError: too many" in found[0].state["error_msg"]


def test_messages_that_the_template_refuses_fail_their_own_episode(scripted, talk, tokenizer):
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'tool' and m.content == 'no 1.' and messages | length > 3 %}"
        "{{ raise_exception('I do not like it') }}{% endif %}{{ m.content }}{% endfor %}"
    )
    inference = scripted(tokenizer, lambda turn, row: ["no<eos>", "a0<eos>"][row])
    found = play(talk(), inference, 0, group_size=2)
    assert causes(found) == [("error", [], True, False), ("scored", [], False, True)]
    assert "I do not like it" in found[0].state["error_msg"]


def test_a_run_ends_after_so_many_steps_without_a_verdict(scripted, tokenizer):
    said = iter(["grade", "grade", "a", "grade", "grade", "grade", "a"])
    inference = scripted(tokenizer, lambda turn, row: f"{next(said)}<eos>")
    rollouts = RolloutManager(BreakingEnv(), RolloutConfig(patience=3), inference=inference)
    for _ in range(5):
        rollouts.collect(draws(0))
    with pytest.raises(RolloutError, match="the last 3 collections could be judged; 1 of the last 1 failed with error"):
        rollouts.collect(draws(0))


def test_a_step_in_which_everything_failed_changes_no_weight(tiny, tokenizer, scripted):
    inference = scripted(tokenizer, lambda turn, row: "grade<eos>")
    rollouts = RolloutManager(BreakingEnv(), inference=inference)
    backprop = BackpropModule(
        inference.model, None, torch.optim.SGD(inference.model.parameters(), lr=1.0), BackpropConfig(kl_coef=0.0)
    )
    algorithm = GRPOAlgorithm(rollouts.env, rollouts, RewardComputer(), backprop)
    before = {name: weight.clone() for name, weight in inference.model.state_dict().items()}
    metrics = algorithm.step(rollouts.collect(draws(0, 1), group_size=2))
    assert metrics["failures/error"] == 4
    for name, weight in inference.model.state_dict().items():
        assert torch.equal(weight, before[name])


# Deadlines


class SlowEnv(BreakingEnv):
    """Waits for a signal where the response is ``slow``."""

    def __init__(self):
        super().__init__()
        self.signal = threading.Event()

    def grade(self, task, response):
        if response == "slow":
            self.signal.wait(60)
        return self.scored(response)


def test_one_slow_grader_costs_its_own_episode_only(scripted, tokenizer):
    env = SlowEnv()
    inference = scripted(tokenizer, lambda turn, row: ["a<eos>", "slow<eos>", "b<eos>"][row])
    started = time.monotonic()
    found = play(env, inference, 0, group_size=3, deadline=0.5)
    assert time.monotonic() - started < 30
    env.signal.set()
    assert causes(found) == [
        ("scored", [], False, True),
        ("timeout", ["time"], True, False),
        ("scored", [], False, True),
    ]
    assert found[1].state["messages"][-1] == {"role": "assistant", "content": "slow"}
    assert rollout_metrics(Columns(found), found.reward)["failures/timeout"] == 1
    assert rollout_metrics(Columns(found), found.reward)["reward"] == 0.5


def test_a_deadline_changes_nothing_where_everybody_is_in_time(scripted, tokenizer, talk):
    def once(**config):
        inference = scripted(tokenizer, lambda turn, row: "no<eos>" if turn < 2 else f"a{row}<eos>")
        return play(talk(), inference, 0, 1, turns=3, **config)

    for one, other in zip(once(), once(deadline=60), strict=True):
        assert one.token_ids.tolist() == other.token_ids.tolist()
        assert one.state == other.state
        assert float(one.reward) == float(other.reward) == 1


# Filters


def test_filters_are_refused_for_training_and_serve_evaluation(tiny, tokenizer, quiz):
    inference = InferenceModule(tiny(tokenizer), tokenizer)
    config = RolloutConfig(token_filter=TokenFilter(top_k=1), max_new_tokens=4)
    rollouts = RolloutManager(quiz(), config, inference=inference)
    greedy = play(quiz(), inference, 0, group_size=1, temperature=0.0, max_new_tokens=4)
    found = rollouts.collect(draws(0), group_size=3)
    assert [t.token_ids.tolist() for t in found] == [greedy[0].token_ids.tolist()] * 3
    backprop = BackpropModule(inference.model, None, torch.optim.SGD(inference.model.parameters(), lr=1.0))
    with pytest.raises(ValueError, match="top_p, top_k and min_p are for evaluation"):
        GRPOAlgorithm(rollouts.env, rollouts, RewardComputer(), backprop)


# Tools


CHATML_TOOLS = (
    "{% if tools %}<|im_start|>system\n{{ tools | tojson }} <tool_call><|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.mark.parametrize("tool_format", ["native", "hermes", "named", "tagged"])
def test_tools_are_told_called_and_answered_in_every_format(scripted, chatml_tokenizer, tool_format):
    chatml_tokenizer.chat_template = CHATML_TOOLS
    call = {
        "named": '<tool name="calculator">2*21</tool>',
        "tagged": "<calculator>2*21</calculator>",
    }.get(tool_format, '<tool_call>{"name": "calculator", "arguments": {"expression": "2*21"}}</tool_call>')
    said = [f"{call}<|im_end|>", "<answer>42</answer><|im_end|>"]
    inference = scripted(chatml_tokenizer, lambda turn, row: said[turn])
    task = Task.ask("2*21?", "42", id="t", domain="arithmetic", grader="math")
    env = SelfVerificationEnv(TaskList([task]), tools=["calculator"], tool_format=tool_format)
    (found,) = play(env, inference, 0, max_length=2000)
    assert found.state["components"]["quality"] == 1
    assert found.state["components"]["calls"] == 1
    assert found.state["passed"]
    text = chatml_tokenizer.decode(found.token_ids)
    assert "Computes an arithmetic expression" in text
    assert text.count("\n42") == 1  # the result, once
    trained = chatml_tokenizer.decode(found.token_ids[found.action_mask])
    assert trained == "".join(said)
    assert found.turn[found.action_mask].unique().tolist() == [0, 1]
