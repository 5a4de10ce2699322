"""Recipes: what makes an algorithm. Their values are in ``config/algorithm/*.yaml`` alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from omegaconf import OmegaConf

from ..config import ActorConfig, AdvConfig
from ..credit.estimators import CreditConfig
from ..losses import LossConfig
from ..updates.backprop import BackpropConfig

CONFIG_DIR = Path(__file__).resolve().parents[2] / "config"
# The name of an algorithm whose recipe has no file.
OWN_RECIPE = "own"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an algorithm learns from a batch of trajectories.

    Attributes:
        credit: how rewards become advantages.
        loss: what is minimised.
        normaliser: tokens that the aggregation ``sequence_sum`` divides by; None takes the longest response allowed.
        epochs: passes over the trajectories of a step.
        minibatches: optimizer steps in each of them.
        filter_groups: groups whose rewards are all equal are dropped, and others drawn in their place.
        max_rounds: at most so many rounds of drawing a step.
        overlong_share: responses are punished that reach this last share of the longest allowed; 0 for none.
        ref_period: steps after which the reference follows the policy, again and again; None keeps it.
    """

    credit: CreditConfig
    loss: LossConfig
    normaliser: int | None = None
    epochs: int = 1
    minibatches: int = 1
    filter_groups: bool = False
    max_rounds: int = 1
    overlong_share: float = 0.0
    ref_period: int | None = None

    @property
    def needs_old_logprob(self) -> bool:
        """Whether log-probs before the update are scored: one update from fresh samples does without."""
        return self.epochs * self.minibatches > 1 or self.loss.correction != "none"

    @property
    def needs_reference_first(self) -> bool:
        """Whether advantages or several passes read the reference's log-probs; else one pass scores them as it goes."""
        in_reward = self.loss.kl_in == "reward" and bool(self.loss.kl_coef)
        return in_reward or self.credit.estimator == "distillation" or self.epochs > 1

    def adapted(self, config: BackpropConfig, *, max_new_tokens: int) -> Recipe:
        """The recipe with the values that ``config`` sets, and what it leaves open filled in."""
        loss, credit = self.loss, self.credit
        loss = replace(
            loss,
            clip_low=_or(config.ppo_clip_range, loss.clip_low),
            # One number is the width on both sides.
            clip_high=loss.clip_high if config.ppo_clip_range is None else None,
            kl_coef=_or(config.kl_coef, loss.kl_coef),
            entropy_coef=_or(config.entropy_coef, loss.entropy_coef),
            value_coef=_or(config.value_loss_coef, loss.value_coef),
            normaliser=self.normaliser or max_new_tokens,
        )
        if config.clip_value_loss is not None:
            loss = replace(loss, value_clip=(loss.value_clip or loss.clip_low) if config.clip_value_loss else None)
        credit = replace(
            credit,
            gamma=_or(config.gamma, credit.gamma),
            lam=_or(config.gae_lambda, credit.lam),
            whiten=_or(config.normalize_advantages, credit.whiten),
        )
        return replace(self, credit=credit, loss=loss, epochs=config.ppo_epochs or self.epochs)


T = TypeVar("T")


def _or(value: T | None, default: T) -> T:
    return default if value is None else value


def make_recipe(actor: ActorConfig, adv: AdvConfig) -> Recipe:
    """The recipe of a configuration.

    Raises:
        ValueError: names the key whose value there is not.
    """
    return Recipe(
        credit=CreditConfig(
            estimator=adv.estimator,
            norm_std=adv.norm_std,
            gamma=adv.gamma,
            lam=adv.lam,
            by_turn=adv.by_turn,
            whiten=adv.whiten,
        ),
        loss=LossConfig(
            policy_loss=actor.policy_loss,
            clip_low=actor.clip,
            clip_high=actor.clip_high,
            dual_clip=actor.dual_clip,
            aggregation=cast(Any, actor.aggregation),
            kl_coef=actor.kl_coef,
            kl_estimator=cast(Any, actor.kl_estimator),
            kl_in=cast(Any, actor.kl_in),
            entropy_coef=actor.entropy_coef,
            correction=cast(Any, actor.correction),
            correction_cap=actor.correction_cap,
            value_coef=actor.value_coef,
            value_clip=actor.value_clip,
        ),
        normaliser=actor.normaliser,
        epochs=actor.epochs,
        minibatches=actor.minibatches,
        filter_groups=adv.filter_groups,
        max_rounds=adv.max_rounds,
        overlong_share=adv.overlong_share,
        ref_period=actor.ref_period,
    )


@cache
def find_recipe(name: str) -> Recipe:
    """The recipe of ``config/algorithm/NAME.yaml``, as ``python -m agents.train algorithm=NAME`` takes it.

    Raises:
        ValueError: lists those there are.
    """
    names = sorted(path.stem for path in (CONFIG_DIR / "algorithm").glob("*.yaml"))
    if name not in names:
        raise ValueError(f"there is no algorithm {name!r}; choose from {', '.join(names)}")
    files = [OmegaConf.load(path) for path in (CONFIG_DIR / "grpo.yaml", CONFIG_DIR / "algorithm" / f"{name}.yaml")]
    merged: Any = OmegaConf.merge(*files, {"adv": {"teacher": None}})  # the reference model given to the algorithm
    actor: Any = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ActorConfig), merged.actor))
    adv: Any = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(AdvConfig), merged.adv))
    return make_recipe(actor, adv)
