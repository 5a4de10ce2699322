"""A retriever from what people write: a file's path, a service's URL, an embedding model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...datasets.documents import load_documents
from ...runtimes.embeddings import EmbeddingEndpoint
from .bm25 import BM25Index
from .dense import DenseIndex
from .remote import RemoteRetriever
from .retriever import Retriever

_DENSE_OPTIONS = ("faiss", "query_prefix", "document_prefix")


def open_retriever(
    corpus: str | Path | Retriever, *, index: str | Path | None = None, embeddings: Mapping[str, Any] | None = None
) -> Retriever:
    """Makes a retriever.

    Args:
        corpus: a JSON Lines file of documents, the URL of a search service, or a retriever, which is returned.
        index: a file with the saved index of the corpus; made if it is not there.
        embeddings: for search by meaning: ``base_url`` and ``model`` of an embeddings API, and what else
            `EmbeddingEndpoint` and `DenseIndex` take, such as ``api_key``, ``faiss`` and ``query_prefix``. Without it,
            search is by words (BM25).

    Raises:
        FileNotFoundError: there is no such corpus.
        ImportError: FAISS is wanted and not installed.
        TypeError: an argument does not go with the corpus, or ``embeddings`` lacks a member or has an unknown one.
        ValueError: the corpus or the index can't be used.
    """
    if not isinstance(corpus, (str, Path)):
        if index is not None or embeddings is not None:
            raise TypeError("index and embeddings go with a corpus file, not with a retriever")
        return corpus
    if str(corpus).startswith(("http://", "https://")):
        if index is not None or embeddings is not None:
            raise TypeError("index and embeddings go with a corpus file; a search service has its own")
        return RemoteRetriever(str(corpus))
    if embeddings is None:
        return BM25Index(load_documents(corpus), index)
    options = {name: value for name, value in embeddings.items() if name in _DENSE_OPTIONS}
    endpoint = {name: value for name, value in embeddings.items() if name not in _DENSE_OPTIONS}
    try:
        made = EmbeddingEndpoint(**endpoint)
    except TypeError as error:
        raise TypeError(f"embeddings must hold base_url and model ({error})") from None
    return DenseIndex(load_documents(corpus), made, index, **options)
