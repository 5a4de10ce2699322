"""Settings for all tests."""

import gc
import os

# As the train command does, before torch is loaded; and nothing may look for a network.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")
os.environ["HF_HUB_OFFLINE"] = "1"

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from infinite_rl.runtimes.workers import available_cores

if TYPE_CHECKING:
    from browser import Browser

# No deadline: a busy machine is no failure. Derandomised: the same tests every time.
settings.register_profile("reproducible", deadline=None, derandomize=True)
settings.load_profile("reproducible")

# A process of tests takes up to 1.5 GB, and beyond so many the longest file decides.
MOST_PROCESSES = 8


class RootIsAFolder:
    """Takes the root as a plain folder, so that the tests run in a clone of any name.

    It is the package ``infinite_rl`` whatever its folder is called, but pytest would import it under the folder's name.
    """

    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        return pytest.Dir.from_parent(parent, path=path) if path == parent.config.rootpath else None


def pytest_configure(config: pytest.Config) -> None:
    # As a plugin: a conftest's hooks are not asked about the folders above it.
    config.pluginmanager.register(RootIsAFolder())


def pytest_collection_finish() -> None:
    """Leaves what all tests share out of garbage collection: to walk over a million objects takes half a second."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's; pytest runs without it, too
def pytest_xdist_auto_num_workers() -> int:
    """What ``-n auto`` means: the cores that this process may use, where xdist would count all the machine has."""
    return min(available_cores(), MOST_PROCESSES)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """A real browser, started once for all tests of this process; see ``tests/browser.py``."""
    sys.path.insert(0, str(Path(__file__).parent))
    from browser import Browser, missing

    if reason := missing():
        pytest.skip(reason)
    with Browser() as one:
        yield one
