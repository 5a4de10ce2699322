"""Forks the ranks that `gloo.run` asks for, so that torch and the modules of tests are imported once for all of them.

It reads jobs from its standard input, a line of JSON each, and answers each with the numbers of the ranks' processes
and then with their exit codes. No work is done here, so that no threads are lost by forking.
"""

import importlib.util
import json
import os
import pickle
import sys
import traceback
from functools import cache
from pathlib import Path

import torch
import torch.distributed as dist


@cache
def load(path):
    spec = importlib.util.spec_from_file_location("there", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def work(job, rank):
    """What a rank does; its exit code says whether it came to an end."""
    folder = Path(job["folder"])
    nothing, told = os.open(os.devnull, os.O_RDWR), os.open(folder / f"{rank}.told", os.O_CREAT | os.O_WRONLY)
    for number, other in enumerate((nothing, nothing, told)):
        os.dup2(other, number)
    os.environ.clear()
    os.environ.update(job["environment"] | {"RANK": str(rank)})
    try:
        if job["joins"]:
            dist.init_process_group("gloo")
        found = getattr(load(job["path"]), job["name"])(*pickle.loads((folder / "given").read_bytes()))
        (folder / str(rank)).write_bytes(pickle.dumps(found))
        if dist.is_initialized():
            dist.destroy_process_group()
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main():
    torch.set_num_threads(1)
    for line in sys.stdin:
        job = json.loads(line)
        load(job["path"])
        numbers = []
        for rank in range(job["ranks"]):
            numbers.append(os.fork())
            if not numbers[-1]:
                os._exit(work(job, rank))
        print(json.dumps(numbers), flush=True)
        print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) for number in numbers]), flush=True)


if __name__ == "__main__":
    main()
