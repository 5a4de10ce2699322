"""What ``infinite-rl search-service`` does."""

from __future__ import annotations

import argparse
import time

from ...datasets.search.world import world_of
from ...runtimes.endpoint import EndpointError
from .bm25 import BM25Index
from .dense import DenseIndex
from .opening import open_retriever
from .search_request import Limits
from .service import SearchServer


def run(arguments: argparse.Namespace) -> int:
    """Indexes the documents and serves them until SIGTERM or Ctrl-C; returns the exit code.

    Raises:
        ValueError: arguments don't go together, or can't be used.
        OSError: a file or the address can't be used, or the embeddings' server fails.
    """
    limits = Limits(
        queries=arguments.max_queries,
        topk=arguments.max_topk,
        connections=arguments.max_connections,
        seconds=arguments.timeout,
    )
    started = time.perf_counter()
    index = _index(arguments)
    seconds = time.perf_counter() - started
    health = {"documents": len(index.documents), "index": index.name}
    with SearchServer(index, arguments.host, arguments.port, limits=limits, health=health) as server:
        count = f"{len(index.documents):,} documents ({index.name}, ready in {seconds:.1f} s)"
        server.serve(lambda: print(f"Serving {count} at {server.url}/search; Ctrl-C ends it.", flush=True))
    print("Stopped.", flush=True)
    return 0


def _index(arguments: argparse.Namespace) -> BM25Index | DenseIndex:
    url, model = arguments.embeddings_url, arguments.embeddings_model
    if (url is None) != (model is None):
        raise ValueError("--embeddings-url and --embeddings-model go together")
    if arguments.faiss and url is None:
        raise ValueError("--faiss compares vectors: give --embeddings-url and --embeddings-model")
    if arguments.corpus is None:
        if url is not None:
            raise ValueError("--embeddings-url goes with --corpus")
        return BM25Index(world_of(arguments.split).documents, arguments.index)
    if arguments.corpus.startswith(("http://", "https://")):
        raise ValueError("--corpus is a file of documents, not a URL")
    embeddings = None if url is None else {"base_url": url, "model": model, "faiss": arguments.faiss}
    try:
        index = open_retriever(arguments.corpus, index=arguments.index, embeddings=embeddings)
    except EndpointError as error:
        raise OSError(str(error)) from None
    assert isinstance(index, BM25Index | DenseIndex)
    return index
