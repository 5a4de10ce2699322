"""The HTTP server: a thread a connection, each within limits."""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
import time
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import Any

from .handler import Handler
from .sessions import Sessions

logger = logging.getLogger(__name__)

_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"


class EnvServer(ThreadingHTTPServer):
    """Offers environments over HTTP; ``serve_forever`` runs it, then `finish` ends what is left.

    Args:
        address: host and port; port 0 takes a free one.
        sessions: the sessions and environments.
        token: what clients send as a bearer token; none is asked for if it is empty.
        max_bytes: of a request's body or a message.
        read_seconds: a connection that brings no whole request for so long is closed.

    Raises:
        OSError: the address can't be had.
    """

    sessions: Sessions
    token: str
    max_bytes: int
    read_seconds: float
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        sessions: Sessions,
        *,
        token: str = "",
        max_bytes: int = 1 << 20,
        read_seconds: float = 60,
    ) -> None:
        self.sessions, self.token, self.max_bytes, self.read_seconds = sessions, token, max_bytes, read_seconds
        self.max_connections = 2 * sessions.limit + 32
        # Until when each connection may wait for its next request; None while one is at work.
        self._connections: dict[Any, float | None] = {}
        self._lock = threading.Lock()
        self._finishing = False
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Binds without asking a name server who we are."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return str(self.server_address[0]) in ("127.0.0.1", "::1")

    def process_request(self, request: Any, client_address: Any) -> None:
        """Starts a thread for a connection, if there are not too many."""
        with self._lock:
            full = len(self._connections) >= self.max_connections
            if not full:
                self._connections[request] = time.monotonic() + self.read_seconds
        if not full:
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            request.send(_BUSY)
        self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """Closes a connection."""
        with self._lock:
            self._connections.pop(request, None)
        super().shutdown_request(request)

    def waits(self, connection: Any, seconds: float | None = None) -> None:
        """The connection waits for its next request, so long at most."""
        with self._lock:
            if connection in self._connections:
                self._connections[connection] = time.monotonic() + (seconds or self.read_seconds)
        if self._finishing:
            _cut(connection)

    def works(self, connection: Any) -> None:
        """The connection's request is there."""
        with self._lock:
            if connection in self._connections:
                self._connections[connection] = None

    def service_actions(self) -> None:
        """Runs twice a second: cuts connections that wait for too long, and closes idle sessions."""
        now = time.monotonic()
        with self._lock:
            late = [found for found, until in self._connections.items() if until is not None and until < now]
        for connection in late:
            _cut(connection)
        self.sessions.sweep()

    def finish(self, seconds: float = 10) -> None:
        """Takes no more connections, lets requests that are at work finish for a while, and ends all sessions."""
        self.server_close()
        self._finishing = True
        with self._lock:
            idle = [found for found, until in self._connections.items() if until is not None]
        for connection in idle:
            _cut(connection)
        deadline = time.monotonic() + seconds
        while self._connections and time.monotonic() < deadline:
            time.sleep(0.01)
        self.sessions.close_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up; that is no news."""
        logger.debug("a connection from %s broke", client_address, exc_info=True)


def _cut(connection: Any) -> None:
    """Makes whoever reads from a connection see its end."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
