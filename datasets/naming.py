"""Names that users give: what is meant by one that nobody knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import lru_cache

# So alike are a word and a slip of the pen in it; other people's words ("grade", "subdomain") are less so, or listed.
_SLIP = 0.87
_WORDS = ("grade", "grades")
_LISTED = 40


def did_you_mean(name: object, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """A question to put behind an error, with a blank before it; empty if nothing is as near as ``cutoff``."""
    near = get_close_matches(name.lower(), list(known), n=1, cutoff=cutoff) if isinstance(name, str) else ()
    return f" Did you mean {near[0]!r}?" if near else ""


def listed(names: Collection[str]) -> str:
    """The names in one line, as many as people read."""
    first = ", ".join([*names][:_LISTED])
    return first if len(names) <= _LISTED else f"{first} and {len(names) - _LISTED} more"


def check_names(argument: str, names: str | Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    """The names, of which one alone may be given without a list.

    Raises:
        ValueError: one is not known.
    """
    found = (names,) if isinstance(names, str) else tuple(names)
    if unknown := [name for name in found if name not in known]:
        guess = did_you_mean(unknown[0], known)
        raise ValueError(f"{argument} must be of {', '.join(known)}, not {unknown[0]!r}.{guess}")
    return found


def misspelt(names: Iterable[str], known: Collection[str]) -> tuple[str, str] | None:
    """The first name that is next to one of ``known`` which is not there, and that one.

    Only slips count, since others may have names of their own: a letter too many or too few in a long word, or letters
    that changed places.
    """
    return _misspelt(tuple(map(str, names)), tuple(known))


@lru_cache(maxsize=256)  # the rows of a file have the same names
def _misspelt(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, str] | None:
    absent = [name for name in known if name not in names]
    for name in names:
        if name not in known and name.lower() not in _WORDS:
            near = get_close_matches(name.lower(), absent, n=1, cutoff=_SLIP)
            swapped = [other for other in absent if sorted(other) == sorted(name.lower())]
            if near or swapped:
                return name, (near or swapped)[0]
    return None
