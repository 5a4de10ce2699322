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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tiny_policy import make_policy

from infinite_rl.agents.inference.module import InferenceModule

NAME = "tiny"


def complete(policy: InferenceModule, request: dict) -> dict:
    """The chat completion that answers a request."""
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
def serving(policy: InferenceModule, port: int = 0) -> Iterator[str]:
    """The base URL of a server on this machine, while the block runs; port 0 takes a free one."""
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            try:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with one_at_a_time:
                    status, reply = 200, complete(policy, request)
            except (ValueError, KeyError, TypeError) as error:
                status, reply = 400, {"error": {"message": f"not understood: {error!r}"}}
            streamed = status == 200 and request.get("stream")
            raw = as_stream(reply) if streamed else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serves a tiny model that adds digits.")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: 8000)")
    with serving(make_policy(), parser.parse_args().port) as url:
        print(f"{NAME} at {url}; Ctrl-C ends", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
