"""``python -m infinite_rl.runtimes.build``: makes the sandboxes for Python and JavaScript, where they are missing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..artefact import BadArtefactError
from .fetch import FetchError, Report
from .obtain import BuildError, Order, Outcome, Workshop, obtain, take_present
from .progress import display
from .recipe import LANGUAGES
from .release import ReleaseError

_ENVIRONMENT = """\
environment variables:
  RUNTIME_GITHUB_REPO    owner/name: download from a release of this repository instead of building
  RUNTIME_RELEASE_TAG    its tag (default: the newest that starts with runtimes-)
  GITHUB_TOKEN           for private repositories and a higher rate limit
  INFINITE_RL_CACHE      the cache folder, where artefacts are kept
While installing, INFINITE_RL_SKIP_RUNTIMES=1 makes none: a wheel gets those that lie in runtimes/, of whatever recipe.
"""


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m infinite_rl.runtimes.build",
        description="Makes python.wasm and javascript.wasm, where they are missing; about three minutes.",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--language", choices=[*LANGUAGES, "all"], default="all", help="which one (default: all)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to put them (default: where they are found)")
    parser.add_argument("--force", action="store_true", help="make them, even if they are there")
    parser.add_argument(
        "--optimize",
        action=argparse.BooleanOptionalAction,
        help="make the optimized variant of python.wasm, which needs node and npm, or the plain one; "
        "by default the optimized one where node and npm are present",
    )
    parser.add_argument("--plain", action="store_true", help="one line for each step, also on a terminal")
    parser.add_argument("--only-present", action="store_true", help="only copy those of the package to --output")
    arguments = parser.parse_args(argv)
    if arguments.only_present and arguments.output is None:
        parser.error("--only-present needs --output")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Gets the artefacts, of all languages at once.

    Returns:
        The exit code: 1 if one could not be had; a line on stderr then says why.
    """
    arguments = parse(argv)
    languages = list(LANGUAGES) if arguments.language == "all" else [arguments.language]
    if arguments.only_present:
        return _copy(languages, arguments.output)
    output = arguments.output.expanduser().absolute() if arguments.output else None
    order = Order(output, arguments.force, arguments.optimize)
    with (
        Workshop.open() as workshop,
        display(languages, arguments.plain) as reporter,
        ThreadPoolExecutor(len(languages)) as pool,
    ):
        running = {name: pool.submit(_try, name, order, workshop, reporter(name)) for name in languages}
        results = {name: future.result() for name, future in running.items()}
    failed = [f"{name}: {result}" for name, result in results.items() if isinstance(result, str)]
    for outcome in results.values():
        if isinstance(outcome, Outcome):
            print(_summary(outcome))
    for line in failed:
        print(f"error: {line}", file=sys.stderr)
    return 1 if failed else 0


def _try(language: str, order: Order, workshop: Workshop, report: Report) -> Outcome | str:
    """Gets one artefact; returns what became of it, or why it failed."""
    try:
        outcome = obtain(language, order, workshop, report)
    except (BadArtefactError, BuildError, FetchError, ReleaseError, OSError) as error:
        report("failed")
        return str(error)
    report(f"done ({outcome.origin})")
    return outcome


def _summary(outcome: Outcome) -> str:
    artefact = outcome.artefact
    size = artefact.size / 1e6
    facts = f"{artefact.engine}, {artefact.variant}, {size:.1f} MB, sha256 {artefact.sha256[:16]}, {outcome.origin}"
    return f"{outcome.path}: {facts}"


def _copy(languages: list[str], output: Path) -> int:
    """Copies what the package holds, for those who asked to skip the build."""
    for language in languages:
        if take_present(language, output) is None:
            print(f"warning: skipped, and there is no {language}.wasm; it can be made later", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
