"""Runs of several stages: what is practised and measured when, what is kept up, and upgrades that halt."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file

from infinite_rl.agents.algorithms.algorithm import Algorithm
from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.reports.report import write_report
from infinite_rl.agents.runs import held_out
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.plan import plan
from infinite_rl.agents.runs.run_log import RunLog
from infinite_rl.agents.runs.training import Trainer
from infinite_rl.agents.runs.upgrade import MEASURES

# Full scores for an a, so that some responses of a model without any training pass.
LETTERS = """
def interact(messages): return []
def reward_fn(messages, answer): return float("a" in messages[-1]["content"] or "e" in messages[-1]["content"])
"""
SMALL = [
    "model.tiny.hidden_size=16",
    "model.tiny.mlp_size=32",
    "model.tiny.layers=1",
    "model.warm_start=null",
    "data.validation_size=9",
    "data.test_size=3",
    "data.prompts_per_rollout=4",
    "data.responses_per_prompt=8",
    "evaluation.samples_per_prompt=2",
    "evaluation.every=4",
    "rollout.max_new_tokens=20",
    "actor.lr=0.01",
    "trainer.steps=7",
    "trainer.save_every=2",
    "trainer.progress=false",
]


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    (folder / "letters.py").write_text(LETTERS)
    domains = ("add", "code/sums", "text/sorts")
    tasks = [
        {"messages": [{"role": "user", "content": f"{i}?"}], "answer": "x", "domain": domains[i % 3]}
        for i in range(400)
    ]
    (folder / "tasks.jsonl").write_text("\n".join(map(json.dumps, tasks)))
    return [*SMALL, f"env={folder / 'letters.py'}", "data=file", f"data.train_path={folder / 'tasks.jsonl'}"]


def train(folder, overrides, *, resume=False):
    folder.mkdir(exist_ok=True)
    return Trainer(load_config(overrides=[*overrides, f"trainer.save_dir={folder}"]), folder, resume=resume)


def rows(folder, phase):
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in found if row["phase"] == phase]


STAGES = ["buffer.arrivals.code=2", "buffer.arrivals.text=5"]


def practised(row):
    return {name.partition("/")[2] for name, value in row.items() if name.startswith("practised/") and value}


@pytest.mark.parametrize("retire", [pytest.param(False, marks=pytest.mark.slow), True])
def test_stages_are_practised_and_measured_one_after_the_other(job, tmp_path, retire):
    folder = tmp_path / "run"
    summary = train(folder, [*job, *STAGES, f"buffer.retire={retire}"]).run()
    validations = [row for row in rows(folder, "eval") if row["split"] == "validation"]
    assert [row["step"] for row in validations] == [0, 2, 4, 5, 7]
    assert all({"pass_rate/add", "pass_rate/code/sums", "pass_rate/text/sorts"} <= row.keys() for row in validations)
    # Each row tells of the steps since the last one.
    reports = {row["step"]: practised(row) for row in rows(folder, "curriculum")}
    assert reports[2] == {"add"}
    assert reports[7] == ({"text/sorts"} if retire else {"add", "code/sums", "text/sorts"})
    assert "code/sums" in reports[4]
    assert "text/sorts" not in reports[5]
    for name in ("AURC", "ACC", "BWT", "FWT", "worst"):
        assert isinstance(summary[name], float)
    page = write_report(folder).read_text()
    assert "<h2>Stages</h2>" in page
    assert "<h2>What was practised</h2>" in page


def test_anchors_keep_up_what_is_practised_no_longer(job, tmp_path):
    train(tmp_path / "run", [*job, *STAGES, "replay=anchors"]).run()
    anchored = {row["step"]: row["anchored"] for row in rows(tmp_path / "run", "train") if "anchored" in row}
    assert anchored[1] == anchored[2] == 0
    assert max(value for step, value in anchored.items() if step > 2) == 4
    assert any("anchor_loss" in row for row in rows(tmp_path / "run", "train"))


@pytest.mark.slow
@pytest.mark.parametrize("replay", [pytest.param("none", marks=pytest.mark.slow), "anchors"])
def test_a_run_that_is_killed_in_mid_stage_goes_on_bit_for_bit(job, tmp_path, replay, monkeypatch):
    class Killed(BaseException):
        pass

    overrides = [*job, *STAGES, f"replay={replay}", "sampler=rubric"]
    train(tmp_path / "whole", overrides).run()
    write = RunLog.write

    def dying(log, step, phase, values):
        if (step, phase) == (6, "train"):
            raise Killed
        write(log, step, phase, values)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(RunLog, "write", dying)
        train(tmp_path / "killed", overrides).run()
    train(tmp_path / "killed", overrides, resume=True).run()
    one, other = ((tmp_path / name / "metrics.jsonl").read_bytes() for name in ("whole", "killed"))
    assert one == other


@pytest.fixture
def forgetful(monkeypatch):
    """A policy that loses the prior domains after the second step, whatever is done."""
    evaluate = held_out.evaluate

    def forgetting(rollouts, **arguments):
        found = evaluate(rollouts, **arguments)
        domains = [row.state["domain"] for row in found.trajectories][::2]
        old = torch.tensor([domain == "add" for domain in domains])
        forgot = forgetting.asked > 3  # after the tests before, the baseline, and two more
        forgetting.asked += 1
        found.per_task[:] = torch.where(old, 0.0 if forgot else 1.0, 0.5)
        return found

    forgetting.asked = 0
    monkeypatch.setattr(held_out, "evaluate", forgetting)
    step, coefficients = Algorithm.step, []

    def noting(algorithm, *arguments):
        coefficients.append(algorithm.recipe.loss.kl_coef)
        return step(algorithm, *arguments)

    monkeypatch.setattr(Algorithm, "step", noting)
    return coefficients


UPGRADE = ["buffer.arrivals.code=0", "buffer.arrivals.text=0", "buffer.new_share=0.7", "actor.kl_coef=0.1"]


def test_an_upgrade_that_forgets_halts_and_goes_back(job, tmp_path, forgetful, capsys):
    overrides = [*job, *UPGRADE, "upgrade={tolerance: 0.02}", "evaluation.every=1", "trainer.steps=20"]
    overrides += ["data.validation_size=60"]
    summary = train(tmp_path / "run", overrides).run()
    # The baseline, two good ones, and four that are not.
    assert (summary["status"], summary["halted_at"], summary["steps"]) == ("halted", 6, 6)
    assert summary["rolled_back_to"] in (0, 1, 2)
    assert [line.rpartition(": ")[2] for line in summary["measures"]] == [*MEASURES]
    assert "practise it twice as much" in write_report(tmp_path / "run").read_text()
    told = [
        (row["upgrade_level"], row["upgrade_kl_factor"], row["lost/add"])
        for row in rows(tmp_path / "run", "curriculum")[2:]
    ]
    assert told == [(1, 1, 1), (2, 2, 1), (3, 2, 1), (4, 2, 1)]
    # The KL term is doubled in the steps after the second measure.
    assert forgetful == [0.1] * 4 + [0.2] * 2
    checkpoints = tmp_path / "run" / "checkpoints"
    best, last = (load_file(checkpoints / name / "model.safetensors") for name in ("best", "step-00000006"))
    assert all(torch.equal(best[name], last[name]) for name in best)
    assert "add dropped by" in capsys.readouterr().out
    # And it stays so.
    again = train(tmp_path / "run", overrides, resume=True).run()
    assert (again["status"], again["steps"]) == ("halted", 6)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            ["buffer.arrivals.cooking=2"],
            "buffer.arrivals names 'cooking', but the domains are add, code/sums, text/sorts",
        ),
        (["buffer.arrivals={add: 2, code: 1, text: 3}"], "buffer.arrivals: no domain is there from the start"),
        (["replay=policy_gradient", "buffer.replay.capacity=2"], "buffer.replay: room for 2 groups, but there are 3"),
        (
            ["replay=policy_gradient", "buffer.replay.sampler=best"],
            "buffer.replay.sampler must be one of uniform, per",
        ),
        (["replay=anchors"], "buffer.retire=True would do nothing: no domain comes in"),
        ([*STAGES, "replay=anchors", "buffer.retire=false"], "set buffer.retire=true"),
        ([*STAGES, "buffer.retire=true", "buffer.new_share=0.5"], "buffer.new_share would do nothing"),
        (["buffer.new_share=0.5"], "buffer.new_share=0.5 would do nothing"),
        ([*STAGES, "buffer.new_share=1.5"], "buffer.new_share must be above 0 and below 1"),
        (["upgrade={tolerance: 0.02}", "actor.kl_coef=0.2"], "an upgrade needs buffer.arrivals: its new domains"),
        (
            [*UPGRADE, "upgrade={tolerance: 0.02}", "buffer.arrivals={add: 1, code: 0, text: 0}"],
            "buffer.arrivals must name the new domains of an upgrade",
        ),
        ([*UPGRADE, "upgrade={tolerance: 0.02}"], "add is a prior domain, of which the validation split has"),
        ([*UPGRADE, "upgrade={tolerance: 0.02}", "buffer.new_share=null"], "an upgrade needs buffer.new_share"),
        ([*UPGRADE, "upgrade={tolerance: 0.02}", "actor.ref_period=5"], "set actor.ref_period=null"),
        (["buffer.arrivals.code=7"], "buffer.arrivals.code=7 is not before the last step, trainer.steps=7"),
        (["replay=policy_gradient", "algorithm=ppo"], "a critic would learn nothing from stored groups"),
        (["replay=policy_gradient", "buffer.replay.sampler=anchors"], "must be one of uniform, per, fresh_per, rubric"),
        ([*UPGRADE[:-1], "upgrade={tolerance: 0.02}"], "actor.kl_coef must be at least 0.1 in an upgrade, not 0.01"),
        (["sampler=best"], "buffer.sampler must be one of uniform, round_robin"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(job, tmp_path, more, words):
    with pytest.raises(ConfigError, match=re.escape(words)) as error:
        train(tmp_path / "run", [*job, *more])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("every", [1, pytest.param(100, marks=pytest.mark.slow)])
def test_an_upgrade_that_ends_with_a_regression_goes_back(job, tmp_path, forgetful, every):
    """Its last step is looked at, whatever the steps between evaluations."""
    overrides = [*job, *UPGRADE, "upgrade={tolerance: 0.02}", f"evaluation.every={every}", "data.validation_size=60"]
    steps = 3 if every == 1 else 1
    held_out.evaluate.asked = 0 if every == 1 else 2
    summary = train(tmp_path / "run", [*overrides, f"trainer.steps={steps}"]).run()
    assert (summary["status"], summary["steps"]) == ("rolled back", steps)
    assert summary["rolled_back_to"] < steps
    again = train(tmp_path / "run", [*overrides, f"trainer.steps={steps + 1}"], resume=True).run()
    assert (again["status"], again["steps"], again["rolled_back_to"]) == (
        "rolled back",
        steps + 1,
        summary["best_step"],
    )
    last = load_file(tmp_path / "run" / "checkpoints" / f"step-{steps + 1:08d}" / "model.safetensors")
    best = load_file(tmp_path / "run" / "checkpoints" / "best" / "model.safetensors")
    assert all(torch.equal(best[name], last[name]) for name in best)


def test_the_plan_tells_of_stages_and_replay(job, tmp_path):
    trainer = train(tmp_path / "run", [*job, *STAGES, "replay=anchors", "sampler=rubric"])
    found = plan(trainer.config, trainer.parts)
    assert found["sampler"] == "rubric, 3 domains"
    assert found["stages"] == "from step 0 add; from step 2 code/sums; from step 5 text/sorts; earlier ones retire"
    assert found["anchors"] == "4 groups of successes a step, weight 0.5"
