"""The reward of an answer in JSON that must fit a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .code.extraction import fenced_blocks
from .reward_function import Judged, TaggedRewardFunction, clip
from .schemas.text import JsonLimitError, canonical, read_json
from .schemas.validation import JsonValidator
from .score import Status


class JsonSchemaRewardFunction(TaggedRewardFunction[JsonValidator]):
    """Right is an answer that is JSON and fits the expected schema; a Markdown fence around it is taken off.

    Component: ``valid_json``, whether it is JSON at all.
    """

    def read_expected(self, expected_output: Any) -> JsonValidator:
        """The schema, a mapping or JSON text.

        Raises:
            TypeError: it is neither.
            ValueError: it is malformed, or uses a keyword that is not supported; see `JsonValidator`.
        """
        if isinstance(expected_output, str):
            try:
                expected_output = read_json(expected_output)
            except JsonLimitError as error:
                raise ValueError(f"it is {error}") from None
        if not isinstance(expected_output, Mapping):
            raise TypeError(f"The expected answer is of type {type(expected_output).__name__}. Give a JSON schema.")
        return JsonValidator(expected_output)

    def judge(self, answer: str, expected: JsonValidator) -> Judged:
        """Reads the answer and checks it."""
        try:
            value = read_json(_unfenced(answer))
            problem = expected.problem(value)
            reading = canonical(value)
        except JsonLimitError as error:
            message = f"The answer is over the limits: {error}."
            return Judged(0.0, answer, message, Status.RESOURCE_LIMIT, {"valid_json": 0.0})
        except ValueError as error:
            return Judged(0.0, answer, f"The answer is not JSON: {error}", components={"valid_json": 0.0})
        message = f"The answer does not fit the schema: {clip(problem)}" if problem else ""
        return Judged(float(not problem), reading, message, components={"valid_json": 1.0})


def _unfenced(answer: str) -> str:
    """The text of the fenced block that is the whole answer; else the answer as it is."""
    text = answer.strip()
    if text.startswith("```") and text.endswith("```"):
        blocks = list(fenced_blocks(text))
        if len(blocks) == 1:
            return blocks[0].text
    return text
