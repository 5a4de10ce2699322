"""``infinite-rl runtimes``: what there is, whether it works, and an exit code that says so."""

import json

import pytest

from infinite_rl import cli
from infinite_rl.runtimes import artefact, status
from infinite_rl.runtimes.artefact import MissingArtefactError
from infinite_rl.runtimes.build.recipe import LANGUAGES
from infinite_rl.runtimes.status import Trial, TrialResult, run_trial, runtime_status


@pytest.fixture
def missing(monkeypatch):
    def find(language):
        raise MissingArtefactError(f"{language}.wasm is missing. Make it with: python -m infinite_rl.runtimes.build")

    monkeypatch.setattr(artefact, "find_artefact", find)


@pytest.fixture
def works(monkeypatch):
    """A sandbox that passes, but for what a test makes fail."""
    trials = {language: [TrialResult("output", True, 1.0)] for language in LANGUAGES}
    facts = {"engine": "Engine 1", "variant": "plain", "bytes": 1, "sha256": "0" * 64, "recipe": "1" * 64}
    monkeypatch.setattr(
        status,
        "runtime_status",
        lambda language: status.RuntimeStatus(language, ready_seconds=0.5, trials=trials[language], **facts),
    )
    return trials


def test_what_is_missing_is_told_with_the_command_that_makes_it(missing, capsys):
    assert cli.main(["runtimes"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "python: python.wasm is missing. Make it with: python -m infinite_rl.runtimes.build" in lines
    assert "javascript: javascript.wasm is missing. Make it with: python -m infinite_rl.runtimes.build" in lines


def test_a_table_shows_the_facts_and_a_failure_is_the_exit_code(works, capsys):
    assert cli.main(["runtimes"]) == 0
    shown = capsys.readouterr().out
    assert "Engine 1, plain" in shown
    assert "ok, 1.0 ms" in shown
    works["python"].append(TrialResult("timeout", False, 2.0, "ok instead of timeout"))
    assert cli.main(["runtimes"]) == 1
    assert "failed: ok instead of timeout" in capsys.readouterr().out


def test_json_has_everything(works, capsys):
    works["javascript"].append(TrialResult("timeout", False, 2.0, "why"))
    assert cli.main(["runtimes", "--json"]) == 1
    python, javascript = json.loads(capsys.readouterr().out)
    assert python["works"] is True
    assert javascript["works"] is False
    assert python["sha256"] == "0" * 64
    assert javascript["trials"][1] == {"name": "timeout", "passed": False, "cpu_ms": 2.0, "detail": "why"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_self_test_passes(language):
    found = runtime_status(language)
    assert found.problem is None
    assert [trial for trial in found.trials if not trial.passed] == []
    assert found.works
    assert len(found.trials) >= 6


def test_a_trial_that_ends_otherwise_fails_with_the_reason():
    printing = Trial("output", "console.log(1)", "", status.ExecutionStatus.OK, "2\n")
    assert "'1\\n' instead of '2\\n'" in run_trial(printing, "javascript").detail
    ending = Trial("timeout", "console.log(1)", "", status.ExecutionStatus.TIMEOUT, "1\n")
    assert "ok instead of timeout" in run_trial(ending, "javascript").detail
