"""Combinators, rubrics and rubrics in YAML."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.envs.vector import TextVectorEnv
from infinite_rl.rewards import (
    ExactMatchRewardFunction,
    MathRewardFunction,
    RewardFunction,
    RewardFunctionScore,
    Status,
)
from infinite_rl.rewards.auxiliary import repetition_score
from infinite_rl.rewards.composition import Criterion, Gate, Minimum, Product, Sequential, WeightedSum
from infinite_rl.rewards.rubric import Deficits, Rubric, level_of, score_of
from infinite_rl.rewards.rubric_file import load_rubric

RIGHT, WRONG = "<answer>6</answer>", "<answer>7</answer>"


def constant(name, value, weight=1.0, gate=False):
    return Criterion(name, weight, lambda text: value, gate)


class Fixed:
    """A reward function that gives one score, and counts its calls."""

    def __init__(self, **score):
        self.score = RewardFunctionScore(**{"format_score": 1.0, "correctness_score": 1.0} | score)
        self.calls = 0

    def initialize(self):
        pass

    def compute_reward(self, model_output, expected_output, answer_tag="answer"):
        self.calls += 1
        return self.score


def value(combination, response="x"):
    return combination.compute_reward(response, "6").correctness_score


def test_each_combinator_by_its_closed_form():
    parts = [constant("a", 0.5, 1), constant("b", 1.0, 3), constant("c", 0.2, 0)]
    assert value(WeightedSum(parts)) == pytest.approx((0.5 * 1 + 1.0 * 3) / 4)
    assert value(Minimum(parts)) == 0.2
    assert value(Product(parts)) == pytest.approx(0.5 * 1.0 * 0.2)
    assert value(Sequential(parts)) == pytest.approx(0.5 * 1 / 4)
    assert value(Sequential(parts, at_least=0.5)) == pytest.approx((0.5 * 1 + 1.0 * 3) / 4)
    assert value(Gate(parts)) == 0.0
    assert value(Gate(parts, at_least=0.5)) == 0.2


def test_a_closed_gate_and_a_missed_step_spare_what_comes_after():
    for combinator in (Gate, Sequential):
        costly = Fixed()
        tree = combinator([Criterion("right", scorer=MathRewardFunction()), Criterion("judged", scorer=costly)])
        score = tree.compute_reward(WRONG, "6")
        assert (score.correctness_score, score.components["judged"], costly.calls) == (0.0, 0.0, 0)
        assert tree.compute_reward(RIGHT, "6").correctness_score == 1.0
        assert costly.calls == 1


def test_a_tree_is_a_reward_function_and_names_all_its_components():
    inner = Product(
        [Criterion("varied", scorer=repetition_score), Criterion("same", scorer=ExactMatchRewardFunction())]
    )
    tree = WeightedSum([Criterion("right", 3, MathRewardFunction()), Criterion("style", 1, inner)])
    assert isinstance(tree, RewardFunction)
    tree.initialize()
    assert dict(tree.compute_reward("So " + RIGHT, "6").components) == {
        "format": 1.0,
        "correctness": 1.0,
        "right": 1.0,
        "right/format": 1.0,
        "style": 1.0,
        "style/format": 1.0,
        "style/varied": 1.0,
        "style/same": 1.0,
        "style/same/format": 1.0,
    }


class RubricEnv(TextEnv):
    """Asks for a sum, and grades by a rubric."""

    domain = "sums"
    rubric = Rubric([Criterion("right", 3, MathRewardFunction(), gate=True), Criterion("varied", 1, repetition_score)])

    def make_source(self):
        return TaskList([Task.ask("3+3?", "6", id="sum", domain="sums")])

    def grade(self, task, response):
        return self.rubric.compute_reward(response, task.answer)


def test_every_component_reaches_the_info_of_an_environment():
    names = {"format", "correctness", "right", "right/format", "varied", "mean_level", "pass"}
    env = RubricEnv()
    env.reset(seed=0)
    _, reward, _, _, info = env.step(RIGHT)
    assert (reward, set(info["components"])) == (1.0, names)
    envs = TextVectorEnv(RubricEnv, num_envs=2)
    envs.reset(seed=0)
    _, rewards, _, _, infos = envs.step([RIGHT, WRONG])
    found = infos.get("final_info", infos)["components"]
    assert rewards.tolist() == [1.0, pytest.approx(1 / 4)]
    assert names == {name for name in found if not name.startswith("_")}
    assert found["right"].tolist() == [1.0, 0.0]


def test_criteria_may_expect_different_things():
    text = "criteria: [{name: sum, scorer: math, expects: number}, {name: word, scorer: search, expects: words}]"
    rubric = load_rubric(text)
    assert rubric.compute_reward(RIGHT, {"number": 6, "words": ["six", "6"]}).correctness_score == 1.0
    assert rubric.compute_reward(RIGHT, {"number": 7, "words": ["six", "6"]}).correctness_score == 0.5
    for lacking in ("6", None, {"number": 6}):
        score = rubric.compute_reward(RIGHT, lacking)
        assert score.status == "error"
        assert "needs the member" in score.error_msg


def test_format_status_and_messages_come_from_the_parts():
    tree = WeightedSum([constant("a", 1.0), Criterion("right", scorer=MathRewardFunction())])
    score = tree.compute_reward("[answer]7[/answer]", "6")
    assert (score.format_score, score.correctness_score, score.aux_score, score.status) == (0.5, 0.5, 1.0, "scored")
    assert score.error_msg == "right: Mathematical mismatch. Expected 6"
    assert tree.compute_reward("none", "6").status == "no_answer"


def test_a_failure_of_ours_in_any_part_is_a_failure_of_the_whole():
    failed = Fixed(correctness_score=0.0, error_msg="out of budget", status=Status.ERROR)
    no_answer = Fixed(correctness_score=0.0, status=Status.NO_ANSWER)
    for combinator in (WeightedSum, Minimum, Product, Rubric):
        parts = [Criterion("a", scorer=no_answer), Criterion("judge", 0, failed)]
        score = Minimum([Criterion("deep", scorer=combinator(parts))]).compute_reward("x", "6")
        assert (score.status, score.correctness_score) == ("error", 0.0)
        assert score.error_msg == "deep: judge: out of budget"


def test_a_score_that_is_no_number_is_a_failure_of_ours_and_never_a_reward():
    for wrong in (
        {"correctness_score": float("nan")},
        {"correctness_score": float("inf")},
        {"format_score": float("nan")},
    ):
        for combine in (WeightedSum, Minimum, Product, Gate, Rubric):
            score = combine([Criterion("a", 1, Fixed(**wrong))]).compute_reward("x", "6")
            assert (score.status, score.correctness_score) == ("error", 0.0)
            assert "a scored" in score.error_msg


def test_a_function_that_raises_or_returns_nonsense_scores_zero():
    for broken in (lambda text: 1 / 0, lambda text: None, lambda text: float("nan"), lambda text: "1"):
        score = Minimum([Criterion("broken", scorer=broken)]).compute_reward("x", "6")
        assert (score.correctness_score, score.status) == (0.0, "scored")
        assert "Validator error" in score.error_msg
    assert value(Minimum([constant("a", 7.0)])) == 1.0


@pytest.mark.parametrize("name", ["", "a/b", "format", "correctness"])
def test_names_that_would_be_ambiguous_are_refused(name):
    with pytest.raises(ValueError, match="name"):
        Criterion(name)


def test_weights_and_names_are_checked():
    for weight in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="weight of a"):
            Criterion("a", weight)
    for criteria in ([], [constant("a", 1), constant("a", 1)], [constant("a", 1, 0)]):
        with pytest.raises(ValueError, match="criterion"):
            WeightedSum(criteria)
    for at_least in (float("nan"), 1.5, -1, "0.5"):
        with pytest.raises(ValueError, match="at_least"):
            Gate([constant("a", 1)], at_least)
    with pytest.raises(TypeError, match="gate of a is 'false'"):
        Criterion("a", gate="false")
    with pytest.raises(TypeError, match="binary is 'no'"):
        Rubric([constant("a", 1)], binary="no")
    with pytest.raises(ValueError, match="mean_level, pass"):
        Rubric([Criterion("pass"), Criterion("mean_level")])
    score = Rubric([Criterion("a")]).compute_reward("x", "6")
    assert score.status == "error"
    assert "a has no scorer" in score.error_msg


def test_a_binary_reward_maps_to_levels_one_and_four():
    assert [level_of(0.0), level_of(1.0)] == [1, 4]
    rubric = Rubric([Criterion("right", scorer=MathRewardFunction())])
    assert rubric.levels(rubric.compute_reward(WRONG, "6")) == {"right": 1}
    assert rubric.levels(rubric.compute_reward(RIGHT, "6")) == {"right": 4}


@pytest.mark.parametrize(
    ("levels", "weights", "gates", "passes"),
    [
        ([3, 3, 3], [0.1, 0.2, 0.3], [0, 0, 0], True),  # the mean is a rounding below 3
        ([4, 2], [1, 1], [0, 0], True),
        ([4, 2], [1, 1.01], [0, 0], False),
        ([4, 2], [9, 1], [0, 1], False),
        ([4, 2], [9, 1], [1, 0], True),
        ([4, 3], [1, 0], [0, 1], True),
        ([4, 2], [1, 0], [0, 1], False),
        ([1, 1], [1, 1], [0, 0], False),
    ],
)
def test_the_pass_rule_is_a_mean_level_of_three_and_three_at_each_gate(levels, weights, gates, passes):
    rows = zip("abc", weights, gates, strict=False)
    rubric = Rubric([Criterion(name, weight, gate=bool(gate)) for name, weight, gate in rows])
    score = rubric.score_levels(dict(zip("abc", levels, strict=False)))
    assert rubric.passed(score) == passes == score.components["pass"]
    mean = sum(w * level for w, level in zip(weights, levels, strict=True)) / sum(weights)
    assert score.components["mean_level"] == pytest.approx(mean)
    assert score.correctness_score == pytest.approx((mean - 1) / 3)
    binary = Rubric(rubric.criteria, binary=True)
    assert binary.score_levels(rubric.levels(score)).correctness_score == passes


@given(st.lists(st.tuples(st.floats(0.01, 100), st.sampled_from([3, 4])), min_size=1, max_size=8))
def test_levels_of_three_or_more_always_pass(rows):
    rubric = Rubric([Criterion(f"c{i}", weight, gate=True) for i, (weight, _) in enumerate(rows)])
    assert rubric.passed(rubric.score_levels({f"c{i}": level for i, (_, level) in enumerate(rows)}))


def test_levels_that_are_not_the_rubrics_are_refused():
    rubric = Rubric([Criterion("a")])
    for levels in ({}, {"b": 1}, {"a": 0}, {"a": 5}, {"a": float("nan")}):
        with pytest.raises(ValueError, match="levels"):
            rubric.score_levels(levels)


def test_deficits_are_one_minus_the_moving_average_of_scores():
    rubric = Rubric([Criterion("a", 3), Criterion("b", 1)])
    deficits = Deficits(rubric, beta=0.5)
    assert (deficits.by_criterion(), deficits.total) == ({"a": 0.5, "b": 0.5}, 0.5)
    deficits.update(rubric.score_levels({"a": 4, "b": 2}))
    expected = {"a": 1 - (0.5 * 0.5 + 0.5 * 1), "b": 1 - (0.5 * 0.5 + 0.5 * score_of(2))}
    assert deficits.by_criterion() == pytest.approx(expected)
    assert deficits.total == pytest.approx((3 * expected["a"] + expected["b"]) / 4)
    deficits.update(RewardFunctionScore.error("ours"))
    assert deficits.by_criterion() == pytest.approx(expected)
    restored = Deficits(rubric, beta=0.5)
    restored.load_state_dict(json.loads(json.dumps(deficits.state_dict())))
    assert restored.by_criterion() == deficits.by_criterion()
    with pytest.raises(ValueError, match="criteria"):
        Deficits(Rubric([Criterion("x")])).load_state_dict(deficits.state_dict())
    with pytest.raises(ValueError, match="beta"):
        Deficits(rubric, beta=0)


YAML = """
criteria:
  - name: right
    weight: 3
    gate: true
    scorer: math
    description: The answer is right.
  - name: brief
    scorer: {length: {most: 200, margin: 100}}
  - name: style
    scorer:
      sequence:
        at_least: 0.9
        criteria:
          - {name: varied, scorer: repetition}
          - {name: english, scorer: {language: {language: en}}}
          - name: both
            scorer: {min: [{name: formed, scorer: format}, {name: shout, scorer: {shout: {sign: "!"}}}]}
"""
SCORERS = {"shout": lambda sign: lambda text: float(sign not in text)}


def test_a_rubric_in_yaml_is_the_rubric_in_python(tmp_path):
    path = tmp_path / "rubric.yaml"
    path.write_text(YAML, encoding="utf-8")
    for rubric in (load_rubric(path, SCORERS), load_rubric(YAML, SCORERS)):
        score = rubric.compute_reward("It is " + RIGHT, "6")
        assert (score.correctness_score, rubric.passed(score)) == (1.0, True)
        assert {"right", "brief", "style", "style/varied", "style/both/shout", "mean_level"} <= set(score.components)
        assert rubric.compute_reward("It is " + RIGHT + "!", "6").components["style/both/shout"] == 0.0
        wrong = rubric.compute_reward(WRONG, "6")
        assert (wrong.correctness_score, rubric.passed(wrong)) == (pytest.approx(2 / 5), False)
    assert (rubric.criteria[0].gate, rubric.criteria[0].description) == (True, "The answer is right.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("criteria: [", "not YAML"),
        ("[" * 100_000, "not YAML"),
        ("", "rubric: give a list of criteria"),
        ("criteria: 3", "give a list of criteria"),
        ("rubric.yaml", "Path of a file"),
        ("{criteria: [{name: a}], binry: true}", "rubric: unknown binry"),
        ("criteria: [3]", "rubric, criterion 1: give a mapping with a name"),
        ("criteria: [{name: a, wieght: 1}]", r"rubric, criterion 1 \(a\): unknown wieght"),
        ("criteria: [{name: a, weight: x}]", r"criterion 1 \(a\): "),
        ("criteria: [{name: a, scorer: maths}]", r"\(a\): maths: no such scorer. Known are coding, eq"),
        ("criteria: [{name: a, scorer: {math: {}, eq: {}}}]", "one name with its arguments"),
        ("criteria: [{name: a, scorer: {math: {time: 3}}}]", r"\(a\): math: unknown time"),
        ("criteria: [{name: a, scorer: length}]", r"\(a\): length: .*'most'"),
        ("criteria: [{name: a, scorer: {language: {language: xx}}}]", "XX is no script"),
        ("criteria: [{name: a, scorer: {min: [{name: b, scorer: c}]}}]", r"\(a\): min, criterion 1 \(b\): c: no such"),
        ("criteria: [{name: format}]", "can't be a criterion's name"),
        ("criteria: !!python/object/apply:os.getcwd []", "not YAML"),
        ("criteria: [{name: a, gate: 'no'}]", r"rubric, criterion 1 \(a\): gate of a is 'no'"),
        ("{criteria: [{name: a}], binary: 'no'}", "rubric: binary is 'no'"),
        ("[{name: a}, {name: a}]", "rubric: Give at least one criterion"),
        ("&a [*a]", "more than 20000 values"),
        ("criteria: &a [{name: a, scorer: {min: *a}}]", "more than 20000 values"),
        (f"criteria: [{{name: a, weight: {'1' * 5000}}}]", "not YAML that can be used"),
    ],
)
def test_a_malformed_rubric_is_refused_with_its_place(text, message):
    with pytest.raises(ValueError, match=message):
        load_rubric(text)


@pytest.mark.parametrize("bomb", ["&{name} [{parts}]", "&{name} {{<<: [{parts}]}}"], ids=["lists", "merged mappings"])
def test_a_few_lines_of_yaml_that_stand_for_very_many_are_refused_at_once(bomb):
    first = {"&{name} [{parts}]": "&a [1]"}.get(bomb, "&a {k: v}")
    lines = [first, *(bomb.format(name=name, parts=", ".join([f"*{chr(ord(name) - 1)}"] * 9)) for name in "bcdefghijk")]
    start = process_time()
    with pytest.raises(ValueError, match="more than 20000 values"):
        load_rubric("\n".join(f"- {line}" for line in lines))
    assert process_time() - start < 5


def test_a_part_may_be_written_once_and_used_again():
    rubric = load_rubric("[{name: a, scorer: &s {min: [{name: x, scorer: math}]}}, {name: b, scorer: *s}]")
    assert rubric.compute_reward(RIGHT, "6").components["b/x"] == 1.0
