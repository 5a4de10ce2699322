"""A submission as one file: a ZIP archive of the three files of an evaluation and a model card."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..evaluation.results import RESULT, RUN, SAMPLES

CARD = "card.md"
NAMES = (RUN, RESULT, SAMPLES, CARD)
# Unpacked, since a small archive may hold a large file.
_LARGEST = {RUN: 1 << 20, RESULT: 256 << 20, SAMPLES: 8 << 30, CARD: 1 << 20}
# Equal submissions are equal files.
_WHEN = (1980, 1, 1, 0, 0, 0)


def pack(folder: Path, card: str, path: Path) -> None:
    """Writes the archive of an evaluation.

    Args:
        folder: with the three files.
        card: the model card.
        path: where the archive goes; it is whole or not there.

    Raises:
        FileExistsError: there is one already.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists already; a submission is never written over")
    draft = path.with_name(f".{path.name}.draft")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in NAMES[:3]:
            with (folder / name).open("rb") as source, archive.open(_member(name), "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)
        archive.writestr(_member(CARD), card)
    draft.replace(path)


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """The folder of a submission: its own, or one that lasts as long as the block, of what an archive holds.

    Raises:
        FileNotFoundError: there is no such folder or file.
        ValueError: the archive is damaged, holds other files than a submission does, or is too large.
    """
    if path.is_dir():
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
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{path}: {member.filename} is packed in a way that is not read here; deflate it")
        if member.file_size > _LARGEST[member.filename]:
            raise ValueError(f"{path}: {member.filename} has {member.file_size:,} bytes, too many")
        # No more is read than the size says, whatever the archive holds.
        with archive.open(member) as source, (folder / member.filename).open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _WHEN)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member
