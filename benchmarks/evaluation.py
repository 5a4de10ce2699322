"""Measures how fast a model behind an endpoint is evaluated: 10,000 tasks with 8 samples each, from start to scores.

Run ``python benchmarks/evaluation.py``. It writes ``results/evaluation.json``. The server runs in a process of its own
on the same cores and answers at once, so that what is measured is the client: asking, grading, writing and scoring. It
adds two numbers, and is wrong for about a third of the samples. All samples must be there once, with the verdicts that
adding up once more gives. Two ways of asking are measured, all samples of a task in a request and one in each; and on a
part of the tasks, ``infinite-rl play --model``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from infinite_rl.agents.evaluation.results import read_results

RESULTS = Path(__file__).parent / "results" / "evaluation.json"
QUESTION = re.compile(r"What is (-?\d+)([-+])(-?\d+)\?")
ARGUMENTS = {"level": 4, "operations": ["add", "subtract"]}
ENV = ["--env", "Math-v0", "--arguments", json.dumps(ARGUMENTS)]


class Server(asyncio.Protocol):
    """HTTP/1.1 with no more than this benchmark needs."""

    requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins a connection."""
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.data = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answers the requests that are whole."""
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self.data) < end + 4 + length:
                return
            body, self.data = self.data[end + 4 : end + 4 + length], self.data[end + 4 + length :]
            Server.requests += 1
            content = answer(json.loads(body))
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content))


def answer(request: dict[str, Any]) -> bytes:
    content = request["messages"][-1]["content"]
    value = solve(content)
    count = request.get("n", 1)
    choices = []
    for place in range(count):
        wrong = zlib.crc32(f"{content} {request.get('seed')} {place}".encode()) % 3 == 0
        text = f"Adding up gives <answer>{value + wrong}</answer>"
        choices.append({"index": place, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"})
    usage = {"prompt_tokens": 20, "completion_tokens": 10 * count}
    return json.dumps({"object": "chat.completion", "choices": choices, "usage": usage}).encode()


def solve(content: str) -> int:
    found = QUESTION.search(content)
    assert found is not None, content
    first, sign, second = found.groups()
    return int(first) + (1 if sign == "+" else -1) * int(second)


def serve(told: Connection) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Server, "127.0.0.1", 0, backlog=512)
        told.send(server.sockets[0].getsockname()[1])
        loop.add_reader(told.fileno(), lambda: told.send(Server.requests) if told.recv() else None)
        await server.serve_forever()

    asyncio.run(main())


def command(*given: str) -> tuple[float, float]:
    """Seconds of an ``infinite-rl`` command, the start of its process included: on the clock, and of computing."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    line = [sys.executable, "-m", "infinite_rl.cli", *given]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL, timeout=3600)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def evaluate(url: str, folder: Path, *more: str) -> tuple[float, float]:
    """Seconds of ``infinite-rl eval``."""
    return command("eval", *ENV, "--base-url", url, "--model", "adder", "--json", "--out", str(folder), *more)


def check(folder: Path, tasks: int, n: int) -> dict[str, Any]:
    """Whether every sample is there once, and judged as adding up says."""
    results = read_results(folder)
    places = {(sample["task_index"], sample["sample"]) for sample in results.samples}
    assert len(results.samples) == len(places) == tasks * n, "samples are missing"
    assert set(Counter(place[0] for place in places).values()) == {n}, "tasks lack samples"
    assert (folder / "samples.jsonl").read_bytes().count(b"\n") == tasks * n, "lines are there twice"
    for sample in results.samples:
        right = sample["answer"] == str(solve(sample["messages"][0]["content"]))
        assert sample["passed"] == right == (sample["reward"] == 1.0), sample
    assert results.result is not None
    return {"pass@1": round(results.result["scores"]["pass@1"]["value"], 4), **results.result["usage"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("-n", type=int, default=8)
    parser.add_argument("--played", type=int, default=2_000, help="episodes of infinite-rl play")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("fork").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}/v1"
    samples = arguments.tasks * arguments.n
    found: dict[str, Any] = {"tasks": arguments.tasks, "n": arguments.n, "cores": os.cpu_count(), "ways": {}}
    with tempfile.TemporaryDirectory() as place:
        ways: dict[str, tuple[str, ...]] = {"n choices a request": (), "one sample a request": ("--one-by-one",)}
        for name, more in ways.items():
            ours.send(True)
            before = ours.recv()
            folder = Path(place) / name.replace(" ", "-")
            given = ("--tasks", str(arguments.tasks), "-n", str(arguments.n), *more)
            seconds, computing = evaluate(url, folder, *given)
            ours.send(True)
            row: dict[str, Any] = {"seconds": round(seconds, 2), "samples_per_second": round(samples / seconds, 1)}
            row |= {"cpu_seconds": round(computing, 2), "samples_per_cpu_second": round(samples / computing, 1)}
            row |= {"requests": ours.recv() - before, "checked": check(folder, arguments.tasks, arguments.n)}
            row["again_seconds"] = round(evaluate(url, folder, *given)[0], 2)
            found["ways"][name] = row
            print(name, row, flush=True)
        play = ["play", "Math-v0", "--arguments", json.dumps(ARGUMENTS), "--split", "test", "--json", "--seed", "0"]
        episodes = ["--episodes", str(arguments.played), "--concurrency", "32", "--out", str(Path(place) / "played")]
        seconds, computing = command(*play, *episodes, "--base-url", url, "--model", "adder")
        found["play"] = {
            "episodes": arguments.played,
            "episodes_per_second": round(arguments.played / seconds, 1),
            "episodes_per_cpu_second": round(arguments.played / computing, 1),
        }
    for row in found["ways"].values():
        row["times_play"] = round(row["samples_per_second"] * seconds / arguments.played, 1)
        row["times_play_by_cpu"] = round(row["samples_per_cpu_second"] * computing / arguments.played, 1)
    print(found["play"])
    server.terminate()
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
