"""Text."""

from __future__ import annotations

from ...family import Family
from .cipher import BracketCompletion, Decipher, LongestPalindrome, Rewriting, RunLengths
from .counting import AlphabetSum, LetterCounts, NumberWords, PatternCounts
from .letters import ReverseWords
from .orders import CodeLadder, Interleaving, LetterPool, ListDifference, UnusualSort

# Add to the end: the order is part of the streams.
TEXT: tuple[Family, ...] = (
    ReverseWords(),
    LetterCounts(),
    PatternCounts(),
    AlphabetSum(),
    NumberWords(),
    UnusualSort(),
    LetterPool(),
    ListDifference(),
    Interleaving(),
    CodeLadder(),
    Decipher(),
    Rewriting(),
    RunLengths(),
    BracketCompletion(),
    LongestPalindrome(),
)
