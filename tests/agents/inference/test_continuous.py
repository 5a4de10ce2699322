"""Sampling for many threads: the tokens of each are its own, and new weights come between two tokens."""

import threading

import pytest
import torch

from infinite_rl.agents.inference.backend import BackendError
from infinite_rl.agents.inference.continuous import ContinuousBackend
from infinite_rl.agents.inference.huggingface import HuggingFaceBackend
from infinite_rl.agents.inference.sampling import Sample, stream_key
from infinite_rl.agents.inference.session import Session

PROMPTS = ["1+1=", "2+2=", "1+1=", "12+34="]


@pytest.fixture
def backend(tiny, tokenizer):
    made = []

    def make(**options):
        made.append(ContinuousBackend(tiny(tokenizer), tokenizer, **{"temperature": 1.0} | options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def ask(backend, tokenizer, texts=PROMPTS, limit=12, first=0):
    keys = [stream_key("continuous", first + i) for i in range(len(texts))]
    return backend.sample([tokenizer.encode(text) for text in texts], keys, max_new_tokens=limit, temperature=1.0)


def in_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    return thread, found


def test_one_call_is_sampled_bit_for_bit_as_without_threads(backend, tiny, tokenizer):
    expected = ask(HuggingFaceBackend(tiny(tokenizer), tokenizer), tokenizer)
    found = ask(backend(), tokenizer)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.token_ids, other.token_ids)
        assert torch.equal(one.logprobs, other.logprobs)
        assert one.truncated == other.truncated
        assert one.versions.tolist() == [0] * len(one.token_ids)


def test_calls_of_many_threads_get_what_they_would_get_alone(backend, tiny, tokenizer):
    alone = HuggingFaceBackend(tiny(tokenizer), tokenizer)
    shared = backend()
    threads = [in_thread(lambda k=k: ask(shared, tokenizer, limit=3 + 4 * k, first=10 * k)) for k in range(6)]
    for k, (thread, found) in enumerate(threads):
        thread.join(60)
        for one, other in zip(found[0], ask(alone, tokenizer, limit=3 + 4 * k, first=10 * k), strict=True):
            assert torch.equal(one.token_ids, other.token_ids)
            torch.testing.assert_close(one.logprobs, other.logprobs, rtol=1e-4, atol=1e-5)


def test_training_the_model_changes_nothing_until_weights_are_loaded(tiny, tokenizer, backend):
    shared = backend()
    before = ask(shared, tokenizer)
    other = tiny(tokenizer, seed=1).state_dict()
    shared.load(other, version=7)
    after = ask(shared, tokenizer)
    assert after[0].versions.tolist() == [7] * len(after[0].token_ids)
    assert any(not torch.equal(a.token_ids, b.token_ids) for a, b in zip(before, after, strict=True))
    expected = ask(HuggingFaceBackend(tiny(tokenizer, seed=1), tokenizer), tokenizer)
    assert [one.token_ids.tolist() for one in after] == [one.token_ids.tolist() for one in expected]


def test_new_weights_come_in_the_midst_of_a_response(tiny, tokenizer, backend, monkeypatch):
    """The first tokens are those of the old weights, the others carry the new version; nothing is sampled again."""
    shared = backend()
    shared.end_ids[:] = [10_000]  # nothing ends but by its limit
    shared._stream._end_ids = frozenset()
    shared._stream.ends = torch.tensor([10_000])
    reached, go_on = threading.Event(), threading.Event()
    advance = shared._stream.advance

    def halting():
        advance()
        if shared._stream.rows is not None and len(shared._stream._rows) and not go_on.is_set():
            reached.set()
            go_on.wait(30)

    monkeypatch.setattr(shared._stream, "advance", halting)
    thread, found = in_thread(lambda: ask(shared, tokenizer, limit=20))
    assert reached.wait(30)
    loading, _ = in_thread(lambda: shared.load(tiny(tokenizer, seed=1).state_dict(), version=3))
    go_on.set()
    loading.join(30)
    thread.join(30)
    for sample in found[0]:
        assert sample.versions.tolist() == sorted(sample.versions.tolist())
        assert set(sample.versions.tolist()) == {0, 3}
        assert len(sample.token_ids) == 20
    old = HuggingFaceBackend(tiny(tokenizer), tokenizer)
    old.end_ids = [10_000]
    for sample, whole in zip(found[0], ask(old, tokenizer, limit=20), strict=True):
        count = sample.versions.tolist().count(0)
        assert torch.equal(sample.token_ids[:count], whole.token_ids[:count])


def test_the_record_keeps_the_version_of_each_token(tokenizer):
    session = Session(tokenizer, key=0)
    session.observe([{"role": "user", "content": "1+1="}])
    prompt = len(session.token_ids)
    session.record(Sample(torch.tensor([5, 6, 7]), torch.zeros(3), False, versions=torch.tensor([2, 2, 3])), version=9)
    session.record(Sample(torch.tensor([5]), torch.zeros(1), False), version=9)
    assert session.versions == [-1] * prompt + [2, 2, 3, 9]


def test_what_breaks_is_told_to_whoever_waits(backend, tokenizer):
    shared = backend()
    with torch.no_grad():
        next(shared.model.parameters()).fill_(float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        ask(shared, tokenizer)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        shared.load({"x": torch.zeros(1)}, version=1)
    with pytest.raises(BackendError, match="nothing is sampled any more"):
        ask(shared, tokenizer)


def test_another_temperature_is_refused(backend, tokenizer):
    with pytest.raises(ValueError, match=r"temperature 0.5"):
        ask(backend(temperature=0.5), tokenizer)


def test_closing_ends_the_calls_under_way_and_the_thread(backend, tokenizer, monkeypatch):
    shared = backend()
    monkeypatch.setattr(shared._stream, "advance", lambda: None)  # the rows never end
    errors = []

    def waiting():
        try:
            ask(shared, tokenizer)
        except BackendError as error:
            errors.append(str(error))

    thread, _ = in_thread(waiting)
    while shared._thread is None:
        pass
    shared.close()
    thread.join(30)
    assert errors == ["sampling was stopped"]
    assert not shared._thread.is_alive()
    shared.close()
