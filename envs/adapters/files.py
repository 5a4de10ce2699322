"""Modules of Python that exports write."""

from __future__ import annotations

import json
import keyword
from pathlib import Path
from typing import Any


def module_name(path: str | Path) -> str:
    """The name of the module that lies at ``path``.

    Raises:
        ValueError: it is none that Python can import.
    """
    name = Path(path).stem
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{path}: {name!r} is no name of a Python module; use letters, digits and underscores")
    return name


def write_module(path: str | Path, template: str, *, arguments: dict[str, Any], **values: Any) -> None:
    """Fills a template and writes it; ``{name}`` and ``{file}`` are the module's own.

    Raises:
        ValueError: the file's name is no module's.
        TypeError: an argument is no JSON value, so that it could not be written down.
    """
    try:
        # What comes back is plain: its repr is a literal.
        plain = json.loads(json.dumps(arguments))
    except TypeError as error:
        raise TypeError(f"an export's arguments must be JSON values: {error}") from None
    path = Path(path)
    text = template.format(name=module_name(path), file=path.name, arguments=plain, **values)
    path.write_text(text, encoding="utf-8")
