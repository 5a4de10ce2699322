"""What the values of a configuration must satisfy beyond their types, each alone and together.

Keys that contradict each other are refused, and so are those that nothing would read: a run must be what it says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from importlib.util import find_spec
from math import inf

from omegaconf import DictConfig, OmegaConf

from ..config import (
    AGGREGATIONS,
    CORRECTIONS,
    DTYPES,
    ESTIMATORS,
    KL_ESTIMATORS,
    OPTIMIZERS,
    POLICY_LOSSES,
    ROLLOUT_BACKENDS,
    SCHEDULERS,
    WEIGHTS,
    ConfigError,
    TinyConfig,
)
from ..parallel.shape import DIMENSIONS

# Of an upgrade: the policy is held near the one that could do the old domains.
LEAST_KL = 0.1
# A test holds them together with the presets.
REPLAY_SAMPLERS = ("uniform", "per", "fresh_per", "rubric")
INSTALL_TENSORBOARD = 'pip install -c constraints.txt -e ".[tensorboard]"'

# NaN satisfies nothing.
LIMITS: dict[str, tuple[Callable[[float], bool], tuple[str, ...]]] = {
    "at least 1": (
        lambda value: value >= 1,
        (
            "data.prompts_per_rollout",
            "rollout.max_new_tokens",
            "rollout.num_parallel",
            "rollout.max_length",
            "rollout.patience",
            "rollout.processes",
            "actor.epochs",
            "actor.minibatches",
            "actor.max_skipped_steps",
            "actor.normaliser",
            "actor.ref_period",
            "adv.max_rounds",
            "actor.decay_steps",
            "actor.tokens_per_microbatch",
            "data.responses_per_prompt",
            "evaluation.samples_per_prompt",
            "evaluation.every",
            "evaluation.top_k",
            "trainer.save_every",
            "trainer.keep",
            "trainer.threads",
            "trainer.profile_steps",
            *(f"parallel.{of}{name}" for of in ("", "reference.", "critic.") for name in DIMENSIONS),
            "buffer.replay.groups",
            "buffer.replay.capacity",
            "buffer.replay.max_lag",
            "buffer.anchors.groups",
            "buffer.anchors.capacity",
            "model.lora.r",
            "model.warm_start.batch_size",
            "model.warm_start.max_tokens",
            "model.warm_start.tokens_per_microbatch",
            "model.warm_start.check_every",
            *(f"model.tiny.{field.name}" for field in fields(TinyConfig)),
        ),
    ),
    "at least 0": (
        lambda value: 0 <= value < inf,
        (
            "actor.lr",
            "actor.weight_decay",
            "actor.clip",
            "actor.clip_high",
            "actor.kl_coef",
            "actor.entropy_coef",
            "actor.value_coef",
            "actor.warmup_steps",
            "actor.freeze_steps",
            "evaluation.temperature",
            "rollout.staleness",
            "critic.lr",
            "critic.weight_decay",
            "trainer.steps",
            "model.warm_start.lr",
            "model.warm_start.max_steps",
            "buffer.anchors.coef",
        ),
    ),
    "above 0 and below 1": (lambda value: 0 < value < 1, ("buffer.new_share",)),
    "above 0": (
        lambda value: 0 < value < inf,
        (
            "rollout.temperature",
            "rollout.deadline",
            "rollout.parity",
            "actor.max_grad_norm",
            "actor.value_clip",
            "model.lora.alpha",
        ),
    ),
    "above 1, or bad tokens would not be learnt from": (lambda value: 1 < value < inf, ("actor.dual_clip",)),
    "at least 1, a ratio": (lambda value: 1 <= value < inf, ("actor.correction_cap",)),
    "above 0 and at most 1": (lambda value: 0 < value <= 1, ("evaluation.top_p",)),
    "from 0 to 1": (
        lambda value: 0 <= value <= 1,
        (
            "adv.gamma",
            "adv.lam",
            "adv.overlong_share",
            "actor.ema_alpha",
            "actor.min_ratio",
            "actor.warmup_ratio",
            "evaluation.min_p",
            "model.warm_start.tool_share",
            "upgrade.tolerance",
        ),
    ),
}


CHOICES = {
    "model.dtype": DTYPES,
    "model.weights": WEIGHTS,
    "rollout.backend": ROLLOUT_BACKENDS,
    "actor.optimizer": OPTIMIZERS,
    "actor.scheduler": SCHEDULERS,
    "actor.policy_loss": POLICY_LOSSES,
    "actor.aggregation": AGGREGATIONS,
    "actor.kl_estimator": KL_ESTIMATORS,
    "actor.kl_in": ("loss", "reward"),
    "actor.correction": CORRECTIONS,
    "actor.ref_update": ("copy", "ema"),
    "adv.estimator": ESTIMATORS,
}


def check_values(config: DictConfig) -> None:
    """Checks all values of a complete configuration.

    Raises:
        ConfigError: names the key, and what to do.
    """
    for demand, (holds, keys) in LIMITS.items():
        for key in keys:
            value = OmegaConf.select(config, key)
            if value is not None and not holds(value):
                raise ConfigError(f"{key} must be {demand}, not {value}")
    if not 0 <= config.seed < 2**63:
        raise ConfigError(f"seed must be from 0 to 2**63 - 1, not {config.seed}")
    if (tiny := config.model.tiny) is not None:
        if config.model.name is not None:
            raise ConfigError(
                f"model.name={config.model.name} beside the recipe of the tiny model, made for another: add model=hf"
            )
        if tiny.hidden_size % (2 * tiny.heads):
            raise ConfigError(f"model.tiny.hidden_size must be a multiple of 2 x heads, {2 * tiny.heads}")
        if tiny.heads % tiny.kv_heads:
            raise ConfigError(f"model.tiny.kv_heads must divide heads, {tiny.heads}")
    for key, choices in CHOICES.items():
        if (value := OmegaConf.select(config, key)) not in choices:
            hint = ": take bfloat16, float16 would need its loss scaled" if value == "float16" else ""
            raise ConfigError(f"{key} must be one of {', '.join(choices)}, not {value!r}{hint}")
    _check_schedule(config.actor)
    if config.trainer.deterministic and config.rollout.deadline is not None:
        raise ConfigError("trainer.deterministic forbids rollout.deadline: a clock would decide what is learnt")
    if config.trainer.deterministic and config.rollout.staleness:
        raise ConfigError(
            f"trainer.deterministic forbids rollout.staleness={config.rollout.staleness}: what is learnt would depend "
            "on who finishes first; set rollout.staleness=0"
        )
    if config.rollout.staleness and config.actor.offload_models:
        raise ConfigError(
            "actor.offload_models: with rollout.staleness policies sample while they learn; set one of them"
        )
    if config.rollout.staleness and config.rollout.backend == "vllm" and config.rollout.servers is None:
        raise ConfigError("rollout.staleness: an engine in this process can't sample meanwhile; set rollout.servers")
    if config.rollout.staleness and (config.rollout.options or {}).get("sleep"):
        raise ConfigError("rollout.options.sleep: with rollout.staleness servers sample while the trainer learns")
    if "api_key" in (config.rollout.options or {}):
        raise ConfigError("rollout.options.api_key would be written into the run's folder: set VLLM_API_KEY instead")
    if config.rollout.ray and config.rollout.processes is None:
        raise ConfigError("rollout.ray=true would do nothing: set rollout.processes, how many actors")
    compared = config.adv.estimator in ("group", "rloo") or config.adv.filter_groups
    if compared and config.data.responses_per_prompt < 2:
        raise ConfigError(
            f"data.responses_per_prompt must be at least 2, not {config.data.responses_per_prompt}: "
            f"adv.estimator={config.adv.estimator} compares them with one another"
        )
    _check_companions(config)
    _check_unread(config)
    _check_upgrade(config)
    _check_stages(config)
    if config.model.lora is not None and config.actor.ref_period is not None:
        raise ConfigError("actor.ref_period: with model.lora the reference is the model without adapters, and stays")
    if (warm_start := config.model.warm_start) is not None and warm_start.path and not warm_start.max_steps:
        raise ConfigError("model.warm_start.path is not used while model.warm_start.max_steps=0: set how many steps")
    if config.trainer.use_tensorboard and find_spec("tensorboard") is None:
        raise ConfigError(f"trainer.use_tensorboard needs tensorboard: {INSTALL_TENSORBOARD}")


def _check_companions(config: DictConfig) -> None:
    """Critic and teacher are there where they are read, and only there."""
    estimator = config.adv.estimator
    if (estimator == "gae") != (config.critic is not None):
        what = "reads no critic: set critic=null" if config.critic is not None else "needs a critic: take algorithm=ppo"
        raise ConfigError(f"adv.estimator={estimator} {what}")
    if (estimator == "distillation") != (config.adv.teacher is not None):
        what = "reads no adv.teacher" if config.adv.teacher is not None else "needs adv.teacher, a folder or hub name"
        raise ConfigError(f"adv.estimator={estimator} {what}")


def _check_unread(config: DictConfig) -> None:
    """Refuses what was asked for and would not be done. Keys that presets of algorithms leave behind may stay."""
    actor, adv, rollout = config.actor, config.adv, config.rollout
    follows, distils = actor.ref_period is not None, adv.estimator == "distillation"
    by_rewards = "a distillation reads no rewards"
    for key, in_vain, why in (
        ("actor.ref_period", follows and (distils or not actor.kl_coef), "only the reference of a KL term can follow"),
        ("actor.ref_update", actor.ref_update == "ema" and not follows, "actor.ref_period is null"),
        ("actor.value_clip", actor.value_clip is not None and config.critic is None, "there is no critic"),
        ("actor.normaliser", actor.normaliser and actor.aggregation != "sequence_sum", "sequence_sum reads it"),
        ("actor.clip_high", actor.clip_high is not None and actor.policy_loss == "reinforce", "nothing is clipped"),
        ("actor.dual_clip", actor.dual_clip and actor.policy_loss in ("cispo", "reinforce"), "only clip and gspo do"),
        ("actor.kl_in", distils and actor.kl_coef and actor.kl_in == "reward", by_rewards),
        ("adv.filter_groups", distils and adv.filter_groups, by_rewards),
        ("adv.overlong_share", distils and adv.overlong_share, by_rewards),
        ("adv.by_turn", adv.by_turn and adv.estimator != "gae", "only gae goes by turns"),
        ("adv.gamma", adv.gamma != 1 and adv.estimator not in ("gae", "reinforce"), "only gae and reinforce discount"),
        ("rollout.servers", rollout.servers and rollout.backend != "vllm", "rollout.backend=vllm asks servers"),
        ("parallel.critic", config.parallel.critic is not None and config.critic is None, "there is no critic"),
        ("parallel.reference", config.parallel.reference is not None and not (actor.kl_coef or distils), "no KL term"),
        ("rollout.options", rollout.options and rollout.backend != "vllm", "rollout.backend=vllm has options"),
        ("adv.whiten", not adv.whiten and adv.estimator in ("group", "rloo", "distillation"), "nothing is whitened"),
    ):
        if in_vain:
            estimator = f"adv.estimator={adv.estimator}, actor.policy_loss={actor.policy_loss}"
            raise ConfigError(f"{key}={OmegaConf.select(config, key)} would do nothing with {estimator}: {why}")
    if actor.ref_update == "ema" and config.model.weights == "bfloat16":
        raise ConfigError("actor.ref_update=ema needs model.weights=float32: bfloat16 rounds steps of an average away")


def _check_stages(config: DictConfig) -> None:
    """What happens when domains come in needs domains that come in; and what is replayed must be of use."""
    buffer, steps = config.buffer, config.trainer.steps
    for key in ("retire", "new_share"):
        if buffer[key] and not buffer.arrivals:
            raise ConfigError(f"buffer.{key}={buffer[key]} would do nothing: no domain comes in (buffer.arrivals)")
    if buffer.anchors is not None and not buffer.retire:
        raise ConfigError("buffer.anchors keep up domains that are practised no longer: set buffer.retire=true")
    if buffer.retire and buffer.new_share is not None:
        raise ConfigError("buffer.new_share would do nothing with buffer.retire=true: new domains get everything")
    late = [f"{name}={step}" for name, step in (buffer.arrivals or {}).items() if steps and step >= steps]
    if late:
        raise ConfigError(f"buffer.arrivals.{late[0]} is not before the last step, trainer.steps={steps}")
    if buffer.replay is not None and config.critic is not None:
        raise ConfigError("buffer.replay: a critic would learn nothing from stored groups; take algorithm=grpo, say")
    if buffer.replay is not None and buffer.replay.sampler not in REPLAY_SAMPLERS:
        known = ", ".join(REPLAY_SAMPLERS)
        raise ConfigError(f"buffer.replay.sampler must be one of {known}, not {buffer.replay.sampler!r}")


def _check_upgrade(config: DictConfig) -> None:
    """An upgrade has new domains beside old ones, and holds on to the policy that could do those."""
    if config.upgrade is None:
        return
    if not config.buffer.arrivals:
        raise ConfigError("an upgrade needs buffer.arrivals: its new domains, such as buffer.arrivals={coding: 0}")
    if config.actor.kl_coef < LEAST_KL:
        raise ConfigError(f"actor.kl_coef must be at least {LEAST_KL} in an upgrade, not {config.actor.kl_coef}")
    if config.buffer.retire:
        raise ConfigError("upgrade watches over domains that are practised on: set buffer.retire=false")
    if config.buffer.new_share is None:
        raise ConfigError("an upgrade needs buffer.new_share, how much of a batch the new domains get, such as 0.7")
    if config.actor.ref_period is not None:
        raise ConfigError("an upgrade keeps to the policy before it: set actor.ref_period=null")


def _check_schedule(actor: DictConfig) -> None:
    if len(actor.betas) != 2 or not all(0 <= beta < 1 for beta in actor.betas):
        raise ConfigError(f"actor.betas must be two numbers from 0 to below 1, not {list(actor.betas)}")
    constant = actor.scheduler == "constant"
    if constant == (actor.decay_steps is not None):
        unset = f"needs no actor.decay_steps, but there are {actor.decay_steps}: set actor.decay_steps=null too"
        what = unset if constant else "needs actor.decay_steps"
        raise ConfigError(f"actor.scheduler={actor.scheduler} {what}")
    if actor.warmup_ratio is not None and (constant or actor.warmup_steps):
        raise ConfigError("actor.warmup_ratio is a share of actor.decay_steps, in place of actor.warmup_steps")
    if not constant and actor.warmup_steps >= actor.decay_steps:
        raise ConfigError(f"actor.warmup_steps={actor.warmup_steps} must be below decay_steps={actor.decay_steps}")
