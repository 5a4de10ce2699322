"""A hub on loopback that speaks as much of the protocol of the Hugging Face hub as loading a dataset takes."""

import hashlib
import io
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CARD = """---
configs:
- config_name: main
  data_files:
  - split: train
    path: main/train-*
  - split: test
    path: main/test-*
- config_name: hard
  data_files:
  - split: train
    path: hard/train-*
---
"""
COMMIT = "c" * 40


def parquet(rows):
    import pyarrow
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


class Hub(ThreadingHTTPServer):
    """Holds one dataset, ``owner/sums``."""

    daemon_threads = True

    def __init__(self, files):
        self.files, self.asked = files, []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def respond(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = urlsplit(self.path).path
        self.server.asked.append(path)
        for prefix, answer in (
            ("/api/datasets/owner/sums/tree/", lambda rest: self.listing(rest.partition("/")[2])),
            ("/api/datasets/owner/sums/paths-info/", lambda rest: self.entries(parse_qs(body).get("paths", []))),
            (
                "/api/datasets/owner/sums",
                lambda rest: self.as_json({"id": "owner/sums", "sha": COMMIT, "siblings": []}),
            ),
            ("/datasets/owner/sums/resolve/", lambda rest: self.file(rest.partition("/")[2])),
        ):
            if path.startswith(prefix):
                answer(path.removeprefix(prefix))
                return
        self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_GET = do_POST = do_HEAD = respond

    def listing(self, folder):
        """What lies in a folder: its files and folders, not theirs."""
        inside = [name.removeprefix(f"{folder}/") for name in self.server.files if name.startswith(folder)]
        self.entries({f"{folder}/{name.partition('/')[0]}".lstrip("/") for name in inside})

    def entries(self, names):
        rows = []
        for name in sorted(names):
            body = self.server.files.get(name)
            kind = {"type": "directory"} if body is None else {"type": "file", "size": len(body)}
            rows.append({"path": name, "oid": tag(body or name.encode()), **kind})
        self.as_json(rows)

    def file(self, name):
        body = self.server.files.get(name)
        if body is None:
            self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        headers = {"ETag": f'"{tag(body)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range")
        if asked is None:
            self.send(200, body, headers)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(body)), len(body) - 1)
        self.send(206, body[start : end + 1], headers | {"Content-Range": f"bytes {start}-{end}/{len(body)}"})

    def as_json(self, value):
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send(self, status, body, headers):
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):
        pass


def tag(body):
    return hashlib.sha1(body).hexdigest()


@contextmanager
def hub():
    """The hub while the block runs; its last row of ``test`` has an empty answer."""
    good = [{"question": f"{n}+1?", "answer": f"{n} + 1\n#### {n + 1}"} for n in range(3)]
    files = {
        "README.md": CARD.encode(),
        "main/train-00000-of-00002.parquet": parquet(good[:1]),
        "main/train-00001-of-00002.parquet": parquet(good[1:]),
        "main/test-00000-of-00001.parquet": parquet([good[0], {"question": "?", "answer": " "}]),
        "hard/train-00000-of-00001.parquet": parquet([{"question": "9+9?", "answer": "18"}]),
    }
    with Hub(files) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield server
        finally:
            server.shutdown()
