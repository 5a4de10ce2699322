"""Completion: every shell that is here really completes, as somebody who types does."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from contextlib import closing

import pytest

from infinite_rl import cli
from infinite_rl.completion import SHELLS, commands, script

STARTS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
PREPARES = {"bash": "", "zsh": "autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' menu no\n"}


def needs(shell):
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"no {shell} here")


class Terminal:
    """A shell at a terminal."""

    def __init__(self, shell, folder):
        environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(folder), "LANG": "C.UTF-8", "PS1": "> "}
        self.seen = ""
        self.child, self.terminal = pty.fork()
        if not self.child:
            os.chdir(folder)
            os.execvpe(STARTS[shell][0], STARTS[shell], environment)

    def types(self, text, until, seconds=60):
        """Types, and reads until a pattern is seen."""
        os.write(self.terminal, text.encode())
        end, start = time.monotonic() + seconds, len(self.seen)
        # Shells ring and colour in between.
        while not re.search(until, re.sub(r"\x07|\x1b\[[0-9;?]*[A-Za-z]", "", self.seen[start:])):
            assert time.monotonic() < end, self.seen[start:]
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.seen += os.read(self.terminal, 65536).decode(errors="replace")

    def close(self):
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)
        os.close(self.terminal)


LINES = {
    "infinite-rl ver": r"verify ",
    "infinite-rl play Mat": r"Math-v0 ",
    "infinite-rl play Math-v0 --spl": r"--split ",
    "infinite-rl play --split va": r"validation ",
    "infinite-rl convert tr": r"train\\ set\.jsonl ",
    "infinite-rl plan --model Qwen3-4": r"Qwen3-4B ",
    "infinite-rl plan --model tr": r"train\\ set\.jsonl ",
    "infinite-rl eval --compare A tr": r"train\\ set\.jsonl ",
    "infinite-rl play InfiniteRL/Mat": r"InfiniteRL/Math-v0 ",
}


@pytest.mark.parametrize("shell", [pytest.param(name, marks=needs(name)) for name in ("bash", "zsh")])
def test_what_is_typed_is_completed(tmp_path, shell):
    (tmp_path / "script").write_text(script(shell), encoding="utf-8")
    (tmp_path / "train set.jsonl").write_text("")
    with closing(Terminal(shell, tmp_path)) as terminal:
        terminal.types(f"{PREPARES[shell]}. ./script; echo rea''dy\n", "ready\r?\n")
        for line, becomes in LINES.items():
            terminal.types(f"{line}\t", becomes)  # fails where that is not seen
            terminal.types("\x15echo do''ne\n", "done\r?\n")


@needs("fish")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("infinite-rl ver", ["verify"]),
        ("infinite-rl play Mat", ["Math-v0"]),
        ("infinite-rl play --spl", ["--split"]),
        ("infinite-rl play --split ", ["test", "train", "validation"]),
        ("infinite-rl completion fi", ["fish"]),
        ("infinite-rl verify ", []),
        ("infinite-rl plan --gpu a", ["a100", "a100-40", "a6000"]),
        ("infinite-rl plan --model Llama-3.1-7", ["Llama-3.1-70B"]),
        ("infinite-rl plan --model scri", ["script"]),
        ("infinite-rl eval --compare scri", ["script"]),
        ("infinite-rl eval --compare script scri", ["script"]),
    ],
)
def test_fish_offers_it_too(tmp_path, line, offered):
    (tmp_path / "script").write_text(script("fish"), encoding="utf-8")
    code = f"source {tmp_path / 'script'}; complete -C {line!r}"
    done = subprocess.run(["fish", "--no-config", "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.stderr == ""
    assert [one.split("\t")[0] for one in done.stdout.splitlines()] == offered


@needs("bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["infinite-rl", ""], [*cli.COMMANDS, "--help", "--version"]),
        (["infinite-rl", "serve", "S"], ["SelfVerification-v0", "Stub-v0", "Search-v0"]),
        (["infinite-rl", "play", "--split", "=", "te"], ["test"]),
        (["infinite-rl", "play", "--split", "="], ["train", "validation", "test"]),
        (["infinite-rl", "--version", "pla"], ["play", "plan"]),
        (["infinite-rl", "play", "--seed", ""], []),
        (["infinite-rl", "view", "--o"], ["--out", "--open"]),
        (["infinite-rl", "eval", "--benchmark", "aime"], ["aime-2024", "aime-2025"]),
        (["infinite-rl", "eval", "--prompt", ""], ["boxed", "tagged", "chat", "continue"]),
        (["infinite-rl", "plan", "--gpu", "a"], ["a100-40", "a100", "a6000"]),
        (["infinite-rl", "plan", "--model", "Llama-3.1-7"], ["Llama-3.1-70B"]),
        (["infinite-rl", "plan", "--model", "scr"], ["script"]),
        (["infinite-rl", "plan", "--algorithm", "d"], ["dapo", "distillation", "dr_grpo"]),
        (["infinite-rl", "play", "InfiniteRL/M"], ["InfiniteRL/Math-v0", "InfiniteRL/MultiDomain-v0"]),
        (["infinite-rl", "eval", "--compare", "s"], ["script"]),
        (["infinite-rl", "eval", "--compare", "script", "s"], ["script"]),
        (["infinite-rl", "eval", "--compare", "script", "--js"], ["--json"]),
        (["infinite-rl", "eval", "--json", "s"], []),
        (["infinite-rl", "nonsense", ""], []),
    ],
)
def test_bash_offers_what_may_follow(tmp_path, words, offered):
    (tmp_path / "script").write_text(script("bash"), encoding="utf-8")
    code = '. ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _infinite_rl; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-c", code, "bash", *words], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.stderr == ""
    assert done.stdout.split() == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_knows_every_command_and_option(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    text = capsys.readouterr().out
    for one in commands():
        assert one.name in text
        for option in one.options:
            assert all(name.lstrip("-") in text for name in option.names)
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
