"""Several vLLM servers as one engine: load, failures, new weights while requests are under way."""

import sys
import threading
import time
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from vllm_api import Engine, Server

from infinite_rl.agents.inference.backend import BackendError
from infinite_rl.agents.inference.huggingface import HuggingFaceBackend
from infinite_rl.agents.inference.replicas import MOST_TRIES
from infinite_rl.agents.inference.vllm import VLLMBackend
from infinite_rl.runtimes.endpoint import EndpointError, UnreachableError

PROMPT = [5, 6, 7]
QUICK = {"check_every": 0.05, "health_timeout": 0.5, "patience": 5}


@pytest.fixture
def pair(tiny, tokenizer):
    """Two servers of the same model."""
    servers = [Server(Engine(tiny(tokenizer), tokenizer)) for _ in range(2)]
    yield servers
    for server in servers:
        server.kill()


@pytest.fixture
def backend(pair, tokenizer):
    """Makes a backend on both servers that looks after them often."""
    made = []

    def make(**options):
        urls = [server.url for server in pair]
        made.append(VLLMBackend(None, tokenizer, base_url=urls, **(QUICK | options)))
        return made[-1]

    yield make
    for one in made:
        one.engine.close()


def sample(backend, count=8, tokens=6, prompt=PROMPT):
    return backend.sample([prompt] * count, range(count), max_new_tokens=tokens, temperature=1.0)


def ids(samples):
    return [one.token_ids.tolist() for one in samples]


def wait_until(holds, seconds=60.0):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to pass"
        time.sleep(0.01)


def in_use(backend):
    return sum(replica.problem is None for replica in backend.engine.replicas)


def in_thread(run):
    found = []
    thread = threading.Thread(target=lambda: found.append(run()))
    thread.start()
    return thread, found


def test_a_request_goes_to_the_server_that_has_least_to_do(backend, pair):
    for server in pair:
        server.engine.seconds_a_token = 0.02
    backend().sample([[5, i] for i in range(8)], range(8), max_new_tokens=4, temperature=1.0)
    assert [len(server.engine.requests) for server in pair] == [4, 4]


def test_members_of_a_group_go_where_their_prompt_is_known_but_not_all_of_them(backend, pair):
    for server in pair:
        server.engine.seconds_a_token = 0.02
    one = backend()
    sample(one, count=4)
    assert sorted(len(server.engine.requests) for server in pair) == [0, 4]
    sample(one, count=16)
    assert all(server.engine.requests for server in pair)


def test_a_server_gets_no_more_requests_at_once_than_it_is_to_hold(backend, pair):
    for server in pair:
        server.engine.seconds_a_token = 0.01
    assert len(sample(backend(concurrency=2), count=12)) == 12
    assert [server.engine.most_running for server in pair] == [2, 2]


def test_servers_may_be_named_in_one_text(pair, tokenizer):
    backend = VLLMBackend(None, tokenizer, base_url=", ".join(server.url for server in pair))
    assert len(backend.engine.replicas) == 2
    backend.engine.close()


@pytest.mark.parametrize("failure", ["killed", "broken", "hangs"])
def test_what_a_dead_server_held_is_sampled_by_the_others_as_it_would_have_been(backend, pair, failure):
    expected = ids(sample(backend(), count=12))
    for server in pair:
        server.engine.seconds_a_token = 0.05
    one = backend(concurrency=4)
    thread, found = in_thread(lambda: sample(one, count=12))
    wait_until(lambda: pair[0].engine.decoding)
    if failure == "killed":
        pair[0].kill()
    elif failure == "broken":
        pair[0].engine.refusing = 500
    else:  # it takes requests, but neither they nor its health are answered any more
        pair[0].engine.answer = lambda *_: threading.Event().wait(20)
    thread.join(20)
    assert ids(found[0]) == expected


def test_a_server_that_breaks_is_asked_again_once_it_is_healthy(backend, pair):
    one = backend()
    pair[0].engine.refusing = 500
    sample(one, count=12)
    pair[0].engine.refusing = None
    wait_until(lambda: in_use(one) == 2)


def test_a_server_that_was_started_anew_gets_the_latest_weights_before_any_request(backend, pair, tiny, tokenizer):
    new = tiny(tokenizer, seed=1)
    one = backend()
    one.load(new.state_dict(), version=3)
    expected = ids(sample(one))
    pair[0].kill()
    wait_until(lambda: in_use(one) == 1)
    pair[0].engine = Engine(tiny(tokenizer), tokenizer)
    pair[0].start()
    wait_until(lambda: in_use(one) == 2)
    assert pair[0].engine.label == pair[1].engine.label
    pair[1].kill()
    assert ids(sample(one)) == expected
    assert [one.versions.tolist() for one in sample(one, count=1)] == [[3] * len(expected[0])]


def test_a_server_that_was_started_anew_unseen_is_found_out_by_the_label_of_its_weights(backend, pair, tiny, tokenizer):
    one = backend()
    one.load(tiny(tokenizer, seed=1).state_dict(), version=1)
    fresh = Engine(tiny(tokenizer), tokenizer)
    pair[0].engine = fresh
    wait_until(lambda: fresh.label == pair[1].engine.label)
    torch.testing.assert_close(fresh.model.state_dict(), tiny(tokenizer, seed=1).state_dict())


def test_closing_breaks_off_requests_that_hang_and_nothing_keeps_the_process(backend, pair):
    one = backend()
    for server in pair:
        server.engine.seconds_a_token = 30.0
    raised = []

    def ask():
        try:
            sample(one)
        except (EndpointError, BackendError) as error:
            raised.append(error)

    before = set(threading.enumerate())
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    wait_until(lambda: sum(server.engine.decoding for server in pair) == 8)
    ours = [thread for thread in threading.enumerate() if thread not in before and thread.name == "request"]
    assert len(ours) == 8
    assert all(thread.daemon for thread in ours)
    one.close()
    asking.join(5)
    assert len(raised) == 1
    wait_until(lambda: not any(thread.is_alive() for thread in ours))
    with pytest.raises(BackendError, match="was closed"):
        sample(one)


def test_a_server_that_hangs_while_it_comes_back_holds_nobody_up(backend, pair, tiny, tokenizer):
    one = backend()
    one.load(tiny(tokenizer).state_dict(), version=0)
    pair[0].engine.health = 503
    wait_until(lambda: in_use(one) == 1)
    one.load(tiny(tokenizer).state_dict(), version=1)
    stuck, reload = threading.Event(), pair[0].engine.reload
    pair[0].engine.reload = lambda folder: stuck.set() or threading.Event().wait(20)
    pair[0].engine.health = 200
    assert stuck.wait(60)
    thread, found = in_thread(lambda: (one.load(tiny(tokenizer, seed=1).state_dict(), version=2), sample(one)))
    thread.join(15)
    assert {version for row in found[0][1] for version in row.versions.tolist()} == {2}
    pair[0].engine.health, pair[0].engine.reload = 503, reload
    time.sleep(0.2)
    pair[0].engine.health = 200
    wait_until(lambda: in_use(one) == 2)
    torch.testing.assert_close(pair[0].engine.model.state_dict(), tiny(tokenizer, seed=1).state_dict())


def test_a_server_that_is_too_slow_to_catch_up_gets_its_weights_with_the_next_load(backend, pair, tiny, tokenizer):
    one = backend()
    pair[0].engine.health = 503
    wait_until(lambda: in_use(one) == 1)
    one.load(tiny(tokenizer).state_dict(), version=1)
    began, reload = threading.Event(), pair[0].engine.reload

    def slow(folder):
        began.set()
        time.sleep(0.3)

    pair[0].engine.reload, pair[0].engine.health = slow, 200
    assert began.wait(60)
    one.load(tiny(tokenizer).state_dict(), version=2)
    wait_until(lambda: one.engine.replicas[0].returning)
    pair[0].engine.reload = reload
    assert in_use(one) == 1
    one.load(tiny(tokenizer, seed=1).state_dict(), version=3)
    assert in_use(one) == 2
    torch.testing.assert_close(pair[0].engine.model.state_dict(), tiny(tokenizer, seed=1).state_dict())


@pytest.mark.parametrize("method", ["sample", "refuse", "score"])
def test_what_a_server_that_was_started_anew_unseen_answers_is_not_taken(backend, pair, tiny, tokenizer, method):
    new = tiny(tokenizer, seed=1)
    one = backend(check_every=60)  # nobody looks
    one.load(new.state_dict(), version=1)
    fresh = pair[0].engine = Engine(tiny(tokenizer), tokenizer)
    if method == "refuse":  # it does not know the adapters
        fresh.refusing = 404
    trained = HuggingFaceBackend(new, tokenizer)
    if method == "score":
        scorers = one.engine.scorers()
        assert scorers.pop(pair[1].url.removesuffix("/v1"))([5, 6, 7])
        (scorer,) = scorers.values()
        with pytest.raises(UnreachableError, match="started anew"):
            scorer([5, 6, 7])
        return
    for row in sample(one, count=12):
        torch.testing.assert_close(row.logprobs, trained.logprobs(PROMPT, row.token_ids.tolist()), atol=1e-4, rtol=1e-4)
    assert in_use(one) == 1


@pytest.mark.parametrize("failure", ["away", "breaks off"])
def test_a_server_that_missed_a_load_gets_its_weights_even_if_the_version_is_the_same(
    backend, pair, tiny, tokenizer, failure
):
    one = backend()
    one.load(tiny(tokenizer).state_dict(), version=0)
    reload = pair[0].engine.reload

    def break_off(folder):
        reload(folder)
        pair[0].engine.reload = reload
        raise OSError("after a part of the weights")

    if failure == "away":
        pair[0].engine.health = 503
        wait_until(lambda: in_use(one) == 1)
    else:
        pair[0].engine.reload = break_off
    one.load(tiny(tokenizer, seed=1).state_dict(), version=0)
    pair[0].engine.health = 200
    wait_until(lambda: in_use(one) == 2)
    assert pair[0].engine.label == pair[1].engine.label
    assert pair[0].engine.resets == 2
    torch.testing.assert_close(pair[0].engine.model.state_dict(), tiny(tokenizer, seed=1).state_dict())


def test_servers_that_keep_no_labels_get_the_weights_again_whenever_they_come_back(backend, pair, tiny, tokenizer):
    for server in pair:
        answer = server.engine.answer
        server.engine.answer = lambda method, path, request, answer=answer: (
            (404, {}) if "weight_" in path else answer(method, path, request)
        )
    one = backend()
    one.load(tiny(tokenizer, seed=1).state_dict(), version=1)
    pair[0].engine.refusing = 503
    sample(one, count=12)
    pair[0].engine.refusing = None
    wait_until(lambda: in_use(one) == 2)
    assert pair[0].engine.resets >= 2


def test_a_server_that_dies_while_it_takes_weights_is_left_out_and_the_others_go_on(backend, pair, tiny, tokenizer):
    one = backend()
    pair[0].kill()
    one.load(tiny(tokenizer, seed=1).state_dict(), version=1)
    assert in_use(one) == 1
    assert {version for sampled in sample(one) for version in sampled.versions.tolist()} == {1}


def test_with_all_servers_dead_the_run_ends_after_a_while_and_says_why(backend, pair):
    one = backend(patience=0.3)
    for server in pair:
        server.kill()
    with pytest.raises(UnreachableError, match=r"no vLLM server answered for 0.3 s: .*refused.*; .*refused"):
        sample(one)


def test_a_dead_fleet_that_comes_back_in_time_is_waited_for(backend, pair):
    one = backend()
    expected = ids(sample(one))
    for server in pair:
        server.kill()
    thread, found = in_thread(lambda: sample(one))
    wait_until(lambda: in_use(one) == 0)
    pair[1].start()
    thread.join(10)
    assert ids(found[0]) == expected


def test_what_a_server_refuses_is_not_asked_of_the_next_one(backend, pair):
    for server in pair:
        server.engine.refusing = 400
    with pytest.raises(EndpointError, match="answered 400"):
        sample(backend(), count=1)
    assert sum(server.engine.calls.count("/v1/completions") for server in pair) == 1


def test_a_request_that_breaks_every_server_ends_the_run(backend, pair):
    for server in pair:
        server.engine.refusing = 500
    with pytest.raises(UnreachableError, match="answered 500"):
        sample(backend(patience=0.2), count=1)


def test_a_server_that_is_busy_for_a_while_is_waited_for_however_often_it_says_so(backend, pair):
    one = backend(check_every=0.01)
    for server in pair:
        server.engine.refusing = 503
    thread, found = in_thread(lambda: sample(one, count=1))
    wait_until(lambda: sum(server.engine.calls.count("/v1/completions") for server in pair) > 3 * MOST_TRIES)
    for server in pair:
        server.engine.refusing = None
    thread.join(5)
    assert len(found[0]) == 1


def test_aborted_requests_go_on_with_the_new_weights_and_each_token_tells_its_own(backend, pair, tiny, tokenizer):
    old, new = tiny(tokenizer), tiny(tokenizer, seed=1)
    one = backend()
    one.load(old.state_dict(), version=1)
    for server in pair:
        server.engine.seconds_a_token = 1.0
    thread, found = in_thread(lambda: sample(one, count=6, tokens=12))
    wait_until(lambda: sum(server.engine.decoding for server in pair) == 6)
    for server in pair:
        server.engine.seconds_a_token = 0.0
    one.load(new.state_dict(), version=2)
    thread.join(20)
    models = {1: HuggingFaceBackend(old, tokenizer), 2: HuggingFaceBackend(new, tokenizer)}
    mixed = [one for one in found[0] if set(one.versions.tolist()) == {1, 2}]
    assert mixed, [row.versions.tolist() for row in found[0]]
    for row in found[0]:
        assert row.versions.tolist() == sorted(row.versions.tolist())
        tokens = row.token_ids.tolist()
        scores = {version: model.logprobs(PROMPT, tokens) for version, model in models.items()}
        expected = torch.stack([scores[version][place] for place, version in enumerate(row.versions.tolist())])
        torch.testing.assert_close(row.logprobs, expected, atol=1e-4, rtol=1e-4)
        assert row.truncated == (len(tokens) == 12 and tokens[-1] not in one.end_ids)


def test_requests_may_be_finished_before_new_weights_come(backend, pair, tiny, tokenizer):
    one = backend(in_flight="wait")
    for server in pair:
        server.engine.seconds_a_token = 0.02
    thread, found = in_thread(lambda: sample(one, tokens=20))
    wait_until(lambda: all(server.engine.running for server in pair))
    one.load(tiny(tokenizer, seed=1).state_dict(), version=2)
    thread.join(20)
    assert {version for row in found[0] for version in row.versions.tolist()} == {0}
    assert not any("/pause" in server.engine.calls for server in pair)


def test_no_request_is_sent_while_weights_are_on_their_way(backend, pair, tiny, tokenizer):
    one = backend()
    arrived, go_on = threading.Event(), threading.Event()
    reload = pair[0].engine.reload

    def slow(folder):
        arrived.set()
        assert go_on.wait(60)
        reload(folder)

    pair[0].engine.reload = slow
    loading, _ = in_thread(lambda: one.load(tiny(tokenizer, seed=1).state_dict(), version=1))
    assert arrived.wait(60)
    sampling, found = in_thread(lambda: sample(one))
    time.sleep(0.2)
    assert not any(server.engine.requests for server in pair), "the other server has the new weights already"
    go_on.set()
    loading.join(60)
    sampling.join(60)
    assert {version for row in found[0] for version in row.versions.tolist()} == {1}


def test_a_prefix_cache_that_is_not_emptied_is_an_error(backend, pair, tiny, tokenizer):
    pair[0].engine.running = 1  # a request of somebody else's
    with pytest.raises(EndpointError, match="kept its prefix cache"):
        backend().load(tiny(tokenizer).state_dict(), version=1)


def test_a_server_that_a_killed_trainer_left_paused_goes_on(backend, pair, tiny, tokenizer):
    for server in pair:
        server.engine.answer("POST", "/pause?mode=abort", {})
    one = backend()
    one.load(tiny(tokenizer, seed=1).state_dict(), version=1)
    thread, found = in_thread(lambda: sample(one))
    thread.join(5)
    assert len(found[0]) == 8


def test_where_one_server_refuses_the_weights_the_others_are_not_left_paused(backend, pair, tiny, tokenizer):
    one = backend()
    for server in pair:
        server.engine.seconds_a_token = 0.2
    thread, _ = in_thread(lambda: sample(one, tokens=20))
    wait_until(lambda: all(server.engine.decoding for server in pair))
    for server in pair:
        server.engine.seconds_a_token = 0.0
    answer = pair[0].engine.answer
    pair[0].engine.answer = lambda method, path, request: (
        (400, {}) if "collective" in path else answer(method, path, request)
    )
    with pytest.raises(EndpointError, match="answered 400"):
        one.load(tiny(tokenizer, seed=1).state_dict(), version=1)
    assert pair[1].engine.awake.is_set()
    thread.join(10)


def test_each_turn_of_an_episode_draws_random_numbers_of_its_own(backend, pair):
    one = backend()
    for prompt in (PROMPT, [*PROMPT, 8]):
        one.sample([prompt], [1], max_new_tokens=2, temperature=1.0)
    first, second = (request["seed"] for server in pair for request in server.engine.requests)
    assert first != second


@pytest.mark.parametrize(
    "options", [{"concurrency": 0}, {"in_flight": "keep"}, {"transfer": "pigeon"}, {"base_url": []}]
)
def test_options_that_make_no_sense_are_refused(tokenizer, options):
    with pytest.raises(ValueError, match=r"must be|no "):
        VLLMBackend("m", tokenizer, **({"base_url": "http://127.0.0.1:1"} | options))
