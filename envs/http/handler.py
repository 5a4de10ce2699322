"""Requests in JSON and their answers."""

from __future__ import annotations

import hmac
import json
import logging
import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ...rewards.schemas.text import JsonLimitError, read_json
from .errors import HttpError

if TYPE_CHECKING:
    from .server import JsonServer

logger = logging.getLogger(__name__)

# How long a refused client's leftovers are read, so that it sees the refusal and not a reset connection.
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 4 << 20
_HERE = ("localhost", "127.0.0.1", "[::1]", "")


class JsonHandler(BaseHTTPRequestHandler):
    """Answers the requests of one connection, in JSON; a subclass says how, in ``respond``."""

    server: JsonServer
    protocol_version = "HTTP/1.1"
    # An answer leaves in one piece: in two, each would wait for a delayed acknowledgement of the first.
    wbufsize = -1
    disable_nagle_algorithm = True
    is_read = True
    """Whether nothing of the request is left on the connection, so that another one may follow."""

    # What a subclass defines.

    def respond(self, path: str) -> Mapping[str, Any] | None:
        """The answer to a request, which `read_body` or `query` read; None if the connection was used otherwise.

        Raises:
            HttpError: it is refused.
        """
        raise NotImplementedError

    @classmethod
    def error_body(cls, error: HttpError) -> Mapping[str, Any]:
        """A refusal as JSON."""
        return {"error": {"code": error.code, "message": str(error)}}

    # What it may use.

    def read_body(self) -> bytes:
        """The body that was sent, empty if there is none.

        Raises:
            HttpError: it is not sent as it must be, is too long, or does not arrive in time.
        """
        limits, lengths = self.server.http_limits, self.headers.get_all("Content-Length", ["0"])
        if "Transfer-Encoding" in self.headers:
            raise HttpError(411, "send the body in one piece, with a Content-Length", "LENGTH_REQUIRED")
        if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,19}", lengths[0].strip()):
            raise HttpError(400, "Content-Length must be one number")
        length = int(lengths[0])
        if length > limits.body:
            raise HttpError(413, f"the body has {length:,} bytes; at most {limits.body:,}", "TOO_LARGE")
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
            self.wfile.flush()
        body = self.rfile.read(length)
        if len(body) < length:
            raise HttpError(408, f"the body did not arrive in {limits.seconds:g} s", "TIMEOUT")
        self.work()
        return body

    def query(self) -> dict[str, str]:
        """What the address says behind the question mark.

        Raises:
            HttpError: it says something twice.
        """
        pairs = parse_qsl(self.path.partition("?")[2], keep_blank_values=True)
        if len(dict(pairs)) < len(pairs):
            raise HttpError(400, "the address says something twice")
        return dict(pairs)

    def work(self) -> None:
        """From here on the client waits for us."""
        self.is_read = True
        self.server.allow(self.connection, float("inf"), socket.SHUT_RDWR)

    # What happens.

    def handle_one_request(self) -> None:
        """Waits for a request and answers it."""
        self.server.allow(self.connection, self.server.http_limits.seconds, socket.SHUT_RD)
        super().handle_one_request()

    def handle_expect_100(self) -> bool:
        """Leaves it to `read_body` to ask for a body that is expected to be refused."""
        return True

    def do_GET(self) -> None:
        """Answers."""
        # A body has no place here: what comes must not be taken for the next request.
        self.is_read = self.headers.get("Content-Length", "0") == "0" and "Transfer-Encoding" not in self.headers
        self._handle()

    def do_POST(self) -> None:
        """Answers."""
        self.is_read = False
        self._handle()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuses what is no HTTP request that is known here."""
        self.request_version = self.protocol_version  # even what is no HTTP is answered by HTTP
        self.is_read = False
        self.refuse(HttpError(int(code), message or self.responses.get(code, ("refused",))[0]))

    def version_string(self) -> str:
        """What the server is; versions are nobody's business."""
        return "infinite-rl"

    def log_message(self, format: str, *args: Any) -> None:
        """Into the log, not onto the terminal."""
        logger.debug(format, *args)

    def refuse(self, error: HttpError) -> None:
        """Answers with an error; where something of the request was not read, nothing more is."""
        self.answer(error.status, self.error_body(error), close=not self.is_read)
        if not self.is_read:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_WR)
                self.connection.settimeout(_LINGER_SECONDS)
                end, left = time.monotonic() + _LINGER_SECONDS, _LINGER_BYTES
                while left > 0 and time.monotonic() < end and (read := len(self.connection.recv(1 << 16))):
                    left -= read

    def answer(self, status: int, content: Mapping[str, Any], *, close: bool = False) -> None:
        """Sends an answer."""
        body = json.dumps(content, default=str).encode()
        self.server.allow(self.connection, self.server.http_limits.seconds, socket.SHUT_RDWR)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        if status == 503:
            self.send_header("Retry-After", "1")
        if close or self.server.closing:
            self.send_header("Connection", "close")  # this also ends the loop over requests
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    @classmethod
    def too_many(cls) -> bytes:
        """What a connection beyond the limit gets to hear."""
        error = HttpError(503, "too many connections; try again later", "CAPACITY_REACHED")
        body = json.dumps(cls.error_body(error)).encode()
        head = (
            f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Retry-After: 1\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body

    def _handle(self) -> None:
        path = self.path.partition("?")[0]
        try:
            if path != "/health":
                self._check_client()
            content = self.respond(path)
            if content is not None:
                self.answer(200, content, close=not self.is_read)
        except HttpError as error:
            self.refuse(error)
        except OSError:
            self.close_connection = True  # hung up, or too slow
        except Exception:
            logger.exception("%s %s failed", self.command, path)
            self.refuse(HttpError(500, "our own failure; the server's log says why", "EXECUTION_ERROR"))

    def _check_client(self) -> None:
        """Lets in who has the token, and no page that a browser happens to show."""
        token = self.server.token
        if token:
            given = self.headers.get("Authorization", "").encode("latin-1", "replace")
            if not hmac.compare_digest(given, b"Bearer " + token.encode()):
                raise HttpError(401, "send the server's token: Authorization: Bearer …", "UNAUTHORIZED")
        host, origin = self.headers.get("Host", "").lower(), self.headers.get("Origin")
        name = host.rpartition(":")[0] if re.search(r":\d*$", host) else host
        # A page elsewhere whose name was made to lead here sends its own name.
        strange = self.server.local and not token and name not in _HERE
        if strange or (origin is not None and origin.lower().partition("://")[2] != host):
            raise HttpError(403, "requests of web pages from elsewhere are refused", "FORBIDDEN")


def read_object(text: str | bytes, *, status: int = 422) -> dict[str, Any]:
    """The JSON object that was sent.

    Raises:
        HttpError: it is none.
    """
    try:
        value = read_json(text if isinstance(text, str) else text.decode())
    except (ValueError, JsonLimitError) as error:
        raise HttpError(400, f"the body is not JSON: {str(error)[:200]}", "INVALID_JSON") from None
    if not isinstance(value, dict):
        raise HttpError(status, "the body must be an object in JSON", "VALIDATION_ERROR")
    return value


def check_members(found: Mapping[str, Any], known: tuple[str, ...], *, status: int = 422) -> None:
    """Refuses an object with members that nobody would read.

    Raises:
        HttpError: there is one.
    """
    if unknown := [name for name in found if name not in known]:
        raise HttpError(status, f"unknown member {unknown[0][:80]!r}; known: {', '.join(known)}", "VALIDATION_ERROR")
