"""The configuration: what each key of the YAML files means.

Values live in ``config/*.yaml`` alone; names, types and meanings live here alone, and in ``models/config.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .models.config import LoraConfig as LoraConfig
from .models.config import ModelConfig as ModelConfig
from .models.config import TinyConfig as TinyConfig
from .models.config import WarmStartConfig as WarmStartConfig

DTYPES = ("auto", "float32", "bfloat16")
WEIGHTS = ("float32", "bfloat16")
OPTIMIZERS = ("adamw", "adafactor", "sgd")
SCHEDULERS = ("constant", "linear", "cosine")
# The names in the registries of agents/losses and agents/credit; a test holds the two together.
POLICY_LOSSES = ("clip", "gspo", "cispo", "reinforce")
AGGREGATIONS = ("token_mean", "sequence_mean", "sequence_sum")
KL_ESTIMATORS = ("k1", "k2", "k3")
CORRECTIONS = ("none", "truncate", "mask")
ROLLOUT_BACKENDS = ("huggingface", "vllm")
ESTIMATORS = ("group", "rloo", "reinforce", "reinforce_pp", "gae", "distillation")


class ConfigError(ValueError):
    """Bad input from the person who started the run: reported in one line, exit code 2."""


@dataclass
class DataConfig:
    """Which tasks.

    Attributes:
        env: id of the environment that asks and grades, or the path of a Python file with ``interact`` and
            ``reward_fn``.
        env_arguments: its arguments, as its class describes them; null leaves one out.
        prompts_per_rollout: tasks per step.
        responses_per_prompt: responses per task: the size of a group.
        train_path: file of tasks, ``split@folder`` or ``split@hub/name``; null for the environment's own tasks.
        validation_path: the same for the validation split; null carves it out of the train file.
        test_path: the same for the test split.
        train_size: so many different tasks, of a file at most; null for all there are.
        validation_size: the same for the validation split.
        test_size: the same for the test split.
        contamination: this share of training tasks may hold a validation or test prompt, exactly or edited; more end
            the run before it starts; null doesn't look.
    """

    env: str
    env_arguments: dict[str, Any] | None
    prompts_per_rollout: int
    responses_per_prompt: int
    train_path: str | None
    validation_path: str | None
    test_path: str | None
    train_size: int | None
    validation_size: int | None
    test_size: int | None
    contamination: float | None


@dataclass
class ActorConfig:
    """The update.

    Attributes:
        optimizer: ``adamw``, ``adafactor`` (less memory) or ``sgd``.
        betas: how long the optimizer's averages last: of gradients and of their squares.
        lr: learning rate.
        scheduler: how the rate falls: ``constant``, ``linear`` or ``cosine``.
        decay_steps: over so many steps, warm-up included; null for ``constant``. It does not depend on
            ``trainer.steps``, so that a run can be resumed for more.
        min_ratio: to so much of it, and stays there.
        warmup_steps: the rate rises linearly over so many steps first.
        warmup_ratio: the same as a share of ``decay_steps``; null takes ``warmup_steps``.
        freeze_steps: the policy stays as it is for so many steps first, while the critic learns.
        weight_decay: of matrices, decoupled; norms and biases don't decay.
        max_grad_norm: gradients are scaled down to this norm.
        max_skipped_steps: so many steps in a row whose loss or gradient is not finite end the run.
        policy_loss: ``clip``, ``gspo``, ``cispo`` or ``reinforce``.
        clip: the trust region of the ratio begins at 1 - ``clip``.
        clip_high: and ends at 1 + ``clip_high``; null takes ``clip``.
        dual_clip: for negative advantages the ratio counts at most so much; null for no bound.
        aggregation: how tokens weigh: ``token_mean``, ``sequence_mean`` or ``sequence_sum``.
        normaliser: tokens that ``sequence_sum`` divides by; null takes ``rollout.max_new_tokens``.
        kl_coef: weight of the KL term against the reference; 0 keeps no reference model.
        kl_estimator: ``k1``, ``k2`` or ``k3``.
        kl_in: where the term goes: ``loss`` or ``reward``.
        entropy_coef: weight of the entropy bonus.
        correction: of tokens on which sampler and trainer disagree: ``none``, ``truncate`` or ``mask``.
        correction_cap: the ratio of trainer and sampler from which on that is done.
        value_coef: weight of the critic's loss.
        value_clip: half-width of the region around the critic's old value; null for no clipping.
        ref_update: how the reference follows the policy: ``copy`` or ``ema``.
        ref_period: steps between such updates; null keeps the model of the start.
        ema_alpha: share of the old reference that ``ema`` keeps.
        epochs: passes over the trajectories of a step.
        minibatches: optimizer steps in each of them.
        tokens_per_microbatch: at most so many tokens, padding included, in one forward pass.
        offload_activations: on a GPU, keep what the backward pass needs in host memory until then.
        offload_optimizer: on a GPU, keep the optimizer's averages in host memory between its steps.
        offload_models: on a GPU, keep policy, reference and critic in host memory while responses are sampled by
            something else, and a copy of the policy that samples while they learn.
    """

    optimizer: str
    betas: list[float]
    lr: float
    scheduler: str
    decay_steps: int | None
    min_ratio: float
    warmup_steps: int
    warmup_ratio: float | None
    freeze_steps: int
    weight_decay: float
    max_grad_norm: float
    max_skipped_steps: int
    policy_loss: str
    clip: float
    clip_high: float | None
    dual_clip: float | None
    aggregation: str
    normaliser: int | None
    kl_coef: float
    kl_estimator: str
    kl_in: str
    entropy_coef: float
    correction: str
    correction_cap: float
    value_coef: float
    value_clip: float | None
    ref_update: str
    ref_period: int | None
    ema_alpha: float
    epochs: int
    minibatches: int
    tokens_per_microbatch: int
    offload_activations: bool
    offload_optimizer: bool
    offload_models: bool


@dataclass
class CriticConfig:
    """The critic of PPO; its optimizer, schedule and norm are the actor's.

    Attributes:
        lr: learning rate.
        weight_decay: of matrices, decoupled.
    """

    lr: float
    weight_decay: float


@dataclass
class SamplingConfig:
    """Sampling of responses.

    Attributes:
        max_new_tokens: at most so many tokens a response; what is longer counts as truncated.
        temperature: of sampling, and of the log-probs that training uses.
        max_length: at most so many tokens an episode, all messages included; null for what the model was made for.
        deadline: seconds that the environment may take over one turn of one episode; null for any time, and for grading
            many at once.
        patience: so many steps in a row in which no episode comes to a verdict end the run.
        num_parallel: at most so many episodes at once.
        backend: what samples: ``huggingface``, the policy that is trained itself, or ``vllm``.
        servers: ``vllm``: addresses of servers of the same model; null starts an engine in this process.
        options: ``vllm``: of the engine, or of the way to the servers; see docs/rollouts.md. Null for none.
        parity: ``vllm``: log-probs may differ from the trainer's by so much a token, on average, and more ends the run;
            null compares nothing.
        processes: environments of training tasks work in so many processes; null for this one.
        ray: these processes are Ray actors, on the machines of a Ray cluster.
        staleness: responses are sampled while the trainer learns, and no token is learnt from that a policy sampled
            more than so many steps before; 0 samples and learns in turns.
    """

    max_new_tokens: int
    temperature: float
    max_length: int | None
    deadline: float | None
    patience: int
    num_parallel: int
    backend: str
    servers: list[str] | None
    options: dict[str, Any] | None
    parity: float | None
    processes: int | None
    ray: bool
    staleness: int


@dataclass
class AdvConfig:
    """Advantages.

    Attributes:
        estimator: ``group``, ``rloo``, ``reinforce``, ``reinforce_pp``, ``gae`` or ``distillation``.
        norm_std: ``group``: divide by the standard deviation of the group.
        gamma: discount from token to token; by turns from turn to turn.
        lam: of ``gae``: 0 trusts the critic, 1 the rewards.
        by_turn: ``gae``: a whole turn is one action.
        whiten: scale advantages of estimators without groups to mean 0 and standard deviation 1.
        filter_groups: drop groups whose rewards are all equal, and draw others in their place.
        max_rounds: at most so many rounds of drawing a step.
        overlong_share: punish responses that reach this last share of the longest allowed; 0 for none.
        teacher: ``distillation``: local folder or hub name of the teacher; null elsewhere.
    """

    estimator: str
    norm_std: bool
    gamma: float
    lam: float
    by_turn: bool
    whiten: bool
    filter_groups: bool
    max_rounds: int
    overlong_share: float
    teacher: str | None


@dataclass
class ReplayConfig:
    """Stored groups that are learnt from once more, beside those of the step, by truncated importance ratios.

    Attributes:
        sampler: which of them: ``uniform``, ``per``, ``fresh_per`` or ``rubric``; see docs/buffers.md.
        groups: so many a step.
        capacity: at most so many are stored, of each domain alike.
        max_lag: those that an older policy sampled, by so many versions, are not learnt from.
    """

    sampler: str
    groups: int
    capacity: int
    max_lag: int


@dataclass
class AnchorsConfig:
    """Verified successes of domains that are practised no longer, whose likelihood is kept up.

    Attributes:
        groups: so many a step; successes of one task are a group.
        capacity: at most so many are stored, of each domain alike.
        coef: weight of their negative log-likelihood.
    """

    groups: int
    capacity: int
    coef: float


@dataclass
class BufferConfig:
    """What is practised, and what is replayed.

    Attributes:
        sampler: which tasks are practised how much, a preset of ``RubricPrioritizedSampler``: ``uniform``,
            ``round_robin``, ``seed_acc_ema``, ``article_bands_softmax``, ``article_bands_quota``, ``per``,
            ``fresh_per``, ``plr``, ``sfl``, ``sec`` or ``rubric``; see docs/buffers.md.
        arrivals: the step from which on a domain is practised, by its name or by what stands before the slash; those
            that are not named are there from the start. Null for one stage.
        retire: domains are practised no longer once others have come in.
        new_share: how much of a batch the domains get that came in last; null leaves it to the sampler.
        replay: stored groups that are learnt from once more; null for none. ``replay=policy_gradient`` turns it on.
        anchors: verified successes of retired domains; null for none. ``replay=anchors`` turns it on.
    """

    sampler: str
    arrivals: dict[str, int] | None
    retire: bool
    new_share: float | None
    replay: ReplayConfig | None
    anchors: AnchorsConfig | None


@dataclass
class UpgradeConfig:
    """New domains for a policy that must not lose the old ones: those that ``buffer.arrivals`` does not name.

    Their pass rates on the validation split are compared with those before. Where one drops, measures are taken, one
    after the other: it is practised twice as much, the KL term is doubled, the share of new domains is halved, the run
    halts and goes back to the best policy without a regression.

    Attributes:
        tolerance: a drop of so much is no regression, nor one within thrice its standard error.
    """

    tolerance: float


@dataclass
class EvaluationConfig:
    """Held-out evaluation.

    Attributes:
        samples_per_prompt: responses per task.
        every: steps between evaluations on the validation split. The test split is measured before and after only.
        temperature: 0 takes the likeliest token; null takes the rollout's.
        top_k: sample from so many of the likeliest tokens only; null for all.
        top_p: sample from the likeliest tokens that together have this probability; 1 for all.
        min_p: sample from tokens with at least this share of the likeliest one's probability; 0 for all.
    """

    samples_per_prompt: int
    every: int
    temperature: float | None
    top_k: int | None
    top_p: float
    min_p: float


@dataclass
class ParallelConfig:
    """How many ways each kind of parallelism divides the work; their product is the number of processes.

    Attributes:
        ddp: copies of the weights, each with rows of its own.
        fsdp: shards of each copy's weights, gradients and averages, each with rows of its own; null takes all processes
            that the others leave.
        sp: parts of each sequence, which pass keys and values round a ring; for long ones.
        tp: parts of each layer's matrices; they pass activations to each other several times a layer, so they belong
            into one machine.
        reference: the same for the reference, or the teacher, such as ``{sp: 2}``; null divides it as the policy.
        critic: the same for the critic; null divides it as the policy.
    """

    ddp: int
    fsdp: int | None
    sp: int
    tp: int
    reference: dict[str, int] | None
    critic: dict[str, int] | None


@dataclass
class TrainerConfig:
    """The run.

    Attributes:
        steps: updates in all; a resumed run goes on to this number.
        save_every: steps between checkpoints; the last step is always saved.
        keep: so many checkpoints are kept.
        save_dir: folder of the run; null makes a new one under ``runs/``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads of PyTorch; null leaves the choice to it. Other numbers of them round sums otherwise.
        deterministic: only algorithms that give the same bits each time, on a GPU too; slower there.
        progress: show the plan and how far the run is; else notes and the result alone.
        use_wandb: log to Weights & Biases too (``WANDB_MODE=offline`` works).
        project: the project's name there.
        use_tensorboard: write event files for TensorBoard too, under ``tensorboard/`` of the run.
        profile_steps: record what so many steps do, after the first, under ``profile/`` of the run; null for none.
    """

    steps: int
    save_every: int
    keep: int
    save_dir: str | None
    device: str
    threads: int | None
    deterministic: bool
    progress: bool
    use_wandb: bool
    project: str
    use_tensorboard: bool
    profile_steps: int | None


@dataclass
class TrainConfig:
    """All of a run; ``experiment`` names it, ``seed`` sets every random stream.

    ``critic`` is null but for PPO, ``upgrade`` but for an upgrade.
    """

    experiment: str
    seed: int
    data: DataConfig
    model: ModelConfig
    actor: ActorConfig
    critic: CriticConfig | None
    rollout: SamplingConfig
    adv: AdvConfig
    buffer: BufferConfig
    upgrade: UpgradeConfig | None
    evaluation: EvaluationConfig
    parallel: ParallelConfig
    trainer: TrainerConfig
