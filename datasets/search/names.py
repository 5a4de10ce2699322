"""Invented names. Each word belongs to one split, so that splits share none."""

from __future__ import annotations

from ..drawing import Rng, integer, pick, sample
from ..procedural import split_of
from ..task import Split

_ONSETS = [
    "b",
    "br",
    "c",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "kl",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "th",
    "tr",
    "v",
    "w",
    "z",
]
_VOWELS = "aaeeiioouy"
_LINKS = ("", "l", "n", "r", "s")
_GIVEN_ENDINGS = ["a", "el", "en", "ia", "in", "is", "o", "on", "ra", "us"]
_COUNTRY_ENDINGS = ["ania", "ar", "eth", "ia", "istra", "land", "mark", "oria", "une"]
_CITY_ENDINGS = ["aven", "berg", "dale", "ford", "holm", "mere", "mouth", "ov", "stead", "wick"]

_CITY_FORMS = ("New {}", "Upper {}", "Port {}", "{} Falls", "{} Bay")
_TRADES = ("Glass", "Shipping", "Foods", "Instruments", "Textiles", "Clocks", "Paper", "Motors", "Chemicals", "Tools")
_SUBJECTS = (
    "Bells",
    "Bridges",
    "Brothers",
    "Candles",
    "Ferries",
    "Gardens",
    "Lanterns",
    "Letters",
    "Mirrors",
    "Orchards",
    "Rivers",
    "Shadows",
    "Sisters",
    "Stones",
    "Tides",
    "Windows",
)


class NameMaker:
    """Makes names of one split from a random stream; no two are the same."""

    def __init__(self, rng: Rng, split: Split) -> None:
        self._rng, self._split = rng, split
        self._used: set[str] = set()

    def people(self, count: int) -> list[str]:
        """First and last names; four people share a last name, ten a first name."""
        first = [self._word(1, _GIVEN_ENDINGS) for _ in range(count // 10 + 1)]
        last = [self._word(2) for _ in range(count // 4 + 1)]
        pairs = [f"{one} {name}" for name in last for one in sample(self._rng, first, 4)]
        return sample(self._rng, pairs, count)

    def countries(self, count: int) -> list[str]:
        """Names of one word."""
        return [self._word(2, _COUNTRY_ENDINGS) for _ in range(count)]

    def cities(self, count: int) -> list[str]:
        """Names of one word, and as many that add one to such a name."""
        words = [self._word(1, _CITY_ENDINGS) for _ in range((count + 1) // 2)]
        return [*words, *(pick(self._rng, _CITY_FORMS).format(word) for word in words)][:count]

    def companies(self, count: int) -> list[str]:
        """A word and a trade; three companies share a word."""
        words = [self._word(2) for _ in range(count // 3 + 1)]
        return [f"{word} {trade}" for word in words for trade in sample(self._rng, _TRADES, 3)][:count]

    def works(self, count: int) -> list[str]:
        """Titles; three share a word."""
        words = [self._word(2) for _ in range(count // 3 + 1)]
        return [f"The {subject} of {word}" for word in words for subject in sample(self._rng, _SUBJECTS, 3)][:count]

    def _word(self, syllables: int, endings: list[str] | None = None) -> str:
        """A word of this split, of one or more syllables than it says, that was not made before."""
        while True:
            count = syllables + integer(self._rng, 0, 1)
            word = "".join(pick(self._rng, _ONSETS) + pick(self._rng, _VOWELS) for _ in range(count))
            end = pick(self._rng, endings) if endings else ""
            # A vowel wants a consonant before it, a consonant at most one.
            word += (pick(self._rng, _ONSETS) if end[:1] in _VOWELS and end else pick(self._rng, _LINKS)) + end
            word = word.capitalize()
            if len(word) >= 5 and word not in self._used and split_of(word) == self._split:
                self._used.add(word)
                return word
