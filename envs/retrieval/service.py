"""The HTTP service that searches: ``POST /search`` and ``GET /health``."""

from __future__ import annotations

import json
import logging
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ...runtimes.workers import available_cores
from .retriever import Retriever
from .search_request import Limits, RequestError, SearchRequest

logger = logging.getLogger(__name__)

# How long a refused client's leftovers are read, so that it sees the refusal and not a reset connection.
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 4 << 20


class SearchServer(ThreadingHTTPServer):
    """Serves a retriever; a thread for each connection, up to the limit.

    Args:
        retriever: what finds the documents.
        host: the address to listen at.
        port: the port; 0 for any that is free.
        limits: what clients may ask.
        health: what ``/health`` says beside ``"status": "ok"``.

    Raises:
        OSError: the address can't be listened at.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        retriever: Retriever,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        limits: Limits | None = None,
        health: dict[str, Any] | None = None,
    ) -> None:
        self.retriever, self.limits = retriever, limits or Limits()
        self.health = {"status": "ok"} | (health or {})
        self.host = host
        self.closing = False
        self.searching = threading.BoundedSemaphore(4 * available_cores())
        # For each open connection: when its client's time is up, and which half of it is then shut.
        self._due: dict[socket.socket, tuple[float, int]] = {}
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """Where the service lies."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.server_address[1]}"

    def serve(self, ready: Callable[[], object] = lambda: None, *, grace: float = 5.0) -> None:
        """Serves until SIGTERM or SIGINT, in the main thread; searches under way are then answered.

        Args:
            ready: called when the signals are heeded and connections are accepted.
            grace: seconds that searches under way may still take.
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
        with self._lock:
            accepted = len(self._due) < self.limits.connections
            if accepted:
                self._due[request] = (time.monotonic() + self.limits.seconds, socket.SHUT_RD)
        if accepted:
            super().process_request(request, client_address)
            return
        body = b'{"error": "too many connections; try again later"}'
        head = (
            f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Retry-After: 1\r\nConnection: close\r\n\r\n"
        )
        with suppress(OSError):
            request.setblocking(False)
            request.send(head.encode() + body)
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
                    with suppress(OSError):  # it may be closed already
                        connection.shutdown(half)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SearchServer

    def do_GET(self) -> None:
        """``/health``."""
        if self.path == "/health":
            self._answer(200, self.server.health)
        elif self.path in ("/search", "/retrieve"):
            self._refuse(RequestError(405, f"{self.path} takes POST"))
        else:
            self._refuse(RequestError(404, "there are POST /search and GET /health"))

    def do_POST(self) -> None:
        """``/search``, and ``/retrieve`` with documents in one text, as Search-R1's clients want them."""
        try:
            if self.path == "/health":
                raise RequestError(405, "/health takes GET")
            if self.path not in ("/search", "/retrieve"):
                raise RequestError(404, "there are POST /search and GET /health")
            body = self._read_body()
        except RequestError as error:
            self._refuse(error)
            return
        # From here on the client waits for us.
        self.server.allow(self.connection, float("inf"), socket.SHUT_RDWR)
        try:
            request = SearchRequest.read(body, self.server.limits)
            with self.server.searching:
                found = self.server.retriever.search(request.queries, request.topk)
            answer = request.answer(found, contents=self.path == "/retrieve")
        except RequestError as error:
            self._answer(error.status, {"error": error.message})
        except Exception:
            logger.exception("a search failed")
            self._answer(500, {"error": "the search failed; the service's log says why"})
        else:
            self._answer(200, answer)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuses what is no HTTP request that is known here."""
        self._refuse(RequestError(int(code), message or self.responses.get(code, ("refused",))[0]))

    def version_string(self) -> str:
        """What the service is; versions are nobody's business."""
        return "infinite-rl"

    def log_message(self, format: str, *args: Any) -> None:
        """Logs instead of printing."""
        logger.debug(format, *args)

    def _read_body(self) -> bytes:
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or not lengths:
            raise RequestError(411, "send the body with a Content-Length")
        text = lengths[0].strip()
        if len(lengths) > 1 or not (text.isascii() and text.isdigit() and len(text) < 20):
            raise RequestError(400, "Content-Length must be one number")
        if int(text) > self.server.limits.body:
            raise RequestError(413, f"the body has {int(text):,} bytes; at most {self.server.limits.body:,}")
        body = self.rfile.read(int(text))
        if len(body) < int(text):
            raise RequestError(408, f"the body did not arrive in {self.server.limits.seconds:g} s")
        return body

    def _answer(self, status: int, content: dict[str, Any], *, close: bool = False) -> None:
        body = json.dumps(content).encode()
        self.server.allow(self.connection, self.server.limits.seconds, socket.SHUT_RDWR)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if close or self.server.closing:
            self.send_header("Connection", "close")  # this also ends the loop over requests
        self.end_headers()
        self.wfile.write(body)
        self.server.allow(self.connection, self.server.limits.seconds, socket.SHUT_RD)

    def _refuse(self, error: RequestError) -> None:
        """Answers a request whose body was not read; nothing more can be read from the connection."""
        self.request_version = self.protocol_version  # even what is no HTTP is answered by HTTP
        self._answer(error.status, {"error": error.message}, close=True)
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER_SECONDS)
            end, left = time.monotonic() + _LINGER_SECONDS, _LINGER_BYTES
            while left > 0 and time.monotonic() < end and (read := len(self.connection.recv(1 << 16))):
                left -= read
