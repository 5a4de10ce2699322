"""What ``run.json`` says: what was asked for, and what it ran on."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ...runtimes.artefact import LANGUAGES, MissingArtefactError, find_artefact
from ..runs.provenance import PACKAGE, code_hash, versions
from .results import SCHEMA, sha256_of
from .subject import Subject

# What a run that goes on must have in common with the one before. The rest says what it ran on.
_ASKED = ("schema", "env", "model", "sampling", "declarations", "canary")
DECLARED = ("declarations", "canary")
"""What says nothing of how samples came about, so that it may be added to them."""
_ASKED_HASHES = ("data", "prompts", "parser", "runtimes")


def describe(
    subject: Subject,
    model: Mapping[str, Any],
    sampling: Mapping[str, Any],
    *,
    contamination: str | None = None,
    canary: str | None = None,
) -> dict[str, Any]:
    """The content of ``run.json``.

    Args:
        subject: what is evaluated on.
        model: ``name``, ``backend`` and ``parameters``.
        sampling: ``n``, ``temperature``, ``top_p``, ``max_tokens``, ``max_turns`` and ``seed``; and ``send_tools``
            where tools' schemas are sent that otherwise would not be.
        contamination: what is declared about training on these tasks.
        canary: a text by which the transcripts are found in training data.
    """
    tools = [schema["function"]["name"] for schema in subject.env.tool_schemas]
    asked = _asked(subject, model, sampling)
    return {
        **asked,
        "versions": versions() | {"wasmtime": _version("wasmtime")},
        "hashes": hashes_of(subject, model, sampling),
        "hardware": {"cpu": _cpu(), "cores": os.cpu_count() or 1, "gpu": _gpu(str(model["backend"]))},
        "declarations": {"contamination": contamination, "tools": tools},
        "canary": canary,
        "started": now(),
    }


def hashes_of(subject: Subject, model: Mapping[str, Any], sampling: Mapping[str, Any]) -> dict[str, str]:
    """The member ``hashes``: of tasks, of what a model is shown, of this installation's code, and of what is asked.

    Args:
        subject: what is evaluated on.
        model: as `describe` takes it.
        sampling: likewise.
    """
    asked = json.dumps(_asked(subject, model, sampling), sort_keys=True)
    return {
        **subject.hashes(),
        "parser": _parser_hash(),
        "runtimes": _runtimes_hash(),
        "code": code_hash(),
        "config": _digest([asked.encode()]),
    }


def _asked(subject: Subject, model: Mapping[str, Any], sampling: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "env": subject.about,
        "model": dict(model),
        "sampling": {**sampling, "prompt": subject.prompt},
    }


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The first field in which another run was asked for, with both values; empty if there is none."""
    for name in _ASKED:
        if old.get(name) != new[name]:
            return _told(name, old.get(name), new[name])
    for name in _ASKED_HASHES:
        if old["hashes"].get(name) != new["hashes"][name]:
            return _told(f"hashes.{name}", old["hashes"].get(name), new["hashes"][name])
    return ""


def declared_later(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """A run with what it did not declare, and another declares; what it did declare stays."""
    declarations = dict(old["declarations"])
    if declarations.get("contamination") is None:
        declarations["contamination"] = new["declarations"]["contamination"]
    canary = new["canary"] if old.get("canary") is None else old["canary"]
    return {**old, "declarations": declarations, "canary": canary}


def now() -> str:
    """The time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _told(name: str, old: Any, new: Any) -> str:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        inner = next(key for key in (*new, *old) if old.get(key) != new.get(key))
        return _told(f"{name}.{inner}", old.get(inner), new.get(inner))
    return f"{name} is {json.dumps(old)[:200]} there, and {json.dumps(new)[:200]} is asked for"


def _parser_hash() -> str:
    """Of the code that finds answers and judges them."""
    files = [*(PACKAGE / "rewards").rglob("*.py"), *(PACKAGE / "agents" / "evaluation").glob("benchmarks.py")]
    return _digest(part for path in sorted(files) for part in (path.name.encode(), path.read_bytes()))


def _runtimes_hash() -> str:
    """Of the sandboxes that are there."""
    found = []
    for language in sorted(set(LANGUAGES.values())):
        try:
            found.append(f"{language} {sha256_of(find_artefact(language))}")
        except MissingArtefactError:
            found.append(f"{language} missing")
    return _digest(text.encode() for text in found)


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _gpu(backend: str) -> str | None:
    """The GPU that the model runs on; what is behind an endpoint is not known."""
    if backend == "endpoint":
        return None
    import torch

    return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else None
