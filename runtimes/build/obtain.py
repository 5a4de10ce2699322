"""Gets an artefact by the cheapest way there is, and puts it where it is looked for."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..artefact import Artefact, BadArtefactError, parse_artefact
from . import store
from .fetch import FetchError, Report, fetch, fetch_npm, unpack
from .recipe import BINARYEN, DISTRIBUTIONS, QUICKJS, Distribution, recipe_hash, tools_of
from .release import ReleaseClient


class BuildError(RuntimeError):
    """An artefact could not be made; the message names the step."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted.

    Attributes:
        output: the folder to put the artefact in; by default the package's, or the user's cache where that suffices.
        force: make it, whatever is there.
        optimize: True for the optimized variant alone, False for the plain one alone, None for what is there or, if
            nothing is, what this machine can make.
    """

    output: Path | None = None
    force: bool = False
    optimize: bool | None = None

    def accepts(self, artefact: Artefact | None) -> bool:
        """Whether an artefact that is there already is what is wanted."""
        if artefact is None or artefact.recipe != recipe_hash():
            return False
        return self.optimize is None or (artefact.variant == "optimized") == self.optimize


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done.

    Attributes:
        path: where the artefact lies now.
        artefact: what it says about itself.
        origin: ``present``, ``cache``, ``release runtimes-...`` or ``built in 123 s``.
    """

    path: Path
    artefact: Artefact
    origin: str


class Workshop:
    """A folder for one build of both languages, with the tools in it.

    Its tools can be imported while it is open, here and in child processes, before those of the environment.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    @classmethod
    @contextlib.contextmanager
    def open(cls) -> Iterator[Workshop]:
        """Makes the folder, and removes it at the end: the tools unpack to half a gigabyte."""
        with tempfile.TemporaryDirectory(prefix="infinite-rl-", ignore_cleanup_errors=True) as text:
            place = Path(text).resolve()
            paths = [str(place / "tools" / tool.name) for tool in DISTRIBUTIONS]
            inherited = os.environ.get("PYTHONPATH")
            added = {
                "PYTHONPATH": os.pathsep.join(paths + ([inherited] if inherited else [])),
                "ZIG_GLOBAL_CACHE_DIR": str(place / "zig-cache"),
                "ZIG_LOCAL_CACHE_DIR": str(place / "zig-cache"),
            }
            before = {name: os.environ.get(name) for name in added}
            os.environ.update(added)
            sys.path[:0] = paths
            try:
                yield cls(place)
            finally:
                sys.path[:] = [path for path in sys.path if path not in paths]
                for name, value in before.items():
                    os.environ.pop(name, None) if value is None else os.environ.update({name: value})

    def folder(self, name: str) -> Path:
        """A new folder for a build's own files."""
        path = self._place / name
        path.mkdir(parents=True)
        return path

    def tool(self, tool: Distribution, report: Report) -> Path:
        """The folder of an unpacked tool, downloaded at the first call.

        Raises:
            FetchError: it cannot be had.
        """
        folder = self._place / "tools" / tool.name
        with self._guard:
            lock = self._locks.setdefault(tool.name, threading.Lock())
        with lock:
            if not folder.exists():
                archive = fetch(tool, self._place / "downloads" / tool.name, report)
                report(f"unpacking {tool.name}")
                unpack(archive, folder.with_suffix(".part"), tool.unused)
                folder.with_suffix(".part").rename(folder)
                archive.unlink()
                importlib.invalidate_caches()  # the folder was on the path before it was there
        return folder

    def optimizer(self, wanted: bool | None, report: Report) -> Path | None:
        """The folder of binaryen's programs, which run on node; None where the plain variant is made.

        Raises:
            FetchError: the optimized variant is wanted alone, and cannot be made here.
        """
        if wanted is False:
            return None
        try:
            if shutil.which("node") is None or shutil.which("npm") is None:
                raise FetchError("node and npm are not installed")
            report(f"downloading {BINARYEN.name} {BINARYEN.version}")
            unpack(fetch_npm(BINARYEN, self._place / "downloads" / BINARYEN.name), self._place / BINARYEN.name)
        except FetchError as error:
            if wanted:
                raise FetchError(f"the optimized variant cannot be made: {error}") from None
            report(f"{error}; making the plain variant: it behaves the same, and is slower")
            return None
        return self._place / BINARYEN.name / "package" / "bin"


def obtain(language: str, order: Order, workshop: Workshop, report: Report) -> Outcome:
    """Gets a language's artefact: from the package, a named release, the user's cache, or by making it.

    Args:
        language: ``python`` or ``javascript``.
        order: what is wanted.
        workshop: where to make it.
        report: is told each step.

    Raises:
        BuildError: it could not be made.
        FetchError: a tool cannot be had.
        ReleaseError: the named release cannot be used.
        OSError: the artefact cannot be written.
    """
    name = f"{language}.wasm"
    with store.locked(store.cache_folder() / f".{language}.lock", report):
        released = _from_release(language, order, report)
        if released is not None:
            return _keep(released[0], name, order, released[1], report)
        if not order.force:
            for place, origin in _places(order):
                artefact = store.read(place / name, language)
                if artefact is not None and order.accepts(artefact):
                    return _keep(artefact, name, order, origin, report)
        start = time.monotonic()
        artefact = _make(language, order, workshop, report)
        return _keep(artefact, name, order, f"built in {time.monotonic() - start:.0f} s", report)


def take_present(language: str, output: Path) -> Outcome | None:
    """Copies the package's artefact to a folder, whatever recipe made it; None where there is none."""
    artefact = store.read(store.PACKAGE / f"{language}.wasm", language)
    if artefact is None:
        return None
    path = output / f"{language}.wasm"
    _put(artefact, path)
    return Outcome(path, artefact, "present")


def _places(order: Order) -> list[tuple[Path, str]]:
    """The folders in which the artefact may be already, the nearest first."""
    places = [(store.PACKAGE, "present"), (store.cache_folder(), "cache")]
    return [(order.output, "present"), *places] if order.output else places


def _from_release(language: str, order: Order, report: Report) -> tuple[Artefact, str] | None:
    """The artefact of the release that the environment names; None where it names none."""
    client = ReleaseClient.from_environment()
    if client is None:
        return None
    report("asking for the release")
    release = client.find(os.environ.get("RUNTIME_RELEASE_TAG"))
    origin, name = f"release {release.tag}", f"{language}.wasm"
    for place, _ in _places(order):
        artefact = store.read(place / name, language)
        if artefact is not None and artefact.sha256 == release.sums.get(name):
            return artefact, origin
    report(f"downloading {name} of {release.repository}, release {release.tag}")
    return _checked(client.download(release, name), language, origin), origin


def _make(language: str, order: Order, workshop: Workshop, report: Report) -> Artefact:
    """Makes an artefact.

    Raises:
        BuildError: a step failed.
        FetchError: a tool cannot be had.
    """
    recipe = recipe_hash()
    tools = {tool.name: workshop.tool(tool, report) for tool in tools_of(language)}
    work = workshop.folder(language)
    steps = []

    def step(line: str) -> None:
        steps.append(line)
        report(line)

    try:
        if language == "python":
            from . import python_artefact

            wasm = python_artefact.build(work, step, workshop.optimizer(order.optimize, report))
        else:
            from . import javascript_artefact

            (sources,) = tools[QUICKJS.name].glob("*/upstream-quickjs")
            wasm = javascript_artefact.build(work, step, sources)
    except FetchError:
        raise
    except Exception as error:
        raise BuildError(f"{steps[-1] if steps else 'starting'}: {error}") from error
    artefact = _checked(wasm, language, "what was built")
    if not artefact.recipe == recipe == recipe_hash():
        raise BuildError("the sources were changed during the build; build again")
    return artefact


def _checked(wasm: bytes, language: str, origin: str) -> Artefact:
    """Reads an artefact's description.

    Raises:
        BuildError: it has none, or it is of another language or version of the interface.
    """
    try:
        artefact = parse_artefact(wasm)
    except BadArtefactError as error:
        raise BuildError(f"{origin}: {error}") from None
    if artefact.language != language:
        raise BuildError(f"{origin}: {language}.wasm holds {artefact.language}")
    return artefact


def _keep(artefact: Artefact, name: str, order: Order, origin: str, report: Report) -> Outcome:
    """Writes an artefact to the user's cache and to where it was ordered to.

    Raises:
        OSError: it could not be written where it is needed.
    """
    cached = None
    if artefact.recipe == recipe_hash():  # a release may be of another one
        try:
            cached = _put(artefact, store.cache_folder() / name)
        except OSError as error:
            report(f"the user's cache cannot be written: {error}")
    output = order.output
    # The package's own artefact goes before the cache's, so it must not stay behind.
    if output is None and (cached is None or store.is_checkout() or (store.PACKAGE / name).exists()):
        output = store.PACKAGE
    path = _put(artefact, output / name) if output else cached
    assert path is not None
    return Outcome(path, artefact, origin)


def _put(artefact: Artefact, path: Path) -> Path:
    """Writes an artefact to a file, unless it is there."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == artefact.sha256:
            return path
    store.write(path, artefact.wasm)
    return path
