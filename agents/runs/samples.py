"""Samples of a run as its folder keeps them: transcripts, with what is known of each sampled token."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedTokenizerBase

from ..rollouts.trajectory import Trajectory

# Tokens of a sample whose numbers are kept; the text of all is in the messages.
MOST_TOKENS = 2000
# No character of UTF-8 takes more bytes, and a byte is the least that a token can be.
_LONGEST_CHARACTER = 4
_UNFINISHED = "\ufffd"


def sample_row(trajectory: Trajectory, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """What a line of a file of samples says of one trajectory."""
    keys = ("task_id", "domain", "messages", "answer", "status", "error_msg", "components")
    row = {key: trajectory.state[key] for key in keys}
    return {
        **row,
        "reward": float(trajectory.reward),
        "passed": trajectory.state.get("passed"),
        "tokens": _tokens(trajectory, tokenizer),
    }


def pieces(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> list[str]:
    """The text of each token: together that of all. The last token of a character that takes several has all of it."""
    texts = []
    # A tokenizer may write a token otherwise after another one, with a space before it, say: those before come along.
    begin, told = 0, 0
    for end in range(1, len(ids) + 1):
        before, now = (str(tokenizer.decode(ids[begin:place])) for place in (told, end))
        if now.endswith(_UNFINISHED) and end - told < _LONGEST_CHARACTER and end < len(ids):
            texts.append("")
            continue
        texts.append(now[len(before) :])
        begin, told = told, end
    return texts


def _tokens(trajectory: Trajectory, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Of sampled tokens the text, the log-prob when they were sampled, the turn, and the advantage if any has one."""
    mask = trajectory.action_mask
    ids, turns = trajectory.token_ids[mask], trajectory.turn[mask]
    advantages = trajectory.advantage[mask]
    texts: list[str] = []
    for turn in sorted({*turns.tolist()}):
        texts += pieces(tokenizer, ids[turns == turn].tolist()[: MOST_TOKENS - len(texts)])
    kept = len(texts)
    return {
        "texts": texts,
        "logprobs": [round(value, 4) for value in trajectory.behaviour_logprob[mask][:kept].tolist()],
        "turns": turns[:kept].tolist(),
        "advantages": [round(value, 4) for value in advantages[:kept].tolist()] if advantages.any() else None,
        "left": len(ids) > kept,
    }
