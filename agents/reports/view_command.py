"""``infinite-rl view``: transcripts in a browser."""

from __future__ import annotations

import argparse
from pathlib import Path


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    told = "the folder of a run or of an evaluation, or a JSON Lines file of transcripts"
    parser.add_argument("place", type=Path, metavar="RUN_OR_RESULTS", help=told)
    told = "the page (default: transcripts.html in the folder, or beside the file)"
    parser.add_argument("--out", type=Path, metavar="FILE", help=told)
    parser.add_argument("--open", action="store_true", help="show it in the browser")


def run(arguments: argparse.Namespace) -> int:
    """Writes the page and prints where it is; the exit code is 0."""
    from ...envs.transcript import make_folder
    from .text import check_page
    from .transcripts import SAMPLES_FILE, read_view
    from .viewer import write_viewer

    place: Path = arguments.place
    beside = place.with_name(f"{place.stem}.html") if place.is_file() else place / "transcripts.html"
    out: Path = arguments.out or beside
    check_page(out)
    view = read_view(place)
    file = place if place.is_file() else place / SAMPLES_FILE
    # An evaluation that has just begun has an empty one.
    if not view.samples and file.is_file() and (file == place or file.stat().st_size):
        raise ValueError(f"{file}: no line of it is a JSON object, such as infinite-rl play --out writes")
    make_folder(out)
    write_viewer(view, out)
    samples = "1 sample" if len(view.samples) == 1 else f"{len(view.samples):,} samples"
    print(arguments.shown(f"{out}: {samples}"))
    if arguments.open:
        import webbrowser

        if not webbrowser.open(out.resolve().as_uri()):
            raise OSError(f"no browser can be started here: open {out} yourself")
    return 0
