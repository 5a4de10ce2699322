"""Environments that ask the policy themselves: their episodes, the record of their tokens, and what goes wrong."""

import threading
import time

import pytest
import torch

from infinite_rl.agents.environments.base import BaseEnvironment
from infinite_rl.agents.environments.state import State
from infinite_rl.agents.environments.text import SimpleTextEnvironment
from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.rollouts.failures import RolloutError
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager

PROMPTS = ["1+1=", "say b:", "2*3=", "c"]


class Pasted(BaseEnvironment):
    """As people write them: two steps, and text put together by hand."""

    def reset(self):
        return State(prompt=PROMPTS[self.np_random.integers(4)])

    def step(self, state):
        response = self.inference.generate([self.build_prompt(state)])[0]
        return self.update_state(state, response)

    def is_terminal(self, state):
        return state.step_count >= 2

    def build_prompt(self, state):
        return state.prompt + "".join(state.history)

    def update_state(self, state, response):
        state.response = response
        state.history.append(response + ";")
        state.step_count += 1
        return state


@pytest.fixture
def inference(tiny, tokenizer):
    return InferenceModule(tiny(tokenizer), tokenizer)


def collect(env, count=12, *, group_size=1, max_steps=None, **config):
    config = {"max_new_tokens": 5, "num_parallel": 16} | config
    return RolloutManager(env, RolloutConfig(**config)).collect_rollouts(count, max_steps, group_size=group_size)


def rows(trajectories):
    """What does not depend on how trajectories were batched, but for rounding."""
    return [
        (row.token_ids.tolist(), row.action_mask.tolist(), row.version.tolist(), row.prompt, row.response)
        for row in trajectories
    ]


def test_the_author_sees_text_and_the_trainer_sees_the_sampled_tokens(inference):
    trajectories = collect(Pasted(inference))
    assert len(trajectories) == 12
    for row in trajectories:
        assert row.valid
        assert row.state.step_count == 2  # the author's own state
        said = inference.decode([row.token_ids[row.action_mask]])[0]
        assert said.replace(";", "") == "".join(row.state.history).replace(";", "")
        # The log-probs are those of the recorded tokens, whatever text the author made of them.
        first = row.state["segments"][0]
        ids, mask = row.token_ids[:first], row.action_mask[:first]
        logits = inference.model(ids[None]).logits[0, :-1].float()
        expected = torch.log_softmax(logits, -1).gather(-1, ids[1:, None]).squeeze(-1)[mask[1:]]
        torch.testing.assert_close(row.behaviour_logprob[:first][mask], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("refill", [False, True])
def test_results_do_not_depend_on_how_many_are_played_at_once(inference, refill):
    expected = collect(Pasted(inference), num_parallel=1)
    for parallel in (3, 16):
        found = collect(Pasted(inference), num_parallel=parallel, maintain_parallel_count=refill)
        assert rows(found) == rows(expected)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one.behaviour_logprob, other.behaviour_logprob, rtol=1e-4, atol=1e-4)


def test_results_do_not_depend_on_who_is_slow(inference):
    class Slow(Pasted):
        def step(self, state):
            time.sleep(0.02 * len(state.prompt))
            return super().step(state)

    assert rows(collect(Slow(inference), 6)) == rows(collect(Pasted(inference), 6))


def test_concurrent_calls_are_answered_in_batches(inference):
    sizes = []
    sample = inference.backend.sample

    def counting(prompts, keys, **options):
        sizes.append(len(prompts))
        return sample(prompts, keys, **options)

    inference.backend.sample = counting
    collect(Pasted(inference), 8)
    assert sizes == [8, 8]


def test_a_group_begins_with_copies_of_one_state(inference):
    trajectories = collect(Pasted(inference), 8, group_size=4)
    for group in range(2):
        members = [row for row in trajectories if int(row.group) == group]
        assert len({row.prompt for row in members}) == 1
        assert len({tuple(row.token_ids.tolist()) for row in members}) > 1
        assert len({id(row.state["final"]) for row in members}) == 4


def test_another_seed_gives_other_episodes(inference):
    assert rows(collect(Pasted(inference), seed=1)) != rows(collect(Pasted(inference), seed=2))


def test_each_prompt_of_a_list_and_each_call_is_recorded(inference):
    class Several(Pasted):
        def step(self, state):
            first, second = self.inference.generate(["a:", "bb:"], max_new_tokens=3)
            third = self.inference.generate(["cc:" + first.upper()], max_new_tokens=2)[0]
            state.history += [first, second, third]
            state.step_count = 2
            return state

    (row,) = collect(Several(inference), 1)
    assert len(row.state["segments"]) == 3
    starts = [0, *torch.tensor(row.state["segments"]).cumsum(0).tolist()]
    for place, (prompt, text) in enumerate(zip(["a:", "bb:", "cc:"], row.state.history, strict=True)):
        part = slice(starts[place], starts[place + 1])
        ids, mask = row.token_ids[part], row.action_mask[part]
        assert inference.decode([ids])[0].startswith(prompt)
        assert ids[mask].tolist() == text.sample.token_ids.tolist()
        assert not mask[: len(prompt)].any()


def test_equal_prompts_of_one_list_draw_from_different_streams(inference):
    class Twins(Pasted):
        def step(self, state):
            state.history += self.inference.generate(["abc"] * 4, max_new_tokens=8)
            state.step_count = 2
            return state

    (row,) = collect(Twins(inference), 1)
    assert len(set(row.state.history)) > 1


def test_one_failing_episode_fails_alone(inference, caplog):
    class Breaks(SimpleTextEnvironment):
        def update_state(self, state, response):
            if state.prompt == "bad":
                raise KeyError("lost")
            return super().update_state(state, response)

    trajectories = collect(Breaks(inference, ["good", "bad"]), 16)
    bad = [row.prompt == "bad" for row in trajectories]
    assert 0 < sum(bad) < 16
    assert trajectories.valid.tolist() == [not one for one in bad]
    assert all(row.state["status"] == "error" for row, one in zip(trajectories, bad, strict=True) if one)
    assert "KeyError" in caplog.text


def test_if_all_fail_the_first_failure_is_raised(inference):
    class Broken(Pasted):
        def step(self, state):
            raise KeyError("typo")

    with pytest.raises(RolloutError, match="every episode failed, the first by KeyError") as caught:
        collect(Broken(inference))
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("method", ["reset", "step"])
def test_a_method_that_forgets_to_return_its_state_is_named(inference, method):
    env = type("Forgets", (Pasted,), {method: lambda self, *state: None})(inference)
    with pytest.raises(RuntimeError, match=f"Forgets.{method} returned None"):
        collect(env, 2)


def test_an_environment_that_never_asks_is_named(inference):
    class Silent(Pasted):
        def step(self, state):
            state.step_count += 1
            return state

    with pytest.raises(RuntimeError, match="an episode that never called"):
        collect(Silent(inference), 2)


def test_a_hanging_episode_is_given_up_and_the_others_go_on(inference):
    released = threading.Event()

    class Hangs(SimpleTextEnvironment):
        def update_state(self, state, response):
            if state.prompt == "hang":
                released.wait(60)
            return super().update_state(state, response)

    trajectories = collect(Hangs(inference, ["fine", "hang"]), 8, deadline=1.0)
    released.set()
    hangs = [row.prompt == "hang" for row in trajectories]
    assert 0 < sum(hangs) < 8
    assert trajectories.valid.tolist() == [not one for one in hangs]
    assert ["time" in row.state["limits"] for row in trajectories] == hangs


def assert_ended_by_ctrl_c(env):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    env.inference.backend.sample = interrupt
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        collect(env)
    until = time.monotonic() + 30
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() == before
    assert not env.inference.playing


def test_ctrl_c_ends_all_programs(inference):
    assert_ended_by_ctrl_c(Pasted(inference))


def test_authors_cannot_swallow_the_end_of_their_episode(inference):
    class Swallows(Pasted):
        def step(self, state):
            try:
                return super().step(state)
            except Exception:
                return self.step(state)

    assert_ended_by_ctrl_c(Swallows(inference))


def test_a_call_from_another_thread_is_refused(inference):
    class Threads(Pasted):
        def step(self, state):
            caught = []

            def call():
                try:
                    self.inference.generate(["x"])
                except RuntimeError as error:
                    caught.append(error)

            worker = threading.Thread(target=call)
            worker.start()
            worker.join()
            raise caught[0]

    with pytest.raises(RuntimeError, match="in a thread that an environment started"):
        collect(Threads(inference), 1)


def test_another_module_answers_for_itself(inference, tiny, tokenizer):
    judge = InferenceModule(tiny(tokenizer, seed=1), tokenizer)

    class Judged(Pasted):
        def update_state(self, state, response):
            state.metadata["verdict"] = str(judge.generate(["good?"], 3, temperature=0.0)[0])
            return super().update_state(state, response)

    trajectories = collect(Judged(inference), 3)
    assert {row.state.metadata["verdict"] for row in trajectories} == {judge.generate(["good?"], 3, 0.0)[0]}
    assert rows(trajectories) == rows(collect(Pasted(inference), 3))


def test_a_temperature_that_training_would_not_know_is_refused(inference):
    class Greedy(Pasted):
        def step(self, state):
            return self.update_state(state, self.inference.generate(["x"], temperature=0.0)[0])

    with pytest.raises(RuntimeError, match="but responses are trained as sampled at"):
        collect(Greedy(inference), 1)


def test_the_limit_of_steps_truncates(inference):
    trajectories = collect(Pasted(inference), 3, max_steps=1)
    assert trajectories.truncated.all()
    assert all("turns" in row.state["limits"] for row in trajectories)


def test_a_manager_needs_the_environment_s_policy(inference, tiny, tokenizer):
    with pytest.raises(ValueError, match="there is no policy"):
        RolloutManager(Pasted())
    with pytest.raises(ValueError, match="another inference module"):
        RolloutManager(Pasted(inference), inference=InferenceModule(tiny(tokenizer), tokenizer))
    env = Pasted()
    assert RolloutManager(env, inference=inference, num_parallel=3).config.num_parallel == 3
    assert env.inference is inference


def test_statistics_count_sampled_tokens(inference):
    manager = RolloutManager(SimpleTextEnvironment(inference, ["ab"]), RolloutConfig(max_new_tokens=3))
    trajectories = manager.collect_rollouts(min_trajectories=4, max_steps_per_rollout=50)
    mean = sum(int(row.action_mask.sum()) for row in trajectories) / 4
    assert manager.get_statistics()["avg_trajectory_length"] == pytest.approx(mean)


def test_progress_and_a_summary_are_shown_where_asked_for(inference, capsys):
    collect(SimpleTextEnvironment(inference, ["ab"]), 4, verbose=True, enable_progress_bar=True)
    shown = capsys.readouterr().out
    assert "4 episodes, 0 failed" in shown
    assert "4/4" in shown
    collect(SimpleTextEnvironment(inference, ["ab"]), 4)
    assert not capsys.readouterr().out


def test_a_full_context_truncates_and_says_so(inference):
    trajectories = collect(SimpleTextEnvironment(inference, ["ab"], max_steps=50), 4, max_length=12)
    cut = [row for row in trajectories if "context" in row.state["limits"]]
    assert cut
    for row in cut:
        assert row.valid
        assert row.truncated
        assert row.state.step_count >= 1  # what was done before stays
        assert max(row.state["segments"]) <= 12


def test_a_prompt_that_leaves_no_room_at_all_is_a_failure(inference):
    with pytest.raises(RolloutError, match="a prompt of 20 tokens fills the context"):
        collect(SimpleTextEnvironment(inference, ["a" * 20]), 2, max_length=20)
