"""Finds the sandboxes' artefacts (``python.wasm``, ``javascript.wasm``) and reads what they say about themselves."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

LANGUAGES = {"python": "python", "py": "python", "javascript": "javascript", "js": "javascript"}
"""Accepted names of languages, and the artefact each one means."""

ABI = 1
SECTION = "infinite_rl"
CONTROL_BYTES = 32
WASM_PAGE = 65536
_MAX_DESCRIPTION = 65536
_CUSTOM, _CODE = 0, 10
_TEXTS = ("language", "version", "engine", "variant", "recipe")
_NUMBERS = ("control", "stdout", "stderr", "reply", "capacity", "reply_capacity", "exchange_slot")


class MissingArtefactError(FileNotFoundError):
    """An artefact is neither in the package nor in the user's cache."""


class BadArtefactError(ValueError):
    """A file is not an artefact that this version can run."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """One sandbox: a WebAssembly module and the addresses that the host needs.

    Attributes:
        path: where the module lies, or None for one that lives in memory only.
        sha256: its hash, in hexadecimal.
        size: its size, in bytes.
        code_size: size of its code, in bytes.
        language: ``python`` or ``javascript``.
        version: version of the language's engine, for example ``3.14.0``.
        engine: name and version for people, for example ``CPython 3.14.0``.
        variant: ``optimized`` or ``plain``.
        recipe: hash of the recipe that made it.
        control: address of the control block in the guest's memory, in bytes; so are the next three.
        stdout: address of the output buffer.
        stderr: address of the error buffer.
        reply: address of the reply buffer.
        capacity: size of the output buffers, in bytes.
        reply_capacity: size of the reply buffer, in bytes.
        exchange_slot: slot of the function table through which trusted programs call out.
        restorable: whether memory and exported globals are an instance's whole state; its builder has checked that.
        in_memory: the module, where there is no path.
    """

    path: Path | None
    sha256: str
    size: int
    code_size: int
    language: str
    version: str
    engine: str
    variant: str
    recipe: str
    control: int
    stdout: int
    stderr: int
    reply: int
    capacity: int
    reply_capacity: int
    exchange_slot: int
    restorable: bool = False
    in_memory: bytes = field(default=b"", repr=False)

    @property
    def wasm(self) -> bytes:
        """The module itself, read anew: it is large and only needed to compile it.

        Raises:
            BadArtefactError: the file has changed since it was described.
        """
        wasm = self.path.read_bytes() if self.path else self.in_memory
        if hashlib.sha256(wasm).hexdigest() != self.sha256:
            raise BadArtefactError(f"{self.path}: it has changed while this process runs")
        return wasm

    def check_fits(self, memory_bytes: int) -> None:
        """Checks that all buffers lie in the memory an instance starts with; memory never shrinks.

        Raises:
            BadArtefactError: a buffer ends outside ``memory_bytes``.
        """
        ends = (
            self.control + CONTROL_BYTES,
            self.stdout + self.capacity,
            self.stderr + self.capacity,
            self.reply + self.reply_capacity,
        )
        if max(ends) > memory_bytes:
            raise BadArtefactError(f"{self.path}: its buffers lie outside its memory")


def cache_root() -> Path:
    """The user's cache folder of this package; the environment variable INFINITE_RL_CACHE overrides it."""
    override = os.environ.get("INFINITE_RL_CACHE")
    if override:
        return Path(override).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("infinite_rl")


def find_artefact(language: str) -> Path:
    """The file of a language's artefact: in the package, else in the user's cache.

    Raises:
        MissingArtefactError: it is in neither; the message names the command that makes it.
    """
    name = f"{language}.wasm"
    places = [Path(__file__).parent / name]
    recipe = _recipe_hash()
    if recipe:
        places.append(cache_root() / "artefacts" / recipe / name)
    for place in places:
        if place.is_file():
            return place
    raise MissingArtefactError(f"{name} is missing. Make it with: python -m infinite_rl.runtimes.build")


def load_artefact(language: str) -> Artefact:
    """Reads the description of a language's artefact.

    Raises:
        MissingArtefactError: there is none.
        BadArtefactError: the file is damaged or speaks another version of the interface.
    """
    path = find_artefact(language)
    with open(path, "rb") as file, _mapped(file) as wasm:
        artefact = parse_artefact(wasm, path)
    if artefact.language != language:
        raise BadArtefactError(f"{path}: holds {artefact.language}, not {language}")
    return artefact


def parse_artefact(wasm: bytes | mmap.mmap, path: Path | None = None) -> Artefact:
    """Reads the description of a module from its custom section.

    Args:
        wasm: the module.
        path: where it can be read again; without, it is kept in memory.

    Raises:
        BadArtefactError: no valid description, or another version of the interface.
    """
    where = str(path or "artefact")
    try:
        description, code_size = _find_sections(wasm, SECTION)
        fields = json.loads(description)
        if not isinstance(fields, dict) or fields.get("abi") != ABI:
            raise ValueError(f"interface {fields.get('abi') if isinstance(fields, dict) else None}, {ABI} is needed")
        described: dict[str, Any] = {key: _text(fields, key) for key in _TEXTS}
        described |= {key: _number(fields, key) for key in _NUMBERS}
    except (ValueError, IndexError, RecursionError) as error:
        raise BadArtefactError(
            f"{where}: not a sandbox artefact ({error}). Make it anew with: python -m infinite_rl.runtimes.build"
        ) from None
    described |= {"restorable": fields.get("restorable") is True, "in_memory": b"" if path else bytes(wasm)}
    described |= {"sha256": hashlib.sha256(wasm).hexdigest(), "size": len(wasm), "code_size": code_size}
    return Artefact(path=path, **described)


def _recipe_hash() -> str | None:
    """Hash of the recipe this checkout builds by, which names the folder in the user's cache."""
    try:
        recipe = import_module(".build.recipe", __package__)
    except ImportError:  # A wheel carries its artefacts and may leave the build folder out.
        return None
    return str(recipe.recipe_hash())


def _mapped(file: BinaryIO) -> AbstractContextManager[bytes | mmap.mmap]:
    """A file's content without a copy; an empty file cannot be mapped."""
    if os.fstat(file.fileno()).st_size == 0:
        return nullcontext(b"")
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _find_sections(wasm: bytes | mmap.mmap, name: str) -> tuple[bytes, int]:
    """The content of the last custom section of that name, and the size of the code section.

    Raises:
        ValueError: not a module, damaged, or no such section.
    """
    if wasm[:8] != b"\0asm\x01\0\0\0":
        raise ValueError("not a WebAssembly module")
    wanted = name.encode()
    found: bytes | None = None
    code_size = 0
    position = 8
    while position < len(wasm):
        kind = wasm[position]
        size, start = _leb(wasm, position + 1)
        end = start + size
        if end > len(wasm):
            raise ValueError("a section ends outside the file")
        if kind == _CODE:
            code_size = size
        elif kind == _CUSTOM:
            length, begin = _leb(wasm, start)
            if wasm[begin : begin + length] == wanted and begin + length <= end:
                found = wasm[begin + length : end]
        position = end
    if found is None:
        raise ValueError(f"no section {name!r}")
    if len(found) > _MAX_DESCRIPTION:
        raise ValueError(f"section {name!r} is too large")
    return found, code_size


def _leb(data: bytes | mmap.mmap, position: int) -> tuple[int, int]:
    """An unsigned LEB128 number of at most 32 bits, and the position after it."""
    value = 0
    for shift in range(0, 35, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is too long")


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key} is not a string")
    return value


def _number(fields: dict[str, Any], key: str) -> int:
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise ValueError(f"{key} is not an unsigned 32-bit number")
    return value
