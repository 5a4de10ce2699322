"""What a program is tested against: the expected answer of a coding task, as callers and data sets give it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from ..extraction import extract_answer
from .extraction import LANGUAGES, fenced_blocks
from .tests import programs

_DEEP = 200
_REFERENCE_KEYS = ("code", "solution")
_HUMANEVAL = {"entry_point", "test"}
_TEST_KEYS = {"language", "function", "cases", "tests", "setup", "tolerance", "in_place"}
# The first words of lines that are hardly ever anything but code.
_CODE_LINE = re.compile(
    r"^[ \t]*(?:print\(|console\.log\(|def \w+\(|class \w+[:({ ]|function \w+ ?\(|import \w+|from \w+ import |"
    r"(?:const|let|var) \w+ ?=)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Output:
    """The literal output that a program must print; the language is None for the reward function's own."""

    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A trusted program whose output is the expected one; its language is None for the reward function's own."""

    code: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class StdinCase:
    """What a program must print for an input."""

    stdin: str
    stdout: str


@dataclass(frozen=True, slots=True)
class CallCase:
    """What a function must return.

    Attributes:
        args: positional arguments.
        kwargs: named arguments.
        result: the value it must return.
        from_json: whether the result came as JSON, which has no tuples.
    """

    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any
    from_json: bool = True


@dataclass(frozen=True, slots=True)
class CodeTests:
    """The tests of a program.

    Attributes:
        language: the language of the candidate; None for the reward function's own.
        function: the function under test; None for programs that read stdin.
        stdin_cases: inputs and outputs of a program.
        call_cases: arguments and results of the function.
        tests: trusted Python programs that call ``candidate``; each passes by running to its end.
        tolerance: of numbers in outputs, relative and absolute; 0 compares outputs as text.
        in_place: whether the function both changes its arguments and returns something; then each call in ``tests``
            changes them. Else only those do whose result is not used.
    """

    language: str | None = None
    function: str | None = None
    stdin_cases: tuple[StdinCase, ...] = ()
    call_cases: tuple[CallCase, ...] = ()
    tests: tuple[str, ...] = ()
    tolerance: float = 0.0
    in_place: bool = False

    @property
    def count(self) -> int:
        """How many tests there are."""
        return len(self.stdin_cases) + len(self.call_cases) + len(self.tests)


Validator: TypeAlias = Callable[[str], object]
Expected: TypeAlias = Output | Reference | CodeTests | Validator


def read_expected(expected: object) -> Expected:
    """The expected answer in one of its forms.

    A function of the output stays one. A mapping (or a JSON object as text) with ``cases`` or ``tests`` holds tests.
    From other text the tags ``<answer>`` or ``<summary>`` are taken off; then a JSON object's ``code`` or ``solution``,
    fenced blocks (joined) or text that looks like code is a reference program, and anything else the literal output.
    A mapping's ``output`` is one, too; but text is not read so, since a program may print such an object. Beside all
    of them a ``language`` may stand.

    Raises:
        TypeError: it is none of these.
        ValueError: tests are malformed; the message says where.
    """
    if isinstance(expected, str):
        return _read_text(expected)
    if isinstance(expected, Mapping):
        return _read_mapping(expected)
    if callable(expected):
        return expected
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        return Output(str(expected))
    kind = type(expected).__name__
    raise TypeError(f"The expected answer is of type {kind}. Give an output, tests or a function of the output.")


def with_language(expected: object, language: str) -> object:
    """The expected answer with the language of its programs, in one of the forms of `read_expected`.

    Args:
        expected: it may name its language already.
        language: the language.

    Raises:
        TypeError: it is no expected answer.
        ValueError: it is malformed, it names another language, or the language is unknown.
    """
    language, found = check_language(language), read_expected(expected)
    if not isinstance(found, Output | Reference | CodeTests):
        return expected
    if found.language is not None:
        if found.language != language:
            raise ValueError(f"its language is {found.language}, and that of the task {language}")
        return expected
    if isinstance(found, Output):
        return {"output": found.text, "language": language}
    if isinstance(expected, Mapping):
        return {**expected, "language": language}
    text = _untagged(str(expected))
    return {**(_members(text) or {"code": text}), "language": language}


@lru_cache(maxsize=4_096)
def _read_text(text: str) -> Expected:
    text = _untagged(text)
    if members := _members(text):
        return _read_mapping(members)
    blocks = list(fenced_blocks(text))
    if blocks:
        return Reference("\n".join(block.text for block in blocks))
    return Reference(text) if _CODE_LINE.search(text) else Output(text)


def _untagged(text: str) -> str:
    for tag in ("answer", "summary"):
        answers = extract_answer(text, tag).answers
        if len(answers) == 1:
            return answers[0]
    return text


def _members(text: str) -> dict[str, Any]:
    """The members of a JSON object that holds tests or a reference program; none if the text is anything else."""
    members = _json_object(text)
    known = not members.keys().isdisjoint((*_REFERENCE_KEYS, "cases", "tests"))
    return members if known or members.keys() >= _HUMANEVAL else {}


def _json_object(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _read_mapping(members: Mapping[str, Any]) -> Expected:
    if "cases" in members or "tests" in members:
        return _read_tests(members)
    for key in _REFERENCE_KEYS:
        if isinstance(members.get(key), str):
            blocks = list(fenced_blocks(members[key]))
            return Reference("\n".join(block.text for block in blocks) if blocks else members[key], _language(members))
    if "output" in members:
        return _read_output(members)
    has = ", ".join(map(str, members))
    raise ValueError(
        f"the expected answer needs one of cases, tests, code, solution, output; it has {has}{_hint(members)}"
    )


def _read_output(members: Mapping[str, Any]) -> Output:
    output = members["output"]
    if unknown := members.keys() - {"output", "language"}:
        raise ValueError(f"unknown key {min(unknown)!r} beside the output; known: language")
    if isinstance(output, bool) or not isinstance(output, str | int | float):
        raise ValueError(f"output must be text or a number, not {output!r:.80}")
    return Output(str(output), _language(members))


def _language(members: Mapping[str, Any]) -> str | None:
    language = members.get("language")
    return None if language is None else check_language(language)


def _hint(members: Mapping[str, Any]) -> str:
    if members.keys().isdisjoint(_HUMANEVAL):
        return ""
    return '. Of a row of HumanEval give {"function": entry_point, "setup": prompt, "tests": test}'


def _read_tests(members: Mapping[str, Any]) -> CodeTests:
    if unknown := members.keys() - _TEST_KEYS:
        known = ", ".join(sorted(_TEST_KEYS))
        raise ValueError(f"unknown key {min(unknown)!r} beside the tests; known: {known}{_hint(members)}")
    if "cases" in members and "tests" in members:
        raise ValueError("give either cases or tests, not both")
    language, function = _language(members), members.get("function")
    if function is not None and not isinstance(function, str):
        raise ValueError(f"function must be a name, not {function!r}")
    tolerance = members.get("tolerance", 0.0)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < 1:
        raise ValueError(f"tolerance must be from 0 to 1, not {tolerance!r}")
    in_place = members.get("in_place", False)
    if not isinstance(in_place, bool) or (in_place and "tests" not in members):
        raise ValueError("in_place is true or false, and goes with tests")
    cases = _read_cases(members, function)
    found = CodeTests(language, function, tolerance=float(tolerance), in_place=in_place, **cases)
    if not found.count:
        raise ValueError("there are no tests")
    return found


def _read_cases(members: Mapping[str, Any], function: str | None) -> dict[str, Any]:
    if "tests" in members:
        if function is None:
            raise ValueError("tests need the name of the function that they call: give function")
        return {"tests": tuple(programs(members["tests"], members.get("setup", ""), function))}
    cases = members["cases"]
    if not isinstance(cases, Sequence) or not all(isinstance(case, Mapping) for case in cases):
        raise ValueError("cases must be a list of objects")
    if function is None:
        return {"stdin_cases": tuple(_stdin_case(case, number) for number, case in enumerate(cases, 1))}
    return {"call_cases": tuple(_call_case(case, number) for number, case in enumerate(cases, 1))}


def _check_keys(case: Mapping[str, Any], number: int, known: Sequence[str]) -> None:
    if unknown := [key for key in case if key not in known]:
        raise ValueError(f"case {number}: unknown key {unknown[0]!r}; known: {', '.join(known)}")


def _stdin_case(case: Mapping[str, Any], number: int) -> StdinCase:
    stdin, stdout = case.get("stdin", ""), case.get("stdout")
    if not isinstance(stdin, str) or not isinstance(stdout, str):
        raise ValueError(f'case {number}: give "stdin" and "stdout" as text, or name the "function" to call')
    _check_keys(case, number, ("stdin", "stdout"))
    return StdinCase(stdin, stdout)


def _call_case(case: Mapping[str, Any], number: int) -> CallCase:
    _check_keys(case, number, ("args", "kwargs", "result"))
    if "result" not in case:
        raise ValueError(f'case {number}: "result" is missing')
    args, kwargs, result = case.get("args", []), case.get("kwargs", {}), case["result"]
    from_json = True
    if isinstance(args, str):  # then all of the case is written as text
        try:
            args, kwargs, result = (_literal(part) for part in (args, kwargs or "{}", result))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
            raise ValueError(f"case {number}: neither JSON nor a Python literal ({error})") from None
        from_json = args[1] and result[1]
        args, kwargs, result = args[0], kwargs[0], result[0]
    if not isinstance(args, list | tuple) or not isinstance(kwargs, Mapping):
        raise ValueError(f'case {number}: "args" must be a list and "kwargs" an object')
    return CallCase(args, kwargs, result, from_json)


def _literal(text: str) -> tuple[Any, bool]:
    """A value written as JSON or as a Python literal, and whether it was JSON. Only ever for our own data."""
    try:
        return json.loads(text), True
    except ValueError:
        return ast.literal_eval(text.strip()), False


def keys_as_text(value: Any, depth: int = 0) -> Any:
    """Data with numbers among the keys of its dictionaries written as text, as in JSON and in JavaScript's objects.

    A dictionary that would lose a key by that, or that has keys of another type, stays as it is. So does what is nested
    too deep to be passed.
    """
    if depth > _DEEP or not isinstance(value, list | tuple | Mapping):
        return value
    if not isinstance(value, Mapping):
        return [keys_as_text(item, depth + 1) for item in value]
    items = {key: keys_as_text(item, depth + 1) for key, item in value.items()}
    if not all(isinstance(key, int | str) and not isinstance(key, bool) for key in items):
        return items
    texts = {str(key): item for key, item in items.items()}
    return texts if len(texts) == len(items) else items


def check_language(name: object) -> str:
    """The language that a name means.

    Raises:
        ValueError: it means none.
    """
    language = LANGUAGES.get(name.lower()) if isinstance(name, str) else None
    if language is None:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, not {name!r}")
    return language
