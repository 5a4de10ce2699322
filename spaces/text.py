"""A space of Unicode texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from gymnasium.spaces import Space

MAX_LENGTH = 262_144
_LONGEST_SAMPLE = 32
# What texts for models are made of: mostly letters, digits and signs, some accents, other scripts, and line breaks.
_ASCII = [*map(chr, range(0x20, 0x7F))]
_LATIN = [*map(chr, range(0xC0, 0x180))]
_SAMPLE_CHARACTERS = np.array(_ASCII * 3 + _LATIN + [*"\n\n\n\tαβγδжшя中文日本語한국어عربي→≤½²∑🙂🚀"])


class TextSpace(Space[str]):
    """Every ``str`` of at most ``max_length`` code points, NUL and lone surrogates included.

    Unlike ``gymnasium.spaces.Text`` it has no character set, so it is built and pickled in microseconds and says in
    constant time whether it contains a text. Gymnasium's generic functions (``flatten``, ``batch_space``,
    ``create_shared_memory`` and so on) know it, and bring every text back exactly.

    Args:
        max_length: the most code points of a text.
        seed: seeds :meth:`sample`.

    Raises:
        TypeError: if ``max_length`` is not an integer.
        ValueError: if ``max_length`` is less than 1.
    """

    def __init__(self, max_length: int = MAX_LENGTH, seed: int | np.random.Generator | None = None) -> None:
        if isinstance(max_length, bool) or not isinstance(max_length, (int, np.integer)):
            raise TypeError(f"max_length must be an integer, not {max_length!r}")
        if max_length < 1:
            raise ValueError(f"max_length must be at least 1, not {max_length}")
        self.max_length = int(max_length)
        super().__init__(None, str, seed)

    @property
    def is_np_flattenable(self) -> bool:
        """True: a text flattens to its code points, int32, padded with -1 to ``max_length``."""
        return True

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> str:
        """A short random text of 1 to 32 characters, some of them not ASCII.

        Raises:
            ValueError: if a mask or probabilities are given; a text has no finite set of choices to weigh.
        """
        if mask is not None or probability is not None:
            raise ValueError("TextSpace.sample takes no mask and no probability: pass neither")
        length = int(self.np_random.integers(1, min(self.max_length, _LONGEST_SAMPLE) + 1))
        return "".join(self.np_random.choice(_SAMPLE_CHARACTERS, length).tolist())

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is a ``str`` short enough; takes the same time for every length."""
        return isinstance(x, str) and len(x) <= self.max_length

    def to_jsonable(self, sample_n: Iterable[str]) -> list[Any]:
        """JSON values for texts: the text itself, or its code points where it holds lone surrogates.

        JSON joins two neighbouring surrogates into one character, and UTF-8 files refuse them.
        """
        return [{"code_points": list(map(ord, text))} if _has_surrogates(text) else str(text) for text in sample_n]

    def from_jsonable(self, sample_n: Iterable[Any]) -> list[str]:
        """The texts that :meth:`to_jsonable` was given."""
        return [text if isinstance(text, str) else "".join(map(chr, text["code_points"])) for text in sample_n]

    def check(self, text: str) -> str:
        """Returns ``text`` if the space contains it.

        Raises:
            TypeError: if it is not a ``str``.
            ValueError: if it is too long.
        """
        if not isinstance(text, str):
            raise TypeError(f"expected text, got {type(text).__name__}")
        if len(text) > self.max_length:
            raise ValueError(
                f"the text has {len(text):,} characters, but {self} holds at most {self.max_length:,}; "
                "make the space larger with max_length"
            )
        return text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextSpace) and self.max_length == other.max_length

    def __repr__(self) -> str:
        return f"TextSpace({self.max_length})"


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
