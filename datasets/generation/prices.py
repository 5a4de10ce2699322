"""What tokens cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Prices: TypeAlias = tuple[float, float]
"""US dollars for a million tokens: of prompts, and of replies."""

# List prices of 2026, by the beginning of the model's name; the longest that fits counts.
_PRICES: Mapping[str, Prices] = {
    "gemini-2.0-flash": (0.10, 0.40),
    "gemini-2.5-flash": (0.30, 2.50),
    "gemini-2.5-flash-lite": (0.10, 0.40),
    "gemini-2.5-pro": (1.25, 10.00),
    "gemini-3.1-flash-lite": (0.25, 1.50),
    "gemini-3.1-pro": (2.00, 12.00),
}


def list_prices(model: str) -> Prices | None:
    """The list prices of a model; None if they are not known, as of experimental models."""
    name = model.removeprefix("models/")
    if "-exp" in name:
        return None
    return _PRICES.get(max((start for start in _PRICES if name.startswith(start)), key=len, default=""))


def read_prices(text: str) -> Prices:
    """Reads prices such as ``0.3,2.5``.

    Raises:
        ValueError: it is not two numbers that are not negative.
    """
    try:
        prompt, reply = (float(part) for part in text.split(","))
    except ValueError:
        prompt = reply = -1.0
    if not (0 <= prompt < float("inf") and 0 <= reply < float("inf")):
        raise ValueError(
            f"{text!r} is no price: give dollars for a million tokens of prompts and of replies, as 0.3,2.5"
        )
    return prompt, reply
