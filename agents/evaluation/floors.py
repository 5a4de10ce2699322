"""What policies that understand nothing earn, where it has been published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from ..runs.provenance import PACKAGE

# Of a checkout; a wheel leaves it out.
_MEASURED = PACKAGE / "benchmarks" / "results" / "floors.json"
_NO_POLICY = ("tasks", "count")


def published(env: Mapping[str, Any]) -> dict[str, dict[str, float] | None]:
    """The members ``floor`` and ``ceiling`` of ``result.json``: scores of policies by name; None where none are known.

    They are known for the environments' own tasks of a level, of the test split.

    Args:
        env: the member ``env`` of ``run.json``.
    """
    level = env["arguments"].get("level")
    plain = set(env["arguments"]) == {"level"} and env["split"] == "test"
    row = _measured().get(env["id"], {}).get(str(level)) if plain else None
    floor = None if row is None else {name: value for name, value in row.items() if name not in _NO_POLICY}
    return {"floor": floor, "ceiling": None}


@cache
def _measured() -> dict[str, Any]:
    return dict(json.loads(_MEASURED.read_text("utf-8"))) if _MEASURED.is_file() else {}
