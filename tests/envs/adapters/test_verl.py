import json

import pytest

from infinite_rl.datasets.reasoning.source import ReasoningSource
from infinite_rl.envs.adapters.verl import compute_score, compute_scores, export


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

    from infinite_rl.agents.models.tiny_model import make_tokenizer

    path = tmp_path / "train.parquet"
    export(path, "InfiniteRL/Math-v0", 8)
    config = OmegaConf.create({"cache_dir": str(tmp_path), "max_prompt_length": 256, "prompt_key": "prompt"})
    dataset = verl.RLHFDataset(str(path), make_tokenizer(), config)
    assert len(dataset) == 8
    assert dataset[0]["reward_model"]["style"] == "rule"


def exported(path, env, count, **arguments):
    parquet = pytest.importorskip("pyarrow.parquet")
    export(path, env, count, **arguments)
    return parquet.read_table(path).to_pylist()


def test_a_batch_is_scored_as_its_rows_are(tmp_path):
    rows = exported(tmp_path / "a.parquet", "InfiniteRL/MultiDomain-v0", 12, weights={"math": 1, "text": 1})
    rows += exported(tmp_path / "b.parquet", "InfiniteRL/Stub-v0", 4)
    columns = [row["data_source"] for row in rows], [row["reward_model"]["ground_truth"] for row in rows]
    answers = ["<answer>1</answer>" if place % 2 else "no" for place in range(len(rows))]
    scores = compute_scores(columns[0], answers, columns[1], [row["extra_info"] for row in rows])
    assert scores == [compute_score(*row) for row in zip(columns[0], answers, columns[1], strict=True)]
    # verl makes a column of each key, and reads all keys of the first row from every other.
    assert {tuple(score) for score in scores} == {("score", "failed", "format", "correctness")}


def proto(rows, answers, tokenizer):
    """A batch as verl's workers hand it to reward managers: prompts padded on the left, responses on the right."""
    import numpy as np
    import torch
    from verl import DataProto

    prompts = [tokenizer.apply_chat_template(row["prompt"], tokenize=True, return_dict=False) for row in rows]
    responses = [tokenizer(answer)["input_ids"] for answer in answers]
    width, length = max(map(len, prompts)), max(map(len, responses))
    pad = tokenizer.pad_token_id
    left = [[pad] * (width - len(ids)) + ids for ids in prompts]
    right = [ids + [pad] * (length - len(ids)) for ids in responses]
    mask = [
        [0] * (width - len(a)) + [1] * (len(a) + len(b)) + [0] * (length - len(b))
        for a, b in zip(prompts, responses, strict=True)
    ]
    tensors = {"prompts": torch.tensor(left), "responses": torch.tensor(right), "attention_mask": torch.tensor(mask)}
    others = {name: np.array([row[name] for row in rows], object) for name in ("data_source", "reward_model")}
    others["extra_info"] = np.array([dict(row["extra_info"]) for row in rows], object)
    return DataProto.from_dict(tensors, others)


@pytest.mark.parametrize("path", ["pkg://infinite_rl.envs.adapters.verl", "{file}"])
def test_verls_reward_loop_pays_right_answers(tmp_path, path):
    reward = pytest.importorskip("verl.trainer.ppo.reward")
    from omegaconf import OmegaConf

    from infinite_rl.agents.models.tiny_model import make_tokenizer
    from infinite_rl.datasets.reasoning.source import ReasoningSource

    file = tmp_path / "compute_score.py"
    file.write_text("from infinite_rl.envs.adapters.verl import compute_score\n")
    rows = exported(tmp_path / "train.parquet", "InfiniteRL/Math-v0", 4, families=["linear_equation"])
    source = ReasoningSource(families=["linear_equation"])
    answers = [f"<answer>{source.task(index).answer if index % 2 else 'no'}</answer>" for index in range(4)]
    config = OmegaConf.create(
        {
            "reward": {
                "custom_reward_function": {"path": path.format(file=file), "name": "compute_score"},
                "reward_manager": {"source": "register", "name": "naive"},
            }
        }
    )
    tokenizer = make_tokenizer()
    manager = reward.load_reward_manager(config, tokenizer)
    batch = proto(rows, answers, tokenizer)
    results = [manager.loop.run_until_complete(manager.run_single(batch[place : place + 1])) for place in range(4)]
    assert [result["reward_score"] for result in results] == [0.0, 1.0, 0.0, 1.0]
    assert {tuple(result["reward_extra_info"]) for result in results} == {("score", "failed", "format", "correctness")}


def test_verls_batch_manager_scores_in_one_call(tmp_path):
    managers = pytest.importorskip("verl.workers.reward_manager")
    from infinite_rl.agents.models.tiny_model import make_tokenizer
    from infinite_rl.datasets.reasoning.source import ReasoningSource

    rows = exported(tmp_path / "train.parquet", "InfiniteRL/Math-v0", 4, families=["linear_equation"])
    source = ReasoningSource(families=["linear_equation"])
    answers = [f"<answer>{source.task(index).answer if index % 2 else 'no'}</answer>" for index in range(4)]
    tokenizer = make_tokenizer()
    manager = managers.get_reward_manager_cls("batch")(tokenizer, 0, compute_scores)
    paid = manager(proto(rows, answers, tokenizer), return_dict=True)
    assert paid["reward_tensor"].sum(-1).tolist() == [0.0, 1.0, 0.0, 1.0]
    assert paid["reward_extra_info"]["failed"] == [0.0] * 4
