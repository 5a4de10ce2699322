"""Sequences."""

from __future__ import annotations

from fractions import Fraction

from ....drawing import Rng, integer, pick
from ...family import Family, Problem
from .notation import slips


class NextTerm(Family):
    """The next term: arithmetic or geometric (1), p times the last plus q (2), quadratic (3), of order two (4)."""

    name = "next_term"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        first, step = integer(rng, -30, 60), pick(rng, (-1, 1)) * integer(rng, 3, 40)
        if level == 1:
            kind = pick(rng, ("arithmetic", "geometric"))
            if kind == "arithmetic":
                terms = [first + step * i for i in range(6)]
            else:
                first, factor = pick(rng, (-1, 1)) * integer(rng, 2, 60), pick(rng, (-4, -3, -2, 2, 3, 4, 5))
                terms = [first * factor**i for i in range(6)]
            rule = f"the {kind} sequence"
        elif level == 2:
            p, q = pick(rng, (-4, -3, -2, 2, 3, 4)), pick(rng, (-1, 1)) * integer(rng, 1, 20)
            terms = [integer(rng, 1, 20)]
            # Two equal terms would tell nothing about the rule.
            if terms[0] * p + q == terms[0]:
                terms[0] += 1
            for _ in range(4):
                terms.append(p * terms[-1] + q)
            rule = "a sequence in which every term is p times the one before plus q, with fixed integers p and q,"
        elif level == 3:
            second = pick(rng, (-1, 1)) * integer(rng, 1, 12)
            terms = [first + step * i + second * i * (i - 1) // 2 for i in range(6)]
            rule = "a sequence whose n-th term is a quadratic polynomial in n"
        else:
            p, q = pick(rng, (-4, -3, -2, -1, 1, 2, 3, 4)), pick(rng, (-4, -3, -2, -1, 1, 2, 3, 4))
            # p and q follow from the terms unless the first three are in a geometric progression.
            begin = integer(rng, 1, 9)
            terms = [begin, pick(rng, [n for n in range(1, 10) if n * n != begin * (p * n + q * begin)])]
            for _ in range(5):
                terms.append(p * terms[-1] + q * terms[-2])
            rule = (
                "a sequence in which every term is p times the one before plus q times the one before that, "
                "with fixed integers p and q,"
            )
        *shown, answer = terms
        listing = ", ".join(map(str, shown))
        question = pick(
            rng,
            (
                f"The numbers {listing} begin {rule.rstrip(',')}. What is the next term?",
                f"What comes next in {rule} that begins with {listing}?",
            ),
        )
        wrong = slips(answer, 2 * shown[-1] - shown[-2], shown[-1], -answer, answer + 1, sum(shown))
        return Problem(question, str(answer), wrong, f"{level} {listing}")


class RecursiveSequence(Family):
    """A term by its rule: linear (1), with the two terms before (2), with n (3), modulo a number (4)."""

    name = "recursive_sequence"
    chance = (0.01, 0.01, 0.01, 0.03)

    def problem(self, rng: Rng, level: int) -> Problem:
        p, q, r = pick(rng, (-3, -2, 2, 3)), pick(rng, (-3, -2, -1, 1, 2, 3)), integer(rng, 1, 20)
        terms = [integer(rng, 1, 12), integer(rng, 1, 12)]
        modulus = integer(rng, 30, 99)
        if level == 1:
            terms, rule, last = terms[:1], f"a_n = {p} * a_(n-1) + {r}", integer(rng, 4, 6)
        elif level == 2:
            rule, last = f"a_n = {p} * a_(n-1) + ({q}) * a_(n-2)", integer(rng, 6, 8)
        elif level == 3:
            rule, last = f"a_n = {p} * a_(n-1) + ({q}) * a_(n-2) + {r} * n", integer(rng, 6, 8)
        else:
            rule = f"a_n = the remainder of ({abs(p)} * a_(n-1)^2 + {abs(q)} * a_(n-2) + {r} * n) divided by {modulus}"
            last = integer(rng, 8, 12)
        start = " and ".join(f"a_{i} = {term}" for i, term in enumerate(terms, 1))
        begun = len(terms)
        for n in range(begun + 1, last + 1):
            if level == 1:
                terms.append(p * terms[-1] + r)
            elif level == 4:
                terms.append((abs(p) * terms[-1] ** 2 + abs(q) * terms[-2] + r * n) % modulus)
            else:
                terms.append(p * terms[-1] + q * terms[-2] + (r * n if level == 3 else 0))
        answer = terms[-1]
        question = pick(
            rng,
            (
                f"Let {start}, and {rule} for n > {begun}. What is a_{last}?",
                f"A sequence has {start}, and {rule} for n > {begun}. Find a_{last}.",
            ),
        )
        wrong = slips(answer, terms[-2], -answer, answer + 1, answer - 1)
        return Problem(question, str(answer), wrong, f"{start} {rule} {last}")


class Progressions(Family):
    """From two terms of an arithmetic sequence a third (1), a sum (2, 4); from two of a geometric one both (3)."""

    name = "progressions"
    answer_form = "simplified"
    chance = (0.01, 0.01, 0.01, 0.01)

    def problem(self, rng: Rng, level: int) -> Problem:
        first, step = Fraction(integer(rng, -40, 60)), Fraction(pick(rng, (-1, 1)) * integer(rng, 2, 15))
        i = integer(rng, 2, 9)
        j = i + integer(rng, 2, 12)
        k = j + integer(rng, 3, 30)
        a, b, c = (first + step * (n - 1) for n in (i, j, k))
        sum_of = k * (first + c) / 2
        kind = "arithmetic"
        if level == 1:
            what, answer = f"the term number {k}", c
        elif level == 2:
            what, answer = f"the sum of its first {k} terms", sum_of
        elif level == 3:
            kind = "geometric"
            ratio = Fraction(integer(rng, 1, 5), integer(rng, 1, 3))
            ratio = ratio if ratio != 1 else Fraction(3, 2)
            i, j = integer(rng, 2, 3), integer(rng, 4, 6)
            k = j + integer(rng, 1, 2)
            start = integer(rng, 1, 40) * ratio.denominator ** (i - 1)
            a, b, c = (start * ratio ** (n - 1) for n in (i, j, k))
            sum_of = start * (ratio**k - 1) / (ratio - 1)
            what, answer = pick(rng, ((f"the term number {k}", c), (f"the sum of its first {k} terms", sum_of)))
        else:
            i0, k0 = i, k
            what, answer = f"the sum of its terms from number {i0 + j} to number {k0 + j}", Fraction(0)
            answer = sum((first + step * (n - 1) for n in range(i0 + j, k0 + j + 1)), answer)
        signs = " All its terms are positive." if kind == "geometric" else ""
        question = pick(
            rng,
            (
                f"In {'an' if kind == 'arithmetic' else 'a'} {kind} sequence, term number {i} is {a} and term "
                f"number {j} is {b}.{signs} What is {what}?",
                f"Term number {i} of {'an' if kind == 'arithmetic' else 'a'} {kind} sequence is {a}, term number "
                f"{j} is {b}.{signs} Find {what}.",
            ),
        )
        question += " Give an integer or a fraction in lowest terms." if kind == "geometric" else ""
        wrong = slips(answer, answer + step, answer - step, -answer, sum_of + step, c + 1)
        return Problem(question, str(answer), wrong, f"{kind} {i} {a} {j} {b} {what}")
