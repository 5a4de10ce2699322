import random

import pytest

from infinite_rl.datasets.generation.similar import KnownPrompts

MERGE = (
    "Write a Python function merge(a, b) that takes two sorted lists of integers and returns one sorted list of all."
)


@pytest.mark.parametrize(
    "prompt",
    [
        MERGE,
        MERGE.upper(),
        MERGE.replace(" ", "  ").replace(",", " ,"),
        f"{MERGE} Please explain what you do.",
        MERGE.replace("sorted lists", "sorted lsits"),
        f"## Task\n\n{MERGE}\n",
    ],
)
def test_a_prompt_told_again_is_a_duplicate(prompt):
    others = [f"Compute {n} + {n * n} and give the result in words." for n in range(30)]
    assert KnownPrompts([*others, MERGE], 0.9).repeated(prompt) == MERGE
    grown = KnownPrompts(others, 0.9)
    grown.add(MERGE)
    assert grown.repeated(prompt) == MERGE


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("What is 12 + 30?", "What is 12 + 31?"),
        ("A train goes 120 km in 2 hours. How fast is it?", "A train goes 150 km in 3 hours. How fast is it?"),
        ("Write is_prime(n), which returns True if n is prime.", "Write is_even(n), which returns True if n is even."),
        ("Return the largest element of a list.", "Return the smallest element of a list."),
    ],
)
def test_another_problem_of_the_same_form_is_none(first, second):
    assert KnownPrompts([first], 0.9).repeated(second) is None


def test_scripts_without_blanks_are_compared_too():
    prompt = "编写一个函数，返回列表中所有偶数的平方和，并处理空列表的情况。"
    assert KnownPrompts(["请计算三加四。", prompt], 0.9).repeated(prompt.replace("。", "！")) == prompt
    assert KnownPrompts(["请计算三加四。"], 0.9).repeated(prompt) is None


def test_many_prompts_of_one_template_are_told_apart():
    known = KnownPrompts([], 0.9)
    for number in range(600):
        prompt = f"Write a Python program that prints the number {number} in base {2 + number % 9}."
        assert known.repeated(prompt) is None
        known.add(prompt)
    assert len(known) == 600
    assert known.repeated("write a python program that prints the number 17 in base 10!") == known[17]


def test_each_of_many_is_found_whether_it_was_there_or_came_later():
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghij", k=rng.randint(2, 8))) for _ in range(500)]
    prompts = [" ".join(rng.choices(words, k=25)) for _ in range(600)]
    known = KnownPrompts(prompts[:300], 0.9)
    for prompt in prompts[300:]:
        known.add(prompt)
    for prompt in rng.sample(prompts, 60):
        assert known.repeated(f"Now: {prompt.title()}!") == prompt
        assert known.repeated(" ".join(rng.choices(words, k=25))) is None


def test_half_a_character_and_emptiness_do_no_harm():
    known = KnownPrompts(["", "\ud800 x", "a\nb"], 0.9)
    assert known.repeated("\ud800 x") == "\ud800 x"
    assert known.repeated("a b") == "a\nb"
    assert known.repeated("?") is None
