"""A server on this machine that speaks the Gemini API's protocol and writes tasks, so that generation needs no key.

python examples/local_gemini.py [--port 8080]
infinite-rl generate --base-url http://127.0.0.1:8080 --num_samples 20 --out_dir my_dataset --threads 4

It draws its tasks from the built-in families; a model would think of them.
"""

import argparse
import itertools
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infinite_rl.datasets.arithmetic import ArithmeticSource
from infinite_rl.datasets.coding.source import CodingSource
from infinite_rl.datasets.procedural import distinct
from infinite_rl.datasets.task import Task

PROMPT = "{expression}= (in <answer> tags)"
SUMS = distinct(ArithmeticSource(operations=["add"], digits=[2, 1], template=PROMPT), 600).tasks
PROGRAMS = {name: CodingSource(level=1, language=name.lower()) for name in ("Python", "JavaScript")}
numbers = itertools.count()  # of tasks; taking one is safe in any thread


def write_task(request: str) -> str:
    """The reply to a request: a task under its three heads."""
    number = next(numbers)
    if "Task type: math" in request:
        task = SUMS[number % len(SUMS)]
        return heads(task, task.answer, f"<answer>{task.answer}</answer>")
    language = "JavaScript" if "Language: JavaScript" in request else "Python"
    task = PROGRAMS[language].task(number)
    code = f"```{language.lower()}\n{task.metadata['solution']}\n```"
    return heads(task, json.dumps(task.answer), f"<answer>\n{code}\n</answer>")


def heads(task: Task, answer: str, response: str) -> str:
    """The three parts in the form that the generator asks for."""
    return f"[PROMPT]\n{task.prompt}\n[ANSWER]\n{answer}\n[RESPONSE]\n{response}"


class Handler(BaseHTTPRequestHandler):
    """Answers ``POST /v1beta/models/NAME:generateContent``."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Replies with a task."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = write_task(request["contents"][0]["parts"][0]["text"])
        content = {"role": "model", "parts": [{"text": text}]}
        usage = {"promptTokenCount": 400, "candidatesTokenCount": len(text) // 4}
        body = json.dumps(
            {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Says nothing: the generator shows what happens."""


class LocalServer(ThreadingHTTPServer):
    """Takes many calls at once."""

    request_queue_size = 128


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Speaks the Gemini API's protocol and writes tasks.")
    parser.add_argument("--port", type=int, default=8080, help="0 for any that is free (default: 8080)")
    port = parser.parse_args().port
    try:
        server = LocalServer(("127.0.0.1", port), Handler)
    except OSError:
        sys.exit(f"local_gemini.py: port {port} of 127.0.0.1 is taken; choose another with --port")
    with server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
