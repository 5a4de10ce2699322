import email.utils
import json
import logging
import os
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from chat_server import completion, serving

from infinite_rl.runtimes import Budget, BudgetError, ChatEndpoint, EndpointError, connections
from infinite_rl.runtimes.endpoint import TextEndpoint, UnreachableError

ASK = [{"role": "user", "content": "Hello"}]
KEY = "sk-secret-0123"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name == "OPENAI_API_KEY"]:
        monkeypatch.delenv(name)


@pytest.fixture
def pauses(monkeypatch):
    """The seconds that the client would have slept."""
    found = []
    monkeypatch.setattr("infinite_rl.runtimes.endpoint._wait", lambda cut, seconds: found.append(seconds))
    return found


def test_a_completion_is_asked_for_and_read():
    with serving(lambda request: "Hi there") as server:
        endpoint = ChatEndpoint(server.url + "/", "tiny", api_key=KEY)
        reply = endpoint.chat(ASK, temperature=0, max_tokens=5)
    assert (reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens) == ("Hi there", "stop", 7, 3)
    assert server.paths == ["/v1/chat/completions"]
    assert server.requests == [{"model": "tiny", "messages": ASK, "temperature": 0, "max_tokens": 5}]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_connections_are_used_again_and_a_stale_one_is_replaced():
    with serving(lambda request: "Hi") as server:
        endpoint = ChatEndpoint(server.url, "tiny")
        for _ in range(5):
            endpoint.chat(ASK)
        assert server.connections == 1
        endpoint.close()
        endpoint.chat(ASK)
        assert server.connections == 2
        (kept,) = endpoint._pool._idle
        kept.sock.shutdown(socket.SHUT_RDWR)  # as if the server had closed it
        assert endpoint.chat(ASK).text == "Hi"
        assert server.connections == 3


def test_a_reply_that_closes_the_connection_is_read():
    with serving(lambda request: (200, completion("Hi"), {"Connection": "close"})) as server:
        endpoint = ChatEndpoint(server.url, "tiny")
        assert [endpoint.chat(ASK).text for _ in range(2)] == ["Hi", "Hi"]
        assert server.connections == 2


def test_many_threads_share_an_endpoint():
    barrier = threading.Barrier(8, timeout=60)

    def answer(request):
        barrier.wait()
        return request["messages"][0]["content"]

    with serving(answer) as server, ThreadPoolExecutor(8) as threads:
        endpoint = ChatEndpoint(server.url, "tiny")
        texts = [str(number) for number in range(16)]
        chats = [[{"role": "user", "content": text}] for text in texts]
        assert [reply.text for reply in threads.map(endpoint.chat, chats)] == texts
        assert server.connections == 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_connections_of_its_own():
    with serving(lambda request: "Hi") as server:
        endpoint = ChatEndpoint(server.url, "tiny")
        endpoint.chat(ASK)
        child = os.fork()
        if not child:
            os._exit(0 if endpoint.chat(ASK).text == "Hi" else 1)
        assert os.waitpid(child, 0)[1] == 0
        endpoint.chat(ASK)
        assert server.connections == 2


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_tried_again_with_growing_pauses(status, pauses):
    answers = iter([(status, {"error": {"message": "busy"}}, {})] * 3 + ["Hi"])
    with serving(lambda request: next(answers)) as server:
        assert ChatEndpoint(server.url, "tiny").chat(ASK).text == "Hi"
    assert len(server.requests) == 4
    assert all(0.5 * 2**i <= pause <= 2**i for i, pause in enumerate(pauses))
    assert len(pauses) == 3


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("7", 7, 7),
        ("1e9", 20, 20),
        ("-3", 0, 0),
        ("nan", 0.5, 1),
        ("soon", 0.5, 1),
        # Dates are made when the test runs.
        (lambda: email.utils.formatdate(time.time() + 36_000, usegmt=True), 20, 20),
        (lambda: email.utils.formatdate(0, usegmt=True), 0, 0),
        (lambda: time.asctime(time.gmtime(time.time() + 10)), 5, 11),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", 0, 20),
        ("inf", 20, 20),
        ("", 0.5, 1),
    ],
)
def test_the_servers_retry_after_is_kept_within_bounds(asked, least, most, pauses):
    answers = iter([(429, {}, {"Retry-After": asked() if callable(asked) else asked}), "Hi"])
    with serving(lambda request: next(answers)) as server:
        ChatEndpoint(server.url, "tiny", max_wait=20).chat(ASK)
    assert len(pauses) == 1
    assert least <= pauses[0] <= most


@pytest.mark.parametrize(
    ("status", "hint"), [(400, "understand the request"), (401, "OPENAI_API_KEY"), (404, "model's name")]
)
def test_a_refusal_is_not_repeated_and_says_what_to_do(status, hint, pauses):
    with serving(lambda request: (status, {"error": {"message": f"no,\nnot {KEY}"}}, {})) as server:
        with pytest.raises(EndpointError, match=hint) as caught:
            ChatEndpoint(server.url, "tiny", api_key=KEY).chat(ASK)
        assert len(server.requests) == 1
    assert f"{server.url}/chat/completions answered {status}: no, not [API key]. " in str(caught.value)
    assert caught.value.status == status
    assert pauses == []


def test_retries_end_with_the_last_problem(pauses):
    with serving(lambda request: (503, b"overloaded", {})) as server:
        with pytest.raises(EndpointError, match="answered 503: overloaded") as caught:
            ChatEndpoint(server.url, "tiny", retries=2).chat(ASK)
        assert caught.value.status == 503
        assert len(server.requests) == 3


def test_a_request_that_is_cut_is_not_tried_again():
    asked = threading.Event()

    def busy(request):
        asked.set()
        return 503, b"overloaded", {"Retry-After": "60"}

    with serving(busy) as server, ThreadPoolExecutor(1) as threads:
        endpoint = ChatEndpoint(server.url, "tiny")
        request = threads.submit(endpoint.chat, ASK)
        assert asked.wait(30)
        endpoint.cut()
        with pytest.raises(UnreachableError):
            request.result(timeout=30)
        assert len(server.requests) == 1


def test_a_request_that_is_cut_on_a_kept_connection_is_not_sent_again():
    asked, release = threading.Event(), threading.Event()

    def second_hangs(request):
        if len(server.requests) > 1:
            asked.set()
            release.wait(30)
        return "Hi"

    with serving(second_hangs) as server, ThreadPoolExecutor(1) as threads:
        endpoint = ChatEndpoint(server.url, "tiny")
        endpoint.chat(ASK)
        request = threads.submit(endpoint.chat, ASK)
        assert asked.wait(30)
        endpoint.cut()
        try:
            with pytest.raises(UnreachableError, match="broken off"):
                request.result(timeout=20)
        finally:
            release.set()
        assert (len(server.requests), server.connections) == (2, 1)
        assert endpoint.chat(ASK).text == "Hi"


def test_many_requests_that_are_cut_on_kept_connections_are_not_sent_again(monkeypatch):
    def shut_slowly(found, shut=connections._shut):
        shut(found)
        time.sleep(0.05)  # so that the first to wake are there before the last are told

    monkeypatch.setattr(connections, "_shut", shut_slowly)
    many, hung, release = 8, threading.Semaphore(0), threading.Event()
    first = threading.Barrier(many)

    def second_hangs(request):
        if len(server.requests) > many:
            hung.release()
            release.wait(30)
        else:
            first.wait(30)  # so that each has a connection of its own
        return "Hi"

    with serving(second_hangs) as server, ThreadPoolExecutor(many) as threads:
        endpoint = ChatEndpoint(server.url, "tiny")
        list(threads.map(lambda _: endpoint.chat(ASK), range(many)))
        requests = [threads.submit(endpoint.chat, ASK) for _ in range(many)]
        assert all(hung.acquire(timeout=30) for _ in range(many))
        endpoint.cut()
        try:
            for request in requests:
                with pytest.raises(UnreachableError, match="broken off"):
                    request.result(timeout=20)
        finally:
            release.set()
        assert (len(server.requests), server.connections) == (2 * many, many)


def test_a_redirect_is_not_followed(pauses):
    with serving(lambda request: (307, {}, {"Location": "http://elsewhere/v1"})) as server:
        with pytest.raises(EndpointError, match="moved to 'http://elsewhere/v1'"):
            ChatEndpoint(server.url, "tiny", api_key=KEY).chat(ASK)
        assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_named(pauses):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(EndpointError, match=re.escape(f"{url}/chat/completions could not be reached")) as caught:
            ChatEndpoint(url, "tiny", retries=1).chat(ASK)
        assert caught.value.status is None
    assert len(pauses) == 1


def test_a_refused_connection_is_told_at_once_and_once(pauses, caplog):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = ChatEndpoint(f"http://127.0.0.1:{free.getsockname()[1]}/v1", "tiny", retries=3)
        for _ in range(2):
            with pytest.raises(EndpointError):
                endpoint.chat(ASK)
    (told,) = (record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
    assert "Is the server running there? Trying again for a while." in told


@pytest.mark.parametrize("status", [200, 404])
def test_a_page_is_not_quoted_whole(status):
    page = b"<!doctype html>\n<html>" + b"<p>welcome</p>\n" * 1000
    with serving(lambda request: (status, page, {})) as server, pytest.raises(EndpointError) as caught:
        ChatEndpoint(server.url, "tiny").chat(ASK)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def drip(handler):
    """Sends a byte of the body at a time, for a minute."""
    handler.send_response(200)
    handler.send_header("Content-Length", "10000")
    handler.end_headers()
    for _ in range(1200):
        handler.wfile.write(b" ")
        time.sleep(0.05)


def drip_header(handler):
    for _ in range(1200):
        handler.wfile.write(b"H")
        time.sleep(0.05)


def drip_until_closed(handler):
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    for _ in range(1200):
        handler.wfile.write(b" ")
        time.sleep(0.05)


@pytest.mark.parametrize("slow", [drip, drip_header, drip_until_closed, lambda handler: time.sleep(60)])
def test_a_reply_that_trickles_in_ends_with_the_timeout(slow):
    with serving(lambda request: slow) as server:
        start = time.monotonic()
        with pytest.raises(EndpointError, match=r"did not answer in 0\.5 s"):
            ChatEndpoint(server.url, "tiny", timeout=0.5, retries=0).chat(ASK)
        assert time.monotonic() - start < 30


def cut_short(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "10000")
    handler.end_headers()
    handler.wfile.write(b'{"choices"')
    handler.close_connection = True


def no_http(handler):
    handler.wfile.write(b"\0\xff" * 1000 + b"\r\n")
    handler.close_connection = True


@pytest.mark.parametrize("broken", [cut_short, no_http])
def test_a_broken_reply_is_an_error_and_not_half_an_answer(broken, pauses):
    with serving(lambda request: broken) as server, pytest.raises(EndpointError, match="could not be reached"):
        ChatEndpoint(server.url, "tiny", retries=1).chat(ASK)
    assert len(pauses) == 1


def test_a_reply_that_is_too_long_is_refused_at_once(pauses):
    budget = Budget()
    with serving(lambda request: (200, b" " * 100_000, {})) as server:
        with pytest.raises(EndpointError, match=r"longer than 10,000 bytes\. Ask for fewer tokens") as caught:
            ChatEndpoint(server.url, "tiny", max_bytes=10_000, budget=budget).chat(ASK)
        assert not isinstance(caught.value, UnreachableError), "another try would be as long"
        assert (len(server.requests), pauses, budget.used_tokens) == (1, [], 2_500)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"\xff",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": 3}}]}',
        b"[" * 100_000,
        b'{"choices": [{"message": {"content": "a"}, "finish_reason": {"a": 1}}]}',
    ],
)
def test_what_is_no_completion_is_an_error(body):
    with serving(lambda request: (200, body, {})) as server, pytest.raises(EndpointError, match="no chat completion"):
        ChatEndpoint(server.url, "tiny").chat(ASK)


UNREADABLE = [
    '"x"',
    "[1]",
    "7",
    "true",
    "NaN",
    *(f'{{"prompt_tokens": {n}}}' for n in ('"x"', "[]", "1.5", "Infinity", "NaN", "true")),
]


@pytest.mark.parametrize("usage", UNREADABLE)
def test_usage_that_cannot_be_read_counts_as_nothing_and_the_choices_stay(usage):
    budget = Budget()
    body = f'{{"choices": [{{"message": {{"content": "a"}}}}], "usage": {usage}}}'.encode()
    with serving(lambda request: (200, body, {})) as server:
        reply = ChatEndpoint(server.url, "tiny", budget=budget).chat(ASK)
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("a", 0, 0)
    assert budget.used_tokens == len(body) // 4, "a guess, so that a budget ends"


def test_a_completion_without_content_is_empty_and_reasoning_is_kept_apart():
    with serving(lambda request: (200, completion(None, reasoning_content="hm"), {})) as server:
        reply = ChatEndpoint(server.url, "tiny").chat(ASK)
    assert (reply.text, reply.reasoning) == ("", "hm")


def test_a_budget_of_calls_counts_every_try(pauses):
    budget = Budget(calls=3)
    with serving(lambda request: (500, {}, {})) as server:
        with pytest.raises(BudgetError, match="3 calls"):
            ChatEndpoint(server.url, "tiny", budget=budget).chat(ASK)
        assert len(server.requests) == 3


def test_a_budget_of_tokens_is_shared_between_endpoints():
    budget = Budget(tokens=15)
    with serving(lambda request: "Hi") as server:
        for _ in range(2):
            ChatEndpoint(server.url, "tiny", budget=budget).chat(ASK)
        with pytest.raises(BudgetError, match="15 tokens"):
            ChatEndpoint(server.url, "tiny", budget=budget).chat(ASK)
        assert (len(server.requests), budget.used_tokens) == (2, 20)


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": -(10**9), "completion_tokens": 0}])
def test_a_server_that_counts_no_tokens_or_negative_ones_does_not_lengthen_the_budget(usage):
    budget = Budget(tokens=60)
    reply = {**completion("Hi"), "usage": usage}
    with serving(lambda request: (200, reply, {})) as server, pytest.raises(BudgetError, match="60 tokens"):
        for _ in range(20):
            assert ChatEndpoint(server.url, "tiny", budget=budget).chat(ASK).prompt_tokens == 0
    assert 1 <= len(server.requests) < 20


def test_concurrent_calls_keep_to_the_budget():
    budget = Budget(calls=5)

    def ask(_):
        try:
            return ChatEndpoint(server.url, "tiny", budget=budget).chat(ASK).text
        except BudgetError:
            return None

    with serving(lambda request: "Hi") as server, ThreadPoolExecutor(8) as threads:
        assert sorted(filter(None, threads.map(ask, range(20)))) == ["Hi"] * 5
    assert len(server.requests) == 5


def test_a_handshake_that_hangs_ends_with_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/v1"

        def trickle():
            connection, _ = silent.accept()
            with connection, suppress(OSError):
                # The header of a TLS record of 16 KiB, and then a byte at a time.
                connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xf0")
                for _ in range(1200):  # a minute
                    connection.sendall(b"\x00")
                    time.sleep(0.05)

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        start = time.monotonic()
        with pytest.raises(EndpointError, match="did not answer in"):
            ChatEndpoint(url, "tiny", timeout=0.4, retries=0).chat(ASK)
        assert time.monotonic() - start < 30
        thread.join(60)


@pytest.mark.parametrize("key", ["sk/secret+key/12", 'sk"secret\\key'])
def test_a_key_is_hidden_where_json_writes_it_in_another_way(key):
    body = json.dumps({"error": {"message": f"bad key {key}"}}).replace("/", "\\/").encode()
    with serving(lambda request: (401, body, {})) as server, pytest.raises(EndpointError) as caught:
        ChatEndpoint(server.url, "tiny", api_key=key).chat(ASK)
    assert "bad key [API key]" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_key_comes_from_the_environment_and_is_never_shown(monkeypatch, caplog, pauses):
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    answers = iter([(500, {"error": KEY}, {}), (302, {}, {"Location": f"http://x/{KEY}"})])
    with serving(lambda request: next(answers)) as server, caplog.at_level(logging.DEBUG):
        endpoint = ChatEndpoint(server.url, "tiny")
        with pytest.raises(EndpointError) as caught:
            endpoint.chat(ASK)
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert "answered 500: [API key]" in caplog.text
    assert KEY not in caplog.text + repr(endpoint) + str(caught.value)


@pytest.mark.parametrize("length", range(180, 210, 5))
def test_no_part_of_the_key_is_left_where_a_long_refusal_is_cut(length):
    said = "x" * length + KEY
    reply = (400, {"error": {"message": said}}, {})
    with serving(lambda request: reply) as server, pytest.raises(EndpointError) as caught:
        ChatEndpoint(server.url, "tiny", api_key=KEY).chat(ASK)
    assert KEY[:6] not in str(caught.value)


def test_a_key_that_no_header_can_hold_is_refused_without_being_shown():
    with pytest.raises(ValueError, match="API key") as caught:
        ChatEndpoint("http://localhost/v1", "tiny", api_key="sk-secret\nX: 1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://x/v1", "http://", "http://a b/v1", "http://u:secret@x/v1", "http://x/v1?a=secret", ""],
)
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match="base_url") as caught:
        ChatEndpoint(url, "tiny")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"retries": -1},
        {"max_wait": -1},
        {"max_wait": float("nan")},
        {"max_wait": float("inf")},
    ],
)
def test_limits_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="|".join(wrong)):
        ChatEndpoint("http://x/v1", "tiny", **wrong)


def test_a_proxy_from_the_environment_is_asked_and_no_proxy_is_kept(monkeypatch):
    with serving(lambda request: "by proxy") as proxy, serving(lambda request: "direct") as server:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1").replace("://", "://user:p%40ss@"))
        assert ChatEndpoint("http://model.invalid/v1", "tiny").chat(ASK).text == "by proxy"
        assert proxy.paths == ["http://model.invalid/v1/chat/completions"]
        assert proxy.headers[0]["Proxy-Authorization"] == "Basic dXNlcjpwQHNz"
        assert proxy.headers[0]["Host"] == "model.invalid"
        assert ChatEndpoint(server.url, "tiny").chat(ASK).text == "direct"  # it runs here
        monkeypatch.setenv("no_proxy", "model.invalid")
        assert ChatEndpoint("http://model.invalid/v1", "tiny")._pool._proxy is None
        assert ChatEndpoint("http://other.invalid/v1", "tiny")._pool._proxy is not None
    monkeypatch.setenv("https_proxy", "socks5://localhost:1")
    with pytest.raises(ValueError, match="no HTTP proxy"):
        ChatEndpoint("https://other.invalid/v1", "tiny")


def test_https_goes_through_a_tunnel(monkeypatch, pauses):
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse():
            peer, _ = listener.accept()
            asked.append(peer.recv(1000))
            peer.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            peer.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(EndpointError, match="Tunnel connection failed: 403"):
            ChatEndpoint("https://model.invalid/v1", "tiny", api_key=KEY, retries=0).chat(ASK)
        thread.join()
    assert asked[0].startswith(b"CONNECT model.invalid:443 ")
    assert KEY.encode() not in asked[0]


def several(texts, **usage):
    choices = [{"index": place, "message": {"content": text}} for place, text in enumerate(texts)]
    return 200, {"choices": choices, "usage": usage}, {}


def test_several_choices_come_from_one_request_and_share_its_tokens():
    with serving(lambda request: several(["a", "b", "c"], prompt_tokens=10, completion_tokens=7)) as server:
        found = ChatEndpoint(server.url, "tiny").choices(ASK, 3, seed=5)
    (request,) = server.requests
    assert (request["n"], request["seed"], request["messages"]) == (3, 5, ASK)
    assert [reply.text for reply in found] == ["a", "b", "c"]
    assert [reply.prompt_tokens for reply in found] == [4, 3, 3]
    assert [reply.completion_tokens for reply in found] == [3, 2, 2]


def test_choices_are_no_more_than_asked_for_and_malformed_ones_are_left_out():
    with serving(lambda request: several(["a", 7, "c", "d", "e"])) as server:
        found = ChatEndpoint(server.url, "tiny").choices(ASK, 4)
    assert [reply.text for reply in found] == ["a", "c", "d"]
    with serving(lambda request: several([7, None, 8])) as server:
        assert [reply.text for reply in ChatEndpoint(server.url, "tiny").choices(ASK, 2)] == [""]
    with serving(lambda request: several([7, 8])) as server, pytest.raises(EndpointError, match="no chat completion"):
        ChatEndpoint(server.url, "tiny").choices(ASK, 2)


def test_a_text_endpoint_sends_the_chat_as_a_prompt():
    with serving(lambda request: (200, {"choices": [{"text": " there", "finish_reason": "stop"}]}, {})) as server:
        found = TextEndpoint(server.url, "base").chat([{"role": "user", "content": "Hello"}], stop=["\n"])
    assert (found.text, found.finish_reason) == (" there", "stop")
    assert server.requests == [{"model": "base", "prompt": "Hello", "stop": ["\n"]}]
    assert server.paths == ["/v1/completions"]


def test_a_request_is_one_packet():
    with serving(lambda request: "hi") as server:
        endpoint = ChatEndpoint(server.url, "tiny")
        sizes = []
        connect = endpoint._pool._connection

        def watched():
            connection = connect()
            connection.connect()
            plain = connection.sock

            class Socket:
                def sendall(self, data):
                    sizes.append(len(data))
                    plain.sendall(data)

                def __getattr__(self, name):
                    return getattr(plain, name)

            connection.sock = Socket()
            return connection

        endpoint._pool._connection = watched
        endpoint.chat(ASK)
    assert len(sizes) == 1


def test_one_thread_watches_over_the_time_of_all_requests_and_ends_without_any(monkeypatch):
    monkeypatch.setattr("infinite_rl.runtimes.connections._IDLE", 0.05)

    def watchers():
        return sum(thread.name == "deadlines" for thread in threading.enumerate())

    before = watchers()
    with serving(lambda request: "hi") as server:
        endpoint = ChatEndpoint(server.url, "tiny", timeout=1.5)
        threads = [threading.Thread(target=endpoint.chat, args=(ASK,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert watchers() <= before + 1
        end = time.monotonic() + 60
        while watchers() > before and time.monotonic() < end:
            threading.Event().wait(0.01)
        assert watchers() <= before
        assert endpoint.chat(ASK).text == "hi"
