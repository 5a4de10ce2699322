"""Units of measurement: which words are one, and one spelling for each."""

from __future__ import annotations

from ..tree import Measure, Number, Operation, Operator, Tree, Variable, gather
from .english import NUMERIC
from .vocabulary import LETTER_UNITS, UNITS

_SIGNS = {
    "^ circ ": " deg",
    "^circ ": " deg",
    "*": " ",
    "/": " per ",
    ".": " ",
    "{": "",
    "}": "",
    "\\cdot": " ",
    "·": " ",
}
_SAME = {"mile / hour": "mph", "km / hour": "kmh", "mol / L": "M", "Nm": "N m"}
_SAME |= {"degree C": "degC", "degree F": "degF"}
CLOCK = ("am", "pm")
# They change the number, or say something of it.
_MULTIPLE_WORDS = (
    "tens dozens scores hundreds thousands millions billions trillions halves thirds quarters fourths fifths sixths"
    " sevenths eighths ninths tenths hundredths thousandths millionths twelfths squares cubes pairs perhaps does"
    " equals always sometimes besides others rounds means approaches"
    " ones twos threes fours fives sevens eights nines cosecs sins logs"
)
_MULTIPLES = frozenset(_MULTIPLE_WORDS.split())
_POWERS = {"square": "^2", "sq": "^2", "cubic": "^3", "squared": "^2", "cubed": "^3"}


def unit_of(words: str) -> str | None:
    """The normal spelling of a unit: ``square centimeters``, ``cm^2`` and ``cm²`` are one, ``m/s`` is ``m per s``.

    Args:
        words: text that stands behind a number, marked as text, so that ``m`` can only be metres.

    Returns:
        None if the words are not a unit that we know.
    """
    time = words.strip().lower().replace(".", "")
    if time in CLOCK:
        return time
    words = words.partition(" of ")[0].removesuffix(" old")
    head, slash, below = words.partition("/(")
    if slash and below.endswith(")") and not {"(", "/"} & {*below}:  # J/(mol K)
        for sign in ("*", ".", "\\cdot"):
            below = below.replace(sign, " ")
        words = head + "".join(f"/{piece}" for piece in below[:-1].replace("^ circ ", "deg").split())
    for sign, meaning in _SIGNS.items():
        words = words.replace(sign, meaning)
    pieces = words.split()
    if not pieces or len(pieces) > 6:
        return None
    spelled: list[str] = []
    power = ""
    for piece in pieces:
        name, sign, exponent = piece.partition("^")
        if exponent.startswith("-"):
            spelled.append("/")
            exponent = exponent[1:]
            sign, exponent = (sign, exponent) if exponent != "1" else ("", "")
        if piece == "per" and spelled:
            spelled.append("/")
        elif piece in _POWERS and piece.endswith("d") and spelled:
            spelled[-1] += _POWERS[piece]
        elif piece in _POWERS:
            power = _POWERS[piece]
        elif (found := LETTER_UNITS.get(name) or UNITS.get(name) or UNITS.get(name.lower()) or _noun(name)) is None or (
            sign and not (exponent.isascii() and exponent.isdigit())
        ):
            return None
        else:
            spelled.append(found + sign + exponent + power)
            power = ""
    # A power or a "per" behind which nothing comes is no unit, except for "units" that are square.
    unit = " ".join(spelled)
    return None if not spelled or spelled[-1] == "/" or power else _SAME.get(unit, unit)


def is_noun(word: str) -> bool:
    """Whether a word behind a number is something counted, by its plural: ``5 bolts``, but not ``5 thousands``."""
    plural = len(word) > 3 and word[-1] == "s" and word[-2] not in "sui" and word.isascii() and word.isalpha()
    return plural and (word.islower() or word[:-1].isupper()) and word not in _MULTIPLES


def is_thing(word: str) -> bool:
    """Whether a word behind ``of`` says what is counted, and not how many more."""
    return word not in _MULTIPLES and word not in NUMERIC and word.isalpha()


def _noun(word: str) -> str | None:
    return word if is_noun(word) else None


def with_letter_unit(tree: Tree, unit: str) -> Tree:
    """``10 m/s`` as a speed, where the other answer shows that it isn't a product: its unit is written as text."""
    if isinstance(tree, Operation) and tree.operator is Operator.PRODUCT:
        words = list(map(_unit_word, tree.operands))
        for start in range(1, len(words)):
            if all(words[start:]) and unit_of(" ".join(words[start:])) == unit:
                return Measure(unit, (gather(Operator.PRODUCT, list(tree.operands[:start])),))
    return tree


def _unit_word(tree: Tree) -> str:
    """What a factor would be as a part of a unit; empty if it can't be one."""
    match tree:
        case Variable(name):
            return name
        case Operation(Operator.POWER, (Variable(name), Number(power))):
            return f"{name}^{power}"
        case Operation(Operator.INVERSE, (other,)):
            word = _unit_word(other)
            return word and f"per {word}"
    return ""
