"""The evaluation prompts, made ready to be looked for in training prompts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log1p

import numpy as np

from .grams import Indices, grams
from .index import GramIndex
from .names import Capitals, another_name, fillers
from .normal import normal_form, normal_forms
from .quantities import Quantities, is_cut, same_quantities, spelled_numbers
from .report import Kind

_SENTENCE = re.compile(r"\n|(?<=[.!?:])\s+")
_NUMBER = re.compile(r"\d+")
# What more than half of so many prompts say belongs to none of them.
_FEWEST_FOR_BOILERPLATE = 4
# Characters of a word on average, beyond which the script has no blanks between words.
_LONGEST_WORDS = 10
# Characters. What is shorter, and no expression, stands in much other text: some of its words have to be its own, too.
_SHORT = 20
# Where words were lost, changed and moved, few grams stay whole. So words count too, both ways and a little less, if
# this much of the threshold is contained.
_FAINT = 0.5
_WORDS_COUNT_LESS = 0.1
# Of the grams without their weights, for the share with them.
_PLAIN_SHARE = 2 / 3
# A cut leaves hardly anything that is not of the whole.
_CUT_SHARE = 0.8
# Candidates of one training prompt that are looked at, the likeliest first.
_MOST_LOOKED_AT = 64


@dataclass(frozen=True, slots=True)
class Match:
    """An evaluation prompt (its group) that a training prompt is, nearly is, or shares the template of.

    The score is its containment; None where only the words besides the numbers were compared.
    """

    group: int
    kind: Kind
    score: float | None


class EvaluationPrompts:
    """Different evaluation prompts (``groups``), and what decides whether a training prompt is one of them, edited.

    Args:
        texts: the prompts, as they are written.
        threshold: the least containment of an edited prompt.
    """

    def __init__(self, texts: Sequence[str], threshold: float) -> None:
        self._threshold = threshold
        forms = normal_forms(texts)
        self.members: list[list[int]] = []
        self._group_of: dict[str, int] = {}
        for number, form in enumerate(forms):
            if form:
                group = self._group_of.setdefault(form, len(self.members))
                if group == len(self.members):
                    self.members.append([])
                self.members[group].append(number)
        different = [texts[members[0]] for members in self.members]
        cores = _cores(different)
        self._forms = normal_forms(cores)
        self._index = GramIndex(self._forms, _FAINT * threshold)
        self._quantities = [Quantities.of(form) for form in self._forms]
        self._masks = np.array([_mask(one.numbers) for one in self._quantities], np.uint64)
        counts = Counter(word for one in self._quantities for word in one.known)
        self._words = [frozenset(form.split(" ")) for form in self._group_of]
        self._word_weights = [
            {word: log1p(len(self._forms) / counts[word]) * (1 + word.isdigit()) for word in one.words}
            for one in self._quantities
        ]
        self._fillers = fillers([Capitals.of(core) for core in cores])
        self._templates: dict[str, int] = {}
        for form, group in self._group_of.items():
            if (template := _NUMBER.sub("#", form)) != form and template.strip("# "):
                self._templates.setdefault(template, group)

    def matches(self, texts: Sequence[str]) -> list[list[Match]]:
        """For each training prompt what it holds; the template it shares is named only if it holds nothing."""
        forms = normal_forms(texts)
        found: list[list[Match]] = [[] for _ in texts]
        for row, ids, candidates in self._index.read(forms):
            if forms[row] not in self._group_of:
                found[row] = self._decide(texts[row], forms[row], ids, candidates)
        for row, form in enumerate(forms):
            if (group := self._group_of.get(form)) is not None:
                found[row] = [Match(group, "exact", 1.0)]
            elif not found[row] and (group := self._templates.get(_NUMBER.sub("#", form))) is not None:
                found[row] = [Match(group, "template", None)]
        return found

    def _decide(self, text: str, form: str, ids: Indices, candidates: Indices) -> list[Match]:
        """What a training prompt holds of the evaluation prompts that it could hold."""
        asked, mask = self._masks[candidates], _mask(_NUMBER.findall(form))
        possible = (asked & ~(mask | _mask(spelled_numbers(form))) == 0) | (mask & ~asked == 0)
        candidates = np.concatenate([candidates[possible][:_MOST_LOOKED_AT], candidates[~possible][:1]])
        shares, counts = self._index.containment(candidates, ids)
        enough = shares >= self._threshold
        enough &= counts >= _PLAIN_SHARE * self._threshold * self._index.sizes[candidates]
        # Else the training prompt has to be made of the evaluation prompt's words, too; characters are about its grams.
        enough |= counts >= _FAINT * self._threshold * len(form)
        if not enough.any():
            return []
        given = Quantities.of(form)
        found: list[Match] = []
        for group, share in zip(candidates[enough].tolist(), shares[enough].tolist(), strict=True):
            found += self._judged(group, share, text, form, given)
        found.sort(key=lambda match: (match.kind, -(match.score or 0), match.group))
        return [match for match in found if match.kind == "near"] or found[:1]

    def _judged(self, group: int, share: float, text: str, form: str, given: Quantities) -> Iterator[Match]:
        """The match of a training prompt and an evaluation prompt; none if it holds too little of it in one place."""
        asked, own = self._quantities[group], self._forms[group]
        least = _FAINT * self._threshold
        if len(own) < _SHORT and not asked.chains and self._words_in_common(group, given)[1] < least:
            return
        if share >= self._threshold and len(given.words) > 1.5 * (width := len(asked.words) * 5 // 4 + 6):
            form = self._part(group, given.words, width)
            given = Quantities.of(form)
            ids = np.unique(self._index.known(grams([form])[0]))
            share = float(self._index.containment(np.array([group]), ids[ids >= 0])[0][0])
        there, own_words = self._words_in_common(group, given)
        # A prompt that is only like this one has many words of its own; one that holds this one has them around it.
        if share < self._threshold or (share + own_words) / 2 < self._threshold:
            share = (there + own_words) / 2 - _WORDS_COUNT_LESS
        if share < self._threshold:
            return
        same = same_quantities(asked, given) or (is_cut(asked, given) and self._is_cut_out(own, form))
        same = same and not another_name(asked.words, self._fillers[group], given.words, text)
        yield Match(group, "near" if same else "template", round(share, 4))

    def _part(self, group: int, words: list[str], width: int) -> str:
        """So many words of a longer training prompt, among which the evaluation prompt is if it is in one place."""
        weights = self._word_weights[group]
        last: dict[str, int] = {}
        found = np.zeros(len(words))
        for place, word in enumerate(words):
            # A word that comes again within the width counts once.
            if place - last.get(word, -width) >= width:
                found[place] = weights.get(word, 0.0)
            last[word] = place
        sums = np.concatenate([[0], np.cumsum(found)])
        held = sums[width:] - sums[:-width]
        # In the middle of the first that hold as much, so that nothing is cut at the ends.
        best = np.flatnonzero(held >= held.max() - 1e-9)
        start = int(best[0] + best[np.searchsorted(best, best[0] + width) - 1]) // 2
        return " ".join(words[start : start + width])

    def _words_in_common(self, group: int, given: Quantities) -> tuple[float, float]:
        """The share of the evaluation prompt's words, by weight, that is there, and of the training prompt's own."""
        weights, known = self._word_weights[group], self._words[group]
        there = sum(weight for word, weight in weights.items() if word in given.known) / sum(weights.values())
        if sum(map(len, given.words)) > _LONGEST_WORDS * len(given.words):
            return there, 1.0
        return there, sum(word in known for word in given.words) / len(given.words)

    def _is_cut_out(self, whole: str, form: str) -> bool:
        """Whether the training prompt has hardly anything of its own."""
        parts = [set(grams([one])[0].tolist()) for one in (whole, form)]
        return len(parts[0] & parts[1]) >= _CUT_SHARE * len(parts[1])


def _cores(texts: list[str]) -> list[str]:
    """The prompts without the sentences that most of them share: how to answer, what the model is."""
    split = [[sentence for sentence in _SENTENCE.split(text) if sentence.strip()] for text in texts]
    counts = Counter(sentence for sentences in split for sentence in {one.strip() for one in sentences})
    if len(texts) < _FEWEST_FOR_BOILERPLATE:
        return texts
    found = []
    for text, sentences in zip(texts, split, strict=True):
        core = "\n".join(one for one in sentences if counts[one.strip()] <= len(texts) / 2)
        found.append(core if normal_form(core) else text)
    return found


def _mask(numbers: Iterable[str]) -> np.uint64:
    """A bit for each number; that one set of numbers is within another one shows in most cases."""
    found = 0
    for number in numbers:
        found |= 1 << int(number.lstrip("-")[-9:]) % 61
    return np.uint64(found)
