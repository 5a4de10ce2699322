"""Make python.wasm: CPython and the guest as a component, merged into one module, warmed up and described."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .link import link
from .recipe import recipe_hash
from .restorable import is_restorable
from .warm import CAPACITY, REPLY_CAPACITY, warm
from .wasm import add_custom_section

GUEST = Path(__file__).parent.parent / "guests" / "python"
SHARED = GUEST.parent.parent / "standard_types.py"
SECTION = "infinite_rl"

# CPython draws the secret of its hashes from the host while the component is made, and the snapshot keeps it: with
# another secret, a set of strings comes out in another order. This library goes before the C library's and answers
# always the same.
_FIXED_RANDOMNESS = """
static void fill(unsigned char *buffer, unsigned long size) {
    unsigned state = 0x2545F491u;
    for (unsigned long i = 0; i < size; i++) {
        state ^= state << 13; state ^= state >> 17; state ^= state << 5;
        buffer[i] = (unsigned char)state;
    }
}
long getrandom(void *buffer, unsigned long size, unsigned flags) { (void)flags; fill(buffer, size); return (long)size; }
int getentropy(void *buffer, unsigned long size) { fill(buffer, size); return 0; }
"""
_COMPONENTIZE = "import sys; from componentize_py import script; sys.exit(script())"
# What CPython's own compilation uses; wasm-opt must neither refuse it nor go beyond it.
_FEATURES = ("bulk-memory", "mutable-globals", "sign-ext", "nontrapping-float-to-int", "reference-types", "multivalue")


class BuildStepError(RuntimeError):
    """A step of the build failed; the message says which and what it printed."""


def build(work: Path, report: Callable[[str], None], optimizer: Path | None = None) -> bytes:
    """Make the artefact.

    Args:
        work: an empty folder for intermediate files.
        report: is told of each step, in one line.
        optimizer: the folder of binaryen's programs, which run on node; without it the plain variant is made.

    Returns:
        The module with its description.

    Raises:
        BuildStepError: a program failed.
        WasmError: what componentize-py made has another shape than expected.
    """
    report("freezing CPython and its standard library (some 20 s)")
    component = _componentize(work, report)
    report("merging its modules")
    linked = link(component)
    module = linked.module.encode()
    if optimizer is not None:
        report("optimizing (some 40 s)")
        module = _optimize(module, work, optimizer)
    report("warming up and taking the snapshot")
    warmed = warm(module, linked.wide_slot)
    description = {
        "abi": 1,
        "language": "python",
        "version": warmed.version,
        "engine": f"CPython {warmed.version}",
        "variant": "plain" if optimizer is None else "optimized",
        "recipe": recipe_hash(),
        "control": warmed.buffers.control,
        "stdout": warmed.buffers.stdout,
        "stderr": warmed.buffers.stderr,
        "reply": warmed.buffers.reply,
        "capacity": CAPACITY,
        "reply_capacity": REPLY_CAPACITY,
        "exchange_slot": linked.exchange_slot,
        "restorable": is_restorable(warmed.module),
    }
    return add_custom_section(warmed.module, SECTION, json.dumps(description).encode())


def _componentize(work: Path, report: Callable[[str], None]) -> bytes:
    """Run componentize-py on the guest, in a process of its own."""
    guest, environment, output = work / "guest", work / "environment", work / "component.wasm"
    _copy_guest(guest)
    # componentize-py also takes in the packages of the environment it finds; so it is shown an empty one.
    (environment / "lib" / "site-packages").mkdir(parents=True)
    variables = os.environ | {"VIRTUAL_ENV": str(environment), "PYTHONDONTWRITEBYTECODE": "1"}
    library = _fixed_randomness(work, report)
    if library is not None:
        variables["LD_PRELOAD"] = str(library)
    arguments = ["--quiet", "--wit-path", "sandbox.wit", "--world", "sandbox", "componentize", "--python-path", "."]
    arguments += ["--stub-wasi", "app", "--output", str(output)]
    _run([sys.executable, "-c", _COMPONENTIZE, *arguments], "componentize-py", guest, variables)
    return output.read_bytes()


def _copy_guest(folder: Path) -> None:
    """Copy the guest's sources, with the same ends of lines on every platform."""
    folder.mkdir(parents=True)
    for path in (*sorted(GUEST.iterdir()), SHARED):
        if path.suffix in (".py", ".wit"):
            (folder / path.name).write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    (folder / "time_zones.py").write_text(_time_zones(), "utf-8")


def _time_zones() -> str:
    """A module with the time zones of tzdata, for `zoneinfo`: the guest has no files to read them from."""
    # Found anew, not imported: an earlier build in this process may have imported one that is gone.
    spec = importlib.machinery.PathFinder.find_spec("tzdata")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("tzdata is not on the path")
    root = Path(spec.origin).parent
    names = (root / "zones").read_text("utf-8").split()
    zones = {name: root.joinpath("zoneinfo", *name.split("/")).read_bytes() for name in sorted(names)}
    return f"ZONES = {zones!r}\n"


def _fixed_randomness(work: Path, report: Callable[[str], None]) -> Path | None:
    """Compile the library that fixes the hash secret; None where that cannot be done."""
    compiler = _compiler()
    if not sys.platform.startswith("linux") or compiler is None:
        report("without a C compiler on Linux, this build orders sets of strings in its own way")
        return None
    source, library = work / "randomness.c", work / "randomness.so"
    source.write_text(_FIXED_RANDOMNESS, "utf-8")
    command = [*compiler, "-shared", "-fPIC", "-nostdlib", "-O1", "-fno-builtin", str(source), "-o", str(library)]
    _run(command, "compiling a library", work, os.environ)
    return library


def _compiler() -> list[str] | None:
    """The command of a C compiler: zig's from the package index, else the machine's."""
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    found = shutil.which("cc")
    return [found] if found else None


def _optimize(module: bytes, work: Path, optimizer: Path) -> bytes:
    """Run binaryen's wasm-opt.

    CPython's own compilation optimized everything but calls between its files. So inlining alone is worth as much as
    all of -O2, 7% of CPU time, for a third of its cost.
    """
    source, target = work / "merged.wasm", work / "optimized.wasm"
    source.write_bytes(module)
    command = ["node", str(optimizer / "wasm-opt"), str(source), "--inlining-optimizing", "-o", str(target)]
    command += [f"--enable-{feature}" for feature in _FEATURES]
    _run(command, "wasm-opt", work, os.environ)
    return target.read_bytes()


def _run(command: Sequence[str], what: str, folder: Path, variables: Mapping[str, str]) -> None:
    """Run a program to its end.

    Raises:
        BuildStepError: it failed.
    """
    result = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, errors="replace", check=False
    )
    if result.returncode:
        raise BuildStepError(f"{what} failed ({result.returncode}): {(result.stdout + result.stderr).strip()[-4000:]}")
