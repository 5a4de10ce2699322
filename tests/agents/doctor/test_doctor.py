"""What the doctor finds: ranges, what is missing with the command that brings it, and no secrets and no network."""

import json
import socket
import threading
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import pytest

from infinite_rl import cli
from infinite_rl.agents.doctor import command, machine, packages, training
from infinite_rl.agents.doctor.check import Check
from infinite_rl.agents.doctor.packages import check_packages, read_requirement, within
from infinite_rl.runtimes.status import RuntimeStatus, TrialResult


@pytest.mark.parametrize(
    ("found", "ranges", "fits"),
    [
        ("2.13.0+cpu", ">=2.9", True), ("2.9", ">=2.9.0", True), ("2.8.9", ">=2.9", False), ("10.0", ">=9.1", True),
        ("1.9.9", "<2,>=1.2", True), ("2.0.0rc1", "<2,>=1.2", False), ("3.14.0", "<3.14,>=3.11", False),
        ("1.4", "==1.4.0", True), ("1.5", "!=1.5", False), ("5", "", True), ("unknown", ">=1", False),
    ],
)  # fmt: skip
def test_versions_are_compared_by_their_numbers(found, ranges, fits):
    assert within(found, ranges) is fits


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("numpy>=1.26", ("numpy", ">=1.26", "")),
        ('torch>=2.9; extra == "train"', ("torch", ">=2.9", "train")),
        ("bm25s<0.4,>=0.3", ("bm25s", "<0.4,>=0.3", "")),
        ("a-b.c_d[x,y] (>=1)", ("a-b.c_d", ">=1", "")),
        ("tzdata; extra == 'test'", ("tzdata", "", "test")),
    ],
)
def test_requirements_are_read_as_metadata_has_them(line, read):
    assert read_requirement(line) == read


@pytest.fixture
def installed(monkeypatch):
    """Which versions are installed; a package that is not named is not there."""

    def these(**versions):
        def version(name):
            if name.replace("-", "_") not in versions:
                raise PackageNotFoundError(name)
            return versions[name.replace("-", "_")]

        monkeypatch.setattr(packages, "version", version)
        return {one.name: one for one in check_packages()}

    return these


CORE = {
    "bm25s": "0.3.1", "gymnasium": "1.2.0", "mpmath": "1.3.0", "numpy": "2.0", "platformdirs": "4.3", "PyYAML": "6.0",
    "rich": "14.0", "sympy": "1.14.0", "wasmtime": "50.0.0",
}  # fmt: skip


def test_a_core_without_extras_works_and_is_told_what_training_needs(installed):
    found = installed(**CORE)
    assert found["core"].state == "ok"
    assert found["[train]"].state == "warning"
    assert found["[train]"].advice == 'pip install -c constraints.txt -e ".[train]"'
    assert {found[name].state for name in ("[generate]", "[mcp]", "[vllm]")} == {"optional"}
    assert "[dev]" not in found


def test_wrong_versions_are_problems_with_the_range_and_the_command(installed):
    found = installed(**CORE | {"wasmtime": "49.0", "torch": "2.1", "transformers": "5.17.0"})
    assert found["core"].state == "problem"
    assert "wasmtime 49.0 is not <51 and >=50" in found["core"].detail
    assert found["core"].advice.startswith("pip install")
    assert found["[train]"].state == "problem"
    assert "torch 2.1 is not >=2.9" in found["[train]"].detail
    assert "hydra-core is missing" in found["[train]"].detail


def test_what_is_not_installed_at_all_is_a_problem(monkeypatch):
    def metadata(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages, "metadata", metadata)
    (found,) = check_packages()
    assert (found.state, found.detail) == ("problem", "not installed")


def test_sandboxes_are_told_by_their_self_test(monkeypatch):
    facts = {"engine": "Engine 1", "ready_seconds": 0.1}
    found = {
        "python": RuntimeStatus(
            "python", current=True, trials=[TrialResult("memory", False, 1.0, "no limit")], **facts
        ),
        "javascript": RuntimeStatus("javascript", problem="javascript.wasm is missing."),
    }
    monkeypatch.setattr(machine, "runtime_status", found.get)
    python, javascript = machine.check_sandboxes()
    assert (python.state, python.detail) == ("problem", "memory: no limit")
    assert (javascript.state, javascript.advice) == ("problem", "python -m infinite_rl.runtimes.build")
    found["python"] = RuntimeStatus("python", current=False, trials=[TrialResult("memory", True, 1.0)], **facts)
    assert next(machine.check_sandboxes()).state == "warning"


def test_a_cache_that_cannot_be_written_is_a_problem(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INFINITE_RL_CACHE", str(tmp_path / "file" / "cache"))
    (found,) = machine.check_cache()
    assert found.state == "problem"
    assert "INFINITE_RL_CACHE" in found.advice


def test_a_full_disk_and_little_memory_are_told(monkeypatch):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**6))
    monkeypatch.setattr(machine.os, "sysconf", lambda name: 2**15)
    found = {one.name: one.state for one in machine.check_machine()}
    assert (found["memory"], found["disk"]) == ("warning", "problem")


def test_a_torch_that_does_not_learn_is_a_problem(monkeypatch):
    def broken(**arguments):
        raise RuntimeError("libraries do not go together")

    monkeypatch.setattr("infinite_rl.agents.models.tiny_model.make_tiny", broken)
    found = {one.name: one for one in training.check_torch()}
    assert found["step"].state == "problem"
    assert "RuntimeError: libraries do not go together" in found["step"].detail


def test_gpus_are_told_with_their_memory_precision_and_nccl(monkeypatch):
    torch = pytest.importorskip("torch")
    about = SimpleNamespace(name="H100", total_memory=80 * 2**30)
    answers = {"is_available": True, "device_count": 2, "is_bf16_supported": True, "get_device_properties": about}
    for name, answer in answers.items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.distributed, "is_nccl_available", lambda: False)
    found = {one.name: one for one in training._check_devices()}
    assert found["cuda:1"].detail == "H100, 80 GiB, CUDA 12.8, bfloat16"
    assert found["nccl"].state == "warning"
    monkeypatch.setattr(torch.distributed, "is_nccl_available", lambda: True)
    monkeypatch.setattr(torch.cuda.nccl, "version", lambda: (2, 27, 3))
    assert [*training._check_devices()][-1].detail == "2.27.3"


@pytest.mark.parametrize(("states", "code"), [("ok optional warning", 0), ("ok problem", 1)])
def test_the_exit_code_tells_whether_a_first_run_works(monkeypatch, capsys, states, code):
    checks = [Check("group", f"thing {i}", state, "\x1b[31mred", "do it") for i, state in enumerate(states.split())]
    monkeypatch.setattr(command, "all_checks", lambda: iter(checks))
    assert cli.main(["doctor"]) == code
    out = capsys.readouterr().out
    assert "→ do it" in out
    assert "\x1b[31mred" not in out
    assert ("1 problem" in out) == bool(code)
    assert cli.main(["doctor", "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert found["works"] is not bool(code)
    assert [one["state"] for one in found["checks"]] == states.split()


def test_here_everything_works_without_network_and_no_key_is_shown(monkeypatch, capsys):
    asked, others = [], {*threading.enumerate()} - {threading.current_thread()}  # what earlier tests left behind

    def connect(self, address):
        if threading.current_thread() not in others:
            asked.append(address)
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **how: connect(None, where))
    monkeypatch.setenv("GEMINI_API_KEY", "s3cret-value")
    assert cli.main(["doctor", "--json"]) == 0
    out = capsys.readouterr().out
    found = {one["name"]: one for one in json.loads(out)["checks"]}
    assert found["GEMINI_API_KEY"]["detail"] == "set"
    assert "s3cret-value" not in out
    assert {found[name]["state"] for name in ("python", "javascript", "core", "cache", "torch", "step")} <= {"ok"}
    assert asked == []
