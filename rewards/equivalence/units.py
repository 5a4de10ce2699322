"""Units of measurement: which words are one, and one spelling for each."""

from __future__ import annotations

from .vocabulary import LETTER_UNITS, UNITS

_SIGNS = {"/": " per ", ".": " ", "{": "", "}": "", "\\cdot": " ", "·": " "}
_SAME = {"mile / hour": "mph", "km / hour": "kmh"}
_POWERS = {"square": "^2", "sq": "^2", "cubic": "^3", "squared": "^2", "cubed": "^3"}


def unit_of(words: str) -> str | None:
    """The normal spelling of a unit: ``square centimeters``, ``cm^2`` and ``cm²`` are one, ``m/s`` is ``m per s``.

    Args:
        words: text that stands behind a number, marked as text, so that ``m`` can only be metres.

    Returns:
        None if the words are not a unit that we know.
    """
    for sign, meaning in _SIGNS.items():
        words = words.replace(sign, meaning)
    pieces = words.split()
    if not pieces or len(pieces) > 6:
        return None
    spelled: list[str] = []
    power = ""
    for piece in pieces:
        name, sign, exponent = piece.partition("^")
        if exponent.startswith("-") and spelled:
            spelled.append("/")
            exponent = exponent[1:]
            sign, exponent = (sign, exponent) if exponent != "1" else ("", "")
        if piece == "per" and spelled:
            spelled.append("/")
        elif piece in _POWERS and piece.endswith("d") and spelled:
            spelled[-1] += _POWERS[piece]
        elif piece in _POWERS:
            power = _POWERS[piece]
        elif (found := LETTER_UNITS.get(name) or UNITS.get(name) or UNITS.get(name.lower())) is None or (
            sign and not (exponent.isascii() and exponent.isdigit())
        ):
            return None
        else:
            spelled.append(found + sign + exponent + power)
            power = ""
    # A power or a "per" behind which nothing comes is no unit, except for "units" that are square.
    unit = " ".join(spelled)
    return None if not spelled or spelled[-1] == "/" or power else _SAME.get(unit, unit)
