"""What is to be generated, and how."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias, get_args

TaskType: TypeAlias = Literal["coding", "math"]
TYPES: tuple[TaskType, ...] = get_args(TaskType)
Language: TypeAlias = Literal["python", "javascript"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Shares: TypeAlias = Mapping[TaskType, Fraction]

DEFAULT_MODEL = "gemini-2.0-flash-exp"
MOST_THREADS = 1_000


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """What is to be generated, and how.

    Attributes:
        num_samples: rows that the dataset is to have in the end, those that are there already included.
        out_dir: the dataset's folder.
        model_name: the model that writes the tasks.
        task_dist: the types' weights, in the order of `TYPES`.
        threads: rows that are made at the same time.
        max_retries: failed tries in a row, without a row of the type in between, after which it is given up.
        timeout: seconds that all tests of a program may take together.
        save_every: after so many rows the file is forced onto the disk; each is written as soon as it succeeds.
        request_timeout: seconds that a call may take.
        max_backoff: seconds between two tries, at most.
        seed: of what is drawn here (languages, subjects, earlier prompts), and of the calls.
        max_similarity: the share of an earlier prompt that makes a prompt a duplicate of it; see `KnownPrompts`.
        evaluation: files of tasks whose prompts may not be in the dataset.
        solver_model: the model whose pass rate measures how difficult a task is; None measures nothing.
        solver_samples: its tries for each task.
        debug: write each call's prompt and reply into ``debug_prompts``.

    Raises:
        ValueError: a value is impossible; the message says which.
    """

    num_samples: int = 10
    out_dir: Path = Path("data")
    model_name: str = DEFAULT_MODEL
    task_dist: Sequence[float | str | Fraction] = (0.5, 0.5)
    threads: int = 1
    max_retries: int = 5
    timeout: float = 5.0
    save_every: int = 1
    request_timeout: float = 120.0
    max_backoff: float = 60.0
    seed: int = 0
    max_similarity: float = 0.9
    evaluation: Sequence[str] = ()
    solver_model: str | None = None
    solver_samples: int = 4
    debug: bool = False
    shares: Shares = field(init=False)

    def __post_init__(self) -> None:
        """Refuses impossible values."""
        for name in ("num_samples", "threads", "max_retries", "save_every", "seed", "solver_samples"):
            if not isinstance(getattr(self, name), int):
                raise ValueError(f"{name} must be a whole number, not {getattr(self, name)!r}")
        for name, least in (("num_samples", 0), ("threads", 1), ("max_retries", 1), ("save_every", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if self.threads > MOST_THREADS:
            raise ValueError(f"threads must be at most {MOST_THREADS}, not {self.threads}")
        if self.solver_samples < 1:
            raise ValueError(f"solver_samples must be at least 1, not {self.solver_samples}")
        for name in ("timeout", "request_timeout"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a positive number of seconds, not {getattr(self, name)}")
        if not 0 <= self.max_backoff < math.inf:
            raise ValueError(f"max_backoff must be a number of seconds, not {self.max_backoff}")
        if not 0 < self.max_similarity <= 1:
            raise ValueError(f"max_similarity must be above 0 and at most 1, not {self.max_similarity}")
        if not self.model_name.strip():
            raise ValueError("model_name is empty. Give a model, such as gemini-2.0-flash-exp.")
        object.__setattr__(self, "out_dir", Path(self.out_dir).expanduser())
        object.__setattr__(self, "shares", read_shares(self.task_dist))


def read_shares(weights: Sequence[float | str | Fraction]) -> dict[TaskType, Fraction]:
    """The types' shares, which add up to 1, from their weights.

    They are fractions: of 100 rows a weight of 0.29 means 29, while the float nearest to it would give 28.

    Raises:
        ValueError: there is not one weight for each type, or one is negative or no number, or all are zero.
    """
    if len(weights) != len(TYPES):
        raise ValueError(f"there must be {len(TYPES)} weights ({', '.join(TYPES)}), not {len(weights)}")
    read = [_weight(weight) for weight in weights]
    if not sum(read):
        raise ValueError("all weights are zero")
    return {kind: weight / sum(read) for kind, weight in zip(TYPES, read, strict=True)}


def _weight(weight: float | str | Fraction) -> Fraction:
    try:
        # The shortest text of a float is what its writer meant; exponents are bounded by the floats' range.
        value = weight if isinstance(weight, Fraction) else Fraction(repr(float(weight)))
    except (ValueError, OverflowError):  # also nan and inf
        raise ValueError(f"{weight!r} is no number") from None
    if value < 0:
        raise ValueError(f"{weight} is negative")
    return value


def targets(num_samples: int, shares: Shares) -> dict[TaskType, int]:
    """How many rows of each type there are to be: the whole part of each share, and the rest of the first type."""
    found = {kind: int(num_samples * share) for kind, share in shares.items()}
    first = next(kind for kind, share in shares.items() if share)
    found[first] += num_samples - sum(found.values())
    return found
