import io
import json
import socket
import struct
import sys
from pathlib import Path

import pytest

from infinite_rl.envs.serving.errors import ServingError
from infinite_rl.envs.serving.websocket import WebSocket, accept_key

sys.path.insert(0, str(Path(__file__).parent))
from serving_client import serving, wait_for

MATH = "InfiniteRL/Math-v0"
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
MASK = b"\x12\x34\x56\x78"


def frame(payload, opcode=1, final=True, mask=MASK, reserved=0):
    """A frame as clients send it."""
    size = len(payload)
    short = size if size < 126 else 126 if size < 1 << 16 else 127
    head = bytes([final << 7 | reserved | opcode, (0x80 if mask else 0) | short])
    head += b"" if size < 126 else struct.pack("!H" if size < 1 << 16 else "!Q", size)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)) if mask else head + payload


def heard(*frames, most=1_000):
    """The messages that a socket receives from these bytes, and what it sends."""
    target = io.BytesIO()
    web_socket = WebSocket(io.BytesIO(b"".join(frames)), target, most)
    messages = []
    while (message := web_socket.receive()) is not None:
        messages.append(message)
    return messages, target.getvalue()


def closing(code):
    return b"\x88\x02" + struct.pack("!H", code)


def test_the_key_of_the_standard_s_example_is_accepted():
    assert accept_key(HANDSHAKE) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("change", [{"Upgrade": "h2c"}, {"Sec-WebSocket-Key": "x"}, {"Sec-WebSocket-Version": "8"}])
def test_other_handshakes_are_refused(change):
    with pytest.raises(ServingError):
        accept_key(HANDSHAKE | change)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_messages_of_every_length_are_read_and_written(size):
    text = ("ä" + "x" * size)[:size]
    raw = text.encode()
    assert heard(frame(raw), most=1 << 20) == ([text], b"")
    target = io.BytesIO()
    WebSocket(io.BytesIO(), target, 1).send(text)
    sent = target.getvalue()
    assert sent[0] == 0x81
    assert sent.endswith(raw)
    assert len(sent) - len(raw) == (2 if len(raw) < 126 else 4 if len(raw) < 1 << 16 else 10)


def test_fragments_are_joined_and_pings_between_them_answered():
    parts = [frame(b"a", final=False), frame(b"hi", opcode=9), frame(b"b", opcode=0, final=False)]
    assert heard(*parts, frame(b"c", opcode=0), frame(b"d")) == (["abc", "d"], b"\x8a\x02hi")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(b"x", mask=b""), 1002),
        (frame(b"x", reserved=0x40), 1002),
        (frame(b"x", opcode=0), 1002),
        (frame(b"x", final=False) + frame(b"y"), 1002),
        (frame(b"x" * 126, opcode=9), 1002),
        (frame(b"x", opcode=9, final=False), 1002),
        (frame(b"x", opcode=2), 1003),
        (frame(b"\xff"), 1007),
        (frame(b"x" * 1_001), 1009),
        (frame(b"x" * 600, final=False) + frame(b"x" * 600, opcode=0), 1009),
        (b"\x81\xff" + b"\x7f" + b"\xff" * 7, 1009),
        (frame(b"", opcode=8), 1000),
    ],
)
def test_what_breaks_the_rules_ends_the_connection(sent, code):
    assert heard(sent) == ([], closing(code))


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_connection_that_breaks_within_a_frame_is_over(cut):
    assert heard(frame(b"xyz")[:cut]) == ([], b"")


def connected(server):
    plain = socket.create_connection(server.server_address, timeout=60)
    lines = "".join(f"{name}: {value}\r\n" for name, value in HANDSHAKE.items())
    plain.sendall(f"GET /ws HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
    source = plain.makefile("rb")
    assert b" 101 " in source.readline()
    while source.readline() != b"\r\n":
        pass
    return plain, source


def asked(plain, source, message):
    plain.sendall(frame(message if isinstance(message, bytes) else json.dumps(message).encode()))
    size = source.read(2)[1]
    size = size if size < 126 else int.from_bytes(source.read(2 if size == 126 else 8))
    return json.loads(source.read(size))


def test_a_connection_is_a_session():
    with serving(MATH) as client:
        plain, source = connected(client.server)
        for message, code in (
            (b"{", "INVALID_JSON"),
            (b"[]", "VALIDATION_ERROR"),
            ({"type": "step", "data": {"text": ""}}, "SESSION_ERROR"),
            ({"type": "reset", "data": [1]}, "VALIDATION_ERROR"),
            ({"type": "reset", "data": {"seed": "x"}}, "VALIDATION_ERROR"),
            ({"type": "reset", "data": {"sed": 1}}, "VALIDATION_ERROR"),
            ({"type": "reset", "date": {}}, "VALIDATION_ERROR"),
            ({"type": "shout"}, "UNKNOWN_TYPE"),
            ({"type": ["reset"]}, "UNKNOWN_TYPE"),
        ):
            found = asked(plain, source, message)
            assert (found["type"], found["data"]["code"]) == ("error", code)
        found = asked(plain, source, {"type": "reset", "data": {"seed": 1}})
        assert found["data"].keys() == {"observation", "reward", "done"}
        found = asked(plain, source, {"type": "step", "data": {"text": "<answer>x</answer>"}})
        assert (found["type"], found["data"]["done"]) == ("observation", True)
        assert asked(plain, source, {"type": "state"})["data"]["step_count"] == 1
        assert len(client.server.sessions) == 1
        plain.close()
        source.close()
        wait_for(lambda: not len(client.server.sessions) and not client.server.connections)


def test_a_silent_connection_ends():
    with serving(MATH, idle_seconds=2) as client:
        plain, source = connected(client.server)
        asked(plain, source, {"type": "reset"})
        assert source.read() in (b"", closing(1000))
        plain.close()


def test_openenv_s_client_plays_and_its_check_passes():
    generic_client = pytest.importorskip("openenv.core.generic_client")
    validation = pytest.importorskip("openenv.cli._validation")
    with serving(MATH, arguments={"level": 1}) as client:
        with generic_client.GenericEnvClient(base_url=client.server.url).sync() as env:
            assert env.reset(seed=1).observation["text"].startswith("What is")
            assert env.step({"text": "<answer>7</answer>"}).done
            assert env.state()["step_count"] == 1
            with pytest.raises(RuntimeError, match="SESSION_ERROR"):
                env.step({"text": ""})
        assert validation.validate_running_environment(client.server.url)["passed"]
