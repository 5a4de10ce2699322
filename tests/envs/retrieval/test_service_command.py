import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from infinite_rl import cli

ROW = '{"id": "a", "title": "Cats", "text": "They purr."}\n'


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text(ROW, encoding="utf-8")
    return str(path)


def started(*arguments):
    """The service in a process of its own, and the URL of its search."""
    command = [sys.executable, "-m", "infinite_rl.cli", "search-service", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    found = re.search(r"at (http://\S+/search);", line)
    assert found, line + process.stderr.read()
    return process, found[1], line


def ask(url, **request):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        urllib.request.Request(url, json.dumps(request).encode()), timeout=60
    ) as response:
        return json.load(response)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_stop(corpus, tmp_path, number):
    process, url, line = started("--corpus", corpus, "--index", str(tmp_path / "index.npz"))
    try:
        assert line.startswith("Serving 1 documents (bm25, ready in ")
        assert ask(url, query="cats")["result"][0][0]["id"] == "a"
        assert (tmp_path / "index.npz").exists()
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
        assert (process.returncode, out, errors) == (0, "Stopped.\n", "")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--corpus", "nothing.jsonl"], "no such file"),
        (["--corpus", "http://localhost:1"], "not a URL"),
        (["--corpus", "CORPUS", "--faiss"], "give --embeddings-url"),
        (["--corpus", "CORPUS", "--embeddings-url", "http://localhost:1"], "go together"),
        (["--split", "test", "--embeddings-url", "http://localhost:1", "--embeddings-model", "m"], "with --corpus"),
        (["--corpus", "CORPUS", "--max-queries", "0"], "limit of queries must be positive"),
        (["--corpus", "CORPUS", "--port", "TAKEN"], "is taken; choose another with --port"),
        (["--corpus", "CORPUS", "--host", "no.such.host.invalid"], "no address of this machine; give"),
        # An address of the block for documentation, which no machine has.
        (["--corpus", "CORPUS", "--host", "192.0.2.1"], "--host 192.0.2.1: no address of this machine; give"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(corpus, capsys, arguments, says):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        values = {"CORPUS": corpus, "TAKEN": str(taken.getsockname()[1])}
        code = cli.main(["search-service", *(values.get(argument, argument) for argument in arguments)])
    errors = capsys.readouterr().err
    assert (code, errors.count("\n")) == (2, 1)
    assert says in errors


def test_the_documents_are_named_once(capsys):
    for arguments in ([], ["--split", "test", "--corpus", "a"], ["--split", "dev"]):
        with pytest.raises(SystemExit):
            cli.main(["search-service", *arguments])
    with pytest.raises(SystemExit):
        cli.main(["search-service", "--help"])
    assert "infinite-rl search-service --corpus documents.jsonl" in capsys.readouterr().out
