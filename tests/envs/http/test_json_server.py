import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from infinite_rl.envs.http.errors import HttpError
from infinite_rl.envs.http.handler import JsonHandler
from infinite_rl.envs.http.server import HttpLimits, JsonServer


class Echo(JsonHandler):
    def respond(self, path):
        if path == "/refuse":
            raise HttpError(418, "a teapot")
        if path == "/break":
            raise RuntimeError("secret")
        found = self.read_body().decode() if self.command == "POST" else self.query()
        return {"path": path, "found": found}


@contextmanager
def echoing(token="", **limits):
    server = JsonServer("127.0.0.1", 0, Echo, limits=HttpLimits(**limits), token=token)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.close()


@pytest.fixture(scope="module")
def server():
    with echoing() as found:
        yield found


def answers(server, sent, *, half=True):
    """Statuses and bodies of all answers on one connection, whose other half is shut after what is sent."""
    with socket.create_connection(server.server_address[:2], timeout=60) as connection:
        connection.sendall(sent)
        if half:
            connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        lengths = [int(line.split()[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")]
        body, received = received[: sum(lengths)], received[sum(lengths) :]
        found.append((int(head.split()[1]), json.loads(body) if body else None))
    return found


def post(body, path="/a", *headers):
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_requests_sent_at_once_are_answered_in_order(server):
    get = b"GET /b?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    found = answers(server, post(b"one") + get + post(b"GET /evil HTTP/1.1\r\n\r\n"))
    assert [status for status, _ in found] == [200, 200, 200]
    assert [body["found"] for _, body in found] == ["one", {"x": "1"}, "GET /evil HTTP/1.1\r\n\r\n"]


@pytest.mark.parametrize(
    "first",
    [
        post(b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n", "/refuse"),
        post(b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n", "/a", "Transfer-Encoding: chunked"),
        post(b"GET /smuggled HTTP/1.1\r\n\r\n", "/a", "Content-Length: 0"),
        post(b"GET /smuggled HTTP/1.1\r\n\r\n").replace(b"POST", b"GET"),
        post(b"GET /smuggled HTTP/1.1\r\n\r\n").replace(b"POST", b"PUT"),
    ],
)
def test_what_was_not_read_is_never_taken_for_a_request(server, first):
    found = answers(server, first + post(b"second"))
    assert len(found) == 1
    assert "smuggled" not in json.dumps(found)


def test_a_refusal_whose_body_was_read_keeps_the_connection(server):
    bad = b"GET /refuse HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert [status for status, _ in answers(server, bad * 3)] == [418] * 3


def test_a_failure_of_ours_tells_nothing_of_the_inside(server):
    ((status, body),) = answers(server, b"GET /break HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (status, "secret" in json.dumps(body)) == (500, False)


@pytest.mark.parametrize(
    "header",
    [
        "Origin: http://elsewhere",
        "Origin: null",
        "Origin: http://[",
        "Origin: http://localhost:1",
        "Origin: http://localhost.elsewhere",
    ],
)
def test_pages_of_browsers_are_refused(server, header):
    assert answers(server, post(b"", "/a", header))[0][0] == 403


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:80", "localhost.rebound.example", "[::2]", "::1"])
def test_a_name_that_was_made_to_lead_here_is_refused(server, host):
    sent = post(b"").replace(b"localhost", host.encode())
    assert answers(server, sent)[0][0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:8000", "[::1]:8000"])
def test_names_of_this_machine_are_heard_and_pages_from_here_too(server, host):
    sent = post(b"", "/a", f"Origin: http://{host}").replace(b"Host: localhost", f"Host: {host}".encode())
    assert answers(server, sent)[0][0] == 200


def test_a_client_that_waits_for_our_consent_gets_it_or_the_refusal(server):
    wanted = post(b"", "/a", "Expect: 100-continue").replace(b"Content-Length: 0", b"Content-Length: 5")
    with socket.create_connection(server.server_address[:2], timeout=60) as connection:
        connection.sendall(wanted)
        assert connection.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        assert b'"found": "hello"' in connection.recv(1 << 16)
    assert answers(server, wanted.replace(b"h: 5", b"h: 5000000"))[0][0] == 413


def test_a_half_open_client_does_not_hold_its_place():
    with echoing(connections=1, seconds=0.3) as server:
        held = socket.create_connection(server.server_address[:2], timeout=60)
        assert held.recv(1) == b""  # would wait for ever
        held.close()
        while server.connections:
            time.sleep(0.01)
        assert answers(server, post(b"x"))[0][0] == 200


def test_a_token_replaces_the_check_of_names():
    with echoing(token="s3cret") as server:
        sent = post(b"", "/a", "Authorization: Bearer s3cret").replace(b"localhost", b"proxied.example")
        assert answers(server, sent)[0][0] == 200
        assert answers(server, sent.replace(b"s3", b"S3"))[0][0] == 401
        assert answers(server, b"GET /health HTTP/1.1\r\n\r\n")[0][0] == 200


@pytest.mark.parametrize("name", ["body", "connections", "seconds"])
def test_limits_are_positive(name):
    with pytest.raises(ValueError, match=f"limit of {name} must be positive"):
        HttpLimits(**{name: 0})
