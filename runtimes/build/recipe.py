"""The recipe of the artefacts: which tools make them, pinned by hash, and the hash over all that shapes them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

LANGUAGES = ("python", "javascript")


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of the Python package index that the build uses.

    Attributes:
        name: its name, as pip takes it.
        version: the one version that is used.
        sha256: the hashes of the files that may be used, by file name; one for each platform.
        unused: a regular expression for the names of files in it that the build does not need.
    """

    name: str
    version: str
    sha256: Mapping[str, str]
    unused: str | None = None

    @property
    def is_source(self) -> bool:
        """Whether it is used as source rather than as wheel."""
        return all(file.endswith(".tar.gz") for file in self.sha256)


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A package of npm's registry that the build uses.

    Attributes:
        name: its name.
        version: the one version that is used.
        integrity: ``sha512-`` and the Base64 form of the SHA-512 of its archive, as npm writes it.
    """

    name: str
    version: str
    integrity: str


COMPONENTIZE_PY = Distribution(
    "componentize-py",
    "0.25.1",
    {
        "componentize_py-0.25.1-cp39-abi3-macosx_10_12_x86_64.whl": (
            "65fbc4a94df1de8acf7da50a1f5ed1711230188844e53e6332d99029be4e0afa"
        ),
        "componentize_py-0.25.1-cp39-abi3-macosx_11_0_arm64.whl": (
            "a556991534cc496207a9d2ca733c4b0f17ed38ef56a8d6b5f1847fdf1225dd1b"
        ),
        "componentize_py-0.25.1-cp39-abi3-manylinux_2_28_aarch64.whl": (
            "7b6a87c520358166843af0daa86d2312d7af4cbcbbf1e598951085cf7f2991ca"
        ),
        "componentize_py-0.25.1-cp39-abi3-manylinux_2_28_x86_64.whl": (
            "8623cd8cab8453cb0cd8bf03f3c7103420d06f2f3d360186a280a70a1ca5e89f"
        ),
        "componentize_py-0.25.1-cp39-abi3-win_amd64.whl": (
            "c7fd552fb0849858b0c1e8981543ed5dff4b0cc1597a8ea0bc26a495786dc0c6"
        ),
    },
)
"""Makes a component of CPython and the guest."""

ZIGLANG = Distribution(
    "ziglang",
    "0.17.0",
    {
        "ziglang-0.17.0-py3-none-macosx_13_0_arm64.whl": (
            "87274af689c4128051b26c80f6f676757e0a81c2fdc137fd8b5679e928e4bc4f"
        ),
        "ziglang-0.17.0-py3-none-macosx_13_0_x86_64.whl": (
            "4d910f0e363ddb60a6b8ddb55235617797a8ccbcb6c5c7132a949d9f833eea42"
        ),
        "ziglang-0.17.0-py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64.musllinux_1_1_x86_64.whl": (
            "97079827064a7492cce5541ceb438ae8003ce1e54e399676da2d62fb7a5dc08b"
        ),
        "ziglang-0.17.0-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl": (
            "d2804f94f54f7fcf8169f4b212a619ad688a4e2e6592e976f0cf2e58e2cd8af3"
        ),
    },
    # The headers of other targets are three quarters of its 19,500 files.
    unused=r"ziglang/lib/libc/(mingw|include/(?!wasm|generic-musl))",
)
"""A C compiler for WebAssembly, and for a small library that makes componentize-py's work repeatable on Linux."""

QUICKJS = Distribution(
    "quickjs-ng",
    "0.17.0.2",
    {"quickjs_ng-0.17.0.2.tar.gz": "43d2e48272208721a7aaea8e3f02d4b9318f12ef20cc4f5421b59d9a470706ef"},
)
"""The sources of QuickJS-NG, in the folder ``upstream-quickjs``."""

WASMTIME = Distribution(
    "wasmtime",
    "50.0.1",
    {
        "wasmtime-50.0.1-py3-none-macosx_10_13_x86_64.whl": (
            "13fe813b922712a9e10fe0f48b2c56da06432eea4b24269bb7cd3a6b2720560b"
        ),
        "wasmtime-50.0.1-py3-none-macosx_11_0_arm64.whl": (
            "ff4fc58ed3cbdb919d056accd4d280be13962a542754aaefd8a9b4654efa9bd9"
        ),
        "wasmtime-50.0.1-py3-none-manylinux1_x86_64.whl": (
            "cc14c3a17654e0394e0225b11813532ef0cd7bd1e222a0c5494cdedaabeddac4"
        ),
        "wasmtime-50.0.1-py3-none-manylinux2014_aarch64.whl": (
            "675484e525c028dc02762b777f1db4477ea70caa3fec6775426daff4d64edfb1"
        ),
        "wasmtime-50.0.1-py3-none-musllinux_1_2_x86_64.whl": (
            "e3e2051b02b8a47e2418f569e380843e87c1d74c40cd843bfa14c223245d420b"
        ),
        "wasmtime-50.0.1-py3-none-win_amd64.whl": "a8999581230471f4ff62073b1111eff3a01d45ccec0a908da3f2ae3a499d459c",
        "wasmtime-50.0.1-py3-none-win_arm64.whl": "83ddab2358ebde392a065581f2c66995a711ccc25ad0aee7b1d20f8c688075d2",
    },
)
"""Runs a guest up to the point at which its memory becomes the artefact's."""

TZDATA = Distribution(
    "tzdata",
    "2026.6",
    {"tzdata-2026.6-py2.py3-none-any.whl": "0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec"},
)
"""The time zones, which the Python guest has in its memory."""

BINARYEN = NpmPackage(
    "binaryen",
    "132.0.0",
    "sha512-4Usg7yEvwO3FMso3Oov6qkOOHSod1IEv+boKkh77kTljM+eNBouqCTbqWswGzbG+vDNO/b/v2C4gfEh1WgB9Lg==",
)
"""Optimizes the Python artefact, where node and npm are present."""

DISTRIBUTIONS = (COMPONENTIZE_PY, QUICKJS, TZDATA, WASMTIME, ZIGLANG)
"""All that is downloaded with pip."""

_CARRIERS = {"__init__", "__main__", "fetch", "hook", "obtain", "pip_cache", "progress", "recipe", "release", "store"}
"""Modules of this folder that fetch, keep and hand over: they shape no artefact, so they change no name."""

_GUEST_FILES = {".c", ".h", ".js", ".py", ".wit"}


def tools_of(language: str, platform: str = sys.platform) -> tuple[Distribution, ...]:
    """What the build of a language downloads with pip, on a platform."""
    if language == "javascript":
        return (ZIGLANG, QUICKJS, WASMTIME)
    tools = (COMPONENTIZE_PY, TZDATA, WASMTIME)
    return (*tools, ZIGLANG) if platform.startswith("linux") else tools


def recipe_hash(runtimes: Path = Path(__file__).parent.parent) -> str:
    """The name of the recipe: a hash over the pins, the guests' sources and the modules that build them.

    Args:
        runtimes: the folder that holds ``build`` and ``guests``.

    Returns:
        64 hexadecimal digits; the same on every platform and in a checkout, an sdist and a wheel.
    """
    pins = [asdict(tool) for tool in (*DISTRIBUTIONS, BINARYEN)]
    digest = hashlib.sha256(json.dumps(pins, sort_keys=True).encode())
    for path in sorted(_sources(runtimes), key=lambda path: path.relative_to(runtimes).as_posix()):
        # Some checkouts have another end of line; it means nothing to Python, C, JavaScript and WIT.
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"\n{path.relative_to(runtimes).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _sources(runtimes: Path) -> Iterator[Path]:
    """The files that shape the artefacts."""
    for path in (runtimes / "guests").rglob("*"):
        if path.suffix in _GUEST_FILES and "__pycache__" not in path.parts:
            yield path
    yield from runtimes.glob("standard_types.py")  # the host's, and a part of Python's guest
    for path in (runtimes / "build").glob("*.py"):
        if path.stem not in _CARRIERS:
            yield path
