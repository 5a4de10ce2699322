"""Makes the picture of docs/leaderboard.md: `python tests/agents/leaderboard/picture.py`.

Its models are policies that solve each task with a known chance, so that nobody takes the figures for results.
"""

import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])]
from board_results import make_results
from browser import Browser

from infinite_rl.agents.leaderboard.site import write_site

PICTURE = Path(__file__).resolve().parents[3] / "docs" / "images" / "leaderboard.png"
CHANCES = (0.35, 0.42, 0.55, 0.62, 0.68, 0.71)


def main() -> None:
    """Builds a board and takes its picture."""
    with tempfile.TemporaryDirectory() as place, Browser() as browser:
        board, site = Path(place) / "board", Path(place) / "site"
        for number, chance in enumerate(CHANCES):
            backend = ("transformers", "endpoint", "vllm")[number % 3]
            asked = {"model": f"solves {chance:.0%}", "backend": backend, "n": 8, "tasks": 120, "level": 3}
            make_results(board / str(number), skill=chance, **asked)
        write_site(board, site)
        browser.resize(1180, 1200)
        browser.open(site / "index.html")
        browser.click("tr:nth-child(2) .pick input")
        browser.click("tr:nth-child(4) .pick input")
        browser.run("document.activeElement.blur()")
        browser.screenshot(PICTURE, whole=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
