"""Whether a submission says what its samples show: everything is counted and graded again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ...envs.agent_loop import ENDPOINT_ERROR
from ...envs.registration import ENVIRONMENTS
from ..evaluation.about import hashes_of
from ..evaluation.benchmarks import BENCHMARKS
from ..evaluation.given import NOTHING, Given
from ..evaluation.recording import LONGEST_REASON
from ..evaluation.regrading import is_foreign, regrade
from ..evaluation.results import FAILURES, RUN, SAMPLES, Results, Sample, read_results
from ..evaluation.subject import Subject, not_taken, subject_of
from .leaks import leaks
from .recount import disagreements, figures_of
from .schema import malformed
from .settings import withheld

NOT_PROVABLE = (
    "which model wrote the transcripts, and with which sampling, seed and hardware",
    "whether samples were thrown away until better ones came",
    "when it was: started and finished are what the files say",
    "tokens, seconds and finish reasons of single samples",
    "what is declared about contamination and tools",
)
"""What no check of the files can show; told each time."""

# What files are called in the ids of tasks that have none of their own.
_FILE = re.compile(r"[\w-]{1,80}(?:/[\w-]{1,80}){0,8}")
# What a replay of the transcript decides.
_GRADED = ("passed", "status", "reward", "answer", "components", "terminated", "turns")
_MOST = 5


@dataclass(slots=True)
class Report:
    """What a check found.

    Attributes:
        problems: one line for each reason to refuse.
        ungraded: why the samples can't be graded again here; empty if they were, or if they are refused anyway.
        notes: what people should know.
        regraded: how many samples were graded again.
        results: what was checked; None if it can't be read. The samples are those that were graded again, if they were:
            their ids, and why they got their verdicts, are this installation's words.
        figures: what the samples give, whatever the file says.
    """

    problems: list[str] = field(default_factory=list)
    ungraded: str = ""
    notes: list[str] = field(default_factory=list)
    regraded: int = 0
    results: Results | None = None
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def reasons(self) -> list[str]:
        """Why it is not handed in: what is refused, and what could not be looked at."""
        return [*self.problems, *filter(None, [self.ungraded])]

    def files(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """``run.json`` and ``result.json`` of what was accepted."""
        assert self.results is not None, "only what was read is accepted"
        assert self.results.result is not None, "only what is finished is accepted"
        return self.results.run, self.results.result


def check(
    folder: Path,
    *,
    given: Given = NOTHING,
    private: bool | None = None,
    canaries: Sequence[str] = (),
    words: str = "",
) -> Report:
    """Checks the three files of a submission, and its card if there is one.

    Args:
        folder: where they lie.
        given: files, arguments and environments that are not taken from a submission.
        private: whether its tasks are kept back, so that a canary may stand in them; by default what the run says.
        canaries: marks of private splits, beside those of the usual form.
        words: what the submitter adds to the card.
    """
    report = Report(notes=[f"not provable: {line}" for line in NOT_PROVABLE])
    try:
        results = read_results(folder)
    except (ValueError, OSError, RecursionError) as error:
        report.problems.append(str(error).replace(f"{folder}/", "").replace(f"{folder}: ", ""))
        return report
    # Without these fields nothing else can be looked at.
    report.problems += malformed(results)
    if report.problems:
        return report
    report.results = results
    report.figures = figures_of(results)
    report.problems += disagreements(results, report.figures)
    report.problems += leaks(results, canaries, words, private=withheld(results.run) if private is None else private)
    report.problems += _declared(results.run)
    report.problems += _limits(results)
    # Before anything is made that the submission names.
    if results.run["env"]["tasks"] > len(results.samples):
        told = f'"env.tasks" is {results.run["env"]["tasks"]}, and there are {len(results.samples)} samples'
        report.problems.append(f"{RUN}: {told}")
        return report
    if foreign := [*_foreign(results.run["env"], given)]:
        report.ungraded = "; ".join(foreign)
        return report
    try:
        subject = subject_of(results.run, given)
    except (ValueError, TypeError, LookupError, OSError, ImportError) as error:
        told = f"{RUN}: the environment can't be made again: {error}"
        if _made_here(results.run["env"]):
            report.problems.append(told)
        else:
            report.ungraded = told
        return report
    report.problems += _other_subject(results.run["env"], subject.about)
    report.problems += _other_code(results.run, subject)
    samples = [one for one in results.samples if one["task_index"] in subject.tasks]
    report.problems += _not_asked(results.samples, subject)
    try:
        again = regrade(samples, subject.env, max_turns=results.run["sampling"]["max_turns"])
    except Exception as error:  # Whatever a submission holds, it is refused and not more.
        report.problems.append(f"{SAMPLES}: a transcript can't be replayed ({type(error).__name__}: {error})")
        return report
    report.problems += _other_verdicts(samples, again, subject)
    report.results = replace(results, samples=[_as_known(one, subject) for one in again])
    report.regraded = len(results.samples)
    return report


def _foreign(env: Mapping[str, Any], given: Given) -> Iterator[str]:
    """What a submission could make this machine import, open, connect to or compute, beyond grading."""
    ours = env["id"] in BENCHMARKS or any(env["id"] == row.id for row in ENVIRONMENTS)
    if not ours and given.named(env["id"]) is None:
        why = "none of the environments and benchmarks of this installation; whoever trusts it gives it by --env"
        yield f'{RUN}: "env.id" is {_brief(env["id"])}, {why}'
    by_hand = {**given.arguments, **({"tasks": ""} if given.files else {})}
    for name in not_taken(env["arguments"], by_hand):
        how = "--file or --arguments" if name == "tasks" else "--arguments"
        why = f"since it may name files or servers; whoever trusts it gives it by {how}"
        yield f'{RUN}: "env.arguments.{name[:80]}" is not taken from a submission, {why}'


def _made_here(env: Mapping[str, Any]) -> bool:
    """Whether an environment and its tasks need nothing but this installation, so that other tasks are forged."""
    return any(env["id"] == row.id for row in ENVIRONMENTS) and not not_taken(env["arguments"], {})


def _other_subject(told: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """Where ``env`` says something else than the environment that was made from it does."""
    for name in {**found, **told}:
        if name not in told or name not in found or told[name] != found[name]:
            was, now = (_brief(one[name]) if name in one else "missing" for one in (told, found))
            yield f'{RUN}: "env.{name[:80]}" is {was}, the environment made from it has {now}'


def _other_code(run: Mapping[str, Any], subject: Subject) -> Iterator[str]:
    now = hashes_of(subject, run["model"], run["sampling"])
    # Those too that the subject does not give: entries with other hashes are not ranked together.
    for name in {**now, **run["hashes"]}:
        if (told := run["hashes"].get(name)) != now.get(name):
            yield f'{RUN}: "hashes.{name[:80]}" is {_brief(told)}, but this installation has {_brief(now.get(name))}'
    if (prompt := run["sampling"]["prompt"]) != subject.prompt:
        yield f'{RUN}: "sampling.prompt" is {_brief(prompt)}, and the tasks are asked with {_brief(subject.prompt)}'


def _not_asked(samples: Sequence[Sample], subject: Subject) -> Iterator[str]:
    asked = subject.tasks
    others = (one["task_index"] for one in samples if one["task_index"] not in asked)
    told = (f"{SAMPLES}: task {index} is none of the {len(asked)} that were asked" for index in others)
    yield from _first(told, "more samples of tasks that were not asked")


def _other_verdicts(samples: Sequence[Sample], again: Sequence[Sample], subject: Subject) -> Iterator[str]:
    """The samples that a replay judges otherwise, or that are said to be of another task or domain."""
    yield from _first(filter(None, map(_changed, samples, again)), "more samples that a regrade judges otherwise")
    yield from _first(_other_ids(samples, subject), "more samples of another task")
    yield from _first(filter(None, (_other_domain(one, subject) for one in samples)), "more samples of another domain")


def _changed(old: Sample, new: Sample) -> str:
    """How a sample's verdict differs from the new one; empty if it doesn't."""
    names = [name for name in _GRADED if old[name] != new[name]]
    where = f"{SAMPLES}: task {old['task_index']} ({old['task_id'][:80]}), sample {old['sample']}"
    if is_foreign(new):  # also if all figures are those of a failure, or any answer could be hidden as one
        return f"{where}: {new['error_msg']}"
    if not names:
        return ""
    if new["status"] in FAILURES and old["status"] not in FAILURES:
        return f"{where}: {new['error_msg']}"
    told = ", ".join(f"{name} is {_brief(old[name])}, a regrade gives {_brief(new[name])}" for name in names)
    return f"{where}: {told}"


def _other_ids(samples: Sequence[Sample], subject: Subject) -> Iterator[str]:
    """Samples whose id is not their task's; what a file was called may differ, in all of them alike."""
    called: dict[str, str] = {}
    for one in samples:
        own, told = subject.tasks[one["task_index"]].id, one["task_id"]
        file, _, number = own.rpartition("/")
        name, _, other = told.rpartition("/")
        if file in subject.files and number == other and _FILE.fullmatch(name):
            known = called.setdefault(file, name) == name
        else:
            known = told == own
        if not known:
            wanted = _brief(_known_id(own, subject))
            yield f"{SAMPLES}: task {one['task_index']}: task_id is {_brief(told)}, the task's is {wanted}"


def _as_known(sample: Sample, subject: Subject) -> Sample:
    """A sample that was graded again, without words that nobody could check.

    Why an endpoint broke one off is known to the submitter alone.
    """
    told = "" if sample["status"] == ENDPOINT_ERROR else sample["error_msg"]
    return sample | {"task_id": _known_id(subject.tasks[sample["task_index"]].id, subject), "error_msg": told}


def _known_id(id: str, subject: Subject) -> str:
    """The id of a task; one made of a file's name, which anybody may choose, has the environment's instead."""
    file, _, number = id.rpartition("/")
    if file not in subject.files:
        return id
    place = [str(1 + subject.files.index(file))] if len(subject.files) > 1 else []
    return "/".join([str(subject.about["id"]).removeprefix("InfiniteRL/"), *place, number])


def _other_domain(sample: Sample, subject: Subject) -> str:
    domain = subject.tasks[sample["task_index"]].domain
    if sample["domain"] == domain:
        return ""
    where = f"{SAMPLES}: task {sample['task_index']} ({sample['task_id'][:80]}), sample {sample['sample']}"
    return f"{where}: domain is {_brief(sample['domain'])}, the task's is {_brief(domain)}"


def _limits(results: Results) -> Iterator[str]:
    """Samples beyond what the sampling, or a record, allows."""
    sampling = results.run["sampling"]
    tokens, turns = sampling["max_tokens"], sampling["max_turns"]

    def problem(sample: Sample) -> str:
        """The limit that a sample is beyond; empty if it is within all."""
        where = f"{SAMPLES}: task {sample['task_index']}, sample {sample['sample']}"
        if tokens is not None and sample["completion_tokens"] > tokens * max(1, sample["turns"]):
            told = f"{sample['completion_tokens']} tokens in {sample['turns']} turns"
            return f"{where}: {told}; sampling.max_tokens is {tokens}"
        if turns is not None and sample["turns"] > turns:
            return f"{where}: {sample['turns']} turns; sampling.max_turns is {turns}"
        if len(sample["finish_reason"]) > LONGEST_REASON:
            return f"{where}: finish_reason is longer than {LONGEST_REASON} characters"
        return ""

    yield from _first(filter(None, map(problem, results.samples)), "more samples beyond these limits")


def _declared(run: Mapping[str, Any]) -> Iterator[str]:
    declared = run["declarations"]
    contamination, tools = declared.get("contamination"), declared.get("tools")
    if not isinstance(contamination, str) or not contamination.strip():
        yield (
            f'{RUN}: "declarations.contamination" is missing: say whether the model was trained on these tasks or on '
            "ones like them"
        )
    if not isinstance(tools, list) or not all(isinstance(name, str) for name in tools):
        yield f'{RUN}: "declarations.tools" is missing: name the tools that the model had, or give an empty list'


def _first(lines: Iterator[str], more: str) -> Iterator[str]:
    yield from islice(lines, _MOST)
    if count := sum(1 for _ in lines):
        yield f"{SAMPLES}: and {count} {more}"


def _brief(value: object) -> str:
    """A value as the files have it, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:79] + "…"
