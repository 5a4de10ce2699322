"""Whether the engine that samples has the weights that are trained: both score the same few texts after each load."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from ...runtimes.endpoint import UnreachableError
from .backend import BackendError
from .huggingface import HuggingFaceBackend

logger = logging.getLogger(__name__)

PROBES = (
    "The sum of 17 and 25 is 42, because 17 + 25 = 42.",
    "A list of numbers is sorted when no number is larger than the next one.",
    "def double(x):\n    return 2 * x\n",
    "Water boils at 100 degrees; at night it was colder than that.",
)
PROBE_TOKENS = 32
# From this share of what is tolerated on a difference is told, as it may grow.
TOLD_SHARE = 0.2
# When the policy's log-probs have moved by this share of what is tolerated, not one of an engine's stays what it was.
MOVED_SHARE = 0.02

Scorer = Callable[[Sequence[int]], list[float]]


class ParityError(BackendError):
    """The engine's log-probs are not those of the policy that is trained."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the log-probs of an engine are from the trainer's.

    Attributes:
        mean: absolute difference of a token, on average.
        worst: the largest.
        changed: whether the engine's own are others than before the load.
    """

    mean: float
    worst: float
    changed: bool


class ParityCheck:
    """Compares log-probs after each load.

    Args:
        trained: the policy.
        tokenizer: of the probes.
        tolerance: a larger difference, on average of the tokens, is an error. In float32 it is near 1e-6, in bfloat16
            near 0.01; importance correction takes care of what is left.
    """

    def __init__(self, trained: HuggingFaceBackend, tokenizer: PreTrainedTokenizerBase, tolerance: float) -> None:
        self.trained, self.tolerance = trained, tolerance
        encoded = [tokenizer.encode(probe, add_special_tokens=False)[:PROBE_TOKENS] for probe in PROBES]
        self._probes = [ids for ids in encoded if len(ids) > 1]
        # Of each copy its log-probs, and the policy's when they were others for the last time.
        self._theirs: dict[str, tuple[list[float], list[float]]] = {}
        self._told = False

    def check(self, scorers: Mapping[str, Scorer], version: int) -> dict[str, Parity]:
        """Compares every copy of the model with the policy.

        Args:
            scorers: the log-prob of each token but the first, by the copy's name.
            version: of the weights, for messages.

        Raises:
            ParityError: says which copy differs, and how much.
        """
        ours = [score for ids in self._probes for score in self.trained.logprobs(ids[:1], ids[1:]).tolist()]
        if not all(map(math.isfinite, ours)):
            raise ParityError(f"weights of version {version}: the policy's own log-probs are no numbers: it is broken")
        found = {}
        for name, scorer in scorers.items():
            try:
                theirs = [score for ids in self._probes for score in scorer(ids)]
            except UnreachableError:  # it died meanwhile, and is out as soon as that is noticed
                continue
            mean, worst = _distance(ours, theirs)
            before, ours_then = self._theirs.get(name, (None, ours))
            found[name] = Parity(mean, worst, changed=theirs != before)
            if found[name].changed:
                self._theirs[name] = theirs, ours
            self._judge(name, found[name], version, moved=_distance(ours, ours_then)[0])
        return found

    def _judge(self, name: str, parity: Parity, version: int, *, moved: float) -> None:
        told = (
            f"{name}, weights of version {version}: log-probs differ from the trainer's by {parity.mean:.3g} a token "
            f"on average, {parity.worst:.3g} at most"
        )
        if not parity.changed and moved > self.tolerance * MOVED_SHARE:
            raise ParityError(
                f"{told}. They are still those of before, while the trainer's moved by {moved:.3g}: the new weights "
                "were not taken. Does it see their folder?"
            )
        # What is not finite compares as false.
        if not parity.mean <= self.tolerance:
            raise ParityError(
                f"{told}; {self.tolerance:g} on average is tolerated (rollout.parity). Is it the same model, in the "
                "same dtype?"
            )
        if parity.mean > self.tolerance * TOLD_SHARE and not self._told:
            self._told = True
            logger.warning("%s. actor.correction=truncate corrects for it.", told)


def _distance(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """The mean and the largest absolute difference; NaN where anything is not finite."""
    apart = [abs(one - other) for one, other in zip(ours, theirs, strict=True)]
    if not all(map(math.isfinite, apart)):
        return math.nan, math.nan
    return math.fsum(apart) / len(apart), max(apart)
