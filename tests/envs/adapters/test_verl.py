import json

import pytest

from infinite_rl.datasets.reasoning.source import ReasoningSource
from infinite_rl.envs.adapters.verl import compute_score, export


def test_what_is_exported_is_scored(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "train.parquet"
    arguments = {"families": ["linear_equation"], "level": 3, "split": "test"}
    assert export(path, "InfiniteRL/Math-v0", 6, start=2, **arguments) == 6
    rows = parquet.read_table(path).to_pylist()
    source = ReasoningSource(**arguments)
    for index, row in enumerate(rows, 2):
        answer = source.task(index).answer
        assert row["prompt"][0]["content"] == source.task(index).prompt
        truth = row["reward_model"]["ground_truth"]
        assert json.loads(truth) == {"task_index": index, "arguments": arguments}
        right = compute_score(row["data_source"], f"<answer>{answer}</answer>", truth, row["extra_info"])
        assert right == {"score": 1.0, "failed": 0.0, "format": 1.0, "correctness": 1.0}
        assert compute_score(row["data_source"], "<answer>no</answer>", truth)["score"] == 0.0


def test_verls_own_dataset_reads_the_file(tmp_path):
    verl = pytest.importorskip("verl.utils.dataset.rl_dataset")
    from omegaconf import OmegaConf

    from infinite_rl.agents.tiny_model import make_tokenizer

    path = tmp_path / "train.parquet"
    export(path, "InfiniteRL/Math-v0", 8)
    config = OmegaConf.create({"cache_dir": str(tmp_path), "max_prompt_length": 256, "prompt_key": "prompt"})
    dataset = verl.RLHFDataset(str(path), make_tokenizer(), config)
    assert len(dataset) == 8
    assert dataset[0]["reward_model"]["style"] == "rule"
