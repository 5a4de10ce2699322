"""HTTP that reads no more of a reply than a task can need."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from functools import cache

import httpx2

# Bytes; the longest replies of models have some 65,000 tokens.
MOST = 8 << 20


class LongReplyError(ValueError):
    """A reply is longer than any task, or packed, so that nobody knows how long it is."""


@cache
def tls() -> ssl.SSLContext:
    """How connections are secured, made once: to read the machine's certificates takes longer than most calls."""
    return httpx2.create_ssl_context()


class LimitedTransport(httpx2.AsyncHTTPTransport):
    """Connections for any number of calls at once, whose replies are bounded and not packed."""

    def __init__(self) -> None:
        super().__init__(verify=tls(), limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends a request."""
        request.headers["Accept-Encoding"] = "identity"
        response = await super().handle_async_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise LongReplyError("the reply is packed, which was not asked for")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Limited(response.stream)
        return response


class _Limited(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for part in self._stream:
            length += len(part)
            if length > MOST:
                raise LongReplyError(f"the reply is longer than {MOST:,} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
