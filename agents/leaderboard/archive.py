"""A submission as one file: a ZIP archive of the three files of an evaluation and a model card."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..evaluation.results import RESULT, RUN, SAMPLES, Results, plain_file

CARD = "card.md"
NAMES = (RUN, RESULT, SAMPLES, CARD)
# Unpacked, since a small archive may hold a large file. Values of JSON take about 20 times the room of their text.
_LARGEST = {RUN: 1 << 20, RESULT: 32 << 20, SAMPLES: 8 << 30, CARD: 1 << 20}
# Transcripts shrink to a tenth; those of a model that says the same for ever to a hundredth.
_RATIO, _FREE = 200, 16 << 20
_LONGEST_LINE = 64 << 20
# Equal submissions are equal files.
_WHEN = (1980, 1, 1, 0, 0, 0)


def pack(results: Results, card: str, path: Path) -> None:
    """Writes the archive of an evaluation that was checked.

    Args:
        results: finished; their files are packed as they were read, whatever became of them since.
        card: the model card.
        path: where the archive goes; it is whole or not there.

    Raises:
        FileExistsError: there is one already.
        ValueError: the samples are others by now, or something is larger than a reader takes.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists already; a submission is never written over")
    assert results.result is not None, "only what is finished is packed"
    _refuse_large(SAMPLES, (results.folder / SAMPLES).stat().st_size, results.folder)
    draft = path.with_name(f".{path.name}.draft")
    try:
        _write(results, card, draft, zipfile.ZIP_DEFLATED)
        with zipfile.ZipFile(draft) as archive:
            dense = _unpacked(archive) > _most(draft)
        if dense:  # it would be taken for a bomb, and is none as it stands
            _write(results, card, draft, zipfile.ZIP_STORED)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _write(results: Results, card: str, draft: Path, method: int) -> None:
    assert results.result is not None, "only what is finished is packed"
    pairs = ((RUN, results.run), (RESULT, results.result))
    texts = {name: json.dumps(value, indent=2, allow_nan=False) + "\n" for name, value in pairs}
    with zipfile.ZipFile(draft, "w") as archive:
        for name, text in (texts | {CARD: card}).items():
            _refuse_large(name, len(text.encode()), results.folder)
            archive.writestr(_member(name, method), text)
        found = hashlib.sha256()
        with (
            (results.folder / SAMPLES).open("rb") as source,
            archive.open(_member(SAMPLES, method), "w", force_zip64=True) as target,
        ):
            for data in _pieces(source, results.folder / SAMPLES):
                found.update(data)
                target.write(data)
        if found.hexdigest() != results.result["samples_sha256"]:
            raise ValueError(f"{results.folder / SAMPLES} has changed since it was checked")


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The folder of a submission: its own, or one that lasts as long as the block, of what an archive holds.

    Raises:
        FileNotFoundError: there is no such folder or file.
        ValueError: the archive is damaged, holds other files than a submission does, or is too large; or a member of
            the folder is no plain file.
    """
    if path.is_dir():
        for name in NAMES:
            plain_file(path / name)
        yield path
        return
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such folder or file")
    with tempfile.TemporaryDirectory() as place:
        try:
            with zipfile.ZipFile(path) as archive:
                _unpack(archive, path, Path(place))
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
            raise ValueError(f"{path}: not a readable ZIP archive ({error})") from None
        yield Path(place)


def _unpack(archive: zipfile.ZipFile, path: Path, folder: Path) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    # Only these names, so that none leads out of the folder.
    if len(names) != len(set(names)) or not set(names) <= set(NAMES):
        raise ValueError(f"{path}: a submission holds {', '.join(NAMES)}, each once, and nothing else")
    if _unpacked(archive) > (most := _most(path)):
        raise ValueError(f"{path}: unpacks to more than {most:,} bytes, too many for an archive of its size")
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{path}: {member.filename} is packed in a way that is not read here; deflate it")
        _refuse_large(member.filename, member.file_size, path)
        # No more is read than the size says, whatever the archive holds.
        with archive.open(member) as source, (folder / member.filename).open("wb") as target:
            for data in _pieces(source, f"{path}: {member.filename}"):
                target.write(data)


def _unpacked(archive: zipfile.ZipFile) -> int:
    return sum(member.file_size for member in archive.infolist())


def _most(path: Path) -> int:
    """Bytes that an archive may unpack to."""
    return _FREE + _RATIO * path.stat().st_size


def _refuse_large(name: str, size: int, where: Path) -> None:
    if size > _LARGEST[name]:
        raise ValueError(f"{where}: {name} has {size:,} bytes, too many (at most {_LARGEST[name]:,})")


def _pieces(source: IO[bytes], where: object) -> Iterator[bytes]:
    """What a file holds, a piece at a time.

    Raises:
        ValueError: it has a line that no reader takes.
    """
    length = 0
    while data := source.read(1 << 20):
        length = len(data) - data.rfind(b"\n") - 1 + (0 if b"\n" in data else length)
        if length > _LONGEST_LINE:
            raise ValueError(f"{where} has a line of more than {_LONGEST_LINE:,} bytes")
        yield data


def _member(name: str, method: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _WHEN)
    member.compress_type = method
    member.external_attr = 0o644 << 16
    return member
