"""Each family of logic against a second computation, which reads the question alone wherever that is possible."""

import re
from datetime import date
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise, permutations, product

import numpy as np
import pytest

from infinite_rl.datasets.procedural import stream
from infinite_rl.datasets.reasoning.families import FAMILIES
from infinite_rl.datasets.reasoning.families.logic.digits import evaluate

CASES = [(level, seed) for level in (1, 2, 3, 4) for seed in range(8)]
every_case = pytest.mark.parametrize(("level", "seed"), CASES)


def problem_of(name, level, seed):
    return FAMILIES[name].problem(stream(level, seed), level)


def accepts(name, problem, given):
    return FAMILIES[name].accepts(problem.answer, given)


@every_case
def test_knights_are_those_for_whom_truth_and_honesty_agree(level, seed):
    problem = problem_of("knights_and_knaves", level, seed)
    people = problem.question.split(" live on")[0].split(", ")
    fits = []
    for kinds in product((True, False), repeat=len(people)):
        knight = dict(zip(people, kinds, strict=True))
        said = re.findall(r"(\w+) says: “(.*)\.”", problem.question)
        if all(knight[speaker] == is_true(text, knight) for speaker, text in said):
            fits.append({person for person in people if knight[person]})
    assert fits == [set(problem.answer["knights"])]


def is_true(text, knight):
    names = [name for name in re.findall(r"\w+", text) if name in knight]
    kinds = [knight[name] for name in names]
    if "of the same kind" in text:
        return kinds[0] == kinds[1]
    if "of different kinds" in text:
        return kinds[0] != kinds[1]
    if text.startswith("If"):
        return kinds[1] if kinds[0] else True
    if text.startswith("At least"):
        return any(kinds) if "knight" in text else not all(kinds)
    if ", but " in text:
        return kinds[0] and not kinds[1]
    return all(kinds) if "knight" in text else not any(kinds)


@pytest.mark.parametrize(("level", "seed"), [(level, seed) for level in (1, 2, 3) for seed in range(6)])
def test_syllogisms_hold_in_every_world_of_few_things(level, seed):
    rng = stream(level, seed)
    problem = FAMILIES["syllogisms"].problem(rng, level)
    while problem.question.splitlines()[0].count("Some") > 4 - level:  # few enough worlds to try all
        problem = FAMILIES["syllogisms"].problem(rng, level)
    first, *rest = problem.question.splitlines()
    sentence = re.compile(r"(All|No|Some) (\w+) are (not )?(\w+)\.")
    premises = sentence.findall(first)
    conclusions = [sentence.search(line).groups(default="") for line in rest if line[:1].isdigit()]
    kinds = sorted({kind for _, a, _, b in premises for kind in (a, b)})
    holds = {"All": lambda a, b: a <= b, "No": lambda a, b: not a & b, "Some": lambda a, b: bool(a & b)}

    def true(statement, world):
        form, a, negated, b = statement
        x, y = ({thing for thing in world if thing >> kinds.index(kind) & 1} for kind in (a, b))
        return bool(x - y) if negated else holds[form](x, y)

    # A world is a set of sorts of things. A counterexample needs a thing for each particular premise and one more.
    general = [premise for premise in premises if premise[0] != "Some"]
    sorts = [sort for sort in range(2 ** len(kinds)) if all(true(premise, {sort}) for premise in general)]
    most = len(premises) - len(general) + 1
    worlds = [set(world) for size in range(most + 1) for world in combinations(sorts, size)]
    models = [world for world in worlds if all(true(premise, world) for premise in premises)]
    assert models
    valid = [str(i) for i, text in enumerate(conclusions, 1) if all(true(text, world) for world in models)]
    assert valid == problem.answer["follow"]


@every_case
def test_boolean_expressions_mean_what_python_says(level, seed):
    problem = problem_of("boolean_expressions", level, seed)
    values = {name: value == "true" for name, value in re.findall(r"\b(\w) = (true|false)", problem.question)}

    class Truth(int):
        def __rshift__(self, other):
            return Truth(not self or other)

        def __xor__(self, other):
            return Truth(bool(self) != bool(other))

        def __and__(self, other):
            return Truth(bool(self) and bool(other))

        def __or__(self, other):
            return Truth(bool(self) or bool(other))

        def __invert__(self):
            return Truth(not self)

    signs = {"and": "&", "or": "|", "xor": "^", "implies": ">>", "not": "~"}
    lines = re.findall(r"^\d\. (.*)$", problem.question, re.MULTILINE)
    python = [re.sub(r"[a-z]{2,}", lambda found: signs[found[0]], line) for line in lines]
    names = {name: Truth(value) for name, value in values.items()}
    true = [str(i) for i, text in enumerate(python, 1) if eval(text, {}, names)]
    assert true == problem.answer["true"]


def lists_that_fit(question):
    people = question.split(" are invited.")[0].split(", ")
    rules = question.split(" are invited. ")[1].splitlines()[0].split(". ")
    lists = [set(some) for size in range(len(people) + 1) for some in combinations(people, size)]
    return people, [some for some in lists if all(keeps(rule, some) for rule in rules)]


def keeps(rule, some):
    here = [name in some for name in re.findall(r"\b[A-Z][a-z]+", rule) if name not in ("At", "If", "Exactly")]
    if rule.startswith("At least one"):
        return any(here)
    if rule.startswith("Exactly"):
        return sum(here) == 1
    if "not" in rule:
        return not all(here)
    if "both come" in rule:
        return here[2] or not (here[0] and here[1])
    return any(here[1:]) or not here[0]


@every_case
def test_guest_lists_are_accepted_if_they_keep_all_rules(level, seed):
    problem = problem_of("guest_list", level, seed)
    people, fitting = lists_that_fit(problem.question)
    assert 1 <= len(fitting) <= level
    every = [set(some) for size in range(len(people) + 1) for some in combinations(people, size)]
    for some in every:
        assert accepts("guest_list", problem, ", ".join(sorted(some)) or "nobody") == (some in fitting)


@every_case
def test_guest_lists_are_counted_by_trying_all(level, seed):
    problem = problem_of("guest_list_count", level, seed)
    assert int(problem.answer) == len(lists_that_fit(problem.question)[1])


@pytest.mark.parametrize(("level", "seed"), [(level, seed) for level in (1, 2, 3) for seed in range(6)])
def test_a_house_puzzle_has_one_solution(level, seed):
    problem = problem_of("house_puzzle", level, seed)
    known, clues = problem.question.split("of these: ")[1].splitlines()[:2]
    groups = [group.split(", ") for group in known.removesuffix(".").split("; ")]
    tests = [
        clue_test(clue, [value for group in groups for value in group]) for clue in clues.removesuffix(".").split(". ")
    ]
    fits = []
    for orders in product(*(permutations(group) for group in groups)):
        house = {value: i for order in orders for i, value in enumerate(order)}
        if all(test(house) for test in tests):
            fits.append([value for row in zip(*orders, strict=True) for value in row])
    assert fits == [problem.answer["table"]]


def clue_test(clue, values):
    named = sorted((match.start(), value) for value in values if (match := re.search(rf"\b{value}\b", clue)))
    first, *others = [value for _, value in named]
    if "lives in house" in clue:
        return lambda house: house[first] == int(clue[-1]) - 1
    second = others[0]
    if "somewhere" in clue:
        return lambda house: house[first] < house[second]
    if "directly" in clue:
        return lambda house: house[first] + 1 == house[second]
    if "next to" in clue:
        return lambda house: abs(house[first] - house[second]) == 1
    return lambda house: house[first] == house[second]


@every_case
def test_sudokus_are_solved_by_search_and_the_solution_is_accepted(level, seed):
    problem = problem_of("sudoku", level, seed)
    height, width = problem.answer["box"]
    givens = [line.split() for line in problem.question.splitlines()[1:-1]]
    grid = {(r, c): int(v) for r, row in enumerate(givens) for c, v in enumerate(row) if v != "_"}
    size = height * width

    def free(cell):
        r, c = cell
        seen = {
            v
            for (i, j), v in grid.items()
            if i == r or j == c or (i // height, j // width) == (r // height, c // width)
        }
        return [v for v in range(1, size + 1) if v not in seen]

    def solve():
        blank = [cell for cell in product(range(size), repeat=2) if cell not in grid]
        if not blank:
            return True
        cell = min(blank, key=lambda cell: len(free(cell)))
        for value in free(cell):
            grid[cell] = value
            if solve():
                return True
            del grid[cell]
        return False

    assert solve()
    found = "\n".join(" ".join(str(grid[r, c]) for c in range(size)) for r in range(size))
    assert accepts("sudoku", problem, found)
    assert accepts("sudoku", problem, found.replace(" ", ""))
    other = found.replace("1", "x").replace("2", "1").replace("x", "2")
    assert not accepts("sudoku", problem, other) or not {"1", "2"} & {v for row in givens for v in row}


@every_case
def test_queens_are_accepted_where_all_pairs_are_at_peace(level, seed):
    problem = problem_of("queens_completion", level, seed)
    given = {int(r): int(c) for r, c in re.findall(r"row (\d+), column (\d+)", problem.question)}
    size = int(re.search(r"board of (\d+)", problem.question)[1])
    rng = stream(seed)
    solution = [int(n) for n in problem.solution.split(", ")]
    trials = [solution, *(rng.sample(range(1, size + 1), size) for _ in range(20))]
    for i, j in combinations(range(size), 2):
        swapped = list(solution)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        trials.append(swapped)
    for queens in trials:
        cells = list(enumerate(map(int, queens), 1))
        peace = all(c != d and abs(a - b) != abs(c - d) for (a, c), (b, d) in combinations(cells, 2))
        right = peace and all((r, c) in cells for r, c in given.items())
        assert accepts("queens_completion", problem, ", ".join(map(str, queens))) == right
    assert accepts("queens_completion", problem, problem.solution)


@every_case
def test_magic_squares_have_equal_sums_and_keep_what_was_given(level, seed):
    problem = problem_of("magic_square", level, seed)
    given = [line.split() for line in problem.question.splitlines()[1:-1]]
    square = np.array([line.split() for line in problem.solution.splitlines()], dtype=int)
    sums = {*square.sum(axis=0), *square.sum(axis=1), np.trace(square), np.trace(square[::-1])}
    assert sums == {int(re.search(r"the sum (\d+)", problem.question)[1])}
    assert all(g in ("_", str(v)) for g, v in zip(np.array(given).ravel(), square.ravel(), strict=True))
    for place in range(square.size):
        changed = square.copy()
        changed.flat[place] += 1
        assert not accepts("magic_square", problem, " ".join(map(str, changed.ravel())))


@every_case
def test_shortest_paths_are_as_long_as_matrices_say(level, seed):
    problem = problem_of("shortest_path", level, seed)
    roads = {frozenset((a, b)): int(n) for a, b, n in re.findall(r"(\w)-(\w) (\d+)", problem.question)}
    start, goal = re.search(r"from (\w) to (\w)", problem.question).groups()
    towns = sorted({town for road in roads for town in road})
    distance = {(a, b): 0 if a == b else roads.get(frozenset((a, b)), 10**9) for a in towns for b in towns}
    for middle, a, b in product(towns, repeat=3):
        distance[a, b] = min(distance[a, b], distance[a, middle] + distance[middle, b])
    way = problem.solution.split("-")
    assert (way[0], way[-1]) == (start, goal)
    assert sum(roads[frozenset(pair)] for pair in pairwise(way)) == distance[start, goal]
    assert accepts("shortest_path", problem, " → ".join(way))
    # Of all paths with up to three stops those of this length are right.
    for stops in (
        some for size in range(3) for some in permutations([t for t in towns if t not in way[:: len(way) - 1]], size)
    ):
        path = [start, *stops, goal]
        joined = all(frozenset(pair) in roads for pair in pairwise(path))
        right = joined and sum(roads[frozenset(pair)] for pair in pairwise(path)) == distance[start, goal]
        assert accepts("shortest_path", problem, "-".join(path)) == right


@every_case
def test_a_trail_uses_each_road_once(level, seed):
    problem = problem_of("euler_trail", level, seed)
    roads = {frozenset(pair) for pair in re.findall(r"(\w)-(\w)", problem.question.splitlines()[0])}
    walk = problem.solution.split("-")
    used = [frozenset(pair) for pair in pairwise(walk)]
    assert len(used) == len(roads)
    assert set(used) == roads
    assert accepts("euler_trail", problem, "-".join(walk[::-1]))
    assert not accepts("euler_trail", problem, "-".join([*walk, walk[-2]]))


@pytest.mark.parametrize("seed", range(6))
def test_orders_of_tasks_are_accepted_if_no_rule_is_broken(seed):
    problem = problem_of("task_order", 1, seed)
    rules = []
    for sentence in problem.question.splitlines()[0].split(". ")[0:]:
        named = re.findall(r"\b[A-Z]\b", sentence)
        if len(named) == 2 and "tasks" not in sentence:
            rules.append(named if "must be" in sentence else named[::-1])
    tasks = problem.solution.split(", ")
    for order in permutations(tasks):
        right = all(order.index(a) < order.index(b) for a, b in rules)
        assert accepts("task_order", problem, ", ".join(order)) == right


@every_case
def test_mazes_have_a_way_that_a_walk_on_the_picture_finds(level, seed):
    problem = problem_of("maze", level, seed)
    rows = [line for line in problem.question.splitlines() if line.startswith("#")]
    fields = {(r, c): sign for r, row in enumerate(rows) for c, sign in enumerate(row) if sign != "#"}
    (start,) = (cell for cell, sign in fields.items() if sign == "S")
    ways = {start: ""}
    queue = [start]
    for r, c in queue:
        for name, cell in {"U": (r - 1, c), "D": (r + 1, c), "L": (r, c - 1), "R": (r, c + 1)}.items():
            if cell in fields and cell not in ways:
                ways[cell] = ways[r, c] + name
                queue.append(cell)
    for cell, way in ways.items():
        assert accepts("maze", problem, " ".join(way)) == (fields[cell] == "G")
    assert len(problem.solution) == max(map(len, ways.values()))


@cache
def wins(heaps, most):
    """Whether the player to move wins, by trying all moves."""
    return any(not wins(after, most) for after in moves_of(heaps, most))


def moves_of(heaps, most):
    for i, heap in enumerate(heaps):
        for taken in range(1, min(heap, most) + 1):
            yield tuple(sorted((*heaps[:i], heap - taken, *heaps[i + 1 :])))


@pytest.mark.parametrize(
    ("most", "heaps"), [(9, (3, 4, 5)), (9, (1, 5, 7)), (3, (4, 6, 7)), (2, (5, 6, 3, 1)), (4, (9, 3, 8))]
)
def test_moves_of_nim_win_if_no_reply_saves_the_other(most, heaps):
    answer = {"heaps": list(heaps), "most": most}
    for after in product(*(range(heap + 1) for heap in heaps)):
        taken = [a - b for a, b in zip(heaps, after, strict=True) if a != b]
        legal = len(taken) == 1 and taken[0] <= most
        right = legal and not wins(tuple(sorted(after)), most)
        assert FAMILIES["nim"].accepts(answer, ", ".join(map(str, after))) == right


@every_case
def test_moves_of_discs_keep_to_the_rules(level, seed):
    problem = problem_of("tower_of_hanoi", level, seed)
    now, goal = (
        {peg: [int(disc) for disc in re.findall(r"\d", held)] for peg, held in re.findall(r"(\w) holds ([^;.]+)", line)}
        for line in problem.question.splitlines()[1:3]
    )
    for here, there in problem.solution.split(", "):
        disc = now[here].pop(0)
        assert not now[there] or now[there][0] > disc
        now[there].insert(0, disc)
    assert now == goal
    assert accepts("tower_of_hanoi", problem, problem.solution.lower())


@every_case
def test_countdown_expressions_have_the_value_that_python_finds(level, seed):
    problem = problem_of("countdown", level, seed)
    numbers = re.sub(r"[0-9]+", lambda found: f"Fraction({found[0]})", problem.solution)
    assert eval(numbers, {"Fraction": Fraction}) == problem.answer["target"]
    assert sorted(map(int, re.findall(r"\d+", problem.solution))) == problem.answer["numbers"]
    assert accepts("countdown", problem, f"{problem.solution} = {problem.answer['target']}".replace("*", "×"))


def test_expressions_are_evaluated_as_python_does():
    rng = stream(5)
    for _ in range(3000):
        tokens = rng.choices("123+-*/()", k=rng.randint(1, 8))
        spaced = " ".join(re.sub(r"\d", r"Fraction(\g<0>)", token) for token in tokens)
        try:
            # Python also knows signs, calls, // and **, which these expressions don't have.
            unary = any(token in "+-" and (i == 0 or tokens[i - 1] in "+-*/(") for i, token in enumerate(tokens))
            called = any(a not in "+-*/(" and b == "(" for a, b in pairwise(tokens))
            expected = None if unary or called else eval(spaced, {"Fraction": Fraction})
        except (SyntaxError, ZeroDivisionError, TypeError):  # TypeError: Python knows () as a tuple
            expected = None
        found = evaluate(tokens)
        assert found == (expected if isinstance(expected, Fraction) else None), tokens


@pytest.mark.parametrize("seed", range(4))
def test_cryptarithms_accept_every_consistent_sum(seed):
    problem = problem_of("cryptarithm", 1, seed)
    words = problem.answer["words"]
    letters = sorted(set("".join(words)))
    right = 0
    for digits in list(permutations("0123456789", len(letters)))[:: 1 if len(letters) < 6 else 7]:
        value = dict(zip(letters, digits, strict=True))
        a, b, c = ("".join(value[letter] for letter in text) for text in words)
        fits = int(a) + int(b) == int(c) and "0" not in (a[0], b[0], c[0])
        if fits:
            right += 1
            assert accepts("cryptarithm", problem, f"{a} + {b} = {c}")
    assert accepts("cryptarithm", problem, problem.solution)
    assert not accepts("cryptarithm", problem, "100 + 200 = 300")


@every_case
def test_venn_counts_are_those_of_regions_that_fit(level, seed):
    problem = problem_of("venn_counting", level, seed)
    text, ask = problem.question.rsplit(". ", 1)
    verb = re.search(r"\d+ (take|order|play|like) ", text)[1]
    names = re.findall(rf"\d+ {verb} (\w+)", text.split(".")[0])
    names = [name for name in names if name != "both"]
    unit = range(2 ** len(names))
    rows, values = [[1] * len(unit)], [int(re.search(r"Of (\d+)", text)[1])]
    for number, what in re.findall(
        rf"(\d+) (?:{verb} )?((?:\w+ and \w+)|all three|none of the three|both|\w+)(?=[,.]|$)", text
    ):
        bits = sum(1 << names.index(name) for name in names if re.search(rf"\b{name}\b", what))
        bits = len(unit) - 1 if what in ("both", "all three") else bits
        rows.append([int(i == 0) if what.startswith("none") else int(i & bits == bits) for i in unit])
        values.append(int(number))
    regions = np.rint(np.linalg.solve(np.array(rows, dtype=float), np.array(values, dtype=float)))
    positive, _, negative = re.sub("but neither|but not", "neither", ask).partition("neither ")

    def asked(i):
        has = [name for k, name in enumerate(names) if i >> k & 1]
        if "exactly" in ask:
            return len(has) == (1 if "one of" in ask else 2)
        if "none" in ask:
            return not has
        if "at least" in ask:
            return bool(has)
        if "all three" in ask:
            return len(has) == 3
        wanted = [name for name in names if name in positive]
        some = any if " or " in positive else all
        return (not wanted or some(name in has for name in wanted)) and not any(name in negative for name in has)

    assert int(problem.answer) == sum(regions[i] for i in unit if asked(i))


@every_case
def test_set_expressions_mean_what_python_says(level, seed):
    problem = problem_of("set_operations", level, seed)
    given, asked = problem.question.splitlines()[:2]
    sets = {name: set(map(int, held.split(", "))) for name, held in re.findall(r"(\w) = {(.*?)}", given)}
    expression = re.sub(r"^(Which elements has|List the elements of|What is in) ", "", asked.rstrip("?."))
    python = expression.replace("∪", "|").replace("∩", "&").replace("\\", "-").replace("△", "^")
    assert sorted(eval(python, {}, sets)) == problem.answer["elements"]


@every_case
def test_dates_are_those_that_counting_day_by_day_finds(level, seed):
    problem = problem_of("date_arithmetic", level, seed)
    weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    weekday, today = re.search(r"Today is (\w+), (\S+)\.", problem.question).groups()
    year, month, day = map(int, today.split("-"))
    place = weekdays.index(weekday)
    text = problem.question.split(". ", 1)[1]
    count = int(re.search(r"\d+", text)[0])
    step = -1 if " ago" in text or "before" in text else 1
    named = [i for i, name in enumerate(weekdays) if re.search(rf"\b{name}s? ", text.split("All days")[0])]
    while count:
        day, place = day + step, (place + step) % 7
        february = 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28
        lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        if day > lengths[month - 1]:
            day, month = 1, month + 1
        elif day < 1:
            month -= 1
            day = lengths[month - 1] if month else 31
        year, month = year + (month > 12) - (month < 1), (month - 1) % 12 + 1
        count -= place in named if level == 3 else place < 5 if level == 4 else 1
    assert problem.answer == f"{year}-{month:02}-{day:02}"
    assert date.fromisoformat(today).strftime("%A") == weekday


@every_case
def test_the_first_free_time_is_found_minute_by_minute(level, seed):
    problem = problem_of("common_free_time", level, seed)
    times = re.findall(r"(\d\d):(\d\d)-(\d\d):(\d\d)", problem.question)
    busy = {minute for a, b, c, d in times for minute in range(60 * int(a) + int(b), 60 * int(c) + int(d))}
    length = int(re.search(r"for (\d+) minutes", problem.question)[1])
    hour, minute = re.search(r"before (\d\d):(\d\d)", problem.question).groups()
    now = 60 * int(hour) + int(minute)
    while any(minute in busy for minute in range(now, now + length)):
        now += 1
    assert problem.answer == f"{now // 60:02}:{now % 60:02}"


@every_case
def test_relatives_are_those_whose_lines_meet_where_the_relation_says(level, seed):
    problem = problem_of("family_tree", level, seed)
    parent = {}
    for sentence in problem.question.splitlines()[0].removesuffix(".").split(". "):
        form = re.match(r"(\w+) is the only known parent of (.*)|The child(?:ren)? of (\w+) (?:is|are) (.*)", sentence)
        who, born = (form[1], form[2]) if form[1] else (form[3], form[4])
        parent.update(dict.fromkeys(re.split(", | and ", born), who))

    def line(name):
        return [name, *line(parent[name])] if name in parent else [name]

    def steps(name, other):
        """How far up both go to the nearest common forebear."""
        up, across = line(name), line(other)
        meeting = next(forebear for forebear in up if forebear in across)
        return up.index(meeting), across.index(meeting)

    person, relation = re.search(r"(\w+)'s (.*?)[?.]", problem.question.splitlines()[1]).groups()
    distance = {
        "grandchildren": (0, 2),
        "great-grandchildren": (0, 3),
        "siblings": (1, 1),
        "nephews and nieces": (1, 2),
        "aunts and uncles": (2, 1),
        "first cousins": (2, 2),
        "first cousins' children": (2, 3),
        "second cousins": (3, 3),
    }[relation]
    everyone = {*parent, *parent.values()}
    found = {name for name in everyone if name != person and steps(person, name) == distance}
    assert found == set(problem.answer["names"])


@pytest.mark.parametrize("more", ["٣", "３", "²", "①"])
def test_countdown_takes_no_digits_but_its_own(more):
    answer = {"numbers": [4, 5], "target": 12}
    assert not FAMILIES["countdown"].accepts(answer, f"4 + 5 + {more}")
