"""Real search services on loopback."""

import http.client
import json
import threading
from contextlib import contextmanager

from infinite_rl.datasets.documents import Document
from infinite_rl.envs.retrieval.bm25 import BM25Index
from infinite_rl.envs.retrieval.service import SearchServer

DOCUMENTS = [
    Document("a", "Cats", "The cat sat."),
    Document("b", "Dogs", "A dog chased the cat."),
    Document("c", "Birds", "Nothing here flies."),
]


@contextmanager
def searching(retriever=None, **arguments):
    """A service while the block runs."""
    server = SearchServer(retriever or BM25Index(DOCUMENTS), **arguments)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.close()


def ask(server, body, path="/search", method="POST", headers=None):
    """Status and JSON of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=60)
    try:
        connection.request(method, path, body if isinstance(body, bytes) else json.dumps(body), headers or {})
        response = connection.getresponse()
        assert response.getheader("Content-Type") == "application/json"
        return response.status, json.loads(response.read())
    finally:
        connection.close()
