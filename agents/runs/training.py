"""A training run, step by step, resumable at any of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
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
from ..updates.shards import Part, load_shards, load_whole, save_shards
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
        checkpoint, state = self.checkpoints.latest() if resume else (None, {})
        self.step = 0
        self.results: dict[str, Any] = {"tokens": 0, "seconds": 0.0, "cpu_seconds": 0.0}
        self._offset = 0
        # What came in a row until now: steps without anything to compare, and updates that were skipped.
        self._alike = self._skipped = 0
        # The validation that the latest step asks for was left; and the loss of the warm-up step whose check was.
        self._unchecked = False
        self._unchecked_loss: float | None = None
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
            self.warm = self.parts.warm_start is None
            if checkpoint is not None:
                self._restore(state, checkpoint / SHARDS)
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigError(str(error)) from error
        # What the latest checkpoint holds, so that nothing is saved twice.
        self._saved = self._progress_made() if state else None

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
                    step=self.step,
                    warmup_steps=self.parts.warm_start.steps if self.parts.warm_start else 0,
                    tested="test_before" in self.results,
                    config=self.config if self.processes.first else without_sinks(self.config),
                )
            )
            self.held_out = HeldOut(
                self.config,
                self.parts,
                self.checkpoints,
                self.results,
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
            summary = summarise(self.config, self.parts, self.folder, self.step, self.results | self._spent())
            self.log.summary(summary)
        return summary

    def train(self) -> None:
        """The loop: draw tasks, answer them, learn from it; now and then check and save."""
        config, parts = self.config, self.parts
        self.companions.begin(self.step)
        algorithm = make_algorithm(config, parts, self.companions)
        algorithm.steps, guard = self.step, algorithm.backprop.guard
        guard.in_a_row = self._skipped
        self.progress.phase("training", config.trainer.steps)
        self.progress.advance(self.step)
        if self.step < config.trainer.steps and not self._halted:
            self.results.pop("rolled_back_to", None)  # of a run that ended with a regression, and goes on
        if self._unchecked or (self.step == 0 and self.held_out.compares and "best_validation" not in self.results):
            self.validate()
        parts.hand_over(self.step)
        meter = StepMeter(algorithm.backprop, traced=config.trainer.profile_steps is not None)
        with profiled(self.folder / PROFILE, config.trainer.profile_steps) as profile_step:
            while self.step < config.trainer.steps and not self._stopping() and not self._halted:
                if parts.watch is not None:
                    algorithm.set_kl(config.actor.kl_coef * parts.watch.kl_factor)
                self._tell_stage()
                times: dict[str, float] = {}
                with spent(times):
                    with meter.phase("rollout"):
                        collected, rewards = self._gather(algorithm)
                        parts.inference.rest()
                    self.step += 1
                    self._set_learning_rates()
                    with meter.phase("learning"):
                        metrics = algorithm.step(collected, rewards)
                    self._skipped = guard.in_a_row
                    if config.rollout.staleness:
                        metrics |= staleness(collected, self.step - 1)
                    tokens = int(collected.mask.sum())
                    self.results["tokens"] += tokens
                    # The step is done, even if what samples does not take its weights.
                    with meter.phase("logging"):
                        self.log.write(self.step, "train", metrics)
                        self._unchecked = self.held_out.is_due(self.step)
                        if self._unchecked or self.step == 1:
                            self.log.training_samples(self.step, collected.trajectories, parts.tokenizer)
                    with meter.phase("sync"):
                        parts.hand_over(self.step)
                times["tokens"] = tokens
                times["tokens_per_second"] = times["tokens"] / times["seconds"]
                self._report_step(metrics, times)
                if self._unchecked:
                    with meter.phase("validation"):
                        self.validate()
                if self.step % config.trainer.save_every == 0:
                    with meter.phase("saving"):
                        self.save()
                times |= (
                    meter.lap(len(collected.mask))
                    | parts.source.report()
                    | {"memory_mib": peak_memory(parts.model.device)}
                )
                self.log.write_times(self.step, "train", times)
                profile_step()
        if parts.watch is not None and parts.watch.lost and not self._stopping():
            self.roll_back()

    def roll_back(self) -> None:
        """Goes back to the best policy without a regression: the run was halted, or ends with one."""
        parts, results = self.parts, self.results
        if results.get("rolled_back_to") is None:
            parts.restore(self.checkpoints.folder / BEST)
            parts.hand_over(self.step)
            results |= {"rolled_back_to": results["best_step"]} | ({"halted_at": self.step} if self._halted else {})
            self._saved = None  # a checkpoint of this step holds other weights
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

        parts.source.begin(self.step)
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
        config, warm_start = self.config.model.warm_start, self.parts.warm_start
        if warm_start is None or config is None or self.warm:
            return
        self.progress.phase("warm start", config.max_steps)
        self.progress.advance(warm_start.steps)
        if warm_start.left_out:
            self.progress.note(f"{config.path}: conversations left out: {warm_start.left_out}")
        while not self.warm and not self._stopping():
            if self._unchecked_loss is None:
                self._unchecked_loss = warm_start.step()
            last = warm_start.steps >= config.max_steps
            if warm_start.steps % config.check_every and not last:
                self._unchecked_loss = None
                self.progress.advance()
                continue
            self.parts.hand_over(self.step)
            rate = self.held_out.evaluate("validation", self.step).pass_rate
            loss, self._unchecked_loss = self._unchecked_loss, None
            values = {"loss": loss, "validation_loss": warm_start.validation_loss(), "validation_pass_rate": rate}
            self.log.write(warm_start.steps, "warmup", values)
            self.progress.advance(held_out=rate)
            reached = config.target is not None and rate >= config.target
            if last and config.target is not None and not reached:
                self.progress.note(
                    f"the warm start ends at its {config.max_steps} steps with {rate:.3f} on the validation split, "
                    f"below its target {config.target}: rewards may be too rare to learn from; more tasks may help"
                )
            self.warm = reached or last

    def validate(self) -> None:
        """Measures the validation split, and keeps the policy if it is the best so far."""
        self.held_out.validate(self.step)
        self._unchecked = False

    def test_before(self) -> None:
        """Measures the test split once, before training."""
        if "test_before" not in self.results:
            self.held_out.test("before", self.step)

    def test_after(self) -> None:
        """Measures the test split after training."""
        self.held_out.test("after", self.step)
        self.results["gain"] = self.results["test_after"] - self.results["test_before"]

    def save(self) -> None:
        """Saves a checkpoint, if anything was done since the last one. What comes after the last step is not saved."""
        if self._saved == self._progress_made() or "test_after" in self.results:
            return
        self._saved = self._progress_made()
        warm_start, whole = self.parts.warm_start, not self.parts.meshes
        self.checkpoints.save(
            self.step,
            self.parts.model,
            self.parts.tokenizer,
            {
                "step": self.step,
                "warm": self.warm,
                "warm_start": warm_start.state_dict(averages=whole) if warm_start and not self.warm else None,
                "warm_start_steps": warm_start.steps if warm_start else 0,
                "optimizer": self.parts.optimizer.state_dict() if whole else None,
                "companions": self.companions.state_dict() if whole else {},
                "curriculum": self.parts.curriculum.state_dict(),
                "source": self.parts.source.state_dict(),
                "replay": self.parts.replay.state_dict() if self.parts.replay else None,
                "watch": self.parts.watch.state_dict() if self.parts.watch else None,
                "unchecked": (self._unchecked, self._unchecked_loss),
                "in_a_row": self._in_a_row(),
                "results": self.results | self._spent(),
                "metrics_offset": self.log.offset,
            },
            None if whole else partial(save_shards, parts=self._divided() | self.companions.parts()),
        )

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

    def _progress_made(self) -> tuple[object, ...]:
        """Steps, warm-up steps, and what was measured after them."""
        warm_start = self.parts.warm_start
        unchecked = self._unchecked, self._unchecked_loss
        return self.step, warm_start.steps if warm_start else 0, "test_before" in self.results, *unchecked

    def _in_a_row(self) -> dict[str, int]:
        """What came in a row until now, and ends the run, or is told, when it goes on."""
        failed = {str(name): rollouts.failures.in_a_row for name, rollouts in self.parts.rollouts.items()}
        return {"alike": self._alike, "skipped": self._skipped, **failed}

    def _restore(self, state: dict[str, Any], shards: Path) -> None:
        self.step, self.warm, self._offset = state["step"], state["warm"], state["metrics_offset"]
        if self.config.trainer.steps < self.step:
            raise ValueError(f"trainer.steps={self.config.trainer.steps}: the run has done {self.step} already")
        self._unchecked, self._unchecked_loss = state["unchecked"]
        self.results, in_a_row = state["results"], state["in_a_row"]
        self._alike, self._skipped = in_a_row["alike"], in_a_row["skipped"]
        for name, rollouts in self.parts.rollouts.items():
            rollouts.failures.in_a_row = in_a_row[name]
        if shards.is_dir():
            load_shards(shards, self._divided())
        else:
            load_whole(self._divided()["policy"], None, state["optimizer"])
        self.companions.load_state_dict(state["companions"], shards if shards.is_dir() else None)
        self.parts.curriculum.load_state_dict(state["curriculum"])
        self.parts.source.load_state_dict(state["source"])
        if self.parts.replay is not None:
            self.parts.replay.load_state_dict(state["replay"])
        if self.parts.watch is not None:
            self.parts.watch.load_state_dict(state["watch"])
        self.parts.hand_over(self.step)
        if self.parts.warm_start is not None:
            self.parts.warm_start.steps = state["warm_start_steps"]
            if state["warm_start"] is not None:
                self.parts.warm_start.load_state_dict(state["warm_start"])

    def _divided(self) -> dict[str, Part]:
        """What is divided as the policy is; its own weights are saved whole."""
        warm_start, model = self.parts.warm_start, self.parts.model
        found = {"policy": Part(model, self.parts.optimizer, weights=False)}
        if warm_start is not None and not self.warm:
            found["warm_start"] = Part(model, warm_start.optimizer, weights=False)
        return found

    def _stopping(self) -> bool:
        """Whether the run is to end here: on all processes alike, whichever of them heard a signal."""
        return self.processes.agree(self.interrupt.requested)

    @property
    def _halted(self) -> bool:
        return self.parts.watch is not None and self.parts.watch.halted

    def _set_learning_rates(self) -> None:
        actor, critic = self.config.actor, self.config.critic
        frozen = self.step <= actor.freeze_steps
        rate = 0.0 if frozen else learning_rate(actor, self.step, lr=actor.lr)
        set_learning_rate(self.parts.optimizer, rate)
        if critic is not None and self.companions.critic_optimizer is not None:
            set_learning_rate(self.companions.critic_optimizer, learning_rate(actor, self.step, lr=critic.lr))

    def _report_step(self, metrics: dict[str, float], counts: dict[str, float]) -> None:
        self.progress.advance(reward=metrics["reward"], kl=metrics["kl"], tokens_per_second=counts["tokens_per_second"])
        self._alike = self._alike + 1 if metrics["zero_variance_groups"] == 1 else 0
        if self._alike == ALIKE_STEPS:
            self.progress.note(
                f"in {ALIKE_STEPS} steps all responses to a task earned the same, {metrics['reward']:.3g} now: nothing "
                "could be learnt; a warm start, easier tasks or more responses a task may help"
            )

    def _spent(self) -> dict[str, float]:
        """Time spent so far, runs before a resume included."""
        wall, cpu = self._clock
        return {
            "seconds": self.results["seconds"] + time.perf_counter() - wall,
            "cpu_seconds": self.results["cpu_seconds"] + cpu_seconds() - cpu,
        }

    def _tell_stage(self) -> None:
        """Says which domains come in after this step."""
        stages = self.parts.curriculum.stages
        if self.step in stages.begins[1:]:
            number = stages.stage(self.step)
            self.progress.note(f"stage {number + 1}, after step {self.step}: {some(stages.of(number), most=5)}")

    def _announce(self) -> None:
        sizes = ", ".join(f"{len(getattr(self.parts.splits, name).tasks)} {name}" for name in SPLITS)
        self.progress.note(f"{self.folder}: {sizes} tasks" + (f"; resumed at step {self.step}" if self._saved else ""))

    def _hear(self) -> None:
        self.progress.note("stopping as soon as what is in hand is done; press Ctrl-C again to stop at once")
