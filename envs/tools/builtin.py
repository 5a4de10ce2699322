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
    return Tool(
        "search",
        "Searches documents for a query and returns the best ones.",
        _parameters({"query": "what to look for"}),
        _Search(retriever, k).run,
        cost,
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """What the search runs; environments that hold it can be pickled."""

    retriever: Retriever
    k: int

    def run(self, query: str) -> str:
        if not query.strip():
            raise ToolError("the query is empty")
        if len(query) > MAX_QUERY:
            raise ToolError(f"the query has {len(query):,} characters; at most {MAX_QUERY:,} are searched for")
        (hits,) = self.retriever.search([query], self.k)
        return "\n\n".join(_shown(number, hit) for number, hit in enumerate(hits, 1)) or "Nothing was found."


def _shown(number: int, hit: Hit) -> str:
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
