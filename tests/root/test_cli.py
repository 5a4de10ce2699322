import io
import json
import re
import shlex
import subprocess
import sys

import pytest

from infinite_rl import cli
from infinite_rl.envs.registration import ENVIRONMENTS


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the command with text on standard input; returns exit code, output, errors."""

    def run_command(*argv, typed=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = cli.main(argv)
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_command


def test_envs_lists_every_environment(run):
    code, out, err = run("envs")
    assert (code, err) == (0, "")
    assert "InfiniteRL/Math-v0" in out
    assert all(row.id in out for row in ENVIRONMENTS), "no id is cut"


def test_programs_read_the_environments_as_json(run):
    code, out, err = run("envs", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == [{"id": row.id, "asks": row.asks} for row in ENVIRONMENTS]


def test_play_grades_what_is_typed(run):
    typed = "".join(f"<answer>{number}</answer>\n" for number in range(8))
    code, out, _ = run(
        "play", "InfiniteRL/Math-v0", "--seed", "1", "--episodes", "8", "--split", "test", "--level", "1", typed=typed
    )
    assert code == 0
    assert out.count("What is") == 8
    assert "8 answered, mean reward" in out


def test_bare_answers_get_tags_on_request(run):
    _, out, _ = run("play", "InfiniteRL/Math-v0", "--seed", "1", "--episodes", "1", typed="7\n")
    assert "no_answer" in out
    assert "play with --wrap" in out
    _, out, _ = run("play", "InfiniteRL/Math-v0", "--seed", "1", "--episodes", "1", "--wrap", typed="7\n")
    assert "scored" in out


@pytest.mark.parametrize("typed", ["<answer>7</answer>", "It is <answer>7</answer>.", " <answer> 7\\\n</answer>"])
def test_what_has_tags_already_gets_no_others(run, typed):
    _, out, _ = run("play", "InfiniteRL/Math-v0", "--seed", "1", "--episodes", "1", "--wrap", typed=f"{typed}\n")
    assert "format 1, scored" in out


def test_an_empty_line_is_no_answer_of_a_person_and_one_of_a_program(run):
    _, out, _ = run("play", "Math-v0", "--seed", "1", "--episodes", "2", "--wrap", typed="\n  \n7\n\n")
    assert "1 answered" in out
    _, out, _ = run("play", "Math-v0", "--seed", "1", "--episodes", "2", "--json", typed="\n7\n")
    assert json.loads(out.splitlines()[-1])["episodes"] == 2


@pytest.mark.parametrize(("id", "what"), [("Conversation-v0", "messages to a user"), ("Search-v0", "calls of tools")])
def test_tags_around_talk_are_refused(run, id, what):
    code, _, err = run("play", id, "--wrap", "--episodes", "1", typed="hello\n")
    assert code == 2
    assert f"--wrap would make answers of {what}" in err
    assert err.count("\n") == 1


def test_a_problem_of_several_answers_may_get_tags(run):
    code, out, _ = run("play", "LocalSearch-v0", "--wrap", "--episodes", "1", typed="1 2\ndone\n")
    assert code == 0
    assert "can't be read" not in out


def test_an_answer_may_span_lines(run):
    typed = "<answer>\\\n7\\\n</answer>\n"
    code, out, _ = run("play", "InfiniteRL/Math-v0", "--seed", "1", "--episodes", "1", typed=typed)
    assert code == 0
    assert "scored" in out
    assert "1 answered" in out


def test_programs_play_by_json(run):
    typed = "".join(f"<answer>{number}</answer>\n" for number in (1, 2))
    code, out, _ = run("play", "InfiniteRL/Math-v0", "--seed", "1", "--episodes", "3", "--json", typed=typed)
    events = [json.loads(line) for line in out.splitlines()]
    names = ["observation", "episode", "observation", "episode", "observation", "summary"]
    assert (code, [event["event"] for event in events]) == (0, names)
    assert events[0]["text"].startswith("What is")
    assert events[1]["status"] == "scored"
    assert events[1]["components"]["format"] == 1.0
    assert events[-1]["episodes"] == 2


def test_equal_seeds_play_equal_tasks(run):
    first, second = (run("play", "InfiniteRL/Math-v0", "--seed", "3", typed="a\nb\n") for _ in range(2))
    assert first == second


def test_the_end_of_input_ends_the_game_with_a_summary(run):
    code, out, err = run("play", "InfiniteRL/Math-v0", "--episodes", "3", typed="<answer>7</answer>\n")
    assert (code, err) == (0, "")
    assert "1 answered, mean reward" in out
    assert "Nothing answered." in run("play", "InfiniteRL/Math-v0", typed="")[1]


def test_an_interrupt_ends_the_game_with_a_summary(run, monkeypatch):
    def interrupt(prompt):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupt)
    code, out, err = run("play", "InfiniteRL/Math-v0")
    assert (code, err) == (0, "")
    assert "Nothing answered." in out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["play", "InfiniteRL/Maths-v0"], "did you mean InfiniteRL/Math-v0? (infinite-rl envs lists them)"),
        (["play", "Maths-v0"], "no environment Maths-v0; did you mean InfiniteRL/Math-v0?"),
        (["play", "math-v0"], "did you mean InfiniteRL/Math-v0?"),
        (["play", "Math"], "did you mean InfiniteRL/Math-v0?"),
        (["play", "Nonsense"], "no environment Nonsense (infinite-rl envs"),
        (["play", "Math-v0", "--tool-format", "hermes"], "Math-v0 has no tools"),
        (["play", "InfiniteRL/Math-v0", "--level", "9"], "level must be from 1 to 4"),
        (["play", "InfiniteRL/Math-v0", "--episodes", "0"], "--episodes must be at least 1"),
        (["play", "InfiniteRL/Math-v0", "--seed", "-1"], "--seed must be 0 or more, not -1"),
        (["play", "CartPole-v1"], "no text environment"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(run, argv, says):
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert err.startswith("infinite-rl: ")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--arguments", "{level: 2}"], "--arguments: not JSON: Expecting property name"),
        (["--split", "dev"], "'train', 'validation', 'test'"),
        (["--tool-format", "xml"], "'hermes', 'named', 'tagged', 'native'"),
    ],
)
def test_usage_says_what_is_wrong(run, capsys, flags, says):
    with pytest.raises(SystemExit):
        run("play", "Math-v0", *flags)
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["play"], ["play", "InfiniteRL/Math-v0", "--level", "one"]])
def test_wrong_usage_exits_with_2(run, argv):
    with pytest.raises(SystemExit) as exit_info:
        run(*argv)
    assert exit_info.value.code == 2


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["plai"], "no command plai; did you mean play? (infinite-rl --help tells more)"),
        (["search_service", "--help"], "did you mean search-service?"),
        (["\x1b[31mxyz"], "no command ␛[31mxyz (infinite-rl --help"),
        (["play"], "required: id (infinite-rl play --help tells more)"),
        (["play", "Math-v0", "--nonsense"], "unrecognized arguments: --nonsense"),
        ([], "required: command"),
        ([""], "no command without a name"),
    ],
)
def test_usage_errors_are_one_line_that_tells_what_was_meant(argv, says, capsys):
    with pytest.raises(SystemExit) as exit_info:
        cli.main(argv)
    assert exit_info.value.code == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.startswith("infinite-rl: ")
    assert err.count("\n") == 1


def test_ctrl_c_is_one_line_and_exit_code_130(monkeypatch, capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.COMMANDS["envs"].load(), "run", interrupted)
    assert cli.main(["envs"]) == 130
    assert capsys.readouterr().err == "infinite-rl: interrupted\n"


def test_a_reader_who_leaves_is_no_error():
    command = f"{sys.executable} -m infinite_rl.cli envs | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_declares_and_runs_in_a_module_of_its_own(name):
    command = cli.COMMANDS[name]
    module = command.load()
    assert callable(module.declare)
    assert callable(module.run)
    assert command.help[0].islower()
    assert not command.help.endswith(".")
    examples = command.examples.splitlines()
    assert all("infinite-rl " in line or line.startswith((" ", "curl ")) for line in examples)


def test_the_help_of_all_ends_with_commands_to_begin_with(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    _, _, shown = capsys.readouterr().out.partition("\nexamples:\n")
    assert shown == "".join(f"  {line}\n" for line in cli.EXAMPLES.splitlines())
    assert len({line.split()[1] for line in shown.splitlines()} & {*cli.COMMANDS}) == 3


TEXTS = [cli.EXAMPLES, *(command.examples for command in cli.COMMANDS.values())]
EXAMPLES = [line for text in TEXTS for line in text.replace("\\\n", "").splitlines()]


@pytest.mark.parametrize("line", [line for line in EXAMPLES if "infinite-rl " in line])
def test_an_example_is_understood(line):
    typed = re.sub(r" > .*|(?<=bash)\)$", "", line.partition("infinite-rl ")[2])
    words = shlex.split(typed)
    arguments = cli.make_parser([words[0]]).parse_args(words)
    assert arguments.command == words[0]


def test_help_imports_no_command():
    code = (
        "import sys; from infinite_rl import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "modules = {f'infinite_rl.{command.module}' for command in cli.COMMANDS.values()} | {'rich', 'yaml'}\n"
        "print(sorted(modules & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["1/2", "0.5"], 0, "equal"),
        (["1/2", "-1/2"], 1, "not equal"),
        (["-x", "0-x", "--explain"], 0, "decided by"),
        (["--explain", "6", "5 or 6"], 1, "answers of different kinds"),
        (["--", "-1", "-1"], 0, "equal"),
    ],
)
def test_verify_says_whether_two_answers_are_equal_and_why(capsys, arguments, code, word):
    assert cli.main(["verify", *arguments]) == code
    assert word in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "code"), [("0.5", 0), ("-1/2", 1)])
def test_programs_read_a_verdict_as_json(run, answer, code):
    got, out, err = run("verify", "1/2", answer, "--json")
    assert (got, err) == (code, "")
    found = json.loads(out)
    assert found["equal"] == (code == 0)
    assert found.keys() == {"equal", "reason", "tier", "seconds", "read_as"}
    assert found["read_as"].keys() == {"gold", "answer"}


def test_ids_need_no_namespace_and_switches_of_models_no_silence(capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt="": "1")
    assert cli.main(["play", "Math-v0", "--episodes", "1"]) == 0
    assert cli.main(["play", "Math-v0", "--out", "x.jsonl"]) == 2
    assert "--out is for models" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert "infinite-rl" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_named_without_the_number_of_the_error(run, tmp_path):
    code, out, err = run("submit", str(tmp_path), "--check", "--card", "no-card.md")
    assert (code, out, err) == (2, "", "infinite-rl: no-card.md: No such file or directory\n")
