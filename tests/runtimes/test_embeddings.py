import numpy as np
import pytest
from chat_server import serving

from infinite_rl.runtimes import Budget, BudgetError, EmbeddingEndpoint, EndpointError


def row(text):
    return [float(len(text)), 1.0]


def reply(request, **change):
    data = [{"index": i, "embedding": row(text)} for i, text in enumerate(request["input"])]
    return 200, {"data": data[::-1], "usage": {"total_tokens": 5}, **change}, {}


def test_vectors_come_in_the_order_of_the_texts_whatever_the_server_s_order():
    budget = Budget()
    with serving(reply) as server:
        endpoint = EmbeddingEndpoint(server.url, "tiny", api_key="sk-1", budget=budget)
        vectors = endpoint.embed(["a", "bbb", "", "dd", "e"], batch_size=2)
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [row(text) for text in ("a", "bbb", "", "dd", "e")]
    assert server.paths == ["/v1/embeddings"] * 3
    assert server.requests[0] == {"model": "tiny", "input": ["a", "bbb"], "encoding_format": "float"}
    assert server.headers[0]["Authorization"] == "Bearer sk-1"
    assert (budget.used_calls, budget.used_tokens) == (3, 15)


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        {},
        {"data": []},
        {"data": [{"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": "AACAPw=="}]},
        {"data": [{"index": 0, "embedding": [None]}]},
        b'{"data": [{"index": 0, "embedding": [NaN]}]}',
        b'{"data": [{"index": 0, "embedding": [1e999]}]}',
        {"data": [{"index": 0, "embedding": [[1.0]]}]},
        [1],
    ],
)
def test_what_is_no_embedding_is_an_error(body):
    with serving(lambda request: (200, body, {})) as server, pytest.raises(EndpointError, match="sent no embeddings"):
        EmbeddingEndpoint(server.url, "tiny").embed(["a"])


def test_vectors_of_different_lengths_are_an_error():
    def answer(request):
        return 200, {"data": [{"index": 0, "embedding": [1.0] * len(request["input"][0])}]}, {}

    with serving(answer) as server, pytest.raises(EndpointError, match="not of one length"):
        EmbeddingEndpoint(server.url, "tiny").embed(["a", "bb"], batch_size=1)


def test_limits_and_refusals_are_those_of_every_endpoint(monkeypatch):
    monkeypatch.setattr("infinite_rl.runtimes.endpoint._wait", lambda cut, seconds: None)
    answers = iter([(503, {}, {}), (400, {"error": {"message": "no"}}, {})])
    with serving(lambda request: next(answers)) as server:
        with pytest.raises(EndpointError, match=r"embeddings answered 400: no\. .* one for embeddings"):
            EmbeddingEndpoint(server.url, "tiny").embed(["a"])
        assert len(server.requests) == 2
        with pytest.raises(BudgetError):
            EmbeddingEndpoint(server.url, "tiny", budget=Budget(calls=0)).embed(["a"])
    with pytest.raises(ValueError, match="at least one text"):
        EmbeddingEndpoint("http://localhost:1/v1", "tiny").embed([])
