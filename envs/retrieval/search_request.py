"""What a search service is asked, checked against its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...rewards.schemas.text import JsonLimitError, read_json
from .retriever import Hit

_MEMBERS = ("query", "queries", "topk", "return_scores")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask of a service.

    Attributes:
        body: bytes of a request.
        queries: queries in one request.
        query_length: characters of a query.
        topk: hits of a query.
        hits: hits in one response, over all queries.
        connections: how many are open at once.
        seconds: how long a client may take to send a request, to read the response, and to send the next request.
    """

    body: int = 1 << 20
    queries: int = 512
    query_length: int = 4_096
    topk: int = 100
    hits: int = 5_000
    connections: int = 256
    seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ValueError(f"the limit of {name} must be positive, not {getattr(self, name)}")


class RequestError(Exception):
    """A request that is refused, with the HTTP status and what to do, for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A request that keeps the limits."""

    queries: list[str]
    topk: int
    return_scores: bool

    @classmethod
    def read(cls, body: bytes, limits: Limits) -> SearchRequest:
        """Reads a request's body.

        Raises:
            RequestError: it is malformed (400), or asks for more than the limits allow (413).
        """
        try:
            value = read_json(body.decode())
        except (ValueError, JsonLimitError) as error:  # UnicodeDecodeError is a ValueError
            raise RequestError(400, f"the body is not JSON: {str(error)[:200]}") from None
        if not isinstance(value, dict):
            raise RequestError(400, 'the body must be an object such as {"queries": ["…"], "topk": 3}')
        if unknown := [name for name in value if name not in _MEMBERS]:
            raise RequestError(400, f"unknown member {unknown[0][:80]!r}; known: {', '.join(_MEMBERS)}")
        queries, topk = _queries(value, limits), _topk(value.get("topk", 3), limits)
        if len(queries) * topk > limits.hits:
            asked = len(queries) * topk
            raise RequestError(
                413, f"{asked:,} hits are asked for; at most {limits.hits:,}: send fewer queries at once"
            )
        scores = value.get("return_scores", False)
        if not isinstance(scores, bool):
            raise RequestError(400, '"return_scores" must be true or false')
        return cls(queries, topk, scores)

    def answer(self, found: list[list[Hit]], *, contents: bool) -> dict[str, Any]:
        """The response: one list for each query.

        Args:
            found: the hits.
            contents: whether a document is one text, ``contents``, with the title in quotes as its first line.
        """
        return {"result": [[self._row(hit, contents) for hit in hits] for hits in found]}

    def _row(self, hit: Hit, contents: bool) -> dict[str, Any]:
        one = hit.document
        texts = {"contents": f'"{one.title}"\n{one.text}'} if contents else {"title": one.title, "text": one.text}
        document = {"id": one.id, **texts}
        return {"document": document, "score": hit.score} if self.return_scores else document


def _queries(value: dict[str, Any], limits: Limits) -> list[str]:
    if ("query" in value) == ("queries" in value):
        raise RequestError(400, 'give "queries", a list of texts, or "query", one text')
    queries = [value["query"]] if "query" in value else value["queries"]
    if not isinstance(queries, list) or not all(isinstance(query, str) for query in queries):
        raise RequestError(400, '"queries" must be a list of texts' if "queries" in value else '"query" must be text')
    if len(queries) > limits.queries:
        raise RequestError(413, f"{len(queries):,} queries in one request; at most {limits.queries:,}")
    longest = max(map(len, queries), default=0)
    if longest > limits.query_length:
        raise RequestError(413, f"a query has {longest:,} characters; at most {limits.query_length:,}")
    return queries


def _topk(topk: Any, limits: Limits) -> int:
    if isinstance(topk, bool) or not isinstance(topk, int) or not 1 <= topk <= limits.topk:
        raise RequestError(400, f'"topk" must be an integer from 1 to {limits.topk}')
    return topk
