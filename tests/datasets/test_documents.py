import json

import pytest

from infinite_rl.datasets.documents import Document, corpus_hash, load_documents

GOOD = {"id": "a", "title": "Cats", "text": "They purr."}


def written(tmp_path, *rows):
    path = tmp_path / "corpus.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_corpus_is_read_in_order(tmp_path):
    path = written(tmp_path, GOOD, "", {"id": 7, "title": "", "text": "Nothing.", "url": "ignored"})
    assert load_documents(path) == [Document("a", "Cats", "They purr."), Document("7", "", "Nothing.")]


def test_a_corpus_may_begin_with_a_byte_order_mark(tmp_path):
    assert load_documents(written(tmp_path, f"\ufeff{json.dumps(GOOD)}")) == [Document("a", "Cats", "They purr.")]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{", "line 2: not JSON"),
        ("[" * 100_000, "line 2: not JSON"),
        ([], "line 2: not an object"),
        ({"id": "b", "title": ""}, 'line 2: "text" is missing'),
        ({"title": "", "text": "x"}, 'line 2: "id" is missing'),
        ({"id": "b", "title": None, "text": "x"}, 'line 2: "title" must be text, not NoneType'),
        ({"id": True, "title": "", "text": "x"}, 'line 2: "id" must be text, not bool'),
        ({"id": "b", "title": "", "text": " "}, 'line 2: "text" is empty'),
        ({"id": "", "title": "", "text": "x"}, 'line 2: "id" is empty'),
        (GOOD, "line 2: \"id\" 'a' is that of row 1"),
        (GOOD | {"id": "b", "text": "\ud800"}, 'line 2: "text" holds half of a character'),
        ('{"id": "b", "id": "c"}', "line 2: not JSON (an object has two members of the same name, 'id'"),
    ],
)
def test_a_malformed_line_is_named_with_its_field(tmp_path, row, says):
    path = written(tmp_path, GOOD, row)
    with pytest.raises(ValueError) as caught:
        load_documents(path)
    assert f"{path}, {says}" in str(caught.value)


def test_files_that_are_no_corpus_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_documents(tmp_path / "nothing.jsonl")
    with pytest.raises(ValueError, match="no documents"):
        load_documents(written(tmp_path))
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe9"}')
    with pytest.raises(ValueError, match="not UTF-8"):
        load_documents(tmp_path / "latin.jsonl")


def test_the_hash_tells_corpora_apart():
    documents = [Document("a", "Cats", "They purr."), Document("b", "Dogs", "They bark.")]
    assert corpus_hash(documents) == corpus_hash(list(documents))
    others = [documents[::-1], documents[:1], [Document("a", "Ca", "tsThey purr."), documents[1]]]
    assert len({corpus_hash(other) for other in (documents, *others)}) == 4


def test_a_corpus_may_have_any_format_of_rows(tmp_path):
    path = tmp_path / "corpus.csv"
    path.write_text('id,title,text\na,Cats,"They\npurr."\n', encoding="utf-8")
    assert load_documents(path) == [Document("a", "Cats", "They\npurr.")]
