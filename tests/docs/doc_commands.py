"""What the command lines of the pages are, as bash itself reads them, and how each is tried.

Executed, in a copy of a folder that has what the pages speak of (doc_world.py): the subcommands of ``infinite-rl``,
with stand-ins for servers of models and with fewer tasks; ``sed``, ``curl``, ``python -m infinite_rl.run_examples``.
Services are executed up to the point where they would wait for requests.

Training is rehearsed up to its first step, where it needs no more than the model that stands in (see `is_rehearsed`):
what it asks of tasks and models no configuration alone shows.

Only parsed, by the parser of the command itself: what else trains, installs, downloads or starts other programs
(training and torchrun, whose configuration is loaded, too; pip, pytest, pre-commit, ``python FILE`` and other
modules), and of ``infinite-rl`` what would ask a network (see `why_only_parsed`). Scripts for a shell have no parser:
syntax is checked; and vLLM is not there: names of its options are.
"""

import argparse
import io
import itertools
import os
import re
import runpy
import shlex
import shutil
import subprocess
import webbrowser
from collections.abc import Callable
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from doc_pages import ROOT

from infinite_rl import cli
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.train import main as train
from infinite_rl.agents.train import parse_arguments
from infinite_rl.envs.http.server import JsonServer

RECORDER = 'printf "%s\\0" "$(($# + 1))" "$0" "$@" >> "$RECORD"\n'
# Instead of running anything, bash writes down what it would have run; its own commands work as always.
RECORDING = """
PATH=/nowhere
command_not_found_handle() { printf '%s\\0' "$#" "$@" >> "$RECORD"; }
"""
# Appended to a command, to make it short; the last value of an option counts.
SHORTER = {
    "eval": ["--tasks", "2", "--max-tokens", "8"],
    "generate": ["--num_samples", "2"],
    "play": ["--episodes", "2"],
    "serve": ["--port", "0"],
    "search-service": ["--port", "0"],
}
# Fits the model that stands in, which was made for few tokens.
REHEARSED = ["--dry-run", "rollout.max_new_tokens=34"]
TRAINER = ("agents.train", "infinite_rl.agents.train")
# Whose exit code 1 is an answer, and no failure.
ANSWERS = ("doctor", "plan")


def typed(code: str, folder: Path) -> list[list[str]]:
    """The commands that bash runs in a block, each as its words."""
    record = folder / "record"
    record.touch()
    for script in [*ROOT.glob("scripts/*"), *ROOT.glob(".ci/*"), *ROOT.glob("*.sh")]:
        if os.access(script, os.X_OK) and script.is_file():
            stub = folder / script.relative_to(ROOT)
            stub.parent.mkdir(exist_ok=True)
            stub.write_text(f"#!{shutil.which('bash')}\n{RECORDER}", encoding="utf-8")
            stub.chmod(0o755)
    for place in re.findall(r"> ~/(\S+)/", code):
        (folder / place).mkdir(parents=True, exist_ok=True)
    environment = {"RECORD": str(record), "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [shutil.which("bash"), "-c", f"{RECORDING}{code}\nwait"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    words, commands = iter(record.read_text("utf-8").split("\0")[:-1]), []
    for count in words:
        commands.append(list(itertools.islice(words, int(count))))
    assert commands, "a block without a command"
    return commands


def why_only_parsed(name: str, given: list[str]) -> str | None:
    """Why a subcommand is not executed; None, if it is."""
    if any(re.search(r"@\w+/", word) for word in given):
        return "tasks of the hub"
    if name == "generate" and not {"--base-url", "--dry-run"} & set(given):
        return "asks Google"
    if name == "search-service" and "--embeddings-url" in given:
        return "asks a server of embeddings"
    return None


def is_rehearsed(given: list[str]) -> bool:
    """Whether a program of Python is training that needs no earlier run, no more tasks, programs and servers."""
    if given[:1] != ["-m"] or given[1] not in TRAINER:
        return False
    return not any(re.match(r"--resume|data=file|rollout\.backend=vllm|env=\w+:", word) for word in given)


class Parsed(BaseException):
    """The arguments of a program were understood, and that is all that was wanted."""


class World:
    """A folder that has what the pages speak of, and servers that answer.

    Attributes:
        folder: of which each command gets a copy.
        servers: by the address on the pages, that of the server that stands in.
        tests: parses the options of pytest and its plugins.
        executed: commands that have run already, as on other pages.
    """

    def __init__(self, folder: Path, copies: Path, servers: dict[str, str], tests: Callable) -> None:
        self.folder, self.copies, self.servers, self.tests, self.executed = folder, copies, servers, tests, set()

    def try_command(self, words: list[str]) -> None:
        """Executes or parses a command; fails if it is wrong, or of a kind that is not known here."""
        program, given = words[0], words[1:]
        ways = {"infinite-rl": self.ours, "python": self.python, "torchrun": torchrun, "pip": pip, "pytest": self.tests}
        ways |= {"pre-commit": pre_commit, "vllm": vllm}
        if program in ("sed", "curl"):
            self.plain(words)
        elif program in ways:
            ways[program](given)
        elif "/" in program:
            script(program, given)
        else:
            pytest.fail(
                f"{program}: no command known here; say in tests/docs/doc_commands.py how to execute or parse it"
            )

    def ours(self, given: list[str]) -> None:
        """A command of ``infinite-rl``."""
        name = given[0]
        assert name in cli.COMMANDS, f"there is no infinite-rl {name}"
        if why_only_parsed(name, given):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(cli.COMMANDS[name].load(), "run", lambda arguments: 0)
                assert cli.main(given) == 0
        elif tuple(given) not in self.executed:
            self.executed.add(tuple(given))
            with self.copy(given), pytest.MonkeyPatch.context() as patch:
                patch.setattr("sys.stdin", io.StringIO("7\n" * 5))
                patch.setattr(webbrowser, "open", lambda address: True)
                patch.setattr(JsonServer, "serve_forever", lambda *_, **__: None)
                code = cli.main([*map(self.here, given), *(SHORTER.get(name, []) if "--compare" not in given else [])])
            assert code == 0 or (code == 1 and name in ANSWERS), (
                f"infinite-rl {' '.join(given)} ended with {code}; tests/docs/doc_world.py makes what it needs"
            )

    def here(self, word: str) -> str:
        """A word with the addresses of the servers that there are."""
        for address, server in self.servers.items():
            word = word.replace(address, server)
        return word

    def python(self, given: list[str]) -> None:
        """A program of ours; training is rehearsed where it can be."""
        if not is_rehearsed(given):
            python(given)
        elif tuple(given) not in self.executed:
            self.executed.add(tuple(given))
            words = [word.replace("=FOLDER", "=path/to/model") for word in given[2:]]
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(self.folder)
                assert train([*words, *REHEARSED]) == 0, f"python {' '.join(given)} would not begin"

    def plain(self, words: list[str]) -> None:
        """A program of the system, by bash, in a copy of the folder; what it makes of Python files runs."""
        assert shutil.which(words[0]), f"there is no {words[0]}"
        line = " ".join(word if "*." in word else shlex.quote(self.here(word)) for word in words)
        with self.copy(words) as folder:
            before = (folder / "program.py").read_text("utf-8")
            done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            after = (folder / "program.py").read_text("utf-8")
            assert (after == before) == (words[0] != "sed")
            if after != before:
                exec(after, {})

    @staticmethod
    def written(given: list[str]) -> list[str]:
        """What a command would not replace."""
        if {"--compare", "--overwrite"} & set(given):
            return []
        made = {"eval": ["evaluations"], "generate": ["my_dataset"], "submit": ["board"], "convert": given[2:3]}
        return made.get(given[0], [])

    @contextmanager
    def copy(self, given: list[str]):
        """A copy of the folder as the working directory, without what the command writes."""
        folder = self.copies / str(len(list(self.copies.iterdir())))
        shutil.copytree(self.folder, folder)
        for name in self.written(given):
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            yield folder
        shutil.rmtree(folder)


@contextmanager
def parsing():
    """Ends whatever runs inside once it has parsed its arguments, and fails if it does not come to that."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(self, args=None, namespace=None):
        parse(self, args, namespace)
        raise Parsed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        with pytest.raises(Parsed):
            yield patch


def python(given: list[str]) -> None:
    """``python -m MODULE`` or ``python FILE``."""
    if given[0] != "-m":
        path = ROOT / given[0]
        with parsing() as patch:
            patch.setattr("sys.argv", given)
            patch.syspath_prepend(path.parent)
            runpy.run_path(str(path), run_name="__main__")
    elif given[1].endswith("agents.train"):
        training(given[1:])
    elif given[1] == "infinite_rl.run_examples":
        from infinite_rl.run_examples import main

        assert main(given[2:]) == 0
    elif given[1].startswith("vllm."):
        assert given[1] == "vllm.entrypoints.openai.api_server"
        vllm(["serve", *given[2:]])
    else:
        assert find_spec(given[1]), f"there is no module {given[1]}"
        with parsing() as patch:
            patch.setattr("sys.argv", given[1:])
            runpy.run_module(given[1], run_name="__main__", alter_sys=True)


def training(given: list[str]) -> None:
    """The arguments of the trainer, after its name; the configuration is loaded."""
    assert given[0] in TRAINER, f"there is no module {given[0]}"
    parsed = parse_arguments(given[1:])
    if parsed.resume is None or parsed.overrides:
        load_config(parsed.config_name, parsed.overrides)


def torchrun(given: list[str]) -> None:
    """torchrun's options, and the trainer's."""
    from torch.distributed.run import get_args_parser

    parsed = get_args_parser().parse_args(given)
    assert parsed.module
    training([parsed.training_script, *parsed.training_script_args])


def pip(given: list[str]) -> None:
    """pip's options, and that the files and extras that are named exist."""
    pytest.importorskip("pip")
    from configparser import ConfigParser

    from pip._internal.commands import create_command

    options, packages = create_command(given[0]).parse_args(given[1:])
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    for path in [*options.constraints, *options.requirements]:
        assert (ROOT / path).is_file(), f"{path} is not there"
    for package in [*packages, *options.editables]:
        assert (extra := re.fullmatch(r"(?:\.|infinite-rl)\[(\w+)\]", package)), f"{package}: no package of ours"
        assert extra[1] in setup["options.extras_require"], f"there is no extra {extra[1]}"


def pre_commit(given: list[str]) -> None:
    """The arguments of pre-commit, where it is installed."""
    assert (ROOT / ".pre-commit-config.yaml").is_file()
    if find_spec("pre_commit"):
        from pre_commit.main import main

        with parsing():
            main(given)


def vllm(given: list[str]) -> None:
    """vLLM, which tests do without: its options are those that our code gives it, and the test of the real one."""
    assert given[0] == "serve"
    places = [*(ROOT / "agents").rglob("*.py"), ROOT / "tests" / "agents" / "inference" / "test_real_vllm.py"]
    used = set(re.findall(r"--[a-z][a-z-]+", "\n".join(path.read_text("utf-8") for path in places)))
    assert [word for word in given if word.startswith("-") and word not in used] == []


def script(program: str, given: list[str]) -> None:
    """A script of ours for a shell, which takes paths alone; that it is there bash has found out."""
    path = ROOT / program
    subprocess.run([shutil.which("bash"), "-n", str(path)], check=True)
    text = path.read_text("utf-8")
    assert [word for word in given if word.startswith("-") and word not in text] == []
    assert not given or '"$@"' in text or "$1" in text or "${1" in text, f"{program} takes no arguments"
