"""Measures how fast documents are indexed and found, beside a search that scores every document for every query.

Run ``python benchmarks/search.py``. Queries are questions of Search-v0 over its own world of 2,000 documents. The peer
counts words once and then computes BM25 by its definition, in plain Python; both are first checked to find the same.
``service`` asks by HTTP, 64 queries a request. Times are CPU times of this process, the service's included.
"""

from __future__ import annotations

import json
import platform
import threading
import time
from collections import Counter
from math import log
from pathlib import Path

import bm25s
import numpy as np
from rich.console import Console
from rich.table import Table

from infinite_rl.datasets.documents import Document
from infinite_rl.datasets.search.source import SearchSource
from infinite_rl.datasets.search.world import world_of
from infinite_rl.envs.retrieval.bm25 import BM25Index, words_of
from infinite_rl.envs.retrieval.remote import RemoteRetriever
from infinite_rl.envs.retrieval.retriever import Hit, Retriever
from infinite_rl.envs.retrieval.service import SearchServer

RESULTS = Path(__file__).parent / "results" / "search.json"
QUERIES, BRUTE_QUERIES, TOP_K = 2_000, 100, 3


class BruteForce:
    """BM25 as Lucene writes it, computed for every document."""

    def __init__(self, documents: list[Document], k1: float = 1.5, b: float = 0.75) -> None:
        self.documents = documents
        self.counts = [Counter(words_of(f"{one.title}\n{one.text}")) for one in documents]
        self.holding = Counter(word for count in self.counts for word in count)
        average = sum(count.total() for count in self.counts) / len(documents)
        self.dampers = [k1 * (1 - b + b * count.total() / average) for count in self.counts]

    def search(self, queries: list[str], k: int) -> list[list[Hit]]:
        """Scores every document."""
        return [self._search(query, k) for query in queries]

    def _search(self, query: str, k: int) -> list[Hit]:
        scores = [0.0] * len(self.documents)
        for word in dict.fromkeys(words_of(query)):
            idf = log(1 + (len(self.documents) - self.holding[word] + 0.5) / (self.holding[word] + 0.5))
            for i, (count, damper) in enumerate(zip(self.counts, self.dampers, strict=True)):
                scores[i] += idf * count[word] / (count[word] + damper)
        order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:k]
        return [Hit(self.documents[i], scores[i]) for i in order]


def cpu_us(retriever: Retriever, queries: list[str], batch: int) -> float:
    """CPU microseconds of one query, the best of three rounds."""
    rounds = []
    for _ in range(3):
        started = time.process_time()
        for start in range(0, len(queries), batch):
            retriever.search(queries[start : start + batch], TOP_K)
        rounds.append(time.process_time() - started)
    return 1e6 * min(rounds) / len(queries)


def main() -> None:
    """Measures, prints and writes the results."""
    source = SearchSource(level=2, split="test")
    queries = [source.task(index).prompt.split("\n\n")[0] for index in range(QUERIES)]
    started = time.process_time()
    documents = world_of.__wrapped__("test").documents
    made = time.process_time() - started
    started = time.process_time()
    index = BM25Index(documents)
    indexed = time.process_time() - started
    brute = BruteForce(documents)
    for ours, theirs in zip(index.search(queries[:50], 1), brute.search(queries[:50], 1), strict=True):
        assert np.isclose(ours[0].score, theirs[0].score, rtol=1e-4)
    server = SearchServer(index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = {
        "ours": cpu_us(index, queries, 64),
        "service": cpu_us(RemoteRetriever(server.url), queries, 64),
        "brute force": cpu_us(brute, queries[:BRUTE_QUERIES], 64),
    }
    server.shutdown()
    server.close()
    table = Table("search", "CPU µs a query", "queries a CPU second")
    for name, microseconds in found.items():
        table.add_row(name, f"{microseconds:,.0f}", f"{1e6 / microseconds:,.0f}")
    Console().print(table, f"world made in {made:.2f} s, indexed in {indexed:.2f} s of CPU time")
    results = {
        "documents": len(documents),
        "world_cpu_seconds": round(made, 3),
        "index_cpu_seconds": round(indexed, 3),
        "cpu_us_per_query": {name: round(value, 1) for name, value in found.items()},
        "times_ours": {name: round(value / found["ours"], 2) for name, value in found.items()},
        "versions": {"python": platform.python_version(), "bm25s": bm25s.__version__, "numpy": np.__version__},
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
