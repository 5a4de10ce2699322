"""Retrieval by words: BM25."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

from ...datasets.documents import Document, corpus_hash
from .index_file import load_index, save_index
from .retriever import Hit, best

# The library's logger asks for every message, whatever the program that uses it has set.
logging.getLogger("bm25s").setLevel(logging.WARNING)

# Further different words of a query are not read: each costs a walk over the documents that hold it.
MAX_QUERY_WORDS = 256
_FORMAT = 1
# Scripts without blanks between words count letter by letter.
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


def words_of(text: str) -> list[str]:
    """The words of a text as the index compares them: folded case, no punctuation."""
    return _WORDS.findall(unicodedata.normalize("NFKC", text).casefold())


class BM25Index:
    """Ranks documents by the words that they share with a query (BM25 as Lucene computes it).

    Titles count like text. The same corpus gives the same hits everywhere; of equal scores the earlier document wins,
    and documents that share no word with the query are no hits.

    Args:
        documents: the corpus.
        path: a file with the saved index. One of this corpus is loaded; if there is none, it is made and saved.

    Raises:
        ValueError: no document holds a word, or the saved index is of another corpus.
    """

    name = "bm25"

    def __init__(self, documents: Sequence[Document], path: str | Path | None = None) -> None:
        self.documents = list(documents)
        self._bm25 = bm25s.BM25()
        if path is None:
            self._build()
            return
        header = {"index": self.name, "format": _FORMAT, "corpus": corpus_hash(self.documents)}
        if Path(path).exists():
            self._load(path, header)
        else:
            self._build()
            arrays = {name: self._bm25.scores[name] for name in ("data", "indices", "indptr")}
            save_index(path, header | {"words": list(self._bm25.vocab_dict)}, arrays)

    def search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        """For each query the best hits in falling order, at most ``k``."""
        return [self._search(query, k) for query in queries]

    def _search(self, query: str, k: int) -> list[Hit]:
        words = [*dict.fromkeys(words_of(query))][:MAX_QUERY_WORDS]
        known = self._bm25.get_tokens_ids(words)
        if not known:
            return []
        scores = self._bm25.get_scores_from_ids(known)
        return [Hit(self.documents[i], float(scores[i])) for i in best(scores, k) if scores[i] > 0]

    def _build(self) -> None:
        vocabulary: dict[str, int] = {}
        ids = [
            [vocabulary.setdefault(word, len(vocabulary)) for word in words_of(f"{document.title}\n{document.text}")]
            for document in self.documents
        ]
        if not vocabulary:
            raise ValueError("no document holds a word: there is nothing to find")
        self._bm25.index((ids, vocabulary), create_empty_token=False, show_progress=False)

    def _load(self, path: str | Path, header: dict[str, Any]) -> None:
        found, arrays = load_index(path, header)
        words = found.get("words")
        if not isinstance(words, list) or not _fits(arrays, len(self.documents), len(words)):
            raise ValueError(f"{path} is damaged. Delete it, and it is made anew.")
        self._bm25.scores = arrays | {"num_docs": len(self.documents)}
        self._bm25.vocab_dict = {word: i for i, word in enumerate(words)}
        self._bm25.unique_token_ids_set = set(range(len(words)))
        self._bm25.nonoccurrence_array = None


def _fits(arrays: dict[str, NDArray[Any]], documents: int, words: int) -> bool:
    """Whether the arrays are a matrix of this size: what is out of bounds would read other memory, or fail late."""
    if set(arrays) != {"data", "indices", "indptr"} or any(array.ndim != 1 for array in arrays.values()):
        return False
    data, indices, starts = arrays["data"], arrays["indices"], arrays["indptr"]
    return bool(
        data.dtype == np.float32
        and np.isfinite(data).all()
        and indices.dtype.kind == starts.dtype.kind == "i"
        and len(starts) == words + 1
        and len(data) == len(indices) == starts[-1]
        and starts[0] == 0
        and (np.diff(starts) >= 0).all()
        and (not len(indices) or (indices.min() >= 0 and indices.max() < documents))
    )
