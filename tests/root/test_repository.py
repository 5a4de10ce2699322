"""What developers and services run: one gate, and everything else is a part of it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
SCRIPTS = [*(ROOT / ".ci").iterdir(), *(path for path in (ROOT / "scripts").iterdir() if path.suffix != ".py")]


def lines(path: Path) -> list[str]:
    text = path.read_text("utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def steps(path: Path) -> list[dict[str, object]]:
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("path", [*GITHUB.rglob("*.yml"), ROOT / ".pre-commit-config.yaml"], ids=lambda path: path.name)
def test_yaml_is_yaml(path):
    assert isinstance(yaml.safe_load(path.read_text("utf-8")), dict)


def test_hooks_before_commits_are_what_the_gate_looks_at():
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert local["repo"] == "local", "nothing is downloaded, and all have the versions of constraints.txt"
    checked = {line.removesuffix(" .") for line in lines(ROOT / "scripts" / "lint")[2:]}
    assert {hook["entry"] for hook in local["hooks"]} == checked == {"ruff check", "ruff format --check", ".ci/types"}
    assert "scripts/lint" in lines(ROOT / ".ci" / "run")


def test_the_script_of_tests_runs_the_readmes_command():
    (command,) = re.findall(r"&& (pytest -n .*)", (ROOT / "README.md").read_text("utf-8"))
    assert lines(ROOT / "scripts" / "test")[-1] == f'exec {command} "$@"'


def test_the_workflow_is_the_gate_on_the_oldest_and_the_newest_python():
    assert [step["run"] for step in steps(GITHUB / "workflows" / "tests.yml") if "run" in step] == [".ci/run"]
    job = yaml.safe_load((GITHUB / "workflows" / "tests.yml").read_text("utf-8"))["jobs"]["gate"]
    (oldest, beyond) = re.search(
        r"python_requires = >=([\d.]+),<([\d.]+)", (ROOT / "setup.cfg").read_text("utf-8")
    ).groups()
    assert job["strategy"]["matrix"]["python"] == [oldest, f"3.{int(beyond.split('.')[1]) - 1}"]


def test_a_tag_publishes_what_installations_download():
    from infinite_rl.runtimes.build.release import PREFIX, SUMS

    workflow = yaml.safe_load((GITHUB / "workflows" / "runtimes.yml").read_text("utf-8"))
    assert workflow[True]["push"]["tags"] == [f"{PREFIX}*"]  # YAML 1.1 reads "on" as true
    made, published = [step["run"] for step in steps(GITHUB / "workflows" / "runtimes.yml") if "run" in step]
    assert made == ".ci/wheels dist"
    assert published.startswith("gh release create")
    assert published.endswith("dist/*")
    assert f"sha256sum -- *.wasm *.whl >{SUMS}" in (ROOT / ".ci" / "wheels").read_text("utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_what_was_reviewed_with_as_few_rights_as_they_need(path):
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for step in steps(path):
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step.get("uses", f"actions/x@{'0' * 40}"))
        assert "${{" not in step.get("run", ""), "what others may name goes through the environment"
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_are_whole_and_stop_at_the_first_error(path):
    assert os.access(path, os.X_OK)
    text = path.read_text("utf-8")
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert "set -euo pipefail" in text
    if shutil.which("bash"):
        assert subprocess.run(["bash", "-n", path], capture_output=True, text=True).stderr == ""


def test_forms_of_issues_ask_for_something():
    forms = [path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
    assert len(forms) >= 3
    for path in forms:
        form = yaml.safe_load(path.read_text("utf-8"))
        assert {"name", "description", "body"} <= form.keys()
        asked = [part for part in form["body"] if part.get("validations", {}).get("required")]
        assert asked, path.name
        ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert len(set(ids)) == len(ids)


def test_requirements_of_developers_are_the_packages_own():
    assert lines(ROOT / "requirements_dev.txt")[:2] == ["-c constraints.txt", "-e .[dev]"]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_roots_pages_lead_somewhere(name):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text("utf-8")):
        assert (ROOT / target).exists(), target


def test_the_version_stands_at_the_head_of_the_changes():
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    (version,) = re.findall(r"^version = (\S+)", (ROOT / "setup.cfg").read_text("utf-8"), re.M)
    assert versions[:2] == ["Unreleased", version]
