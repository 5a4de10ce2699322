"""For TRL: any environment as the dataset and the reward function of its ``GRPOTrainer``."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ...datasets.task import Message
from ...rewards import RewardFunctionScore, Status
from ..text_env import TextEnv
from .rows import make_text_env, score_responses, task_rows


class TrlTask:
    """A dataset and a reward function for TRL's trainers.

    ``trainer = GRPOTrainer(model, reward_funcs=task, train_dataset=task.dataset(512), …)``. The reward is the
    correctness of the response as the only action of an episode; a failure of ours is ``None``, which TRL leaves out.
    An environment with several turns plays the first one only, and a warning says so.

    Args:
        env: the id of an environment, or an environment.
        component: pays this component of the score instead of the correctness, so that several tasks on one
            environment can be several rewards.
        **arguments: arguments of the environment, such as ``level=2``.
    """

    def __init__(self, env: str | TextEnv, *, component: str = "correctness", **arguments: Any) -> None:
        self.env = make_text_env(env, **arguments)
        self.component = component
        if type(self.env).respond is not TextEnv.respond:
            name = type(self.env).__name__
            warnings.warn(f"{name} has several turns, and a reward function of TRL sees one response", stacklevel=2)
        # TRL logs each reward under the function's name.
        self.__name__ = f"{type(self.env).__name__}/{component}"

    def dataset(self, count: int | None = None, *, start: int = 0) -> Any:
        """The tasks as a dataset of Hugging Face's, with the columns of `task_rows`.

        Raises:
            ModuleNotFoundError: ``datasets`` is not installed.
            ValueError: there are not as many tasks.
        """
        try:
            from datasets import Dataset
        except ModuleNotFoundError:
            raise ModuleNotFoundError("this needs datasets: pip install 'infinite-rl[train]'") from None
        return Dataset.from_list(task_rows(self.env, count, start=start, max_turns=1))

    def __call__(
        self, completions: Sequence[str | Sequence[Message]], task_index: Sequence[int], **columns: Any
    ) -> list[float | None]:
        """The reward of each completion; None where grading failed.

        Args:
            completions: texts, or lists of messages, of which the last one counts.
            task_index: the dataset's column.
            columns: what else TRL passes.
        """
        scores = score_responses(self.env, task_index, [_text(completion) for completion in completions])
        return [None if score.failed else self._paid(score) for score in scores]

    def _paid(self, score: RewardFunctionScore) -> float:
        if self.component not in score.components and score.status is Status.SCORED:
            raise ValueError(f"component is {self.component!r}; there are {', '.join(score.components)}")
        return float(score.components.get(self.component, 0.0))


def _text(completion: str | Sequence[Message]) -> str:
    return completion if isinstance(completion, str) else str(completion[-1]["content"] or "")
