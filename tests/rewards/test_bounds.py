"""How long garbage may take: bounds are ten times what was measured, or ratios of times."""

from time import process_time

import pytest

from infinite_rl.rewards import get_reward_functions, verify
from infinite_rl.rewards.auxiliary import format_score, language_score, repetition_score
from infinite_rl.rewards.code.extraction import extract_code

MEGABYTE = 1_000_000
PIECES = ["<", "(", "7", "\\frac{", "\\boxed{", "{", "\\", "\n", "é ", "answer ", "answer> ", "<answer ", "<answer>"]
PIECES += ["</answer>", "<answer></answer>", "<think>", "</think>", "<think> think ", "\u0130", "\u0390", "\ud800"]
GRADERS = get_reward_functions()
EXPECTED = {
    "math": "42",
    "eq": "42",
    "search": "Paris",
    "multiple_choice": "B",
    "json_schema": {"type": "object"},
    "callable": lambda answer: False,
}


# Seconds: some tenths are usual, a slow machine that is busy takes several times as long, and what backtracks hours.
SOON = 3


def garbage(piece, size=MEGABYTE):
    return piece * (size // len(piece))


def seconds(function, *arguments):
    start = process_time()
    function(*arguments)
    return process_time() - start


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_megabyte_of_garbage_takes_milliseconds_in_every_grader(piece):
    for text in (garbage(piece), f"<answer>{garbage(piece)}</answer>"):
        for name, expected in EXPECTED.items():
            assert seconds(GRADERS[name].compute_reward, text, expected) < SOON, name
        assert seconds(extract_code, text, "python") < SOON
        assert seconds(verify, "42", text) < SOON


def test_a_letter_that_grows_in_lower_case_moves_no_tag():
    text = "\u0130" * 10 + "<THINK>\u0130</THINK>\u0130<Answer>6</ANSWER>"
    assert GRADERS["math"].compute_reward(text, "6").correctness_score == 1.0
    # The Kelvin sign is not the letter k.
    assert GRADERS["math"].compute_reward("<thin\u212a><answer>6</answer>", "6").correctness_score == 1.0


@pytest.mark.parametrize("score", [repetition_score, format_score, lambda text: language_score(text, "en")])
@pytest.mark.parametrize("piece", ["'a' ", "a\u0301 ", "< ", "\u0390"], ids=ascii)
def test_auxiliary_scores_take_linear_time(score, piece):
    short, long = (
        min(seconds(score, garbage(piece, size)) for _ in range(2)) for size in (MEGABYTE // 10, MEGABYTE * 8 // 10)
    )
    assert long < 8 * 4 * max(short, 0.001)  # eight times the text, and sixty-four times if it were quadratic


def shuffled(parts):
    return [*parts[1::2], *reversed(parts[::2])]


ROOTS = [f"\\sqrt{{{number}}}+1" for number in range(2, 50)]
PARTS = {
    "irrational numbers": ROOTS,
    "expressions": [f"x^2+{number}" for number in range(60)],
    "functions": [f"\\sin(x+{number})" for number in range(40)],
    "units": [f"{number} m" for number in range(100)],
    "tuples": [f"({number}, {number + 1})" for number in range(60)],
    "words": [f"{letter}{other}q" for letter in "abcdfgh" for other in "klmnp"],
}


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_long_lists_are_compared_in_any_order(parts):
    there, back = ", ".join(parts), ", ".join(shuffled(parts))
    assert verify(there, back).equal
    assert verify(f"\\{{{there}\\}}", back).equal
    assert verify(there, f"{back}, {parts[3]}").equal
    missing = verify(there, ", ".join(shuffled(parts)[1:]))
    assert (missing.equal, missing.reason) == (False, "different numbers of parts")
    other = verify(", ".join(parts[1:]), ", ".join(shuffled(parts)[1:]))
    assert (other.equal, other.reason) == (False, "a part is missing on one side")


def test_parts_that_are_nearly_equal_are_still_compared():
    close = [f"\\sqrt{{2}}+10^{{-{digits}}}" for digits in range(5, 60)]
    assert verify(", ".join(close[:6]), ", ".join(shuffled(close[:6]))).equal
    assert not verify(", ".join([*ROOTS[:5], "10^{-50}"]), ", ".join([*ROOTS[:5], "10^{-51}"])).equal
    assert verify("1, 2, 3, \\sqrt{2}", "1.414213562373095, 1, 2, 3").equal
    assert verify("50\\%, 1, 2, 3", "3, 2, 1, 1/2").equal
    assert verify("-5 m, 1 m, 2 m", "2 m, 1 m, -5 m").equal


def test_unions_with_irrational_ends_are_put_in_order():
    intervals = [f"[\\sqrt{{{3 * n}}}, \\sqrt{{{3 * n + 1}}})" for n in range(1, 16)]
    union = " \\cup ".join(intervals)
    assert verify(union, " \\cup ".join(shuffled(intervals))).equal
    assert not verify(union, " \\cup ".join(shuffled(intervals)[1:])).equal
    assert not verify(union.replace("\\sqrt{3}", "\\sqrt{3.1}"), union).equal


HOSTILE = {
    "mixed kinds": (", ".join([*ROOTS, "(1, 2)"]), ", ".join([*ROOTS[::-1], "(1, 2)"])),
    "without end": (", ".join([*ROOTS, "\\infty"]), ", ".join([*ROOTS[::-1], "\\infty"])),
    "percent": (", ".join(f"{n}\\%" for n in range(150)), ", ".join(map(str, range(150)))),
    "sets": tuple(", ".join(f"\\{{{root}, 1\\}}" for root in order) for order in (ROOTS, ROOTS[::-1])),
    "equations": tuple(", ".join(f"x+y={root}" for root in order) for order in (ROOTS, ROOTS[::-1])),
    "ratios": (":".join(ROOTS), ":".join(f"2({root})" for root in ROOTS)),
    "a long equation": tuple("+".join(f"{factor}x^{{{n}}}" for n in range(1, 120)) + "=0" for factor in (1, 2)),
    "a long union": tuple(" \\cup ".join(f"[x, {root}]" for root in order[:29]) for order in (ROOTS, ROOTS[::-1])),
}


# What is slow by its precision, by its size or by complex values.
HOSTILE |= {
    name: (terms, f"{terms}+1")
    for name, terms in {
        "exponentials of all sizes": "+".join(f"e^{{{100 * n}x}}" for n in range(-39, 40)),
        "towers": "+".join(f"e^{{e^{{x+{n}}}}}" for n in range(1, 9)),
        "complex factorials": "+".join(f"\\Gamma(i+{n}.{'37' * 45})" for n in range(10, 25)),
        "many digits": "+".join(f"(x+{n})!" for n in range(60)) + f"+{'7' * 300}",
        "unknown functions": "+".join(f"f({n}x)" for n in range(2, 90)),
    }.items()
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_verdict_takes_long(name):
    assert min(seconds(verify, *HOSTILE[name]) for _ in range(2)) < SOON
