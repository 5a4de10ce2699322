import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.rewards.code.extraction import CodeAnswer, extract_code, fenced_blocks

MISSING = "Missing <answer> tags in response. Ensure the code is wrapped in <answer> and </answer>."
MALFORMED = "Malformed markdown code block inside <answer> tags."
MULTIPLE = "Multiple <answer> tags found. The code must be in exactly one pair."


def tagged(text):
    return f"Here it is. <answer>{text}</answer>"


@pytest.mark.parametrize(
    ("text", "code", "format_score"),
    [
        ("\n```python\nprint(1)\n```\n", "print(1)", 1.0),
        ("```py\nprint(1)\n```", "print(1)", 1.0),
        ("```Python3\nprint(1)\n```", "print(1)", 1.0),
        ("```\nprint(1)\n```", "print(1)", 1.0),
        ("```text\nprint(1)\n```", "print(1)", 1.0),
        ("```python print(1)```", "print(1)", 1.0),
        ("```print(1)```", "print(1)", 1.0),
        ("````python\nprint(1)\n````", "print(1)", 1.0),
        ("  ```python\n  print(1)\n  ```", "print(1)", 1.0),
        ("```python\nif x:\n    y\n```", "if x:\n    y", 1.0),
        ("```js\nx\n```\n```python\ny\n```", "y", 1.0),
        ("```js\nx\n```\n```\ny\n```", "y", 1.0),
        ("```js\nx\n```\n```c\ny\n```", "x", 1.0),
        ("Like this:\n```python\nx\n```\nor so.", "x", 1.0),
        ('```python\ns = "```"\nprint(s)\n```', 's = "```"\nprint(s)', 1.0),
        ("print(1)", "print(1)", 0.5),
        (" print(1)\n", "print(1)", 0.5),
        ("\n    if x:\n        y\n", "if x:\n    y", 0.5),
        ("print([answer])", "print([answer])", 0.5),
    ],
)
def test_a_program_is_found(text, code, format_score):
    assert extract_code(tagged(text), "python") == CodeAnswer(code, format_score)


@pytest.mark.parametrize(
    ("text", "code", "format_score", "message"),
    [
        ("```python\nprint(12345)", "print(12345)", 0.3, MALFORMED),
        ("print(12345)\n```", "print(12345)", 0.3, MALFORMED),
        ("```python\nprint(1)", None, 0.2, MALFORMED),
        ("```", None, 0.2, MALFORMED),
        ("", None, 0.5, "The answer is empty."),
        ("```python\n\n```", None, 1.0, "The code block is empty."),
    ],
)
def test_broken_fences_cost_format(text, code, format_score, message):
    assert extract_code(tagged(text), "python") == CodeAnswer(code, format_score, message)


@pytest.mark.parametrize(
    "response",
    [
        "",
        "```python\nprint(1)\n```",
        "<answer>print(1)",
        "print(1)</answer>",
        "[answer]print(1)[/answer]",
        "<answer><answer>print(1)</answer></answer>",
        "<think><answer>print(1)</answer></think>",
        "<think><answer>print(1)</answer>",
    ],
)
def test_without_tags_there_is_no_program(response):
    assert extract_code(response, "python") == CodeAnswer(None, 0.0, MISSING)


def test_several_programs_are_not_chosen_from():
    assert extract_code(tagged("print(1)") * 2, "python") == CodeAnswer("print(1)", 0.4, MULTIPLE)
    assert extract_code(tagged("print(1)") + tagged("print(2)"), "python") == CodeAnswer(None, 0.4, MULTIPLE)


def test_thinking_is_cut_away_and_the_tag_can_be_chosen():
    response = "<think><answer>no</answer></think><ANSWER>a</ANSWER><code>b</code>"
    assert extract_code(response, "python").code == "a"
    assert extract_code(response, "python", "code").code == "b"
    with pytest.raises(ValueError, match="is not a tag name"):
        extract_code(response, "python", "a|b")


def test_the_language_chooses_the_block():
    text = tagged("```python\nx\n```\n```javascript\ny\n```")
    assert [extract_code(text, language).code for language in ("python", "javascript")] == ["x", "y"]


def test_blocks_are_found_in_order():
    assert [(block.info, block.text) for block in fenced_blocks("a\n```x\n1\n```\nb\n```\n2\n```\n```y")] == [
        ("x", "1"),
        ("", "2"),
    ]


SIZE = 10_000_000
HOSTILE = {
    "brackets": "<" * SIZE,
    "openings": "<answer>" * (SIZE // 8),
    "pairs": "<answer>x</answer>" * (SIZE // 18),
    "names": "[answer" * (SIZE // 7),
    "fence lines": tagged("```\n" * (SIZE // 4)),
    "one long fence": tagged("`" * SIZE),
    "fences on one line": tagged("a ```" * (SIZE // 5)),
    "never closed": tagged("```" + "x\n" * (SIZE // 2)),
    "blank lines": tagged("\n" * SIZE + "```"),
    "blanks": tagged(" " * SIZE),
    "indented": tagged("    x\n" * (SIZE // 6)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_ten_megabytes_of_hostile_text_take_seconds(name):
    start = time.process_time()
    extract_code(HOSTILE[name], "python")
    assert time.process_time() - start < 60


PIECES = ["`", "```", "<answer>", "</answer>", "\n", " ", "a", "python", "<think>", "</think>"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_text_breaks_the_extraction(text):
    for response in (text, tagged(text)):
        found = extract_code(response, "python")
        assert found.format_score in (0.0, 0.2, 0.3, 0.4, 0.5, 1.0)
        assert (found.code is not None) or found.error_msg


@pytest.mark.parametrize(
    "text",
    [
        "  a\n    b\n",
        "\ta\n\t  b\n\n\tc",
        "  a\n \tb",
        "   \n  a",
        " a\nb",
        "  if x:\n\n      y\n  else:\n    z\n",
    ],
)
def test_indentation_goes_as_with_dedent(text):
    assert extract_code(f"<answer>{text}</answer>", "python").code == textwrap.dedent(text.strip("\r\n")).strip()


def test_a_megabyte_of_blanks_takes_no_second():
    start = time.process_time()
    assert extract_code("<answer>" + " " * 1_000_000 + "x</answer>", "python").code == "x"
    assert time.process_time() - start < 10
