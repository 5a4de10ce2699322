"""The step of setuptools' build that puts the artefacts into a wheel or an editable checkout.

setuptools loads this file by its path, in an environment that has neither this package nor its requirements. So nothing
is imported here from the package, and the build runs in a process of its own that sees the package's modules without
running the package's ``__init__``, which needs gymnasium.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from setuptools.command.build_py import build_py
from setuptools.errors import ExecError

SKIP = "INFINITE_RL_SKIP_RUNTIMES"

ROOT = Path(__file__).resolve().parents[2]

_RUN = """
import runpy, sys, types
package = types.ModuleType("infinite_rl")
package.__path__ = [sys.argv.pop(1)]
sys.modules["infinite_rl"] = package
runpy.run_module("infinite_rl.runtimes.build", run_name="__main__", alter_sys=True)
"""

_REMEDIES = f"""
The sandboxes for Python and JavaScript could not be made; the lines above name the step that failed.
  - Without a network: install once where there is one (the artefacts stay in the user's cache), or name a release:
    RUNTIME_GITHUB_REPO=owner/name and, if it is not the newest, RUNTIME_RELEASE_TAG=runtimes-...
  - To install without the sandboxes: {SKIP}=1. Environments that run no code work without them;
    make them later with: python -m infinite_rl.runtimes.build"""


class BuildPy(build_py):  # type: ignore[misc]  # setuptools has no types
    """``build_py`` that adds ``runtimes/python.wasm`` and ``runtimes/javascript.wasm``.

    An editable install goes on without them, with a warning: they can be made later, in place. A wheel must hold both,
    since it goes to other machines and pip keeps it; making one fails where they cannot be had.
    """

    def run(self) -> None:
        """Copies the modules, then the artefacts."""
        super().run()
        editable = bool(getattr(self, "editable_mode", False))
        target = ROOT / "runtimes" if editable else Path(self.build_lib).resolve() / "infinite_rl" / "runtimes"
        if make_artefacts(target):
            return
        if not editable:
            raise ExecError(_REMEDIES)
        self.warn(_REMEDIES)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """The files of the build, the artefacts included."""
        places = sorted(Path(self.build_lib, "infinite_rl", "runtimes").glob("*.wasm"))
        return [*super().get_outputs(include_bytecode), *map(str, places)]


def make_artefacts(target: Path) -> bool:
    """Puts the artefacts into a folder: those of the checkout, from the user's cache or a release, or newly made.

    Args:
        target: the folder.

    Returns:
        Whether all went well. With INFINITE_RL_SKIP_RUNTIMES=1 that is always so, and only the checkout's are taken.
    """
    skip = os.environ.get(SKIP, "") not in ("", "0")
    choice = ["--only-present"] if skip else []
    command = [sys.executable, "-P", "-c", _RUN, str(ROOT), "--plain", "--output", str(target), *choice]
    return subprocess.run(command, check=False).returncode == 0
