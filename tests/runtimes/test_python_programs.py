"""Programs as language models write them behave in the sandbox as under native Python: stdout, exit code, last error.

The programs lie in programs/python/*.txt, one file for each theme. Their output depends on no version, hash seed or
clock, so that the machine's own Python can judge the sandbox's.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from infinite_rl.runtimes import RewardExecutor

FOLDER = Path(__file__).parent / "programs" / "python"


@dataclass(frozen=True)
class Program:
    name: str
    code: str
    stdin: str


@dataclass(frozen=True)
class Outcome:
    stdout: str
    exit_code: int | None
    last_error: str


def read_programs(path: Path) -> list[Program]:
    """Sections that begin with `#### program: name`; the program's input, if any, follows `#### stdin`."""
    programs = []
    for section in path.read_bytes().decode("utf-8").split("#### program: ")[1:]:
        name, _, rest = section.partition("\n")
        code, _, stdin = rest.partition("#### stdin\n")
        programs.append(Program(f"{path.stem}: {name}", code, stdin))
    return programs


PROGRAMS = [program for path in sorted(FOLDER.glob("*.txt")) for program in read_programs(path)]


def outcome(stdout: str, exit_code: int | None, stderr: str) -> Outcome:
    lines = stderr.rstrip().splitlines()
    return Outcome(stdout, exit_code, lines[-1] if lines else "")


@pytest.fixture(scope="module")
def sandboxed():
    results = RewardExecutor(timeout=60, output_limit=1 << 20).run_many((p.code, "python", p.stdin) for p in PROGRAMS)
    return {p.name: outcome(r.stdout, r.exit_code, r.stderr) for p, r in zip(PROGRAMS, results, strict=True)}


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    def run(program: Program) -> Outcome:
        folder = tmp_path_factory.mktemp("native")
        (folder / "solution.py").write_bytes(program.code.encode())
        command = [sys.executable, "-I", "-X", "utf8", "solution.py"]
        done = subprocess.run(command, cwd=folder, input=program.stdin.encode(), capture_output=True, timeout=300)
        return outcome(done.stdout.decode(), done.returncode, done.stderr.decode())

    with ThreadPoolExecutor(4) as pool:
        return dict(zip((p.name for p in PROGRAMS), pool.map(run, PROGRAMS), strict=True))


def test_there_are_many_programs_with_names_of_their_own():
    assert len(PROGRAMS) >= 170
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS)


@pytest.mark.parametrize("name", [program.name for program in PROGRAMS])
def test_a_program_behaves_as_natively(name, sandboxed, native):
    assert sandboxed[name] == native[name]
