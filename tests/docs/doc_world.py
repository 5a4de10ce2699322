"""A folder that has what the commands of the pages speak of, and a stand-in for the models that they ask."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from infinite_rl import cli
from infinite_rl.agents.reports import report
from infinite_rl.agents.train import main as train

# The smallest run that leaves all that runs leave.
RUN = [
    "trainer.steps=1",
    "trainer.save_every=1",
    "trainer.progress=false",
    "evaluation.every=1",
    "evaluation.samples_per_prompt=1",
    "model.tiny.hidden_size=32",
    "model.tiny.mlp_size=64",
    "model.tiny.layers=1",
    "model.warm_start.max_steps=1",
    "data.train_size=40",
    "data.validation_size=10",
    "data.test_size=10",
    "data.prompts_per_rollout=2",
    "data.responses_per_prompt=2",
]


def sums(request: dict) -> tuple[int, dict, dict]:
    """Answers of a stand-in for a model: half of them an answer, which is seldom right."""
    texts = ["<answer>7</answer>" if place % 2 else "I do not know." for place in range(request.get("n", 1))]
    choices = [
        {"index": place, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for place, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return 200, {"object": "chat.completion", "choices": choices, "usage": usage}, {}


def furnish(folder: Path, servers: dict[str, str]) -> None:
    """Puts what the pages speak of into a folder: made by the commands themselves, wherever one makes it."""
    rows = {"train": "What is 2 + {}?", "test": "Name the capital of country {}."}
    for name, text in rows.items():
        asked = [{"messages": [{"role": "user", "content": text.format(n)}], "answer": str(n)} for n in range(5)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked), encoding="utf-8")
    documents = [{"id": "a", "title": "Cats", "text": "They purr."}]
    (folder / "documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents), encoding="utf-8")
    with gzip.open(folder / "gsm8k_test.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(
            json.dumps({"question": f"2 + {n}?", "answer": f"It is {2 + n}.\n#### {2 + n}"}) + "\n" for n in range(3)
        )
    (folder / "program.py").write_text("from rl_primitives import BaseEnvironment, State\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(report, "write_report", lambda run: run)  # a command of the pages writes it
        assert train([*RUN, "trainer.save_dir=runs/my-run"]) == 0
        shutil.copytree("runs/my-run/checkpoints/best", "path/to/model")
        shutil.copy("path/to/model/config.json", "path/to/config.json")
        Path("my_dataset").mkdir()
        for source, target in (("train", "my_dataset/dataset.csv"), ("train", "train.parquet"), ("test", "test.csv")):
            assert cli.main(["convert", f"{source}.jsonl", target]) == 0
        url = f"{servers['http://127.0.0.1:8000']}/v1"
        for model in ("tiny", "small"):
            asked = ["--base-url", url, "--model", model, "--tasks", "4", "-n", "4", "--contamination", "unknown"]
            assert cli.main(["eval", "--env", "Math-v0", *asked]) == 0
            assert cli.main(["submit", f"evaluations/Math-v0-test-{model}", "--out", "board"]) == 0
        shutil.copytree("evaluations/Math-v0-test-tiny", "results")
        played = ["--base-url", url, "--model", "tiny", "--episodes", "2", "--out", "episodes.jsonl"]
        assert cli.main(["play", "Math-v0", *played]) == 0
