"""Untrusted text for people to look at: what would act on a terminal or a page is written out."""

from __future__ import annotations

import unicodedata


class _Marks(dict[int, str]):
    """For ``str.translate``: characters that act instead of being seen, written out; all others stay."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        # Scripts and emoji need the two joiners; without them much honest text would be unreadable.
        acts = unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and letter not in "\n\t\u200c\u200d"
        if code < 0x20 and acts:
            letter = chr(0x2400 + code)
        elif acts:
            letter = f"⟨U+{code:04X}⟩"
        self[code] = letter
        return letter


_MARKS = _Marks()


def visible(text: str) -> str:
    """Text in which control characters, direction marks and lone surrogates are seen (``␀``, ``⟨U+202E⟩``)."""
    return text.translate(_MARKS)
