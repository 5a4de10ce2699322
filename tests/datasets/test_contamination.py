"""What counts as contamination: edits do, other problems of the same template don't."""

import importlib.util
from pathlib import Path

import pytest

from infinite_rl.datasets.arithmetic import ArithmeticSource
from infinite_rl.datasets.contamination.audit import contamination
from infinite_rl.datasets.contamination.grams import grams
from infinite_rl.datasets.contamination.normal import normal_form, normal_forms
from infinite_rl.datasets.task import Task

TOM = "Tom has 3 apples and buys 14 more at the market. Later Tom gives 5 apples to Ben. How many apples does Tom have?"
TRAIN = "A train travels 120 kilometres in 3 hours. At the same speed, how far will it travel in 7 hours?"
HELD_OUT = [
    TOM,
    TRAIN,
    "Compute 31 + 47.",
    "What is 6 multiplied by 78?",
    "Solve for x: 12x + 5 = 29.",
    "What is -5 + 13?",
    "What is the capital of France?",
    "How many letters are in the word 'banana'?",
    "Reverse the order of the words in a sentence, and keep the punctuation where it is.",
]


def kinds(*train, evaluation=HELD_OUT, **arguments):
    """The kind of each training row; None where nothing was found."""
    report = contamination(train, evaluation, **arguments)
    found = dict.fromkeys(range(1, len(train) + 1))
    found |= {pair.train.place.number: pair.kind for pair in report.pairs}
    return list(found.values())


@pytest.fixture(scope="module")
def benchmark():
    path = Path(__file__).parents[2] / "benchmarks" / "contamination.py"
    spec = importlib.util.spec_from_file_location("contamination_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bar_holds_on_a_small_sample(benchmark):
    found = benchmark.quality(7, natural=120, templated=60, clean=400)
    assert found["recall_percent_mean"] >= 98
    assert found["recall_percent_worst"] >= 95
    assert found["false_positives_percent_natural"] <= 0.5
    assert found["false_positives_percent_templated"] <= 0.1


@pytest.mark.parametrize(
    "same",
    [
        "compute 31+47",
        "  COMPUTE\n31 +\t47!! ",
        "Compute 31 plus 47",
        "Ｃｏｍｐｕｔｅ ３１ ＋ ４７．",
        "C\u200bompute 31 + 47",
        "Соmрutе 31 + 47.",
        "**Compute** $31 + 47$",
    ],
)
def test_case_punctuation_spacing_and_script_do_not_matter(same):
    assert kinds(same) == ["exact"]


@pytest.mark.parametrize(
    "edited",
    [
        f"Please answer carefully. {TOM} Think step by step.",
        TOM.replace("buys", "purchases").replace("gives", "hands"),
        TOM.replace("market", "makret").replace("apples", "appels"),
        " ".join(TOM.split(". ")[i] for i in (1, 0, 2)),
        TOM.replace("3 apples", "three apples"),
        TOM.removesuffix(" How many apples does Tom have?"),
        "A train goes 120 kilometres in 3 hours. How far will it travel in 7 hours at the same speed?",
        "Compute 31 47",
        "what is 6 × 78",
        "Solve for x: 12 x + 5 = 29",
        "Find x. 12x + 5 = 29. Solve for x.",
        "Reverse the words' order in a sentence and keep punctuation where it is",
    ],
)
def test_an_edited_prompt_is_found(edited):
    assert kinds(edited) in (["near"], ["exact"])


@pytest.mark.parametrize(
    "other",
    [
        TOM.replace("14", "15"),
        TOM.replace("3", "x3x").replace("14", "3").replace("x3x", "14"),
        TOM.replace("Tom", "Sue").replace("Ben", "Ann"),
        TRAIN.replace("120", "240"),
        TRAIN.replace("3 hours", "x hours").replace("7", "3").replace("x hours", "7 hours"),
        "Compute 31 + 48.",
        "Compute 47 + 31.",
        "Compute 31 * 47.",
        "Compute 31 + 47 * 2.",
        "What is 78 multiplied by 6?",
        "Solve for x: 12x - 5 = 29.",
        "What is 5 + 13?",
        "What is the capital of Spain?",
        "How many letters are in the word 'cherry'?",
    ],
)
def test_another_problem_of_the_template_is_reported_apart(other):
    report = contamination([other], HELD_OUT)
    assert (report.contaminated, report.template) == (0, 1)
    assert [pair.kind for pair in report.pairs] == ["template"]


def test_other_text_is_not_flagged():
    assert kinds("Write a poem about the sea.", "How far is the moon?", "", "!!!", "31") == [None] * 5


def test_a_prompt_within_a_long_one_is_found_and_one_that_is_scattered_over_it_is_not():
    chatter = [f"Sentence {i} talks of weather, bread and other things that nobody needs." for i in range(200)]
    assert kinds(" ".join([*chatter[:100], TOM, *chatter[100:]])) == ["near"]
    words = TOM.split()
    scattered = " ".join(f"{' '.join(words[i : i + 2])} {chatter[i]}" for i in range(0, len(words), 2))
    assert "near" not in kinds(scattered)


def test_all_numbers_must_stand_where_the_prompt_does():
    numbers = "Rows 3, 14 and 5 are empty. " + "Nothing is written here today. " * 60
    assert kinds(numbers + TOM.replace("14", "90").replace("5", "60")) == ["template"]


@pytest.mark.parametrize(
    ("prompt", "edited", "other"),
    [
        (
            "请计算小明今天在商店里买了多少个苹果,一共花了多少钱?",
            "请计算小明今天在商店买了多少个苹果,共花了多少钱",
            "请写一首关于春天和大海的诗歌",
        ),
        (
            "Сколько яблок купил Иван на рынке вчера утром?",
            "сколько яблок вчера утром купил Иван на рынке",
            "Напишите стихотворение о море",
        ),
        (
            "कृपया बताइए कि राम ने बाजार से कितने सेब खरीदे",
            "कृपया बताइए राम ने बाजार से कितने सेब खरीदे",
            "समुद्र के बारे में एक कविता लिखिए",
        ),
        (
            "오늘 철수가 시장에서 사과를 몇 개 샀는지 계산하세요",
            "오늘 철수가 시장에서 사과를 몇 개 샀는지 계산해 주세요",
            "바다에 대한 시를 써 주세요",
        ),
    ],
)
def test_scripts_other_than_latin(prompt, edited, other):
    assert kinds(prompt, edited, other, evaluation=[prompt, *HELD_OUT]) == ["exact", "near", None]


def test_prompts_shorter_than_a_gram_are_found_where_they_are_all():
    assert kinds("hi!", "Hi", "say hi to him", "it", evaluation=["Hi", "7?", "?!", "", "🙂"]) == [
        "exact",
        "exact",
        None,
        None,
    ]
    assert kinds("7", "17", "🙂", "🙁", evaluation=["7?", "🙂"]) == ["exact", None, "exact", None]
    story = (
        "Nobody knew. Who is he? they asked, and went on with the work of the day, as on every other day of the year."
    )
    assert kinds(story + " It was late.", evaluation=["Who is he?"]) == [None]


def test_what_all_evaluation_prompts_say_is_not_looked_for():
    closing = "Give the answer rounded to 2 decimals between <answer> and </answer>, and nothing else behind it."
    held_out = [f"{text}\n\n{closing}" for text in HELD_OUT]
    assert kinds(TOM, TRAIN, f"Write a poem.\n\n{closing}", evaluation=held_out) == ["near", "near", None]
    words = [f"{word}\n\nCount the letters of this word." for word in ("banana", "cherry", "plum", "31")]
    assert kinds("I like to eat banana bread.", "There are 31 days in May.", evaluation=words) == [None, None]
    assert kinds("Banana. Count the letters of the word.", words[1], evaluation=words) == ["near", "exact"]


def test_a_prompt_counts_once_however_often_it_is_in_either_set():
    report = contamination([TOM, TOM, "Another."], [TOM, TRAIN, TOM.upper()])
    assert (report.exact, report.near, report.evaluation_found) == (2, 0, 2)
    assert [pair.evaluation.place.number for pair in report.pairs] == [1, 1]
    assert report.share == 2 / 3


def test_procedural_splits_are_clean_and_one_against_itself_is_not():
    train, test = (
        [ArithmeticSource(seed=1, level=4, split=split).task(i) for i in range(200)] for split in ("train", "test")
    )
    assert contamination(train, test).contaminated == 0
    assert contamination(test, test).exact == 200


def test_tasks_and_texts_may_be_given_and_keep_their_ids():
    report = contamination([Task.ask(TOM, "12", id="t7", domain="d")], iter([TRAIN, TOM]))
    (pair,) = report.pairs
    assert (pair.train.id, pair.evaluation.id, pair.score) == ("t7", "2", 1.0)


@pytest.mark.parametrize("threshold", [0, -1, 1.5, float("nan")])
def test_a_threshold_is_a_share(threshold):
    with pytest.raises(ValueError, match="threshold must be"):
        contamination([TOM], [TOM], threshold=threshold)


def test_nothing_on_either_side():
    assert contamination([], HELD_OUT).share == 0
    assert contamination([TOM, ""], []).pairs == ()


def test_batches_change_nothing(monkeypatch):
    rows = [f"{TOM} {i}" if i % 3 else TOM.replace("14", str(i)) for i in range(60)]
    whole = contamination(rows, HELD_OUT)
    monkeypatch.setattr("infinite_rl.datasets.contamination.audit._BATCH", 7)
    monkeypatch.setattr("infinite_rl.datasets.contamination.index._AT_ONCE", 1)
    assert contamination(rows, HELD_OUT) == whole


def test_a_batch_has_the_normal_forms_of_its_texts():
    texts = ["A\x00b", "", "3\n", "+ 4", "(a)*", "b", "x" * 5, "½ * ² é"]
    assert normal_forms(texts) == [normal_form(text) for text in texts]
    hashes, rows = grams(normal_forms(texts))
    for row, text in enumerate(texts):
        assert sorted(hashes[rows == row]) == sorted(grams([normal_form(text)])[0])


def test_hostile_text_is_read_in_time_that_grows_with_its_length():
    evil = ["\ud800", "-" * 50_000, "1+" * 20_000, "a " * 50_000, "(" * 50_000, "\\" * 50_000, "9" * 50_000, TOM * 500]
    report = contamination(evil, [*HELD_OUT, *evil])
    assert report.exact == len(evil)
    assert contamination(evil, HELD_OUT).near == 1
