"""Trusted tests as Python text: what a coding task gives, made a program, and what can be read from it."""

from __future__ import annotations

import ast
import builtins
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import re
import typing
from collections.abc import Sequence
from functools import lru_cache

_STANDARD_NAMES = {
    name
    for module in (builtins, collections, dataclasses, datetime, decimal, enum, fractions, pathlib, typing)
    for name in vars(module)
}


def programs(tests: object, setup: str, function: str) -> list[str]:
    """Each test as a whole program, which calls ``candidate``.

    Args:
        tests: a test, or a list of them.
        setup: what runs before each.
        function: the candidate's own name, under which a test may call it too.

    Raises:
        ValueError: they are no Python, or never name the candidate.
    """
    texts = [tests] if isinstance(tests, str) else tests
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise ValueError("tests must be text or a list of texts")
    # MBPP's asserts call the function by its own name; a set-up that defines it must not hide the candidate.
    alias = f"{function} = candidate\n" if function.isidentifier() else ""
    found = []
    for text in texts:
        program = f"{setup}\n{alias}{text}\n"
        _require_python("set-ups", setup)
        _require_python("tests", text)
        program += "check(candidate)\n" if _has_uncalled_check(ast.parse(program)) else ""
        found.append(program)
    if texts and not _names("\n".join([setup, *texts]), function) and not any(map(classes_of, found)):
        raise ValueError(f"the tests never call {function}: they name neither it nor candidate")
    return found


def _names(text: str, function: str) -> bool:
    # Also in a text or a comment: only what can't be right is refused before it is run.
    method = re.escape(function.rpartition(".")[2])
    return re.search(rf"(?<!\w)(?:candidate|{method})(?!\w)", text) is not None


def _require_python(what: str, text: str) -> None:
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise ValueError(f"the {what} are not Python: {error.msg} in line {error.lineno}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"the {what} are not Python: {error}") from None


def _has_uncalled_check(tree: ast.Module) -> bool:
    """Whether a test defines `check(candidate)`, as HumanEval's do, and leaves the call to us."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    checks = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"]
    if not checks or len(checks[-1].args.posonlyargs + checks[-1].args.args) - len(checks[-1].args.defaults) != 1:
        return False
    run = [node for statement in tree.body if not isinstance(statement, definitions) for node in ast.walk(statement)]
    return not any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check" for node in run
    )


@lru_cache(maxsize=1_024)
def classes_of(program: str) -> tuple[str, ...]:
    """The classes that a test uses and nobody but the program under test can define: names with a capital, unbound.

    A test that forgot to import `Counter` must not take the program's for it.
    """
    bound, used = set(_STANDARD_NAMES), set()
    for node in ast.walk(ast.parse(program)):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                bound.add(name)
            case ast.alias(name=name, asname=alias):
                bound.add(alias or name.partition(".")[0])
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                bound.add(name)
    return tuple(sorted(name for name in used - bound if name[:1].isupper()))
