"""Answers of the families of mathematics against other ways to find them, from the text of the question alone."""

import re
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import combinations, count, product
from math import comb, cos, dist, isclose, pi, prod, sin, sqrt, tan

import mpmath
import numpy as np
import pytest
import sympy
from sympy.ntheory.modular import crt

from infinite_rl.datasets.procedural import stream
from infinite_rl.datasets.reasoning.families import FAMILIES
from infinite_rl.datasets.reasoning.families.mathematics import MATHEMATICS
from infinite_rl.datasets.reasoning.families.mathematics.notation import decimal, polynomial
from infinite_rl.rewards import verify

X = sympy.Symbol("x")
CHECKS = {}


def check(function):
    """Registers the second computation of the family that the function is named after."""
    CHECKS[function.__name__] = function
    return function


def integers(text):
    return [int(n) for n in re.findall(r"-?\d+", text.replace("- ", "-"))]


def algebra(text):
    """A formula as sympy reads it; an exact number stays exact."""
    text = re.sub(r"(\d|\))\s*(?=[a-zI(])", r"\1*", text.replace("^", "**"))
    return sympy.sympify(text, rational=True)


def between(text, *patterns):
    """What the first of the patterns finds."""
    return next(found[1] for pattern in patterns if (found := re.search(pattern, text)))


def value(solution):
    return float(Fraction(solution))


@pytest.mark.parametrize("name", [family.name for family in MATHEMATICS])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_another_computation_gives_the_same_answer(name, level):
    rng, family = stream(level), FAMILIES[name]
    for _ in range(25):
        problem = family.problem(rng, level)
        solution = problem.solution or problem.answer
        found = CHECKS[name](problem.question, level, solution)
        assert found is True or verify(solution, str(found)).equal, (problem, found)


@check
def linear_equation(question, level, solution):
    left, right = question.removeprefix("Solve for x: ").split(" = ")
    return sympy.solve(algebra(left) - algebra(right), X)[0]


@check
def common_divisors_and_multiples(question, level, solution):
    numbers = integers(question)
    if level == 1:
        return max(d for d in range(1, min(numbers) + 1) if all(n % d == 0 for n in numbers))
    if level < 4:
        return next(m for m in count(max(numbers), max(numbers)) if all(m % n == 0 for n in numbers))
    floor, remainder, *divisors = numbers
    return next(n for n in count(floor + 1) if all(n % d == remainder for d in divisors))


@check
def prime_factors(question, level, solution):
    factors = sympy.factorint(integers(question)[0])
    assert FAMILIES["prime_factors"].accepts(
        {"number": integers(question)[0]}, " \\cdot ".join(f"{p}^{{{e}}}" for p, e in factors.items())
    )
    return " * ".join(f"{p}^{e}" for p, e in factors.items())


@check
def divisors(question, level, solution):
    if level <= 2:
        number = integers(question)[0]
        found = [d for d in range(1, number + 1) if number % d == 0]
        keep = {"other": lambda d: d < number, "even": lambda d: d % 2 == 0, "odd": lambda d: d % 2}
        kept = next((test for word, test in keep.items() if word in question), lambda d: True)
        return sum(filter(kept, found))
    number = prod(int(b) ** int(e) for b, e in re.findall(r"(\d+)\^(\d+)", question))
    if level == 3:
        return sympy.divisor_count(number)
    # The square divisors are the squares of the divisors of the largest number whose square divides it.
    return sympy.divisor_count(prod(p ** (e // 2) for p, e in sympy.factorint(number).items()))


@check
def power_remainder(question, level, solution):
    text = between(question, r"(\d+\^.*?) (?:is divided by|by|modulo) \d")
    modulus = integers(question.replace("-", " ").partition(text)[2] or question)[0]
    if level < 4:
        return eval(text.replace("^", "**")) % modulus
    base, middle, top, more = integers(text)
    power = 1
    for _ in range(middle**top % (modulus - 1)):  # Fermat
        power = power * base % modulus
    return (power + more) % modulus


@check
def chinese_remainders(question, level, solution):
    if level < 4:
        pairs = re.findall(r"(\d+) when divided by (\d+)", question)
        remainders, moduli = zip(*[map(int, pair) for pair in pairs], strict=True)
        return crt(moduli, remainders)[0]
    clues = [tuple(map(int, clue)) for clue in re.findall(r"(\d+)n ≡ (\d+) \(mod (\d+)\)", question)]
    return next(n for n in count(1) if all(a * n % m == r for a, r, m in clues))


@check
def base_conversion(question, level, solution):
    if level == 4:
        base = int(between(question, r"base (\d+)"))
        one, sign, two = re.search(r"(\d+) ([+*-]) (\d+)", question).groups()
        number = eval(f"{int(one, base)} {sign} {int(two, base)}")
        return np.base_repr(number, base)
    base = integers(question)[-1]
    given, source = (
        re.search(r"(?:Convert|number) (\d+) (?:from|is in) base (\d+)", question).groups()
        if "base-" not in question
        else re.search(r"base-(\d+) number (\d+)", question).groups()[::-1]
    )
    return np.base_repr(int(given, int(source)), base)


@check
def digit_count(question, level, solution):
    numbers = integers(question)
    if level == 1:
        return len("".join(map(str, range(1, numbers[-1] + 1))))
    if level == 4:
        written = np.arange(numbers[-1] + 1)
        return sum(int((written // 10**place % 10).sum()) for place in range(6))
    digit = int(between(question, r"digit (\d)"))
    first, last = map(int, re.search(r"from (\d+) to (\d+)", question).groups())
    return "".join(map(str, range(first, last + 1))).count(str(digit))


@check
def order_of_operations(question, level, solution):
    return sympy.sympify(between(question, r"(?:is|Compute|expression) ([^?]*\d\)*)"))


@check
def fraction_arithmetic(question, level, solution):
    return sympy.sympify(between(question, r"(?:is|Compute|of) ([^?]*?)[?.] Give"))


@check
def percent_changes(question, level, solution):
    price = sympy.Rational(between(question, r"([\d.]*\d) dollars"))
    changes = [(how, int(n)) for how, n in re.findall(r"(raised|lowered) by (\d+)%", question)]
    after = X
    for how, percent in changes:
        after = after + after * sympy.Rational(percent if how == "raised" else -percent, 100)
    return sympy.solve(after - price, X)[0] if level == 4 else after.subs(X, price)


@check
def polynomial_roots(question, level, solution):
    shown = between(question, r"(?:of|is|polynomial) ([-\dx^ +]*[\dx])(?: = 0| equal|\?)")
    return ", ".join(map(str, sympy.solve(algebra(shown), X)))


@check
def linear_system(question, level, solution):
    shown = between(question, r"(?:system|satisfy) (.*?\d)(?:\.|\?)")
    equations = re.split(r", | and ", shown)
    names = sympy.symbols("x y z" if level > 2 else "x y")
    sides = [map(algebra, equation.split(" = ")) for equation in equations]
    return next(iter(sympy.linsolve([left - right for left, right in sides], *names)))


@check
def inequality(question, level, solution):
    shown = between(question, r"(?:inequality|satisfy|with) (.*?\d)(?: for|\?|\. Answer)")
    condition = re.sub(r"\|(.*)\|", r"*abs(\1)", shown.replace("^", "**"))
    condition = re.sub(r"(\d)x", r"\1*x", condition)
    parts = [re.fullmatch(r"([\[(])(.*), (.*)([\])])", part).groups() for part in solution.split(" U ")]
    ends = [Fraction(end) for _, low, high, _ in parts for end in (low, high) if "oo" not in end]
    for x in {end + shift for end in ends for shift in (-1000, Fraction(-1, 1000), 0, Fraction(1, 1000), 1000)}:
        inside = any(
            ("-oo" in low or x > Fraction(low) or (opening == "[" and x == Fraction(low)))
            and (high == "oo" or x < Fraction(high) or (closing == "]" and x == Fraction(high)))
            for opening, low, high, closing in parts
        )
        if inside != eval(condition, {"x": x}):
            return False
    # A quadratic has no more ends than it has roots, the others none but these.
    return len(ends) == (1 if level == 1 else 2)


@check
def polynomial_coefficient(question, level, solution):
    shown = between(question, r"(\(.*?[)\d])(?:\?|\.| is multiplied)")
    power = between(question, r"(?:coefficient of|stands before) (x(?:\^\d+)?)")
    return sympy.Poly(algebra(shown), X).coeff_monomial(algebra(power))


@check
def slope(question, level, solution):
    shown = between(question, r"f\(x\) = (.*?)(?:\. What| at )")
    at = int(between(question, r"f'\((-?\d+)\)", r"x = (-?\d+)"))
    return sympy.diff(algebra(shown), X).subs(X, at)


@check
def definite_integral(question, level, solution):
    if level == 4:
        one, other = map(algebra, re.search(r"y = (.*) and y = (.*?)(?: enclose|\. Give)", question).groups())
        return abs(sympy.integrate(one - other, (X, *sympy.solve(one - other, X))))
    low, high = re.search(r"from (?:x = )?(-?\d+) to (?:x = )?(-?\d+)", question).groups()
    shown = between(question, r"of (.*?) with", r"= (.*?) over")
    return sympy.integrate(algebra(shown), (X, int(low), int(high)))


@check
def logarithm_equation(question, level, solution):
    left, right = re.search(r"(?:Solve|satisfies|with) (.*?) = (.*?\d[x)]*)(?: for x\.|\?|\.)", question).groups()
    x, values = mpmath.mpf(Fraction(solution).numerator) / Fraction(solution).denominator, []
    for side in (left, right):
        text = re.sub(r"(\d)x", r"\1*x", side).replace("^", "**")
        text = re.sub(r"log_(\d+)\(", r"log_(\1, ", text)
        values.append(eval(text, {"x": x, "log_": lambda base, number: mpmath.log(number, base)}))
    return bool(mpmath.almosteq(*values, rel_eps=1e-9))


@check
def trigonometric_value(question, level, solution):
    shown = between(question, r"(\d+ \* .*?)(?:\?|\.| exactly)")
    text = re.sub(r"(\d+)°", r"\1 * unit", shown).replace("^", "**")
    return isclose(eval(text, {"sin": sin, "cos": cos, "tan": tan, "unit": pi / 180}), value(solution), abs_tol=1e-9)


@check
def complex_numbers(question, level, solution):
    shown = between(question, r"(\(.*?\))(?:\?|\.) Write")
    found = sympy.expand_complex(algebra(re.sub(r"(?<![a-z])i", "I", shown)))
    real, imaginary = found.as_real_imag()
    answer = {"real": str(real), "imaginary": str(imaginary)}
    family = FAMILIES["complex_numbers"]
    spelled = f"({imaginary})*i + {real}" if real >= 0 else f"({imaginary})*i - {-real}"
    return family.accepts(answer, solution) and bool(imaginary < 0 or family.accepts(answer, spelled))


def matrices(question):
    return [np.array(eval(text)) for text in re.findall(r"\[\[.*?\]\]", question)]


@check
def determinant(question, level, solution):
    found = [sympy.Matrix(matrix).det() for matrix in matrices(question)]
    if level < 4:
        return found[0]
    factor, power = map(int, re.search(r"\((\d)A\)\^(\d)", question).groups())
    return (sympy.Matrix(matrices(question)[0]) * factor).det() ** power * found[1]


@check
def matrix_product(question, level, solution):
    a, b = matrices(question)
    return (a @ b - b @ a if level == 4 else a @ b).tolist()


@check
def lattice_paths(question, level, solution):
    points = [tuple(map(int, pair)) for pair in re.findall(r"\((\d+), (\d+)\)", question)][1:]
    goal, special = points[0], sorted(points[1:])

    def paths(*stops):
        """The ways over all the stops in order."""
        legs = [(u - x, v - y) for (x, y), (u, v) in zip([(0, 0), *stops], [*stops, goal], strict=True)]
        return prod(comb(dx + dy, dx) if dx >= 0 and dy >= 0 else 0 for dx, dy in legs)

    if level == 1:
        return paths(*special)
    chosen = (some for size in range(len(special) + 1) for some in combinations(special, size))
    return sum((-1) ** len(some) * paths(*some) for some in chosen)


@check
def committees(question, level, solution):
    one, other, size, *more = integers(question)
    if level == 1:
        return comb(one, size) * comb(other, more[0])
    least = more[0]

    def at_least(group, others, seats, wanted):
        """All committees but those with too few."""
        few = sum(comb(group, k) * comb(others, seats - k) for k in range(min(max(wanted, 0), seats + 1)))
        return comb(group + others, seats) - few

    if level == 2:
        return at_least(one, other, size, least)
    if level == 4:
        return one * other * at_least(one - 1, other - 1, size - 2, least - 1)
    neither = at_least(one - 1, other - 1, size, least)
    only_first = at_least(one - 1, other - 1, size - 1, least - 1)
    return neither + only_first + at_least(one - 1, other - 1, size - 1, least)


@check
def divisible_count(question, level, solution):
    low, high = map(int, re.search(r"(\d+) (?:to|<= n <=) (\d+)", question).groups())
    by = list(map(int, re.findall(r"(?:by|of|and|,) (\d+)", question.partition("divisible")[2])))
    rules = {
        1: lambda n: n % by[0] == 0,
        2: lambda n: n % by[0] == 0 or n % by[1] == 0,
        3: lambda n: (n % by[0] == 0 or n % by[1] == 0) and n % by[2],
        4: lambda n: sum(n % d == 0 for d in by) == 1,
    }
    return sum(bool(rules[level](n)) for n in range(low, high + 1))


@check
def dice_sum(question, level, solution):
    dice = list(map(int, re.findall(r"\d+", question.partition("faces")[0])))
    outcomes = list(product(*(range(1, faces + 1) for faces in dice)))
    measure = max if "largest" in question else sum
    how, limit = re.search(r"is (exactly|at least|at most) (\d+)", question).groups()
    holds = {"exactly": int.__eq__, "at least": int.__ge__, "at most": int.__le__}[how]
    if "given that" in question:
        least = int(between(question, r"thrown is at least (\d+)"))
        outcomes = [outcome for outcome in outcomes if min(outcome) >= least]
    return Fraction(sum(holds(measure(outcome), int(limit)) for outcome in outcomes), len(outcomes))


def orders(counts, wanted):
    """The probability of so many of each colour, ball by ball."""
    if not any(wanted):
        return Fraction(1)
    left = sum(counts)
    return sum(
        Fraction(counts[i], left)
        * orders([c - (i == j) for j, c in enumerate(counts)], [w - (i == j) for j, w in enumerate(wanted)])
        for i in range(len(counts))
        if wanted[i] and counts[i]
    )


@check
def urn_draws(question, level, solution):
    numbers = list(map(int, re.findall(r"\d+", question)))
    if level == 4:
        a, b, c, d, drawn = numbers
        one, other = orders([a, b], [drawn, 0]), orders([c, d], [drawn, 0])
        return one / (one + other)
    counts, wanted = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 + 1 :]
    if level == 1:
        counts, wanted = numbers[:2], [2, 0]
    return orders(counts, wanted)


@check
def expected_value(question, level, solution):
    numbers = list(map(int, re.findall(r"\d+", question)))
    if level == 1:
        total, *rest = numbers
        prizes = [prize for tickets, prize in zip(rest[::2], rest[1::2], strict=True) for _ in range(tickets)]
        assert len(prizes) == total
        return Fraction(sum(prizes), total)
    if level == 2:
        faces, _, limit, win, loss = numbers
        return Fraction(sum(win if n > limit else -loss for n in range(1, faces + 1)), faces)
    faces, _, cost, prize = numbers

    def best(throws):
        """The gain of the best rule of the form: throw again below a number."""
        if not throws:
            return Fraction(sum(prize * n for n in range(1, faces + 1)), faces)
        again = best(throws - 1) - cost
        return max(
            ((limit - 1) * again + sum(prize * n for n in range(limit, faces + 1))) / faces
            for limit in range(1, faces + 2)
        )

    return best(level - 2)


def corners(question):
    return [tuple(map(int, pair)) for pair in re.findall(r"\((-?\d+), (-?\d+)\)", question)]


@check
def polygon_area(question, level, solution):
    points = corners(question)
    if level < 4:
        return abs(sympy.Polygon(*points).area)
    sides = list(zip(points, [*points[1:], points[0]], strict=True))

    def inside(x, y):
        winding = 0
        for (a, b), (c, d) in sides:
            turn = (c - a) * (y - b) - (x - a) * (d - b)
            if turn == 0 and min(a, c) <= x <= max(a, c) and min(b, d) <= y <= max(b, d):
                return False
            winding += (b <= y < d and turn > 0) - (d <= y < b and turn < 0)
        return winding != 0

    xs, ys = zip(*points, strict=True)
    return sum(inside(x, y) for x in range(min(xs), max(xs)) for y in range(min(ys), max(ys)))


@check
def triangles(question, level, solution):
    numbers = integers(question)
    a, b, c = numbers if level in (2, 4) else [numbers[0], sqrt(numbers[1] ** 2 - numbers[0] ** 2), numbers[1]]
    # Two corners on a line, the third above it.
    x = (b * b + c * c - a * a) / (2 * c)
    y = sqrt(b * b - x * x)
    assert isclose(dist((0, 0), (x, y)), b)
    area, perimeter = c * y / 2, a + b + c
    results = {
        "other leg": b,
        "perimeter": perimeter,
        "area": area,
        "altitude to": y,
        "shorter of": min(x, c - x),
        "inscribed": 2 * area / perimeter,
        "all three corners": a * b * c / (4 * area),
        "longest side": 2 * area / max(a, b, c),
    }
    return isclose(next(result for words, result in results.items() if words in question), value(solution))


@check
def polygon_angles(question, level, solution):
    terms = [algebra(term) for term in re.findall(r"\(([^()]*)\)°", question)]
    x = sympy.solve(sum(terms) - 180 * (len(terms) - 2), X)[0]
    angles = [term.subs(X, x) for term in terms]
    assert all(0 < angle < 180 for angle in angles)
    return (max if "largest" in question else min)(angles)


@check
def next_term(question, level, solution):
    terms = [int(n) for n in between(question, r"numbers (.*?) begin", r"with (-?\d.*)\?").split(", ")]
    if level == 1:
        return 2 * terms[-1] - terms[-2] if "arithmetic" in question else Fraction(terms[-1]) ** 2 / terms[-2]
    if level == 3:
        return sympy.interpolate(list(enumerate(terms, 1)), X).subs(X, len(terms) + 1)
    # The rule is the only one that fits.
    p, q = sympy.symbols("p q")
    rule = (lambda n: p * terms[n - 1] + q) if level == 2 else (lambda n: p * terms[n - 1] + q * terms[n - 2])
    (fit,) = sympy.linsolve([rule(n) - terms[n] for n in range(level // 2, len(terms))], p, q)
    assert not any(term.free_symbols for term in fit)
    return rule(len(terms)).subs(dict(zip((p, q), fit, strict=True)))


@check
def recursive_sequence(question, level, solution):
    values = {int(n): int(term) for n, term in re.findall(r"a_(\d+) = (-?\d+)", question)}
    rule = between(question, r"a_n = (.*) for n >")
    rule = re.sub(r"the remainder of (.*) divided by (\d+)", r"\1 % \2", rule)
    rule = re.sub(r"a_\((n-\d)\)", r"a[\1]", rule).replace("^", "**")
    last = int(between(question, r"(?:is|Find) a_(\d+)"))
    for n in range(max(values) + 1, last + 1):
        values[n] = eval(rule, {"a": values, "n": n})
    return values[last]


@check
def progressions(question, level, solution):
    shown = re.search(r"[Tt]erm number (\d+) .*?is (-?[\d/]+)(?:,| and) term number (\d+) is (-?[\d/]+)", question)
    i, a, j, b = (sympy.Rational(text) for text in shown.groups())
    asked = question[shown.end() :]
    numbers = integers(asked)
    if "geometric" in question:
        ratio = sympy.root(b / a, j - i)
        terms = [a * ratio ** (n - i) for n in range(1, numbers[0] + 1)]
    else:
        step = (b - a) / (j - i)
        terms = [a + step * (n - i) for n in range(1, numbers[-1] + 1)]
    if level == 4:
        return sum(terms[numbers[0] - 1 :])
    return sum(terms) if "sum" in asked else terms[-1]


PREFIXES = {"milli": -3, "centi": -2, "deci": -1, "kilo": 3}
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "tonne": 10**6, "metre": 1, "gram": 1, "litre": 1}


def in_base_units(text):
    """A product of units as a number of base units."""
    result, sign = Fraction(1), 1
    power = 1
    for word in text.split():
        if word == "per":
            sign = -1
        elif word in ("square", "cubic"):
            power = {"square": 2, "cubic": 3}[word]
        elif word != "and":
            unit = word.removesuffix("s")
            prefix = next((prefix for prefix in PREFIXES if unit.startswith(prefix)), "")
            size = Fraction(10) ** PREFIXES.get(prefix, 0) * UNITS[unit.removeprefix(prefix)]
            result, power = result * size ** (power * sign), 1
    return result


@check
def unit_conversion(question, level, solution):
    given, target = (
        re.search(r"(?:Convert|Express) (\d.*?) (?:to|in) (.*?)\. Give", question).groups()
        if "How many" not in question
        else re.search(r"How many (.*) are (.*?)\?", question).groups()[::-1]
    )
    if level == 1:
        found = re.match(r"(\d+) (\w+) and (\d+) (\w+)", given)
        amount = int(found[1]) * in_base_units(found[2]) + int(found[3]) * in_base_units(found[4])
    else:
        number, _, units = given.partition(" ")
        amount = int(number) * in_base_units(units)
    return amount / in_base_units(target)


@check
def clock_time(question, level, solution):
    times = [datetime.strptime(text, "%H:%M") for text in re.findall(r"\d\d:\d\d", question)]
    passed = sum(
        int(n) * (60 if unit == "hour" else 1)
        for n, unit in re.findall(r"(\d+) (hour|minute)s?(?! in every| (?:ahead|behind))", question.split("Clocks")[0])
    )
    if level == 1:
        found = times[0] + timedelta(minutes=passed)
    elif level == 2:
        found = times[0] - timedelta(minutes=passed)
    elif level == 3:
        hours, way = re.search(r"are (\d+) hours? (ahead|behind)", question).groups()
        found = times[0] + timedelta(minutes=passed, hours=int(hours) * (1 if way == "ahead" else -1))
    else:
        how, off = re.search(r"(gains|loses) (\d+)", question).groups()
        rate = 1 + Fraction(int(off) * (1 if how == "gains" else -1), 60)
        counted = (times[1] - times[0]).seconds // 60
        found = times[0] + timedelta(minutes=int(counted / rate))
    return found.strftime("%H:%M") == solution


@check
def calendar_date(question, level, solution):
    start = date.fromisoformat(between(question, r"(\d{4}-\d\d-\d\d)"))
    if level <= 2:
        days = int(between(question, r"(\d+) days"))
        back = "before" in question or "earlier" in question
        return date.fromordinal(start.toordinal() + (-days if back else days)).isoformat() == solution
    assert f"{start} is a {start:%A}" in question
    if level == 3:
        return str(np.busday_offset(start, int(between(question, r"(\d+) working")))) == solution
    nth, day, month = re.search(r"the (\w+) (\w+) of (\w+ \d+)", question).groups()
    first = datetime.strptime(f"1 {month}", "%d %B %Y").date()
    days = [first + timedelta(n) for n in range(28) if f"{first + timedelta(n):%A}" == day]
    return str(days[("first", "second", "third", "fourth").index(nth)]) == solution


@check
def shopping(question, level, solution):
    numbers = [Fraction(n) for n in re.findall(r"\d+(?:\.\d+)?", question)]
    if level == 4:
        a, b, one, c, d, two, fee = numbers
        p, q = sympy.symbols("p q")
        (found,) = sympy.linsolve([a * p + b * q + fee - one, c * p + d * q + fee - two], p, q)
        assert not found[0].free_symbols
        return found[0]
    a, p, b, q, *rest = numbers
    if level == 1:
        return a * p + b * q
    if level == 2:
        return rest[0] - a * p - b * q
    percent, coupon, paid = rest
    return paid - a * p - b * (q - q * percent / 100) + coupon


WORDS = {"twice": 2, "three times": 3, "four times": 4, "five times": 5}


@check
def ages(question, level, solution):
    numbers = integers(question)
    one, two, three = sympy.symbols("one two three")
    factor = next((factor for word, factor in WORDS.items() if word in question), 0)
    if level == 1:
        gap, total, later = numbers
        return sympy.solve([one - two - gap, one + two - total])[one] + later
    if level == 2:
        later, total = numbers
        return sympy.solve([one - factor * two, one + two + 2 * later - total])[one] + later
    if level == 3:
        ago, gap, later = numbers
        return sympy.solve([one - ago - factor * (two - ago), one - two - gap])[one] + later
    ago, later, total, gap, _ = numbers
    known = [one - ago - factor * (two - ago), one - two - gap, one + two + three + 3 * later - total]
    return sympy.solve(known)[three] + later


@check
def travel(question, level, solution):
    numbers = [Fraction(n) for n in re.findall(r"\d+(?:/\d+)?", question)]
    if level == 1:
        first, slow, second, fast = numbers
        return slow * first / 60 + fast * second / 60
    t = Fraction(solution)
    if level == 2:
        apart, slow, fast, head = numbers
        return slow * (t + head) / 60 + fast * t / 60 == apart
    if level == 3:
        slow, head, fast = numbers
        return slow * (t + head) == fast * t
    still, current, hours = numbers
    return t / (still - current) + t / (still + current) == hours


@check
def work(question, level, solution):
    numbers, t = [Fraction(n) for n in integers(question)], Fraction(solution)
    if level <= 2:
        return sum(t / n for n in numbers) == 1
    if level == 3:
        first, second, head = numbers
        return t / first + (t - head) / second == 1
    first, second, drain, early = numbers
    return early < t and t / first + t / second - early / drain == 1


@check
def mixtures(question, level, solution):
    numbers, found = [Fraction(n) for n in integers(question)], Fraction(solution)
    if level == 1:
        one, weak, two, strong = numbers
        return (one + two) * found == one * weak + two * strong
    if level == 2:
        strong, one, weak, middle = numbers
        return one * weak + found * strong == middle * (one + found)
    if level == 3:
        full, weak, strong, middle = numbers
        return 0 < found < full and (full - found) * weak + found * strong == full * middle
    full, strong, out, times = numbers
    held = full * strong
    for _ in range(int(times)):
        held -= held * out / full
    return held / full == found


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("2^3*3^2*5", True),
        ("5 * 2^{3} * 3^{2}", True),
        ("2 \\cdot 2 \\times 2 × 3 · 3 x 5", True),
        ("360 = 2³ · 3² · 5", True),
        ("$2^3 \\cdot 3^2 \\cdot 5$", True),
        ("\\boxed{2^3 * 3^2 * 5}", True),
        ("2**3 * 3**2 * 5", True),
        ("360", False),
        ("8 * 9 * 5", False),
        ("2^3 * 3^2", False),
        ("2^3 * 3^2 * 5 * 1", False),
        ("2^3 * 3^2 * 5 * 7^0", False),
        ("2^3 + 3^2 + 5", False),
        ("2^2 3^2 10", False),
        ("", False),
        ("2^99*" * 90 + "2", False),
        ("*" * 90_000, False),
    ],
)
def test_prime_factors_in_any_spelling(given, right):
    assert FAMILIES["prime_factors"].accepts({"number": 360}, given) is right


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("3/4 - 2i", True),
        ("-2i + 3/4", True),
        ("0.75-2*i", True),
        ("$\\frac{3}{4} - 2i$", True),
        ("(3/4) − 2i", True),
        ("6/8 - 4i/2", True),
        ("3/4 + 2i", False),
        ("3/4", False),
        ("-2i", False),
        ("3/4 - 2i + 0", False),
        ("3/4 - 1i - 1i", False),
        ("3/4/1 - 2i", False),
        ("3/0 - 2i", False),
        ("3/4 2i", False),
        ("", False),
        ("+", False),
        ("(" * 199, False),
        ("9" * 90_000, False),
    ],
)
def test_complex_numbers_in_any_spelling(given, right):
    assert FAMILIES["complex_numbers"].accepts({"real": "3/4", "imaginary": "-2"}, given) is right


def test_numbers_and_polynomials_are_written_as_people_do():
    assert polynomial([2, -1, 0, -5]) == "2x^3 - x^2 - 5"
    assert polynomial([-1, 1]) == "-x + 1"
    assert [decimal(Fraction(5, 2)), decimal(7), decimal(Fraction(1, 100))] == ["2.50", "7", "0.01"]
    with pytest.raises(ValueError, match="more than two decimals"):
        decimal(Fraction(1, 3))


def test_an_urn_whose_colours_are_named_in_another_order_is_the_same_problem():
    keys: dict[tuple, str] = {}
    for seed in range(1_500):
        problem = FAMILIES["urn_draws"].problem(stream(seed), 2)
        a, b, _, first, second = integers(problem.question)
        asked = tuple(sorted([(a, first), (b, second)]))
        assert keys.setdefault(asked, problem.key) == problem.key
    assert len(set(keys.values())) == len(keys) < 1_500
