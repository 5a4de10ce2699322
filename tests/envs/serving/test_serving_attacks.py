"""What the server of environments does about clients that want the worst."""

import json
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from serving_client import Client, serving, wait_for

from infinite_rl.envs.http.server import HttpLimits

MATH = "InfiniteRL/Math-v0"


def test_thousands_of_sessions_come_and_go():
    with serving(MATH, limit=3_000) as client:

        def play(part):
            own = Client(client.server)
            ids = [own.ok("/reset", seed=part * 1_000 + i)["session_id"] for i in range(250)]
            for id in ids[::2]:
                assert own.ok("/step", session_id=id, action="<answer>1</answer>")["done"]
            own.connection.close()
            return ids

        with ThreadPoolExecutor(8) as threads:
            ids = [id for part in threads.map(play, range(8)) for id in part]
        assert len(set(ids)) == len(client.server.sessions) == 2_000
        client.server.sessions.idle_seconds = 0.01  # all are abandoned
        wait_for(lambda: not len(client.server.sessions))
        assert client.post("/step", {"session_id": ids[0], "action": ""})[0] == 404


def test_of_steps_at_the_same_time_in_one_session_one_ends_the_episode():
    with serving(MATH) as client:
        for _ in range(20):
            id = client.ok("/reset")["session_id"]
            barrier = threading.Barrier(4)

            def step(_, id=id, barrier=barrier):
                own = Client(client.server)
                barrier.wait(60)
                return own.post("/step", {"session_id": id, "action": "<answer>1</answer>"})[0]

            with ThreadPoolExecutor(4) as threads:
                statuses = sorted(threads.map(step, range(4)))
            assert statuses == [200, 409, 409, 409]


def test_a_web_page_elsewhere_opens_no_web_socket_and_reads_nothing():
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    with serving(MATH) as client:
        for headers in ({"Origin": "http://elsewhere"}, {"Origin": "null"}, {"Host": "rebound.example:80"}):
            assert Client(client.server).get("/ws", **upgrade, **headers)[0] == 403
            assert Client(client.server).get("/metadata", **headers)[0] == 403


def test_web_sockets_that_send_nothing_end_and_their_sessions_too():
    with serving(MATH, idle_seconds=1, limits=HttpLimits(seconds=2)) as client:
        plain = socket.create_connection(client.server.server_address, timeout=60)
        plain.sendall(
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            b"\x81\xfe\x10\x00"  # a frame of 4,096 bytes begins, and never comes
        )
        received = b"".join(iter(lambda: plain.recv(4_096), b""))
        assert b" 101 " in received
        plain.close()
        wait_for(lambda: client.server.connections == 0)


def test_an_unknown_member_of_an_address_is_named():
    with serving(MATH) as client:
        id = client.ok("/reset")["session_id"]
        for path in (f"/state?session_id={id}&all=1", f"/tools?envs={MATH}", "/metadata?x="):
            status, found = client.get(path)
            assert (status, "unknown member" in found["error"]["message"]) == (422, True)
        assert client.get(f"/state?session_id={id}&session_id=x")[0] == 400
        assert json.dumps(client.get("/health?x=1")[1]) == '{"status": "healthy"}'
