"""Runs a function in several processes that talk by gloo, and brings back what each returned."""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Timer


@cache
def forker():
    """The process that forks all ranks; it ends when this one does and its input with it."""
    command = [sys.executable, str(Path(__file__).with_name("forker.py"))]
    environment = {"OMP_NUM_THREADS": "1"} | os.environ
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill(numbers):
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def run(path, name, ranks, *arguments, timeout=120, joins=True):
    """What the function ``name`` of the module at ``path`` returns on each rank; without ``joins`` it joins itself."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "given").write_bytes(pickle.dumps(arguments))
        common = {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        job = {"path": str(path), "name": name, "ranks": ranks, "folder": folder, "joins": joins}
        print(json.dumps(job | {"environment": os.environ | common}), file=forker().stdin, flush=True)
        numbers = json.loads(forker().stdout.readline())
        end = Timer(timeout, kill, [numbers])
        end.start()
        codes = json.loads(forker().stdout.readline())
        end.cancel()
        told = "\n".join((Path(folder) / f"{rank}.told").read_text() for rank in range(ranks))
        assert not any(codes), f"the ranks ended with {codes}\n{told}"
        return [pickle.loads((Path(folder) / str(rank)).read_bytes()) for rank in range(ranks)]
