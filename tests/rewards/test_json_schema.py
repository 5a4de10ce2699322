import json
import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.rewards import JsonSchemaRewardFunction
from infinite_rl.rewards.schemas.pattern import Pattern
from infinite_rl.rewards.schemas.text import canonical, read_json
from infinite_rl.rewards.schemas.validation import JsonValidator

GRADER = JsonSchemaRewardFunction()
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}


def score(answer, schema):
    return GRADER.compute_reward(f"<answer>{answer}</answer>", schema)


@pytest.mark.parametrize("answer", ['{"name": "Ada"}', '{"name":"Ada","age":36}', '```json\n{"name": "Ada"}\n```'])
def test_an_answer_that_fits_is_right(answer):
    found = score(answer, PERSON)
    assert (found.correctness_score, found.components["valid_json"], found.error_msg) == (1.0, 1.0, "")
    assert score(answer, json.dumps(PERSON)) == found


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ('{"age": 36}', "$ lacks 'name'"),
        ('{"name": ""}', "$.name has a length of 0"),
        ('{"name": "Ada", "age": -1}', "$.age is out of range"),
        ('{"name": "Ada", "age": true}', "$.age is not of type integer"),
        ('{"name": "Ada", "born": 1815}', "$.born is not allowed"),
        ("[]", "$ is not of type object"),
    ],
)
def test_an_answer_that_does_not_fit_names_the_place(answer, message):
    found = score(answer, PERSON)
    assert (found.correctness_score, found.components["valid_json"], found.status) == (0.0, 1.0, "scored")
    assert message in found.error_msg


@pytest.mark.parametrize(
    "answer",
    [
        "{'name': 'Ada'}",
        '{"name": "Ada"',
        '{"name": "Ada"} {"name": "Ada"}',
        '{"name": "a", "name": "b"}',
        "NaN",
        "1e999",
        'Here: {"name": "Ada"}',
        "```json\n{}\n``` ```json\n{}\n```",
        "9" * 5_000,
        "\0",
        "\ud800",
        '{"name": "Ada",}',
    ],
)
def test_what_is_not_strict_json_is_wrong(answer):
    found = score(answer, {"type": ["object", "number"]})
    assert (found.correctness_score, found.components["valid_json"], found.status) == (0.0, 0.0, "scored")
    assert found.error_msg.startswith("The answer is not JSON")


# Keyword, schema, what fits, what doesn't.
CASES = [
    ({"type": "integer"}, ["1", "1.0", "-0", "1e3"], ["1.5", "true", '"1"', "null"]),
    ({"type": ["null", "boolean"]}, ["null", "false"], ["0", '""']),
    ({"const": {"a": [1, 2]}}, ['{"a": [1.0, 2]}'], ['{"a": [2, 1]}', "1"]),
    ({"const": 1}, ["1", "1.0"], ["true", '"1"']),
    ({"enum": ["a", None, 0]}, ['"a"', "null", "0.0"], ["false", '"b"', "[]"]),
    ({"exclusiveMinimum": 0, "maximum": 1}, ["0.5", "1", '"no number"'], ["0", "1.1"]),
    ({"exclusiveMaximum": 2, "multipleOf": 0.1}, ["0.3", "1.9", "-0.7"], ["2", "0.25"]),
    ({"maxLength": 2}, ['"ab"', '"\U0001f600é"', "123"], ['"abc"']),
    ({"items": {"type": "string"}, "prefixItems": [{"type": "null"}]}, ["[]", '[null, "a"]'], ["[1]", "[null, 1]"]),
    ({"minItems": 1, "maxItems": 2}, ["[1]", "{}"], ["[]", "[1,2,3]"]),
    ({"uniqueItems": True}, ["[1, true, [1], [true]]"], ["[1, 1.0]", '[{"a":1,"b":2},{"b":2,"a":1}]']),
    ({"contains": {"const": 3}}, ["[1,3]"], ["[]", "[1]"]),
    ({"propertyNames": {"pattern": "^[a-z]+$"}}, ['{"ab": 1}', "{}"], ['{"A": 1}', '{"": 1}']),
    ({"minProperties": 1, "additionalProperties": {"type": "null"}}, ['{"a": null}'], ["{}", '{"a": 1}']),
    ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, ["1", "2"], ["0", "3"]),
    ({"anyOf": [{"type": "null"}, {"minimum": 1, "type": "number"}]}, ["null", "1"], ["0", "[]"]),
    ({"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}, ["2", "3"], ["6", "1"]),
    ({"not": {"type": "string"}}, ["1"], ['"a"']),
    ({"items": {"$ref": "#"}, "type": "array"}, ["[[], [[]]]"], ["[[1]]"]),
    ({"$defs": {"x": {"type": "null"}}, "$ref": "#/$defs/x"}, ["null"], ["1"]),
    ({"items": False}, ["[]"], ["[1]"]),
    ({"format": "date", "title": "a hint is not checked"}, ['"no date"'], []),
    ({"maximum": 9007199254740992}, ["9007199254740992"], ["9007199254740993"]),
]


@pytest.mark.parametrize(("schema", "fits", "fails"), CASES, ids=lambda value: str(value)[:40])
def test_each_keyword(schema, fits, fails):
    for answer in fits:
        assert score(answer, schema).correctness_score == 1.0, answer
    for answer in fails:
        assert score(answer, schema).correctness_score == 0.0, answer


@pytest.mark.parametrize(
    "schema",
    [
        {"typ": "integer"},
        {"properties": {"a": {"patternProperties": {}}}},
        {"type": "int"},
        {"minimum": True},
        {"items": [1]},
        {"required": "name"},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#/$defs/missing"},
        {"multipleOf": 0},
        {"pattern": "(a|b)"},
        {"type": [{}]},
        {"enum": [object()]},
        {"const": {1, 2}},
        {"minimum": float("inf")},
        {"multipleOf": float("nan")},
        "{",
        '{"a":' * 5_000,
    ],
)
def test_a_schema_that_cannot_be_held_is_our_error(schema):
    found = score("1", schema)
    assert found.status == "error"
    assert found.error_msg.startswith("The expected answer can't be used: ")


@pytest.mark.parametrize("schema", [True, None, 3, ["a"], "[1]", lambda answer: True])
def test_a_schema_of_another_type_is_refused(schema):
    found = score("1", schema)
    assert found.status == "error"
    assert "Give a JSON schema" in found.error_msg


def test_a_long_enum_is_looked_up_and_not_searched_for_each_item():
    start = process_time()
    schema = {"items": {"enum": [f"value {i}" for i in range(2_000)]}}
    assert score(json.dumps(["value 1999"] * 7_000), schema).correctness_score == 1.0
    assert process_time() - start < 5


TWICE = {"$defs": {"t": {"anyOf": [{"items": {"$ref": "#/$defs/t"}, "type": "array"}] * 2}}, "$ref": "#/$defs/t"}


@pytest.mark.parametrize(
    ("answer", "schema"),
    [
        ("[" * 100_000, {}),
        ("[" * 45_000 + "]" * 45_000, {}),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, {}),
        ("[" * 60 + "]" * 60, {}),
        ("[" * 40 + "1" + "]" * 40, TWICE),
        ("1", {"$ref": "#"}),
        ("[" + "1," * 49_000 + "1]", {"items": {"allOf": [{}] * 10}}),
    ],
)
def test_depth_and_work_are_bounded(answer, schema):
    start = process_time()
    found = score(answer, schema)
    assert found.status == "resource_limit"
    assert found.correctness_score == 0.0
    assert process_time() - start < 10


def test_equal_items_are_found_in_time_even_where_their_hashes_are_made_to_collide():
    colliding = [i * (2**61 - 1) for i in range(1, 4_000)]
    start = process_time()
    assert score(json.dumps(colliding), {"uniqueItems": True}).correctness_score == 1.0
    assert process_time() - start < 5


@pytest.mark.parametrize("unit", ["<", "[", '{"a":', "\0", "\ud800", "1,", '"\\ud800"', "```", "-", "1e"])
def test_a_megabyte_of_anything_is_no_trap(unit):
    for response in (unit * (1_000_000 // len(unit)), f"<answer>{unit * (99_000 // len(unit))}</answer>"):
        start = process_time()
        assert GRADER.compute_reward(response, {}).correctness_score == 0.0
        assert process_time() - start < 10


def test_one_value_in_two_spellings_is_one_answer():
    assert GRADER.compute_reward('<answer>{"a":1}</answer><answer>{ "a": 1.0 }</answer>', {}).correctness_score == 1.0
    assert GRADER.compute_reward("<answer>1</answer><answer>true</answer>", {}).correctness_score == 0.0


PATTERNS = [
    "^a+$",
    "ab",
    "^[a-c]{2,3}",
    "a?b*c$",
    "^.b.$",
    r"^\d{2}-\w+\s?$",
    "[^ab]",
    "^$",
    "",
    "a{0,3}b",
    "^[]$",
    "a*?b",
]


@given(st.text("abc-1 \n_", max_size=12))
def test_patterns_match_what_regular_expressions_match(text):
    for source in PATTERNS:
        if source == "^[]$":  # nothing, as in ECMAScript; Python refuses it
            assert not Pattern(source).search(text)
            continue
        reference = source[:-1] + r"\Z" if source.endswith("$") else source
        assert Pattern(source).search(text) == bool(re.search(reference, text, re.ASCII)), source


@pytest.mark.parametrize(
    "source", ["(a)", "a|b", "a**", "[a", "a{", "a{2,1}", "a{999}", r"\b", r"\1", "\\", "^a^", "a$b", "{2}"]
)
def test_a_pattern_outside_the_subset_is_refused(source):
    with pytest.raises(ValueError, match="pattern"):
        Pattern(source)


def test_a_pattern_that_would_backtrack_takes_linear_time():
    pattern = Pattern("^[ab]*a[ab]*a[ab]*a[ab]{0,90}[ab]*c$")
    used = []
    for size in (20_000, 80_000):
        start = process_time()
        assert not pattern.search("a" * size + "d")
        used.append(process_time() - start)
    assert used[1] < 4 * 4 * used[0] + 0.2


def test_canonical_text_tells_booleans_from_numbers_and_no_spelling_from_another():
    assert canonical(read_json("[1.0, 1e16, true]")) == canonical(read_json("[1, 10000000000000000, true]"))
    assert canonical(1) != canonical(True)
    assert canonical(2**53 + 1) != canonical(float(2**53))


def test_a_validator_can_be_used_again():
    validator = JsonValidator({"items": {"type": "null"}})
    assert [validator.problem(value) for value in ([None] * 150_000, [None] * 150_000)] == ["", ""]
