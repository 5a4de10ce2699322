"""What a training loop is told, and how that fits with what the other parts were told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..credit.reward_computer import RewardMethod
from ..inference.huggingface import HuggingFaceBackend
from ..updates.clipping import is_divided

if TYPE_CHECKING:
    from ..rollouts.manager import RolloutManager
    from ..updates.backprop import BackpropModule


@dataclass(frozen=True, slots=True)
class AlgorithmConfig:
    """How an algorithm learns from a batch, and what its loop does beside. None takes what the other parts say.

    Attributes:
        batch_size: trajectories per iteration of :meth:`Algorithm.train`.
        group_size: responses per task there; None for 8 where rewards are compared within groups, else 1.
        ppo_epochs: passes over the trajectories of a step; None for the recipe's, or those of ``BackpropConfig``.
        minibatches: optimizer steps in each of them; None for the recipe's.
        learning_rate: of the optimizer, which must have the same; None for whatever it has.
        norm_std: divide advantages by the standard deviation of their group; None for the recipe's.
        reward_method: ``absolute``, ``relative`` or ``pareto``, for the reward computer; None for its own default.
            Relative rewards are normalised already, so advantages are not normalised again.
        tokens_per_microbatch: at most so many tokens, padding included, in one forward pass.
        use_amp: forward passes of sampling and training in bfloat16; None as the inference module does it.
        checkpoint_dir: where checkpoints go; None for none.
        save_every: iterations between them; None saves when asked to.
        keep: so many of the latest are kept.
        use_wandb: log to Weights & Biases (``WANDB_MODE=offline`` works).
        wandb_project: the project's name there.
    """

    batch_size: int = 32
    group_size: int | None = None
    ppo_epochs: int | None = None
    minibatches: int | None = None
    learning_rate: float | None = None
    norm_std: bool | None = None
    reward_method: RewardMethod | None = None
    tokens_per_microbatch: int = 16_384
    use_amp: bool | None = None
    checkpoint_dir: str | Path | None = None
    save_every: int | None = None
    keep: int = 3
    use_wandb: bool = False
    wandb_project: str = "infinite-rl"

    def __post_init__(self) -> None:
        """Refuses what can't be.

        Raises:
            ValueError: names the attribute.
        """
        for name in ("batch_size", "group_size", "ppo_epochs", "minibatches", "save_every", "keep"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if self.save_every is not None and self.checkpoint_dir is None:
            raise ValueError("save_every needs checkpoint_dir: where checkpoints go")


def check_parts(env: object, manager: RolloutManager, backprop: BackpropModule, config: AlgorithmConfig) -> None:
    """Refuses parts that contradict each other.

    Raises:
        ValueError: names both sides.
    """
    if env is not manager.env:
        raise ValueError("env is not the environment that rollout_manager drives")
    sampled = manager.inference.model
    # What is divided over processes cannot sample: a whole copy does.
    if sampled is not None and backprop.model is not sampled and not is_divided(backprop.model):
        raise ValueError("backprop trains another model than the one that rollout_manager samples from")
    if manager.config.token_filter:
        raise ValueError(
            "top_p, top_k and min_p are for evaluation: the ratios of filtered probabilities would be wrong. "
            "Train without them"
        )
    if backprop.config.temperature != manager.config.temperature:
        raise ValueError(
            f"responses are sampled at temperature {manager.config.temperature}, "
            f"but BackpropConfig says {backprop.config.temperature}: ratios would be wrong"
        )
    epochs = backprop.config.ppo_epochs
    if config.ppo_epochs is not None and epochs is not None and config.ppo_epochs != epochs:
        raise ValueError(
            f"AlgorithmConfig(ppo_epochs={config.ppo_epochs}) disagrees with BackpropConfig(ppo_epochs={epochs}): "
            "set one of them, or both alike"
        )
    rates = sorted({float(group["lr"]) for group in backprop.optimizer.param_groups})
    if config.learning_rate is not None and rates != [config.learning_rate]:
        raise ValueError(
            f"AlgorithmConfig(learning_rate={config.learning_rate:g}) disagrees with the optimizer's learning rate "
            f"{', '.join(f'{rate:g}' for rate in rates)}: leave it out, or make the optimizer with it"
        )


def check_companions(estimator: str, backprop: BackpropModule, config: AlgorithmConfig) -> None:
    """Refuses what an estimator of advantages lacks, and what it would leave unread.

    Raises:
        ValueError: says what.
    """
    if config.group_size == 1 and estimator in ("group", "rloo"):
        raise ValueError(
            "group_size must be at least 2: rewards are compared within groups, so nothing would be learnt"
        )
    if backprop.critic is not None and estimator != "gae":
        raise ValueError(f"the estimator {estimator!r} reads no critic: leave it out, or take PPOAlgorithm")
    if backprop.critic is None and estimator == "gae":
        raise ValueError("the estimator 'gae' needs a critic; PPOAlgorithm does without, on whitened returns")
    if backprop.ref_model is None and estimator == "distillation":
        raise ValueError("the estimator 'distillation' needs a teacher: give it as the reference model")


def share_arithmetic(manager: RolloutManager, backprop: BackpropModule, use_amp: bool | None) -> None:
    """Lets sampling and training use one arithmetic, so that their log-probs agree."""
    backend = manager.inference.backend
    if use_amp is not None and isinstance(backend, HuggingFaceBackend):
        backend.bfloat16 = use_amp
    if use_amp is not None or not backprop.has_own_autocast:
        backprop.autocast = backend.autocast
