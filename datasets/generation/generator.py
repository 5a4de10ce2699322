"""Makes the rows of a dataset: many side by side, and one place accepts and writes them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from ..contamination.evaluation import EvaluationPrompts
from .calling import Caller
from .checking import Check, Checker
from .draft import Draft, DraftError, read_draft
from .gemini import SEEDS, CallError, Reply
from .ledger import Ledger
from .pacing import sleep_unless
from .prompts import SYSTEM, rectification, request, solving, subjects
from .sample import Failure, Sample, prompt_hash, utc_now
from .settings import LANGUAGES, TYPES, GenerationSettings, Language, TaskType, targets
from .similar import KnownPrompts
from .store import DEBUG

_RECTIFICATIONS = 2
# Seconds that a server may ask for after a failure.
_LONGEST_PAUSE = 300.0


@dataclass(frozen=True, slots=True)
class Slot:
    """A row that is to be made.

    Attributes:
        kind: its type.
        number: among those of its type that this process makes.
        language: that is asked for; None for mathematics.
    """

    kind: TaskType
    number: int
    language: Language | None


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why there is no row, what it scored, the prompt that it repeats, and how long the server wants to rest."""

    reason: str
    problem: str
    check: Check | None = None
    draft: Draft | None = None
    repeated: str | None = None
    retry_after: float | None = None


class Generator:
    """Fills a dataset up to its targets.

    Calls are awaited side by side in one thread, and programs run in others. Accepting a row (the comparison with all
    earlier prompts, and writing it) happens in that one thread without a break, so no two rows are alike.

    Args:
        settings: what is to be generated.
        ledger: the dataset.
        writer: asks the model that writes tasks.
        checker: judges drafts.
        solver: asks the model that measures difficulty, if one is to.
        evaluation: prompts that may not be in the dataset.

    Attributes:
        missing: rows that this process is to make, by type.
    """

    def __init__(
        self,
        settings: GenerationSettings,
        ledger: Ledger,
        writer: Caller,
        checker: Checker,
        *,
        solver: Caller | None = None,
        evaluation: EvaluationPrompts | None = None,
    ) -> None:
        self._settings, self._ledger, self._writer, self._checker = settings, ledger, writer, checker
        self._solver, self._evaluation = solver, evaluation
        self._prompts = ledger.store.prompts
        self._had = {kind: len(prompts) for kind, prompts in self._prompts.items()}
        # A process that goes on asks for other things than the one before it did, also where that one made no row.
        self._begun_at = f"{sum(self._had.values())}-{ledger.store.failures.total()}"
        self.missing = missing(settings, self._had)
        self._handed: Counter[TaskType] = Counter()
        self._given_up: dict[TaskType, str] = {}
        self._over = asyncio.Event()

    @property
    def ended(self) -> CallError | None:
        """Why nothing can be generated now; None while it can."""
        return self._writer.ended or (self._solver.ended if self._solver is not None else None)

    @property
    def problem(self) -> str:
        """Why rows are missing; empty if none are."""
        if self.ended is not None:
            return str(self.ended)
        tries = "the try" if self._settings.max_retries == 1 else f"{self._settings.max_retries} tries in a row"
        told = [f"{kind}: {tries} failed, the last by {why}" for kind, why in sorted(self._given_up.items())]
        return "; ".join(" ".join(line.split())[:400] for line in told)

    async def run(self) -> None:
        """Makes all rows that are missing, as far as the tries suffice.

        Raises:
            OSError: a file can't be written.
        """
        if not any(self.missing.values()):
            return
        # The first calls are under way while very many prompts are read.
        prompts = [prompt for kind in TYPES for prompt in self._prompts[kind]]
        self._known = asyncio.create_task(asyncio.to_thread(KnownPrompts, prompts, self._settings.max_similarity))
        workers = [
            asyncio.create_task(self._work()) for _ in range(min(self._settings.threads, sum(self.missing.values())))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for task in (self._known, *workers):
                task.cancel()

    async def _work(self) -> None:
        while (slot := self._next_slot()) is not None:
            await self._fill(slot)

    def _next_slot(self) -> Slot | None:
        """A row of the type of which most are still to be handed out."""
        left = {kind: self.missing[kind] - self._handed[kind] for kind in TYPES if kind not in self._given_up}
        kind = max(left, key=lambda kind: left[kind], default=None)
        if self.ended is not None or kind is None or left[kind] < 1:
            return None
        number = self._handed[kind]
        self._handed[kind] += 1
        language = LANGUAGES[(self._had[kind] + number) % len(LANGUAGES)] if kind == "coding" else None
        return Slot(kind, number, language)

    async def _fill(self, slot: Slot) -> None:
        """Tries to make a row. Its type is given up when all tries in a row fail while no other row of it succeeds."""
        repeated, attempt, failures, accepted = None, 0, 0, self._ledger.accepted[slot.kind]
        while self.ended is None and slot.kind not in self._given_up:
            refusal = await self._attempt(slot, attempt, repeated)
            if refusal is None:
                return
            if accepted != self._ledger.accepted[slot.kind]:
                failures, accepted = 0, self._ledger.accepted[slot.kind]
            attempt, failures, repeated = attempt + 1, failures + 1, refusal.repeated
            if failures == self._settings.max_retries:
                self._given_up[slot.kind] = f"{refusal.reason}: {refusal.problem}"
                return
            pause = min(self._settings.max_backoff, 2.0 ** (failures - 1))
            await sleep_unless(self._over, max(pause, min(refusal.retry_after or 0.0, _LONGEST_PAUSE)))

    async def _attempt(self, slot: Slot, attempt: int, repeated: str | None) -> _Refusal | None:
        """Asks for a task, and up to twice for its correction; None if a row was written."""
        rng = Random(self._stream(slot, attempt))
        earlier = self._prompts[slot.kind]
        shown = repeated or (rng.choice(earlier) if earlier else None)
        asked = request(slot.kind, slot.language, *subjects(slot.kind, rng), shown)
        text, refusal = asked, _Refusal("", "")
        for correction in range(1 + _RECTIFICATIONS):
            seed = _seed(self._stream(slot, attempt, correction))
            try:
                reply = await self._ask(slot, text, seed, rectified=correction > 0)
            except CallError as error:
                return _Refusal(error.reason, str(error), retry_after=error.retry_after)
            verdict = await self._judge(slot, reply, seed, rectified=correction > 0)
            if verdict is None:
                return None
            refusal = verdict
            self._refuse(slot, reply, refusal, rectified=correction > 0)
            if refusal.check is None and refusal.draft is not None:
                break  # nothing is wrong with it but that it is there already
            scores = (refusal.check.format_score, refusal.check.correctness_score) if refusal.check else (0.0, 0.0)
            text = rectification(asked, reply.text, refusal.problem, *scores)
        return refusal

    def _stream(self, slot: Slot, *place: int) -> str:
        """Names what is drawn for a call."""
        parts = (self._settings.seed, self._begun_at, slot.kind, slot.number, *place)
        return "/".join(map(str, parts))

    async def _ask(self, slot: Slot, text: str, seed: int, *, rectified: bool) -> Reply:
        try:
            reply = await self._writer.ask(slot.kind, text, system=SYSTEM, seed=seed, rectified=rectified)
        except CallError as error:
            self._hear(error)
            self._debug(slot, text, f"{error.reason}: {error}")
            raise
        self._debug(slot, text, reply.text)
        return reply

    def _hear(self, error: CallError) -> None:
        if error.final:
            self._over.set()

    def _debug(self, slot: Slot, text: str, reply: str) -> None:
        """Keeps what was asked and answered, for people."""
        if not self._settings.debug:
            return
        path = self._settings.out_dir / DEBUG / f"{slot.kind}_{self._had[slot.kind] + slot.number:05d}.txt"
        parts = (f"=== system\n{SYSTEM}", f"=== prompt\n{text}", f"=== reply\n{reply}")
        with path.open("a", encoding="utf-8", errors="replace") as file:
            file.write("\n\n".join(parts) + "\n\n")

    async def _judge(self, slot: Slot, reply: Reply, seed: int, *, rectified: bool) -> _Refusal | None:
        """Accepts a reply, or says why not."""
        try:
            draft = read_draft(reply.text)
        except DraftError as error:
            return _Refusal("format", str(error))
        check = await asyncio.to_thread(self._checker.check, slot.kind, slot.language, draft)
        if not check.accepted:
            return _Refusal("quality", check.problem, check, draft)
        known = await self._known
        if (refusal := self._twin(draft, known)) is not None:
            return refusal
        pass_rate = await self._pass_rate(slot, check, draft, seed)
        # Another row may have been accepted meanwhile. From here to its end nothing else runs.
        if (refusal := self._twin(draft, known)) is not None:
            return refusal
        sample = Sample(
            slot.kind,
            draft.prompt,
            draft.answer,
            draft.response,
            check.quality,
            check.format_score,
            check.correctness_score,
            check.language,
            pass_rate,
            rectified,
            self._writer.model,
            seed,
            utc_now(),
            prompt_hash(draft.prompt),
        )
        self._ledger.accept(sample)
        known.add(draft.prompt)
        return None

    def _twin(self, draft: Draft, known: KnownPrompts) -> _Refusal | None:
        """Refuses what is in the dataset already, or in an evaluation set."""
        if (found := known.repeated(draft.prompt)) is not None:
            return _Refusal("duplicate", f"The prompt repeats an earlier one: {found[:500]}", None, draft, found)
        if self._evaluation is not None:
            matches = self._evaluation.matches([draft.prompt])[0]
            if any(match.kind != "template" for match in matches):
                return _Refusal("contaminated", "The prompt is in an evaluation set.", None, draft, draft.prompt)
        return None

    async def _pass_rate(self, slot: Slot, check: Check, draft: Draft, seed: int) -> float | None:
        """The share of the solver's tries that are right; None without a solver, or where none of its calls succeed."""
        if self._solver is None:
            return None
        solved: list[float] = []
        text = solving(slot.kind, draft.prompt)
        for number in range(self._settings.solver_samples):
            try:
                reply = await self._solver.ask(slot.kind, text, system=None, seed=seed + 1 + number)
            except CallError as error:
                self._hear(error)
                if error.final:
                    break
                continue
            score = await asyncio.to_thread(self._checker.score, slot.kind, check.language, reply.text, draft.answer)
            solved.append(score.correctness_score)
        return sum(solved) / len(solved) if solved else None

    def _refuse(self, slot: Slot, reply: Reply, refusal: _Refusal, *, rectified: bool) -> None:
        draft = refusal.draft or Draft("", "", "")
        check = refusal.check or Check(0.0, 0.0, "", None)
        failure = Failure(
            slot.kind,
            refusal.problem,
            refusal.reason,
            utc_now(),
            draft.prompt,
            draft.answer,
            draft.response,
            check.format_score,
            check.correctness_score,
            reply.text,
            rectified,
        )
        self._ledger.fail(failure)


def missing(settings: GenerationSettings, had: Mapping[TaskType, int]) -> dict[TaskType, int]:
    """How many rows of each type a dataset wants, in which there are some already."""
    wanted = targets(settings.num_samples, settings.shares)
    return {kind: max(0, wanted[kind] - had[kind]) for kind in TYPES}


def _seed(stream: str) -> int:
    return int.from_bytes(hashlib.sha256(stream.encode()).digest()[:8]) % SEEDS
