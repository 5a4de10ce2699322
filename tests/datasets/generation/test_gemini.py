"""The real client against a server on this machine."""

import asyncio
import json
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from gemini_server import MISBEHAVIOURS, Said, error, good, serving

from infinite_rl.datasets.generation.gemini import CallError, Gemini, Tokens


def ask(server, text="Task type: math", *, timeout=5.0, **options):
    async def call():
        async with Gemini("some-model", api_key="key", base_url=server.url, timeout=timeout) as gemini:
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
    assert (call.model, call.key, call.system, call.seed) == ("some-model", "key", "Be good.", 7)


@pytest.mark.parametrize("name", MISBEHAVIOURS.keys() - {"format", "quality", "drip"})
def test_each_misbehaviour_is_told_apart(name):
    found = failure(MISBEHAVIOURS[name], timeout=1.0)
    assert found.reason == name
    assert not found.final


def test_a_reply_that_trickles_in_ends_in_time():
    start = time.monotonic()
    assert failure(MISBEHAVIOURS["drip"], timeout=1.0).reason == "timeout"
    assert time.monotonic() - start < 4


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
    assert failure(lambda call: Said(body=body)).reason in ("malformed", "empty", "connection")


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
        ask(server, timeout=3.0)
    assert caught.value.reason == "connection"


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
