import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "runtimes"))
from chat_server import serving

from infinite_rl.datasets.documents import Document
from infinite_rl.envs.retrieval.dense import DenseIndex
from infinite_rl.runtimes import EmbeddingEndpoint, EndpointError

WORDS = ("cat", "dog", "bird", "fish")
DOCUMENTS = [
    Document("0", "Cats", "cat cat cat dog"),
    Document("1", "Dogs", "dog dog"),
    Document("2", "All", "cat dog bird fish"),
    Document("3", "None", "stone"),
]


def embed(request):
    """Counts words: a model whose meaning one can compute."""
    rows = [[float(text.count(word)) for word in WORDS] for text in request["input"]]
    return 200, {"data": [{"index": i, "embedding": row} for i, row in enumerate(rows)]}, {}


@pytest.fixture
def server():
    with serving(embed) as found:
        yield found


@pytest.fixture
def endpoint(server):
    return EmbeddingEndpoint(server.url, "counting", api_key="")


@pytest.mark.parametrize("faiss", [False, True])
def test_hits_are_ranked_by_the_cosine(endpoint, faiss):
    if faiss:
        pytest.importorskip("faiss")
    index = DenseIndex(DOCUMENTS, endpoint, faiss=faiss)
    first, second = index.search(["a cat", "dog"], 2)
    assert [(hit.document.id, hit.score) for hit in first] == [
        ("0", pytest.approx(3 / 10**0.5)),
        ("2", pytest.approx(0.5)),
    ]
    assert [hit.document.id for hit in second] == ["1", "2"]
    assert len(index.search(["cat"], 99)[0]) == len(DOCUMENTS)
    assert index.search([], 2) == []


def test_faiss_finds_what_numpy_finds():
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    vectors = {f"text {i}": rng.normal(size=16).tolist() for i in range(300)}

    def answer(request):
        texts = [text.strip() for text in request["input"]]
        return 200, {"data": [{"index": i, "embedding": vectors[text]} for i, text in enumerate(texts)]}, {}

    documents = [Document(str(i), "", text) for i, text in enumerate([*vectors][:250])]
    with serving(answer) as server:
        made = EmbeddingEndpoint(server.url, "random", api_key="")
        plain, fast = (DenseIndex(documents, made, faiss=faiss).search([*vectors][250:], 5) for faiss in (False, True))
    assert [[hit.document.id for hit in hits] for hits in plain] == [[hit.document.id for hit in hits] for hits in fast]


def test_many_queries_are_compared_in_parts(endpoint, monkeypatch):
    index = DenseIndex(DOCUMENTS, endpoint)
    whole = index.search(["cat", "dog", "bird"], 2)
    monkeypatch.setattr("infinite_rl.envs.retrieval.dense._MAX_SCORES", 1)
    assert index.search(["cat", "dog", "bird"], 2) == whole


def test_prefixes_reach_the_model(endpoint, server):
    DenseIndex(DOCUMENTS[:1], endpoint, query_prefix="query: ", document_prefix="passage: ").search(["cat"], 1)
    assert [request["input"] for request in server.requests] == [["passage: Cats\ncat cat cat dog"], ["query: cat"]]


def test_saved_vectors_are_loaded_if_they_are_of_this_corpus_and_model(endpoint, server, tmp_path):
    path = tmp_path / "vectors.npz"
    made = DenseIndex(DOCUMENTS, endpoint, path).search(["cat"], 2)
    asked = len(server.requests)
    assert DenseIndex(DOCUMENTS, endpoint, path).search(["cat"], 2) == made
    assert len(server.requests) == asked + 1  # the query alone
    with pytest.raises(ValueError, match="another corpus"):
        DenseIndex(DOCUMENTS[:2], endpoint, path)
    with pytest.raises(ValueError, match="another model"):
        DenseIndex(DOCUMENTS, EmbeddingEndpoint(server.url, "other", api_key=""), path)
    with pytest.raises(ValueError, match="another document_prefix"):
        DenseIndex(DOCUMENTS, endpoint, path, document_prefix="passage: ")


def test_a_model_with_other_dimensions_is_an_error(endpoint):
    index = DenseIndex(DOCUMENTS, endpoint)
    with serving(lambda request: (200, {"data": [{"index": 0, "embedding": [1.0]}]}, {})) as other:
        index.endpoint = EmbeddingEndpoint(other.url, "short", api_key="")
        with pytest.raises(ValueError, match="1 dimensions, the saved ones 4"):
            index.search(["cat"], 1)


def test_a_server_that_fails_is_an_error():
    with serving(lambda request: (401, {}, {})) as server, pytest.raises(EndpointError, match="answered 401"):
        DenseIndex(DOCUMENTS, EmbeddingEndpoint(server.url, "m", api_key=""))


def test_without_faiss_the_error_names_the_extra_before_anything_is_embedded(endpoint, server, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"infinite-rl\[search\]"):
        DenseIndex(DOCUMENTS, endpoint, faiss=True)
    assert not server.requests
