"""The server's side of a web socket (RFC 6455): text messages, whole, and no longer than a limit."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping
from contextlib import suppress
from email.message import Message
from typing import BinaryIO

from .errors import ServingError

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUATION, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA
_NORMAL, _PROTOCOL_ERROR, _NO_TEXT, _INVALID_TEXT, _TOO_BIG = 1000, 1002, 1003, 1007, 1009


def accept_key(headers: Message[str, str] | Mapping[str, str]) -> str:
    """What the response to a handshake proves itself with.

    Raises:
        ServingError: the request is no handshake of version 13.
    """
    key = headers.get("Sec-WebSocket-Key", "").strip()
    try:
        nonce = base64.b64decode(key, validate=True)
    except (ValueError, binascii.Error):
        nonce = b""
    if headers.get("Upgrade", "").lower() != "websocket" or len(nonce) != 16:
        raise ServingError(426, "UPGRADE_REQUIRED", "this is the address of a web socket")
    if headers.get("Sec-WebSocket-Version", "").strip() != "13":
        raise ServingError(426, "UPGRADE_REQUIRED", "web sockets of version 13 only")
    return base64.b64encode(hashlib.sha1(key.encode() + _MAGIC, usedforsecurity=False).digest()).decode()


class WebSocket:
    """An open web socket.

    Args:
        source: what the client sends.
        target: where it reads.
        max_bytes: of a message.
    """

    def __init__(self, source: BinaryIO, target: BinaryIO, max_bytes: int) -> None:
        self._source, self._target, self._max_bytes = source, target, max_bytes
        self._closed = False

    def receive(self) -> str | None:
        """The next message; None if there will be none. Pings are answered on the way."""
        message = bytearray()
        begun = False
        while True:
            frame = self._frame(self._max_bytes - len(message))
            if frame is None:
                return None
            final, opcode, payload = frame
            if opcode == _CLOSE:
                self.close(_NORMAL)
                return None
            if opcode == _PING:
                self._send(_PONG, payload)
                continue
            if opcode == _PONG:
                continue
            if opcode not in (_TEXT, _CONTINUATION) or begun == (opcode == _TEXT):
                self.close(_PROTOCOL_ERROR if opcode in (_TEXT, _CONTINUATION) else _NO_TEXT)
                return None
            begun = True
            message += payload
            if final:
                try:
                    return message.decode()
                except UnicodeDecodeError:
                    self.close(_INVALID_TEXT)
                    return None

    def send(self, text: str) -> None:
        """Sends a message."""
        self._send(_TEXT, text.encode())

    def close(self, code: int = _NORMAL) -> None:
        """Says goodbye, once; nobody waits for the answer."""
        if not self._closed:
            self._closed = True
            with suppress(OSError, ValueError):
                self._send(_CLOSE, struct.pack("!H", code))

    def _frame(self, room: int) -> tuple[bool, int, bytes] | None:
        """The next frame: whether it is the last of its message, its opcode and payload; None where there is none."""
        head = self._exactly(2)
        if head is None:
            return None
        opcode, length = head[0] & 0x0F, head[1] & 0x7F
        control = opcode >= _CLOSE
        # No extension was agreed on, clients mask, and control frames are short and whole.
        if head[0] & 0x70 or not head[1] & 0x80 or (control and (length > 125 or not head[0] & 0x80)):
            self.close(_PROTOCOL_ERROR)
            return None
        if length >= 126:
            size = self._exactly(2 if length == 126 else 8)
            if size is None:
                return None
            length = int.from_bytes(size)
        if length > room and not control:
            self.close(_TOO_BIG)
            return None
        mask, payload = self._exactly(4), self._exactly(length)
        if mask is None or payload is None:
            return None
        repeated = (mask * (length // 4 + 1))[:length]
        unmasked = int.from_bytes(payload) ^ int.from_bytes(repeated)
        return bool(head[0] & 0x80), opcode, unmasked.to_bytes(length)

    def _exactly(self, count: int) -> bytes | None:
        try:
            found = self._source.read(count)
        except (OSError, ValueError):  # timed out, cut off, or closed on our side
            return None
        return found if len(found) == count else None

    def _send(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | opcode, length)
        elif length < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, length)
        self._target.write(head + payload)
        self._target.flush()
