import http.client
import json
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from serving import ask, searching

from infinite_rl.datasets.documents import Document
from infinite_rl.envs.retrieval.retriever import Hit
from infinite_rl.envs.retrieval.search_request import Limits


@pytest.fixture(scope="module")
def server():
    with searching(health={"documents": 3}) as found:
        yield found


def raw(server):
    return socket.create_connection(server.server_address[:2], timeout=60)


def until_closed(connection):
    received = b""
    while part := connection.recv(1 << 16):
        received += part
    return received


class Holding:
    """A retriever whose searches wait until the test lets them go."""

    def __init__(self):
        self.entered, self.go = threading.Semaphore(0), threading.Event()

    def search(self, queries, k):
        self.entered.release()
        assert self.go.wait(60)
        return [[] for _ in queries]


def test_a_search_answers_with_one_list_for_each_query(server):
    status, answer = ask(server, {"queries": ["cat", "flies", "?"], "topk": 2})
    cats, dogs = (
        {"id": "a", "title": "Cats", "text": "The cat sat."},
        {"id": "b", "title": "Dogs", "text": "A dog chased the cat."},
    )
    assert status == 200
    assert answer["result"][0] == [cats, dogs]
    assert [len(hits) for hits in answer["result"]] == [2, 1, 0]
    assert ask(server, {"query": "cat", "topk": 1}) == (200, {"result": [[cats]]})
    status, answer = ask(server, {"query": "cat", "topk": 1, "return_scores": True})
    (row,) = answer["result"][0]
    assert row["document"] == cats
    assert row["score"] > 0
    assert ask(server, {"queries": []}) == (200, {"result": []})


def test_clients_of_search_r1_get_what_they_expect(server):
    status, answer = ask(server, {"queries": ["cat"], "topk": 1, "return_scores": True}, path="/retrieve")
    assert status == 200
    assert answer["result"][0][0]["document"] == {"id": "a", "contents": '"Cats"\nThe cat sat.'}


def test_health(server):
    assert ask(server, b"", "/health", "GET") == (200, {"status": "healthy", "documents": 3})


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"\xff", 400, "not JSON"),
        (b"[" * 100_000, 400, "nested"),
        (b'{"query": "a", "query": "b"}', 400, "not JSON"),
        (b'{"query": "a", "topk": NaN}', 400, "not JSON"),
        (b'{"query": "a", "topk": ' + b"9" * 10_000 + b"}", 400, ""),
        ([], 400, "must be an object"),
        ({}, 400, '"queries", a list of texts'),
        ({"query": "a", "queries": ["a"]}, 400, '"queries", a list of texts'),
        ({"query": 1}, 400, '"query" must be text'),
        ({"query": ["a"]}, 400, '"query" must be text'),
        ({"queries": "cat"}, 400, '"queries" must be a list'),
        ({"queries": ["a", None]}, 400, '"queries" must be a list'),
        ({"query": "a", "topk": 0}, 400, '"topk" must be an integer from 1 to 100'),
        ({"query": "a", "topk": 101}, 400, '"topk"'),
        ({"query": "a", "topk": True}, 400, '"topk"'),
        ({"query": "a", "topk": "3"}, 400, '"topk"'),
        ({"query": "a", "topk": 3.0}, 400, '"topk"'),
        ({"query": "a", "return_scores": 1}, 400, '"return_scores"'),
        ({"query": "a", "top_k": 3}, 400, "unknown member 'top_k'; known: query, queries, topk"),
        ({"queries": ["a"] * 513}, 413, "at most 512"),
        ({"queries": ["a"] * 51, "topk": 100}, 413, "5,100 hits are asked for"),
        ({"query": "a" * 4_097}, 413, "4,097 characters"),
        (b" " * ((1 << 20) + 1), 413, "1,048,577 bytes; at most 1,048,576"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(server, body, status, says):
    found, answer = ask(server, body)
    assert found == status
    assert says in answer["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/search", 405, "/search takes POST"),
        ("POST", "/health", 405, "/health takes GET"),
        ("GET", "/", 404, "POST /search and GET /health"),
        ("POST", "/search/../etc", 404, "POST /search"),
        ("DELETE", "/search", 501, "Unsupported method"),
    ],
)
def test_wrong_paths_and_methods_are_refused(server, method, path, status, says):
    found, answer = ask(server, b"", path, method)
    assert found == status
    assert says in answer["error"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /search HTTP/1.1\r\n\r\n", b"411"),
        (b"POST /search HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", b"411"),
        (b"POST /search HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"400"),
        (b"POST /search HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n", b"400"),
        (b"POST /search HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"400"),
        (b"POST /search HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n", b"413"),
        (b"POST /search HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (b"POST /search HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"431"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"\x16\x03\x01 nonsense\r\n\r\n", b"400"),
        (b"POST /search HTTP/9.9\r\n\r\n", b"505"),
    ],
)
def test_what_is_no_request_is_refused_in_json_and_hung_up_on(server, head, status):
    with raw(server) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        received = until_closed(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert json.loads(body)["error"]


def test_a_huge_body_is_refused_while_it_is_sent(server):
    with raw(server) as connection:
        connection.sendall(b"POST /search HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)
        assert b" 413 " in until_closed(connection)[:100]


@pytest.mark.parametrize("sent", [b"", b"POST /sea", b'POST /search HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"que'])
def test_a_client_that_does_not_go_on_is_hung_up_on(sent):
    with searching(limits=Limits(seconds=0.3)) as server, raw(server) as connection:
        connection.sendall(sent)
        received = until_closed(connection)  # would wait for ever
        if b"Length" in sent:
            assert b" 408 " in received[:100]


def test_a_body_that_trickles_in_does_not_hold_the_connection():
    with searching(limits=Limits(seconds=0.5)) as server, raw(server) as connection:
        connection.sendall(b"POST /search HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")
        sent = 0
        with pytest.raises(OSError):
            while sent < 6_000:  # a minute at this pace
                connection.sendall(b" ")
                sent += 1
                time.sleep(0.01)
        assert server.connections == 0


def test_a_client_that_does_not_read_is_hung_up_on():
    class Verbose:
        def search(self, queries, k):
            return [[Hit(Document("a", "", "x" * 20_000), 1.0)] * k for _ in queries]

    with searching(Verbose(), limits=Limits(seconds=0.5)) as server, raw(server) as connection:
        body = json.dumps({"queries": ["a"] * 10, "topk": 100}).encode()
        connection.sendall(b"POST /search HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        for _ in range(6_000):
            if not server.connections:
                break
            time.sleep(0.01)
        assert not server.connections


def test_connections_beyond_the_limit_are_refused_and_others_go_on():
    with searching(limits=Limits(connections=3)) as server:
        kept = [http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=60) for _ in range(3)]
        for connection in kept:
            connection.request("GET", "/health")
            connection.getresponse().read()
        with raw(server) as one_more:
            assert b" 503 " in until_closed(one_more)[:100]
        kept[0].request("POST", "/search", json.dumps({"query": "cat"}))
        assert kept[0].getresponse().status == 200
        for connection in kept:
            connection.close()
        for _ in range(6_000):
            if not server.connections:
                break
            time.sleep(0.01)
        assert ask(server, {"query": "cat"})[0] == 200


def test_many_clients_at_once_are_answered(server):
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda number: ask(server, {"query": "cat", "topk": 1}), range(400)))
    assert {status for status, _ in answers} == {200}
    assert all(answer["result"][0][0]["id"] == "a" for _, answer in answers)


def test_searches_run_at_the_same_time():
    holding = Holding()
    with searching(holding) as server, ThreadPoolExecutor(2) as threads:
        first, second = (threads.submit(ask, server, {"query": "a"}) for _ in range(2))
        assert all(holding.entered.acquire(timeout=60) for _ in range(2))
        assert ask(server, b"", "/health", "GET")[0] == 200
        holding.go.set()
        assert first.result()[0] == second.result()[0] == 200


def test_a_search_that_fails_is_500_and_tells_nothing_of_the_inside():
    class Broken:
        def search(self, queries, k):
            raise RuntimeError("secret path")

    with searching(Broken()) as server:
        status, answer = ask(server, {"query": "a"})
        assert (status, "secret" in json.dumps(answer)) == (500, False)
        assert ask(server, {"query": "a"})[0] == 500


def test_closing_answers_searches_under_way_and_hangs_up_on_the_idle():
    holding = Holding()
    with searching(holding) as server, ThreadPoolExecutor(1) as threads:
        idle = raw(server)
        under_way = threads.submit(ask, server, {"query": "a"})
        assert holding.entered.acquire(timeout=60)
        closing = threading.Thread(target=server.close, kwargs={"grace": 60})
        closing.start()
        assert until_closed(idle) == b""
        assert closing.is_alive()
        holding.go.set()
        assert under_way.result()[0] == 200
        closing.join(60)
        assert not closing.is_alive()


def test_connections_are_kept_between_requests(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=60)
    for query in ("cat", "dog", 7, "cat"):
        connection.request("POST", "/search", json.dumps({"query": query}))
        kept = connection.sock
        response = connection.getresponse()
        response.read()
        assert response.status == (200 if isinstance(query, str) else 400)
        assert connection.sock is kept
        assert kept is not None
    connection.close()


@pytest.mark.parametrize("name", ["body", "queries", "seconds"])
def test_limits_are_positive(name):
    with pytest.raises(ValueError, match=f"limit of {name} must be positive"):
        Limits(**{name: 0})


@pytest.mark.parametrize("headers", [{"Origin": "http://elsewhere"}, {"Host": "rebound.example:8000"}])
def test_web_pages_do_not_search(server, headers):
    status, answer = ask(server, {"query": "cat"}, headers=headers)
    assert (status, "web pages" in answer["error"]) == (403, True)
    assert ask(server, b"", "/health", "GET", headers)[0] == 200
