"""Retrieval by meaning: vectors of an embedding model, compared exactly or by FAISS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.documents import Document, corpus_hash
from ...runtimes.embeddings import EmbeddingEndpoint
from .index_file import load_index, save_index
from .retriever import Hit, best

_FORMAT = 1
# Rows of queries that are compared at once: their scores fill at most this many numbers.
_MAX_SCORES = 1 << 24


class DenseIndex:
    """Ranks documents by the cosine between their vectors and the query's.

    Args:
        documents: the corpus.
        endpoint: the model that makes the vectors, of documents and of queries.
        path: a file with the saved vectors. Those of this corpus and model are loaded; if there are none, they are made
            and saved.
        faiss: compare by FAISS (``pip install infinite-rl[search]``) instead of NumPy; both are exact.
        query_prefix: what the model wants before queries, such as ``query: ``.
        document_prefix: what it wants before documents.

    Raises:
        ImportError: FAISS is not installed.
        EndpointError: the model's server fails.
        ValueError: the saved vectors are of another corpus or model.
    """

    name = "dense"

    def __init__(
        self,
        documents: Sequence[Document],
        endpoint: EmbeddingEndpoint,
        path: str | Path | None = None,
        *,
        faiss: bool = False,
        query_prefix: str = "",
        document_prefix: str = "",
    ) -> None:
        self.documents = list(documents)
        self.endpoint = endpoint
        self.query_prefix, self.document_prefix = query_prefix, document_prefix
        library = _faiss() if faiss else None
        self._vectors = _unit(self._load_or_embed(path))
        self._index: Any = None
        if library is not None:
            self._index = library.IndexFlatIP(self._vectors.shape[1])
            self._index.add(self._vectors)

    def search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        """For each query the best hits in falling order, at most ``k``."""
        if not queries:
            return []
        vectors = _unit(self.endpoint.embed([self.query_prefix + query for query in queries]))
        if vectors.shape[1] != self._vectors.shape[1]:
            wanted = self._vectors.shape[1]
            raise ValueError(f"the model's vectors have {vectors.shape[1]} dimensions, the saved ones {wanted}")
        if self._index is not None:
            scores, rows = self._index.search(vectors, min(k, len(self.documents)))
            return [self._hits(row, found) for row, found in zip(rows, scores, strict=True)]
        step = max(1, _MAX_SCORES // len(self.documents))
        hits: list[list[Hit]] = []
        for start in range(0, len(vectors), step):
            for row in vectors[start : start + step] @ self._vectors.T:
                chosen = best(row, k)
                hits.append(self._hits(chosen, row[chosen]))
        return hits

    def _hits(self, rows: Sequence[int], scores: NDArray[np.float32]) -> list[Hit]:
        return [Hit(self.documents[i], float(score)) for i, score in zip(rows, scores, strict=True)]

    def _load_or_embed(self, path: str | Path | None) -> NDArray[np.float32]:
        if path is None:
            return self._embed()
        header = {
            "index": self.name,
            "format": _FORMAT,
            "corpus": corpus_hash(self.documents),
            "model": self.endpoint.model,
            "document_prefix": self.document_prefix,
        }
        if Path(path).exists():
            vectors = load_index(path, header)[1].get("vectors")
            fits = vectors is not None and vectors.ndim == 2 and vectors.dtype == np.float32
            if vectors is None or not fits or len(vectors) != len(self.documents) or not np.isfinite(vectors).all():
                raise ValueError(f"{path} is damaged. Delete it, and it is made anew.")
            return vectors
        vectors = self._embed()
        save_index(path, header, {"vectors": vectors})
        return vectors

    def _embed(self) -> NDArray[np.float32]:
        return self.endpoint.embed([f"{self.document_prefix}{one.title}\n{one.text}" for one in self.documents])


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors with length 1; one of length 0 stays, and is like nothing."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
    return unit


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise ImportError("FAISS is not installed: pip install 'infinite-rl[search]', or leave faiss out") from None
    return faiss
