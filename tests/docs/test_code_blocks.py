"""Every Python block of README and docs runs as it stands; every command in them is one that exists."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
# Its blocks build on each other; test_tutorial.py runs them.
TUTORIAL = ROOT / "docs" / "tutorial.md"


def blocks(*languages: str) -> list:
    found = []
    for page in PAGES:
        for match in BLOCK.finditer(page.read_text("utf-8")):
            line = page.read_text("utf-8")[: match.start()].count("\n") + 1
            if match[1] in languages and not (page == TUTORIAL and match[1] == "python"):
                found.append(pytest.param(match[2], id=f"{page.relative_to(ROOT)}:{line}"))
    return found


# Runs each file as a program in the folder where it lies, and writes what was raised beside it.
RUNNER = """
import os, runpy, sys, traceback
for path in sys.argv[1:]:
    os.chdir(os.path.dirname(path))
    try:
        runpy.run_path(path, run_name="__main__")
        raised = ""
    except BaseException:
        raised = traceback.format_exc()
    with open("raised", "w") as file:
        file.write(raised)
"""


@pytest.fixture(scope="module")
def raised(tmp_path_factory):
    """What each block raised, empty where it ran, by its text. All run in one process, which imports torch once."""
    codes = [block.values[0] for block in blocks("python")]
    folders = [tmp_path_factory.mktemp("block") for _ in codes]
    for code, folder in zip(codes, folders, strict=True):
        (folder / "block.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-c", RUNNER, *(str(folder / "block.py") for folder in folders)]
    subprocess.run(command, capture_output=True, timeout=600, check=True)
    return {code: (folder / "raised").read_text("utf-8") for code, folder in zip(codes, folders, strict=True)}


@pytest.mark.parametrize("code", blocks("python"))
def test_a_python_block_runs(code, raised):
    assert raised[code] == ""


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks("python"))
def test_a_python_block_needs_no_other_to_run_before_it(code, tmp_path):
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


def test_blocks_are_of_languages_that_a_test_runs_or_reads():
    used = {match[1] for page in PAGES for match in BLOCK.finditer(page.read_text("utf-8"))}
    assert used <= {"python", "bash", "json"}


def commands() -> list[str]:
    found = []
    for block in blocks("bash"):
        if "curl" in block.values[0]:  # a test below runs it
            continue
        for line in block.values[0].splitlines():
            found += [part.strip() for part in line.split("#")[0].split("&&") if part.strip()]
    return sorted(set(found))


TRAINING = re.compile(r"(python|torchrun .*) -m (infinite_rl\.)?agents\.train")


@pytest.mark.parametrize("command", [c for c in commands() if TRAINING.match(c)])
def test_a_training_command_is_understood(command):
    from infinite_rl.agents.runs.load_config import load_config
    from infinite_rl.agents.train import parse_arguments

    if command.startswith("torchrun"):
        from torch.distributed.run import get_args_parser

        assert get_args_parser().parse_args(shlex.split(command)[1:]).module
    parsed = parse_arguments(shlex.split(TRAINING.sub("", command)))
    if not parsed.resume:
        load_config(parsed.config_name, parsed.overrides)


def test_other_commands_are_those_that_are_tested_elsewhere():
    others = [c for c in commands() if not TRAINING.match(c)]
    assert others == [
        ".ci/run",
        "VLLM_SERVER_DEV_MODE=1 python -m vllm.entrypoints.openai.api_server --model path/to/model --port 8000 "
        "--logprobs-mode processed_logprobs",
        "export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1",
        "infinite-rl contamination --train train.jsonl --eval test.jsonl --report found --remove clean.jsonl",
        "infinite-rl convert my_dataset/dataset.csv my_dataset/dataset.jsonl",
        "infinite-rl convert my_dataset/dataset.csv train.jsonl",
        "infinite-rl doctor",
        "infinite-rl eval --benchmark gsm8k --file gsm8k_test.jsonl.gz --model path/to/model",
        "infinite-rl eval --compare evaluations/Math-v0-test-tiny evaluations/Math-v0-test-small",
        """infinite-rl eval --env Math-v0 --arguments '{"operations": ["add"], "digits": [2, 1], """
        """"template": "{expression}="}' --model runs/my-run/checkpoints/best --max-tokens 8 -n 8""",
        """infinite-rl eval --env Math-v0 --arguments '{"operations": ["add"], "template": "{expression}="}' """
        "--base-url http://127.0.0.1:8000/v1 --model tiny -n 8",
        "infinite-rl eval --env Math-v0 --base-url http://127.0.0.1:8000/v1 --model tiny -n 8",
        "infinite-rl eval --env Math-v0 --base-url http://127.0.0.1:8000/v1 --model tiny -n 8 --contamination unknown",
        "infinite-rl generate --base-url http://127.0.0.1:8080 --num_samples 20 --out_dir my_dataset --threads 4",
        "infinite-rl leaderboard board --check --out site",
        "infinite-rl plan --model Llama-3.1-70B --gpus 8 --top 2",
        "infinite-rl plan --model Qwen3-8B --gpus 8",
        """infinite-rl play Math-v0 --arguments '{"operations": ["add"], "template": "{expression}="}' """
        "--base-url http://127.0.0.1:8000/v1 --model tiny",
        "infinite-rl report runs/my-run",
        "infinite-rl reverify evaluations/Math-v0-test-tiny",
        "infinite-rl runtimes",
        "infinite-rl search-service --corpus documents.jsonl --index documents.npz",
        "infinite-rl search-service --split test --port 8001",
        "infinite-rl submit evaluations/Math-v0-test-tiny --check",
        "infinite-rl submit evaluations/Math-v0-test-tiny --out board",
        "infinite-rl view results --out results.html",
        "infinite-rl view runs/my-run --open",
        'pip install -c constraints.txt -e ".[generate]"',
        'pip install -c constraints.txt -e ".[test]"',
        'pip install -c constraints.txt -e ".[train]"',
        'pip install -c constraints.txt -e ".[vllm]"',
        "pip install -r requirements_dev.txt",
        "pre-commit install",
        "pytest -n auto --dist loadfile",
        "python -m infinite_rl.run_examples",
        "python -m infinite_rl.runtimes.build",
        "python examples/serve_tiny_policy.py &",
        "python scripts/generate.py --num_samples 100 --out_dir ./my_dataset --threads 4",
        "scripts/docs",
        "scripts/lint",
        "scripts/test",
        "scripts/vllm_cpu.sh path/to/environment",
    ]


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")
@pytest.mark.parametrize("block", [block for block in blocks("bash") if "curl" in block.values[0]])
def test_a_block_that_asks_a_server_runs(block, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = 'infinite-rl() { exec "$PYTHON" -m infinite_rl.cli "$@"; }\nset -em\n'
    code = command + block.replace("8000", str(port))
    environment = os.environ | {"PYTHON": sys.executable, "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        ["bash", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '{"status": "healthy"}' in done.stdout
    assert '"status": "scored"' in done.stdout
    assert '"closed": true' in done.stdout


def headings(page: Path) -> set[str]:
    """The anchors of a page, as code hosts make them of its headings."""
    text = BLOCK.sub("", page.read_text("utf-8"))
    found = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", BLOCK.sub("", page.read_text("utf-8"))):
            place = page.parent / target if target else page
            assert place.exists(), f"{page.name} links to {target}"
            assert not anchor or anchor in headings(place), f"{page.name} links to {target}#{anchor}"
