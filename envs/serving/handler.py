"""Requests and their answers."""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ...rewards.schemas.text import JsonLimitError, read_json
from .description import SCHEMAS, metadata, openapi
from .errors import ServingError
from .websocket import WebSocket, accept_key

if TYPE_CHECKING:
    from .server import EnvServer

logger = logging.getLogger(__name__)

Body = dict[str, Any]


def _not_rpc(server: EnvServer, body: Body) -> Body:
    problem = {"code": -32601, "message": "tools are called with POST /step; GET /tools names them"}
    return {"jsonrpc": "2.0", "id": body.get("id"), "error": problem}


# Method and path: what it does, for people, and the function that does it.
ROUTES: dict[tuple[str, str], tuple[str, Callable[[EnvServer, Body], Body]]] = {
    ("GET", "/health"): ("Whether the server lives.", lambda server, body: {"status": "healthy"}),
    ("GET", "/metadata"): ("The environments.", lambda server, body: metadata(server.sessions.catalogue)),
    ("GET", "/schema"): ("JSON schemas of action, observation and state.", lambda server, body: SCHEMAS),
    ("GET", "/openapi.json"): ("This document.", lambda server, body: openapi(_listed())),
    ("GET", "/tools"): ("The tools that an agent may call.", lambda server, body: server.sessions.tools(body)),
    ("GET", "/state"): ("Where a session stands.", lambda server, body: server.sessions.state(body)),
    ("POST", "/reset"): ("Starts an episode.", lambda server, body: server.sessions.reset(body)),
    ("POST", "/step"): ("Takes an action.", lambda server, body: server.sessions.step(body)),
    ("POST", "/close"): ("Ends a session.", lambda server, body: server.sessions.close(body)),
    ("POST", "/mcp"): ("MCP is not spoken here; says so in JSON-RPC.", _not_rpc),
}


def _listed() -> list[tuple[str, str, str]]:
    return [(method, path, summary) for (method, path), (summary, _) in ROUTES.items()]


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection, in JSON."""

    server: EnvServer
    protocol_version = "HTTP/1.1"
    server_version = "infinite-rl"
    sys_version = ""
    # An answer leaves in one piece: in two, each would wait for a delayed acknowledgement of the first.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """No read and no write blocks for longer than a request may take."""
        super().setup()
        self.connection.settimeout(self.server.read_seconds)

    def handle_one_request(self) -> None:
        """Waits for a request and answers it."""
        self.server.waits(self.connection)
        super().handle_one_request()

    def do_GET(self) -> None:
        """Answers."""
        self._handle()

    def do_POST(self) -> None:
        """Answers."""
        self._handle()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What Python's server refuses by itself; in JSON too."""
        self.close_connection = True
        self._send(code, ServingError(code, "BAD_REQUEST", message or HTTPStatus(code).phrase).body)

    def log_message(self, format: str, *args: Any) -> None:
        """Into the log, not onto the terminal."""
        logger.debug(format, *args)

    def _handle(self) -> None:
        url = urlsplit(self.path) if self.path.startswith("/") else urlsplit("/")
        try:
            if url.path != "/health":
                self._check_client()
            if (self.command, url.path) == ("GET", "/ws"):
                self._talk()
                return
            body = self._body() if self.command == "POST" else dict(parse_qsl(url.query))
            self.server.works(self.connection)
            self._send(200, self._route(url.path)(self.server, body))
        except ServingError as error:
            self._send(error.status, error.body)
        except OSError:
            self.close_connection = True  # hung up, or too slow
        except Exception:
            logger.exception("%s %s failed", self.command, url.path)
            self.close_connection = True
            self._send(500, ServingError(500, "EXECUTION_ERROR", "our own failure; see the server's log").body)

    def _route(self, path: str) -> Callable[[EnvServer, Body], Body]:
        if (self.command, path) in ROUTES:
            return ROUTES[self.command, path][1]
        if any(path == known for _, known in ROUTES):
            raise ServingError(405, "METHOD_NOT_ALLOWED", f"{path} takes another method")
        known_paths = ", ".join(known for _, known in ROUTES)
        raise ServingError(404, "NOT_FOUND", f"there is no such address; there are {known_paths} and /ws")

    def _check_client(self) -> None:
        """Lets in who has the token, and no page that a browser happens to show."""
        if self.server.token:
            given = self.headers.get("Authorization", "").encode("latin-1", "replace")
            if not hmac.compare_digest(given, b"Bearer " + self.server.token.encode()):
                self.close_connection = True
                raise ServingError(401, "UNAUTHORIZED", "send the server's token: Authorization: Bearer …")
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        name = host.rpartition(":")[0] if re.search(r":\d*$", host) else host
        # A page elsewhere whose name was made to lead here sends its own name.
        strange = self.server.local and not self.server.token and name not in ("localhost", "127.0.0.1", "[::1]", "")
        if strange or (origin is not None and urlsplit(origin).netloc != host):
            self.close_connection = True
            raise ServingError(403, "FORBIDDEN", "requests of web pages from elsewhere are refused")

    def _body(self) -> Body:
        """The JSON object that was sent; an empty one for an empty body."""
        lengths = self.headers.get_all("Content-Length") or ["0"]
        self.close_connection, kept = True, self.close_connection  # what is not read must not be taken for a request
        if "Transfer-Encoding" in self.headers:
            raise ServingError(411, "LENGTH_REQUIRED", "send the body in one piece, with Content-Length")
        if len(set(lengths)) != 1 or not re.fullmatch(r"[0-9]{1,15}", lengths[0]):
            raise ServingError(400, "BAD_REQUEST", "Content-Length is no number")
        length = int(lengths[0])
        if length > self.server.max_bytes:
            raise ServingError(
                413, "TOO_LARGE", f"the body has {length:,} bytes; the limit is {self.server.max_bytes:,}"
            )
        raw = self.rfile.read(length)
        if len(raw) < length:
            raise ConnectionError("the client hung up")
        self.close_connection = kept
        if not raw:
            return {}
        if self.headers.get_content_type() != "application/json":
            raise ServingError(415, "UNSUPPORTED_MEDIA_TYPE", "send JSON, with Content-Type: application/json")
        return _read_object(raw)

    def _send(self, status: int, content: Mapping[str, Any]) -> None:
        raw = json.dumps(content, default=str).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        if status == 503:
            self.send_header("Retry-After", "1")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.wfile.write(raw)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    # OpenEnv's clients talk by a web socket, which is a session of its own.

    def _talk(self) -> None:
        key = accept_key(self.headers)
        self.close_connection = True
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", key)):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()
        idle = self.server.sessions.idle_seconds
        self.connection.settimeout(idle)
        web_socket = WebSocket(self.rfile, self.wfile, self.server.max_bytes)  # type: ignore[arg-type]
        session: Body = {}
        try:
            while True:
                self.server.waits(self.connection, idle)
                text = web_socket.receive()
                if text is None:
                    return
                self.server.works(self.connection)
                answer = self._hear(text, session)
                if answer is None:
                    return
                web_socket.send(json.dumps(answer, default=str))
        finally:
            web_socket.close()
            if session:
                try:
                    self.server.sessions.close(session)
                except ServingError:
                    logger.debug("the session was closed before its web socket")

    def _hear(self, text: str, session: Body) -> Body | None:
        """The answer to a message; None if it says goodbye. The session's id is put into ``session``."""
        try:
            message = _read_object(text)
            kind, data = message.get("type"), message.get("data") or {}
            if not isinstance(data, dict):
                raise ServingError(422, "VALIDATION_ERROR", '"data" must be an object')
            if kind == "close":
                return None
            if kind == "reset":
                found = self.server.sessions.reset({**data, "session_id": session.get("session_id")})
                session["session_id"] = found.pop("session_id")
            elif kind not in ("step", "state"):
                raise ServingError(422, "UNKNOWN_TYPE", '"type" must be reset, step, state or close')
            elif not session:
                raise ServingError(409, "SESSION_ERROR", "reset first")
            elif kind == "state":
                return {"type": "state", "data": self.server.sessions.state(session)}
            else:
                found = self.server.sessions.step({**session, "action": data})
                del found["session_id"]
            return {"type": "observation", "data": found}
        except ServingError as error:
            return {"type": "error", "data": error.body["error"]}
        except Exception:
            logger.exception("a message failed")
            return {"type": "error", "data": {"code": "EXECUTION_ERROR", "message": "our own failure"}}


def _read_object(text: str | bytes) -> Body:
    try:
        value = read_json(text if isinstance(text, str) else text.decode())
    except (ValueError, JsonLimitError) as error:
        raise ServingError(400, "INVALID_JSON", f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ServingError(422, "VALIDATION_ERROR", "the body must be a JSON object")
    return value
