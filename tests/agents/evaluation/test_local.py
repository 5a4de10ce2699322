import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infinite_rl import cli
from infinite_rl.agents.evaluation.results import read_results
from infinite_rl.agents.models.tiny_model import make_tiny

sys.path.insert(0, str(Path(__file__).parents[1] / "inference"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    weights, tokenizer = make_tiny()
    weights.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def evaluate(model, out, *more):
    given = ["--env", "Math-v0", "--tasks", "5", "-n", "3", "--max-tokens", "8", "--concurrency", "4"]
    return cli.main(["eval", *given, "--model", str(model), "--out", str(out), *more])


def said(out):
    return {(one["task_index"], one["sample"]): one["messages"][-1]["content"] for one in read_results(out).samples}


def test_a_model_in_this_process_is_evaluated_and_goes_on_sample_for_sample(model, tmp_path, capsys):
    assert evaluate(model, tmp_path / "whole", "--top-p", "0.9") == 0
    whole = said(tmp_path / "whole")
    assert len(whole) == 15
    results = read_results(tmp_path / "whole")
    assert results.run["model"] == {"name": "tiny", "backend": "transformers", "parameters": None}
    assert {one["completion_tokens"] <= 8 for one in results.samples} == {True}
    cut = [one for one in results.samples if one["completion_tokens"] == 8]
    assert {one["finish_reason"] for one in cut} == {"length"}
    assert results.result["rates"]["truncation"] == pytest.approx(len(cut) / 15)
    # As if it had been killed after seven samples.
    (tmp_path / "cut").mkdir()
    for name in ("run.json", "samples.jsonl"):
        (tmp_path / "cut" / name).write_bytes((tmp_path / "whole" / name).read_bytes())
    lines = (tmp_path / "cut" / "samples.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut" / "samples.jsonl").write_bytes(b"".join(lines[:7]))
    assert evaluate(model, tmp_path / "cut", "--top-p", "0.9") == 0
    assert said(tmp_path / "cut") == whole
    assert cli.main(["reverify", str(tmp_path / "whole")]) == 0


def test_seeds_decide_what_is_sampled(model, tmp_path):
    for name, more in (("a", ()), ("b", ("--concurrency", "15")), ("c", ("--seed", "1")), ("d", ("--no-seed",))):
        assert evaluate(model, tmp_path / name, *more) == 0
    assert said(tmp_path / "a") == said(tmp_path / "b")
    assert said(tmp_path / "a") != said(tmp_path / "c")
    assert said(tmp_path / "a") != said(tmp_path / "d")


def test_vllm_is_asked_through_the_same_command(model, tmp_path, monkeypatch):
    from test_vllm import stand_in
    from vllm_api import Engine

    from infinite_rl.agents.models.policy import load_policy

    engine = Engine(*load_policy(str(model)))
    monkeypatch.setitem(sys.modules, "vllm", stand_in(engine))
    assert evaluate(model, tmp_path / "out", "--backend", "vllm") == 0
    assert read_results(tmp_path / "out").run["model"]["backend"] == "vllm"
    assert len(said(tmp_path / "out")) == 15


def test_a_training_run_is_no_model_and_its_best_checkpoint_is_named(model, tmp_path, capsys):
    best = tmp_path / "runs" / "mine" / "checkpoints" / "best"
    best.parent.mkdir(parents=True)
    assert evaluate(best.parents[1], tmp_path / "out") == 2
    assert "a training run that has saved no model yet" in capsys.readouterr().err
    step = best.with_name("step-00000002")
    step.symlink_to(model)
    assert evaluate(best, tmp_path / "out") == 2
    assert f"best is not there: give --model {step}\n" in capsys.readouterr().err
    best.symlink_to(model)
    assert evaluate(best.parents[1], tmp_path / "out") == 2
    assert f"give --model {best}\n" in capsys.readouterr().err
    assert evaluate(best, tmp_path / "out", "--tasks", "1") == 0
    assert read_results(tmp_path / "out").run["model"]["name"] == "mine-best", "other runs have a best, too"
    assert evaluate(best, tmp_path / "named", "--tasks", "1", "--name", "our model") == 0
    assert read_results(tmp_path / "named").run["model"]["name"] == "our model"


def test_a_model_that_is_not_there_is_one_line_before_torch_is_loaded(tmp_path):
    given = ["eval", "--env", "Math-v0", "--out", str(tmp_path / "deep" / "out"), "--model"]
    code = "import sys; sys.modules['torch'] = None; from infinite_rl.cli import main; sys.exit(main())"
    found = subprocess.run(
        [sys.executable, "-c", code, *given, "./nowhere"], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (2, "infinite-rl: --model ./nowhere: no such folder\n")
    assert not (tmp_path / "deep").exists()


def test_a_model_that_cannot_be_loaded_leaves_no_folder(tmp_path, capsys):
    (tmp_path / "broken").mkdir()
    assert evaluate(tmp_path / "broken", tmp_path / "deep" / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"infinite-rl: --model {tmp_path / 'broken'}: the folder cannot be loaded (")
    assert "--base-url" not in error
    assert not (tmp_path / "deep").exists()


def test_models_of_equal_name_have_results_of_their_own(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        copy = tmp_path / place / "model"
        shutil.copytree(model, copy)
        given = ["eval", "--env", "Math-v0", "--tasks", "1", "--max-tokens", "2", "--model", str(copy)]
        assert cli.main(given) == 0
        assert cli.main([*given[:-1], f"{place}/model"]) == 0, "a folder is the same by any path"
    names = [path.name for path in Path("evaluations").iterdir()]
    assert len(names) == 2
    assert all(name.startswith("Math-v0-test-model-") for name in names)


@pytest.mark.parametrize("library", ["torch", "transformers"])
def test_a_missing_library_is_named_with_the_command_that_installs_it(library, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    assert evaluate("some/model", tmp_path / "out") == 2
    told = f"a model in this process needs {library}: pip install 'infinite-rl[train]'; one that a server has needs --b"
    assert told in capsys.readouterr().err


def test_a_name_that_no_hub_knows_may_be_that_of_a_server_s_model(tmp_path, capsys, monkeypatch):
    def unknown(*given, **options):
        raise OSError("no such repository")

    monkeypatch.setattr("infinite_rl.agents.models.policy.get_hf_file_metadata", unknown)
    monkeypatch.setattr("infinite_rl.agents.models.policy.try_to_load_from_cache", lambda *given: None)
    assert evaluate("nofolder", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith("infinite-rl: --model nofolder: neither a folder here nor the name of a model that the hub")
    assert error.endswith("; a model that a server has needs --base-url\n")


def test_what_is_not_there_is_told_of_vllm(model, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    assert evaluate(model, tmp_path / "out", "--backend", "vllm") == 2
    assert "vllm cannot be imported" in capsys.readouterr().err
