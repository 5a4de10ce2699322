"""The ``infinite-rl`` command: a table of subcommands, each of which lives in its room and is imported when it is used.

A command's module has ``declare(parser)``, which adds its arguments, and ``run(arguments)``, which returns the exit
code; it may have ``arrange(given)``, which puts what was typed as argparse reads it. ``arguments.shown`` makes a text
harmless for a terminal.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

import gymnasium

from .spaces.visible import visible

PROGRAM = "infinite-rl"
EXAMPLES = """infinite-rl doctor
infinite-rl play Math-v0 --wrap
infinite-rl eval --env Math-v0 --base-url http://127.0.0.1:8000/v1 --model NAME"""
"""What is typed first, a command a line."""
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


class Command(NamedTuple):
    """A subcommand.

    Attributes:
        help: what it does, in one line.
        module: where it lives in this package.
        examples: what is typed, a command a line.
    """

    help: str
    module: str
    examples: str = ""

    def load(self) -> Any:
        """Its module."""
        return import_module(f".{self.module}", __package__)


COMMANDS = {
    "envs": Command("list the environments", "envs.list_command", "infinite-rl envs\ninfinite-rl envs --json"),
    "play": Command(
        "answer the tasks of an environment yourself, or let a model do it",
        "envs.play_command",
        """infinite-rl play Math-v0 --level 2 --wrap
infinite-rl play Coding-v0 --split test --episodes 1
infinite-rl play Math-v0 --base-url http://localhost:8000/v1 --model NAME --episodes 200 --out episodes.jsonl""",
    ),
    "eval": Command(
        "say what a model scores on an environment or a benchmark, and how two runs differ",
        "agents.evaluation.command",
        """infinite-rl eval --env Math-v0 --base-url http://127.0.0.1:8000/v1 --model tiny -n 8
infinite-rl eval --benchmark gsm8k --file gsm8k_test.jsonl.gz --model path/to/model --max-tokens 2048
infinite-rl eval --compare evaluations/Math-v0-test-tiny evaluations/Math-v0-test-small""",
    ),
    "reverify": Command(
        "grade the outputs of an evaluation again; exit code 1 if a verdict has changed",
        "agents.evaluation.reverify_command",
        "infinite-rl reverify evaluations/Math-v0-test-tiny",
    ),
    "submit": Command(
        "grade the results of an evaluation again, and pack them for a leaderboard; exit code 1 if something is wrong",
        "agents.leaderboard.submit",
        """infinite-rl submit evaluations/Math-v0-test-tiny --check
infinite-rl submit evaluations/Math-v0-test-tiny --out board""",
    ),
    "leaderboard": Command(
        "build the pages of a leaderboard from a folder of submissions",
        "agents.leaderboard.command",
        """infinite-rl leaderboard board
infinite-rl leaderboard board --out public""",
    ),
    "serve": Command(
        "offer environments over HTTP",
        "envs.serving.command",
        """infinite-rl serve
infinite-rl serve Math-v0 --arguments '{"level": 2}' --port 8001""",
    ),
    "verify": Command(
        "say whether two mathematical answers are equal; exit code 1 if they are not",
        "rewards.verify_command",
        """infinite-rl verify 1/2 0.5
infinite-rl verify 'x^2 - 1' '(x - 1)(x + 1)' --explain
infinite-rl verify 1/2 0.5 --json""",
    ),
    "doctor": Command(
        "say what is installed and what works here; exit code 1 if something that a first run needs does not",
        "agents.doctor.command",
        "infinite-rl doctor\ninfinite-rl doctor --json",
    ),
    "runtimes": Command(
        "show and test the sandboxes that run code; exit code 1 if one is missing or fails",
        "runtimes.command",
        "infinite-rl runtimes\ninfinite-rl runtimes --json",
    ),
    "search-service": Command(
        "serve search over documents by HTTP (POST /search, GET /health)",
        "envs.retrieval.command",
        """infinite-rl search-service --corpus documents.jsonl --index documents.npz
infinite-rl search-service --split test --port 8001
curl -d '{"queries": ["capital of Wolyjar"], "topk": 3, "return_scores": true}' http://127.0.0.1:8001/search
OPENAI_API_KEY=… infinite-rl search-service --corpus documents.jsonl --index vectors.npz \\
    --embeddings-url http://127.0.0.1:9000/v1 --embeddings-model bge-small --faiss""",
    ),
    "generate": Command(
        "let a Gemini model write tasks with answers that are checked; the same command goes on where one stopped",
        "datasets.generation.command",
        """GEMINI_API_KEY=… infinite-rl generate --num_samples 100 --out_dir my_dataset --threads 4
infinite-rl generate --num_samples 10 --task_dist 0,1 --out_dir math_only --dry-run
infinite-rl generate --base-url http://127.0.0.1:8080 --model_name my-model --eval test@openai/gsm8k:main""",
    ),
    "convert": Command(
        "write tasks into a file of another format, from which the same tasks are read",
        "datasets.conversion_command",
        """infinite-rl convert my_dataset/dataset.csv train.jsonl
infinite-rl convert train.jsonl train.csv --overwrite
infinite-rl convert test@openai/gsm8k:main gsm8k.parquet""",
    ),
    "contamination": Command(
        "look for evaluation prompts in training prompts; exit code 1 if there are any",
        "datasets.contamination.command",
        """infinite-rl contamination --train train.jsonl --eval test.jsonl --report found
infinite-rl contamination --train train@data --eval test@openai/gsm8k:main --abort-tolerance 0.001
infinite-rl contamination --train train.parquet --eval test.csv --remove clean.parquet
infinite-rl contamination --train train.jsonl --eval test.jsonl --json""",
    ),
    "report": Command(
        "write the report of a training run: curves, rewards, answers before and after, time, configuration",
        "agents.reports.report_command",
        """infinite-rl report runs/my-run
infinite-rl report runs/my-run --out my-run.html""",
    ),
    "view": Command(
        "write a page to go through transcripts, with rewards, log-probs and advantages of tokens",
        "agents.reports.view_command",
        """infinite-rl view runs/my-run --open
infinite-rl view results --out results.html
infinite-rl view episodes.jsonl""",
    ),
    "completion": Command(
        "print a script with which a shell completes these commands",
        "completion",
        """source <(infinite-rl completion bash)
infinite-rl completion zsh > ~/.zfunc/_infinite-rl
infinite-rl completion fish > ~/.config/fish/completions/infinite-rl.fish""",
    ),
    "plan": Command(
        "say what fits on so many GPUs, how a model is best divided over them, and how fast it is expected to learn",
        "agents.scaling.command",
        """infinite-rl plan --model Qwen3-8B --gpus 8
infinite-rl plan --model Llama-3.1-70B --gpus 64 --gpu h200 --length 16384 --rollouts apart
infinite-rl plan --model path/to/config.json --gpus 2 --gpu rtx4090 --algorithm ppo --json""",
    ),
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong with the arguments, and ends with exit code 2."""
        self.exit(2, f"{PROGRAM}: {_line(message)} ({self.prog} --help tells more)\n")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"{PROGRAM} {version(PROGRAM)}")
        parser.exit()


def make_parser(declared: Collection[str] = tuple(COMMANDS)) -> Parser:
    """The parser of the command line.

    Args:
        declared: the commands that get their arguments, which imports their modules; all, if not given.
    """
    parser = Parser(
        prog=PROGRAM,
        description="Verifiable text environments.",
        epilog=_listed(EXAMPLES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in COMMANDS.items():
        subparser = subparsers.add_parser(
            name,
            help=command.help,
            description=command.help,
            epilog=_listed(command.examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name in declared:
            command.load().declare(subparser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand.

    Args:
        argv: the arguments; those of the process if not given.

    Returns:
        The exit code: 0; 1 where a command found what it looks for, or did not reach its aim; 2 with one line on
        standard error if an argument is wrong; 130 where Ctrl-C broke work off.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(given)
        sys.stdout.flush()
    except (gymnasium.error.Error, ValueError, TypeError, OSError, LookupError, ImportError) as error:
        if isinstance(error, BrokenPipeError):  # who read the output has read enough: `infinite-rl envs | head -1`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        # Gymnasium's words end with the values of all arguments, which may hold keys.
        reason = _reason(error).partition(" was raised from the environment creator")[0]
        print(f"{PROGRAM}: {_line(reason)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


def _run(given: list[str]) -> int:
    name = next((text for text in given if not text.startswith("-")), None)
    parser = make_parser([name] if name else [])
    if name is not None and name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        parser.error(f"no command {name[:80] or 'without a name'}" + (f"; did you mean {near[0]}?" if near else ""))
    arrange = getattr(COMMANDS[name].load(), "arrange", None) if name and given[0] == name else None
    if arrange is not None:
        given = [given[0], *arrange(given[1:])]
    arguments = parser.parse_args(given, argparse.Namespace(shown=visible))
    code: int = COMMANDS[arguments.command].load().run(arguments)
    return code


def _reason(error: Exception) -> str:
    """What is wrong, without the number of the operating system's errors."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return str(error)


def _listed(examples: str) -> str | None:
    return "\n  ".join(["examples:", *examples.splitlines()]) if examples else None


def _line(message: str) -> str:
    return " ".join(visible(message).split())


if __name__ == "__main__":
    sys.exit(main())
