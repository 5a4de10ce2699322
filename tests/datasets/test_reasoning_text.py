"""Each family of text against a second computation, which reads the question alone wherever that is possible."""

import re
from collections import Counter
from itertools import groupby, product, zip_longest
from string import ascii_lowercase as alphabet

import pytest

from infinite_rl.datasets.procedural import stream
from infinite_rl.datasets.reasoning.families import FAMILIES
from infinite_rl.datasets.reasoning.lists import integers_in, same_items, words_in

CASES = [(level, seed) for level in (1, 2, 3, 4) for seed in range(8)]
every_case = pytest.mark.parametrize(("level", "seed"), CASES)


def problem_of(name, level, seed):
    return FAMILIES[name].problem(stream(level, seed), level)


def accepts(name, problem, given):
    return FAMILIES[name].accepts(problem.answer, given)


def last_line(problem):
    return problem.question.splitlines()[-1]


@every_case
def test_letters_are_counted_one_by_one(level, seed):
    problem = problem_of("letter_counts", level, seed)
    letters = re.search(r"\w(?:, \w){3}", problem.question)[0].split(", ")
    counted = Counter(last_line(problem))
    assert accepts("letter_counts", problem, " ".join(str(counted[letter]) for letter in letters))


@every_case
def test_patterns_are_counted_where_they_overlap_too(level, seed):
    problem = problem_of("pattern_counts", level, seed)
    patterns = re.search(r"\w{2}, \w{2}, \w{3}", problem.question)[0].split(", ")
    counts = [len(re.findall(f"(?={pattern})", last_line(problem))) for pattern in patterns]
    assert accepts("pattern_counts", problem, ", ".join(map(str, counts)))


@every_case
def test_places_in_the_alphabet_add_up(level, seed):
    problem = problem_of("alphabet_sum", level, seed)
    words = last_line(problem).split()
    weights = range(1, 4) if level == 4 else [1] * len(words)
    total = sum((ord(a) - 96) * weight for text, weight in zip(words, weights, strict=True) for a in text)
    assert problem.answer == str(total)


def number_of(text):
    """The value of a number in English words, read from the left."""
    names = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    value = {name: i for i, name in enumerate(f"{names} seventeen eighteen nineteen".split())}
    tens = "twenty thirty forty fifty sixty seventy eighty ninety"
    value |= {name: 10 * i for i, name in enumerate(tens.split(), 2)}
    total = part = 0
    for name in text.replace("-", " ").replace(" and ", " ").split():
        if name == "hundred":
            part *= 100
        elif name in (large := {"thousand": 10**3, "million": 10**6, "billion": 10**9}):
            total, part = total + part * large[name], 0
        else:
            part += value[name]
    return total + part


@every_case
def test_numbers_in_words_are_read_back(level, seed):
    problem = problem_of("number_words", level, seed)
    first, *others = re.split(r", (?=plus|minus)", problem.key)
    signs = {"plus": 1, "minus": -1}
    value = number_of(first) + sum(signs[(part := other.split(" ", 1))[0]] * number_of(part[1]) for other in others)
    assert problem.answer == str(value)
    assert problem.key in problem.question


@every_case
def test_sorted_words_stand_in_pairs_as_the_rule_says(level, seed):
    problem = problem_of("unusual_sort", level, seed)
    rank = {
        "last letter;": lambda text: text[-1:],
        "shortest first": lambda text: len(text),
        "longest first": lambda text: 100 - len(text),
        "second letter": lambda text: text[1:2],
        "last two letters": lambda text: text[-2:],
        "written backwards": lambda text: "".join(reversed(text)),
        "vowels": lambda text: len(re.findall("[aeiou]", text)),
        "different letters": lambda text: len(Counter(text)),
        "comes last in the alphabet": lambda text: sorted(text)[-1],
    }
    (value,) = (value for name, value in rank.items() if name in problem.question)
    left = last_line(problem).split(", ")
    order = []
    while left:
        order.append(min(left, key=lambda text: (value(text), text)))
        left.remove(order[-1])
    assert accepts("unusual_sort", problem, " ".join(order))


@every_case
def test_words_are_written_by_taking_letters_away(level, seed):
    problem = problem_of("letter_pool", level, seed)
    letters = re.search(r"letters ((?:\w )*\w),", problem.question)[1].split()
    right = []
    for text in last_line(problem).split(", "):
        left = list(letters)
        for letter in text:
            if letter in left:
                left.remove(letter)
        if len(left) == len(letters) - len(text):
            right.append(text)
    assert len(right) >= 2
    assert accepts("letter_pool", problem, " and ".join(right[::-1]))


@every_case
def test_lists_differ_where_words_are_counted(level, seed):
    problem = problem_of("list_difference", level, seed)
    held = re.findall(r"List \d: (.*)", problem.question)
    counted = Counter(text for listed in held for text in listed.split(", "))
    wanted = 1 if len(held) == 2 else 2
    assert sorted(text for text, number in counted.items() if number == wanted) == problem.answer["words"]


@every_case
def test_letters_are_taken_in_turn(level, seed):
    problem = problem_of("interleaving", level, seed)
    words = [text.split()[0][::-1] if "backwards" in text else text for text in last_line(problem).split(", ")]
    assert problem.answer == "".join("".join(letters) for letters in zip_longest(*words, fillvalue=""))


@every_case
def test_ladders_are_found_by_search_and_accepted(level, seed):
    problem = problem_of("code_ladder", level, seed)
    start, goal, listed = re.search(r"from (\w+) to (\w+): .* list: (.*)\.", problem.question).groups()
    ways = {start: [start]}
    queue = [start]
    for code in queue:
        for other in listed.split(", "):
            if other not in ways and [a == b for a, b in zip(code, other, strict=True)].count(False) == 1:
                ways[other] = [*ways[code], other]
                queue.append(other)
    assert accepts("code_ladder", problem, ", ".join(ways[goal]))
    assert accepts("code_ladder", problem, problem.solution)
    assert not accepts("code_ladder", problem, ", ".join([*ways[goal][:-1], "zzz", goal]))


@every_case
def test_plain_texts_encipher_to_what_the_question_shows(level, seed):
    problem = problem_of("decipher", level, seed)
    secret = last_line(problem)

    def moved(letter, by):
        return chr((ord(letter) - 97 + by) % 26 + 97) if letter != " " else letter

    if level == 3:
        key = re.search(r"the key (\w{3})", problem.question)[1]
        letters = iter([moved(a, ord(key[i % 3]) - 97) for i, a in enumerate(problem.answer.replace(" ", ""))])
        found = "".join(" " if a == " " else next(letters) for a in problem.answer)
        assert found == secret
        return
    plain = "".join(a if a == " " else chr(219 - ord(a)) for a in problem.answer) if level == 2 else problem.answer
    shifts = [by for by in range(26) if "".join(moved(a, by) for a in plain) == secret]
    assert len(shifts) == 1
    assert level == 4 or f"{shifts[0]} places" in problem.question


@every_case
def test_texts_are_rewritten_letter_by_letter(level, seed):
    problem = problem_of("rewriting", level, seed)
    rules = dict(re.findall(r"(\w) → (\w+)", problem.question))
    start, rounds = re.search(r"Start with (\w+) and do (\d) rounds", problem.question).groups()

    def grown(letter, left):
        return "".join(grown(part, left - 1) for part in rules[letter]) if left else letter

    assert problem.answer == "".join(grown(letter, int(rounds)) for letter in start)


@every_case
def test_runs_decode_to_the_text(level, seed):
    problem = problem_of("run_lengths", level, seed)
    shown = last_line(problem)
    if level < 3:
        assert problem.answer == "".join(int(n) * a for n, a in re.findall(r"(\d)(\w)", shown))
    else:
        assert problem.answer == "".join(f"{len(list(run))}{a}" for a, run in groupby(shown))


@every_case
def test_completed_brackets_vanish_pair_by_pair(level, seed):
    problem = problem_of("bracket_completion", level, seed)
    text = last_line(problem) + problem.solution
    for _ in range(len(text)):
        text = text.replace("()", "").replace("[]", "").replace("{}", "")
    assert not text
    assert set(problem.solution) <= set(")]}")
    assert len(problem.solution) >= level + 3


@every_case
def test_palindromes_are_accepted_if_none_is_longer(level, seed):
    problem = problem_of("longest_palindrome", level, seed)
    text = last_line(problem)
    parts = {text[i:j] for i, j in product(range(len(text)), range(len(text) + 1)) if i < j}
    palindromes = [part for part in parts if list(part) == list(reversed(part))]
    longest = max(map(len, palindromes))
    for part in parts:
        assert accepts("longest_palindrome", problem, part) == (part in palindromes and len(part) == longest)
    letters = [letter for letter in alphabet if letter not in text]
    assert not accepts("longest_palindrome", problem, letters[0] * longest)


@every_case
def test_words_are_reversed(level, seed):
    problem = problem_of("reverse_words", level, seed)
    words = problem.question.split(": ")[-1]
    assert problem.answer.split() == (words[::-1].split() if level >= 3 else words.split()[::-1])


def test_lists_are_read_in_any_sensible_spelling():
    assert words_in("Ada, Ben and Cleo.") == ["ada", "ben", "cleo"]
    assert words_in("[ada; ben]") == ["ada", "ben"]
    assert integers_in("{1, -2,\n3}") == [1, -2, 3]
    assert integers_in("1, x") is None
    assert integers_in("9" * 16) is None
    assert integers_in("²") is None
    assert integers_in("--1") is None
    assert same_items("b, A", ["a", "B"])
    assert not same_items("a, a, b", ["a", "b"])
    assert same_items("None.", [])
    assert not same_items("", [])


def test_no_code_of_a_ladder_reads_as_the_and_of_a_list():
    for seed in range(200):
        problem = problem_of("code_ladder", 1, seed)
        assert not any("d" in code for code in problem.answer["codes"])
        assert accepts("code_ladder", problem, problem.solution.replace(", ", " and "))
