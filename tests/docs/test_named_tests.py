"""A page that names a test as evidence names one that there is."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"(tests/[\w/]+\.py)::(\w+)")


def test_tests_that_pages_name_exist():
    named = {match for page in (ROOT / "docs").rglob("*.md") for match in NAMED.findall(page.read_text("utf-8"))}
    assert len(named) > 25
    missing = [
        f"{path}::{name}"
        for path, name in sorted(named)
        if not (ROOT / path).is_file() or f"def {name}(" not in (ROOT / path).read_text("utf-8")
    ]
    assert missing == []
