"""The critic: what the rest of an episode is expected to bring, at every token."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


class Critic(nn.Module):
    """A language model's backbone with a head of one number.

    Args:
        backbone: gives hidden states; becomes the critic's own.
        hidden_size: their width.
    """

    def __init__(self, backbone: nn.Module, hidden_size: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(hidden_size, 1)
        # It expects nothing until it has learnt something.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, token_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The expected return after each token.

        Args:
            token_ids: [B, T], int64, padded on either side.
            attention_mask: [B, T]: non-zero at tokens, 0 at padding.

        Returns:
            [B, T], float32 (float64 of a critic in float64): place t has seen the tokens up to t, t included. At
            padding it means nothing.
        """
        position = (attention_mask.cumsum(-1) - 1).clamp(min=0)
        hidden = self.backbone(
            input_ids=token_ids, attention_mask=attention_mask, position_ids=position, use_cache=False
        ).last_hidden_state
        return self.values(hidden)

    def values(self, hidden: Tensor) -> Tensor:
        """The expected returns, [B, T], that hidden states [B, T, H] say."""
        # Values are sums of rewards, not logits: half precision would round them.
        with torch.autocast(hidden.device.type, enabled=False):
            values: Tensor = self.head(hidden.to(self.head.weight.dtype)).squeeze(-1)
        return values.to(torch.promote_types(values.dtype, torch.float32))


def make_critic(model: PreTrainedModel) -> Critic:
    """A critic that begins with a copy of the policy's backbone as it is now, and shares nothing with it."""
    backbone = copy.deepcopy(model.base_model)
    critic = Critic(backbone, model.config.get_text_config().hidden_size)
    return critic.to(model.device).train()
