"""verl's reward manager scores what a tiny model says to the tasks of an exported file: seconds on a CPU.

python examples/score_with_verl.py [--tasks 32]

Dataset, reward function and reward manager are loaded as verl's trainer loads them. The trainer itself needs a GPU; its
command takes `data.train_files=sums.parquet` and the two members of `custom_reward_function` below.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from needs import libraries
from tiny_policy import SUMS, make_policy

CONFIG = {
    "data": {"prompt_key": "prompt", "max_prompt_length": 64},
    "reward": {
        "custom_reward_function": {"path": "pkg://infinite_rl.envs.adapters.verl", "name": "compute_score"},
        "reward_manager": {"source": "register", "name": "naive"},
    },
}


def score(tasks: int, folder: Path) -> list[float]:
    """The reward of the model's response to each task."""
    import torch
    from omegaconf import OmegaConf
    from verl import DataProto
    from verl.trainer.ppo.reward import load_reward_manager
    from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

    from infinite_rl.envs.adapters.verl import export

    export(folder / "sums.parquet", "InfiniteRL/Math-v0", tasks, **SUMS)
    policy, config = make_policy(), OmegaConf.create(CONFIG | {"data": CONFIG["data"] | {"cache_dir": str(folder)}})
    dataset = RLHFDataset(str(folder / "sums.parquet"), policy.tokenizer, config.data)
    manager, rewards = load_reward_manager(config, policy.tokenizer), []
    for row in dataset:
        prompt = policy.tokenizer.apply_chat_template(row["raw_prompt"], tokenize=False, add_generation_prompt=True)
        (said,) = policy.generate([prompt], max_new_tokens=6, temperature=0.0)
        responses = said.sample.token_ids[None]
        prompts = torch.tensor([said.prompt_ids])
        mask = torch.ones(1, prompts.shape[1] + responses.shape[1], dtype=torch.long)
        tensors = {"prompts": prompts, "responses": responses, "attention_mask": mask}
        batch = DataProto.from_single_dict(collate_fn([row | {name: found[0] for name, found in tensors.items()}]))
        result = manager.loop.run_until_complete(manager.run_single(batch))
        rewards.append(result["reward_score"])
        if len(rewards) <= 4:
            print(f"{prompt}{said}  {result['reward_extra_info']}")
    return rewards


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="verl's reward manager scores a tiny model.")
    parser.add_argument("--tasks", type=int, default=32)
    tasks = parser.parse_args().tasks
    with TemporaryDirectory() as folder, libraries():
        rewards = score(tasks, Path(folder))
    print(f"{len(rewards)} tasks, mean reward {sum(rewards) / len(rewards):.3f}")
