"""The real client against a server on this machine."""

import asyncio
import gzip
import json
import sys
import time
from email.utils import formatdate
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from gemini_server import MISBEHAVIOURS, Said, error, good, serving

from infinite_rl.datasets.generation.gemini import CallError, Gemini, Tokens, _without_user


def ask(server, text="Task type: math", *, timeout=60.0, **options):
    async def call():
        async with Gemini("some-model", api_key="secret-123", base_url=server.url, timeout=timeout) as gemini:
            return await gemini.ask(text, system="Be good.", seed=7, **options)

    return asyncio.run(call())


def failure(says, **options):
    with serving(says) as server, pytest.raises(CallError) as caught:
        ask(server, **options)
    assert len(server.calls) == 1, "the library may not try again by itself"
    return caught.value


def test_a_call_carries_model_key_system_and_seed_and_brings_text_and_tokens():
    with serving() as server:
        reply = ask(server)
    assert "[PROMPT]" in reply.text
    assert reply.tokens == Tokens(100, 60)  # thinking is paid as a reply
    call = server.calls[0]
    assert (call.model, call.key, call.system, call.seed) == ("some-model", "secret-123", "Be good.", 7)


@pytest.mark.parametrize("name", sorted(MISBEHAVIOURS.keys() - {"format", "quality", "drip"}))
def test_each_misbehaviour_is_told_apart(name):
    found = failure(MISBEHAVIOURS[name], timeout=1.0 if name == "timeout" else 60.0)
    assert found.reason == name
    assert not found.final


def test_a_reply_that_trickles_in_ends_in_time():
    start = time.monotonic()
    assert failure(MISBEHAVIOURS["drip"], timeout=1.0).reason == "timeout"
    assert time.monotonic() - start < 30  # the whole reply would take a minute


def test_a_pause_is_read_from_the_header_and_from_the_details():
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]
    assert failure(lambda call: error(429, "RESOURCE_EXHAUSTED", details=details)).retry_after == 34.5
    assert failure(lambda call: error(429, "X", **{"Retry-After": "12"})).retry_after == 12
    assert failure(lambda call: error(429, "X", **{"Retry-After": "soon"})).retry_after is None
    assert failure(lambda call: error(429, "X")).retry_after is None


def test_a_quota_of_the_day_is_no_matter_of_waiting():
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]
    found = failure(lambda call: error(429, "RESOURCE_EXHAUSTED", details=details))
    assert (found.reason, found.final) == ("quota", True)


@pytest.mark.parametrize(("status", "hint"), [(400, "key"), (401, "GEMINI_API_KEY"), (403, "may not"), (404, "model")])
def test_what_no_further_try_changes_is_final_and_says_what_to_do(status, hint):
    found = failure(lambda call: error(status, "NO", "because"))
    assert (found.reason, found.final) == ("refused", True)
    assert hint in str(found)
    assert "because" in str(found)


def test_a_refusal_after_a_success_is_about_one_request():
    says = lambda call: good(call) if call.number == 1 else error(400, "INVALID_ARGUMENT", "too long")  # noqa: E731
    with serving(says) as server:

        async def calls():
            async with Gemini("m", base_url=server.url) as gemini:
                await gemini.ask("x", system=None, seed=0)
                with pytest.raises(CallError) as caught:
                    await gemini.ask("x", system=None, seed=0)
                return caught.value

        found = asyncio.run(calls())
    assert (found.reason, found.final) == ("rejected", False)


def test_a_pause_until_a_date_is_read():
    date = formatdate(time.time() + 20, usegmt=True)
    assert 15 < failure(lambda call: error(429, "X", **{"Retry-After": date})).retry_after <= 20


def test_words_about_days_are_no_quota_of_the_day():
    told = "Limit: 15 requests per minute (upgrade for 10000 requests per day)."
    assert failure(lambda call: error(429, "RESOURCE_EXHAUSTED", told)).reason == "rate_limit"


def test_a_reply_without_end_and_a_packed_one_are_cut_short():
    huge = failure(lambda call: Said(body=b" " * (9 << 20)))
    assert huge.reason == "malformed"
    assert "longer than" in str(huge)
    packed = gzip.compress(b" " * (64 << 20))
    assert "packed" in str(failure(lambda call: Said(body=packed, headers={"Content-Encoding": "gzip"})))


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel", "with blank"])
def test_a_key_that_is_none_is_refused_and_not_shown(key):
    with pytest.raises(ValueError, match="no key has") as caught:
        Gemini("m", api_key=key)
    assert key not in str(caught.value)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ValueError, match="http://"):
        Gemini("m", base_url="localhost:8080")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"candidates": "x"}',
        b'{"candidates": [{"content": 5}]}',
        b"\xff\xfe",
        b"{" * 9_000,
    ],
)
def test_any_body_is_a_failure_and_no_crash(body):
    assert failure(lambda call: Said(body=body)).reason in ("malformed", "empty")


def test_thoughts_are_no_part_of_the_text():
    parts = [{"text": "hm", "thought": True}, {"text": "[PRO"}, {"text": "MPT]"}]
    body = json.dumps({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]})
    with serving(lambda call: Said(body=body.encode())) as server:
        assert ask(server).text == "[PROMPT]"


def test_a_blocked_request_is_told():
    body = json.dumps({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}).encode()
    found = failure(lambda call: Said(body=body))
    assert found.reason == "blocked"
    assert "PROHIBITED_CONTENT" in str(found)


def test_nobody_there_is_told():
    with serving() as server:
        pass
    with pytest.raises(CallError) as caught:
        ask(server)
    assert caught.value.reason == "connection"
    assert str(caught.value).startswith(f"{server.url}: the connection failed (")


def test_an_address_is_told_without_the_password_in_it():
    assert _without_user("http://me:secret@host:8/v1@x") == "http://host:8/v1@x"
    assert _without_user("https://host") == "https://host"


def test_a_key_is_needed_for_google_alone(monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.setenv("GOOGLE_API_KEY", "another")
    with pytest.raises(ValueError, match="GEMINI_API_KEY"):
        Gemini("m")
    with serving(good) as server:

        async def call():
            async with Gemini("m", base_url=server.url) as gemini:
                await gemini.ask("x", system=None, seed=0)

        asyncio.run(call())
    assert server.calls[0].key != "another"
