"""Rollouts ahead of the trainer: nothing too old, nothing lost, nothing twice."""

import threading
import time
from collections import Counter

import pytest
import torch

from infinite_rl.agents.inference.continuous import ContinuousBackend
from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.rollouts.columns import Columns
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager
from infinite_rl.agents.rollouts.pipeline import BusyClock, Pipeline
from infinite_rl.agents.rollouts.source import Synchronous
from infinite_rl.buffers.tasks import TaskBuffer
from infinite_rl.envs.text_env import TextEnv

GROUP, QUOTA = 2, 3


@pytest.fixture
def pipeline(tiny, tokenizer, quiz):
    made = []

    def make(env=None, *, staleness=2, steps=100, **config):
        env = env or quiz()
        backend = ContinuousBackend(tiny(tokenizer), tokenizer, temperature=1.0)
        rollouts = RolloutManager(
            env,
            RolloutConfig(**{"max_new_tokens": 6, "max_length": 100} | config),
            inference=InferenceModule("a copy", tokenizer, backend),
        )
        made.append(Pipeline(tasks(), rollouts, group_size=GROUP, quota=QUOTA, staleness=staleness, steps=steps))
        return made[-1]

    yield make
    for one in made:
        one.close()


def tasks():
    return TaskBuffer(["even", "odd"] * 2, preset="uniform", group_size=GROUP)


def hold(pipeline, task, attempt=0):
    """Lets one group wait until the event is set that this returns."""
    play, go = pipeline.rollouts.play, threading.Event()

    def holding(draws, group_size):
        if (task, attempt) in names(draws):
            go.wait(30)
        return play(draws, group_size)

    pipeline.rollouts.play = holding
    return go


def steps_of(pipeline, weights, count, first=0):
    """So many steps; yields the draws and the trajectories of each."""
    for step in range(first, first + count):
        pipeline.begin(step)
        yield pipeline.take(QUOTA)
        pipeline.rollouts.inference.load(weights, version=step + 1)


def names(draws):
    return [(draw.task_index, draw.attempt) for draw in draws]


def all_draws(pipeline):
    """Task and attempt of everything that the curriculum has ever drawn, once each."""
    attempts = pipeline.tasks.state_dict()["attempts"].tolist()
    return Counter((index, attempt) for index, count in enumerate(attempts) for attempt in range(count))


def test_at_staleness_0_it_is_the_synchronous_source_bit_for_bit(pipeline, tiny, tokenizer, quiz):
    """Groups, their order, every token and log-prob, over steps with other weights."""
    ahead = pipeline(staleness=0)
    model = tiny(tokenizer)
    inference = InferenceModule(model, tokenizer)
    config = RolloutConfig(max_new_tokens=6, max_length=100)
    source = Synchronous(tasks(), RolloutManager(quiz(), config, inference=inference), group_size=GROUP)
    for step in range(3):
        weights = tiny(tokenizer, seed=step).state_dict()
        for one in (ahead, source):
            one.rollouts.inference.load(weights, version=step)
            one.begin(step)
        (draws, found), (expected_draws, expected) = ahead.take(QUOTA), source.take(QUOTA)
        assert draws == expected_draws
        assert len(ahead.groups) == 0
        for name in ("token_ids", "behaviour_logprob", "version", "group", "reward", "valid", "truncated"):
            for row, other in zip(found, expected, strict=True):
                assert torch.equal(getattr(row, name), getattr(other, name)), name
    assert ahead.tasks.state_dict()["attempts"].equal(source.tasks.state_dict()["attempts"])


@pytest.mark.parametrize("staleness", [1, 2, 5])
def test_no_token_is_older_than_allowed_and_every_draw_is_learnt_from_once(pipeline, tiny, tokenizer, staleness):
    ahead = pipeline(staleness=staleness, steps=12)
    weights = [tiny(tokenizer, seed=seed).state_dict() for seed in range(2)]
    learnt, oldest = [], 0
    for step in range(12):
        ahead.begin(step)
        draws, found = ahead.take(QUOTA)
        learnt += names(draws)
        assert found.group.tolist() == [0, 0, 1, 1, 2, 2]
        assert [t.state["task_index"] for t in found] == [index for index, _ in names(draws) for _ in range(GROUP)]
        age = step - Columns(found).sampled("version")
        assert int(age.min()) >= 0
        assert int(age.max()) <= staleness
        oldest = max(oldest, int(age.max()))
        ahead.rollouts.inference.load(weights[step % 2], version=step + 1)
    assert oldest > 0, "nothing was sampled ahead"
    assert Counter(learnt) == all_draws(ahead)
    assert not ahead.groups, "nothing is begun for steps that will not be"


def test_a_straggler_stalls_no_step_and_is_not_left_behind(pipeline, tiny, tokenizer):
    """It is passed over for as many steps as the bound allows beyond those that are run ahead."""
    ahead = pipeline(staleness=4)
    go = hold(ahead, task=1)
    weights = tiny(tokenizer).state_dict()
    seen = []
    for draws, _ in steps_of(ahead, weights, 3):
        seen += names(draws)
    assert (1, 0) not in seen
    threading.Timer(0.2, go.set).start()
    for draws, _ in steps_of(ahead, weights, 2, first=3):
        seen += names(draws)
    assert (1, 0) in seen


def test_other_rounds_of_a_step_may_take_any_number_of_groups(pipeline, tiny, tokenizer):
    ahead = pipeline(staleness=2)
    weights = tiny(tokenizer).state_dict()
    learnt = []
    for step in range(6):
        ahead.begin(step)
        for wanted in (QUOTA, 1, 2):
            draws, found = ahead.take(wanted)
            assert len(found) == wanted * GROUP
            learnt += names(draws)
        ahead.rollouts.inference.load(weights, version=step + 1)
    assert len(learnt) == len(set(learnt)) == 6 * 6


def test_what_was_drawn_comes_first_after_a_resume(pipeline, tiny, tokenizer):
    """Same curriculum, same pending draws: in all, every draw is learnt from once, and tokens are sampled anew."""
    whole = pipeline()
    weights = tiny(tokenizer).state_dict()
    learnt = [name for draws, _ in steps_of(whole, weights, 3) for name in names(draws)]
    saved, curriculum = whole.state_dict(), whole.tasks.state_dict()
    whole.close()
    resumed = pipeline()
    resumed.tasks.load_state_dict(curriculum)
    resumed.load_state_dict(saved)
    resumed.rollouts.inference.load(weights, version=3)
    resumed.begin(3)
    draws, _ = resumed.take(QUOTA)
    assert {*names(draws)} & {(index, attempt) for index, attempt, _ in saved["drawn"]}
    learnt += names(draws)
    resumed.rollouts.inference.load(weights, version=4)
    learnt += [name for draws, _ in steps_of(resumed, weights, 3, first=4) for name in names(draws)]
    rest = names([group.draw for group in resumed.groups])
    assert Counter(learnt + rest) == all_draws(resumed)


def test_a_synchronous_run_goes_on_with_what_an_asynchronous_one_had_drawn(pipeline, tiny, tokenizer, quiz):
    before = pipeline()
    (_,) = steps_of(before, tiny(tokenizer).state_dict(), 1)
    left = names([group.draw for group in before.groups])
    assert left
    inference = InferenceModule(tiny(tokenizer), tokenizer)
    rollouts = RolloutManager(quiz(), RolloutConfig(max_new_tokens=6), inference=inference)
    source = Synchronous(before.tasks, rollouts, group_size=GROUP)
    source.load_state_dict(before.state_dict())
    source.begin(1)
    draws, _ = source.take(QUOTA)
    assert names(draws)[: len(left)] == left
    assert len(draws) == QUOTA
    source.put_back()
    assert source.state_dict() == before.state_dict()


def test_a_step_that_is_left_puts_everything_back(pipeline, tiny, tokenizer):
    ahead = pipeline()
    weights = tiny(tokenizer).state_dict()
    (_,) = steps_of(ahead, weights, 1)
    ahead.begin(1)
    first, _ = ahead.take(QUOTA)
    ahead.put_back()
    ahead.begin(1)
    assert names(ahead.take(QUOTA)[0]) == names(first)


def test_who_is_left_while_tasks_are_drawn_draws_them_again(pipeline, monkeypatch):
    ahead = pipeline()
    draw = ahead.tasks.draw_here

    def leaving(count):
        draw(count)
        raise KeyboardInterrupt

    ahead.begin(0)
    with monkeypatch.context() as patch:
        patch.setattr(ahead.tasks, "draw_here", leaving)
        with pytest.raises(KeyboardInterrupt):
            ahead.take(QUOTA)
    ahead.put_back()
    assert ahead.tasks.state_dict()["attempts"].sum() == 0
    assert ahead.state_dict() == {"drawn": []}


def test_what_a_thread_raises_ends_the_step(pipeline, monkeypatch):
    ahead = pipeline()

    def broken(draws, group_size):
        raise ZeroDivisionError("in a thread")

    monkeypatch.setattr(ahead.rollouts, "play", broken)
    ahead.begin(0)
    with pytest.raises(ZeroDivisionError, match="in a thread"):
        ahead.take(QUOTA)


def test_no_thread_is_left_at_the_end(pipeline, quiz):
    """Not even those that sample for groups nobody will learn from."""
    before = {*threading.enumerate()}
    ahead = pipeline(max_new_tokens=60)
    ahead.begin(0)
    ahead.take(QUOTA)
    ahead.close()
    assert {*threading.enumerate()} <= before


def test_an_environment_that_hangs_does_not_hold_up_the_end(pipeline, monkeypatch):
    monkeypatch.setattr("infinite_rl.agents.rollouts.pipeline.FAREWELL_S", 0.05)
    ahead = pipeline()
    go = hold(ahead, task=0)
    ahead.begin(0)
    ahead.take(QUOTA)
    begun = time.monotonic()
    ahead.close()
    assert time.monotonic() - begun < 10
    go.set()


def test_no_more_groups_are_played_at_once_than_num_parallel_allows(pipeline, quiz):
    playing, most, lock = 0, 0, threading.Lock()
    env = quiz()
    advance = env.advance

    def counting(episodes, actions):
        nonlocal playing, most
        with lock:
            playing += len(episodes)
            most = max(most, playing)
        time.sleep(0.01)
        advance(episodes, actions)
        with lock:
            playing -= len(episodes)

    env.advance = counting
    ahead = pipeline(env, num_parallel=2 * GROUP)
    ahead.begin(0)
    ahead.take(QUOTA)
    assert most <= 2 * GROUP


def test_environments_that_ask_the_policy_themselves_are_refused(pipeline, quiz):
    ahead = pipeline()
    ahead.rollouts.env = object()
    with pytest.raises(ValueError, match="asks the policy itself"):
        Pipeline(ahead.tasks, ahead.rollouts, group_size=2, quota=1, staleness=1, steps=1)
    ahead.rollouts.env = TextEnv


def test_a_token_that_is_too_old_ends_the_run(pipeline):
    """Whatever sampled it: the promise is checked on what is learnt from."""
    ahead = pipeline(staleness=1)
    ahead.begin(0)
    ahead._begin(QUOTA)
    while ahead._choose(QUOTA) is None:
        time.sleep(0.01)
    for group in ahead.groups:
        group.version = 5
    ahead.rollouts.inference.version = 5
    with pytest.raises(RuntimeError, match="version 0 at version 5"):
        ahead.take(QUOTA)


def test_the_clock_tells_for_how_long_nobody_worked(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("infinite_rl.agents.rollouts.pipeline.time.monotonic", lambda: now[0])
    clock = BusyClock()
    for time_, what in ((1, clock.enter), (2, clock.enter), (3, clock.leave), (4, clock.leave)):
        now[0] = time_
        what()
    now[0] = 10.0
    assert clock.idle_share() == pytest.approx(0.7)
    now[0] = 20.0
    assert clock.idle_share() == 1.0
