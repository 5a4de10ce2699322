import pickle
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "runtimes")]
from chat_server import serving
from serving import DOCUMENTS, searching

from infinite_rl.envs.retrieval.bm25 import BM25Index
from infinite_rl.envs.retrieval.opening import open_retriever
from infinite_rl.envs.retrieval.remote import RemoteRetriever
from infinite_rl.envs.retrieval.retriever import Retriever
from infinite_rl.runtimes import EndpointError


@pytest.fixture
def no_pauses(monkeypatch):
    monkeypatch.setattr("infinite_rl.runtimes.endpoint._wait", lambda cut, seconds: None)


def test_hits_are_those_of_the_index_that_is_served():
    queries = ["cat", "dog \ud800", "nothing", "?"]
    with searching() as server:
        remote = RemoteRetriever(server.url)
        assert isinstance(remote, Retriever)
        assert remote.search(queries, 2) == BM25Index(DOCUMENTS).search(queries, 2)
        assert remote.search([], 2) == []
        assert pickle.loads(pickle.dumps(remote)).search(["cat"], 1)[0][0].document == DOCUMENTS[0]
        remote.close()


def test_documents_of_one_text_are_read_too():
    row = {"document": {"id": 5, "contents": '"Cats"\nThey purr.'}, "score": 2}
    with serving(lambda request: (200, {"result": [[row, row]]}, {})) as server:
        (hits,) = RemoteRetriever(server.url).search(["cat"], 1)
        assert server.requests == [{"queries": ["cat"], "topk": 1, "return_scores": True}]
    ((hit),) = hits
    assert (hit.document.id, hit.document.title, hit.document.text, hit.score) == ("5", "Cats", "They purr.", 2.0)


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        {},
        {"result": []},
        {"result": {"a": 1}},
        {"result": [[{"document": {"text": 1}, "score": 1}]]},
        {"result": [[{"document": {"text": "a"}}]]},
        {"result": [["text"]]},
        {"result": [None]},
    ],
)
def test_what_is_no_answer_is_an_error(body):
    with serving(lambda request: (200, body, {})) as server, pytest.raises(EndpointError, match="search-service"):
        RemoteRetriever(server.url).search(["cat"], 1)


def test_the_key_of_other_services_is_not_sent(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    with serving(lambda request: (200, {"result": [[]]}, {})) as server:
        RemoteRetriever(server.url).search(["cat"], 1)
        RemoteRetriever(server.url, api_key="sk-own").search(["cat"], 1)
    assert [headers.get("Authorization") for headers in server.headers] == [None, "Bearer sk-own"]


def test_refusals_say_what_the_service_says(no_pauses):
    with searching() as server:
        with pytest.raises(EndpointError, match='answered 400: "topk" must be an integer'):
            RemoteRetriever(server.url).search(["cat"], 101)
        with pytest.raises(EndpointError, match=r"answered 404.*/search is appended"):
            RemoteRetriever(server.url + "/v1").search(["cat"], 1)
    with pytest.raises(EndpointError, match="could not be reached"):
        RemoteRetriever(server.url, retries=1).search(["cat"], 1)


def test_a_retriever_is_opened_from_what_is_written(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"id": "a", "title": "Cats", "text": "They purr."}\n', encoding="utf-8")
    index = open_retriever(str(path), index=tmp_path / "index.npz")
    assert index.search(["cats"], 1)[0][0].document.id == "a"
    assert (tmp_path / "index.npz").exists()
    assert open_retriever(index) is index
    assert isinstance(open_retriever("http://localhost:1"), RemoteRetriever)


def test_an_embedding_model_is_opened_from_what_is_written(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"id": "a", "title": "Cats", "text": "They purr."}\n', encoding="utf-8")
    data = {"data": [{"index": 0, "embedding": [1.0, 0.0]}]}
    with serving(lambda request: (200, data, {})) as server:
        embeddings = {"base_url": server.url, "model": "m", "api_key": "", "query_prefix": "query: "}
        index = open_retriever(str(path), embeddings=embeddings)
        assert index.search(["cats"], 1)[0][0].score == pytest.approx(1.0)
        assert server.requests[-1]["input"] == ["query: cats"]


@pytest.mark.parametrize(
    ("corpus", "arguments", "says"),
    [
        ("http://localhost:1", {"index": "a"}, "a search service has its own"),
        (BM25Index(DOCUMENTS), {"index": "a"}, "not with a retriever"),
        ("corpus.jsonl", {"embeddings": {"model": "m"}}, "must hold base_url and model"),
        ("corpus.jsonl", {"embeddings": {"base_url": "http://a", "model": "m", "modle": "m"}}, "modle"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(corpus, arguments, says):
    with pytest.raises(TypeError, match=says):
        open_retriever(corpus, **arguments)
