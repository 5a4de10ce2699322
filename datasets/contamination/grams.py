"""Grams of many texts at once: the runs of five characters in them, as numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .normal import OPERATOR_WORDS

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]

LENGTH = 5
# A character of these scripts is a syllable or a word; two say as much as five letters.
_DENSE = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_DENSE_LENGTH = 2
_SHORT_WORDS = (1, 2)
_OPERATORS = re.compile(rf" (?:{'|'.join(OPERATOR_WORDS)})(?= )")
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64
)


def grams(texts: Sequence[str]) -> tuple[Hashes, Indices]:
    """The hash of each gram, and the number of the text that it stands in, in the order of the texts.

    Texts are in normal form. A blank on both sides makes words at the ends equal to those within; a text shorter than a
    gram is one gram, and an empty one has none. Words too short to fill a gram are grams of their own, since numbers
    are, and operators are none: edits lose them.
    """
    texts = [_OPERATORS.sub("", text) or text for text in texts]
    padded = [f" {text} ".ljust(LENGTH) if text else "" for text in texts]
    codes = _codes("".join(padded))
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    rows = np.repeat(np.arange(len(padded)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(codes))
    hashes, needed = _runs(codes)
    starts = left >= needed
    found, of = [hashes[starts]], [rows[starts]]
    for length in _SHORT_WORDS:
        blank = np.concatenate([codes == ord(" "), np.zeros(length + 1, bool)])
        alone = blank[: len(codes)] & blank[length + 1 :] & (left > length + 1)
        for place in range(1, length + 1):
            alone &= ~blank[place : place + len(codes)]
        found.append(_hashed(codes, length + 2)[alone])
        of.append(rows[alone])
    return np.concatenate(found), np.concatenate(of)


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _runs(codes: npt.NDArray[np.uint32]) -> tuple[Hashes, Indices]:
    """The hash of the gram that begins at each place, and its length."""
    hashes, lengths = _hashed(codes, LENGTH), np.full(len(codes), LENGTH)
    if len(codes) and codes.max() >= _DENSE[0][0]:
        dense = np.logical_or.reduce([(codes >= first) & (codes <= last) for first, last in _DENSE])
        hashes, lengths = np.where(dense, _hashed(codes, _DENSE_LENGTH), hashes), np.where(dense, _DENSE_LENGTH, LENGTH)
    return hashes, lengths


def _hashed(codes: npt.NDArray[np.uint32], length: int) -> Hashes:
    """A hash for the run of ``length`` characters from each place on; the last ones reach over the end."""
    wide = np.concatenate([codes, np.zeros(length, np.uint32)]).astype(np.uint64)
    found = np.zeros(len(codes), np.uint64)
    for place in range(length):
        found += wide[place : place + len(codes)] * _FACTORS[place]
    # Sums of products differ in their low bits alone; the table is looked up by the high ones.
    found ^= found >> np.uint64(29)
    found *= _FACTORS[1]
    return found ^ (found >> np.uint64(32))
