"""A training run, step by step, resumable at any of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from ...buffers.tasks import TaskDraw
from ...datasets.task import SPLITS
from ...runtimes.endpoint import EndpointError
from ..algorithms.algorithm import Algorithm
from ..algorithms.metrics import group_pass_rates, group_scores, staleness
from ..config import ConfigError, TrainConfig
from ..credit.reward_computer import RewardComputer
from ..inference.backend import BackendError
from ..parallel.processes import Processes
from ..progress import Progress, some
from ..rollouts.columns import Columns
from ..rollouts.failures import RolloutError
from ..rollouts.trajectory import Trajectory
from ..updates.optimizer import learning_rate, set_learning_rate
from .build import build, make_algorithm
from .checkpoint import BEST, SHARDS, Checkpoints
from .companions import Companions
from .determinism import deterministic, prepare_determinism
from .garbage import frozen_heap
from .held_out import HeldOut
from .interrupt import Interrupt, Leave
from .load_config import save_config
from .profiling import PROFILE, profiled
from .run_folder import CHECKPOINTS, CONFIG_FILE, alone_in
from .run_log import RunLog, cpu_seconds, peak_memory, spent
from .run_state import RunState, StateKeeper
from .sinks import without_sinks
from .summary import summarise
from .throughput import StepMeter

# So many steps in a row without anything to compare are told.
ALIKE_STEPS = 5
# Nothing is sampled or judged any more.
OUTAGES = (BackendError, EndpointError, RolloutError)


class Trainer:
    """One run: warm start, test, training with checks on the validation split, test again.

    The test split is measured before and after, and never used to choose anything.

    Args:
        config: what to do.
        folder: where the run is written.
        resume: go on from the folder's latest checkpoint.
        reward_computer: gives trajectories their rewards; by default the environment's own.
        processes: of the run; all of them make a trainer, and the first one writes. By default this one alone.

    Raises:
        ConfigError: if the configuration names something that is not there.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        *,
        resume: bool = False,
        reward_computer: RewardComputer | None = None,
        processes: Processes | None = None,
    ) -> None:
        self.config, self.folder = config, folder
        self.processes = processes or Processes()
        self.checkpoints = Checkpoints(folder / CHECKPOINTS, keep=config.trainer.keep, processes=self.processes)
        if config.trainer.deterministic:
            prepare_determinism()
        checkpoint, saved = self.checkpoints.latest() if resume else (None, {})
        self.state = RunState()
        self._offset = 0
        try:
            self.parts = build(config, checkpoint=checkpoint, reward_computer=reward_computer, processes=self.processes)
            self.companions = Companions(
                config,
                self.parts.model,
                self.parts.tokenizer,
                self.checkpoints,
                whole=self.parts.whole,
                settle=self.parts.settle,
            )
            self.state.warm = self.parts.warm_start is None
            self.keeper = StateKeeper(config, self.parts, self.companions, self.checkpoints, self.state)
            if checkpoint is not None:
                self._offset = self.keeper.restore(saved, checkpoint / SHARDS)
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigError(str(error)) from error

    def run(self) -> dict[str, Any]:
        """Does what is left of the run.

        Returns:
            The summary, as written to ``summary.json``. Its ``status`` is ``finished`` or ``interrupted``.
        """
        self._clock = time.perf_counter(), cpu_seconds()
        with ExitStack() as stack:
            self.processes.from_first(lambda: stack.enter_context(alone_in(self.folder)))
            if self.processes.first:
                self.checkpoints.tidy()
            else:  # one process writes what people read
                self.folder = Path(stack.enter_context(TemporaryDirectory()))
            # Only now: a run whose parts could not be built is no run to resume.
            save_config(self.config, self.folder / CONFIG_FILE)
            stack.enter_context(deterministic(self.config.trainer.deterministic))
            stack.enter_context(frozen_heap())
            stack.callback(self.parts.inference.close)
            stack.callback(self.parts.source.close)
            self.progress = stack.enter_context(
                Progress(
                    total_steps=self.config.trainer.steps,
                    enabled=self.config.trainer.progress,
                    console=None if self.processes.first else Console(quiet=True),
                )
            )
            self.interrupt = stack.enter_context(Interrupt(self._hear))
            for rollouts in self.parts.rollouts.values() if self.processes.size > 1 else ():
                # What they wait for may be left, but not what they tell each other.
                rollouts.leaving = self.interrupt.leaving
            self.log = stack.enter_context(
                RunLog(
                    self.folder,
                    offset=self._offset,
                    step=self.state.step,
                    warmup_steps=self.parts.warm_start.steps if self.parts.warm_start else 0,
                    tested="test_before" in self.state.results,
                    config=self.config if self.processes.first else without_sinks(self.config),
                )
            )
            self.held_out = HeldOut(
                self.config,
                self.parts,
                self.checkpoints,
                self.state.results,
                log=self.log,
                progress=self.progress,
                leaving=self.interrupt.leaving if self.processes.size == 1 else nullcontext,
            )
            self._announce()
            for phase in (self.warm_up, self.test_before, self.train, self.test_after):
                if not self._stopping():
                    with suppress(Leave), self._saving_what_is_done():
                        phase()
                    self.save()
            results = self.state.results | self._spent()
            summary = summarise(self.config, self.parts, self.folder, self.state.step, results)
            self.log.summary(summary)
        return summary

    def train(self) -> None:
        """The loop: draw tasks, answer them, learn from it; now and then check and save."""
        config, parts, state = self.config, self.parts, self.state
        self.companions.begin(state.step)
        algorithm = make_algorithm(config, parts, self.companions)
        algorithm.steps, guard = state.step, algorithm.backprop.guard
        guard.in_a_row = state.skipped
        self.progress.phase("training", config.trainer.steps)
        self.progress.advance(state.step)
        if state.step < config.trainer.steps and not self._halted:
            state.results.pop("rolled_back_to", None)  # of a run that ended with a regression, and goes on
        first = state.step == 0 and "best_validation" not in state.results
        if state.unchecked or (first and self.held_out.compares):
            self.validate()
        parts.hand_over(state.step)
        meter = StepMeter(algorithm.backprop, traced=config.trainer.profile_steps is not None)
        with profiled(self.folder / PROFILE, config.trainer.profile_steps) as profile_step:
            while state.step < config.trainer.steps and not self._stopping() and not self._halted:
                if parts.watch is not None:
                    algorithm.set_kl(config.actor.kl_coef * parts.watch.kl_factor)
                self._tell_stage()
                times: dict[str, float] = {}
                with spent(times):
                    with meter.phase("rollout"):
                        collected, rewards = self._gather(algorithm)
                        parts.inference.rest()
                    state.step += 1
                    self._set_learning_rates()
                    with meter.phase("learning"):
                        metrics = algorithm.step(collected, rewards)
                    state.skipped = guard.in_a_row
                    if config.rollout.staleness:
                        metrics |= staleness(collected, state.step - 1)
                    tokens = int(collected.mask.sum())
                    state.results["tokens"] += tokens
                    # The step is done, even if what samples does not take its weights.
                    with meter.phase("logging"):
                        self.log.write(state.step, "train", metrics)
                        state.unchecked = self.held_out.is_due(state.step)
                        if state.unchecked or state.step == 1:
                            self.log.training_samples(state.step, collected.trajectories, parts.tokenizer)
                    with meter.phase("sync"):
                        parts.hand_over(state.step)
                times["tokens"] = tokens
                times["tokens_per_second"] = times["tokens"] / times["seconds"]
                self._report_step(metrics, times)
                if state.unchecked:
                    with meter.phase("validation"):
                        self.validate()
                if state.step % config.trainer.save_every == 0:
                    with meter.phase("saving"):
                        self.save()
                times |= (
                    meter.lap(len(collected.mask))
                    | parts.source.report()
                    | {"memory_mib": peak_memory(parts.model.device)}
                )
                self.log.write_times(state.step, "train", times)
                profile_step()
        if parts.watch is not None and parts.watch.lost and not self._stopping():
            self.roll_back()

    def roll_back(self) -> None:
        """Goes back to the best policy without a regression: the run was halted, or ends with one."""
        parts, results = self.parts, self.state.results
        if results.get("rolled_back_to") is None:
            parts.restore(self.checkpoints.folder / BEST)
            parts.hand_over(self.state.step)
            results["rolled_back_to"] = results["best_step"]
            if self._halted:
                results["halted_at"] = self.state.step
            self.keeper.forget()  # a checkpoint of this step holds other weights
        what = f"halted at step {results['halted_at']}" if "halted_at" in results else "prior domains were lost"
        self.progress.note(f"{what}: back to the policy of step {results['rolled_back_to']}")

    def _gather(self, algorithm: Algorithm) -> tuple[Columns, Tensor]:
        """What the next step learns from, and its rewards; all of it, or none. The curriculum hears how it went."""
        parts, group_size = self.parts, self.config.data.responses_per_prompt
        draws: list[TaskDraw] = []

        def collect(groups: int) -> Trajectory:
            drawn, trajectories = parts.source.take(groups)
            draws.extend(drawn)
            return trajectories

        parts.source.begin(self.state.step)
        try:
            with parts.places.sampling(), self.interrupt.leaving() if self.processes.size == 1 else nullcontext():
                trajectories, rewards = algorithm.gather(collect, self.config.data.prompts_per_rollout)
        except (Leave, *OUTAGES):
            parts.source.put_back()
            raise
        if any(draw.weight != 1 for draw in draws):
            trajectories.weight = torch.tensor([draw.weight for draw in draws]).repeat_interleave(group_size)
        collected = Columns(trajectories)
        parts.curriculum.learn_from(draws, group_pass_rates(collected, group_size), group_scores(collected, group_size))
        return collected, rewards

    def warm_up(self) -> None:
        """Supervised steps until the validation pass rate reaches the target, where the configuration asks for them."""
        config, state, warm_start = self.config.model.warm_start, self.state, self.parts.warm_start
        if warm_start is None or config is None or state.warm:
            return
        self.progress.phase("warm start", config.max_steps)
        self.progress.advance(warm_start.steps)
        if warm_start.left_out:
            self.progress.note(f"{config.path}: conversations left out: {warm_start.left_out}")
        while not state.warm and not self._stopping():
            if state.unchecked_loss is None:
                state.unchecked_loss = warm_start.step()
            last = warm_start.steps >= config.max_steps
            if warm_start.steps % config.check_every and not last:
                state.unchecked_loss = None
                self.progress.advance()
                continue
            self.parts.hand_over(state.step)
            rate = self.held_out.evaluate("validation", state.step).pass_rate
            loss, state.unchecked_loss = state.unchecked_loss, None
            values = {"loss": loss, "validation_loss": warm_start.validation_loss(), "validation_pass_rate": rate}
            self.log.write(warm_start.steps, "warmup", values)
            self.progress.advance(held_out=rate)
            reached = config.target is not None and rate >= config.target
            if last and config.target is not None and not reached:
                self.progress.note(
                    f"the warm start ends at its {config.max_steps} steps with {rate:.3f} on the validation split, "
                    f"below its target {config.target}: rewards may be too rare to learn from; more tasks may help"
                )
            state.warm = reached or last

    def validate(self) -> None:
        """Measures the validation split, and keeps the policy if it is the best so far."""
        state = self.state
        self.held_out.validate(state.step)
        state.unchecked = False

    def test_before(self) -> None:
        """Measures the test split once, before training."""
        if "test_before" not in self.state.results:
            self.held_out.test("before", self.state.step)

    def test_after(self) -> None:
        """Measures the test split after training."""
        state = self.state
        self.held_out.test("after", state.step)
        state.results["gain"] = state.results["test_after"] - state.results["test_before"]

    def save(self) -> None:
        """Saves a checkpoint, if anything was done since the last one."""
        self.keeper.save(self._spent(), self.log.offset)

    @contextmanager
    def _saving_what_is_done(self) -> Iterator[None]:
        """Saves the steps before an outage of what samples or judges: it is no fault of theirs."""
        try:
            yield
        except OUTAGES:
            # Where each process samples for itself, one may be alone with its outage.
            if self.processes.size == 1 or self.parts.rollouts["train"].first_plays:
                self.save()
            raise

    def _stopping(self) -> bool:
        """Whether the run is to end here: on all processes alike, whichever of them heard a signal."""
        return self.processes.agree(self.interrupt.requested)

    @property
    def _halted(self) -> bool:
        return self.parts.watch is not None and self.parts.watch.halted

    def _set_learning_rates(self) -> None:
        actor, critic = self.config.actor, self.config.critic
        frozen = self.state.step <= actor.freeze_steps
        rate = 0.0 if frozen else learning_rate(actor, self.state.step, lr=actor.lr)
        set_learning_rate(self.parts.optimizer, rate)
        if critic is not None and self.companions.critic_optimizer is not None:
            set_learning_rate(self.companions.critic_optimizer, learning_rate(actor, self.state.step, lr=critic.lr))

    def _report_step(self, metrics: dict[str, float], counts: dict[str, float]) -> None:
        self.progress.advance(reward=metrics["reward"], kl=metrics["kl"], tokens_per_second=counts["tokens_per_second"])
        self.state.alike = self.state.alike + 1 if metrics["zero_variance_groups"] == 1 else 0
        if self.state.alike == ALIKE_STEPS:
            self.progress.note(
                f"in {ALIKE_STEPS} steps all responses to a task earned the same, {metrics['reward']:.3g} now: nothing "
                "could be learnt; a warm start, easier tasks or more responses a task may help"
            )

    def _spent(self) -> dict[str, float]:
        """Time spent so far, runs before a resume included."""
        wall, cpu = self._clock
        return {
            "seconds": self.state.results["seconds"] + time.perf_counter() - wall,
            "cpu_seconds": self.state.results["cpu_seconds"] + cpu_seconds() - cpu,
        }

    def _tell_stage(self) -> None:
        """Says which domains come in after this step."""
        stages = self.parts.curriculum.stages
        if self.state.step in stages.begins[1:]:
            number = stages.stage(self.state.step)
            self.progress.note(f"stage {number + 1}, after step {self.state.step}: {some(stages.of(number), most=5)}")

    def _announce(self) -> None:
        sizes = ", ".join(f"{len(getattr(self.parts.splits, name).tasks)} {name}" for name in SPLITS)
        resumed = f"; resumed at step {self.state.step}" if self.keeper.has_saved else ""
        self.progress.note(f"{self.folder}: {sizes} tasks{resumed}")

    def _hear(self) -> None:
        self.progress.note("stopping as soon as what is in hand is done; press Ctrl-C again to stop at once")
