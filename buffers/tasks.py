"""The task buffer: the tasks of a run, and the curriculum that draws from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tensordict import TensorDict
from torch import Tensor
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer

from .ranks import from_rank_0, mean_over_ranks
from .sampler import RubricPrioritizedSampler
from .stages import Stages
from .sum_tree import Flags, Floats


@dataclass(frozen=True, slots=True)
class TaskDraw:
    """A task to practise.

    Attributes:
        task_index: its index in the task source.
        attempt: how often it was drawn before, so that each draw can have random streams of its own.
        weight: what the loss of its responses is to be multiplied by.
    """

    task_index: int
    attempt: int = 0
    weight: float = 1.0


class TaskBuffer:
    """Tasks by index and domain in a TensorDict buffer, drawn by :class:`RubricPrioritizedSampler`.

    In a distributed run the first rank draws for all, and every rank learns from the results of all.

    Args:
        domains: the domain of each task, in the order of the task source.
        preset: of the sampler.
        seed: of the sampler.
        group_size: responses to each task that is drawn.
        arrivals: when domains come in, see :class:`Stages`; by default all are there from the start.
        retire: whether domains are no longer practised once others have come in.
        new_share: how much of the draws the domains get that came in last; None leaves it to the law.

    Attributes:
        domains: their names, sorted.
        stages: which of them are practised when.
        new_share: as above; like ``factors`` it may be changed, and counts from the next :meth:`advance` on.
        factors: what the law's share of each domain is multiplied by: [K].
    """

    def __init__(
        self,
        domains: Sequence[str],
        *,
        preset: str = "seed_acc_ema",
        seed: int = 0,
        group_size: int = 8,
        arrivals: Mapping[str, int] | None = None,
        retire: bool = False,
        new_share: float | None = None,
    ) -> None:
        if not domains:
            raise ValueError("a task buffer needs tasks")
        self.domains = sorted(set(domains))
        self.stages = Stages(self.domains, arrivals, retire=retire)
        self.new_share, self.factors = new_share, np.ones(len(self.domains))
        self.sampler = RubricPrioritizedSampler(len(self.domains), preset, seed=seed, group_size=group_size)
        self.buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(len(domains)), sampler=self.sampler)
        number = {domain: k for k, domain in enumerate(self.domains)}
        self._domain = torch.tensor([number[domain] for domain in domains])
        self.buffer.extend(
            TensorDict({"task_index": torch.arange(len(domains)), "domain": self._domain}, [len(domains)])
        )
        self._attempts = torch.zeros(len(domains), dtype=torch.long)
        self._step = 0
        # Since the last report, of each domain: groups, and those that all passed or all failed.
        self._seen = torch.zeros(2, len(self.domains), dtype=torch.long)
        self.advance(0)

    def advance(self, step: int) -> None:
        """Notes that ``step`` steps were made: the domains of that stage are practised from now on."""
        arrived = self.stages.arrived(step)
        if new := np.flatnonzero(arrived & ~self.stages.arrived(self._step)).tolist():
            self.sampler.mastery.begin(np.array(new))
        self._step = step
        self.sampler.steer(self.stages.practised(step) * self.factors, self.stages.latest(step), self.new_share)

    @property
    def left(self) -> Flags:
        """The domains that have come in and are practised no longer: [K]."""
        return self.stages.left(self._step)

    def draw(self, count: int) -> list[TaskDraw]:
        """The next ``count`` tasks to practise, on all ranks."""
        return from_rank_0(lambda: self.draw_here(count))

    def draw_here(self, count: int) -> list[TaskDraw]:
        """The next ``count`` tasks to practise, on the one rank that draws for all, which tells the others."""
        draws = []
        drawn = self.buffer.sample(count)
        weights = drawn.get("priority_weight", torch.ones(count)).tolist()
        attempts = self._attempts.numpy()  # the same memory, some ten times as fast one by one
        for index, weight in zip(drawn["task_index"].tolist(), weights, strict=True):
            draws.append(TaskDraw(index, int(attempts[index]), weight))
            attempts[index] += 1
        return draws

    def learn_from(self, draws: Sequence[TaskDraw], pass_rates: Tensor, scores: Tensor | None = None) -> None:
        """Tells the sampler how the groups went.

        Args:
            draws: what was drawn.
            pass_rates: [len(draws)], float; NaN where no response could be graded, which teaches nothing, or where
                another rank had the group.
            scores: [len(draws)], float: mean rubric scores, in [0, 1]; by default the pass rates.

        Raises:
            ValueError: if there is not a pass rate between 0 and 1, or NaN, for each draw.
        """
        if pass_rates.shape != (len(draws),):
            raise ValueError(f"{len(draws)} draws but pass rates of shape {list(pass_rates.shape)}")
        if ((pass_rates < 0) | (pass_rates > 1)).any():
            raise ValueError("pass rates lie between 0 and 1")
        pass_rates = mean_over_ranks(pass_rates)
        scores = None if scores is None else mean_over_ranks(scores)
        known = ~pass_rates.isnan()
        index = torch.tensor([draw.task_index for draw in draws], dtype=torch.long)
        if not known.any():
            return
        rates, index = pass_rates[known].double(), index[known]
        decided = (rates == 0) | (rates == 1)
        for row, chosen in zip(self._seen, (index, index[decided]), strict=True):
            row += torch.bincount(self._domain[chosen], minlength=len(self.domains))
        more = None if scores is None else scores[known].double().numpy()
        self.sampler.learn(self.buffer.storage, index.numpy(), rates.numpy(), more)

    def begin_with(self, pass_rates: Mapping[str, float]) -> None:
        """Sets what is known of domains before anything was practised: the pass rates of an evaluation, by name."""
        known = {name: rate for name, rate in pass_rates.items() if name in self.domains and rate == rate}
        self.sampler.mastery.assume([self.domains.index(name) for name in known], [*known.values()])

    def accuracy(self) -> dict[str, float]:
        """The sampler's average pass rate of each domain."""
        return dict(zip(self.domains, self.sampler.accuracy.tolist(), strict=True))

    def report(self) -> dict[str, float]:
        """What is known of each domain that has come in, as ``<name>/<domain>``, and how it was practised.

        ``accuracy``, ``score``: moving averages of pass rates and rubric scores. ``mastery``: the expected pass rate
        over all its tasks. ``share``: of the draws by the law as things are. ``practised``: of the groups since the
        last report; ``decided``: the share of these that all passed or all failed. ``gate``, ``half_life`` (in steps)
        and ``staleness``: see :class:`Mastery`.
        """
        known = self.sampler.mastery
        groups, decided = self._seen.double()
        columns: dict[str, Floats] = {
            "accuracy": known.accuracy,
            "score": known.score,
            "mastery": known.by_domain()[0],
            "share": self.sampler.probabilities(self.buffer.storage).numpy(),
            "practised": (groups / groups.sum()).numpy(),
            "decided": (decided / groups).numpy(),
            "gate": known.gate,
            "half_life": known.half_life,
            "staleness": known.staleness(),
        }
        self._seen.zero_()
        here = np.flatnonzero(self.stages.arrived(self._step)).tolist()
        return {f"{name}/{self.domains[k]}": float(values[k]) for name, values in columns.items() for k in here}

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next draws depend on; the tasks themselves come from the source again.

        In a distributed run that of the first rank counts: it draws for all.
        """
        return {
            "sampler": self.sampler.state_dict(),
            "attempts": self._attempts.clone(),
            "step": self._step,
            "seen": self._seen.clone(),
            "factors": torch.from_numpy(self.factors.copy()),
            "new_share": self.new_share,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state_dict` gave.

        Raises:
            ValueError: if it comes from other tasks.
        """
        if len(state["attempts"]) != len(self._attempts):
            raise ValueError(f"saved with {len(state['attempts'])} tasks, but there are {len(self._attempts)} now")
        self.sampler.load_state_dict(state["sampler"])
        self._attempts, self._seen = state["attempts"].clone(), state["seen"].clone()
        self._step, self.new_share = state["step"], state["new_share"]
        self.factors = state["factors"].numpy().copy()
