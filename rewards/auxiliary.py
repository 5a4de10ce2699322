"""Auxiliary scores of a text: pure functions in [0, 1], where 1 is good, in linear time.

They say nothing about right and wrong; a rubric weighs them beside what does.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache

from .extraction import extract_answer

# Words; where a writing system has no spaces, or a model leaves them out, pieces of what stands together.
_PIECE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af]{1,2}|\w{1,16}|[^\w\s]{1,16}")

LANGUAGE_SCRIPTS: dict[str, tuple[str, ...]] = {
    "ar": ("ARABIC",),
    "de": ("LATIN",),
    "el": ("GREEK",),
    "en": ("LATIN",),
    "es": ("LATIN",),
    "fr": ("LATIN",),
    "he": ("HEBREW",),
    "hi": ("DEVANAGARI",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"),
    "ko": ("HANGUL",),
    "ru": ("CYRILLIC",),
    "th": ("THAI",),
    "uk": ("CYRILLIC",),
    "zh": ("CJK",),
}
"""The scripts that languages are written in, by the names that Unicode gives their letters."""


def repetition_score(text: str, n: int = 4) -> float:
    """The share of different n-grams of words among all of them: 1.0 if none occurs twice, near 0.0 for a loop.

    Args:
        text: the text; one of fewer than n words repeats nothing.
        n: words that an n-gram has.

    Raises:
        ValueError: ``n`` is not positive.
    """
    if n < 1:
        raise ValueError(f"n is {n}. Give a positive number of words.")
    words = [word.lower() for word in _PIECE.findall(text)]
    total = len(words) - n + 1
    return len(set(zip(*(words[i:] for i in range(n)), strict=False))) / total if total > 0 else 1.0


def soft_overlong(length: int, most: int, margin: int) -> float:
    """1.0 up to ``most - margin``, from there linearly down to 0.0 at ``most``, and 0.0 beyond.

    This is 1 plus the soft overlong punishment of DAPO (Yu et al. 2025, arXiv:2503.14476, eq. 13), where ``most`` is
    the generation's limit and ``margin`` the length of the soft interval before it.

    Raises:
        ValueError: ``margin`` is not within 0 and ``most``.
    """
    if not 0 <= margin <= most:
        raise ValueError(f"margin is {margin}. It must be within 0 and most, which is {most}.")
    if length <= most - margin:
        return 1.0
    return max(0.0, (most - length) / margin) if margin else 0.0


def length_score(text: str, *, most: int, margin: int = 0, least: int = 0, count: Callable[[str], int] = len) -> float:
    """How well a text keeps to a length: `soft_overlong` above, and linear from 0 up to ``least`` below.

    Args:
        text: the text.
        most: from here on the score is 0.0 (beyond it, without a margin).
        margin: how far before ``most`` the score begins to fall.
        least: below this length the score is its share of it.
        count: measures the length; characters if not given. Give a tokenizer's count for tokens.

    Raises:
        ValueError: the lengths don't fit each other.
    """
    if not 0 <= least <= most - margin:
        raise ValueError(f"least is {least}. It must be within 0 and most - margin, which is {most - margin}.")
    length = count(text)
    return length / least if length < least else soft_overlong(length, most, margin)


def language_score(text: str, language: str | Iterable[str]) -> float:
    """The share of letters that are of the language's scripts; digits, signs and space are of every language.

    Text without letters scores 1.0. Letters count wherever they stand: formulas and code in Latin letters lower the
    score of a text in another script, unless ``("CJK", "LATIN")`` or the like is asked for.

    Args:
        text: the text.
        language: a language of ``LANGUAGE_SCRIPTS``, or scripts by Unicode's names, such as ``"GREEK"``.

    Raises:
        ValueError: no letter of Unicode is of such a script.
    """
    names = [language] if isinstance(language, str) else language
    wanted = {script for name in names for script in LANGUAGE_SCRIPTS.get(name.lower(), (name.upper(),))}
    if unknown := wanted - _scripts():
        raise ValueError(f"{', '.join(sorted(unknown))} is no script. Use names such as LATIN, or codes such as en.")
    letters = [(count, _script(char)) for char, count in Counter(text).items() if char.isalpha()]
    total = sum(count for count, _ in letters)
    return sum(count for count, script in letters if script in wanted) / total if total else 1.0


def format_score(text: str, tag: str = "answer", thinking: bool = False) -> float:
    """How well a response keeps the answer format: the format score of `extract_answer`.

    Args:
        text: the whole response.
        tag: name of the tag around the answer.
        thinking: whether the response must begin with one ``<think>…</think>`` too; without it the score is 0.0.
    """
    if thinking:
        head, closed, rest = text.lstrip().partition("</think>")
        if not closed or not head.startswith("<think>") or head.count("<think>") > 1 or "think>" in rest:
            return 0.0
    return extract_answer(text, tag).format_score


def _script(char: str) -> str:
    """The script of a letter; that of the letter it stands for, if it is a form of it such as a full-width one."""
    name = unicodedata.name(unicodedata.normalize("NFKC", char)[0], "")
    return "CJK" if name.startswith("IDEOGRAPHIC") else re.split("[ -]", name, maxsplit=1)[0]


@lru_cache(maxsize=1)
def _scripts() -> frozenset[str]:
    return frozenset(_script(char) for char in map(chr, range(0x20000)) if char.isalpha())
