"""A server with a thread for each connection, all of them within limits."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from http.server import ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

from .handler import JsonHandler

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one client may ask of a server.

    Attributes:
        body: bytes of a request's body.
        connections: how many are open at once.
        seconds: how long a client may take to send a request, to read the response, and to send the next request.
    """

    body: int = 1 << 20
    connections: int = 256
    seconds: float = 30.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"the limit of {field.name} must be positive, not {getattr(self, field.name)}")


class JsonServer(ThreadingHTTPServer):
    """Listens, and hands each connection to a handler in a thread of its own.

    Args:
        host: the address to listen at.
        port: the port; 0 for any that is free.
        handler: answers the requests of a connection.
        limits: what clients may ask.
        token: what clients send as a bearer token; none is asked for if it is empty.

    Raises:
        OSError: the address can't be listened at.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, host: str, port: int, handler: type[JsonHandler], *, limits: HttpLimits, token: str = ""
    ) -> None:
        self.host, self.http_limits, self.token = host, limits, token
        self.closing = False
        # For each open connection: when its client's time is up, and which half of it is then shut.
        self._due: dict[socket.socket, tuple[float, int]] = {}
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), handler)
        except OSError as error:
            raise OSError(_why(error, host, port)) from None

    @property
    def url(self) -> str:
        """Where the server lies."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.server_address[1]}"

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return ip_address(str(self.server_address[0]).partition("%")[0]).is_loopback

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._due)

    def serve(self, ready: Callable[[], object] = lambda: None, *, grace: float = 5.0) -> None:
        """Serves until SIGTERM or SIGINT, in the main thread; requests under way are then answered.

        Args:
            ready: called when the signals are heeded and connections are accepted.
            grace: seconds that requests under way may still take.
        """

        def stop(number: int, frame: object) -> None:
            # From a thread of its own: shutdown waits for the loop, which this signal interrupts.
            threading.Thread(target=self.shutdown, daemon=True).start()

        previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            ready()
            self.serve_forever(poll_interval=0.1)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            self.close(grace)

    def close(self, grace: float = 0.0) -> None:
        """Stops listening, hangs up on clients that wait or send, and after ``grace`` seconds on all others."""
        self.closing = True
        self.server_close()
        self._hang_up(lambda due, half: half == socket.SHUT_RD)
        end = time.monotonic() + grace
        while self._due and time.monotonic() < end:
            time.sleep(0.02)
        self._hang_up(lambda due, half: True)

    def allow(self, connection: socket.socket, seconds: float, half: int) -> None:
        """Gives a client time; when it is up, that half of its connection is shut."""
        with self._lock:
            if connection in self._due:
                self._due[connection] = (time.monotonic() + seconds, half)
        if self.closing and half == socket.SHUT_RD:
            _hang_up(connection, half)

    def service_actions(self) -> None:
        """Ends what takes too long; the loop calls this several times a second."""
        now = time.monotonic()
        self._hang_up(lambda due, half: due < now)

    def server_bind(self) -> None:
        """Binds without asking a name server what the host is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.host, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Starts a thread for a connection, or refuses it."""
        limits = self.http_limits
        with self._lock:
            accepted = len(self._due) < limits.connections
            if accepted:
                self._due[request] = (time.monotonic() + limits.seconds, socket.SHUT_RD)
        if accepted:
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            request.setblocking(False)
            request.send(self.RequestHandlerClass.too_many())  # type: ignore[attr-defined]
        self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """Forgets a connection and closes it."""
        with self._lock:
            self._due.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news."""
        logger.debug("a connection failed", exc_info=True)

    def _hang_up(self, chosen: Callable[[float, int], bool]) -> None:
        with self._lock:
            for connection, (due, half) in self._due.items():
                if chosen(due, half):
                    _hang_up(connection, half)


def _hang_up(connection: socket.socket, half: int) -> None:
    with suppress(OSError):  # it may be closed already
        connection.shutdown(half)


def _why(error: OSError, host: str, port: int) -> str:
    """Why an address can't be listened at, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken; choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} is for administrators; choose another with --port, from 1024 on"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host}: no address of this machine; give 127.0.0.1 for this machine only, 0.0.0.0 for all"
    return f"{host}, port {port}: {error.strerror}"
