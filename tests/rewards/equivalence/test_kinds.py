"""Kinds of answers: what is equal to what, and what only looks like it.

The pairs stand in equal.txt and unequal.txt, one a line, under the heading of their kind.
"""

from pathlib import Path

import pytest

from infinite_rl.rewards import verify


def pairs(name):
    kind = ""
    for line in (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            kind = line[3:]
        elif line:
            gold, answer = line.split(" ||| ")
            yield pytest.param(gold, answer, id=f"{kind}: {gold} | {answer}")


EQUAL, UNEQUAL = list(pairs("equal.txt")), list(pairs("unequal.txt"))


@pytest.mark.parametrize(("gold", "answer"), EQUAL)
def test_what_means_the_same_is_equal_in_both_orders(gold, answer):
    for verdict in (verify(gold, answer), verify(answer, gold)):
        assert verdict.equal, verdict.reason


@pytest.mark.parametrize(("gold", "answer"), UNEQUAL)
def test_what_only_looks_alike_is_not_equal_in_either_order(gold, answer):
    for verdict in (verify(gold, answer), verify(answer, gold)):
        assert not verdict.equal, verdict.reason


@pytest.mark.parametrize("text", sorted({text for row in EQUAL for text in row.values}))
def test_everything_equals_itself_with_dollars_around(text):
    assert verify(text, text).equal
    assert verify(text, f"$ {text} $").equal or "$" in text
