"""Requests and their answers."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..http.errors import HttpError
from ..http.handler import JsonHandler, check_members, read_object
from .description import SCHEMAS, metadata, openapi
from .errors import ServingError
from .websocket import WebSocket, accept_key

if TYPE_CHECKING:
    from .server import EnvServer

logger = logging.getLogger(__name__)

Body = dict[str, Any]
_RESET = ("env", "arguments", "seed", "options", "episode_id")


class Route(NamedTuple):
    """What a method of an address does.

    Attributes:
        summary: for people.
        members: what a request may hold; None for anything.
        call: does it.
    """

    summary: str
    members: tuple[str, ...] | None
    call: Callable[[EnvServer, Body], Body]


def _not_rpc(server: EnvServer, body: Body) -> Body:
    problem = {"code": -32601, "message": "tools are called with POST /step; GET /tools names them"}
    return {"jsonrpc": "2.0", "id": body.get("id"), "error": problem}


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/health"): Route("Whether the server lives.", None, lambda server, body: {"status": "healthy"}),
    ("GET", "/metadata"): Route("The environments.", (), lambda server, body: metadata(server.sessions.catalogue)),
    ("GET", "/schema"): Route("JSON schemas of action, observation and state.", (), lambda server, body: SCHEMAS),
    ("GET", "/openapi.json"): Route("This document.", (), lambda server, body: openapi(_listed())),
    ("GET", "/tools"): Route(
        "The tools that an agent may call.", ("session_id", "env"), lambda server, body: server.sessions.tools(body)
    ),
    ("GET", "/state"): Route(
        "Where a session stands.", ("session_id",), lambda server, body: server.sessions.state(body)
    ),
    ("POST", "/reset"): Route(
        "Starts an episode.", ("session_id", *_RESET), lambda server, body: server.sessions.reset(body)
    ),
    ("POST", "/step"): Route(
        "Takes an action.", ("session_id", "action", "message"), lambda server, body: server.sessions.step(body)
    ),
    ("POST", "/close"): Route("Ends a session.", ("session_id",), lambda server, body: server.sessions.close(body)),
    ("POST", "/mcp"): Route("MCP is not spoken here; says so in JSON-RPC.", None, _not_rpc),
}


def _listed() -> list[tuple[str, str, str]]:
    return [(method, path, route.summary) for (method, path), route in ROUTES.items()]


class Handler(JsonHandler):
    """Answers the requests of one connection."""

    server: EnvServer

    def respond(self, path: str) -> Body | None:
        """What the route does; ``/ws`` becomes a web socket."""
        if (self.command, path) == ("GET", "/ws"):
            self._talk()
            return None
        body = self._read_posted() if self.command == "POST" else self.query()
        route = self._route(path)
        if route.members is not None:
            check_members(body, route.members)
        self.work()
        return route.call(self.server, body)

    def _read_posted(self) -> Body:
        raw = self.read_body()
        if not raw:
            return {}
        if self.headers.get_content_type() != "application/json":
            raise ServingError(415, "UNSUPPORTED_MEDIA_TYPE", "send JSON, with Content-Type: application/json")
        return read_object(raw)

    def _route(self, path: str) -> Route:
        if (self.command, path) in ROUTES:
            return ROUTES[self.command, path]
        if takes := [method for method, known in ROUTES if known == path]:
            raise ServingError(405, "METHOD_NOT_ALLOWED", f"{path} takes {takes[0]}")
        known_paths = ", ".join(known for _, known in ROUTES)
        raise ServingError(404, "NOT_FOUND", f"there is no such address; there are {known_paths} and /ws")

    # OpenEnv's clients talk by a web socket, which is a session of its own.

    def _talk(self) -> None:
        key = accept_key(self.headers)
        self.close_connection = True
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", key)):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()
        idle, limits = self.server.sessions.idle_seconds, self.server.http_limits
        # Also for answers to pings that a client does not read.
        self.connection.settimeout(idle)
        web_socket = WebSocket(self.rfile, self.wfile, limits.body)  # type: ignore[arg-type]
        session: Body = {}
        try:
            while True:
                self.server.allow(self.connection, idle, socket.SHUT_RD)
                text = web_socket.receive()
                if text is None:
                    return
                self.work()
                answer = self._hear(text, session)
                if answer is None:
                    return
                self.server.allow(self.connection, limits.seconds, socket.SHUT_RDWR)
                web_socket.send(json.dumps(answer, default=str))
        finally:
            web_socket.close()
            if session:
                try:
                    self.server.sessions.close(session)
                except HttpError:
                    logger.debug("the session was closed before its web socket")

    def _hear(self, text: str, session: Body) -> Body | None:
        """The answer to a message; None if it says goodbye. The session's id is put into ``session``."""
        try:
            message = read_object(text)
            check_members(message, ("type", "data"))
            kind, data = message.get("type"), message.get("data") or {}
            if not isinstance(data, dict):
                raise ServingError(422, "VALIDATION_ERROR", '"data" must be an object')
            if kind == "close":
                return None
            if kind == "reset":
                check_members(data, _RESET)
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
        except HttpError as error:
            return {"type": "error", "data": self.error_body(error)["error"]}
        except Exception:
            logger.exception("a message failed")
            return {"type": "error", "data": {"code": "EXECUTION_ERROR", "message": "our own failure"}}
