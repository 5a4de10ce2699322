"""What sandboxes there are, and whether they work: the facts behind ``infinite-rl runtimes``."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .artefact import BadArtefactError, MissingArtefactError, cache_root, load_artefact
from .build.recipe import recipe_hash
from .executor import RewardExecutor
from .result import ExecutionStatus

_TIMEOUT = 0.5
_CALM = 30.0


class Trial(NamedTuple):
    """A program of the self-test, and how it must end."""

    name: str
    code: str
    stdin: str
    status: ExecutionStatus
    stdout: str
    timeout: float = _CALM


TRIALS = {
    "python": (
        Trial("output", "print(sum(range(101)))", "", ExecutionStatus.OK, "5050\n"),
        Trial("input", "print(sorted(map(int, input().split())))", "3 1 2", ExecutionStatus.OK, "[1, 2, 3]\n"),
        Trial("library", "import json, fractions; print(json.dumps({'a': 1}))", "", ExecutionStatus.OK, '{"a": 1}\n'),
        Trial("error", "print('before'); 1 / 0", "", ExecutionStatus.ERROR, "before\n"),
        Trial("no files", "open('/etc/passwd')", "", ExecutionStatus.ERROR, ""),
        Trial("timeout", "print('before')\nwhile True: pass", "", ExecutionStatus.TIMEOUT, "before\n", _TIMEOUT),
        Trial("memory", "x = [0]\nwhile True: x += x", "", ExecutionStatus.MEMORY, ""),
    ),
    "javascript": (
        Trial("output", "console.log([1, 2, 3].map(x => x * x).join())", "", ExecutionStatus.OK, "1,4,9\n"),
        Trial(
            "input",
            "console.log(require('fs').readFileSync(0, 'utf8').trim().split(' ').sort().join())",
            "3 1 2",
            ExecutionStatus.OK,
            "1,2,3\n",
        ),
        Trial("error", "console.log('before'); throw new Error('no')", "", ExecutionStatus.ERROR, "before\n"),
        Trial("no files", "require('fs').readFileSync('/etc/passwd')", "", ExecutionStatus.ERROR, ""),
        Trial("timeout", "console.log('before'); for (;;);", "", ExecutionStatus.TIMEOUT, "before\n", _TIMEOUT),
        Trial("memory", "let x = []; for (;;) x.push(new Array(1e6).fill(1));", "", ExecutionStatus.MEMORY, ""),
    ),
}


@dataclass(frozen=True, slots=True)
class TrialResult:
    """How a trial ended.

    Attributes:
        name: which trial.
        passed: whether it ended as it must.
        cpu_ms: CPU time of the run, in milliseconds.
        detail: what was wrong; empty if nothing was.
    """

    name: str
    passed: bool
    cpu_ms: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RuntimeStatus:
    """One language's sandbox.

    Attributes:
        language: ``python`` or ``javascript``.
        problem: why it cannot be used, in one line; None if it can.
        path: the artefact's file; None, as all that follows, if there is none.
        engine: name and version of the language's engine.
        variant: ``optimized`` or ``plain``.
        bytes: size of the artefact.
        sha256: its hash.
        recipe: hash of the recipe that made it.
        current: whether that is the recipe of this version of the package.
        compiled_folder: the part of the user's cache that holds its compiled forms.
        compiled: sizes in bytes of these files: of all versions, settings and processors that were ever used.
        ready_seconds: wall-clock time to the end of the first program, compilation included if it was needed.
        trials: the self-test.
    """

    language: str
    problem: str | None = None
    path: Path | None = None
    engine: str | None = None
    variant: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    recipe: str | None = None
    current: bool | None = None
    compiled_folder: Path | None = None
    compiled: list[int] = field(default_factory=list)
    ready_seconds: float | None = None
    trials: list[TrialResult] = field(default_factory=list)

    @property
    def works(self) -> bool:
        """Whether it is there and passed its self-test."""
        return self.problem is None and all(trial.passed for trial in self.trials)


def runtime_status(language: str) -> RuntimeStatus:
    """Looks at a language's sandbox and runs its self-test; compiles it first, where that has not been done."""
    try:
        artefact = load_artefact(language)
        start = time.monotonic()
        RewardExecutor(timeout=_CALM).run("", language)
        seconds = time.monotonic() - start
    except (MissingArtefactError, BadArtefactError, OSError) as error:
        return RuntimeStatus(language, problem=str(error))
    folder = cache_root() / "compiled"
    return RuntimeStatus(
        language,
        path=artefact.path,
        engine=artefact.engine,
        variant=artefact.variant,
        bytes=artefact.size,
        sha256=artefact.sha256,
        recipe=artefact.recipe,
        current=artefact.recipe == recipe_hash(),
        compiled_folder=folder,
        compiled=[path.stat().st_size for path in sorted(folder.glob(f"{artefact.language}-*.cwasm"))],
        ready_seconds=seconds,
        trials=[run_trial(trial, language) for trial in TRIALS[language]],
    )


def run_trial(trial: Trial, language: str) -> TrialResult:
    """Runs one program of the self-test."""
    result = RewardExecutor(timeout=trial.timeout).run(trial.code, language, trial.stdin)
    detail = ""
    if result.status is not trial.status:
        detail = f"{result.status} instead of {trial.status}: {result.stderr.strip()[-200:]}"
    elif result.stdout != trial.stdout:
        detail = f"output {result.stdout[:100]!r} instead of {trial.stdout!r}"
    return TrialResult(trial.name, not detail, round(result.cpu_seconds * 1000, 2), detail)
