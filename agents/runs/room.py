"""Whether prompts, responses and what the model was made for go together."""

from __future__ import annotations

from math import inf

from transformers import PreTrainedModel

from ..config import ConfigError, TrainConfig
from ..rollouts.manager import RolloutManager

# So many training tasks at most are measured at the start.
TASKS_LOOKED_AT = 100


def check_room(config: TrainConfig, model: PreTrainedModel, rollouts: RolloutManager) -> None:
    """Refuses lengths that do not go together, and looks for a task to which a response has room: often the first."""
    given = config.rollout.max_length
    longest: int | None = given or getattr(model.config, "max_position_embeddings", None)
    if given and (most := _positions(model)) and given > most:
        raise ConfigError(f"rollout.max_length={given} is more than the {most} tokens that the model was made for")
    if not longest:
        return
    shortest = inf
    for length in rollouts.opening_lengths(most=TASKS_LOOKED_AT):
        shortest = min(shortest, length)
        if length < longest:
            break
    what = f"rollout.max_length={given}" if given else f"the model, made for {longest} tokens,"
    if longest <= shortest < inf:
        raise ConfigError(
            f"{what} leaves no room for a response: the shortest of the first {TASKS_LOOKED_AT} training tasks opens "
            f"with {shortest} tokens"
        )
    if config.rollout.max_new_tokens >= longest:
        raise ConfigError(
            f"rollout.max_new_tokens={config.rollout.max_new_tokens}: {what} has no room for that and a prompt"
        )


def _positions(model: PreTrainedModel) -> int | None:
    """So many tokens the model can tell apart by their places, stretched ones (YaRN) included; None for no limit."""
    text = model.config.get_text_config()
    known: int = getattr(text, "max_position_embeddings", None) or 0
    rope = getattr(text, "rope_parameters", None) or {}
    stretched = (rope.get("original_max_position_embeddings") or known) * (rope.get("factor") or 1)
    return max(known, int(stretched)) or None
