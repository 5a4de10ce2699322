"""Installing puts the artefacts in their place, or says what to do."""

import os
import subprocess
import venv
import zipfile

import pytest

SKIP = "INFINITE_RL_SKIP_RUNTIMES"


def packed(path):
    with zipfile.ZipFile(path) as archive:
        return {name.split("/")[-1]: archive.read(name) for name in archive.namelist() if name.endswith(".wasm")}


def test_a_wheel_holds_both_and_the_checkout_is_left_alone(source, build, artefacts, tmp_path):
    assert packed(build(source, "wheel", tmp_path)) == artefacts
    assert list((source / "runtimes").glob("*.wasm")) == []


def test_an_editable_install_puts_both_into_the_checkout(source, build, artefacts, tmp_path):
    assert packed(build(source, "editable", tmp_path)) == {}
    assert {path.name: path.read_bytes() for path in (source / "runtimes").glob("*.wasm")} == artefacts


def test_what_lies_in_the_checkout_is_taken_and_kept_in_the_cache(source, run_build, recipe, artefacts, tmp_path):
    for name, content in artefacts.items():
        (source / "runtimes" / name).write_bytes(content)
    done = run_build(source, "wheel", tmp_path, tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    assert packed(next(tmp_path.glob("*.whl"))) == artefacts
    assert (tmp_path / "cache" / "artefacts" / recipe / "python.wasm").is_file()


def test_an_artefact_of_another_recipe_enters_no_wheel(source, build, artefacts, tmp_path):
    (source / "runtimes" / "python.wasm").write_bytes(b"something else")
    assert packed(build(source, "wheel", tmp_path)) == artefacts


def test_without_network_and_cache_a_wheel_fails_with_the_remedies(source, run_build, tmp_path):
    done = run_build(source, "wheel", tmp_path, tmp_path / "cache")
    assert done.returncode != 0
    assert "error: python: componentize-py 0.25.1 could not be downloaded" in done.stderr
    assert "error: javascript: ziglang 0.17.0 could not be downloaded" in done.stderr
    assert SKIP in done.stderr
    assert "RUNTIME_GITHUB_REPO" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("*.whl")) == []


def test_without_network_and_cache_an_editable_install_goes_on_with_a_warning(source, run_build, tmp_path):
    done = run_build(source, "editable", tmp_path, tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*.whl"))) == 1
    assert "python -m infinite_rl.runtimes.build" in done.stderr + done.stdout
    assert list((source / "runtimes").glob("*.wasm")) == []


def test_skipping_makes_a_wheel_of_what_is_there(source, run_build, artefacts, tmp_path):
    (source / "runtimes" / "python.wasm").write_bytes(artefacts["python.wasm"])
    done = run_build(source, "wheel", tmp_path, tmp_path / "cache", **{SKIP: "1"})
    assert done.returncode == 0, done.stderr
    assert packed(next(tmp_path.glob("*.whl"))) == {"python.wasm": artefacts["python.wasm"]}
    assert "there is no javascript.wasm" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("editable", [[], ["--editable"]])
def test_pip_installs_both_in_an_isolated_build(source, filled_cache, artefacts, tmp_path, editable):
    """With the build requirements from pip's index, as a user has it; needs a network or a filled cache of pip's."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    environment = {**os.environ, "INFINITE_RL_CACHE": str(filled_cache), "PIP_CONSTRAINT": "constraints.txt"}
    command = [python, "-m", "pip", "install", "--quiet", "--no-deps", *editable, "."]
    subprocess.run(command, cwd=source, env=environment, check=True, timeout=300)
    place = source if editable else next((tmp_path / "venv").glob("lib/python*/site-packages/infinite_rl"))
    assert {path.name: path.read_bytes() for path in (place / "runtimes").glob("*.wasm")} == artefacts
