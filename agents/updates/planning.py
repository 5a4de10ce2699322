"""Which layout is best: which sequences share a row, by what that costs on a device."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .layout import Bundle, lay_out
from .packing import HALVES, PACKED, enable_packing, fused_kernel
from .trial import holds

# No shared row is wider: what each token sees is a matrix of the row's width.
WIDEST = 4096
# On a CPU larger micro-batches are slower: what they leave for the gradient falls out of the cache.
CPU_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class LayoutPlan:
    """How sequences are to lie; by default each in a row of its own.

    Attributes:
        even_width: sequences that begin alike may share a row; attention costs as much as all else in a row of so many
            tokens. None if none may.
        packed: all sequences of a micro-batch lie in one row.
        tokens: no micro-batch need have more.
    """

    even_width: float | None = None
    packed: bool = False
    tokens: int = sys.maxsize


OWN_ROWS = LayoutPlan()


def bundles_of(
    token_ids: Tensor,
    scored: Tensor,
    pieces: Sequence[tuple[int, int]],
    groups: Sequence[int],
    *,
    tokens: int,
    plan: LayoutPlan,
) -> list[tuple[Bundle, list[int]]]:
    """Which sequences share a row.

    A token costs as much as the width of its row over ``plan.even_width`` more for attention, half of that where the
    row is one sequence, because then kernels leave out what is not seen.

    Args:
        token_ids: [M], int64: a column of tokens.
        scored: [M], bool: which of them are to be scored.
        pieces: where each of S sequences begins and ends in the columns.
        groups: only members of one group share; [S].
        tokens: a row has at most so many, and a shared one at most ``WIDEST``; a longer sequence has one of its own.
        plan: how they are to lie.

    Returns:
        Each bundle, and the numbers of its sequences.
    """
    if plan.packed:
        parts = _fitting([end - start for start, end in pieces], tokens)
        return [(Bundle(0, [pieces[k] for k in part]), part) for part in parts]
    even = plan.even_width
    if even is None:
        return [(Bundle(0, [piece]), [k]) for k, piece in enumerate(pieces)]
    members: dict[int, list[int]] = {}
    for k, group in enumerate(groups):
        members.setdefault(group, []).append(k)
    places = scored.nonzero().squeeze(1).tolist()
    found = []
    for numbers in members.values():
        own = [pieces[k] for k in numbers]
        widths = [end - start for start, end in own]
        # Up to the first token that is scored in any of them.
        least = min(min([*places[(i := bisect_left(places, start)) : i + 1], end]) - start for start, end in own)
        shared = _beginning(token_ids, [start for start, _ in own], least) if len(own) > 1 else 0
        for part in _within(widths, shared, min(tokens, WIDEST)):
            bundle = Bundle(shared, [own[k] for k in part])
            apart = sum(widths[k] + widths[k] ** 2 / (2 * even) for k in part)
            if shared and len(part) > 1 and bundle.width + bundle.width**2 / even < apart:
                found.append((bundle, [numbers[k] for k in part]))
            else:
                found += [(Bundle(0, [own[k]]), [numbers[k]]) for k in part]
    return found


def _beginning(token_ids: Tensor, starts: Sequence[int], most: int) -> int:
    """How many tokens all have in common, ``most`` at most."""
    heads = token_ids[torch.tensor(starts)[:, None] + torch.arange(most)]
    return int((heads == heads[0]).all(0).int().cumprod(0).sum())


def _within(widths: Sequence[int], shared: int, tokens: int) -> list[list[int]]:
    """Sequences side by side, as many in a part as a row may hold."""
    parts: list[list[int]] = []
    room = 0
    for k, width in enumerate(widths):
        if not parts or width - shared > room:
            parts.append([])
            room = tokens - shared
        parts[-1].append(k)
        room -= width - shared
    return parts


def _fitting(widths: Sequence[int], tokens: int) -> list[list[int]]:
    """As few rows as come of putting each sequence, longest first, where it fits."""
    rows: list[list[int]] = []
    rooms: list[int] = []
    for k in sorted(range(len(widths)), key=lambda k: -widths[k]):
        place = next((row for row, room in enumerate(rooms) if widths[k] <= room), len(rows))
        if place == len(rows):
            rows.append([])
            rooms.append(tokens)
        rows[place].append(k)
        rooms[place] -= widths[k]
    return rows


def find_plan(model: nn.Module) -> LayoutPlan:
    """How sequences are to lie for a model: packed on a GPU in half precision, else sharing rows where that is cheaper.

    Call it in the context of forward passes, whose autocast says in what precision they are.
    """
    if (decided := getattr(model, "layout_plan", None)) is not None:  # before it was divided, see `parallel.apply`
        return decided  # type: ignore[no-any-return]
    device = getattr(model, "device", torch.device("cpu"))
    if device.type == "cuda" and _is_plain(model) and fused_kernel() is not None:
        cast = torch.is_autocast_enabled("cuda")
        half = (torch.get_autocast_dtype("cuda") if cast else model.dtype) in HALVES
        if half and holds(_packs, model):
            return LayoutPlan(packed=True)
    return LayoutPlan(even_width=find_even_width(model), tokens=CPU_TOKENS if device.type == "cpu" else sys.maxsize)


def find_even_width(model: nn.Module) -> float | None:
    """The width of a row at which attention costs as much as the rest of a model; None if it cannot share rows.

    Attention to a row of T costs about 4 T H operations a token and layer, all else about 24 H².
    """
    if not _is_plain(model) or not holds(_sees_as_told, model):
        return None
    return 6.0 * float(model.config.get_text_config().hidden_size)  # type: ignore[union-attr, operator]


def _is_plain(model: nn.Module) -> bool:
    """Whether a model's attention is SDPA's, of every token to all before it."""
    config = getattr(model, "config", None)
    if config is None or not hasattr(model, "base_model"):
        return False
    text = config.get_text_config()
    if not sees_all(text) or getattr(text, "attn_logit_softcapping", None):
        return False
    return getattr(text, "_attn_implementation", None) in ("sdpa", PACKED)


def sees_all(text: Any) -> bool:
    """Whether in all layers a token sees every one before it: no windows or chunks, no convolutions or states."""
    if getattr(text, "sliding_window", None) and getattr(text, "use_sliding_window", True):
        return False
    kinds = {kind for name in ("layer_types", "layers_block_type") for kind in getattr(text, name, None) or ()}
    return not getattr(text, "attention_chunk_size", None) and kinds <= {"full_attention", "attention"}


def _sees_as_told(model: Any) -> bool:
    return _agrees(model, LayoutPlan(even_width=1e9))


def _packs(model: Any) -> bool:
    enable_packing(model)
    return _agrees(model, LayoutPlan(packed=True))


def _agrees(model: Any, plan: LayoutPlan) -> bool:
    """Whether hidden states of a few tokens are as in rows of their own, and don't depend on another sequence.

    That they are alike is not enough: of weights just made, what one sequence tells the next may be smaller than what
    rounding does in half precision.
    """
    alone = _states(model, OWN_ROWS, [3, 1, 0])
    beside, changed = (_states(model, plan, own) for own in ([3, 1, 0], [0, 3, 3]))
    if not torch.allclose(alone, beside, rtol=1e-2, atol=1e-2 * float(alone.abs().max())):
        return False
    second = slice(3, None)
    rounding = 8 * torch.finfo(model.dtype).eps * float(beside.abs().max())
    return float((beside - changed)[second].abs().max()) <= rounding


def _states(model: Any, plan: LayoutPlan, own: list[int]) -> Tensor:
    """Hidden states before the scored tokens of two sequences that begin alike: those of ``own``, and two others."""
    ids = torch.tensor([1, 2, *own, 1, 2, 0, 3])
    pieces = [(0, 5), (5, 9)]
    scored = torch.tensor([False, False, True, True, True, False, False, True, True])
    found = bundles_of(ids, scored, pieces, [0, 0], tokens=99, plan=plan)
    layout = lay_out(ids, scored, [bundle for bundle, _ in found], model.device, packed=plan.packed)
    states: Tensor = model.base_model(**layout.inputs).last_hidden_state
    return states.flatten(0, 1)[layout.predictor].float()
