"""Programs as language models write them behave in the sandbox as under native Python: stdout, exit code, last error.

The programs lie in programs/python/*.txt, one file for each theme. Their output depends on no version, hash seed or
clock, so that the machine's own Python can judge the sandbox's. What that says is kept in expected.json, which
`python tests/runtimes/test_python_programs.py` writes anew: to start it for each takes longer than all sandboxes.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from infinite_rl.runtimes import RewardExecutor

FOLDER = Path(__file__).parent / "programs" / "python"
EXPECTED = FOLDER / "expected.json"


@dataclass(frozen=True)
class Program:
    name: str
    code: str
    stdin: str


def read_programs(path: Path) -> list[Program]:
    """Sections that begin with `#### program: name`; the program's input, if any, follows `#### stdin`."""
    programs = []
    for section in path.read_bytes().decode("utf-8").split("#### program: ")[1:]:
        name, _, rest = section.partition("\n")
        code, _, stdin = rest.partition("#### stdin\n")
        programs.append(Program(f"{path.stem}: {name}", code, stdin))
    return programs


PROGRAMS = [program for path in sorted(FOLDER.glob("*.txt")) for program in read_programs(path)]


def outcome(stdout: str, exit_code: int | None, stderr: str) -> dict[str, str | int | None]:
    lines = stderr.rstrip().splitlines()
    return {"stdout": stdout, "exit_code": exit_code, "last_error": lines[-1] if lines else ""}


def run_natively(program: Program, folder: Path) -> dict[str, str | int | None]:
    (folder / "solution.py").write_bytes(program.code.encode())
    command = [sys.executable, "-I", "-X", "utf8", "solution.py"]
    done = subprocess.run(
        command, cwd=folder, input=program.stdin.encode(), capture_output=True, timeout=300, check=False
    )
    return outcome(done.stdout.decode(), done.returncode, done.stderr.decode())


@pytest.fixture(scope="module")
def sandboxed():
    results = RewardExecutor(timeout=60, output_limit=1 << 20).run_many((p.code, "python", p.stdin) for p in PROGRAMS)
    return {p.name: outcome(r.stdout, r.exit_code, r.stderr) for p, r in zip(PROGRAMS, results, strict=True)}


@pytest.fixture(scope="module")
def expected():
    return json.loads(EXPECTED.read_text("utf-8"))


def test_there_are_many_programs_with_names_of_their_own():
    assert len(PROGRAMS) >= 170
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS)


@pytest.mark.parametrize("name", [program.name for program in PROGRAMS])
def test_a_program_behaves_as_natively(name, sandboxed, expected):
    assert sandboxed[name] == expected[name]


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_what_is_expected_of_a_program_is_what_it_does_natively(program, expected, tmp_path):
    assert run_natively(program, tmp_path) == expected[program.name]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        outcomes = {program.name: run_natively(program, Path(place)) for program in PROGRAMS}
    EXPECTED.write_text(json.dumps(outcomes, indent=1) + "\n", encoding="utf-8")
