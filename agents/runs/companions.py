"""The models beside the policy: the reference of the KL term, and the critic."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ..config import ConfigError, TrainConfig
from ..models.critic import Critic, make_critic
from ..models.lora import WithoutAdapters, has_adapters
from ..models.policy import load_policy
from ..models.speed import compile_backbone, use_liger
from ..updates.optimizer import make_optimizer
from ..updates.shards import Part, load_shards, load_whole
from .checkpoint import REFERENCE, Checkpoints


class Companions:
    """Reference and critic of a run, where its configuration asks for them: copies of the policy before the first step.

    Args:
        config: of the run.
        model: the policy.
        tokenizer: its tokenizer.
        checkpoints: of the run; the reference is kept beside them, as it does not change.
        whole: gives the policy with whole weights, if it is divided over processes.
        settle: puts the ``reference`` or the ``critic``, in place, where it works: by default beside the policy.

    Attributes:
        reference: None without a KL term. With adapters, the policy without them. The teacher of a distillation.
        critic: None where the configuration has none.
        critic_optimizer: of its weights.
    """

    def __init__(
        self,
        config: TrainConfig,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        checkpoints: Checkpoints,
        *,
        whole: Callable[[], PreTrainedModel] | None = None,
        settle: Callable[[str, nn.Module], object] | None = None,
    ) -> None:
        self.config, self.model, self.tokenizer, self.checkpoints = config, model, tokenizer, checkpoints
        self.whole, self.settle = whole or (lambda: model), settle or (lambda name, new: new.to(model.device))
        self.reference: PreTrainedModel | None = None
        self.critic: Critic | None = None
        self.critic_optimizer: torch.optim.Optimizer | None = None
        self._saved: dict[str, Any] = {}
        self._shards: Path | None = None

    def begin(self, step: int) -> None:
        """Makes what is missing before training goes on after ``step``."""
        if self.reference is None:
            self.reference = self._find_teacher() or self._find_reference(step)
            if isinstance(self.reference, PreTrainedModel):
                self.settle("reference", self.reference)
            if self.config.model.compile and isinstance(self.reference, PreTrainedModel):
                compile_backbone(self.reference)
        if self.config.critic is not None and self.critic is None:
            self.critic = make_critic(self.whole())
            self.settle("critic", self.critic)
            how = self.config.critic
            self.critic_optimizer = make_optimizer(
                self.critic, self.config.actor, lr=how.lr, weight_decay=how.weight_decay
            )
        parts = self.parts()
        if self._shards is not None:
            load_shards(self._shards, parts)
        for name, part in parts.items() if self._shards is None and self._saved else ():
            load_whole(part, self._saved[name], self._saved.get(f"{name}_optimizer"))
        self._saved, self._shards = {}, None

    def parts(self) -> dict[str, Part]:
        """Everything that the next step depends on: the critic, and the reference where it follows the policy."""
        found = {}
        if self.critic is not None:
            found["critic"] = Part(self.critic, self.critic_optimizer)
        if self.reference is not None and self.config.actor.ref_period:
            found["reference"] = Part(self.reference)
        return found

    def state_dict(self) -> dict[str, Any]:
        """The state of all parts, which are whole."""
        if self._saved:  # restored, and not yet begun
            return self._saved
        found = {}
        for name, part in self.parts().items():
            found[name] = part.module.state_dict()
            if part.optimizer is not None:
                found[f"{name}_optimizer"] = part.optimizer.state_dict()
        return found

    def load_state_dict(self, state: dict[str, Any], shards: Path | None) -> None:
        """Takes what :meth:`state_dict` gave, or the folder in which :meth:`parts` were saved, for :meth:`begin`."""
        self._saved, self._shards = state, shards

    def _find_teacher(self) -> PreTrainedModel | None:
        """Of a distillation: it takes the reference's place."""
        if self.config.adv.teacher is None:
            return None
        teacher, _ = load_policy(self.config.adv.teacher, dtype=self.model.dtype)
        if teacher.config.vocab_size != self.model.config.vocab_size:
            raise ConfigError(
                f"adv.teacher={self.config.adv.teacher}: it has {teacher.config.vocab_size} tokens, the policy "
                f"{self.model.config.vocab_size}; teacher and policy must share a tokenizer"
            )
        return self._like_the_policy(teacher)

    def _find_reference(self, step: int) -> PreTrainedModel | None:
        if not self.config.actor.kl_coef:
            return None
        if has_adapters(self.model):
            return cast(PreTrainedModel, WithoutAdapters(self.model))
        if step == 0:
            self.checkpoints.save_policy(REFERENCE, self.model, self.tokenizer)
            return copy.deepcopy(self.whole()).requires_grad_(False)
        return self._like_the_policy(load_policy(str(self.checkpoints.folder / REFERENCE), dtype=self.model.dtype)[0])

    def _like_the_policy(self, loaded: PreTrainedModel) -> PreTrainedModel:
        """With the same arithmetic: a copy of the policy has it already."""
        if self.config.model.liger:
            use_liger(loaded, self.model.device)
        return loaded
