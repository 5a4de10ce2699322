"""Runs a function in several processes that talk by gloo, and brings back what each returned."""

import os
import pickle
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

RUNNER = """
import os, pickle, sys, importlib.util
os.environ.setdefault("OMP_NUM_THREADS", "1")
import torch, torch.distributed as dist
torch.set_num_threads(1)
path, name, arguments, out = sys.argv[1:5]
dist.init_process_group("gloo")
spec = importlib.util.spec_from_file_location("there", path)
there = importlib.util.module_from_spec(spec)
spec.loader.exec_module(there)
with open(arguments, "rb") as file:
    given = pickle.load(file)
found = getattr(there, name)(*given)
with open(f"{out}/{dist.get_rank()}", "wb") as file:
    pickle.dump(found, file)
dist.destroy_process_group()
"""


def run(path, name, ranks, *arguments, timeout=120):
    """What the function ``name`` of the module at ``path`` returns on each rank."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "given"
        given.write_bytes(pickle.dumps(arguments))
        common = os.environ | {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        command = [sys.executable, "-c", RUNNER, str(path), name, str(given), folder]
        processes = [
            subprocess.Popen(command, env=common | {"RANK": str(rank)}, stderr=subprocess.PIPE, text=True)
            for rank in range(ranks)
        ]
        try:
            told = [process.communicate(timeout=timeout)[1] for process in processes]
        finally:
            for process in processes:
                process.kill()
        assert all(process.returncode == 0 for process in processes), "\n".join(told)
        return [pickle.loads((Path(folder) / str(rank)).read_bytes()) for rank in range(ranks)]
