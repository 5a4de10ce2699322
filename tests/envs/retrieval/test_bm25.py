import pickle
import random
from collections import Counter
from math import log

import numpy as np
import pytest

from infinite_rl.datasets.documents import Document
from infinite_rl.envs.retrieval import bm25
from infinite_rl.envs.retrieval.bm25 import BM25Index, words_of
from infinite_rl.envs.retrieval.index_file import load_index, save_index
from infinite_rl.envs.retrieval.retriever import Retriever, best

CATS = [
    Document("a", "Cats", "The cat sat on the mat."),
    Document("b", "Dogs", "A dog chased the cat; the dog barked."),
    Document("c", "Birds", "Nothing here flies."),
    Document("d", "猫", "猫が好きです。"),
]


def found(index, query, k=3):
    return [hit.document.id for hit in index.search([query], k)[0]]


def by_definition(documents, query, k1=1.5, b=0.75):
    """BM25 as Lucene writes it, with titles as text."""
    texts = [Counter(words_of(f"{one.title}\n{one.text}")) for one in documents]
    average = sum(text.total() for text in texts) / len(texts)
    scores = [0.0] * len(texts)
    for word in dict.fromkeys(words_of(query)):
        holding = sum(word in text for text in texts)
        idf = log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
        for i, text in enumerate(texts):
            scores[i] += idf * text[word] / (text[word] + k1 * (1 - b + b * text.total() / average))
    return scores


def test_scores_are_those_of_the_definition():
    rng = random.Random(0)
    words = [f"w{number}" for number in range(40)]
    documents = [
        Document(str(i), rng.choice(words), " ".join(rng.choices(words, k=rng.randint(1, 30)))) for i in range(200)
    ]
    index = BM25Index(documents)
    assert isinstance(index, Retriever)
    for _ in range(30):
        query = " ".join(rng.choices(words, k=3))
        scores = by_definition(documents, query)
        hits = index.search([query], 10)[0]
        assert [hit.score for hit in hits] == pytest.approx(sorted(scores, reverse=True)[:10], rel=1e-5)
        assert all(hit.score == pytest.approx(scores[int(hit.document.id)], rel=1e-5) for hit in hits)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("cat", ["a", "b"]),
        ("DOG!", ["b"]),
        ("birds", ["c"]),
        ("猫", ["d"]),
        ("好き", ["d"]),
        ("", []),
        ("?!", []),
        ("unknown words", []),
        ("\ud800 cat \x00", ["a", "b"]),
    ],
)
def test_what_shares_words_is_found(query, ids):
    assert found(BM25Index(CATS), query) == ids


def test_several_queries_and_few_hits():
    index = BM25Index(CATS)
    assert [[hit.document.id for hit in hits] for hits in index.search(["cat", "nothing", "dog"], 1)] == [
        ["a"],
        ["c"],
        ["b"],
    ]
    assert index.search([], 3) == []


def test_of_equal_scores_the_first_documents_come_first():
    index = BM25Index([Document(str(i), "", "same words") for i in range(50)])
    assert found(index, "words", 7) == [str(i) for i in range(7)]


def test_the_best_are_found_in_order():
    rng = np.random.default_rng(0)
    for _ in range(50):
        scores = rng.integers(0, 9, 30).astype(np.float32)
        expected = sorted(range(30), key=lambda i: (-scores[i], i))
        assert all(best(scores, k) == expected[:k] for k in (1, 5, 30, 99))


def test_a_long_query_costs_no_more_than_its_first_words(monkeypatch):
    monkeypatch.setattr(bm25, "MAX_QUERY_WORDS", 3)
    assert found(BM25Index(CATS), "x y dog cat") == ["b"]


def test_documents_without_words_are_refused():
    with pytest.raises(ValueError, match="no document holds a word"):
        BM25Index([Document("a", "", "…")])


def test_an_index_can_be_pickled():
    assert found(pickle.loads(pickle.dumps(BM25Index(CATS))), "cat") == ["a", "b"]


def test_a_saved_index_finds_the_same_and_is_not_built_again(tmp_path, monkeypatch):
    path = tmp_path / "new" / "index.npz"
    made = BM25Index(CATS, path)
    monkeypatch.setattr(BM25Index, "_build", lambda self: pytest.fail("built again"))
    loaded = BM25Index(CATS, path)
    assert loaded.search(["cat dog", "猫"], 4) == made.search(["cat dog", "猫"], 4)
    assert [one.name for one in path.parent.iterdir()] == ["index.npz"]


def test_an_index_of_another_corpus_is_refused(tmp_path):
    path = tmp_path / "index.npz"
    BM25Index(CATS, path)
    with pytest.raises(ValueError, match="of another corpus"):
        BM25Index(CATS[:2], path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x80\x04N.", b"x" * 1000])
def test_a_file_that_is_no_index_is_refused(tmp_path, content):
    path = tmp_path / "index.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is no saved index"):
        BM25Index(CATS, path)


def test_a_pickle_in_an_index_is_not_loaded(tmp_path):
    path = tmp_path / "index.npz"
    with path.open("wb") as file:
        np.savez(file, header=np.array([{"index": "bm25"}], dtype=object))
    with pytest.raises(ValueError, match="is no saved index"):
        BM25Index(CATS, path)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match="is no saved index"):
        BM25Index(CATS, path)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("indices", lambda array: array + 1_000),
        ("indices", lambda array: array - 1_000),
        ("indptr", lambda array: array[:-1]),
        ("indptr", lambda array: array[::-1]),
        ("data", lambda array: array * np.nan),
        ("data", lambda array: array.astype(np.float64)),
        ("data", lambda array: array[:, None]),
    ],
)
def test_a_damaged_index_is_refused(tmp_path, name, change):
    path = tmp_path / "index.npz"
    BM25Index(CATS, path)
    header, arrays = load_index(path, {})
    save_index(path, header, arrays | {name: np.ascontiguousarray(change(arrays[name]))})
    with pytest.raises(ValueError, match="damaged"):
        BM25Index(CATS, path)
