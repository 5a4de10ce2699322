"""The reward of a choice among lettered options."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .exact_match import plain
from .reward_function import Judged, TaggedRewardFunction, clip

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# The expressions below see short text in which white space is single, and no two parts of one can match the same.
_LEAD = re.compile(
    r"(?:(?:the|my) )?(?:(?:correct|right|final|best) )?(?:answer|option|choice)\b(?: is)?(?: ?[:=–-])? ?",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[(\[]?([A-Za-z])[)\].:,]{0,2}")
_LETTER_AND_TEXT = re.compile(r"(?:[(\[]([A-Za-z])[)\]][.:]?|([A-Za-z])[).:]|([A-Za-z])(?: [-–—]|:)) ?(?=\S)")
_LETTER_AND_OPTION = re.compile(r"[(\[]?([A-Za-z])[)\].:,]{0,2}(?: ?[-–—])? ?(?=\S)")
_WRAPPERS = [(mark, mark) for mark in ("**", "__", "*", "_", "$", "`", '"', "'")]
_WRAPPERS += [("{", "}"), *((f"\\{command}{{", "}") for command in ("boxed", "text", "textbf", "mathrm"))]
_HEDGES = frozenset({"or", "and", "either", "neither", "both", "nor", "not", "except", "also", "alternatively"})
_HEDGES |= {"maybe", "perhaps", "possibly", "probably", "likely", "unsure", "think", "guess"}
_HEDGES |= {"wrong", "incorrect", "cannot", "can't", "isn't", "no", "actually", "instead"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What is expected.

    Attributes:
        letter: the right one, upper case.
        options: the options' texts by letter; empty where they are not known.
    """

    letter: str
    options: Mapping[str, str]


class MultipleChoiceRewardFunction(TaggedRewardFunction[Choice]):
    """Right is an answer that names the right letter and no other (see `read_choice`)."""

    max_characters = 10_000

    def read_expected(self, expected_output: Any) -> Choice:
        """The letter (``B``, ``(B)``, …), or ``{"answer": …, "options": …}``, also as JSON text.

        ``options`` is a list of texts, or maps letters to them; then ``answer`` may be an option's text, too.

        Raises:
            TypeError: it is of another type.
            ValueError: it names no letter, or one that is no option.
        """
        if isinstance(expected_output, str) and expected_output.lstrip().startswith("{"):
            try:
                expected_output = json.loads(expected_output)
            except RecursionError:
                raise ValueError("it is nested too deeply") from None
        if isinstance(expected_output, Mapping):
            options = _read_options(expected_output.get("options", ()))
            answer = expected_output.get("answer")
        else:
            options, answer = {}, expected_output
        if not isinstance(answer, str):
            raise TypeError(f"The expected answer is of type {type(answer).__name__}. Give the letter of the option.")
        letter = read_choice(answer, options)
        if letter is None:
            raise ValueError(f"{clip(answer)!r} names no option")
        return Choice(letter, options)

    def judge(self, answer: str, expected: Choice) -> Judged:
        """Compares the letters."""
        letter = read_choice(answer, expected.options)
        if letter == expected.letter:
            return Judged(1.0, letter)
        if letter is None:
            return Judged(0.0, plain(answer), "The answer does not name one option.")
        return Judged(0.0, letter, f"The answer is the wrong option. Expected {expected.letter}")


def read_choice(text: str, options: Mapping[str, str] | None = None) -> str | None:
    r"""The letter that an answer names, upper case; None where it names none or leaves room for several.

    Read are ``B``, ``b``, ``(B)``, ``[B]``, ``B.``, ``B)``, ``Answer: B``, ``The correct option is B``, ``B) text``,
    ``B. text``, ``B: text``, ``B - text``, all of them also in ``**…**``, ``$…$`` or ``\boxed{…}``. Where the options
    are known, the text behind the letter must be the option's, and an option's whole text stands for its letter. Where
    they aren't, the text must name no other letter and not hedge (``or``, ``not``, ``maybe``, a question mark, …).

    Args:
        text: the answer.
        options: the options' texts by letter.
    """
    options = {letter: _comparable(option) for letter, option in (options or {}).items()}
    spoken = _unwrap(" ".join(text.split()))
    # A lone letter is one even where it is an option's text; and an option may be 2**3.
    letter = None if _LETTER.fullmatch(spoken) else _with_text(spoken, options)
    spoken = _unwrap(spoken.replace("**", ""))
    for _ in range(2):  # "The correct answer is option B"
        lead = _LEAD.match(spoken)
        if letter is None and lead is not None:
            spoken = _unwrap(spoken[lead.end() :])
            letter = None if _LETTER.fullmatch(spoken) else _with_text(spoken, options)
    letter = letter or _named(spoken, options)
    return letter if letter is not None and letter in (options or _LETTERS) else None


def _with_text(spoken: str, options: Mapping[str, str]) -> str | None:
    """The only option of that text."""
    letters = [letter for letter, option in options.items() if option == _comparable(spoken)]
    return letters[0] if len(letters) == 1 else None


def _named(spoken: str, options: Mapping[str, str]) -> str | None:
    """The letter at the start, if what follows neither contradicts nor hedges it."""
    whole = _LETTER.fullmatch(spoken)
    if whole:
        return whole[1].upper()
    # What must be the option's text may follow anyhow.
    start = (_LETTER_AND_OPTION if options else _LETTER_AND_TEXT).match(spoken)
    if start is None:
        return None
    letter = next(filter(None, start.groups())).upper()
    rest = _unwrap(spoken[start.end() :])
    if options:
        return letter if _comparable(rest) == options.get(letter) else None
    words = [word.strip("()[].,:;*").lower() for word in rest.split()]
    hedged = "?" in rest or rest.startswith(">") or not _HEDGES.isdisjoint(words)
    other = _LETTER.fullmatch(rest) or _LETTER_AND_TEXT.match(rest) or any(map(_is_bracketed_letter, rest.split()))
    return None if hedged or other else letter


def _comparable(text: str) -> str:
    """A text without its case, its markup and the full stop at its end."""
    return plain(_unwrap(text))


def _is_bracketed_letter(word: str) -> bool:
    """Whether a word is a letter as options are spelled, such as ``(C)`` or ``C)``; ``A`` alone is a word."""
    return word[-1] in ")]" and _LETTER.fullmatch(word) is not None


def _unwrap(text: str) -> str:
    """The text without the Markdown and LaTeX around the whole."""
    text = text.strip().rstrip(". ")
    for _ in range(4):
        for opening, closing in _WRAPPERS:
            if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening) + len(closing):
                text = text[len(opening) : len(text) - len(closing)].strip()
    return text


def _read_options(options: object) -> dict[str, str]:
    if isinstance(options, Sequence) and not isinstance(options, str) and len(options) <= len(_LETTERS):
        options = dict(zip(_LETTERS, options, strict=False))
    if not isinstance(options, Mapping) or not all(isinstance(text, str) for text in options.values()):
        raise TypeError("The options are no list of at most 26 texts, and no mapping from letters to texts.")
    named = {str(letter).strip("().: ").upper(): text for letter, text in options.items()}
    if any(len(letter) != 1 or letter not in _LETTERS for letter in named) or len(named) != len(options):
        raise ValueError("the options' names are not different letters")
    return named
