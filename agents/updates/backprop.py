"""Gradients and updates of the policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypedDict

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..losses import LossConfig, LossInputs, Objective, objective, sequence_weights
from ..losses.terms import value_loss
from ..models.policy import disable_dropout
from ..rollouts.columns import Columns
from ..rollouts.trajectory import Trajectory
from .batching import TokenBatch, microbatches
from .clipping import clip_gradients, is_divided
from .guard import FiniteGuard, explain_gradient, explain_loss
from .offload import offloaded_activations
from .optimizer import check_optimizer
from .primitives import BackpropConfig as BackpropConfig
from .primitives import RefUpdate as RefUpdate
from .primitives import TensorPrimitives, spread_over_tokens
from .reference import follow
from .scoring import TokenScores, layout_scores


class UpdateResult(TypedDict):
    """What an update did: the norm of the gradient before clipping, and the loss."""

    grad_norm: float
    loss: float


class BackpropModule(TensorPrimitives):
    """Scores tokens under policy, reference and critic, turns losses into gradients, and gradients into new weights.

    Args:
        model: the policy. Its dropout is switched off: training would see another policy than the one that sampled.
        ref_model: the reference of the KL term; its weights get no gradient. None for no KL term.
        optimizer: over the policy's parameters.
        config: how updates are made.
        autocast: makes the context of forward passes; an algorithm takes that of sampling, so that log-probs agree.
        critic: gives a value after each token: called as ``critic(token_ids, attention_mask)``, it returns [B, T].
        critic_optimizer: over the critic's parameters.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        ref_model: PreTrainedModel | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        config: BackpropConfig | None = None,
        *,
        autocast: Callable[[], AbstractContextManager[Any]] | None = None,
        critic: nn.Module | None = None,
        critic_optimizer: torch.optim.Optimizer | None = None,
    ) -> None:
        if optimizer is None:
            raise ValueError("BackpropModule needs an optimizer over the model's parameters")
        if (critic is None) != (critic_optimizer is None):
            raise ValueError("a critic and an optimizer over its parameters come together")
        if ref_model is model:
            raise ValueError("ref_model is the policy itself, which it would freeze: give a copy, copy.deepcopy(model)")
        check_optimizer("model", model, optimizer)
        if critic is not None and critic_optimizer is not None:
            check_optimizer("critic", critic, critic_optimizer)
        disable_dropout(model)
        self.model = model
        self.ref_model = ref_model.eval().requires_grad_(False) if ref_model is not None else None
        self.critic = critic
        self.optimizer = optimizer
        self.critic_optimizer = critic_optimizer
        self.config = config or BackpropConfig()
        self.has_own_autocast = autocast is not None
        self.autocast = autocast or nullcontext
        self.guard = FiniteGuard(self.config.max_skipped_steps)

    def score(self, batch: TokenBatch, *, entropy_gradient: bool = False) -> TokenScores:
        """Log-probs and entropies of the batch's sampled tokens under the policy, [N], with gradient."""
        return self._score(self.model, batch, entropy_gradient)

    @torch.no_grad()
    def columns(self, batch: TokenBatch, names: Sequence[str]) -> dict[str, Tensor]:
        """What the update will read of the batch's sampled tokens and the models as they are now.

        Args:
            batch: the tokens.
            names: of ``old_logprob``, ``reference_logprob`` and ``value``, each [N], and ``bootstrap``, [S]: the
                critic's value after the last token of each sequence.
        """
        found = {}
        if "old_logprob" in names:
            found["old_logprob"] = self._score(self.model, batch).logprob
        if "reference_logprob" in names:
            assert self.ref_model is not None, "there is no reference model"
            found["reference_logprob"] = self._score(self.ref_model, batch).logprob
        if "value" in names:
            values = self._values(batch)
            found["value"], found["bootstrap"] = values[batch.predictor], values[batch.end]
        return found

    def loss_inputs(
        self, batch: TokenBatch, weights: Tensor, *, entropy_gradient: bool = False, values: bool = False
    ) -> LossInputs:
        """What a loss reads: the policy's scores, with gradient, beside what was known before the update.

        Where there is a reference, and it has not scored the tokens yet, it does so now.

        Args:
            batch: the tokens.
            weights: [S]: how much each token of a sequence weighs.
            entropy_gradient: whether the entropy has a gradient.
            values: whether the critic's values are wanted, too.
        """
        columns = batch.columns
        scores = self.score(batch, entropy_gradient=entropy_gradient)
        behaviour = columns["behaviour_logprob"]
        sequence = batch.sequence
        if self.ref_model is not None and "reference_logprob" not in columns:
            columns = columns | self.columns(batch, ["reference_logprob"])
        return LossInputs(
            logprob=scores.logprob,
            old_logprob=columns.get("old_logprob", behaviour),
            behaviour_logprob=behaviour,
            advantage=columns["advantage"],
            sequence=sequence,
            weight=weights.to(sequence.device)[sequence],
            entropy=scores.entropy,
            reference_logprob=columns.get("reference_logprob"),
            value=self.values(batch) if values and self.critic is not None else None,
            old_value=columns.get("value"),
            returns=columns.get("returns"),
        )

    def values(self, batch: TokenBatch) -> Tensor:
        """What the critic expects before each of the batch's sampled tokens, [N], with gradient."""
        return self._values(batch)[batch.predictor]

    def set_columns(
        self,
        source: Columns,
        batches: Sequence[TokenBatch],
        names: Sequence[str],
        gather: Callable[[Tensor], Tensor] = lambda values: values,
    ) -> Tensor:
        """Scores trajectories in these ``batches`` and sets per-token columns; see :meth:`columns`.

        Args:
            source: the trajectories.
            batches: of them; other processes may have others.
            names: of the columns.
            gather: makes columns whole of which this process has filled in its part, and left 0 elsewhere.

        Returns:
            The critic's value after the last token of each trajectory, [S]; zeros where ``value`` is not asked for.
        """
        sampled = int(source.mask.sum())
        columns: dict[str, Tensor] = {}
        bootstrap = torch.zeros(len(source))
        for batch in batches:
            found = {name: values.cpu() for name, values in self.columns(batch, names).items()}
            if "value" in names:
                bootstrap[batch.rows[batch.last]] = found.pop("bootstrap").float()[batch.last]
            for name, values in found.items():
                columns.setdefault(name, values.new_zeros(sampled))[batch.places] = values
        for name, values in columns.items():
            source.set_sampled(name, gather(values))
        return gather(bootstrap) if "value" in names else bootstrap

    def learn(
        self, batch: TokenBatch, weights: Tensor, config: LossConfig, tasks: Sequence[str] = ()
    ) -> tuple[Objective, LossInputs]:
        """Adds the gradient of one micro-batch's objective to what is there.

        Args:
            batch: the tokens.
            weights: [S]: how much each token of a sequence weighs.
            config: what the objective is.
            tasks: the ids of the tasks, by ``batch.rows``, to name the one that breaks the loss.
        """
        inputs = self.loss_inputs(batch, weights, entropy_gradient=bool(config.entropy_coef))
        found = objective(inputs, config)
        self.accumulate(found.loss, lambda: explain_loss(inputs, batch.rows.tolist(), tasks))
        return found, inputs

    def learn_values(self, batch: TokenBatch, weights: Tensor, config: LossConfig) -> Tensor:
        """Adds the gradient of the critic's loss of one micro-batch, whose rows are padded, to what is there.

        Apart from `learn`, because policy and critic may be divided over processes in different ways.

        Returns:
            The loss without its coefficient: [].
        """
        columns, sequence = batch.columns, batch.sequence
        value = self.values(batch)
        weight = weights.to(sequence.device)[sequence].to(value.dtype)
        loss = (weight * value_loss(value, columns["value"], columns["returns"], config.value_clip)).sum()
        self.accumulate(config.value_coef * loss, lambda: "the critic's loss is not finite")
        return loss.detach()

    def accumulate(self, loss: Tensor, explain: Callable[[], str] = lambda: "the loss is not finite") -> None:
        """Adds the gradient of ``loss`` to what is there; one that is not finite makes the step be skipped."""
        if not torch.isfinite(loss.detach()).all():
            self.guard.blame(explain())
        # Also then: other ranks wait for this one's part of the gradient.
        loss.backward()  # type: ignore[no-untyped-call]

    def step(self) -> float:
        """Clips the accumulated gradient, updates the weights, clears the gradient.

        Ranks that share a model all call it, and do and return the same.

        Returns:
            The gradient's norm before clipping. Where it or the loss was not finite the weights stay as they are, and
            so does the optimizer.

        Raises:
            NonFiniteError: after ``max_skipped_steps`` such steps in a row.
        """
        models = [(self.model, self.optimizer)]
        if self.critic is not None and self.critic_optimizer is not None:
            models.append((self.critic, self.critic_optimizer))
        self._agree()  # on the losses first: theirs is the better reason
        norms = [clip_gradients(model.parameters(), self.config.max_grad_norm) for model, _ in models]
        broken = [model for (model, _), norm in zip(models, norms, strict=True) if not torch.isfinite(norm)]
        if broken and self.guard.reason is None:
            self.guard.blame(explain_gradient(broken[0]))
            self._agree()
        blamed = self.guard.reason is not None
        for _, optimizer in models:
            if not blamed:
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if blamed:
            self.guard.skip()
            return float("nan")
        self.guard.passed()
        return float(norms[0])

    def update(self, loss: Tensor | Mapping[str, Tensor] | Objective) -> UpdateResult:
        """One whole update from one loss: a tensor, an :class:`Objective`, or a mapping with ``total_loss``."""
        if isinstance(loss, Objective):
            loss = loss.loss
        elif isinstance(loss, Mapping):
            loss = loss["total_loss"]
        self.accumulate(loss)
        return {"grad_norm": self.step(), "loss": float(loss.detach())}

    def compute_ppo_loss(
        self,
        trajectories: Trajectory,
        advantages: Tensor | Sequence[float] | None = None,
        returns: Tensor | Sequence[float] | None = None,
    ) -> dict[str, Tensor]:
        """PPO's loss of a batch in one forward pass, averaged over the sampled tokens of those that could be graded.

        Args:
            trajectories: a batch.
            advantages: of trajectories, [S], or of their sampled tokens, [S, longest]; by default those that the
                trajectories hold.
            returns: what the critic should have expected, likewise; needed where there is one.

        Returns:
            What :meth:`update` takes: ``total_loss``, with gradient, and detached ``policy_loss``, ``value_loss``,
            ``entropy_loss`` (the mean entropy, negated), ``kl_loss``, ``ratio_mean`` and ``ratio_std``.
        """
        source, config = Columns(trajectories), self.loss_config()
        lengths, graded = source.response_lengths, source.valid
        for column, name, given in (("advantage", "advantages", advantages), ("returns", "returns", returns)):
            if given is not None:
                source.set_sampled(column, spread_over_tokens(torch.as_tensor(given).float(), lengths, name))
        (batch,) = microbatches(source, 2**62, self.model.device)
        if self.critic is not None and "returns" not in batch.columns:
            raise ValueError("the critic has nothing to learn from: give returns=…, advantages plus values, say")
        if self.critic is not None:
            batch.columns.update(self.columns(batch, ["value"]))
        weights = torch.zeros(len(lengths), dtype=torch.float64)
        weights[graded] = sequence_weights(lengths[graded], config.aggregation)
        inputs = self.loss_inputs(
            batch, weights[batch.rows], entropy_gradient=bool(config.entropy_coef), values=self.critic is not None
        )
        found = objective(inputs, config)
        return {
            "total_loss": found.loss,
            "policy_loss": found.policy_loss,
            "value_loss": found.value_loss,
            "entropy_loss": -found.entropy_bonus,
            "kl_loss": found.kl_loss,
            "ratio_mean": found.ratio.mean(),
            "ratio_std": found.ratio.std(correction=0),
        }

    def state_dict(self) -> dict[str, Any]:
        """All that the next update depends on, but for the policy's weights."""
        parts = {"reference": self.ref_model, "critic": self.critic, "critic_optimizer": self.critic_optimizer}
        held = {name: None if part is None else part.state_dict() for name, part in parts.items()}
        return {"optimizer": self.optimizer.state_dict(), "skipped_in_a_row": self.guard.in_a_row, **held}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave; a model that there was and is not any more is left out."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.guard.in_a_row = state["skipped_in_a_row"]
        parts = {"reference": self.ref_model, "critic": self.critic, "critic_optimizer": self.critic_optimizer}
        for name, part in parts.items():
            if part is not None and state[name] is not None:
                part.load_state_dict(state[name])

    def update_ref_model(self, method: RefUpdate | None = None) -> None:
        """Moves the reference to the policy: ``copy`` takes its weights; ``ema`` ref <- alpha ref + (1 - alpha) policy.

        Raises:
            ValueError: if there is no reference, for an unknown method, or for an average in half precision.
        """
        if self.ref_model is None:
            raise ValueError("there is no reference model to update")
        follow(self.ref_model, self.model, method or self.config.ref_update_method, self.config.ema_alpha)

    def _agree(self) -> None:
        """Has all ranks skip the step that one of them must skip, where they share the policy."""
        if is_divided(self.model):
            self.guard.agree(self.model.device)

    def _score(self, model: PreTrainedModel, batch: TokenBatch, entropy_gradient: bool = False) -> TokenScores:
        with self.autocast(), offloaded_activations(self.config.offload_activations):
            return layout_scores(model, batch, temperature=self.config.temperature, entropy_gradient=entropy_gradient)

    def _values(self, batch: TokenBatch) -> Tensor:
        assert self.critic is not None, "there is no critic"
        with self.autocast(), offloaded_activations(self.config.offload_activations):
            values: Tensor = self.critic(batch.token_ids, batch.attention)
        if values.shape != batch.token_ids.shape:
            raise ValueError(f"the critic gave {list(values.shape)} for tokens of shape {list(batch.token_ids.shape)}")
        return values.to(torch.promote_types(values.dtype, torch.float32)).flatten()
