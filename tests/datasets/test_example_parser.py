from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.datasets.example_parser import ExampleParser

extract, parse = ExampleParser.extract_answer_tags, ExampleParser.parse_text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # exact pairs
        ("<answer>6</answer>", ["6"]),
        ("<ANSWER>\n 6 \n</Answer> <summary>7</summary>", ["6", "7"]),
        ("<answer>1</answer><answer>2</answer>", ["1", "2"]),
        ("<answer>a <summary>b</answer>", ["a <summary>b"]),
        ("[answer]5[/answer] <answer>6</answer>", ["6"]),
        # fuzzy pairs
        ("[answer]6[/answer]", ["6"]),
        ("[answer]6</answer>", ["6"]),
        ("< answer >6</ answer>", ["6"]),
        ("<answer\n6\n</answer>", ["6"]),
        ("```answer\n6\n```", ["6"]),
        ("```answer\n6\n</answer>", ["6"]),
        ("```answer\n6\n```\n```summary\n7\n```", ["6", "7"]),
        ("[answer]\n```python\nx\n```\n[/answer]", ["```python\nx\n```"]),
        # opening only
        ("so <answer>6", ["6"]),
        ("so [answer]\n6\n```", ["6"]),
        ("```answer\n6", ["6"]),
        ("<answer>", []),
        # closing only
        ("6</answer> and more", ["6"]),
        ("6\n[/summary]", ["6"]),
        ("</answer>", []),
        # none
        ("", []),
        ("6", []),
        ("the answer is 6", []),
        ("<answers>6</answers>", []),
        ("<answer-key>6</answer-key>", []),
        ("``` answer the question", []),
        ("array[answer] = 6", ["= 6"]),
    ],
)
def test_tags_are_read_by_the_first_rule_that_finds_any(text, found):
    assert extract(text) == found


def test_before_a_lone_closing_tag_a_long_text_is_cut_to_its_last_header():
    short, long = "# One\n" + "x" * 4_000, "# One\n" + "x" * 6_000
    end = "\n## Two\nsix</answer>"
    assert extract(short + end) == [(short + end).removesuffix("</answer>")]
    assert extract(long + end) == ["## Two\nsix"]
    assert extract("x" * 6_000 + "</answer>") == ["x" * 6_000]


def test_other_tags_can_be_asked_for():
    assert extract("<answer>1</answer><a+b>2</A+B>", ["a+b"]) == ["2"]
    assert extract("<final>2</final>", "final") == ["2"]


HEADS = ["Prompt", "Input", "Question", "Instruction"]
ANSWERS = ["Answer", "Expected Answer", "Solution", "Target"]
RESPONSES = ["Response", "Output", "Model output", "Model Response"]


@pytest.mark.parametrize("style", ["# {}", "### {}:", "[{}]", "[ {} ]", "## {} ##", "#{}\r", "[{}]:"])
@pytest.mark.parametrize("names", list(zip(HEADS, ANSWERS, RESPONSES, strict=True)))
def test_headers_have_aliases_and_two_styles(style, names):
    first, second, third = (style.format(name.upper()) for name in names)
    text = f"preamble\n{first}\nWhat?\n\n{second}\n<answer>6</answer>\n{third}\nIt is\n<answer>6</answer>\n"
    assert parse(text) == {"prompt": "What?", "answer": "6", "response": "It is\n<answer>6</answer>"}


def test_headers_inside_fences_and_later_ones_of_a_section_are_text():
    text = "# Prompt\n```\n# Answer\n```\n# Answer\n<answer>6</answer>\n# Response\n# Step 1\n## Solution\n[1, 2]\nx"
    assert parse(text) == {
        "prompt": "```\n# Answer\n```",
        "answer": "6",
        "response": "# Step 1\n## Solution\n[1, 2]\nx",
    }


def test_a_fence_that_is_never_closed_hides_no_header():
    assert parse("# Prompt\n```\ncode\n# Answer\n<answer>6</answer>\n# Response\nx")["answer"] == "6"


@pytest.mark.parametrize(
    ("answer", "response", "expected"),
    [
        ("<answer>1</answer> ```2``` {3}", "<answer>4</answer>", "1"),
        ("<answer>1</answer><answer>2</answer>", "", "1\n2"),
        ("It prints\n```python\nprint(2)\n```\n{3}", "<answer>4</answer>", "print(2)"),
        ('as JSON: {"a": {"b": 3}} here', "<answer>4</answer>", '{"a": {"b": 3}}'),
        ("6", "<answer>4</answer> <answer>5</answer>", "4 | 5"),
        ("\\frac{1}{2}", "no tags", "\\frac{1}{2}"),
        ("6", "no tags", "6"),
        ("", "<answer>4</answer>", "4"),
    ],
)
def test_the_answer_is_found_by_the_first_rule_that_applies(answer, response, expected):
    assert parse(f"# Prompt\np\n# Answer\n{answer}\n# Response\n{response}")["answer"] == expected


def test_a_missing_response_is_the_whole_text_or_a_long_answer():
    tagged = "# Prompt\np\n# Answer\n<answer>6</answer>"
    assert parse(tagged)["response"] == tagged
    assert parse("# Answer\n" + "x" * 501)["response"] == "x" * 501
    assert parse("# Answer\n" + "x" * 500)["response"] == ""
    assert parse("It is <answer>6</answer>") == {"prompt": "", "answer": "", "response": "It is <answer>6</answer>"}
    assert parse("") == {"prompt": "", "answer": "", "response": ""}


def test_files_are_read_by_name_in_order(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.md").write_bytes(f"# Prompt\r\n{name} é\r\n# Answer\r\n6\r\n".encode())
    (tmp_path / "c.txt").write_text("no example")
    found = ExampleParser.get_all_examples(tmp_path)
    assert list(found) == ["a", "b"]
    assert found["a"] == {"prompt": "a é", "answer": "6", "response": ""}
    (tmp_path / "d.md").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"d\.md: not UTF-8"):
        ExampleParser.get_all_examples(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        ExampleParser.get_all_examples(tmp_path / "missing")


@given(st.text("<>[]/`#{}answer summary\n\r", max_size=200))
def test_no_text_is_a_trap(text):
    assert all(isinstance(part, str) for part in extract(text))
    assert set(parse(text)) == {"prompt", "answer", "response"}


UNITS = [
    "<",
    "[",
    "```",
    "<answer",
    "<answer>",
    "</answer>",
    "```answer\n",
    "```answer\n<summary>",
    "[answer]```",
    "# ",
    "\n#",
]


@pytest.mark.parametrize("unit", [*UNITS, "# Prompt\n", "{", "\0", "\ud800", "<" + " " * 8, "\n", "answer"])
@pytest.mark.parametrize("lead", ["", "# Answer\n"])
@pytest.mark.parametrize("longest", [1 << 18, pytest.param(1 << 20, marks=pytest.mark.slow)])
def test_any_long_text_takes_linear_time(unit, lead, longest):
    def used(size):
        text, start = lead + unit * (size // len(unit)), process_time()
        parse(text)
        return process_time() - start

    # Quadratic time would be 64 times as much: seconds. A busy machine's caches may triple what is linear, or worse.
    assert any(used(longest) < 8 * 4 * used(longest // 8) + 1.0 for _ in range(3))
