"""The job for SLURM asks for what it says, found out with stand-ins of SLURM's commands."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

JOB = Path(__file__).parents[2] / "examples" / "train.slurm"
SRUN = """#!/bin/bash
echo "$@" >> "$ASKED"
trap 'echo told to stop >> "$ASKED"; exit 1' TERM
for ((k = 0; k < ${LASTS:-0}; k++)); do sleep 0.1; done
"""
SCONTROL = """#!/bin/bash
if [ "$1" = show ]; then printf 'a\\nb\\nc\\n'; else echo "scontrol $*" >> "$ASKED"; fi
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


@pytest.fixture
def start(tmp_path):
    """Starts the job among stand-ins; what they were asked goes to a file."""
    asked = tmp_path / "asked"
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    slurm = {"JOB_ID": "41234", "JOB_NODELIST": "a,b,c", "CPUS_PER_TASK": "64", "GPUS_ON_NODE": "2"}
    slurm = {f"SLURM_{name}": value for name, value in slurm.items()}

    def run(*arguments, **more):
        found = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ASKED": str(asked), "SAVE_DIR": str(tmp_path / "run")}
        return subprocess.Popen(["bash", JOB, *arguments], env=os.environ | slurm | found | more), asked

    return run


def test_each_machine_gets_a_torchrun(start):
    job, asked = start("model=hf", "model.name=m")
    assert job.wait(30) == 0
    (line,) = asked.read_text().splitlines()
    assert "--nodes=3 --ntasks=3 --nodelist=a,b,c torchrun --nnodes=3 --nproc_per_node=2" in line
    assert "--rdzv_endpoint=a:21234" in line
    assert line.endswith("model=hf model.name=m")
    assert "vllm" not in line


def test_some_machines_serve_and_the_others_learn(start):
    job, asked = start("model=hf", "model.name=m", SERVERS="1", MODEL="m")
    assert job.wait(30) == 0
    deadline = time.monotonic() + 10
    while len(lines := asked.read_text().splitlines()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    trainer = next(line for line in lines if "torchrun" in line)
    assert "--nodelist=a,b torchrun --nnodes=2" in trainer
    assert "rollout.backend=vllm rollout.servers=[http://c:8000,http://c:8001]" in trainer
    server = next(line for line in lines if "torchrun" not in line)
    assert "--nodes=1 --ntasks=1 --nodelist=c" in server


def test_a_job_whose_time_is_over_lets_the_run_stop_and_queues_up_again(start):
    job, asked = start(LASTS="100")
    while not asked.exists():
        time.sleep(0.05)
    job.send_signal(signal.SIGTERM)
    assert job.wait(30) == 0
    assert asked.read_text().splitlines()[1:] == ["told to stop", "scontrol requeue 41234"]
