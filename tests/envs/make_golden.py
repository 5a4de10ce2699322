"""Writes ``golden.json``: hashes of the first tasks of every environment and family, which freeze what ``-v0`` means.

Run ``python tests/envs/make_golden.py`` after adding an environment or a family. It says what is new, and it refuses
hashes that have changed: a change of tasks makes results incomparable, so it needs a new version of the id. Before the
first release, and where tasks were wrong, ``--change`` writes them all the same.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import gymnasium

import infinite_rl  # noqa: F401 (registers the environments)
from infinite_rl.datasets.coding.families import FAMILIES as CODING
from infinite_rl.datasets.coding.family import LANGUAGES
from infinite_rl.datasets.coding.source import CodingSource
from infinite_rl.datasets.fingerprint import fingerprint
from infinite_rl.datasets.reasoning.families import DOMAINS
from infinite_rl.datasets.reasoning.source import ReasoningSource
from infinite_rl.datasets.task import SPLITS
from infinite_rl.envs.registration import ENVIRONMENTS

PATH = Path(__file__).with_name("golden.json")
COUNT = 5
LEVELS = (1, 2, 3, 4)


def of_environment(env_id):
    """Its hashes by split, level and seed. What its episodes open with counts, such as a description of tools."""
    found = {}
    for split in SPLITS:
        for level in (None, *LEVELS):
            for seed in (0, 1):
                arguments = {"split": split, "seed": seed} | ({} if level is None else {"level": level})
                env = gymnasium.make(env_id, **arguments).unwrapped
                tasks = [env.tasks.task(index) for index in range(COUNT)]
                opened = [replace(task, messages=tuple(env.begin(task, 0).messages)) for task in tasks]
                found[f"{split}, {level or 'default'} level, seed {seed}"] = fingerprint(opened)
                env.close()
    return found


def of_source(source):
    return fingerprint(source.task(index) for index in range(COUNT))


def of_family(domain, name):
    """Its hashes by level, and those of programming tasks by language."""
    if domain == "coding":
        return {language: of_source(CodingSource(families=[name], language=language)) for language in LANGUAGES}
    return {f"level {level}": of_source(ReasoningSource(families=[name], level=level)) for level in LEVELS}


NAMES = [row.id for row in ENVIRONMENTS] + [
    f"{domain}/{name}" for domain, names in (DOMAINS | {"coding": tuple(CODING)}).items() for name in names
]


def golden(name):
    """The hashes of an environment's id, or of a family, such as ``logic/knights``."""
    return of_environment(name) if name.startswith("InfiniteRL/") else of_family(*name.split("/"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--change", action="store_true", help="write changed hashes too")
    change = parser.parse_args().change
    old = json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}
    new = {name: golden(name) for name in NAMES}
    print("new:", ", ".join(name for name in new if name not in old) or "none")
    changed = [name for name in old if new.get(name) != old[name]]
    print("changed:", ", ".join(changed) or "none")
    if changed and not change:
        raise SystemExit("Nothing is written: give what has changed a new version, or see --help.")
    PATH.write_text(json.dumps(new, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
