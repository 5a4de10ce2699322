"""Arguments of commands that make environments."""

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
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}; give an object {example}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text} is not a JSON object {example}")
    return value
