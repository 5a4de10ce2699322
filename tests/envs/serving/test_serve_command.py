import http.client
import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from infinite_rl import cli

MATH = "InfiniteRL/Math-v0"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_asked_to_end(number):
    command = [sys.executable, "-m", "infinite_rl.cli", "serve", MATH, "--port", "0", "--token-env", "SERVE_TOKEN"]
    environment = os.environ | {"SERVE_TOKEN": "s3cret"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        try:
            line = server.stdout.readline()
            assert line.startswith(f"{MATH} at http://127.0.0.1:")
            connection = http.client.HTTPConnection(urlsplit(line.split()[-1]).netloc, timeout=60)
            statuses = []
            for headers in ({}, {"Authorization": "Bearer s3cret"}):
                connection.request("GET", "/tools", headers=headers)
                response = connection.getresponse()
                response.read()
                statuses.append(response.status)
            assert statuses == [401, 200]
            server.send_signal(number)  # the connection is still open
            assert server.wait(60) == 0
            assert server.stderr.read() == ""
        finally:
            server.kill()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ([MATH, "--token-env", "NO_SUCH_TOKEN"], "NO_SUCH_TOKEN is not set"),
        (["CartPole-v1"], "no text environment"),
        (["Maths-v0"], "did you mean InfiniteRL/Math-v0?"),
        ([MATH, "Math"], "did you mean InfiniteRL/Math-v0?"),
        ([MATH, "--arguments", '{"level": 9}'], "level must be from 1 to 4"),
        (["Math-v0", "--arguments", '{"level": 9}'], "level must be from 1 to 4"),
        ([MATH, "--max-sessions", "0"], "must be positive"),
        ([MATH, "--host", "256.0.0.1"], "--host 256.0.0.1: no address of this machine; give"),
    ],
)
def test_wrong_arguments_are_one_line(flags, says, capsys):
    assert cli.main(["serve", *flags]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("given", "says"), [("[]", "is not a JSON object"), ("{level: 2}", "not JSON: Expecting")])
def test_arguments_must_be_an_object(given, says, capsys):
    with pytest.raises(SystemExit):
        cli.main(["serve", MATH, "--arguments", given])
    err = capsys.readouterr().err
    assert "argument --arguments: " in err
    assert says in err
    assert """such as '{"level": 2}'""" in err


@pytest.mark.parametrize("command", [["serve", MATH], ["search-service", "--split", "test"]])
@pytest.mark.parametrize("given", ["80000", "-1", "http"])
def test_what_is_no_port_is_refused_in_one_line(command, given, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, "--port", given])
    says = f"infinite-rl: argument --port: {given} is no port; give a number from 0 to 65535 "
    err = capsys.readouterr().err
    assert (ended.value.code, err.startswith(says), err.count("\n")) == (2, True, 1)


@pytest.mark.parametrize("command", [["serve", MATH], ["search-service", "--split", "test"]])
def test_a_port_that_is_taken_is_named(command, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main([*command, "--port", str(port)]) == 2
    says = f"infinite-rl: port {port} of 127.0.0.1 is taken; choose another with --port\n"
    assert capsys.readouterr().err == says
