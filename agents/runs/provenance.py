"""Where a result comes from: hashes of code, data and configuration, and the versions it ran on."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ...datasets.task import TaskList

PACKAGE = Path(__file__).resolve().parents[2]
ROOMS = ("agents", "buffers", "config", "datasets", "envs", "rewards", "runtimes", "spaces", "wrappers")
PACKAGES = ("infinite-rl", "gymnasium", "numpy", "tensordict", "torch", "torchrl", "transformers")


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def code_hash() -> str:
    """A hash of this package's own code and configuration files."""
    files = [path for room in ROOMS for path in (PACKAGE / room).rglob("*") if path.suffix in (".py", ".yaml", ".j2")]
    return _digest(
        part for path in sorted(files) for part in (str(path.relative_to(PACKAGE)).encode(), path.read_bytes())
    )


def tasks_hash(tasks: TaskList) -> str:
    """A hash of the tasks, answers included, in their order."""
    return _digest(task.to_json().encode() for task in tasks.tasks)


def file_hash(path: Path) -> str:
    """A hash of a file."""
    return _digest([path.read_bytes()])


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
