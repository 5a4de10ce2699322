"""A local server that speaks the API of vLLM's, and samples from a model in this process."""

import json
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import torch
from safetensors.torch import load_file

from infinite_rl.agents.inference.huggingface import HuggingFaceBackend
from infinite_rl.agents.models.lora import load_adapters

TOKENS_BEFORE_ABORT = 3


class Engine:
    """What a vLLM server does with a request, done with a model in this process."""

    def __init__(self, model, tokenizer):
        self.backend = HuggingFaceBackend(model, tokenizer)
        self.model, self.requests, self.resets, self.development = model, [], 0, True
        self.label, self.adapters, self.calls, self.health = "default", [], [], 200
        self.refusing, self.seconds_a_token, self.running, self.most_running = None, 0.0, 0, 0
        self.decoding = 0
        self.asleep = set()
        self.awake, self.interrupt = threading.Event(), threading.Event()
        self.awake.set()
        self.lock = threading.Lock()

    def complete(self, request):
        assert not self.asleep
        interrupt, ids = self.interrupt, request["prompt"]
        while not self.awake.wait(0.01):  # it waits in line, where it may be aborted too
            if interrupt.is_set():
                return {"token_ids": [], "logprobs": None, "finish_reason": "abort"}
        with self.lock:
            self.requests.append(request)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            (sample,) = self.backend.sample(
                [ids],
                [request.get("seed", 0) << 1],
                max_new_tokens=request["max_tokens"],
                temperature=request["temperature"],
            )
        done, cut = len(sample.token_ids), False
        if self.seconds_a_token and "prompt_logprobs" not in request:
            self.decoding += 1
            cut = interrupt.wait(self.seconds_a_token * done)
            done = min(done, TOKENS_BEFORE_ABORT) if cut else done
        with self.lock:
            self.running -= 1
        choice = {
            "text": "",
            "finish_reason": "abort" if cut else "length" if sample.truncated else "stop",
            "token_ids": sample.token_ids.tolist()[:done],
            "prompt_token_ids": ids,
            "logprobs": {"token_logprobs": sample.logprobs.tolist()[:done]} if "logprobs" in request else None,
        }
        if "prompt_logprobs" in request:
            choice["prompt_logprobs"] = [None, *self.prompt_rows(ids, request["prompt_logprobs"])]
        return choice

    @torch.no_grad()
    def prompt_rows(self, ids, count):
        rows = torch.log_softmax(self.model(torch.tensor([ids])).logits[0, :-1].float(), -1)
        wanted = range(rows.shape[1]) if count == -1 else []
        return [
            {str(token): {"logprob": float(row[token]), "rank": 1} for token in {*wanted, target}}
            for row, target in zip(rows, ids[1:], strict=True)
        ]

    def reload(self, folder):
        with self.lock:
            self.model.load_state_dict(load_file(Path(folder) / "model.safetensors"))

    def answer(self, method, path, request):
        """Status and body."""
        path, query = urlsplit(path).path, urlsplit(path).query
        self.calls.append(f"{path}?{query}" if path in ("/sleep", "/wake_up") else path)
        if path == "/health":
            return self.health, {}
        if path == "/v1/models":
            return 200, {"data": [{"id": "served"}]}
        if path == "/v1/completions":
            assert request["return_token_ids"] is True
            return (self.refusing, {}) if self.refusing else (200, {"choices": [self.complete(request)]})
        if path == "/v1/load_lora_adapter":
            load_adapters(self.model, Path(request["lora_path"]))
            self.adapters.append(request["lora_name"])
            return 200, {}
        if path == "/v1/unload_lora_adapter":
            self.adapters.remove(request["lora_name"])
            return 200, {}
        return (200, self.develop(path, request, query)) if self.development and path in ROUTES else (404, {})

    def develop(self, path, request, query):
        if path == "/collective_rpc":
            assert request["method"] == "reload_weights"
            assert "weights" not in self.asleep
            self.reload(request["kwargs"]["weights_path"])
        elif path == "/reset_prefix_cache":
            self.resets += 1
            return {"success": not self.running}
        elif path == "/pause":
            self.awake.clear()
            self.interrupt.set()
            self.interrupt = threading.Event()
        elif path == "/resume":
            self.awake.set()
        elif path == "/update_weight_version":
            self.label = request["new_version"]
        elif path == "/sleep":
            assert not self.running
            self.asleep = {"weights", "kv_cache"}
        elif path == "/wake_up":
            self.asleep -= {query.removeprefix("tags=")}
        elif path == "/weight_info":
            return {"weight_version": self.label}
        return {}


ROUTES = {
    "/collective_rpc",
    "/reset_prefix_cache",
    "/pause",
    "/resume",
    "/update_weight_version",
    "/weight_info",
    "/sleep",
    "/wake_up",
}


class Server:
    """Serves an engine on a port of its own, until it is killed; may be started again."""

    def __init__(self, engine, port=0):
        self.engine, self.port = engine, port
        self.start()
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def start(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                server.connections.add(self.connection)

            def do_GET(self):
                self.reply({})

            def do_POST(self):
                self.reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def reply(self, request):
                status, reply = server.engine.answer(self.command, self.path, request)
                body = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        class Quiet(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, request, client_address):
                if not isinstance(sys.exc_info()[1], OSError):  # whoever was cut off does not hear the answer
                    super().handle_error(request, client_address)

        self.connections = set()
        self.http = Quiet(("127.0.0.1", self.port), Handler)
        self.port = self.http.server_port
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def kill(self):
        """Ends as a killed process does: its port is closed, and all connections break."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
