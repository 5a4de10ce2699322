"""Tools come through pip and npm, and only with the recipe's hashes. No test asks a network."""

import base64
import hashlib
import io
import os
import random
import stat
import tarfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infinite_rl.runtimes.build import fetch as fetching
from infinite_rl.runtimes.build.fetch import FetchError, fetch, fetch_npm, unpack
from infinite_rl.runtimes.build.pip_cache import find_in_cache
from infinite_rl.runtimes.build.recipe import Distribution, NpmPackage

WHEEL = "sometool-1.0-py3-none-any.whl"
SOURCE = "some_source-2.0.tar.gz"


@pytest.fixture(autouse=True)
def index(tmp_path, monkeypatch):
    """A folder that is pip's only index, and an empty cache."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def wheel():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        program = zipfile.ZipInfo("sometool/program")
        program.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(program, "#!/bin/sh\n")
        archive.writestr("sometool/__init__.py", "answer = 42\n")
        archive.writestr("sometool/data", bytes(100_000))  # smaller files are never looked for in pip's cache
        archive.writestr("sometool-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: sometool\nVersion: 1.0\n")
        archive.writestr(
            "sometool-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("sometool-1.0.dist-info/RECORD", "")
    return content.getvalue()


@pytest.fixture
def source():
    files = {
        "PKG-INFO": "Metadata-Version: 2.1\nName: some-source\nVersion: 2.0\n",
        "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "some-source"\nversion = "2.0"\n',
        "upstream/code.c": "int answer = 42;\n",
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"some_source-2.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


def pinned(name: str, version: str, file: str, content: bytes) -> Distribution:
    return Distribution(name, version, {file: hashlib.sha256(content).hexdigest(), f"other-{file}": "0" * 64})


def test_a_wheel_is_downloaded_and_unpacked_with_its_executable_bits(index, wheel, tmp_path):
    (index / WHEEL).write_bytes(wheel)
    lines = []
    path = fetch(pinned("sometool", "1.0", WHEEL, wheel), tmp_path / "down", lines.append)
    assert path.read_bytes() == wheel
    assert lines == ["downloading sometool 1.0"]
    unpack(path, tmp_path / "tool")
    assert os.access(tmp_path / "tool" / "sometool" / "program", os.X_OK)
    assert not os.access(tmp_path / "tool" / "sometool" / "__init__.py", os.X_OK)
    unpack(path, tmp_path / "part", unused="sometool/(d|pro)")
    assert [file.name for file in (tmp_path / "part" / "sometool").iterdir()] == ["__init__.py"]


def test_a_source_is_downloaded_and_unpacked(index, source, tmp_path):
    (index / SOURCE).write_bytes(source)
    path = fetch(pinned("some-source", "2.0", SOURCE, source), tmp_path / "down", lambda line: None)
    unpack(path, tmp_path / "tool")
    assert (tmp_path / "tool" / "some_source-2.0" / "upstream" / "code.c").read_text() == "int answer = 42;\n"


def test_a_file_that_was_tampered_with_is_refused(index, wheel, tmp_path):
    tool = pinned("sometool", "1.0", WHEEL, wheel)
    (index / WHEEL).write_bytes(wheel.replace(b"answer = 42", b"answer = 43"))
    with pytest.raises(FetchError, match=r"sometool 1\.0 could not be downloaded") as caught:
        fetch(tool, tmp_path / "down", lambda line: None)
    assert "HASHES" in str(caught.value).upper()


def test_the_users_constraints_do_not_disturb(index, wheel, tmp_path, monkeypatch):
    (index / WHEEL).write_bytes(wheel)
    (tmp_path / "constraints.txt").write_text("sometool==0.9\n")
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "constraints.txt"))
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    assert fetch(pinned("sometool", "1.0", WHEEL, wheel), tmp_path / "down", lambda line: None).name == WHEEL


class Index(SimpleHTTPRequestHandler):
    """An index that allows its files to be kept, as the public one does, but not its pages."""

    def end_headers(self):
        long = "max-age=365000000, immutable, public"
        self.send_header("Cache-Control", long if self.path.endswith(".whl") else "max-age=0")
        super().end_headers()

    def log_message(self, *_):
        pass


def test_without_a_network_a_tool_is_found_in_pips_cache(index, wheel, tmp_path, monkeypatch):
    (index / "simple" / "sometool").mkdir(parents=True)
    (index / "simple" / "sometool" / "index.html").write_text(f'<a href="/{WHEEL}">{WHEEL}</a>')
    (index / WHEEL).write_bytes(wheel)
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_RETRIES", "0")
    tool = pinned("sometool", "1.0", WHEEL, wheel)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Index, directory=str(index))) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        monkeypatch.setenv("PIP_TRUSTED_HOST", "127.0.0.1")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        assert fetch(tool, tmp_path / "online", lambda line: None).read_bytes() == wheel
        server.shutdown()
        thread.join()
    lines = []
    assert fetch(tool, tmp_path / "offline", lines.append).read_bytes() == wheel
    assert lines[-1] == "found sometool 1.0 in pip's cache"


def old_response(body):
    """A response as pip before 23.3 kept it."""
    return b"cc=4,\x82\xa8response\x87\xa4body\xc6" + len(body).to_bytes(4, "big") + body + b"\xa7headers\x80"


@pytest.mark.parametrize(("name", "write"), [("http-v2/a/b/ab.body", lambda body: body), ("http/a/b/ab", old_response)])
def test_both_forms_of_pips_cache_are_read(tmp_path, name, write):
    body = random.Random(0).randbytes(100_000)
    digest = hashlib.sha256(body).hexdigest()
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_bytes(write(body))
    (path.parent / "aa").write_bytes(b"something else")
    assert find_in_cache(tmp_path, {digest, "0" * 64}) == (digest, body)
    path.write_bytes(write(body[:-1]))
    assert find_in_cache(tmp_path, {digest}) is None


def test_without_a_network_and_a_cache_the_message_names_the_tool(tmp_path, wheel):
    with pytest.raises(FetchError, match=r"^sometool 1\.0 could not be downloaded: ERROR: No matching distribution"):
        fetch(pinned("sometool", "1.0", WHEEL, wheel), tmp_path / "down", lambda line: None)


def test_a_missing_pip_is_named(tmp_path, wheel, monkeypatch):
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FetchError, match="ensurepip"):
        fetch(pinned("sometool", "1.0", WHEEL, wheel), tmp_path / "down", lambda line: None)


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A stand-in for npm that packs a given content."""
    place = tmp_path / "bin"
    place.mkdir()

    def install(script: str) -> None:
        (place / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (place / "npm").chmod(0o755)

    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)
    return install


def test_a_package_of_npm_needs_the_hash_of_the_recipe(npm, tmp_path):
    npm("printf content > tool-1.0.tgz")
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(b"content").digest()).decode()
    assert fetch_npm(NpmPackage("tool", "1.0", integrity), tmp_path / "down").read_bytes() == b"content"
    with pytest.raises(FetchError, match="its hash is another"):
        fetch_npm(NpmPackage("tool", "1.0", integrity[:-4] + "AA=="), tmp_path / "down")


def test_a_failure_of_npm_is_told(npm, tmp_path):
    npm("echo 'npm error code E404' >&2; exit 1")
    with pytest.raises(FetchError, match=r"npm could not download tool 1\.0: npm error code E404"):
        fetch_npm(NpmPackage("tool", "1.0", "sha512-"), tmp_path / "down")
