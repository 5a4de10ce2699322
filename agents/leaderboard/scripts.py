"""Data for pages that are opened from a file: such a page may load scripts, but may not fetch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...spaces.visible import visible

# Harmless in a script file; written out all the same, so that the text stays harmless wherever it is pasted.
_MARKUP = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&'"}


# Characters of a line on a terminal.
_LINE = 1_000


def write_script(folder: Path, name: str, value: Mapping[str, Any]) -> int:
    """Writes ``NAME.js``, which hands one JSON text to the page, and returns its size.

    The text is parsed as JSON, never read as a program: in a program ``__proto__`` would be more than a name.

    Args:
        folder: where the pages' data lies.
        name: of the data, as the page asks for it.
        value: the data.
    """
    text = json.dumps(json.dumps(value, allow_nan=False, separators=(",", ":"))).translate(_MARKUP)
    path = folder / f"{name}.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = f"board.take({json.dumps(name)}, {text});\n".encode("ascii")
    path.write_bytes(data)
    return len(data)


def shown(value: Any, most: int | None = None) -> str:
    """A value as text to look at: what acts in a text is made visible, and nothing becomes markup later.

    Args:
        value: a text, or what becomes JSON.
        most: characters, of which the last is then an ellipsis; by default all.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(text if most is None or len(text) <= most else text[: most - 1] + "…")


def in_a_line(text: str) -> str:
    """A text for a terminal, whatever it quotes."""
    return " ".join(shown(text, _LINE).split())


def slug(text: str, longest: int = 60) -> str:
    """A name for files and addresses: small letters, digits and single hyphens."""
    return re.sub("[^a-z0-9]+", "-", text[:200].lower()).strip("-")[:longest].strip("-") or "entry"
