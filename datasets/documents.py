"""Documents that agents search, and files of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FIELDS = ("id", "title", "text")
_NEEDS = 'Each line needs an object with "id", "title" and "text".'


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
    """Reads a corpus from a JSON Lines file: an object with ``id``, ``title`` and ``text`` on each line.

    An ``id`` may be a number; ``title`` may be empty.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds no document, or a line is malformed; the message names the line and the field.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected JSON Lines with one document a line")
    try:
        documents = list(_documents(path))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    if not documents:
        raise ValueError(f"{path}: no documents. {_NEEDS}")
    return documents


def corpus_hash(documents: Sequence[Document]) -> str:
    """A hash of all documents in their order, the same on every machine."""
    digest = hashlib.blake2b(digest_size=16)
    for document in documents:
        row = [document.id, document.title, document.text]
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()


def _documents(path: Path) -> Iterator[Document]:
    lines_of: dict[str, int] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{where}: not JSON ({error}). {_NEEDS}") from None
            document = _document(row, where)
            if document.id in lines_of:
                raise ValueError(
                    f'{where}: "id" is {document.id!r}, as on line {lines_of[document.id]}. Ids are unique.'
                )
            lines_of[document.id] = number
            yield document


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
    if not row["id"] or not row["text"].strip():
        raise ValueError(f'{where}: "{"text" if row["id"] else "id"}" is empty.')
    return Document(row["id"], row["title"], row["text"])
