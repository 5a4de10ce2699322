"""``infinite-rl play``: a person or a model answers the tasks of an environment."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

import gymnasium

from ..datasets.task import SPLITS
from .arguments import given, json_object
from .registration import ENVIRONMENTS, known_id
from .tools.formats import FORMATS


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
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
        help="put <answer> tags around what is typed without; for tasks without talk or tools",
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


def run(arguments: argparse.Namespace) -> int:
    """Lets a person answer at the prompt, or a model behind an endpoint, and shows the scores."""
    from ..runtimes.endpoint import ChatEndpoint
    from .agent_loop import AgentLoop
    from .playing import model_plays, person_plays
    from .text_env import TextEnv
    from .tool_env import ToolEnv

    if arguments.episodes < 1:
        raise ValueError(f"--episodes must be at least 1, not {arguments.episodes}")
    if bool(arguments.base_url) != bool(arguments.model):
        raise ValueError("--base-url and --model go together: a model plays, or neither is given and a person plays")
    if arguments.model and arguments.wrap:
        raise ValueError("--wrap is for people: a model is told by its prompt how to answer")
    if not arguments.model and (unused := given(arguments, "out", "temperature", "max_tokens", "max_turns")):
        raise ValueError(f"--{min(unused).replace('_', '-')} is for models: give --base-url and --model too")
    if arguments.seed is not None and arguments.seed < 0:
        raise ValueError(f"--seed must be 0 or more, not {arguments.seed}")
    id = known_id(arguments.id)
    row = next((row for row in ENVIRONMENTS if row.id == id), None)
    if arguments.tool_format and row and not issubclass(row.load(), ToolEnv):
        raise ValueError(f"{row.name} has no tools; leave out --tool-format")
    chosen = given(arguments, "level", "split", "tool_format") | arguments.arguments
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
            **given(arguments, "temperature", "max_tokens"),
        )
        return model_plays(loop, out=arguments.out, **played)
