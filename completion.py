"""``infinite-rl completion``: scripts with which shells complete the commands, made of argparse's own tables."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .agents.evaluation.benchmarks import BENCHMARKS
from .agents.scaling.command import algorithms
from .agents.scaling.hardware import GPUS
from .agents.scaling.known import KNOWN
from .cli import COMMANDS, PROGRAM, make_parser
from .envs.registration import ENVIRONMENTS

SHELLS = ("bash", "zsh", "fish")
# Arguments with these names take an environment; those with these placeholders a file or folder.
_ENVIRONMENTS = ("id", "ids", "env")
# Their own messages about a wrong word say more than argparse's choices.
_WORDS = {
    ("eval", "benchmark"): tuple(BENCHMARKS),
    ("eval", "prompt"): tuple(dict.fromkeys(style.name for one in BENCHMARKS.values() for style in one.styles)),
    ("plan", "algorithm"): tuple(algorithms()),
    ("plan", "gpu"): tuple(GPUS),
    ("plan", "model"): tuple(KNOWN),
}
# These take a folder or a file, besides names.
_PLACES = (("eval", "model"), ("plan", "model"))
_FILES = ("FILE", "FOLDER", "IN", "OUT", "PREFIX", "RUN", "RUN_OR_RESULTS", "RESULTS")


class Values(NamedTuple):
    """What may stand for an argument: these words, files, both, or (neither) anything."""

    words: tuple[str, ...] = ()
    files: bool = False


class Option(NamedTuple):
    """An option: how it is written, what it means, its values, None where it takes none, and whether it takes more."""

    names: tuple[str, ...]
    help: str
    values: Values | None
    several: bool


class Words(NamedTuple):
    """What may follow a command."""

    name: str
    help: str
    options: tuple[Option, ...]
    positional: Values


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("shell", choices=SHELLS, help="which shell the script is for")


def run(arguments: argparse.Namespace) -> int:
    """Prints the script; the exit code is 0."""
    print(script(arguments.shell), end="")
    return 0


def script(shell: str) -> str:
    """The script for one of the ``SHELLS``."""
    lines = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]
    return "\n".join(lines([*commands()])) + "\n"


def commands() -> Iterator[Words]:
    """What may follow each command, in the order of the table."""
    parser = make_parser()
    subparsers = next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    for name, subparser in subparsers.choices.items():
        actions = subparser._actions
        options = [
            Option(
                (*one.option_strings,),
                _plain(one),
                None if one.nargs == 0 else _values(name, one),
                one.nargs in ("+", "*", 2),
            )
            for one in actions
            if one.option_strings
        ]
        positional = [_values(name, one) for one in actions if not one.option_strings]
        words = dict.fromkeys(word for one in positional for word in one.words)
        yield Words(name, COMMANDS[name].help, (*options,), Values((*words,), any(one.files for one in positional)))


def _values(command: str, action: argparse.Action) -> Values:
    if action.choices is not None:
        return Values(tuple(map(str, action.choices)))
    if action.dest in _ENVIRONMENTS:
        return Values((*(row.name for row in ENVIRONMENTS), *(row.id for row in ENVIRONMENTS)))
    place = command, action.dest
    return Values(_WORDS.get(place, ()), place in _PLACES or action.metavar in _FILES or action.type is Path)


def _plain(action: argparse.Action) -> str:
    """The help of an option, in one line and without argparse's placeholders."""
    return " ".join((action.help or "").replace("%%", "%").split())


def _bash(found: Sequence[Words]) -> Iterator[str]:
    yield f"# bash completion of {PROGRAM}; made by: {PROGRAM} completion bash"
    yield "_infinite_rl() {"
    yield "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}"
    yield "    local command='' words='' files='' option='' i"
    yield "    # Readline divides --option=value into three."
    yield "    [[ $current == '=' ]] && current=''"
    yield "    [[ $previous == '=' ]] && previous=${COMP_WORDS[COMP_CWORD-2]}"
    yield "    for ((i = 1; i < COMP_CWORD; i++)); do"
    yield "        [[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]}; break; }"
    yield "    done"
    yield "    # Some options take several values."
    yield "    for ((i = COMP_CWORD - 2; i > 1; i--)); do"
    yield "        [[ ${COMP_WORDS[i]} == -* ]] && { option=${COMP_WORDS[i]}; break; }"
    yield "    done"
    yield '    case "$command $previous" in'
    for one in found:
        for option in one.options:
            if option.values is not None:
                patterns = "|".join(f"'{one.name} {name}'" for name in option.names)
                yield f"        {patterns}) {_bash_values(option.values)} ;;"
    yield '        *) [[ $current == -* || $previous == -* ]] && option=""'
    yield '           case "$command $option" in'
    for one in found:
        for option in one.options:
            if option.values is not None and option.several:
                patterns = "|".join(f"'{one.name} {name}'" for name in option.names)
                yield f"            {patterns}) {_bash_values(option.values)} ;;"
    yield '            *) case "$command" in'
    yield f"            '') words={_quoted(' '.join([*(one.name for one in found), '--help', '--version']))} ;;"
    for one in found:
        options = " ".join(name for option in one.options for name in option.names)
        yield f"            {one.name})"
        yield f"                if [[ $current == -* ]]; then words={_quoted(options)}"
        yield f"                else {_bash_values(one.positional)}; fi ;;"
    yield "            esac ;;"
    yield "        esac ;;"
    yield "    esac"
    yield '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; [[ $files ]] && compgen -f -- "$current")'
    yield "    [[ $files ]] && compopt -o filenames 2>/dev/null"
    yield "    return 0"
    yield "}"
    yield f"complete -F _infinite_rl {PROGRAM}"


def _bash_values(values: Values) -> str:
    words = f"words={_quoted(' '.join(values.words))}"
    return f"files=yes {words}" if values.files else words


def _zsh(found: Sequence[Words]) -> Iterator[str]:
    yield f"#compdef {PROGRAM}"
    yield f"# zsh completion of {PROGRAM}; made by: {PROGRAM} completion zsh"
    yield "_infinite_rl() {"
    yield "    local -a commands"
    yield "    if (( CURRENT == 2 )); then"
    yield "        commands=("
    for one in found:
        yield f"            {_quoted(one.name + ':' + one.help)}"
    yield "        )"
    yield "        _describe command commands"
    yield "        _arguments '--help[show help]' '--version[show the version]'"
    yield "        return"
    yield "    fi"
    yield "    local command=$words[2]"
    yield "    shift words"
    yield "    (( CURRENT-- ))"
    yield "    case $command in"
    for one in found:
        yield f"        {one.name})"
        yield "            _arguments \\"
        for option in one.options:
            told = option.help.replace("[", "(").replace("]", ")").replace("\\", "")
            ending = "" if option.values is None else f":value:{_zsh_values(option.values)}" * (1 + option.several)
            for name in option.names:
                yield f"                {_quoted(f'*{name}[{told}]{ending}')} \\"
        yield f"                {_quoted(f'*:argument:{_zsh_values(one.positional)}')} ;;"
    yield "    esac"
    yield "}"
    # A file in $fpath is the function itself; one that is sourced declares it.
    yield "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then"
    yield '    _infinite_rl "$@"'
    yield "else"
    yield f"    compdef _infinite_rl {PROGRAM}"
    yield "fi"


def _zsh_values(values: Values) -> str:
    words = f"({' '.join(values.words)})"
    if values.words and values.files:
        return f"{{compadd -- {' '.join(values.words)}; _files}}"
    return "_files" if values.files else words if values.words else " "


def _fish(found: Sequence[Words]) -> Iterator[str]:
    yield f"# fish completion of {PROGRAM}; made by: {PROGRAM} completion fish"
    yield f"complete -c {PROGRAM} -f"
    yield f"complete -c {PROGRAM} -n __fish_use_subcommand -l version -d 'show the version'"
    for one in found:
        seen = _quoted_fish(f"__fish_seen_subcommand_from {one.name}")
        yield f"complete -c {PROGRAM} -n __fish_use_subcommand -a {one.name} -d {_quoted_fish(one.help)}"
        yield f"complete -c {PROGRAM} -n {seen} {_fish_values(one.positional)}".rstrip()
        for option in one.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            takes = "" if option.values is None else f" -r {_fish_values(option.values)}"
            yield f"complete -c {PROGRAM} -n {seen} {names}{takes} -d {_quoted_fish(option.help)}"
            if option.values is not None and option.several:
                given = " ".join(name.lstrip("-") for name in option.names if name.startswith("--"))
                more = _quoted_fish(f"__fish_seen_subcommand_from {one.name}; and __fish_contains_opt {given}")
                yield f"complete -c {PROGRAM} -n {more} {_fish_values(option.values)}"


def _fish_values(values: Values) -> str:
    words = f" -a {_quoted_fish(' '.join(values.words))}" if values.words else ""
    return f"{'-F' if values.files else '-f'}{words}"


def _quoted(text: str) -> str:
    """As one word of bash or zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def _quoted_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
