"""HTTP connections that are kept and used again, each request within a time and a size."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import unquote, urlsplit

# A thread that watches over exchanges ends after so many seconds without any.
_IDLE = 1.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response; the names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class TooLongError(http.client.HTTPException):
    """A response is longer than it may be."""


class BrokenOffError(OSError):
    """A request was broken off by ``ConnectionPool.cut``."""


class ConnectionPool:
    """Connections to one server, directly or by the proxy that the environment names for it.

    Args:
        base_url: ``http://…`` or ``https://…``; paths are appended to it.
        timeout: seconds that a request may take, from connecting to the last byte.
        max_bytes: length of a response, at most.

    Raises:
        ValueError: the URL is none of a server, or the proxy's is none of an HTTP proxy.
    """

    def __init__(self, base_url: str, timeout: float, max_bytes: int) -> None:
        parts = urlsplit(base_url)
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("base_url holds a password, a query or a fragment. Give the key as api_key.")
        plain = base_url.isascii() and base_url.isprintable() and " " not in base_url
        if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
            raise ValueError(f"base_url is {base_url!r}. Give one such as http://localhost:8000/v1.")
        self.timeout, self.max_bytes = timeout, max_bytes
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port or (443 if self._secure else 80)
        self._proxy = _proxy_for(parts.scheme, self._host)
        # A proxy of plain HTTP is asked for whole URLs; one of HTTPS only passes bytes on.
        self._prefix = base_url if self._proxy and not self._secure else parts.path
        named = f"[{self._host}]" if ":" in self._host else self._host
        self._authority = f"{named}:{parts.port}" if parts.port else named
        self._clock = _Clock(timeout)
        self._idle: list[http.client.HTTPConnection] = []
        self._busy: set[http.client.HTTPConnection] = set()
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def request(self, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        """Sends a request and reads the response: ``POST``, or ``GET`` where there is no body.

        Raises:
            OSError: the server could not be reached, hung up, or took too long (``TimeoutError``).
            http.client.HTTPException: it answered with something that is not HTTP, or with too much (`TooLongError`).
        """
        kept = self._take_idle()
        if kept is not None:
            # The server may have closed it meanwhile, which says nothing about a new one.
            with suppress(ConnectionError):
                return self._exchange(kept, path, body, headers)
        return self._exchange(self._connection(), path, body, headers)

    def close(self) -> None:
        """Closes the connections that are idle."""
        while (connection := self._take_idle()) is not None:
            connection.close()

    def cut(self) -> None:
        """Breaks off the requests that are under way: each raises ``BrokenOffError``, and is not sent again."""
        with self._lock:
            # First it is said that they are broken off: whoever is woken by it asks at once.
            busy, self._busy = self._busy, set()
        for connection in busy:
            _shut(connection.sock)

    def _exchange(
        self, connection: http.client.HTTPConnection, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Reply:
        with self._lock:
            self._busy.add(connection)
        kept = False
        try:
            reply, kept = self._speak(connection, path, body, headers)
            return reply
        except ConnectionError:
            self._check(connection)
            raise
        finally:
            with self._lock:  # by the time that somebody else takes it, it is no longer this one's
                self._busy.discard(connection)
                if kept:
                    self._idle.append(connection)

    def _speak(
        self, connection: http.client.HTTPConnection, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[Reply, bool]:
        """The reply, and whether the connection can be used again."""
        if self._proxy and not self._secure:
            headers = headers | self._proxy.headers
        with _Deadline(self._clock, connection) as deadline:
            if connection.sock is None:
                connection.connect()
                self._check(connection)  # there was nothing yet to be shut down
            deadline.watch(connection.sock)
            # Not by the connection's own request(), which sends head and body one after the other: two packets.
            connection.sock.sendall(self._request(path, body, headers))
            with http.client.HTTPResponse(connection.sock, method="GET" if body is None else "POST") as response:
                response.begin()
                content = response.read(self.max_bytes + 1)
            deadline.check()
            if len(content) > self.max_bytes:
                raise TooLongError(f"the response is longer than {self.max_bytes:,} bytes")
            if response.length:
                raise http.client.IncompleteRead(content, response.length)
        if response.will_close:
            connection.close()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, names, content), not response.will_close

    def _check(self, connection: http.client.HTTPConnection) -> None:
        """Raises ``BrokenOffError`` if what the connection was busy with is broken off."""
        if connection not in self._busy:
            raise BrokenOffError("the request was broken off")

    def _request(self, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        lines = [
            f"{'GET' if body is None else 'POST'} {(self._prefix + path) or '/'} HTTP/1.1",
            f"Host: {self._authority}",
        ]
        lines += [f"{name}: {value}" for name, value in {"Accept-Encoding": "identity", **headers}.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header holds a line break")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")

    def _connection(self) -> http.client.HTTPConnection:
        host, port = (self._proxy.host, self._proxy.port) if self._proxy else (self._host, self._port)
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(host, port, timeout=self.timeout)
        if self._proxy and self._secure:
            connection.set_tunnel(self._host, self._port, headers=self._proxy.headers)
        return connection

    def _take_idle(self) -> http.client.HTTPConnection | None:
        with self._lock:
            if self._owner != os.getpid():
                # After a fork these are the parent's too, and two processes must not talk on one connection.
                self._idle, self._owner = [], os.getpid()
            return self._idle.pop() if self._idle else None


class _Clock:
    """Ends exchanges whose time is up, from one thread for all of them; it lives while there are any.

    Args:
        seconds: that each may take.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        # All have the same time, so the first to have been begun is the first to be due.
        self._running: dict[_Deadline, float] = {}
        # Never notified: nothing that is begun while the thread waits is due before it looks again.
        self._lock = threading.Condition()
        self._owner = 0

    def start(self, deadline: _Deadline) -> None:
        """Begins to count."""
        with self._lock:
            if self._owner != os.getpid():
                # Threads don't survive a fork, and what they watched is the parent's.
                self._owner, self._running = os.getpid(), {}
                threading.Thread(target=self._watch, name="deadlines", daemon=True).start()
            self._running[deadline] = time.monotonic() + self.seconds

    def stop(self, deadline: _Deadline) -> None:
        """Counts no longer."""
        with self._lock:
            self._running.pop(deadline, None)

    def _watch(self) -> None:
        with self._lock:
            while True:
                if not self._running:
                    self._lock.wait(min(_IDLE, self.seconds))
                    if not self._running:
                        self._owner = 0
                        return
                deadline, due = next(iter(self._running.items()))
                left = due - time.monotonic()
                if left > 0:
                    self._lock.wait(left)
                else:
                    del self._running[deadline]
                    deadline.end()


class _Deadline:
    """Ends an exchange when its time is up: a socket's own time-out begins anew with each byte that trickles in."""

    def __init__(self, clock: _Clock, connection: http.client.HTTPConnection) -> None:
        self._clock, self._connection = clock, connection
        self._socket: socket.socket | None = None
        self._passed = False

    def watch(self, connected: socket.socket) -> None:
        """Names the socket to be shut down."""
        self._socket = connected
        self.check()

    def check(self) -> None:
        """Raises ``TimeoutError`` if the time is up."""
        if self._passed:
            raise TimeoutError(f"no complete response in {self._clock.seconds:g} s")

    def end(self) -> None:
        """Ends the exchange."""
        self._passed = True
        # While it is still connecting, TLS may wait for a handshake on the connection's own.
        _shut(self._socket or self._connection.sock)

    def __enter__(self) -> _Deadline:
        self._clock.start(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clock.stop(self)
        if kind is not None:
            self._connection.close()
            if issubclass(kind, Exception):
                self.check()  # what failed, failed because of this


def _shut(found: socket.socket | None) -> None:
    """Wakes whoever waits for the socket."""
    if found is not None:
        with suppress(OSError):  # it may be closed already
            found.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class _Proxy:
    host: str
    port: int
    headers: dict[str, str]


def _proxy_for(scheme: str, host: str) -> _Proxy | None:
    """The proxy that the environment names for a host; none for this machine."""
    found = urllib.request.getproxies().get(scheme)
    # A proxy elsewhere can't reach what runs here.
    if not found or host in ("localhost", "127.0.0.1", "::1") or urllib.request.proxy_bypass(host):
        return None
    parts = urlsplit(found if "://" in found else f"http://{found}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"The proxy for {scheme} in the environment is no HTTP proxy. Give one, or set NO_PROXY.")
    headers = {}
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers = {"Proxy-Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
    return _Proxy(parts.hostname, parts.port or 80, headers)
