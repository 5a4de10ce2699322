"""The viewer: transcripts as one page that needs no network, to filter and to go through by keyboard.

The page obeys no transcript: data lies in it as JSON that holds no ``<``, a script puts it on the page as text, and the
content policy lets no other script, style, request or form act.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from pathlib import Path

from .transcripts import View

FILES = Path(__file__).parent


def write_viewer(view: View, out: Path) -> None:
    """Writes the page in one step: whole, or the old one stays. The same view always gives the same bytes."""
    unfinished = out.with_name(out.name + ".tmp")
    unfinished.write_text(make_page(view), encoding="utf-8")
    os.replace(unfinished, out)


def make_page(view: View) -> str:
    """The page, HTML."""
    style, script = ((FILES / name).read_text("utf-8") for name in ("viewer.css", "viewer.js"))
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    parts = {
        "policy": html.escape(policy),
        "title": html.escape(view.title),
        "style": style,
        "script": script,
        "data": embedded(view._asdict()),
    }
    # All at once: nothing that was put in is looked at again.
    return re.sub("@(policy|title|style|script|data)@", lambda found: parts[found[1]], _template())


def embedded(value: object) -> str:
    """JSON that a page may hold in a ``<script>``: with no letter in it that HTML knows, and ASCII alone."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    # These stand only within JSON's strings, where an escape means the same.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _template() -> str:
    return (FILES / "viewer.html").read_text("utf-8")


def _hash(text: str) -> str:
    """How a content policy names the one script, or style, that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
