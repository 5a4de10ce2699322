"""Fixtures for the sandboxes' tests: a guest written by hand stands in for Python."""

import os
import sys
from pathlib import Path

import pytest

# Children of these tests import the guest too.
sys.path.insert(0, str(Path(__file__).parent))
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])

import tiny_guest

from infinite_rl.runtimes import RewardExecutor
from infinite_rl.runtimes.engine import Limits
from infinite_rl.runtimes.sandboxes import sandboxes


@pytest.fixture(scope="session")
def _tiny_compiled():
    """The guest on both engines."""
    return {limits: tiny_guest.tiny_instances(limits) for limits in Limits}


@pytest.fixture
def tiny(_tiny_compiled, monkeypatch):
    """Makes the tiny guest this process's Python for one test."""
    found = sandboxes()._found
    for limits, instances in _tiny_compiled.items():
        monkeypatch.setitem(found, (limits, "python"), instances)
    return _tiny_compiled


@pytest.fixture
def executor(tiny):
    """An executor of the tiny guest, whose time limit no busy machine meets by accident."""
    with RewardExecutor(timeout=60, memory_mb=8, output_limit=1000, threads=2) as made:
        yield made


@pytest.fixture
def hasty(tiny):
    """An executor for programs without end."""
    with RewardExecutor(timeout=0.2, memory_mb=8, output_limit=1000, threads=2) as made:
        yield made


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache for compiled code."""
    monkeypatch.setenv("INFINITE_RL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "compiled"
