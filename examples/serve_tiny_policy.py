"""Serves the tiny model as chat completions of OpenAI's form, for whatever client you like to try.

python examples/serve_tiny_policy.py [--port 8000]

It needs what this package needs, nothing more, and answers one request at a time. `transformers serve FOLDER` and vLLM
serve the folder that tiny_policy.py saves just as well, and are made for larger models.
"""

import argparse
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from needs import libraries
from tiny_policy import make_policy

from infinite_rl.envs.arguments import port
from infinite_rl.envs.http.errors import HttpError
from infinite_rl.envs.http.handler import JsonHandler, read_object
from infinite_rl.envs.http.server import HttpLimits, JsonServer

NAME = "tiny"
METHODS = {"/v1/models": "GET", "/v1/chat/completions": "POST"}
SERVED = "there are GET /v1/models and POST /v1/chat/completions"


def complete(policy: Any, request: dict) -> dict:
    """The chat completion that answers a request."""
    if not isinstance(request.get("messages"), list):
        raise HttpError(400, '"messages" must be a list')
    prompt = policy.tokenizer.apply_chat_template(request["messages"], tokenize=False, add_generation_prompt=True)
    most = request.get("max_completion_tokens") or request.get("max_tokens") or 6
    (said,) = policy.generate([prompt], max_new_tokens=most, temperature=request.get("temperature") or 0.0)
    message = {"role": "assistant", "content": str(said)}
    used = {"prompt_tokens": len(said.prompt_ids), "completion_tokens": len(said.sample.token_ids)}
    return {
        "id": "tiny",
        "object": "chat.completion",
        "created": 0,
        "model": NAME,
        "choices": [{"index": 0, "message": message, "finish_reason": "length" if said.sample.truncated else "stop"}],
        "usage": used | {"total_tokens": sum(used.values())},
    }


def as_stream(reply: dict) -> bytes:
    """The same completion as server-sent events, for clients that ask for a stream: all of it in one chunk."""
    (choice,) = reply["choices"]
    chunk = reply | {"object": "chat.completion.chunk", "choices": [choice | {"delta": choice["message"]}]}
    return f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()


@contextmanager
def serving(policy: Any, at: int = 0) -> Iterator[str]:
    """The base URL of a server on this machine, while the block runs; `at` is its port, and 0 takes a free one."""
    one_at_a_time = threading.Lock()

    class Handler(JsonHandler):
        def respond(self, path: str) -> dict | None:
            if METHODS.get(path) != self.command:
                raise HttpError(405 if path in METHODS else 404, SERVED)
            if path == "/v1/models":
                return {"object": "list", "data": [{"id": NAME, "object": "model", "owned_by": "you"}]}
            request = read_object(self.read_body(), status=400)
            try:
                with one_at_a_time:
                    reply = complete(policy, request)
            except (ValueError, LookupError, TypeError) as error:
                raise HttpError(400, f"not understood: {error!r}") from None
            if not request.get("stream"):
                return reply
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")  # which is where the stream ends
            self.end_headers()
            self.wfile.write(as_stream(reply))
            return None

    with JsonServer("127.0.0.1", at, Handler, limits=HttpLimits(seconds=60)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"{server.url}/v1"
        finally:
            server.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serves a tiny model that adds digits.")
    parser.add_argument("--port", type=port, default=8000, help="0 takes a free one (default: 8000)")
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt), libraries():
        try:
            with serving(make_policy(), arguments.port) as url:
                print(f"{NAME} at {url}; Ctrl-C ends", flush=True)
                threading.Event().wait()
        except OSError as error:
            raise SystemExit(f"serve_tiny_policy.py: {error}") from None
