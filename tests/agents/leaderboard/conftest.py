"""What all tests of the leaderboard share: a board that they may look at and not change."""

import sys
from functools import cache
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2] / "runtimes")]
from board_results import make_results

from infinite_rl.agents.evaluation import about
from infinite_rl.agents.leaderboard.site import write_site

CANARY = "infinite-rl-canary-" + "5e" * 16
ONCE = {name: cache(getattr(about, name)) for name in ("code_hash", "_parser_hash", "_runtimes_hash")}


@pytest.fixture(scope="module", autouse=True)
def hashed_once():
    """The code does not change during the tests; to hash it takes longer than everything else."""
    with pytest.MonkeyPatch.context() as patch:
        for name, once in ONCE.items():
            patch.setattr(about, name, once)
        yield


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Three models on the same tasks, one on others, one on tasks that are kept back, and a broken submission."""
    place = tmp_path_factory.mktemp("board")
    for name, skill, backend in (("strong", 0.8, "endpoint"), ("middling", 0.5, "vllm"), ("weak", 0.2, "vllm")):
        make_results(place / name, model=name, skill=skill, tasks=30, backend=backend)
    make_results(place / "other", model="strong", skill=0.4, tasks=5, level=2)
    make_results(place / "kept-back", model="secretive", skill=0.5, tasks=6, secret=77, canary=CANARY)
    (place / "broken").mkdir()
    (place / "broken" / "run.json").write_text('{"schema": "<b>bold</b>"}')
    return place


@pytest.fixture(scope="session")
def site(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "site"
    write_site(folder, out)
    return out
