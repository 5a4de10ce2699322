"""The machine: cores, memory, disk, the user's cache, the sandboxes, and which keys are set."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ...runtimes.artefact import cache_root
from ...runtimes.build.recipe import LANGUAGES
from ...runtimes.status import runtime_status
from ...runtimes.workers import available_cores
from .check import Check, State

GIB = 2**30
# A first run writes some 10 MB; checkpoints of a model of a billion weights take 12 GB each.
LITTLE_DISK, NO_DISK = 10 * GIB, GIB // 2
LITTLE_MEMORY = 4 * GIB
KEYS = {
    "GEMINI_API_KEY": "infinite-rl generate asks Gemini with it",
    "OPENAI_API_KEY": "servers of models are asked with it, where they want a key",
}


def check_machine() -> Iterator[Check]:
    """Processor, memory, and room on the disk where runs are written."""
    cores = available_cores()
    known = platform.system() == "Linux" and platform.machine() in ("x86_64", "aarch64")
    told = f"{platform.system()} {platform.machine()}, {cores} {'core' if cores == 1 else 'cores'}"
    yield Check("machine", "system", "ok" if known else "warning", told, "" if known else "tests run on Linux alone")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    state: State = "ok" if memory >= LITTLE_MEMORY else "warning"
    advice = "" if state == "ok" else "close other programs, or lower data.prompts_per_rollout"
    yield Check("machine", "memory", state, f"{memory / GIB:.1f} GiB", advice)
    yield _check_disk("disk", Path.cwd())


def check_cache() -> Iterator[Check]:
    """Whether the user's cache, where sandboxes are kept, can be written."""
    folder = cache_root()
    advice = "make it writable, or set INFINITE_RL_CACHE to another folder"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as error:
        yield Check("sandboxes", "cache", "problem", f"{folder} can't be written: {error.strerror or error}", advice)
        return
    yield Check("sandboxes", "cache", "ok", f"{folder}, writable")


def check_sandboxes() -> Iterator[Check]:
    """The self-test of each sandbox."""
    build = "python -m infinite_rl.runtimes.build"
    for language in LANGUAGES:
        found = runtime_status(language)
        failed = [f"{trial.name}: {trial.detail}" for trial in found.trials if not trial.passed]
        if found.problem is not None:
            yield Check("sandboxes", language, "problem", found.problem, build)
        elif failed:
            yield Check("sandboxes", language, "problem", "; ".join(failed), "infinite-rl runtimes tells more")
        else:
            told = f"{found.engine}, {len(found.trials)} tests passed, first program after {found.ready_seconds:.2f} s"
            old = "" if found.current else "; made by another version of this package"
            yield Check("sandboxes", language, "warning" if old else "ok", told + old, build if old else "")


def check_keys() -> Iterator[Check]:
    """Which API keys are in the environment; never what they are."""
    for name, use in KEYS.items():
        if os.environ.get(name, "").strip():
            yield Check("keys", name, "ok", "set")
        else:
            yield Check("keys", name, "optional", f"not set: {use}", f"export {name}=…")


def _check_disk(name: str, folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    state: State = "problem" if free < NO_DISK else "warning" if free < LITTLE_DISK else "ok"
    advice = "" if state == "ok" else "free some, or set trainer.save_dir to another disk"
    return Check("machine", name, state, f"{free / GIB:.1f} GiB free in {folder}", advice)
