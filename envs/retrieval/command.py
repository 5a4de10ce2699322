"""``infinite-rl search-service``: search over documents by HTTP."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from ...datasets.task import SPLITS
from ..arguments import port

if TYPE_CHECKING:
    from .bm25 import BM25Index
    from .dense import DenseIndex


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    documents = parser.add_mutually_exclusive_group(required=True)
    documents.add_argument("--corpus", metavar="FILE", help="JSON Lines with id, title and text on each line")
    documents.add_argument("--split", choices=SPLITS, help="the documents of Search-v0's own world of this split")
    parser.add_argument("--index", metavar="FILE", help="keep the index there: loaded if it is of this corpus")
    parser.add_argument("--embeddings-url", metavar="URL", help="search by meaning: an OpenAI-compatible API")
    parser.add_argument("--embeddings-model", metavar="NAME", help="the embedding model's name there")
    parser.add_argument("--faiss", action="store_true", help="compare vectors by FAISS")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=port, default=8000, help="0 for any that is free (default: 8000)")
    parser.add_argument("--max-queries", type=int, default=512, help="queries in one request (default: 512)")
    parser.add_argument("--max-topk", type=int, default=100, help="hits of one query (default: 100)")
    parser.add_argument("--max-connections", type=int, default=256, help="open at once (default: 256)")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds a client may take (default: 30)")


def run(arguments: argparse.Namespace) -> int:
    """Indexes the documents and serves them until SIGTERM or Ctrl-C; returns the exit code.

    Raises:
        ValueError: arguments don't go together, or can't be used.
        OSError: a file or the address can't be used, or the embeddings' server fails.
    """
    from .search_request import Limits
    from .service import SearchServer

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
    from ...datasets.search.world import world_of
    from ...runtimes.endpoint import EndpointError
    from .bm25 import BM25Index
    from .dense import DenseIndex
    from .opening import open_retriever

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
