"""A tiny model that adds digits, made on the spot: the policy that other examples evaluate. Seconds on a CPU.

python examples/tiny_policy.py FOLDER  # saves it there, as save_pretrained does
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from needs import libraries

from infinite_rl.datasets.arithmetic import BARE, ArithmeticSource
from infinite_rl.datasets.procedural import distinct
from infinite_rl.datasets.task import TaskSource

if TYPE_CHECKING:
    from infinite_rl.agents.inference.module import InferenceModule

# Arguments of Math-v0: one-digit sums, asked as "3+4=".
SUMS = {"operations": ["add"], "digits": [1, 1], "template": BARE}


def make_policy(tasks: TaskSource | None = None, *, steps: int = 200, seed: int = 0) -> InferenceModule:
    """The model after so many supervised steps on 40 solved tasks, sums by default: few, so that it is often wrong."""
    # Here and not above: what needs seconds to import is imported when it is used.
    import torch

    from infinite_rl.agents.config import TinyConfig, WarmStartConfig
    from infinite_rl.agents.inference.module import InferenceModule
    from infinite_rl.agents.models.tiny_model import make_model, make_tokenizer
    from infinite_rl.agents.updates.demonstrations import solved
    from infinite_rl.agents.updates.warm_start import WarmStart

    torch.set_num_threads(1)
    tokenizer = make_tokenizer()
    shape = TinyConfig(hidden_size=64, layers=2, heads=4, kv_heads=2, mlp_size=128, max_positions=512)
    model = make_model(tokenizer, shape, seed=seed)
    settings = WarmStartConfig(
        path=None,
        max_tokens=None,
        tool_share=0.0,
        lr=2e-3,
        batch_size=64,
        tokens_per_microbatch=16384,
        target=1.0,
        check_every=steps,
        max_steps=steps,
    )
    shown = solved(distinct(tasks or ArithmeticSource(**SUMS), 40), tokenizer)
    warm_start = WarmStart(model, shown, settings, seed=seed)
    for _ in range(steps):
        warm_start.step()
    return InferenceModule(model.eval(), tokenizer)


def answer(policy: InferenceModule, questions: list[str]) -> list[str]:
    """What the policy says to each question, all in one batch."""
    return policy.generate(questions, max_new_tokens=6, temperature=0.0).texts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Saves a tiny model that adds digits.")
    parser.add_argument("folder", help="where to")
    folder = parser.parse_args().folder
    with libraries():
        policy = make_policy()
    policy.model.save_pretrained(folder)
    policy.tokenizer.save_pretrained(folder)
    for question, said in zip(("3+4=", "2+2="), answer(policy, ["3+4=", "2+2="]), strict=True):
        print(question, said)
