"""Which earlier prompt a new one repeats."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ..contamination.evaluation import EvaluationPrompts

_Words = npt.NDArray[np.uint64]
_Rows = npt.NDArray[np.uint64]

# Bytes from the beginning of a word on: the word, or its beginning, and the beginning of the next ones.
_LENGTH = 8
# Candidates that are compared with a new prompt, those that share most with it.
_CANDIDATES = 24
# Of a prompt's features so many are in one that repeats it, whatever was changed between them.
_LEAST_SHARED = 0.4
# What more prompts have tells none of them.
_LONGEST_LIST = 2_000
_MARKS = b"\"'`*#_.,;:!?()[]{}<>$\\"
_END = "\0" * (_LENGTH - 1) + "\n"
_ROW_BITS = np.uint64(24)
_NEXT = np.uint64(1 << 24)
_ROW = np.uint64((1 << 24) - 1)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_BLANKS = bytes.maketrans(b"\t\r\x0b\x0c", b"    ")


class KnownPrompts:
    """The prompts that a dataset has, and the search for one that a new prompt repeats.

    The comparison is that of the contamination gate: a prompt repeats another one if it is equal but for spelling, or
    holds at least the threshold of it with the same numbers and names. Only the prompts that share most words with
    the new one are compared, so that a hundred thousand are ready within a second, and one more costs nothing.

    Args:
        prompts: those that are there.
        threshold: the least containment of a prompt in one that repeats it, above 0 and at most 1.
    """

    def __init__(self, prompts: Sequence[str], threshold: float) -> None:
        self._threshold = threshold
        self._prompts = list(prompts)
        self._first = {_plain(prompt): number for number, prompt in reversed(list(enumerate(prompts)))}
        words, rows = _features(prompts)
        self._sizes = np.bincount(rows.astype(np.int64), minlength=len(prompts)).tolist()
        # One number for both sorts ten times as fast as rows by their words do.
        self._entries = np.sort(words << _ROW_BITS | rows)
        self._later: dict[int, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._prompts)

    def __getitem__(self, number: int) -> str:
        return self._prompts[number]

    def add(self, prompt: str) -> None:
        """Adds a prompt."""
        number = len(self._prompts)
        self._prompts.append(prompt)
        self._first.setdefault(_plain(prompt), number)
        words = set(_words(prompt).tolist())
        self._sizes.append(len(words))
        for word in words:
            self._later[word].append(number)

    def repeated(self, prompt: str) -> str | None:
        """The prompt that the new one repeats; None if it is new."""
        if (number := self._first.get(_plain(prompt))) is not None:
            return self._prompts[number]
        candidates = [self._prompts[number] for number in self._likeliest(prompt)]
        if not candidates:
            return None
        compared = EvaluationPrompts(candidates, self._threshold)
        found = [match for match in compared.matches([prompt])[0] if match.kind != "template"]
        return candidates[compared.members[found[0].group][0]] if found else None

    def _likeliest(self, prompt: str) -> list[int]:
        """The prompts that could be repeated: those that share most features with the new one."""
        shared: Counter[int] = Counter()
        common = 0
        words = _words(prompt)
        starts = np.searchsorted(self._entries, words)
        ends = np.searchsorted(self._entries, words + _NEXT)
        for word, start, end in zip(words.tolist(), starts.tolist(), ends.tolist(), strict=True):
            later = self._later.get(word, ())
            if end - start + len(later) > _LONGEST_LIST:
                common += 1  # every prompt may have it
            else:
                shared.update((self._entries[start:end] & _ROW).tolist())
                shared.update(later)
        likeliest = shared.most_common(_CANDIDATES)
        return [row for row, count in likeliest if count + common >= _LEAST_SHARED * self._sizes[row]]


def _plain(prompt: str) -> str:
    return " ".join(prompt.casefold().split())


def _words(prompt: str) -> _Words:
    """The different features of a prompt, as they stand in the entries."""
    return np.unique(_features([prompt])[0] << _ROW_BITS)


def _features(prompts: Iterable[str]) -> tuple[_Words, _Rows]:
    """For each beginning of a word a hash of what stands there, and the row of its prompt.

    All prompts are worked on at once, as bytes. Case and punctuation don't count; a letter beyond ASCII is a word, as
    scripts without blanks need it.
    """
    # Behind each prompt so many blanks that no window reaches into the next one.
    joined = "".join(prompt.replace("\n", " ").lower() + _END for prompt in prompts)
    data = joined.encode("utf-8", "surrogatepass").translate(_BLANKS, _MARKS)
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    data = b"\n" + data.removesuffix(b"\n") + bytes(_LENGTH)
    codes = np.frombuffer(data, np.uint8)
    word = codes > ord(" ")
    starts = np.flatnonzero((word[1:] & ~word[:-1]) | (codes[1:] >= 0xC0)) + 1
    counts = np.diff(np.searchsorted(starts, np.append(np.flatnonzero(codes == ord("\n")), len(codes))))
    windows = np.ndarray(len(data) - _LENGTH + 1, "<u8", data, strides=(1,))  # one from each byte on
    words = windows[starts] * _FACTOR
    return words ^ words >> np.uint64(32), np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
