"""A warm interpreter that forks once for each program, under rlimits: the peer of ``sandbox.py``.

It reads programs from stdin until it is closed, and answers with their stdout; both travel behind their lengths.
"""

import collections
import dataclasses
import decimal
import fractions
import functools
import heapq
import itertools
import json
import math
import os
import random
import re
import resource
import string
import sys
import typing

# What programs use lies in memory already.
LIBRARY = (
    collections,
    dataclasses,
    decimal,
    fractions,
    functools,
    heapq,
    itertools,
    json,
    math,
    random,
    re,
    string,
    typing,
)


def serve() -> None:
    """Runs each program in a child of its own."""
    while head := sys.stdin.buffer.read(4):
        code = sys.stdin.buffer.read(int.from_bytes(head, "big"))
        reader, writer = os.pipe()
        if os.fork() == 0:
            run(code, reader, writer)
        os.close(writer)
        with open(reader, "rb") as pipe:
            output = pipe.read()
        os.wait()
        sys.stdout.buffer.write(len(output).to_bytes(4, "big") + output)
        sys.stdout.buffer.flush()


def run(code: bytes, reader: int, writer: int) -> None:
    """The child's side; does not return."""
    try:
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
        os.dup2(writer, 1)
        sys.stdout = os.fdopen(1, "w")
        exec(compile(code, "solution.py", "exec"), {"__name__": "__main__"})
        sys.stdout.flush()
    finally:
        os._exit(0)


if __name__ == "__main__":
    serve()
