"""Artefacts from a release, against a real server on this machine."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infinite_rl.runtimes.build import release as module
from infinite_rl.runtimes.build.release import ReleaseClient, ReleaseError

TOKEN = "ghp_secret"
CONTENT = b"\0asm stand-in" * 1000
NOBODY = (404, {}, b"{}")


class Server(ThreadingHTTPServer):
    """Answers by a table of paths; remembers who asked with which token."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers = {}
        self.asked = []

    def publish(self, tag, files, published="2026-01-01T00:00:00Z", sums=None, files_at=None, **more):
        """Adds a release; returns its description, which a list of releases holds too."""
        lines = [f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in files.items()]
        files = {**files, "SHA256SUMS": "\n".join(lines).encode() if sums is None else sums}
        assets = []
        for name, content in files.items():
            path = f"/assets/{tag}/{name}"
            self.answers[path] = (200, {}, content)
            assets.append({"name": name, "url": (files_at or self.url) + path})
        described = {"tag_name": tag, "published_at": published, "assets": assets, **more}
        self.answers[f"/repos/owner/name/releases/tags/{tag}"] = (200, {}, json.dumps(described).encode())
        return described

    def list(self, releases, page=1):
        path = f"/repos/owner/name/releases?per_page=100&page={page}"
        self.answers[path] = (200, {}, json.dumps(releases).encode())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization"), self.headers.get("Accept")))
        status, headers, body = self.server.answers.get(self.path, NOBODY)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def make_server():
    """Makes servers, which end with the test."""
    servers = []

    def make():
        server = Server()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return server

    yield make
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server(make_server):
    return make_server()


@pytest.fixture
def client(server):
    return ReleaseClient("owner/name", TOKEN, server.url)


def test_a_named_release_is_downloaded_and_verified(server, client):
    server.publish("runtimes-1", {"python.wasm": CONTENT})
    assert client.download(client.find("runtimes-1"), "python.wasm") == CONTENT
    assert [path for path, token, _ in server.asked if token != f"Bearer {TOKEN}"] == []
    assert server.asked[-1][2] == "application/octet-stream"


def test_any_tag_can_be_named(server, client):
    server.publish("v2", {"python.wasm": CONTENT})
    assert client.find("v2").tag == "v2"


def test_the_newest_tag_with_the_prefix_is_taken_by_default(server, client):
    server.list(
        [
            server.publish("v9", {}, "2026-09-01T00:00:00Z"),
            server.publish("runtimes-draft", {}, "2026-08-01T00:00:00Z", draft=True),
            server.publish("runtimes-2", {"python.wasm": b"old"}, "2026-02-01T00:00:00Z"),
            server.publish("runtimes-10", {"python.wasm": CONTENT}, "2026-03-01T00:00:00Z"),
        ]
    )
    found = client.find()
    assert found.tag == "runtimes-10"
    assert client.download(found, "python.wasm") == CONTENT


def test_later_pages_are_searched_too(server, client):
    server.list([server.publish("v1", {})], page=1)
    server.list([server.publish("runtimes-1", {})], page=2)
    assert client.find().tag == "runtimes-1"


def test_a_repository_without_such_a_release_is_named(server, client):
    server.list([server.publish("v1", {})])
    server.list([], page=2)
    with pytest.raises(ReleaseError, match="owner/name has no release whose tag starts with runtimes-"):
        client.find()


def test_a_wrong_checksum_is_refused(server, client):
    server.publish("runtimes-1", {"python.wasm": CONTENT})
    server.answers["/assets/runtimes-1/python.wasm"] = (200, {}, CONTENT + b"!")
    with pytest.raises(ReleaseError, match="does not have the SHA-256"):
        client.download(client.find("runtimes-1"), "python.wasm")


def test_an_artefact_the_release_or_its_checksums_lack_is_named(server, client):
    server.publish("runtimes-1", {"python.wasm": CONTENT}, sums=b"# none\n")
    release = client.find("runtimes-1")
    with pytest.raises(ReleaseError, match=r"^release runtimes-1 of owner/name has no javascript\.wasm"):
        client.download(release, "javascript.wasm")
    with pytest.raises(ReleaseError, match=r"^SHA256SUMS of release runtimes-1 of owner/name has no python\.wasm"):
        client.download(release, "python.wasm")


def test_a_release_without_checksums_is_refused(server, client):
    described = {"tag_name": "runtimes-1", "assets": []}
    server.answers["/repos/owner/name/releases/tags/runtimes-1"] = (200, {}, json.dumps(described).encode())
    with pytest.raises(ReleaseError, match="cannot be verified"):
        client.find("runtimes-1")


def test_checksums_in_binary_form_and_capitals_are_read(server, client):
    digest = hashlib.sha256(CONTENT).hexdigest().upper()
    server.publish("runtimes-1", {"python.wasm": CONTENT}, sums=f"{digest} *python.wasm\r\n".encode())
    assert client.download(client.find("runtimes-1"), "python.wasm") == CONTENT


@pytest.mark.parametrize(
    ("status", "headers", "token", "message"),
    [
        (404, {}, None, "is not there; a private repository needs GITHUB_TOKEN"),
        (404, {}, TOKEN, "is not there$"),
        (
            403,
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000000"},
            None,
            "used up until .*TOKEN",
        ),
        (429, {}, TOKEN, "rate limit is used up$"),
        (403, {}, TOKEN, "HTTP status 403"),
        (401, {}, TOKEN, "GITHUB_TOKEN is not accepted"),
        (500, {}, TOKEN, "HTTP status 500"),
    ],
)
def test_errors_say_what_to_do_and_never_the_token(server, status, headers, token, message):
    server.answers["/repos/owner/name/releases/tags/x"] = (status, headers, b"{}")
    with pytest.raises(ReleaseError, match=message) as caught:
        ReleaseClient("owner/name", token, server.url).find("x")
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_redirect_to_another_host_is_followed_without_the_token(server, client, make_server):
    store = make_server()
    store.answers["/blob"] = (200, {}, CONTENT)
    server.publish("runtimes-1", {"python.wasm": CONTENT})
    server.answers["/assets/runtimes-1/python.wasm"] = (302, {"Location": store.url + "/blob"}, b"")
    assert client.download(client.find("runtimes-1"), "python.wasm") == CONTENT
    assert [(path, token) for path, token, _ in store.asked] == [("/blob", None)]


def test_a_redirect_within_the_host_keeps_the_token(server, client):
    server.publish("runtimes-1", {})
    path = "/repos/owner/name/releases/tags/runtimes-1"
    server.answers["/moved"] = server.answers[path]
    server.answers[path] = (301, {"Location": "/moved"}, b"")
    assert client.find("runtimes-1").tag == "runtimes-1"
    assert ("/moved", f"Bearer {TOKEN}") in [(path, token) for path, token, _ in server.asked]


def test_an_asset_on_another_host_is_asked_for_without_the_token(server, client, make_server):
    store = make_server()
    server.publish("runtimes-1", {"python.wasm": CONTENT}, files_at=store.url)
    store.answers = server.answers
    assert client.download(client.find("runtimes-1"), "python.wasm") == CONTENT
    assert {token for _, token, _ in store.asked} == {None}


def test_a_redirect_never_leaves_https():
    handler = module._Redirects(("https", "api.example"), TOKEN)
    request = module.urllib.request.Request("https://api.example/a")
    with pytest.raises(module.urllib.error.URLError, match="leaves HTTPS"):
        handler.redirect_request(request, None, 302, "", {}, "http://api.example/b")


def test_a_redirect_in_a_circle_ends(server, client):
    server.answers["/repos/owner/name/releases/tags/x"] = (302, {"Location": "/repos/owner/name/releases/tags/x"}, b"")
    with pytest.raises(ReleaseError):
        client.find("x")


def test_sizes_are_bounded(server, client, monkeypatch):
    monkeypatch.setattr(module, "_MAX_ARTEFACT", 1000)
    server.publish("runtimes-1", {"python.wasm": CONTENT})
    with pytest.raises(ReleaseError, match="is larger than"):
        client.download(client.find("runtimes-1"), "python.wasm")


def test_answers_that_are_no_releases_are_told(server, client):
    server.answers["/repos/owner/name/releases/tags/x"] = (200, {}, b"<html>")
    with pytest.raises(ReleaseError, match="not JSON"):
        client.find("x")
    server.answers["/repos/owner/name/releases/tags/x"] = (200, {}, b"[]")
    with pytest.raises(ReleaseError, match="not a release"):
        client.find("x")


def test_a_server_that_cannot_be_reached_is_told(make_server):
    server = make_server()
    url = server.url
    server.server_close()
    with pytest.raises(ReleaseError, match="cannot be downloaded"):
        ReleaseClient("owner/name", TOKEN, url).find("x")


def test_the_environment_names_the_release(monkeypatch):
    for name in ("RUNTIME_GITHUB_REPO", "RUNTIME_RELEASE_TAG", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert ReleaseClient.from_environment() is None
    monkeypatch.setenv("RUNTIME_RELEASE_TAG", "runtimes-1")
    with pytest.raises(ReleaseError, match="RUNTIME_GITHUB_REPO"):
        ReleaseClient.from_environment()
    monkeypatch.setenv("RUNTIME_GITHUB_REPO", "owner/name")
    assert ReleaseClient.from_environment() is not None
    monkeypatch.setenv("RUNTIME_GITHUB_REPO", "https://github.example/owner/name")
    with pytest.raises(ReleaseError, match="must be owner/name"):
        ReleaseClient.from_environment()
