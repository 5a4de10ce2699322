"""Every example runs as a program, and does what it says."""

import http.client
import importlib.util
import json
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from gymnasium.utils.env_checker import check_env

from infinite_rl.datasets.files import load_tasks

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name, *arguments):
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_countdown_is_an_environment_in_60_lines():
    assert len((EXAMPLES / "countdown_env.py").read_text("utf-8").splitlines()) <= 60
    module = load("countdown_env")
    for level in (1, 4):
        env = module.CountdownEnv(level=level)
        check_env(env, skip_render_check=True)
        for index in range(30):
            task = env.tasks.task(index)
            numbers, target = task.answer["numbers"], task.answer["target"]
            assert env.grade(task, task.metadata["way"]).correctness_score == 1.0
            for wrong in ("", str(target), f"{task.metadata['way']}+0", "1/0", "().__class__", "x", "True+1"):
                assert env.grade(task, wrong).correctness_score == 0.0
            assert env.grade(task, "+".join(map(str, numbers))).correctness_score == float(sum(numbers) == target)


@pytest.mark.slow
def test_a_tiny_model_learns_with_trl():
    pytest.importorskip("trl")
    means = [float(mean) for mean in re.findall(r"mean reward ([\d.]+)", run("train_with_trl"))]
    assert len(means) == 6
    assert means[-1] > means[0] + 0.2


def check_transcript(output, rows):
    """The lines with sums have the right rewards, and the last one has a mean above the floor."""
    lines = output.splitlines()
    asked = [re.match(r"(?:policy_0: )?(\d)\+(\d)=<answer>(\d+)</answer>(?:\D+(\d).*)?$", line) for line in lines]
    found = [tuple(int(group) for group in match.groups() if group) for match in asked if match]
    assert len(found) == rows
    assert all(reward == float(first + second == said) for first, second, said, *rest in found for reward in rest)
    assert float(re.search(r"mean(?: reward|':) (\d\.\d+)", lines[-1])[1]) > 0.3


@pytest.mark.slow
def test_torchrl_collects():
    pytest.importorskip("torchrl")
    check_transcript(run("collect_with_torchrl"), rows=8)


@pytest.mark.slow
def test_a_vector_environment_evaluates_a_tiny_model():
    pytest.importorskip("torch")
    check_transcript(run("evaluate_with_gymnasium"), rows=4)


@pytest.mark.slow
def test_a_tiny_model_plays_over_an_endpoint():
    pytest.importorskip("torch")
    output = run("play_endpoint", "--episodes", "40")
    assert "40 of 40 episodes count" in output
    check_transcript(output, rows=5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "library", "rows"),
    [
        ("evaluate_with_inspect", "inspect_ai", 4),
        ("evaluate_with_verifiers", "verifiers", 4),
        ("score_with_verl", "verl", 4),
        ("play_with_pettingzoo", "pettingzoo", 4),
    ],
)
def test_other_libraries_evaluate_a_tiny_model(name, library, rows):
    pytest.importorskip(library)
    pytest.importorskip("torch")
    check_transcript(run(name), rows)


@contextmanager
def served(command):
    """Runs a server until the block ends."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def play_command(url, model):
    arguments = json.dumps({"operations": ["add"], "template": "{expression}="})
    command = [sys.executable, "-m", "infinite_rl.cli", "play", "Math-v0", "--arguments", arguments]
    command += ["--base-url", url, "--model", model, "--episodes", "32", "--seed", "0", "--temperature", "0"]
    done = subprocess.run([*command, "--max-tokens", "6", "--json"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_play_command_evaluates_the_served_model():
    pytest.importorskip("torch")
    with served([sys.executable, "-u", str(EXAMPLES / "serve_tiny_policy.py"), "--port", "0"]) as server:
        url = re.search(r"http:\S+/v1", server.stdout.readline())[0]
        summary = play_command(url, "tiny")
    assert summary["counted"] == 32
    assert summary["mean_reward"] > 0.3


@pytest.mark.slow
def test_the_page_on_evaluation_starts_a_server_whose_model_scores(tmp_path):
    pytest.importorskip("torch")
    page = (EXAMPLES.parent / "docs" / "evaluation.md").read_text("utf-8")
    start, ask = re.search(r"^python (examples/serve_tiny_policy.py) &\ninfinite-rl (eval .*)$", page, re.M).groups()
    with served([sys.executable, "-u", str(EXAMPLES.parent / start), "--port", "0"]) as server:
        url = re.search(r"http:\S+/v1", server.stdout.readline())[0]
        command = shlex.split(ask.replace("http://127.0.0.1:8000/v1", url).replace("-n 8", "-n 2"))
        command = [sys.executable, "-m", "infinite_rl.cli", *command, "--out", str(tmp_path / "out"), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scores"]["pass@1"]["value"] > 0.2


@pytest.mark.slow
def test_transformers_serves_the_saved_model(tmp_path):
    for module in ("torch", "fastapi", "openai"):
        pytest.importorskip(module, reason="pip install transformers[serving]")
    run("tiny_policy", str(tmp_path / "tiny"))
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(tmp_path / "tiny")]
    with served([*command, "--host", "127.0.0.1", "--port", port, "--device", "cpu"]) as server:
        for line in server.stdout:
            if "Uvicorn running" in line:
                break
        Thread(target=server.stdout.read, daemon=True).start()
        summary = play_command(f"http://127.0.0.1:{port}/v1", str(tmp_path / "tiny"))
    assert summary["counted"] == 32
    assert summary["mean_reward"] > 0.3


NEED_NOTHING = {"countdown_env", "local_gemini"}
PROGRAMS = sorted(path.stem for path in EXAMPLES.glob("*_*.py") if path.stem not in NEED_NOTHING)
LIBRARIES = ("torch", "trl", "torchrl", "verl", "verifiers", "inspect_ai", "pettingzoo")
# Runs a program where no library is installed that is not this package's own dependency.
BARE = f"""
import runpy, sys
sys.modules |= dict.fromkeys({LIBRARIES})
sys.argv = sys.argv[1:]
sys.path.insert(0, {str(EXAMPLES)!r})
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_bare(name, *arguments):
    command = [sys.executable, "-c", BARE, str(EXAMPLES / f"{name}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("name", [PROGRAMS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in PROGRAMS[1:])])
def test_help_needs_no_library_and_what_is_missing_is_one_line(name):
    assert run_bare(name, "--help").stdout.startswith("usage:")
    done = run_bare(name, *(["folder"] if name == "tiny_policy" else []))
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"this example needs \w+: pip install .+\n", done.stderr)


def test_the_example_with_trl_says_how_to_install_it():
    says = 'this example needs TRL: pip install -c constraints.txt -e ".[test]"\n'
    assert run_bare("train_with_trl").stderr == says


@pytest.mark.parametrize(
    ("name", "flags", "says"),
    [
        ("train_with_trl", ["--env", "InfiniteRL/Conversation-v0"], "has several turns"),
        ("train_with_trl", ["--env", "InfiniteRL/Maths-v0"], "train_with_trl.py: "),
        ("train_with_trl", ["--arguments", "{level: 2}"], "not JSON: "),
        ("play_endpoint", ["--split", "tst"], "invalid choice: 'tst'"),
    ],
)
def test_wrong_arguments_of_an_example_leave_no_traceback(name, flags, says):
    *usage, problem = run_bare(name, *flags).stderr.splitlines()
    assert says in problem
    assert not usage or usage[0].startswith("usage:")


@pytest.mark.slow
def test_the_tiny_server_answers_what_it_does_not_serve_in_json():
    pytest.importorskip("torch")
    command = [sys.executable, "-u", str(EXAMPLES / "serve_tiny_policy.py"), "--port"]
    with served([*command, "0"]) as server:
        url = re.search(r"http:\S+/v1", server.stdout.readline())[0]
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

        def ask(method, path, body=None):
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

        assert ask("GET", "/v1/models")[1]["data"][0]["id"] == "tiny"
        assert ask("GET", "/v1/chat/completions")[0] == 405
        assert ask("POST", "/v1/completions", "{}")[0] == 404
        assert "must be a list" in ask("POST", "/v1/chat/completions", '{"messages": "3+4="}')[1]["error"]["message"]
        assert ask("PUT", "/v1/models", "{}")[1]["error"]["message"]
        port = str(urlsplit(url).port)
        second = subprocess.run([*command, port], capture_output=True, text=True, timeout=300, check=False)
    assert second.stderr == f"serve_tiny_policy.py: port {port} of 127.0.0.1 is taken; choose another with --port\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_example_is_short_and_says_how_it_is_run(name):
    text = (EXAMPLES / f"{name}.py").read_text("utf-8")
    assert len(text.splitlines()) <= 100
    assert f"python examples/{name}.py" in text
    pages = [EXAMPLES.parent / "docs" / page for page in ("plugs.md", "generation.md", "primitives.md")]
    assert any(f"examples/{name}.py" in page.read_text("utf-8") for page in pages)


def reward_gain(text):
    first, last = map(float, re.search(r"mean reward ([-\d.]+) -> ([-\d.]+)", text).groups())
    return last - first


@pytest.mark.parametrize(
    ("name", "iterations"),
    [
        pytest.param("ppo_text", 1, marks=pytest.mark.slow),
        ("custom_environment", 1),
        pytest.param("grpo_self_verification", 1, marks=pytest.mark.slow),
        pytest.param("pareto", 1, marks=pytest.mark.slow),
    ],
)
def test_an_example_of_the_primitives_runs(name, iterations):
    assert run(f"primitives/{name}", "--iterations", str(iterations))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ppo_text", "grpo_self_verification", "custom_environment"])
def test_an_example_of_the_primitives_learns(name):
    assert reward_gain(run(f"primitives/{name}")) > 0.03


@pytest.mark.slow
def test_the_example_of_inference_shows_all_it_can_do():
    text = run("inference_examples")
    assert "log-probs [2, 20], logits [2, 20, 102]" in text
    assert "system: 'Answer in one sentence.'" in text


@pytest.mark.slow
def test_the_example_of_inference_says_in_a_line_that_there_is_no_such_model():
    pytest.importorskip("torch")
    command = [sys.executable, EXAMPLES / "inference_examples.py", "--model", "./nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (1, "inference_examples.py: model.name=./nowhere: no such folder\n")


@pytest.mark.slow
def test_the_example_of_backprop_makes_five_updates():
    assert run("backprop_usage").count("gradient") == 5


def test_the_local_server_says_nothing_of_a_client_that_goes_or_of_ctrl_c():
    command = [sys.executable, "-u", str(EXAMPLES / "local_gemini.py"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            address = urlsplit(server.stdout.readline().strip())
            asked = b'{"contents": [{"parts": [{"text": "Task type: math"}]}]}'
            head = b"POST /v1beta/models/m:generateContent HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            for _ in range(3):
                with socket.create_connection((address.hostname, address.port)) as client:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
                    client.sendall(head + f"{len(asked)}\r\n\r\n".encode() + asked)
            server.send_signal(signal.SIGINT)
            assert (server.wait(60), server.stdout.read()) == (0, "")
        finally:
            server.kill()


def test_an_example_refuses_what_is_no_port():
    command = [sys.executable, EXAMPLES / "local_gemini.py", "--port", "-1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "-1 is no port; give a number from 0 to 65535" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_local_server_writes_tasks_that_the_generator_accepts(tmp_path):
    with served([sys.executable, "-u", str(EXAMPLES / "local_gemini.py"), "--port", "0"]) as server:
        url = server.stdout.readline().strip()
        where = ["--base-url", url, "--out_dir", str(tmp_path)]
        command = [sys.executable, "-m", "infinite_rl.cli", "generate", *where, "--num_samples", "12", "--threads", "4"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    tasks = load_tasks(tmp_path / "dataset.csv", grader="math").tasks
    assert [task.metadata["grader"] for task in tasks].count("coding") == 6


@pytest.mark.slow
def test_a_tiny_model_learns_from_a_dataset_that_was_generated(tmp_path):
    pytest.importorskip("torch")
    run("generate_and_train", "--out_dir", str(tmp_path))
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["test_after"] > summary["test_before"] + 0.15
