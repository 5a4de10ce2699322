"""Tools that come with the package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...rewards.equivalence.calculation import calculate
from ...rewards.equivalence.limits import ExpressionError
from ...runtimes import RewardExecutor
from ..retrieval.retriever import Hit, Retriever
from .tool import Tool, ToolError

# A longer query is refused: nobody searches for a page of text.
MAX_QUERY = 2_000
# Longer documents are cut, so that no single one fills the context.
MAX_DOCUMENT = 2_000
# More queries are asked in several requests; services refuse those that are too large.
MAX_QUERIES = 256
MAX_HITS = 4_096

_TITLES = {"python": "Python", "javascript": "JavaScript"}


def calculator(cost: float = 0.0) -> Tool:
    """A pocket calculator: exact for fractions, 15 digits for the rest."""
    return Tool(
        "calculator",
        "Computes an arithmetic expression, such as (2^10 - 1)/3 or sqrt(2)*pi.",
        _parameters({"expression": "the expression"}),
        _calculate,
        cost,
    )


def sandbox(language: str, cost: float = 0.0, *, timeout: float = 5.0, memory_mb: int = 128) -> Tool:
    """Runs programs in ``python`` or ``javascript``, each in a fresh sandbox without files or network."""
    executor = RewardExecutor(timeout=timeout, memory_mb=memory_mb)
    description = f"Runs a {_TITLES[language]} program and returns what it prints."
    parameters = _parameters({"code": "the program"})
    return Tool(language, description, parameters, _Sandbox(executor, language).run, cost)


@dataclass(frozen=True, slots=True)
class _Sandbox:
    """What a sandbox runs; environments that hold it can be pickled."""

    executor: RewardExecutor
    language: str

    def run(self, code: str) -> str:
        written = [part for part in self.executor.run_single(code, self.language) if part]
        return "\n".join(written) or "(no output: print what you want to see)"


def search_tool(retriever: Retriever, cost: float = 0.0, *, k: int = 3) -> Tool:
    """Searches documents and returns the best ``k`` with their titles."""
    search = _Search(retriever, k)
    description = "Searches documents for a query and returns the best ones."
    parameters = _parameters({"query": "what to look for"})
    return Tool("search", description, parameters, search.run, cost, search.run_many)


@dataclass(frozen=True, slots=True)
class _Search:
    """What the search runs; environments that hold it can be pickled."""

    retriever: Retriever
    k: int

    def run(self, query: str) -> str:
        (result,) = self.run_many([{"query": query}])
        if isinstance(result, ToolError):
            raise result
        return result

    def run_many(self, calls: Sequence[Mapping[str, Any]]) -> list[str | ToolError]:
        queries: list[str] = [call["query"] for call in calls]
        problems = {query: _problem(query) for query in queries}
        # Each once: the members of a group like to ask the same.
        asked = [query for query, problem in problems.items() if not problem]
        step = max(1, min(MAX_QUERIES, MAX_HITS // self.k))
        found: dict[str, str] = {}
        for start in range(0, len(asked), step):
            batch = asked[start : start + step]
            found.update(zip(batch, map(_shown, self.retriever.search(batch, self.k)), strict=True))
        return [ToolError(problems[query]) if problems[query] else found[query] for query in queries]


def _problem(query: str) -> str:
    """Why it is not searched for; nothing if it is."""
    if not query.strip():
        return "the query is empty"
    if len(query) > MAX_QUERY:
        return f"the query has {len(query):,} characters; at most {MAX_QUERY:,} are searched for"
    return ""


def _shown(hits: Sequence[Hit]) -> str:
    return "\n\n".join(_document(number, hit) for number, hit in enumerate(hits, 1)) or "Nothing was found."


def _document(number: int, hit: Hit) -> str:
    text = hit.document.text
    if len(text) > MAX_DOCUMENT:
        text = f"{text[:MAX_DOCUMENT]}\n[cut after {MAX_DOCUMENT:,} characters]"
    return f"Doc {number} (Title: {hit.document.title})\n{text}"


def _calculate(expression: str) -> str:
    try:
        return calculate(expression)
    except ExpressionError as error:
        raise ToolError(f"can't compute that: {error}") from None


def _parameters(described: Mapping[str, str], required: Sequence[str] | None = None) -> dict[str, Any]:
    """A schema of text arguments."""
    properties = {name: {"type": "string", "description": text} for name, text in described.items()}
    return {"type": "object", "properties": properties, "required": list(required or described)}
