import json

import pytest

from infinite_rl.datasets.generation.draft import Draft, DraftError, read_draft


def test_three_heads_are_read():
    text = "[PROMPT]\nWhat is 1+1?\n\n[ANSWER]\n2\n[RESPONSE]\nAdd.\n<answer>2</answer>\n"
    assert read_draft(text) == Draft("What is 1+1?", "2", "Add.\n<answer>2</answer>")


@pytest.mark.parametrize(
    "text",
    [
        "**[PROMPT]**\nP\n**[ANSWER]**\nA\n**[RESPONSE]**\nR",
        "## [Prompt]:\nP\n[answer]:\nA\n[Response]\nR",
        "Sure!\n\n[PROMPT]\nP\n[ANSWER]\n<answer>A</answer>\n[RESPONSE]\nR",
        "```\n[PROMPT]\nP\n[ANSWER]\nA\n[RESPONSE]\nR\n```",
        "# Question\nP\n# Solution\nA\n# Output\nR",
        "[PROMPT] P\n[ANSWER]: A\n**[RESPONSE]** R",
        "[PROMPT]\nP\n[/PROMPT]\n[ANSWER]\nA\n[/ANSWER]\n[RESPONSE]\nR\n[/RESPONSE]",
    ],
)
def test_small_slips_do_no_harm(text):
    assert read_draft(text) == Draft("P", "A", "R")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Missing"),
        ("Here is a task.", "Missing"),
        ("[PROMPT]\nP\n[RESPONSE]\nR", "out of order"),
        ("[PROMPT]\nP\n[ANSWER]\n\n[RESPONSE]\nR", r"\[ANSWER\]"),
        ("[ANSWER]\nA\n[PROMPT]\nP\n[RESPONSE]\nR", "out of order"),
        ("[PROMPT]\nP\n[ANSWER]\nA\n[RESPONSE]\nR\n[PROMPT]\nQ", "twice"),
        ("[PROMPT]\nP\n[ANSWER]\nA\n[RESPONSE]\n" + "R" * 200_001, "longer"),
        ("[PROMPT]\n" + "P" * 20_001 + "\n[ANSWER]\nA\n[RESPONSE]\nR", "longer"),
    ],
)
def test_what_is_no_task_is_refused_with_the_reason(text, why):
    with pytest.raises(DraftError, match=why):
        read_draft(text)


def test_heads_inside_a_fence_are_part_of_the_program():
    program = "```python\nprint('''\n[PROMPT]\n''')\n```"
    draft = read_draft(f"[PROMPT]\nP\n[ANSWER]\nA\n[RESPONSE]\n<answer>\n{program}\n</answer>")
    assert program in draft.response


def test_a_response_may_speak_of_the_heads():
    text = "[PROMPT]\nP\n[ANSWER]\nA\n[RESPONSE]\n[ANSWER] says it:\nR"
    assert read_draft(text).response == "[ANSWER] says it:\nR"


def test_json_loses_its_fence_and_a_program_keeps_it():
    tests = json.dumps({"function": "f", "cases": [{"args": [1], "result": "```"}]})
    parts = "[PROMPT]\nP\n[ANSWER]\n```{}\n{}\n```\n[RESPONSE]\nR"
    plain = json.dumps({"function": "f", "cases": []})
    assert read_draft(parts.format("json", plain)).answer == plain
    assert read_draft(parts.format("python", "print(1)")).answer == "```python\nprint(1)\n```"
    assert read_draft(f"[PROMPT]\nP\n[ANSWER]\n{tests}\n[RESPONSE]\nR").answer == tests


def test_hostile_replies_take_linear_time():
    for text in ("[" * 100_000, "[PROMPT]" * 20_000, "```" * 60_000, "<answer>" * 20_000, "{" * 150_000, "#" * 150_000):
        with pytest.raises(DraftError):
            read_draft(text)
