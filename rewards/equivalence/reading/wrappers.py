r"""What surrounds a formula and says nothing: white space, ``$…$``, ``\boxed{…}``, a full stop."""

from __future__ import annotations

from ..limits import SPACES

_PAIRS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("`", "`"))
_BRACED = ("\\underline{", "\\boxed{", "\\fbox{", "\\displaystyle{", "\\bm{", "\\boldsymbol{", "\\mathbf{")
_MAX_WRAPPERS = 4
TEXT_COMMANDS = ("\\text{", "\\textbf{", "\\textit{", "\\mathrm{", "\\mbox{", "\\mathbf{", "\\textrm{")


def unwrap(text: str) -> str:
    r"""Takes off what surrounds a formula: white space, ``$…$``, ``\(…\)``, ``\boxed{…}``, the full stop at the end."""
    text = _trim(text)
    for _ in range(_MAX_WRAPPERS):
        inner = _inside(text)
        if inner is None:
            break
        text = _trim(inner)
    return text


def text_inside(text: str) -> str:
    r"""What is inside of a ``\text{…}`` around the whole; empty, where there is none."""
    for head in TEXT_COMMANDS:
        if text.startswith(head) and closing_brace(text, len(head)) == len(text) - 1:
            return text[len(head) : -1]
    return ""


def closing_brace(text: str, start: int) -> int:
    """Where the brace that was opened before ``start`` is closed, or -1."""
    depth, at = 1, start
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1  # an escaped brace is a character
        elif char in "{}":
            depth += 1 if char == "{" else -1
            if depth == 0:
                return at
        at += 1
    return -1


def _trim(text: str) -> str:
    text = text.strip(SPACES)
    if not text.endswith(("..", "\\right.")):
        text = text.removesuffix(".").rstrip(SPACES)
    # What is left of a space at the end, "\\ ".
    return text[:-1] if text.endswith("\\") and not text.endswith("\\\\") else text


def _inside(text: str) -> str | None:
    if text[:1] not in ("$", "\\", "*", "`"):
        return None
    for opening, closing in _PAIRS:
        if len(text) >= len(opening) + len(closing) and text.startswith(opening) and text.endswith(closing):
            inner = text[len(opening) : -len(closing)]
            return None if opening in inner or closing in inner else inner
    for head in _BRACED:
        if text.startswith(head) and closing_brace(text, len(head)) == len(text) - 1:
            return text[len(head) : -1]
    return None
