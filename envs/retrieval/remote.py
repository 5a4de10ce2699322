"""Retrieval by a search service elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...datasets.documents import Document
from ...runtimes.endpoint import Endpoint
from .retriever import Hit


class _SearchEndpoint(Endpoint):
    path = "/search"
    kind = "a search service such as infinite-rl search-service"
    hints = Endpoint.hints | {
        400: "The service does not understand the request.",
        401: "Give the service's key as api_key.",
        403: "The key may not search here.",
        404: "Check base_url: /search is appended to it.",
        413: "Send fewer queries at once, or shorter ones.",
    }


class RemoteRetriever:
    """Asks a service that speaks like ``infinite-rl search-service``.

    Args:
        base_url: where the service lies, such as ``http://127.0.0.1:8000``; ``/search`` is appended.
        api_key: sent as a bearer token, if the service wants one.
        timeout: seconds that one try may take.
        retries: how often a request is repeated.

    Raises:
        ValueError: an argument can't be used.
    """

    name = "remote"

    def __init__(self, base_url: str, *, api_key: str = "", timeout: float = 30, retries: int = 5) -> None:
        # The key of other services must not get here by way of the environment: without one there is none.
        self._made_with = {"base_url": base_url, "api_key": api_key, "timeout": timeout, "retries": retries}
        self._endpoint = _SearchEndpoint(base_url, "", api_key=api_key, timeout=timeout, retries=retries)

    def __getstate__(self) -> dict[str, Any]:
        """Connections stay in their process."""
        return self._made_with

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Opens connections of its own."""
        self.__init__(**state)  # type: ignore[misc]

    def search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        """For each query the best hits in falling order, at most ``k``.

        Raises:
            EndpointError: the service could not be reached, refused, or sent no hits.
        """
        if not queries:
            return []
        reply = self._endpoint.ask({"queries": list(queries), "topk": k, "return_scores": True})
        try:
            result = json.loads(reply.body)["result"]
            if not isinstance(result, list) or len(result) != len(queries):
                raise ValueError(f"not {len(queries)} lists of hits")
            return [[_hit(row) for row in hits[:k]] for hits in result]
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise self._endpoint.unreadable("hits", error, reply) from None

    def close(self) -> None:
        """Closes the connections that are kept."""
        self._endpoint.close()


def _hit(row: dict[str, Any]) -> Hit:
    """A hit; services of others may have one text, ``contents``, whose first line is the title in quotes."""
    found = row["document"]
    if "text" in found:
        title, text = found.get("title", ""), found["text"]
    else:
        title, _, text = found["contents"].partition("\n")
        title = title.strip('"')
    if not isinstance(title, str) or not isinstance(text, str):
        raise TypeError("title and text must be text")
    return Hit(Document(str(found.get("id", "")), title, text), float(row["score"]))
