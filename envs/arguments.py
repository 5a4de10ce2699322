"""Arguments of environments and of servers on a command line."""

from __future__ import annotations

import argparse
import json
from typing import Any


def json_object(text: str) -> dict[str, Any]:
    """Reads an argument that is a JSON object."""
    example = """such as '{"level": 2}'"""
    # argparse keeps the reasons of no other errors.
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}; give an object {example}") from None
    if not isinstance(value, dict):
        # Not what was typed: it may hold keys.
        raise argparse.ArgumentTypeError(f"{type(value).__name__} is not a JSON object {example}")
    return value


def port(text: str) -> int:
    """Reads an argument that is a port."""
    if not (text.isascii() and text.isdigit() and int(text[:6]) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text} is no port; give a number from 0 to 65535")
    return int(text)


def given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Those of the arguments that were given, by name."""
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
