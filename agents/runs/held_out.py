"""The held-out splits of a run: measured now and then, and the best policy kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ...datasets.task import Split
from ..config import ConfigError, TrainConfig
from ..progress import Progress
from .checkpoint import BEST, Checkpoints
from .evaluation import Evaluation, evaluate
from .interrupt import Leave
from .parts import Parts
from .run_log import RunLog
from .summary import outcomes


class HeldOut:
    """Measures validation and test split, writes down what it finds, and keeps the best policy on the validation split.

    Args:
        config: of the run.
        parts: of the run.
        checkpoints: where the best policy goes.
        results: of the run; what is found is added.
        log: where rows go.
        progress: where people look.
        leaving: makes the context of evaluations, which may be left in the midst.
    """

    def __init__(
        self,
        config: TrainConfig,
        parts: Parts,
        checkpoints: Checkpoints,
        results: dict[str, Any],
        *,
        log: RunLog,
        progress: Progress,
        leaving: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.config, self.parts, self.checkpoints, self.results = config, parts, checkpoints, results
        self.log, self.progress, self.leaving = log, progress, leaving

    def is_due(self, step: int) -> bool:
        """Whether the validation split is measured after this step: now and then, and at the end of each stage."""
        begins = self.parts.curriculum.stages.begins
        ends = self.compares and step in (*begins, self.config.trainer.steps)
        return ends or step % self.config.evaluation.every == 0

    @property
    def compares(self) -> bool:
        """Whether pass rates are compared with those before the first step, domain by domain."""
        return self.parts.watch is not None or len(self.parts.curriculum.stages.begins) > 1

    def validate(self, step: int) -> None:
        """Measures the validation split, and keeps the policy if it is the best so far and has lost nothing."""
        evaluation = self.evaluate("validation", step)
        lost = self.parts.watch.look(evaluation) if self.parts.watch else []
        for line in lost:
            self.progress.note(line)
        if lost:
            self.results["measures"] = [*self.results.get("measures", ()), *(f"step {step}: {line}" for line in lost)]
        regressed = self.parts.watch is not None and bool(self.parts.watch.lost)
        if not regressed and evaluation.pass_rate > self.results.get("best_validation", -1.0):
            self.results |= {"best_validation": evaluation.pass_rate, "best_step": step}
            self.checkpoints.save_policy(BEST, self.parts.model, self.parts.tokenizer)
        self.log.write(step, "eval", {"split": "validation", **evaluation.metrics})
        if step:
            watched = self.parts.watch.report() if self.parts.watch else {}
            self.log.write(step, "curriculum", self.parts.curriculum.report() | watched)
        self.progress.advance(0, held_out=evaluation.pass_rate)

    def test(self, when: str, step: int) -> None:
        """Measures the test split, ``before`` or ``after`` training.

        Raises:
            ConfigError: if nothing could be graded.
        """
        self.progress.phase(f"test {when}", len(self.parts.splits.test.tasks))
        evaluation = self.evaluate("test", step, self.progress.advance)
        self.log.write(step, "eval", {"split": "test", **evaluation.metrics})
        every = self.config.evaluation.samples_per_prompt
        self.log.transcripts(when, evaluation.trajectories, self.parts.tokenizer, every=every)
        if not evaluation.trajectories.valid.any():
            reason = evaluation.trajectories[0].state["error_msg"]
            raise ConfigError(f"not one response to the test tasks could be graded ({reason})")
        if not evaluation.pass_rate:
            self.progress.note(f"no response to the test tasks is right: {outcomes(evaluation.trajectories)}")
        self.results[f"test_{when}"] = evaluation.pass_rate
        self.results[f"test_{when}_se"] = evaluation.standard_error

    def evaluate(self, split: Split, step: int, on_progress: Callable[[int], None] = lambda count: None) -> Evaluation:
        """Answers all tasks of a split; an interrupted one counts no failures.

        Raises:
            Leave: when the run is to end.
        """
        samples, rollouts = self.config.evaluation.samples_per_prompt, self.parts.rollouts[split]
        before = rollouts.failures.in_a_row
        try:
            with self.log.timed(step, "eval"), self.parts.places.sampling(), self.leaving():
                return evaluate(rollouts, samples_per_prompt=samples, on_progress=on_progress)
        except Leave:
            rollouts.failures.in_a_row = before
            raise
