"""Answers in English: numbers in words, dates, and what people say of sets and solutions."""

from __future__ import annotations

from ..tree import Constant, Group, Tree, Variable

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_LARGE = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "third fourth fifth sixth seventh eighth ninth tenth"
_MONTH_NAMES = "january february march april may june july august september october november december"

_CARDINALS = {word: value for value, word in enumerate(_SMALL.split())}
_TENS = {word: 10 * value for value, word in enumerate(_LARGE.split(), 2)}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4}
_PARTS |= {ending: value for value, name in enumerate(_ORDINALS.split(), 3) for ending in (name, f"{name}s")}
_DIGITS = frozenset("0123456789")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-, ") | _DIGITS
NUMERIC = _CARDINALS.keys() | _TENS.keys() | SCALES.keys() | {"hundred"}

_EMPTY, _DOES_NOT_EXIST = Group("{", "}", ()), Variable("does not exist")
_PHRASES: dict[str, Tree] = {
    **dict.fromkeys(
        ("all real numbers", "all reals", "all real", "any real number", "real numbers"), Constant("mathbb R")
    ),
    **dict.fromkeys(("all integers", "any integer"), Constant("mathbb Z")),
    **dict.fromkeys(("all positive integers", "any positive integer"), Constant("mathbb Z+")),
    **dict.fromkeys(("no solution", "no solutions", "empty set"), _EMPTY),
    **dict.fromkeys(("no real solution", "no real solutions", "no such number", "no such numbers", "none"), _EMPTY),
    **dict.fromkeys(("infinitely many", "infinitely many solutions", "infinite"), Constant("infinity")),
    **dict.fromkeys(("diverges", "divergent", "series diverges", "integral diverges"), Variable("diverges")),
    **dict.fromkeys(("converges", "convergent", "series converges"), Variable("converges")),
    **dict.fromkeys(("does not exist", "doesn't exist", "dne", "limit does not exist"), _DOES_NOT_EXIST),
}
_MONTHS = frozenset(_MONTH_NAMES.split())


def phrase(text: str) -> Tree | None:
    """What a whole answer in words means, if it is one that people often give."""
    words = text.replace("\\text{", "").replace("}", "").lower().split()
    if len(words) > 1 and len(words[-1]) == 1:
        del words[-1]  # all real x
    while words and words[0] in ("there", "are", "is", "the"):
        del words[0]
    return _PHRASES.get(" ".join(words))


def in_digits(text: str) -> str:
    """The text with numbers in digits: ``twenty-one dollars`` is ``21 dollars``, ``two-thirds`` is ``2/3``.

    Text with signs of mathematics stays as it is, and so does what is no number, such as ``twenty twelve``.
    """
    if not set(text) <= _PLAIN or text.isdigit():
        return text
    # Between digits a comma may group thousands.
    spaced = (text.replace(",", " , ") if _DIGITS.isdisjoint(text) else text).split()
    pieces: list[str] = []
    at = 0
    while at < len(spaced):
        run = 1
        words = spaced[at].lower().split("-")
        if not _is_numeric(words):
            pieces.append(spaced[at])
            at += 1
            continue
        while at + run < len(spaced) and _goes_on(words, spaced[at + run].lower(), spaced[at + run + 1 : at + run + 2]):
            words += spaced[at + run].lower().split("-")
            run += 1
        number = _number(words)
        pieces += spaced[at : at + run] if number is None else [number]
        at += run
    found = " ".join(pieces).replace(" and a half", " 1/2")
    return text if found.split() == text.split() else found


def _is_numeric(words: list[str]) -> bool:
    return words[0] in NUMERIC and all(word in NUMERIC or word in _PARTS for word in words)


def _goes_on(words: list[str], word: str, behind: list[str]) -> bool:
    """Whether the next word belongs to the number; ``and`` does behind a hundred, and before it only in a number."""
    if word == "and":
        return words[-1] in ("hundred", "thousand") and bool(behind) and _is_numeric(behind[0].lower().split("-"))
    return all(piece in NUMERIC or piece in _PARTS for piece in word.split("-"))


def _number(words: list[str]) -> str | None:
    """The number that words say, in digits; None if they don't say one."""
    parts = _PARTS.get(words[-1])
    words = [word for word in words if word != "and"]
    if parts is None:
        value = _integer(words)
        return None if value is None else str(value)
    numerator = _integer(words[:-1])
    return None if numerator is None else f"{numerator}/{parts}"


def _integer(words: list[str]) -> int | None:
    total = group = 0
    least, scale = 1000, 10**15  # what may come next is smaller
    for word in words:
        if word in SCALES and group and SCALES[word] < scale:
            scale, least = SCALES[word], 1000
            total, group = total + group * scale, 0
        elif word == "hundred" and 0 < group < 10:
            group, least = group * 100, 100
        elif (value := _TENS.get(word)) and least >= 100:
            group, least = group + value, 10
        elif (value := _CARDINALS.get(word)) is not None and (value < least or least >= 100) and least > 1:
            if value == 0 and len(words) > 1:
                return None
            group, least = group + value, 1
        else:
            return None
    return total + group if words else None


def date(text: str) -> tuple[str, ...]:
    """The words of a date in any order, ``March 14th, 2021`` and ``14 March 2021``; empty for what is none."""
    words = text.lower().replace(",", " ").removesuffix(".").split()
    if not 2 <= len(words) <= 3 or not _MONTHS & set(words):
        return ()
    found = sorted(
        word[:-2] if word[:-2].isdigit() and word[-2:] in ("st", "nd", "rd", "th") else word for word in words
    )
    return tuple(found) if all(word.isdigit() or word in _MONTHS for word in found) else ()
