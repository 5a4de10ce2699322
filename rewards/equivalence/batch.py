"""Many verdicts at once, over all cores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ...runtimes.workers import available_cores
from .comparing.scalars import Tier
from .processes import ProcessPool
from .verdict import Verdict, verify

# A process takes half a second to start, in which some thousand verdicts are given.
SMALL = 2_000
_CHUNK = 250
_SECONDS = 0.25
"""Longest time that one pair may take in a chunk; the limits make it far less."""

_pool = ProcessPool()


def verify_many(pairs: Iterable[tuple[str, str]], processes: int | None = None) -> list[Verdict]:
    """Judges many pairs of answers, as `verify` does; more than 2,000 in several processes.

    Args:
        pairs: the right answer and the other one of each.
        processes: how many at most; as many as cores if it is not given.

    Returns:
        The verdicts in the order of the pairs.
    """
    pairs = list(pairs)
    count = available_cores() if processes is None else processes
    if count < 2 or (len(pairs) <= SMALL and processes is None):
        return [verify(gold, answer) for gold, answer in pairs]
    chunks = [pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK)]
    with ThreadPoolExecutor(count) as threads:
        return [verdict for verdicts in threads.map(_verify_chunk, chunks) for verdict in verdicts]


def _verify_chunk(pairs: Sequence[tuple[str, str]]) -> list[Verdict]:
    try:
        rows = _pool.ask({"pairs": pairs}, 5 + _SECONDS * len(pairs))
        return [Verdict(equal, reason, Tier(tier), seconds) for equal, reason, tier, seconds in rows]
    except (TimeoutError, ChildProcessError):
        # Whatever has happened to the process, here every pair is judged within its limits.
        return [verify(gold, answer) for gold, answer in pairs]
