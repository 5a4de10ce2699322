"""Documents that agents search, and files of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .rows import is_text, read_rows

_FIELDS = ("id", "title", "text")
_NEEDS = 'Each row needs "id", "title" and "text".'


@dataclass(frozen=True, slots=True)
class Document:
    """One text of a corpus.

    Attributes:
        id: unique in its corpus.
        title: what it is about.
        text: what it says.
    """

    id: str
    title: str
    text: str


def load_documents(path: str | Path) -> list[Document]:
    """Reads a corpus: rows with ``id``, ``title`` and ``text``, in any format of `read_rows`, such as JSON Lines.

    An ``id`` may be a number; ``title`` may be empty.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds no document, or a row is malformed; the message names the place and the field.
    """
    documents: dict[str, Document] = {}
    numbers: dict[str, int] = {}
    for number, where, row in read_rows(Path(path)):
        document = _document(row, where)
        if document.id in documents:
            raise ValueError(f'{where}: "id" {document.id!r} is that of row {numbers[document.id]}. Ids are unique.')
        documents[document.id], numbers[document.id] = document, number
    if not documents:
        raise ValueError(f"{path}: no documents. {_NEEDS}")
    return [*documents.values()]


def corpus_hash(documents: Sequence[Document]) -> str:
    """A hash of all documents in their order, the same on every machine."""
    digest = hashlib.blake2b(digest_size=16)
    for document in documents:
        row = [document.id, document.title, document.text]
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()


def _document(row: Any, where: str) -> Document:
    if not isinstance(row, dict):
        raise ValueError(f"{where}: not an object. {_NEEDS}")
    if isinstance(row.get("id"), int) and not isinstance(row["id"], bool):
        row = row | {"id": str(row["id"])}
    for field in _FIELDS:
        if field not in row:
            raise ValueError(f'{where}: "{field}" is missing. {_NEEDS}')
        if not isinstance(row[field], str):
            raise ValueError(f'{where}: "{field}" must be text, not {type(row[field]).__name__}.')
        if not is_text(row[field]):
            raise ValueError(f'{where}: "{field}" holds half of a character (a surrogate without its other half).')
    if not row["id"] or not row["text"].strip():
        raise ValueError(f'{where}: "{"text" if row["id"] else "id"}" is empty.')
    return Document(row["id"], row["title"], row["text"])
