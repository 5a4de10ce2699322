"""Downloads the tools of the build through pip and npm, verified by the recipe's hashes, and unpacks them.

Nothing is installed: the tools belong to the build, not to the environment of whoever runs it.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from .pip_cache import find_in_cache
from .recipe import Distribution, NpmPackage

Report = Callable[[str], None]
"""Is told each step in one line."""

# Settings that suit the user's own downloads and would change which file of a tool is taken, or where it goes.
_NOT_OURS = ("PIP_CONSTRAINT", "PIP_NO_BINARY", "PIP_ONLY_BINARY", "PIP_PLATFORM", "PIP_REQUIREMENT", "PIP_TARGET")


class FetchError(RuntimeError):
    """A tool could not be had, or is not the one of the recipe."""


def fetch(tool: Distribution, folder: Path, report: Report) -> Path:
    """Downloads a distribution with pip, by its configuration; where that fails, takes it from pip's cache.

    Args:
        tool: what to download.
        folder: where to put it; made if it is not there.
        report: is told what happens.

    Returns:
        The file, whose hash is the recipe's.

    Raises:
        FetchError: there is no such file, or its hash is another.
    """
    if importlib.util.find_spec("pip") is None:
        raise FetchError("pip is missing in this environment; add it with: python -m ensurepip")
    folder.mkdir(parents=True, exist_ok=True)
    report(f"downloading {tool.name} {tool.version}")
    done = _download(tool, folder)
    for path in folder.iterdir():
        if path.name in tool.sha256:
            _verify(path, tool.sha256[path.name])
            return path
    cached = None if "DO NOT MATCH THE HASHES" in done.stderr else _from_cache(tool, folder)
    if cached is None:
        raise FetchError(f"{tool.name} {tool.version} could not be downloaded: {_last_error(done.stderr)}")
    report(f"found {tool.name} {tool.version} in pip's cache")
    return cached


def fetch_npm(package: NpmPackage, folder: Path) -> Path:
    """Downloads a package with npm, or takes it from npm's cache.

    Returns:
        Its archive.

    Raises:
        FetchError: npm failed, or the hash is not the recipe's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm") or "npm"
    command = [npm, "pack", "--silent", "--prefer-offline", f"{package.name}@{package.version}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    archive = folder / f"{package.name}-{package.version}.tgz"
    if done.returncode or not archive.is_file():
        raise FetchError(f"npm could not download {package.name} {package.version}: {_last_error(done.stderr)}")
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != package.integrity:
        raise FetchError(f"{archive.name} is not the file of the recipe: its hash is another")
    return archive


def unpack(archive: Path, folder: Path, unused: str | None = None) -> None:
    """Unpacks a verified wheel or source archive, executable bits included.

    Args:
        archive: the file.
        folder: where to; made if it is not there.
        unused: a regular expression for the beginnings of names that a wheel may do without.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if archive.suffix != ".whl":
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):  # the first versions of Python 3.11 have none
                tar.extraction_filter = tarfile.data_filter
            tar.extractall(folder)
        return
    with zipfile.ZipFile(archive) as wheel:
        for entry in wheel.infolist():
            if unused and re.match(unused, entry.filename):
                continue
            wheel.extract(entry, folder)
            if (entry.external_attr >> 16) & 0o111:
                (folder / entry.filename).chmod(0o755)


def run_pip(arguments: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Runs this environment's pip with the user's configuration, less what would change which files it takes."""
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _download(tool: Distribution, folder: Path) -> subprocess.CompletedProcess[str]:
    """Lets pip download the file for this platform that has one of the recipe's hashes."""
    requirements = folder / "requirements.txt"
    hashes = " ".join(f"--hash=sha256:{digest}" for digest in tool.sha256.values())
    requirements.write_text(f"{tool.name}=={tool.version} {hashes}\n")
    kind = ["--no-binary", tool.name] if tool.is_source else ["--only-binary", ":all:"]
    if tool.is_source and _has_setuptools():
        kind.append("--no-build-isolation")  # pip wants a source's metadata, and setuptools need not be downloaded
    options = ["--no-deps", "--require-hashes", "--progress-bar", "off", "--dest", str(folder), *kind]
    return run_pip(["download", *options, "-r", str(requirements)])


def _has_setuptools() -> bool:
    """Whether this environment has a setuptools that makes metadata alone; older ones need the package wheel too."""
    if importlib.util.find_spec("setuptools") is None:
        return False
    from importlib.metadata import version

    return int(version("setuptools").split(".")[0]) >= 71


def _verify(path: Path, expected: str) -> None:
    """Checks a file's SHA-256 once more, since pip does not check what it finds already unpacked or built.

    Raises:
        FetchError: it is another.
    """
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise FetchError(f"{path.name} is not the file of the recipe: its SHA-256 is {found}, not {expected}")


def _from_cache(tool: Distribution, folder: Path) -> Path | None:
    """Takes a tool from pip's cache: whichever of its files is there, since pip only fetches those of this platform."""
    names = {digest: name for name, digest in tool.sha256.items()}
    found = find_in_cache(Path(run_pip(["cache", "dir"]).stdout.strip() or os.devnull), names)
    if found is None:
        return None
    path = folder / names[found[0]]
    path.write_bytes(found[1])
    return path


def _last_error(text: str) -> str:
    """The line of a tool's error stream that says most: the last that is called an error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "npm error"))]
    return (errors or lines or ["no message"])[-1][:500]
