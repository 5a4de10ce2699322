import json

import pytest

from infinite_rl.datasets.checks import ROLES, graders
from infinite_rl.datasets.files import load_tasks
from infinite_rl.envs.coding import CodingEnv
from infinite_rl.envs.grading import Graders
from infinite_rl.envs.math import MathEnv

USER = {"role": "user", "content": "1+1?"}
ROW = {"messages": [USER], "answer": "2"}


def written(tmp_path, row):
    path = tmp_path / "tasks.jsonl"
    path.write_text(f"{json.dumps(ROW)}\n{row if isinstance(row, str) else json.dumps(row)}\n")
    return path


def with_metadata(answer="2", **metadata):
    return ROW | {"answer": answer, "metadata": metadata}


MALFORMED = [
    (
        ROW | {"messages": [{"role": "usr", "content": "?"}]},
        "\"messages[0].role\" is 'usr'. Did you mean 'user'?",
    ),
    (
        ROW | {"messages": [USER, {"role": "System", "content": ""}]},
        "\"messages[1].role\" is 'System'. Did you",
    ),
    (with_metadata(grader="maths"), "\"metadata.grader\" is 'maths'. Did you mean 'math'? There are math, coding, eq,"),
    (with_metadata(grader=7), '"metadata.grader" is 7. There are math, '),
    (with_metadata(answer_form="numerals"), "\"metadata.answer_form\" is 'numerals'. Did you mean 'numeral'? There"),
    (with_metadata(answer_form=None), '"metadata.answer_form" is None. There are any, numeral, simplified.'),
    (with_metadata(expression=3), '"metadata.expression" must be text'),
    (with_metadata(weights=[1.0, float("nan")]), '"metadata.weights[1]" is nan, not a finite number'),
    (ROW | {"grader": "math"}, '"grader" belongs into "metadata"'),
    (ROW | {"answer": float("nan")}, '"answer" is nan, not a finite number'),
    (ROW | {"answer": {"cases": [{"result": float("-inf")}]}}, '"answer.cases[0].result" is -inf, not a finite number'),
    (json.dumps(ROW)[:-4] + "1e999}", '"answer" is inf, not a finite number'),
    (ROW | {"answer": " \n"}, '"answer" is empty. Give null where nothing is expected.'),
    (ROW | {"answer": []}, '"answer" is empty'),
    (ROW | {"answer": {}}, '"answer" is empty'),
    (ROW | {"answer": ["2", "\ud800"]}, '"answer[1]" holds half of a character'),
    (ROW | {"messages": [{"role": "user", "content": "a\udc00"}]}, '"messages[0].content" holds half of a character'),
    (ROW | {"id": "a\udc00"}, '"id" holds half of a character'),
    (ROW | {"answer": {"a\udc00": 1}}, "holds half of a character"),
    (ROW | {"id": ["a"]}, '"id" must be text or a number'),
    (ROW | {"id": " "}, '"id" must be text or a number'),
    (ROW | {"domain": 3}, '"domain" must be text'),
    (ROW | {"domain": ""}, '"domain" must be text'),
    ({"mesages": [USER], "answer": "2"}, "Is 'mesages' meant to be it?"),
    (json.dumps(ROW)[:-1] + ', "answer": "3"}', "not JSON (an object has two members of the same name, 'answer'"),
    (
        with_metadata(True, grader="math"),
        "\"answer\" can't be used by the grader 'math': The expected answer is of",
    ),
    (with_metadata("1\u200b", grader="math"), "\"answer\" can't be used by the grader 'math': character U+200B is not"),
    (with_metadata("2", grader="callable"), "\"answer\" can't be used by the grader 'callable'"),
    (
        with_metadata({"cases": [{"args": 3}]}, grader="coding"),
        "\"answer\" can't be used by the grader 'coding': ",
    ),
    (with_metadata({"answer": "C", "options": ["a", "b"]}, grader="multiple_choice"), "'C' names no option"),
    (with_metadata({"type": "nothing"}, grader="json_schema"), "\"answer\" can't be used by the grader 'json_schema'"),
    (with_metadata({"family": "x"}, grader="family"), "'x' is no family that judges answers"),
    (with_metadata([3, None], grader="search"), "\"answer\" can't be used by the grader 'search'"),
    ({"question": "?", "answer": "1" * 5_000}, "\"answer\" can't be used by the grader 'math': longer than 2,000"),
    ({"question": "a\ud800", "answer": "1"}, '"messages[0].content" holds half of a character'),
]


@pytest.mark.parametrize(("row", "says"), MALFORMED)
def test_what_could_not_be_graded_is_named_with_its_line_and_field_when_it_is_loaded(tmp_path, row, says):
    path = written(tmp_path, row)
    with pytest.raises(ValueError) as caught:
        load_tasks(path)
    assert str(caught.value).startswith(f"{path}, line 2: ")
    assert says in str(caught.value)


@pytest.mark.parametrize("role", ROLES)
def test_the_roles_of_openai_are_known(tmp_path, role):
    messages = [USER, {"role": role, "content": "x"}, {"role": "assistant", "content": None, "tool_calls": [{}]}]
    assert load_tasks(written(tmp_path, ROW | {"messages": messages})).task(1).messages[1]["role"] == role


def test_graders_that_may_be_named_are_those_that_judge():
    assert graders().keys() == Graders("math").rewards.keys()


@pytest.mark.parametrize("environment", [MathEnv, CodingEnv])
def test_an_environment_checks_answers_by_its_own_grader(tmp_path, environment):
    with pytest.raises(ValueError, match=r"line 2: \"answer\" can't be used by the grader '(math|coding)'"):
        environment(str(written(tmp_path, ROW | {"answer": True})))
    row = with_metadata(["2", "two"], grader="search")  # a row that names another one is judged by that
    assert environment(str(written(tmp_path, row))).tasks.size == 2


def test_messages_of_tables_lose_members_that_only_other_messages_have(tmp_path):
    messages = [USER | {"name": None, "tool_calls": None}]
    assert load_tasks(written(tmp_path, ROW | {"messages": messages})).task(1).messages == (USER,)
