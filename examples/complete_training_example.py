"""Whole trainings with the primitives, one after the other: PPO on text, GRPO on self-verification, Pareto, your own.

python examples/complete_training_example.py                    all of them, on a tiny model made on the spot
python examples/complete_training_example.py pareto             one of them
python examples/complete_training_example.py --iterations 2     a look at each

Each is a program of its own in examples/primitives/, of one screen or two, made to be copied.
"""

import argparse
import runpy
import sys
from pathlib import Path

from needs import libraries

PRIMITIVES = Path(__file__).resolve().parent / "primitives"
TRAININGS = ("ppo_text", "grpo_self_verification", "pareto", "custom_environment")


def main() -> None:
    """Runs them."""
    parser = argparse.ArgumentParser(description="Trains with the primitives, in four ways.")
    parser.add_argument("trainings", nargs="*", metavar="NAME", help=f"of {', '.join(TRAININGS)}; by default all")
    parser.add_argument("--iterations", help="of each; by default as many as make a difference")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.trainings) - set(TRAININGS))
    if unknown:
        parser.error(f"there is no {unknown[0]}; choose from {', '.join(TRAININGS)}")
    with libraries():
        import torch  # noqa: F401  what is missing is told before anything is done
    for name in arguments.trainings or TRAININGS:
        program = PRIMITIVES / f"{name}.py"
        print(f"== {name}: {(program.read_text('utf-8').partition('.')[0]).strip(chr(34))}.", flush=True)
        sys.argv = [str(program), *(["--iterations", arguments.iterations] if arguments.iterations else [])]
        runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    main()
