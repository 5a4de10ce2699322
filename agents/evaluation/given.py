"""What a person gives so that results are graded again: files, arguments and environments that no run may choose."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...envs.arguments import json_object


@dataclass(frozen=True, slots=True)
class Given:
    """What is trusted because a person typed it. What a run says makes nothing be imported, opened or asked.

    Attributes:
        files: of tasks; each run gets the one that holds its tasks, whichever that is.
        arguments: of environments, such as files whose names alone are recorded.
        envs: environments beside ours, ``my_package:Mine-v0`` if a module has to be imported to register one.
    """

    files: Sequence[str] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    envs: Sequence[str] = ()

    def named(self, id: str) -> str | None:
        """How a person named the environment of a run; None if nobody did.

        Args:
            id: as the run has it, with its module or without.
        """
        return next((one for one in self.envs if id in (one, one.rpartition(":")[2])), None)

    def of(self, run: Mapping[str, Any]) -> Given:
        """What is for one of many runs: of the arguments those that it names."""
        own = run["env"]["arguments"]
        return replace(self, arguments={name: value for name, value in self.arguments.items() if name in own})


NOTHING = Given()


def declare_given(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that `given_by` reads."""
    told = "the tasks of results that came from a file; may be repeated, and each gets the one that holds its tasks"
    parser.add_argument("--file", action="append", default=[], metavar="FILE", help=told)
    told = "arguments of the environment that results don't choose, such as files, as a JSON object"
    parser.add_argument("--arguments", type=json_object, default={}, metavar="JSON", help=told)
    told = "an environment that is not ours, such as my_package:Mine-v0, which imports my_package; may be repeated"
    parser.add_argument("--env", action="append", default=[], metavar="ID", help=told)


def given_by(arguments: argparse.Namespace) -> Given:
    """What was given on a command line."""
    return Given(tuple(arguments.file), arguments.arguments, tuple(arguments.env))
