"""What a user may want: the kinds of details, how they are drawn, and how people say them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...datasets.drawing import Rng, integer, pick, word

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS = (8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21)
_QUARTERS = ("{hour}", "quarter past {hour}", "half past {hour}", "quarter to {next}")
# Without letters and digits that look alike.
_CODE_LETTERS = "ACDEFGHJKLMNPQRTUVWXY34679"
_CODE_LENGTH = 5

Value: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class Slot(ABC):
    """One detail.

    Attributes:
        name: the member of the result.
        keywords: words by which the user knows that this is asked, in lower case; the name is one.
    """

    name: str
    keywords: Sequence[str]

    @property
    @abstractmethod
    def form(self) -> str:
        """Which values there are, for the agent."""

    @abstractmethod
    def draw(self, rng: Rng) -> Value:
        """Draws a value."""

    @abstractmethod
    def say(self, value: Value) -> str:
        """A sentence that gives the value."""

    @abstractmethod
    def hint(self, value: Value, rng: Rng) -> str:
        """A sentence from which the value follows."""

    def values(self) -> list[str]:
        """All values as words of a text, in lower case; none where they are too many to be listed."""
        return []


@dataclass(frozen=True, slots=True)
class Choice(Slot):
    """One of some words."""

    options: Sequence[str]

    @property
    def form(self) -> str:
        """The options."""
        return f"one of {', '.join(self.options)}"

    def draw(self, rng: Rng) -> Value:
        """Any option."""
        return pick(rng, self.options)

    def say(self, value: Value) -> str:
        """Names it."""
        return f"The {self.name}: {value}, please."

    def hint(self, value: Value, rng: Rng) -> str:
        """Names all others."""
        others = [option for option in self.options if option != value]
        return f"As for the {self.name}, anything but {', '.join(others[:-1])} or {others[-1]}."

    def values(self) -> list[str]:
        """The options."""
        return [option.lower() for option in self.options]


@dataclass(frozen=True, slots=True)
class Day(Slot):
    """A day of the week."""

    @property
    def form(self) -> str:
        """Weekdays in full."""
        return "a day of the week, such as Monday"

    def draw(self, rng: Rng) -> Value:
        """Any day."""
        return pick(rng, DAYS)

    def say(self, value: Value) -> str:
        """Names it."""
        return f"On {value}."

    def hint(self, value: Value, rng: Rng) -> str:
        """Counts from another day."""
        steps = pick(rng, (-2, -1, 1, 2))
        other = DAYS[(DAYS.index(str(value)) + steps) % 7]
        return f"{'Two days' if abs(steps) == 2 else 'The day'} {'before' if steps > 0 else 'after'} {other}."

    def values(self) -> list[str]:
        """All days."""
        return [day.lower() for day in DAYS]


@dataclass(frozen=True, slots=True)
class Time(Slot):
    """A time of the day, in quarters of an hour."""

    @property
    def form(self) -> str:
        """24 hours."""
        return "a time as HH:MM, from 00:00 to 23:59"

    def draw(self, rng: Rng) -> Value:
        """Between 8 and 22 o'clock, but not around noon."""
        return f"{pick(rng, _HOURS):02}:{15 * integer(rng, 0, 3):02}"

    def say(self, value: Value) -> str:
        """As it is written."""
        return f"At {value}."

    def hint(self, value: Value, rng: Rng) -> str:
        """As people say it, in 12 hours."""
        hour, quarter = int(str(value)[:2]), int(str(value)[3:]) // 15
        part = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
        spoken = _QUARTERS[quarter].format(hour=(hour - 1) % 12 + 1, next=hour % 12 + 1)
        return f"At {spoken} in the {part}."

    def values(self) -> list[str]:
        """All that may be drawn."""
        return [f"{hour:02}:{15 * quarter:02}" for hour in _HOURS for quarter in range(4)]


@dataclass(frozen=True, slots=True)
class Count(Slot):
    """How many."""

    low: int
    high: int

    @property
    def form(self) -> str:
        """Whole numbers."""
        return f"a whole number from {self.low} to {self.high}"

    def draw(self, rng: Rng) -> Value:
        """Any number."""
        return integer(rng, self.low, self.high)

    def say(self, value: Value) -> str:
        """The number."""
        return f"The number of {self.name}: {value}."

    def hint(self, value: Value, rng: Rng) -> str:
        """A sum."""
        first = integer(rng, 1, int(value) - 1)
        return f"The number of {self.name}: {first}, and then {int(value) - first} more."

    def values(self) -> list[str]:
        """All numbers."""
        return [str(number) for number in range(self.low, self.high + 1)]


@dataclass(frozen=True, slots=True)
class Code(Slot):
    """A number that nobody can guess."""

    @property
    def form(self) -> str:
        """Letters and digits."""
        return f"{_CODE_LENGTH} letters and digits"

    def draw(self, rng: Rng) -> Value:
        """Any code."""
        return word(rng, _CODE_LENGTH, _CODE_LETTERS)

    def say(self, value: Value) -> str:
        """In one piece."""
        return f"The {self.name} is {value}."

    def hint(self, value: Value, rng: Rng) -> str:
        """From the end to the beginning."""
        return f"The {self.name}, read backwards, is {', '.join(reversed(str(value)))}."
