r"""How rows of known datasets become tasks. The keys of a row tell its layout.

| layout | keys | answer |
|---|---|---|
| trainer | ``messages``, ``answer`` | as it stands |
| HumanEval | ``prompt``, ``entry_point``, ``test`` | the tests |
| MBPP | ``text`` or ``prompt``, ``code``, ``test_list`` | the tests |
| MATH, AIME | ``problem``, and ``answer`` or ``solution`` | the answer, else the last ``\boxed{…}`` of the solution |
| GSM8K | ``question``, ``answer`` | what stands behind ``####``, else the answer |
| generated | ``prompt``, ``answer`` and maybe ``type``, ``language``, … | as it stands, with the language |

``messages``, ``answer`` and ``metadata`` may be given as JSON text, in ``messages_json`` and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from math import isfinite, nan
from typing import Any, TypeAlias

from ..rewards.boxed import last_boxed
from ..rewards.code.cases import check_language, with_language
from ..rewards.extraction import extract_answer
from .checks import RowError, check_spelling, check_task
from .coding.source import CLOSING as CODE_CLOSING
from .naming import misspelt
from .reasoning.source import TAGGED
from .rows import is_text, read_json
from .task import Message, Task

Fields: TypeAlias = Mapping[str, Any]


# What is read from "metadata" alone; beside it, it would be lost.
_METADATA = ("grader", "answer_form", "expression")
_CLOSINGS = {"math": TAGGED, "coding": CODE_CLOSING}
_TAG = "<answer>"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a row that doesn't say so itself gets; the grader may be unknown."""

    id: str
    domain: str
    grader: str | None = None


def parse_row(row: object, defaults: Defaults) -> Task:
    """The task of a row.

    Raises:
        RowError: it is malformed, or of no known layout.
    """
    if not isinstance(row, Mapping):
        raise RowError('not an object. Each row needs "messages" and "answer".')
    # AIME's files write their keys in different cases.
    fields = {str(name).lower(): value for name, value in row.items()}
    fields = _decoded(fields)
    # What is null is not there; but an answer may be null.
    fields = {name: value for name, value in fields.items() if value is not None or name == "answer"}
    for needed, make in _LAYOUTS:
        if needed <= fields.keys():
            task = make(fields, defaults)
            check_task(task, defaults.grader)
            return task
    found = ", ".join(map(repr, list(fields)[:8])) or "nothing"
    raise RowError(
        f'"{_missing(fields)}" is missing; there is {found}.{_meant(fields)} Each row needs "messages" and "answer"; '
        "docs/datasets.md has more layouts."
    )


def _decoded(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, with those that tables hold as JSON text, since their types differ from row to row."""
    for name in ("messages", "answer", "metadata"):
        text = fields.pop(f"{name}_json", None)
        if text is None:
            continue
        if fields.get(name) is not None:
            raise RowError(f'"{name}" and "{name}_json" exclude each other.')
        try:
            fields[name] = read_json(text) if isinstance(text, str) else text
        except ValueError as error:
            raise RowError(f'"{name}_json" is not JSON ({error}).') from None
    return fields


def _missing(fields: Fields) -> str:
    """What a row needs that is next to a layout."""
    for needed, _ in _LAYOUTS:
        lacking = needed - fields.keys()
        if len(lacking) == 1:
            return lacking.pop()
    return "messages"


def _meant(fields: Fields) -> str:
    known = {name for needed, _ in _LAYOUTS for name in needed}
    for name in fields:
        if name not in known and (near := get_close_matches(name, known - fields.keys(), n=1)):
            return f" Is {name!r} meant to be {near[0]!r}?"
    return ""


def _trainer(fields: Fields, defaults: Defaults) -> Task:
    messages, metadata = _messages(fields), fields.get("metadata", {})
    if not any(str(message["content"] or "").strip() for message in messages):
        raise RowError("the messages hold no text, so there is nothing to answer.")
    if not isinstance(metadata, Mapping):
        raise RowError('"metadata" must be an object.')
    check_spelling(fields, ("id", "domain", "metadata"))
    if lost := [name for name in _METADATA if name in fields]:
        raise RowError(f'"{lost[0]}" belongs into "metadata".')
    # Parquet gives all messages the members of any, null where they have none.
    opening = tuple({k: v for k, v in message.items() if v is not None or k == "content"} for message in messages)
    return Task(_id(fields, defaults), _domain(fields, defaults), opening, fields["answer"], dict(metadata))


def parse_conversation(row: object) -> list[Message]:
    """The messages of a row from which a model is to learn what to say.

    Raises:
        RowError: it has none, or none of the assistant.
    """
    if not isinstance(row, Mapping) or "messages" not in row:
        raise RowError('"messages" is missing. Each row needs the messages of a conversation.')
    messages = _messages(row)
    if not any(message["role"] == "assistant" for message in messages):
        raise RowError('"messages" has none of the assistant, so there is nothing to learn from it.')
    return messages


def _messages(fields: Fields) -> list[Message]:
    messages = fields["messages"]
    if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
        raise RowError('"messages" must be a non-empty list of {"role": …, "content": …} with text in both.')
    return messages


def _is_message(message: object) -> bool:
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        return False
    content, calls = message.get("content"), message.get("tool_calls")
    if calls is not None and not (isinstance(calls, list) and all(isinstance(call, Mapping) for call in calls)):
        return False
    return isinstance(content, str) or (content is None and bool(calls))


def _humaneval(fields: Fields, defaults: Defaults) -> Task:
    prompt, function = _text(fields, "prompt"), _text(fields, "entry_point")
    request = f"Complete this Python function, and write it out whole:\n\n```python\n{prompt.strip()}\n```"
    # The tests of some use helpers that the prompt defines.
    answer = {"language": "python", "function": function, "setup": _whole(prompt), "tests": _text(fields, "test")}
    return _coding(fields, defaults, request, answer, prompt + str(fields.get("canonical_solution", "")))


def _whole(prompt: str) -> str:
    """A prompt that ends in the head of a function, without even a docstring, gets a body; others stay as they are."""
    last = prompt.rstrip().rpartition("\n")[2]
    return f"{prompt.rstrip()}\n{' ' * (len(last) - len(last.lstrip()))}    pass\n" if last.endswith(":") else prompt


def _mbpp(fields: Fields, defaults: Defaults) -> Task:
    text = _text(fields, "text" if "text" in fields else "prompt")
    tests, code = fields["test_list"], _text(fields, "code")
    if not isinstance(tests, list) or not tests or not all(isinstance(test, str) for test in tests):
        raise RowError('"test_list" must be a non-empty list of texts.')
    imports = fields.get("test_imports", [])
    if not isinstance(imports, list) or not all(isinstance(line, str) for line in imports):
        raise RowError('"test_imports" must be a list of texts.')
    setup = "\n".join([*imports, str(fields.get("test_setup_code", ""))])
    request = f"{text.strip()}\n\nThe Python function must pass such tests:\n\n```python\n" + "\n".join(tests) + "\n```"
    answer = {"language": "python", "function": _called(tests[0]), "tests": tests, "setup": setup}
    return _coding(fields, defaults, request, answer, code)


def _coding(fields: Fields, defaults: Defaults, request: str, answer: Fields, solution: str) -> Task:
    return Task.ask(
        f"{request}\n\n{CODE_CLOSING}",
        dict(answer),
        id=_id(fields, defaults, "task_id"),
        domain=defaults.domain,
        grader="coding",
        solution=solution,
    )


def _called(test: str) -> str:
    """The function that an assert of MBPP calls: the first name before a bracket that is not a helper's."""
    helpers = {"assert", "set", "sorted", "tuple", "list", "len", "round", "abs", "str", "math", "isclose", "not"}
    name = ""
    for letter in test:
        if letter == "_" or letter.isalnum():
            name += letter
        elif letter == "(" and name and name not in helpers:
            return name
        else:
            name = ""
    raise RowError(f'the test {test[:60]!r} of "test_list" calls no function.')


def _problem(fields: Fields, defaults: Defaults) -> Task:
    answer = fields.get("answer")
    if answer is None and "solution" in fields:
        answer = _boxed(_text(fields, "solution"))
        if answer is None:
            raise RowError('"answer" is missing, and "solution" holds no \\boxed{…}.')
    subject = fields.get("subject", fields.get("type"))
    domain = f"{defaults.domain}/{subject}" if isinstance(subject, str) else defaults.domain
    level = str(fields.get("level", "")).removeprefix("Level ")
    extra = {"level": int(level)} if level.isdecimal() and len(level) < 3 else {}
    return _math(_id(fields, defaults, "id", "unique_id"), domain, _text(fields, "problem"), answer, **extra)


def _boxed(solution: str) -> str | None:
    r"""The last boxed answer of a solution; the MATH data also write ``\fbox{…}`` and ``\boxed 5$``."""
    found = last_boxed(solution.replace("\\fbox{", "\\boxed{"))
    if found is None and "\\boxed " in solution:
        found = solution.rpartition("\\boxed ")[2].partition("$")[0].strip()
    return found or None


def _question(fields: Fields, defaults: Defaults) -> Task:
    answer = fields["answer"]
    if isinstance(answer, str) and "####" in answer:
        answer = answer.rpartition("####")[2].strip().replace(",", "")
    return _math(_id(fields, defaults), defaults.domain, _text(fields, "question"), answer)


def _math(id: str, domain: str, question: str, answer: Any, **metadata: Any) -> Task:
    # Tables say with NaN that there is nothing.
    if answer is None or answer != answer or not str(answer).strip():
        raise RowError('"answer" is empty.')
    infinite = isinstance(answer, float) and not isfinite(answer)
    if isinstance(answer, bool) or infinite or not isinstance(answer, str | int | float):
        raise RowError('"answer" must be text or a number.')
    text = f"{question.strip()}\n\n{TAGGED}"
    return Task.ask(text, str(answer), id=id, domain=domain, grader="math", solution=str(answer), **metadata)


def _prompt(fields: Fields, defaults: Defaults) -> Task:
    # Tables have empty cells for what is not there.
    fields = {name: value for name, value in fields.items() if value != "" or name in ("prompt", "answer")}
    check_spelling(fields, ("id", "domain", "metadata"))
    prompt, answer, kind = _text(fields, "prompt"), fields["answer"], _kind(fields.get("type"))
    given = fields.get("metadata", {})
    if not isinstance(given, Mapping):
        raise RowError('"metadata" must be an object.')
    metadata: dict[str, Any] = {}
    if kind in _CLOSINGS:
        defaults = replace(defaults, domain=f"{defaults.domain}/{kind}")
        metadata = {"grader": kind, **_generated(fields, kind)}
        if _TAG not in prompt.lower():
            prompt = f"{prompt.strip()}\n\n{_CLOSINGS[kind]}"
        if kind == "coding" and "language" in fields and not _is_blank(answer):
            answer = _with_language(answer, fields["language"])
    messages: tuple[Message, ...] = ({"role": "user", "content": prompt},)
    return Task(_id(fields, defaults), _domain(fields, defaults), messages, answer, metadata | dict(given))


def _kind(value: Any) -> Any:
    """The type of a generated row as it is written here; others are no business of ours."""
    if not isinstance(value, str):
        return value
    kind = value.strip().lower()
    if slip := misspelt([kind], _CLOSINGS):
        raise RowError(f'"type" is {value!r}. Is it meant to be {slip[1]!r}?')
    return kind if kind in _CLOSINGS else value


def _is_blank(answer: Any) -> bool:
    return answer is None or (isinstance(answer, str) and not answer.strip())


def _with_language(answer: Any, language: Any) -> Any:
    try:
        check_language(language)
    except ValueError as error:
        raise RowError(f'"language" can\'t be used: {error}.') from None
    try:
        return with_language(answer, language)
    except (TypeError, ValueError) as error:
        raise RowError(f"\"answer\" can't be used by the grader 'coding': {error}") from None


def _generated(fields: Fields, kind: str) -> dict[str, Any]:
    """What else of a generated row is of use: how often models solved it, and a program to begin with."""
    found: dict[str, Any] = {}
    try:
        pass_rate = float(fields.get("pass_rate", "nan"))
    except (TypeError, ValueError):
        pass_rate = nan
    if isfinite(pass_rate):
        found["pass_rate"] = pass_rate
    response = fields.get("response")
    if kind == "coding" and isinstance(response, str) and is_text(response):
        answers = extract_answer(response).answers
        if len(answers) == 1:
            found["solution"] = answers[0]
    return found


def _id(fields: Fields, defaults: Defaults, *names: str) -> str:
    """The first of the fields that is there, by default ``id``."""
    name = next((name for name in names or ("id",) if name in fields), None)
    if name is None:
        return defaults.id
    value = fields[name]
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        raise RowError(f'"{name}" must be text or a number.')
    return str(value)


def _domain(fields: Fields, defaults: Defaults) -> str:
    return _text(fields, "domain") if "domain" in fields else defaults.domain


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RowError(f'"{name}" must be text.')
    return value


# The first whose keys are all there decides.
_LAYOUTS: tuple[tuple[set[str], Callable[[Fields, Defaults], Task]], ...] = (
    ({"messages", "answer"}, _trainer),
    ({"prompt", "entry_point", "test"}, _humaneval),
    ({"text", "code", "test_list"}, _mbpp),
    ({"prompt", "code", "test_list"}, _mbpp),
    ({"problem", "answer"}, _problem),
    ({"problem", "solution"}, _problem),
    ({"question", "answer"}, _question),
    ({"prompt", "answer"}, _prompt),
)
