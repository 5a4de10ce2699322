"""``infinite-rl serve``: environments over HTTP."""

from __future__ import annotations

import argparse
import os
import sys

from ..arguments import json_object, port
from ..registration import ENVIRONMENTS


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    told = "the environments, the default first (default: all)"
    parser.add_argument("ids", nargs="*", metavar="ID", help=told)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=port, default=8000, help="0 takes a free one (default: 8000)")
    parser.add_argument("--token-env", metavar="NAME", help="the environment variable that holds a bearer token")
    parser.add_argument("--arguments", type=json_object, default={}, help="of the environments, as a JSON object")
    parser.add_argument("--allow", nargs="*", default=[], metavar="NAME", help="further arguments clients may choose")
    parser.add_argument("--max-sessions", type=int, default=256, help="at the same time (default: 256)")
    parser.add_argument("--idle-seconds", type=float, default=900, help="until an unused session ends (default: 900)")


def run(arguments: argparse.Namespace) -> int:
    """Offers environments over HTTP until the process is asked to end."""
    from .catalogue import ALLOWED, Catalogue
    from .server import EnvServer
    from .sessions import Sessions

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
