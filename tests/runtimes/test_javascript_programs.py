"""Programs as language models write them behave in the sandbox as under node: stdout and exit code, to the byte.

The programs lie in javascript_programs/*.js, one file for each theme. Each begins with `// ===== name`; a line
`// stdin: "..."` right behind it holds the program's input. What node says to them is kept in expected.json, which
`python tests/runtimes/test_javascript_programs.py` writes anew: to start node for each takes longer than all sandboxes.
"""

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from infinite_rl.runtimes import RewardExecutor

FOLDER = Path(__file__).parent / "javascript_programs"
EXPECTED = FOLDER / "expected.json"
NODE = shutil.which("node")


@dataclass(frozen=True)
class Program:
    name: str
    code: str
    stdin: str


def read_programs(path: Path) -> list[Program]:
    programs = []
    for section in path.read_text(encoding="utf-8").split("// ===== ")[1:]:
        name, _, code = section.partition("\n")
        stdin = ""
        if code.startswith("// stdin: "):
            line, _, code = code.partition("\n")
            stdin = json.loads(line.removeprefix("// stdin: "))
        programs.append(Program(f"{path.stem}: {name}", code, stdin))
    return programs


PROGRAMS = [program for path in sorted(FOLDER.glob("*.js")) for program in read_programs(path)]


@pytest.fixture(scope="module")
def sandboxed():
    with RewardExecutor(timeout=60, output_limit=1 << 20) as executor:
        results = executor.run_many((program.code, "javascript", program.stdin) for program in PROGRAMS)
        return {program.name: [r.stdout, r.exit_code] for program, r in zip(PROGRAMS, results, strict=True)}


def run_natively(program: Program, folder: Path) -> list[str | int]:
    assert NODE is not None
    (folder / "solution.js").write_text(program.code, encoding="utf-8")
    environment = {"TZ": "UTC", "LANG": "en_US.UTF-8", "PATH": os.environ["PATH"]}
    result = subprocess.run(
        [NODE, "solution.js"],
        input=program.stdin.encode(),
        capture_output=True,
        cwd=folder,
        env=environment,
        timeout=300,
        check=False,
    )
    return [result.stdout.decode(), result.returncode]


@pytest.fixture(scope="module")
def expected():
    return json.loads(EXPECTED.read_text("utf-8"))


def test_there_are_many_programs_with_names_of_their_own():
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS) >= 240


@pytest.mark.parametrize("name", [program.name for program in PROGRAMS])
def test_a_program_prints_what_it_prints_under_node(name, sandboxed, expected):
    assert sandboxed[name] == expected[name]


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="needs node")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_what_is_expected_of_a_program_is_what_node_does(program, expected, tmp_path):
    # Node's timers race where the machine is busy.
    assert any(run_natively(program, tmp_path) == expected[program.name] for _ in range(3))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        outcomes = {program.name: run_natively(program, Path(place)) for program in PROGRAMS}
    EXPECTED.write_text(json.dumps(outcomes, indent=1) + "\n", encoding="utf-8")
