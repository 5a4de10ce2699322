"""The program of a process that gives verdicts: one request a line on standard input, one answer a line."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from .values.evaluation import mpmath_context
from .values.symbolic import difference_vanishes
from .verdict import verify

MEMORY_BYTES = 2 << 30


def answer(request: dict[str, Any]) -> Any:
    """The answer to one request: a list of verdicts, or whether a difference vanishes."""
    if "difference" in request:
        return difference_vanishes(*request["difference"])
    verdicts = [verify(gold, text) for gold, text in request["pairs"]]
    return [[verdict.equal, verdict.reason, verdict.tier, verdict.seconds] for verdict in verdicts]


def main() -> None:
    """Answers until standard input ends."""
    _limit_memory()
    for module in sys.argv[1:]:
        importlib.import_module(module)
    mpmath_context()  # Loading it is no part of a verdict.
    print("true", flush=True)
    for line in sys.stdin:
        try:
            found = answer(json.loads(line))
        except Exception:  # What sympy can't do is not shown to be equal.
            found = False
        print(json.dumps(found), flush=True)


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    main()
