"""Lists that models write, read in linear time."""

from __future__ import annotations

from collections.abc import Iterable

_SEPARATORS = str.maketrans(",;\n", "   ")
_MOST_DIGITS = 15


def words_in(text: str) -> list[str]:
    """The words of a list in lower case, whatever stands between them: blanks, commas, semicolons or ``and``.

    Brackets around the list and a full stop behind it are no part of it.
    """
    listed = text.strip().removesuffix(".").strip("[](){} ")
    return [word for word in listed.casefold().translate(_SEPARATORS).split() if word != "and"]


def integers_in(text: str) -> list[int] | None:
    """The integers of such a list; None where it holds something else, or a number of more than 15 digits."""
    listed = words_in(text)
    return [int(word) for word in listed] if all(map(_is_integer, listed)) else None


def same_items(text: str, expected: Iterable[str]) -> bool:
    """Whether a list names each of the expected single words once, in any order, and nothing else.

    Where nothing is expected, ``none`` or ``nobody`` says so.
    """
    wanted = sorted(item.casefold() for item in expected)
    found = sorted(words_in(text))
    return found == wanted if wanted else found in (["none"], ["nobody"])


def _is_integer(word: str) -> bool:
    digits = word.removeprefix("-")
    return len(digits) <= _MOST_DIGITS and digits.isascii() and digits.isdigit()
