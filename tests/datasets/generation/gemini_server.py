"""A server on this machine that speaks the Gemini API's protocol, writes good tasks, and misbehaves when told."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PYTHON, JAVASCRIPT = "python", "javascript"


@dataclass(frozen=True)
class Call:
    """What was asked."""

    number: int
    model: str
    text: str
    system: str
    seed: int | None
    key: str

    @property
    def kind(self) -> str:
        return "coding" if "Task type: coding" in self.text else "math"

    @property
    def language(self) -> str:
        return JAVASCRIPT if "Language: JavaScript" in self.text else PYTHON

    @property
    def corrects(self) -> bool:
        return "was checked and refused" in self.text

    @property
    def writes(self) -> bool:
        """Whether a task is to be written, and not solved."""
        return "Task type: " in self.text


@dataclass
class Said:
    """What the server does with a call: a text, or another status, or worse."""

    text: str = ""
    status: int = 200
    finish: str = "STOP"
    body: bytes | None = None
    headers: dict = field(default_factory=dict)
    delay: float = 0.0
    act: str = ""  # cut: close the connection in the middle; drip: send a byte now and then


def good(call):
    """A task of its own for each call, and its right solution."""
    n = call.number
    if call.kind == "math":
        return f"[PROMPT]\nWhat is {n} + {2 * n}?\n[ANSWER]\n{3 * n}\n[RESPONSE]\nAdd them.\n<answer>{3 * n}</answer>"
    if call.language == PYTHON:
        code = f"def scale(x):\n    return x * {n}"
    else:
        code = f"function scale(x) {{ return x * {n}; }}"
    cases = [{"args": [x], "result": x * n} for x in (0, 1, 7, -3)]
    return (
        f"[PROMPT]\nWrite a {call.language} function scale(x) that returns x times {n}.\n"
        f"[ANSWER]\n```json\n{json.dumps({'function': 'scale', 'cases': cases})}\n```\n"
        f"[RESPONSE]\nMultiply.\n<answer>\n```{call.language}\n{code}\n```\n</answer>"
    )


def wrong(call):
    """A task whose response is wrong."""
    if call.kind == "math":
        return good(call).replace("<answer>", "<answer>1")
    return good(call).replace("return x *", "return 1 + x *")


def error(status, code, message="no", details=(), **headers):
    body = {"error": {"code": status, "status": code, "message": message, "details": list(details)}}
    return Said(status=status, body=json.dumps(body).encode(), headers=headers)


RATE_LIMIT = error(429, "RESOURCE_EXHAUSTED", "too many requests", **{"Retry-After": "0"})
MISBEHAVIOURS = {
    "rate_limit": lambda call: RATE_LIMIT,
    "server": lambda call: error(500, "INTERNAL"),
    "timeout": lambda call: Said(good(call), act="hang"),
    "drip": lambda call: Said(good(call), act="drip"),
    "connection": lambda call: Said(good(call), act="cut"),
    "malformed": lambda call: Said(body=b'{"candidates": [{'),
    "blocked": lambda call: Said("", finish="SAFETY"),
    "empty": lambda call: Said(""),
    "truncated": lambda call: Said(good(call)[:30], finish="MAX_TOKENS"),
    "format": lambda call: Said("Here is a task: what is 1 + 1?"),
    "quality": lambda call: Said(wrong(call)),
}


class GeminiServer:
    """Answers each call as ``says(call)`` says: a text or a `Said`.

    Attributes:
        calls: what was asked, in order.
        most: calls that were under way at the same time, at most.
    """

    def __init__(self, says=good, latency=0.0):
        self.says, self.latency = says, latency
        self.calls, self.most = [], 0
        self._under_way, self._lock = 0, threading.Lock()
        self.closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                server.answer(self)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request, address):
                pass

        self._http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        model = handler.path.rpartition("/")[2].partition(":")[0]
        text = body["contents"][0]["parts"][0]["text"]
        system = body.get("systemInstruction", {"parts": [{"text": ""}]})["parts"][0]["text"]
        seed = body.get("generationConfig", {}).get("seed")
        with self._lock:
            call = Call(len(self.calls) + 1, model, text, system, seed, handler.headers.get("x-goog-api-key", ""))
            self.calls.append(call)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        try:
            said = self.says(call)
            said = Said(said) if isinstance(said, str) else said
            self.closing.wait(self.latency + said.delay)
            self.send(handler, said)
        finally:
            with self._lock:
                self._under_way -= 1

    def send(self, handler, said):
        if said.act == "hang":
            self.closing.wait(60)
            handler.close_connection = True
            return
        body = said.body
        if body is None:
            parts = [{"text": said.text}] if said.text else []
            usage = {"promptTokenCount": 100, "candidatesTokenCount": 50, "thoughtsTokenCount": 10}
            content = {"role": "model", "parts": parts}
            body = {"candidates": [{"content": content, "finishReason": said.finish}], "usageMetadata": usage}
            body = json.dumps(body).encode()
        handler.send_response(said.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        for name, value in said.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if said.act == "cut":
            handler.wfile.write(body[: len(body) // 2])
            handler.close_connection = True
        elif said.act == "drip":
            for byte in body:
                handler.wfile.write(bytes([byte]))
                if self.closing.wait(0.2):
                    return
        else:
            handler.wfile.write(body)

    def close(self):
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def serving(says=good, latency=0.0):
    server = GeminiServer(says, latency)
    try:
        yield server
    finally:
        server.close()
