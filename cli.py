"""The ``infinite-rl`` command."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .datasets.task import SPLITS
from .envs.agent_loop import AgentLoop
from .envs.arguments import json_object
from .envs.playing import model_plays, person_plays
from .envs.registration import ENVIRONMENTS, known_id, register_envs
from .envs.text_env import TextEnv
from .envs.tool_env import ToolEnv
from .envs.tools.formats import FORMATS
from .runtimes.endpoint import ChatEndpoint
from .spaces.visible import visible

if TYPE_CHECKING:
    from .runtimes.status import RuntimeStatus


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: its help, how it declares its arguments, what it does (``run`` returns the exit code), examples."""

    help: str
    declare: Callable[[argparse.ArgumentParser], object]
    run: Callable[[argparse.Namespace], int]
    examples: str = ""


def list_envs(arguments: argparse.Namespace) -> int:
    """Prints the table of environments."""
    table = Table()
    table.add_column("environment", no_wrap=True)
    table.add_column("what it asks")
    for row in ENVIRONMENTS:
        table.add_row(row.id, row.asks)
    Console().print(table)
    return 0


def declare_play(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``play``."""
    parser.add_argument("id", help="the environment, such as InfiniteRL/Math-v0")
    parser.add_argument("--level", type=int, help="difficulty of the tasks, from 1")
    parser.add_argument("--split", choices=SPLITS, help="which tasks (default: train)")
    parser.add_argument("--tool-format", choices=FORMATS, help="how tools are called")
    parser.add_argument("--arguments", type=json_object, default={}, help="further arguments, as a JSON object")
    parser.add_argument("--seed", type=int, help="draws the same tasks again")
    parser.add_argument("--episodes", type=int, default=5, help="how many tasks (default: 5)")
    parser.add_argument("--json", action="store_true", help="write JSON, an event a line")
    parser.add_argument(
        "--wrap",
        action="store_true",
        help="put <answer> tags around all that is typed; for tasks without talk or tools",
    )
    model = parser.add_argument_group("a model plays", "its API key is taken from OPENAI_API_KEY")
    model.add_argument("--base-url", help="an OpenAI-compatible server, such as http://localhost:8000/v1")
    model.add_argument("--model", help="the model's name there")
    model.add_argument("--concurrency", type=int, default=16, help="episodes at the same time (default: 16)")
    model.add_argument("--temperature", type=float, help="of sampling")
    model.add_argument("--max-tokens", type=int, help="of a reply")
    model.add_argument("--max-turns", type=int, help="of an episode, instead of the environment's own limit")
    model.add_argument("--timeout", type=float, default=600, help="seconds for a reply (default: 600)")
    model.add_argument("--send-tools", action="store_true", help="send the tools' schemas in any tool format")
    model.add_argument("--out", type=Path, metavar="FILE", help="append transcripts to this JSON Lines file")


def play(arguments: argparse.Namespace) -> int:
    """Lets a person answer at the prompt, or a model behind an endpoint, and shows the scores."""
    if arguments.episodes < 1:
        raise ValueError(f"--episodes must be at least 1, not {arguments.episodes}")
    if bool(arguments.base_url) != bool(arguments.model):
        raise ValueError("--base-url and --model go together: a model plays, or neither is given and a person plays")
    if arguments.model and arguments.wrap:
        raise ValueError("--wrap is for people: a model is told by its prompt how to answer")
    if not arguments.model and (unused := _given(arguments, "out", "temperature", "max_tokens", "max_turns")):
        raise ValueError(f"--{min(unused).replace('_', '-')} is for models: give --base-url and --model too")
    if arguments.seed is not None and arguments.seed < 0:
        raise ValueError(f"--seed must be 0 or more, not {arguments.seed}")
    id = known_id(arguments.id)
    row = next((row for row in ENVIRONMENTS if row.id == id), None)
    if arguments.tool_format and row and not issubclass(row.load(), ToolEnv):
        raise ValueError(f"{row.name} has no tools; leave out --tool-format")
    chosen = _given(arguments, "level", "split", "tool_format") | arguments.arguments
    with closing(gymnasium.make(id, disable_env_checker=bool(arguments.model), **chosen)) as env:
        if not isinstance(env.unwrapped, TextEnv):
            raise ValueError(f"{id} is no text environment; see infinite-rl envs")
        played = {"episodes": arguments.episodes, "seed": arguments.seed, "as_json": arguments.json}
        if not arguments.model:
            return person_plays(env, wrap=arguments.wrap, **played)
        endpoint = ChatEndpoint(arguments.base_url, arguments.model, timeout=arguments.timeout)
        loop = AgentLoop(
            env,
            endpoint,
            concurrency=arguments.concurrency,
            send_tools=arguments.send_tools or None,
            max_turns=arguments.max_turns,
            **_given(arguments, "temperature", "max_tokens"),
        )
        return model_plays(loop, out=arguments.out, **played)


def declare_serve(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``serve``."""
    told = "the environments, the default first (default: all)"
    parser.add_argument("ids", nargs="*", metavar="ID", help=told)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: 8000)")
    parser.add_argument("--token-env", metavar="NAME", help="the environment variable that holds a bearer token")
    parser.add_argument("--arguments", type=json_object, default={}, help="of the environments, as a JSON object")
    parser.add_argument("--allow", nargs="*", default=[], metavar="NAME", help="further arguments clients may choose")
    parser.add_argument("--max-sessions", type=int, default=256, help="at the same time (default: 256)")
    parser.add_argument("--idle-seconds", type=float, default=900, help="until an unused session ends (default: 900)")


def serve(arguments: argparse.Namespace) -> int:
    """Offers environments over HTTP until the process is asked to end."""
    from .envs.serving.catalogue import ALLOWED, Catalogue
    from .envs.serving.server import EnvServer
    from .envs.serving.sessions import Sessions

    token = os.environ.get(arguments.token_env, "") if arguments.token_env else ""
    if arguments.token_env and not token:
        raise ValueError(f"--token-env: the environment variable {arguments.token_env} is not set")
    ids = arguments.ids or [row.id for row in ENVIRONMENTS]
    catalogue = Catalogue(ids, arguments.arguments, [*ALLOWED, *arguments.allow])
    sessions = Sessions(catalogue, limit=arguments.max_sessions, idle_seconds=arguments.idle_seconds)
    server = EnvServer(sessions, arguments.host, arguments.port, token=token)
    if not server.local and not token:
        print("infinite-rl: anybody who reaches this address may use it; see --token-env", file=sys.stderr)
    server.serve(lambda: print(f"{', '.join(catalogue.ids)} at {server.url}", flush=True), grace=10)
    return 0


def _given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Those of the arguments that were given, by name."""
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}


def declare_runtimes(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``runtimes``."""
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def show_runtimes(arguments: argparse.Namespace) -> int:
    """Shows the sandboxes and tests them; the exit code is 1 if one is missing or fails."""
    from .runtimes.build.recipe import LANGUAGES
    from .runtimes.status import runtime_status

    found = [runtime_status(language) for language in LANGUAGES]
    if arguments.json:
        print(json.dumps([{**dataclasses.asdict(status), "works": status.works} for status in found], default=str))
    else:
        console = Console(highlight=False)
        for status in found:
            if status.problem is not None:
                console.print(Text(f"{status.language}: {status.problem}\n"), soft_wrap=True)
            else:
                console.print(_runtime_table(status))
    return 0 if all(status.works for status in found) else 1


def _runtime_table(status: RuntimeStatus) -> Table:
    """One sandbox: what it is, where it lies, and its self-test."""
    table = Table(title=status.language, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    recipe = f"{(status.recipe or '')[:16]}, {'current' if status.current else 'not of this version'}"
    compiled = f"{len(status.compiled)} files, {sum(status.compiled) / 1e6:.1f} MB, in {status.compiled_folder}"
    table.add_row("engine", Text(f"{status.engine}, {status.variant}"))
    table.add_row("artefact", Text(f"{status.path} ({(status.bytes or 0) / 1e6:.1f} MB)"))
    table.add_row("sha256", status.sha256)
    table.add_row("recipe", recipe)
    table.add_row("compiled", Text(compiled))
    table.add_row("first run", f"{status.ready_seconds:.2f} s")
    for trial in status.trials:
        verdict = f"ok, {trial.cpu_ms:.1f} ms" if trial.passed else f"failed: {visible(trial.detail)}"
        table.add_row(f"test: {trial.name}", Text(verdict))
    return table


def declare_verify(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``verify``."""
    parser.add_argument("gold", metavar="GOLD", help="the right answer")
    parser.add_argument("answer", metavar="ANSWER", help="the answer to judge")
    parser.add_argument("--explain", action="store_true", help="show how both were read, and what decided")


def verify_answer(arguments: argparse.Namespace) -> int:
    """Says whether two mathematical answers are equal; the exit code is 1 if they aren't."""
    from .rewards import verify
    from .rewards.equivalence.verdict import reading

    verdict = verify(arguments.gold, arguments.answer)
    print("equal" if verdict.equal else "not equal")
    if arguments.explain:
        table = Table(show_header=False)
        for name, text in (("gold", arguments.gold), ("answer", arguments.answer)):
            table.add_row(f"{name}", Text(visible(text)))
            table.add_row(f"{name} is read as", Text(visible(reading(text))))
        table.add_row("decided by", verdict.tier)
        table.add_row("because", Text(visible(verdict.reason)))
        table.add_row("time", f"{1e3 * verdict.seconds:.2f} ms")
        Console(highlight=False).print(table)
    return 0 if verdict.equal else 1


def declare_search_service(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``search-service``."""
    documents = parser.add_mutually_exclusive_group(required=True)
    documents.add_argument("--corpus", metavar="FILE", help="JSON Lines with id, title and text on each line")
    documents.add_argument("--split", choices=SPLITS, help="the documents of Search-v0's own world of this split")
    parser.add_argument("--index", metavar="FILE", help="keep the index there: loaded if it is of this corpus")
    parser.add_argument("--embeddings-url", metavar="URL", help="search by meaning: an OpenAI-compatible API")
    parser.add_argument("--embeddings-model", metavar="NAME", help="the embedding model's name there")
    parser.add_argument("--faiss", action="store_true", help="compare vectors by FAISS")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=int, default=8000, help="0 for any that is free (default: 8000)")
    parser.add_argument("--max-queries", type=int, default=512, help="queries in one request (default: 512)")
    parser.add_argument("--max-topk", type=int, default=100, help="hits of one query (default: 100)")
    parser.add_argument("--max-connections", type=int, default=256, help="open at once (default: 256)")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds a client may take (default: 30)")


def search_service(arguments: argparse.Namespace) -> int:
    """Serves search over HTTP until SIGTERM or Ctrl-C."""
    from .envs.retrieval.command import run

    return run(arguments)


def declare_contamination(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``contamination``."""
    from .datasets.contamination.command import declare

    declare(parser)


def find_contamination(arguments: argparse.Namespace) -> int:
    """Looks for evaluation prompts in training prompts; the exit code is 1 if there are more than tolerated."""
    from .datasets.contamination.command import run

    return run(arguments, visible)


def declare_generation(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``generate``."""
    from .datasets.generation.command import declare

    declare(parser)


def declare_plan(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``plan``."""
    from .agents.scaling.command import declare

    declare(parser)


def plan_training(arguments: argparse.Namespace) -> int:
    """Says which ways to train a model fit on so many GPUs; the exit code is 1 if none does."""
    from .agents.scaling.command import run

    return run(arguments)


def declare_submit(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``submit``."""
    from .agents.leaderboard.submit import declare

    declare(parser)


def declare_evaluation(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``eval``."""
    from .agents.evaluation.command import declare

    declare(parser)


def submit_results(arguments: argparse.Namespace) -> int:
    """Checks the results of an evaluation and packs them; the exit code is 1 if something is wrong with them."""
    from .agents.leaderboard.submit import run

    return run(arguments)


def evaluate_model(arguments: argparse.Namespace) -> int:
    """Says what a model scores; the exit code is 1 if it can't be reached."""
    from .agents.evaluation.command import run

    return run(arguments)


def declare_leaderboard(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``leaderboard``."""
    from .agents.leaderboard.command import declare

    declare(parser)


def declare_reverification(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``reverify``."""
    from .agents.evaluation.reverify_command import declare

    declare(parser)


def build_leaderboard(arguments: argparse.Namespace) -> int:
    """Builds the pages of a leaderboard; the exit code is 1 if a submission is not on them."""
    from .agents.leaderboard.command import run

    return run(arguments)


def reverify(arguments: argparse.Namespace) -> int:
    """Grades stored outputs again; the exit code is 1 if a verdict has changed."""
    from .agents.evaluation.reverify_command import run

    return run(arguments)


def declare_convert(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``convert``."""
    from .datasets.conversion_command import declare

    declare(parser)


def generate_tasks(arguments: argparse.Namespace) -> int:
    """Lets a Gemini model write tasks; the exit code is 1 if some of them are missing at the end."""
    from .datasets.generation.command import run

    return run(arguments)


def convert_file(arguments: argparse.Namespace) -> int:
    """Writes tasks into a file of another format."""
    from .datasets.conversion_command import run

    return run(arguments, visible)


COMMANDS = {
    "envs": Command("list the environments", lambda parser: None, list_envs),
    "play": Command("answer the tasks of an environment yourself, or let a model do it", declare_play, play),
    "eval": Command(
        "say what a model scores on an environment or a benchmark, and how two runs differ",
        declare_evaluation,
        evaluate_model,
        """examples:
  infinite-rl eval --env Math-v0 --base-url http://127.0.0.1:8000/v1 --model tiny -n 8
  infinite-rl eval --benchmark gsm8k --file gsm8k_test.jsonl.gz --model path/to/model --max-tokens 2048
  infinite-rl eval --compare evaluations/Math-v0-test-tiny evaluations/Math-v0-test-small""",
    ),
    "reverify": Command(
        "grade the outputs of an evaluation again; exit code 1 if a verdict has changed",
        declare_reverification,
        reverify,
    ),
    "serve": Command("offer environments over HTTP", declare_serve, serve),
    "verify": Command("say whether two mathematical answers are equal", declare_verify, verify_answer),
    "runtimes": Command("show and test the sandboxes that run code", declare_runtimes, show_runtimes),
    "search-service": Command(
        "serve search over documents by HTTP (POST /search, GET /health)",
        declare_search_service,
        search_service,
        """examples:
  infinite-rl search-service --corpus documents.jsonl --index documents.npz
  infinite-rl search-service --split test --port 8001
  curl -d '{"queries": ["capital of Wolyjar"], "topk": 3, "return_scores": true}' http://127.0.0.1:8001/search
  OPENAI_API_KEY=… infinite-rl search-service --corpus documents.jsonl --index vectors.npz \\
      --embeddings-url http://127.0.0.1:9000/v1 --embeddings-model bge-small --faiss""",
    ),
    "generate": Command(
        "let a Gemini model write tasks with answers that are checked; the same command goes on where one stopped",
        declare_generation,
        generate_tasks,
        """examples:
  GEMINI_API_KEY=… infinite-rl generate --num_samples 100 --out_dir my_dataset --threads 4
  infinite-rl generate --num_samples 10 --task_dist 0,1 --out_dir math_only --dry-run
  infinite-rl generate --base-url http://127.0.0.1:8080 --model_name my-model --eval test@openai/gsm8k:main""",
    ),
    "convert": Command(
        "write tasks into a file of another format, from which the same tasks are read",
        declare_convert,
        convert_file,
        """examples:
  infinite-rl convert my_dataset/dataset.csv train.jsonl
  infinite-rl convert train.jsonl train.csv --overwrite
  infinite-rl convert test@openai/gsm8k:main gsm8k.parquet""",
    ),
    "contamination": Command(
        "look for evaluation prompts in training prompts; exit code 1 if there are any",
        declare_contamination,
        find_contamination,
        """examples:
  infinite-rl contamination --train train.jsonl --eval test.jsonl --report found
  infinite-rl contamination --train train@data --eval test@openai/gsm8k:main --abort-tolerance 0.001
  infinite-rl contamination --train train.parquet --eval test.csv --remove clean.parquet""",
    ),
    "submit": Command(
        "grade the results of an evaluation again, and pack them for a leaderboard; exit code 1 if something is wrong",
        declare_submit,
        submit_results,
        """examples:
  infinite-rl submit results/my-model --check
  infinite-rl submit results/my-model --out board""",
    ),
    "leaderboard": Command(
        "build the pages of a leaderboard from a folder of submissions",
        declare_leaderboard,
        build_leaderboard,
        """examples:
  infinite-rl leaderboard board
  infinite-rl leaderboard board --out public""",
    ),
    "plan": Command(
        "say what fits on so many GPUs, how a model is best divided over them, and how fast it is expected to learn",
        declare_plan,
        plan_training,
        """examples:
  infinite-rl plan --model Qwen3-8B --gpus 8
  infinite-rl plan --model Llama-3.1-70B --gpus 64 --gpu h200 --length 16384 --rollouts apart
  infinite-rl plan --model path/to/config.json --gpus 2 --gpu rtx4090 --algorithm ppo --json""",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand.

    Args:
        argv: the arguments; those of the process if not given.

    Returns:
        The exit code: 0, or 2 with one line on standard error if an argument is wrong.
    """
    parser = argparse.ArgumentParser(prog="infinite-rl", description="Verifiable text environments.")
    parser.add_argument("--version", action="version", version=f"infinite-rl {version('infinite-rl')}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in COMMANDS.items():
        command.declare(
            subparsers.add_parser(
                name,
                help=command.help,
                description=command.help,
                epilog=command.examples,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["verify"]:  # An answer may begin with a minus sign.
        flags = [text for text in given[1:] if text in ("--explain", "-h", "--help")]
        given = ["verify", *flags, "--", *(text for text in given[1:] if text not in (*flags, "--"))]
    arguments = parser.parse_args(given)
    register_envs()
    try:
        return COMMANDS[arguments.command].run(arguments)
    except (gymnasium.error.Error, ValueError, TypeError, OSError, LookupError, ImportError) as error:
        print(f"infinite-rl: {' '.join(visible(str(error)).split())}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
