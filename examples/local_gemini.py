"""A server on this machine that speaks the Gemini API's protocol and writes tasks, so that generation needs no key.

python examples/local_gemini.py [--port 8080]
infinite-rl generate --base-url http://127.0.0.1:8080 --num_samples 20 --out_dir my_dataset --threads 4

It draws its tasks from the built-in families; a model would think of them.
"""

import argparse
import itertools
import json
import sys

from infinite_rl.datasets.arithmetic import ArithmeticSource
from infinite_rl.datasets.coding.source import CodingSource
from infinite_rl.datasets.procedural import distinct
from infinite_rl.datasets.task import Task
from infinite_rl.envs.arguments import port
from infinite_rl.envs.http.errors import HttpError
from infinite_rl.envs.http.handler import JsonHandler, read_object
from infinite_rl.envs.http.server import HttpLimits, JsonServer

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


class Handler(JsonHandler):
    """Answers ``POST /v1beta/models/NAME:generateContent``."""

    def respond(self, path: str) -> dict:
        """A task, whatever the model is called."""
        if self.command != "POST" or not path.endswith(":generateContent"):
            raise HttpError(404, "there is POST /v1beta/models/NAME:generateContent")
        request = read_object(self.read_body(), status=400)
        try:
            text = write_task(request["contents"][0]["parts"][0]["text"])
        except (LookupError, TypeError) as error:
            raise HttpError(400, f"not understood: {error!r}") from None
        content = {"role": "model", "parts": [{"text": text}]}
        usage = {"promptTokenCount": 400, "candidatesTokenCount": len(text) // 4}
        return {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Speaks the Gemini API's protocol and writes tasks.")
    parser.add_argument("--port", type=port, default=8080, help="0 for any that is free (default: 8080)")
    try:
        server = JsonServer("127.0.0.1", parser.parse_args().port, Handler, limits=HttpLimits(seconds=60))
    except OSError as error:
        sys.exit(f"local_gemini.py: {error}")
    server.serve(lambda: print(server.url, flush=True))
