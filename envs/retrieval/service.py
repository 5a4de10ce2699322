"""The HTTP service that searches: ``POST /search`` and ``GET /health``."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ...runtimes.workers import available_cores
from ..http.errors import HttpError
from ..http.handler import JsonHandler
from ..http.server import JsonServer
from .retriever import Retriever
from .search_request import Limits, SearchRequest


class SearchServer(JsonServer):
    """Serves a retriever.

    Args:
        retriever: what finds the documents.
        host: the address to listen at.
        port: the port; 0 for any that is free.
        limits: what clients may ask.
        health: what ``/health`` says beside ``"status": "healthy"``.

    Raises:
        OSError: the address can't be listened at.
    """

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
        self.health = {"status": "healthy"} | (health or {})
        self.searching = threading.BoundedSemaphore(4 * available_cores())
        super().__init__(host, port, _Handler, limits=self.limits)


class _Handler(JsonHandler):
    server: SearchServer

    def respond(self, path: str) -> Mapping[str, Any]:
        """``/search``, and ``/retrieve`` with documents in one text, as Search-R1's clients want them; ``/health``."""
        if path not in ("/search", "/retrieve", "/health"):
            raise HttpError(404, "there are POST /search and GET /health")
        takes = "GET" if path == "/health" else "POST"
        if self.command != takes:
            raise HttpError(405, f"{path} takes {takes}")
        if path == "/health":
            return self.server.health
        if "Content-Length" not in self.headers:
            raise HttpError(411, "send the body with a Content-Length")
        request = SearchRequest.read(self.read_body(), self.server.limits)
        with self.server.searching:
            found = self.server.retriever.search(request.queries, request.topk)
        return request.answer(found, contents=path == "/retrieve")

    @classmethod
    def error_body(cls, error: HttpError) -> Mapping[str, Any]:
        """A refusal as JSON."""
        return {"error": str(error)}
