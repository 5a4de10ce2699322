"""What a generation has done: every row and every failure goes through here, and is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from .gemini import Tokens
from .prices import Prices, list_prices
from .sample import Failure, Sample
from .settings import TaskType
from .store import Store


class Ledger:
    """Writes rows and failures, and counts them, calls and tokens.

    Args:
        store: where they are written.
        told: hears of each row and failure, in a line.
        note: hears what people should know while they wait.

    Attributes:
        accepted: rows written, by type.
        rejected: replies and calls that failed, by reason.
        rectified: rows that the model had to correct before.
        calls: sent to the servers.
        tokens: of all calls, by model.
    """

    def __init__(
        self,
        store: Store,
        told: Callable[[str], object] = lambda line: None,
        note: Callable[[str], object] = lambda line: None,
    ) -> None:
        self.store, self._told, self.note = store, told, note
        self.accepted: Counter[TaskType] = Counter()
        self.rejected: Counter[str] = Counter()
        self.rectified = self.calls = 0
        self.tokens: dict[str, Tokens] = {}

    def accept(self, sample: Sample) -> None:
        """Writes a row.

        Raises:
            OSError: it can't be written.
        """
        self.store.accept(sample)
        self.accepted[sample.type] += 1
        self.rectified += sample.rectified
        self._told(f"{sample.type}: accepted {sample.prompt[:80]!r}")

    def fail(self, failure: Failure) -> None:
        """Logs a failure.

        Raises:
            OSError: it can't be written.
        """
        self.store.fail(failure)
        self.rejected[failure.reason] += 1
        self._told(f"{failure.type}: {failure.reason}: {failure.error_msg[:300]}")

    def spend(self, model: str, tokens: Tokens) -> None:
        """Counts a call and what it used."""
        self.calls += 1
        self.tokens[model] = self.tokens.get(model, Tokens()) + tokens

    @property
    def used(self) -> Tokens:
        """The tokens of all models."""
        return sum(self.tokens.values(), Tokens())

    def cost(self, known: Mapping[str, Prices]) -> float | None:
        """What the tokens cost, in US dollars; None if the price of a model is not known.

        Args:
            known: prices by model; list prices are used for others.
        """
        total = 0.0
        for model, tokens in self.tokens.items():
            prices = known.get(model) or list_prices(model)
            if prices is None:
                return None
            total += (tokens.prompt * prices[0] + tokens.reply * prices[1]) / 1e6
        return total
