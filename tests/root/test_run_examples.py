import pytest

from infinite_rl import run_examples as command
from infinite_rl.datasets.example_parser import ExampleParser

RIGHT = "# Prompt\np\n# Answer\n<answer>6</answer>\n# Response\n<answer>6</answer>\n"
WRONG = RIGHT.replace("<answer>6</answer>\n# R", "<answer>7</answer>\n# R")


@pytest.fixture
def run(tmp_path, capsys):
    """Runs the command on files; returns the exit code, the output and the errors."""

    def run_command(*arguments, **files):
        for name, text in files.items():
            (tmp_path / f"{name.replace('__', '.')}.md").write_text(text, encoding="utf-8")
        code = command.main([*arguments, "--folder", str(tmp_path)])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_command


def test_the_built_in_examples_go_as_their_names_say(capsys):
    assert command.main([]) == 0
    output = capsys.readouterr().out
    assert "unexpected" not in output
    assert "Average Score: 0." in output


@pytest.mark.parametrize("kind", ["math", "python", "javascript"])
def test_there_are_several_examples_of_each_type_and_some_are_meant_to_fail(kind):
    names = [name for name in ExampleParser.get_all_examples(command.EXAMPLES) if name.startswith(kind)]
    assert len(names) >= 4
    assert 0 < sum(name.endswith(".fail") for name in names) < len(names)


def test_the_table_has_name_status_score_and_average(run):
    code, output, _ = run(math_a=RIGHT, math_b__fail=WRONG)
    assert code == 0
    assert all(head in output for head in ("Example Name", "Status", "Score"))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if "│" in line]
    assert rows == [["math_a", "PASS", "1.00"], ["math_b.fail", "FAIL (as expected)", "0.50"]]
    assert "Average Score: 0.75" in output


@pytest.mark.parametrize(("name", "text"), [("math_a", WRONG), ("math_a__fail", RIGHT)])
def test_a_surprise_is_named_and_ends_with_exit_code_one(run, name, text):
    code, output, _ = run(**{name: text, "math_z": RIGHT})
    assert code == 1
    assert "(unexpected)" in output
    assert ("was meant to fail" if text == RIGHT else "Mathematical mismatch. Expected 7") in output


def test_an_example_that_cannot_be_graded_is_a_surprise_even_if_meant_to_fail(run):
    code, output, _ = run(json_schema_a__fail=RIGHT.replace("<answer>6</answer>\n# R", '{"no": "schema"}\n# R'))
    assert code == 1
    assert "ERROR" in output
    assert "'no'" in output


@pytest.mark.parametrize(("response", "status"), [("<answer>6</answer>", "PASS"), ("[answer]6[/answer]", "FAIL")])
def test_a_right_answer_in_malformed_tags_is_no_pass(run, response, status):
    _, output, _ = run(math_a=RIGHT.replace("# Response\n<answer>6</answer>", f"# Response\n{response}"))
    assert status in output  # (0.5 + 1) / 2 is below 0.8


def test_types_choose_among_the_examples(run):
    code, output, _ = run("eq", "search", math_a=WRONG, eq_a=RIGHT, search_a=RIGHT)
    assert code == 0
    assert "math_a" not in output


@pytest.mark.parametrize(
    ("arguments", "files", "message"),
    [
        ((), {}, "no example"),
        (("math",), {"eq_a": RIGHT}, "no example of math"),
        ((), {"poetry": RIGHT}, r"poetry.md: begins with no task type. Known are math, coding"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(run, arguments, files, message):
    code, _, errors = run(*arguments, **files)
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1


def test_hostile_examples_reach_no_terminal(run):
    code, output, _ = run(eq_a=RIGHT.replace("6", "\x1b]0;x\x07", 1))
    assert code == 1
    assert "\x1b" not in output
    assert "\x07" not in output
