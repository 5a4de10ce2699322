"""Generates tasks with Gemini: ``python scripts/generate.py --num_samples 100 --out_dir ./my_dataset --threads 4``.

The same as ``infinite-rl generate``; see docs/generation.md.
"""

import sys

from infinite_rl.cli import main

if __name__ == "__main__":
    sys.exit(main(["generate", *sys.argv[1:]]))
