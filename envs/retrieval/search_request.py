"""What a search service is asked, checked against its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..http.errors import HttpError
from ..http.handler import check_members, read_object
from ..http.server import HttpLimits
from .retriever import Hit

_MEMBERS = ("query", "queries", "topk", "return_scores")


@dataclass(frozen=True, slots=True)
class Limits(HttpLimits):
    """What one client may ask of a service, beside what `HttpLimits` says.

    Attributes:
        queries: queries in one request.
        query_length: characters of a query.
        topk: hits of a query.
        hits: hits in one response, over all queries.
    """

    queries: int = 512
    query_length: int = 4_096
    topk: int = 100
    hits: int = 5_000


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
            HttpError: it is malformed (400), or asks for more than the limits allow (413).
        """
        value = read_object(body, status=400)
        check_members(value, _MEMBERS, status=400)
        queries, topk = _queries(value, limits), _topk(value.get("topk", 3), limits)
        if len(queries) * topk > limits.hits:
            asked = len(queries) * topk
            raise HttpError(413, f"{asked:,} hits are asked for; at most {limits.hits:,}: send fewer queries at once")
        scores = value.get("return_scores", False)
        if not isinstance(scores, bool):
            raise HttpError(400, '"return_scores" must be true or false')
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
        raise HttpError(400, 'give "queries", a list of texts, or "query", one text')
    queries = [value["query"]] if "query" in value else value["queries"]
    if not isinstance(queries, list) or not all(isinstance(query, str) for query in queries):
        raise HttpError(400, '"queries" must be a list of texts' if "queries" in value else '"query" must be text')
    if len(queries) > limits.queries:
        raise HttpError(413, f"{len(queries):,} queries in one request; at most {limits.queries:,}")
    longest = max(map(len, queries), default=0)
    if longest > limits.query_length:
        raise HttpError(413, f"a query has {longest:,} characters; at most {limits.query_length:,}")
    return queries


def _topk(topk: Any, limits: Limits) -> int:
    if isinstance(topk, bool) or not isinstance(topk, int) or not 1 <= topk <= limits.topk:
        raise HttpError(400, f'"topk" must be an integer from 1 to {limits.topk}')
    return topk
