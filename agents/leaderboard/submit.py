"""The command ``infinite-rl submit``."""

import argparse


def declare(parser: argparse.ArgumentParser) -> None: ...
def run(arguments: argparse.Namespace) -> int:
    return 0
