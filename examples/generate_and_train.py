"""Generates a dataset from a server, and trains a tiny model on it: three minutes on a CPU, without a key.

python examples/generate_and_train.py [--samples 600] [--steps 120] [--out_dir FOLDER]

The server stands in for Gemini (see local_gemini.py). With GEMINI_API_KEY in the environment the first half is
`infinite-rl generate --num_samples 600 --task_dist 0,1 --out_dir FOLDER --threads 16`.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from threading import Thread

from local_gemini import Handler, LocalServer
from needs import libraries

from infinite_rl import generate_dataset
from infinite_rl.datasets.generation.generate import Server

parser = argparse.ArgumentParser(description="Generates a dataset, and trains a tiny model on it.")
parser.add_argument("--samples", type=int, default=600, help="rows of the dataset (default: 600)")
parser.add_argument("--steps", type=int, default=120, help="of training (default: 120)")
parser.add_argument("--out_dir", type=Path, help="where dataset and run go (default: a new folder for temporary files)")


def main(samples: int, steps: int, folder: Path) -> int:
    """Generates and trains; the value is the exit code."""
    with libraries():
        import torch  # noqa: F401 (at once, not when the tasks are there)
        from google import genai  # noqa: F401

        from infinite_rl.agents.train import main as train
    with LocalServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        local = Server(base_url=f"http://127.0.0.1:{server.server_address[1]}")
        outcome = generate_dataset("local", samples, folder, task_dist=(0, 1), num_threads=8, server=local)
        server.shutdown()
    print(f"{sum(outcome.rows.values())} rows from {outcome.calls} calls in {folder / 'dataset.csv'}", flush=True)
    return train(
        [
            "data=file",
            f"data.train_path={folder / 'dataset.csv'}",
            f"data.validation_size={samples // 10}",
            f"data.test_size={samples // 5}",
            f"trainer.steps={steps}",
            f"actor.decay_steps={steps}",
            f"trainer.save_dir={folder / 'run'}",
        ]
    )


if __name__ == "__main__":
    given = parser.parse_args()
    sys.exit(main(given.samples, given.steps, given.out_dir or Path(tempfile.mkdtemp(prefix="infinite-rl-"))))
