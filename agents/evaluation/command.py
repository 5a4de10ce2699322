"""``infinite-rl eval``: what a model scores on an environment or a benchmark, and how two runs differ."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ...datasets.task import SPLITS
from ...envs.agent_loop import ENDPOINT_ERROR, tools_member
from ...envs.arguments import json_object
from ...envs.playing import INTERRUPTED
from ...envs.tools.formats import FORMATS
from ...runtimes.endpoint import ChatEndpoint, EndpointError, TextEndpoint
from ...spaces.visible import visible
from ..models.names import lacks_folder
from .about import describe
from .asking import EndpointPlayer, Player
from .benchmarks import BENCHMARKS, SENT_STOPS, find_benchmark
from .comparing import compare
from .display import Bar, comparison_table, facts_table, failures_told, result_table
from .evaluate import evaluation_in
from .local import need_libraries
from .results import MOST, RESULT, Sample, read_results
from .subject import Subject, benchmark, environment

BACKENDS = ("endpoint", "transformers", "vllm")
# Tokens of a reply, where nobody says: completions of texts would otherwise have 16, and local models no end.
_MAX_TOKENS = 1024
_LONGEST_NAME = 120
# Characters of the arguments in the name of a folder; of more a digest has to do.
_LONGEST_ARGUMENTS = 40
# Beyond these a number is a slip, and would only fail later: out of memory, threads or time.
_BOUNDS = {
    "n": (1, MOST),
    "tasks": (1, MOST),
    "concurrency": (1, 4096),
    "max_tokens": (1, 2**31 - 1),
    "max_turns": (1, 2**31 - 1),
    "seed": (-(2**63), 2**63 - 1),
}
_MOST_SAMPLES = 10 * MOST
_HIGHEST_PRICE = 10**9
# Bytes of a reply with one choice.
_LONGEST_REPLY = 16 << 20


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``eval``."""
    what = parser.add_argument_group("what is asked")
    what.add_argument("--env", metavar="ID", help="the environment, such as InfiniteRL/Math-v0")
    what.add_argument("--benchmark", metavar="NAME", help=", ".join(BENCHMARKS))
    what.add_argument("--file", metavar="FILE", help="tasks: of the benchmark (default: from the hub), or of --env")
    what.add_argument("--prompt", metavar="STYLE", help="of the benchmark's prompts (default: its first)")
    what.add_argument("--split", choices=SPLITS, help="of an environment's own tasks (default: test)")
    what.add_argument("--level", type=int, help="difficulty of the tasks, from 1")
    what.add_argument("--tool-format", choices=FORMATS, help="how tools are called")
    what.add_argument("--arguments", type=json_object, default={}, help="of the environment, as a JSON object")
    what.add_argument("--tasks", type=int, metavar="N", help="the first so many (default: all, of a stream up to 200)")
    model = parser.add_argument_group("who answers", "an endpoint's API key is taken from OPENAI_API_KEY")
    model.add_argument("--model", help="its name at the endpoint; else its folder or its name on the hub")
    model.add_argument("--name", help="what results call the model (default: --model, of a folder its last part)")
    model.add_argument("--base-url", help="an OpenAI-compatible server, such as http://localhost:8000/v1")
    model.add_argument("--backend", choices=BACKENDS, help="(default: endpoint with --base-url, else transformers)")
    model.add_argument("-n", type=int, default=1, metavar="SAMPLES", help="of each task (default: 1)")
    model.add_argument("--temperature", type=float, default=1.0, help="of sampling (default: 1)")
    model.add_argument("--top-p", type=float, help="of sampling (default: all tokens)")
    model.add_argument("--max-tokens", type=int, help=f"of a reply (default: the server's; local: {_MAX_TOKENS:,})")
    model.add_argument("--max-turns", type=int, help="of an episode, instead of the environment's own limit")
    model.add_argument("--seed", type=int, default=0, help="names the seeds of all samples (default: 0)")
    model.add_argument("--no-seed", action="store_true", help="send no seeds, for servers that refuse them")
    model.add_argument("--concurrency", type=int, help="requests at a time (default: 32); local: episodes (256)")
    model.add_argument("--one-by-one", action="store_true", help="one sample a request, not all of a task")
    model.add_argument("--timeout", type=float, default=600, help="seconds for a reply (default: 600)")
    model.add_argument("--send-tools", action="store_true", help="send the tools' schemas in any tool format")
    out = parser.add_argument_group("what becomes of it", "the same command goes on where it was stopped")
    out.add_argument(
        "--out", type=Path, metavar="FOLDER", help="(default: evaluations/, then what is asked and the model)"
    )
    out.add_argument("--json", action="store_true", help="print the result as JSON")
    out.add_argument("--price", type=float, nargs=2, metavar=("IN", "OUT"), help="of a million tokens")
    out.add_argument("--retry", action="store_true", help="ask again for samples that failed, not by the model's fault")
    out.add_argument("--contamination", metavar="TEXT", help="declare what the model saw of these tasks in training")
    out.add_argument("--canary", metavar="TEXT", help="keep a text by which transcripts are found in training data")
    told = "how the results in two folders differ"
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("A", "B"), help=told)


def run(arguments: argparse.Namespace) -> int:
    """Evaluates, or compares; returns the exit code: 0, or 1 where the model failed."""
    if arguments.compare:
        return _compare(arguments)
    _check(arguments)
    subject = _subject(arguments)
    if (total := subject.about["tasks"] * arguments.n) > _MOST_SAMPLES:
        raise ValueError(f"-n {arguments.n:,} makes {total:,} samples, and at most {_MOST_SAMPLES:,} are possible")
    sampling = _sampling(arguments, subject)
    model = {"name": arguments.name or _model_name(arguments.model)}
    model |= {"backend": _backend(arguments), "parameters": None}
    asked = describe(subject, model, sampling, contamination=arguments.contamination, canary=arguments.canary)
    folder = arguments.out or Path("evaluations") / _folder_name(arguments, subject, model["name"])
    player = _player(arguments, subject, sampling)
    errors = Console(stderr=True, highlight=False)
    problem, code, result = "", 0, None
    with evaluation_in(folder, asked, list(subject.tasks), retry=arguments.retry, price=arguments.price) as evaluation:
        with Bar(total, evaluation.samples, shown=not arguments.json) as bar:
            try:
                result = evaluation.finish(player, bar)
            except EndpointError as error:
                problem, code = str(error), 1
            except KeyboardInterrupt:
                problem, code = "Interrupted.", INTERRUPTED
        if evaluation.corrected:
            told = f"{RESULT} did not say what the samples do ({', '.join(evaluation.corrected)}); it is written anew."
            errors.print(Text(visible(told)), soft_wrap=True)
        if result is None:
            told = f"{' '.join(problem.split())} {_how_to_go_on(evaluation.samples, total, folder)}"
            print(f"infinite-rl: {visible(told)}", file=sys.stderr)
            return code
    if arguments.json:
        print(json.dumps(result))
    else:
        console = Console(highlight=False)
        console.print(result_table(result), facts_table(result), Text(f"in {folder}"), sep="\n")
    ending = [failures_told(evaluation.samples)]
    if not result["counts"]["graded"]:
        ending.append("No sample says anything about the model.")
    elif result["declarations"]["contamination"] is None:
        ending.append(
            "infinite-rl submit will ask for --contamination: add it to this command, which asks nothing again."
        )
    for line in filter(None, ending):
        errors.print(Text(visible(line)), soft_wrap=True)
    return 0 if result["counts"]["graded"] else 1


def _how_to_go_on(samples: Sequence[Sample], total: int, folder: Path) -> str:
    if samples and all(sample["status"] == ENDPOINT_ERROR for sample in samples):
        return "Nothing was answered. Is it the right --model, --base-url and key? Give the command again with them."
    return f"{len(samples):,} of {total:,} samples are in {folder}; the same command goes on from there."


def _compare(arguments: argparse.Namespace) -> int:
    found = compare(*(read_results(folder) for folder in arguments.compare))
    if arguments.json:
        print(json.dumps(found))
    else:
        notes = (Text(visible(f"{note}.")) for note in found["notes"])
        Console(highlight=False).print(comparison_table(found), *notes, sep="\n")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if bool(arguments.env) == bool(arguments.benchmark):
        raise ValueError("give --env or --benchmark, one of both; or --compare and two folders")
    if not arguments.model:
        raise ValueError("--model is missing: give its name at --base-url, or its folder or hub name")
    for name, (least, most) in _BOUNDS.items():
        value = getattr(arguments, name)
        if value is not None and not least <= value <= most:
            flag = f"{'-' if len(name) == 1 else '--'}{name.replace('_', '-')}"
            problem = f"at least {least:,}" if value < least else f"at most {most:,}"
            raise ValueError(f"{flag} must be {problem}, not {str(value)[:40]}")
    if not 0 <= arguments.temperature < math.inf:
        raise ValueError(f"--temperature must be at least 0, not {arguments.temperature:g}")
    if arguments.top_p is not None and not 0 < arguments.top_p <= 1:
        raise ValueError(f"--top-p must be above 0 and at most 1, not {arguments.top_p:g}")
    if arguments.price is not None and not all(0 <= price <= _HIGHEST_PRICE for price in arguments.price):
        raise ValueError(f"--price takes two numbers from 0 to {_HIGHEST_PRICE:,}")
    if (_backend(arguments) == "endpoint") != bool(arguments.base_url):
        raise ValueError("--base-url is for --backend endpoint, which needs it")
    if not arguments.base_url:
        _check_folder(arguments.model)
        need_libraries()
    own = {"split": "--split", "level": "--level", "tool_format": "--tool-format"}
    if arguments.benchmark and (given := [flag for name, flag in own.items() if getattr(arguments, name) is not None]):
        raise ValueError(f"{given[0]} is for --env, not for a benchmark")
    if arguments.benchmark and arguments.arguments:
        raise ValueError("--arguments is for --env, not for a benchmark")
    if arguments.prompt and not arguments.benchmark:
        raise ValueError("--prompt is for --benchmark")


def _subject(arguments: argparse.Namespace) -> Subject:
    if arguments.benchmark:
        return benchmark(arguments.benchmark, file=arguments.file, prompt=arguments.prompt, tasks=arguments.tasks)
    return environment(arguments.env, split=arguments.split, arguments=_given(arguments), tasks=arguments.tasks)


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """What is chosen of an environment."""
    given = {"level": arguments.level, "tool_format": arguments.tool_format, "tasks": arguments.file}
    return {**{name: value for name, value in given.items() if value is not None}, **arguments.arguments}


def _sampling(arguments: argparse.Namespace, subject: Subject) -> dict[str, Any]:
    bounded = subject.continues or _backend(arguments) != "endpoint"
    # Only where it makes a difference: what was asked else is the same with and without.
    asked = _backend(arguments) == "endpoint" and arguments.send_tools
    more = asked and tools_member(subject.env, True) != tools_member(subject.env, None)
    return {
        "n": arguments.n,
        "temperature": arguments.temperature,
        "top_p": arguments.top_p,
        "max_tokens": arguments.max_tokens or (_MAX_TOKENS if bounded else None),
        "max_turns": arguments.max_turns,
        "seed": None if arguments.no_seed else arguments.seed,
        **({"send_tools": True} if more else {}),
    }


def _player(arguments: argparse.Namespace, subject: Subject, sampling: dict[str, Any]) -> Callable[[], Player]:
    """Makes who answers; a model in this process is loaded when there is something to ask."""
    if _backend(arguments) != "endpoint":
        from .local import LocalPlayer

        concurrency = arguments.concurrency or 256
        return lambda: LocalPlayer(subject, arguments.model, _backend(arguments), sampling, concurrency=concurrency)
    sent = {name: sampling[name] for name in ("temperature", "top_p", "max_tokens") if sampling[name] is not None}
    sent |= tools_member(subject.env, arguments.send_tools or None)
    if subject.continues:
        sent["stop"] = list(SENT_STOPS)
    kind = TextEndpoint if subject.continues else ChatEndpoint
    # Any of the choices may be as long as a reply on its own.
    longest = _LONGEST_REPLY * min(arguments.n, 16)
    player = EndpointPlayer(
        subject,
        kind(arguments.base_url, arguments.model, timeout=arguments.timeout, max_bytes=longest),
        concurrency=arguments.concurrency or 32,
        several=not arguments.one_by_one,
        seed=sampling["seed"],
        max_turns=sampling["max_turns"],
        parameters=sent,
    )
    return lambda: player


def _backend(arguments: argparse.Namespace) -> str:
    return str(arguments.backend or ("endpoint" if arguments.base_url else "transformers"))


def _model_name(model: str) -> str:
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return model
    *_, run, kind, name = ("", "", *folder.absolute().parts)
    # All runs call their best model alike.
    return f"{run}-{name}" if kind == "checkpoints" and run else name


def _check_folder(model: str) -> None:
    """Refuses what is no model at once: torch takes long to load."""
    _refuse_run(Path(model).expanduser())
    if lacks_folder(model):
        raise ValueError(f"--model {model}: no such folder")


def _refuse_run(folder: Path) -> None:
    """A run of our trainer holds models and is none; not each has one that is the best."""
    run = folder if folder.exists() or folder.parent.name != "checkpoints" else folder.parent.parent
    if not (run / "checkpoints").is_dir() or (run / "config.json").exists():
        return
    there = sorted(path for path in (run / "checkpoints").iterdir() if (path / "config.json").exists())
    best = [path for path in there if path.name == "best"] or [path for path in there if path.name.startswith("step-")]
    if not best:
        raise ValueError(f"{run} is a training run that has saved no model yet")
    problem = "a training run" if run == folder else "not there"
    raise ValueError(f"{folder} is {problem}: give --model {best[-1]}")


def _mark(arguments: argparse.Namespace) -> str:
    """Tells folders of models from others of the same name, without saying where they lie; empty for names."""
    folder = Path(arguments.model).expanduser()
    if arguments.base_url or not folder.is_dir():
        return ""
    return hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=4).hexdigest()


def _folder_name(arguments: argparse.Namespace, subject: Subject, model: str) -> str:
    """A name of the environment, what is chosen of it, the model and its mark; what is odd in one becomes a dash."""
    about, mark = subject.about, _mark(arguments)
    parts = (about["id"].rpartition("/")[2], _chosen(arguments, subject), about["split"], model)
    text = "-".join(part for part in parts if part)
    plain = "".join(letter if _is_plain(letter) else "-" for letter in text)
    name = plain[:_LONGEST_NAME].strip(".-") or "evaluation"
    return f"{name}-{mark}" if mark else name


def _chosen(arguments: argparse.Namespace, subject: Subject) -> str:
    """What is chosen of an environment or a benchmark, such as ``level3``; empty where nothing is."""
    if arguments.benchmark:
        return "" if subject.prompt == find_benchmark(arguments.benchmark).styles[0].name else str(subject.prompt)
    # Neither keys and addresses, nor the seed of a private split: leaderboards show names of folders.
    public = subject.about["arguments"]
    given = {name: public[name] for name in _given(arguments) if name in public and name not in ("seed", "split")}
    told = {name: f"{name}{value}" for name, value in given.items()}
    if "tool_format" in given:  # it says by itself what it is
        told["tool_format"] = str(given["tool_format"])
    if "tasks" in given:
        told["tasks"] = str(given["tasks"]).rpartition("/")[2].partition(".")[0]
    text = "-".join(told.values())
    if len(text) <= _LONGEST_ARGUMENTS and all(map(_is_plain, text)):
        return text
    return hashlib.blake2b(json.dumps(given, sort_keys=True).encode(), digest_size=4).hexdigest()


def _is_plain(letter: str) -> bool:
    return letter.isascii() and (letter.isalnum() or letter in "._-")
