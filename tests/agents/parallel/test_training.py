"""A run on several processes is the run of one: the same metrics, resumed by any number of them, whoever is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma2Config

sys.path.insert(0, str(Path(__file__).parent))
from gloo import run

from infinite_rl.agents.config import TinyConfig
from infinite_rl.agents.models.tiny_model import make_model, make_tokenizer
from infinite_rl.agents.train import main

RUN = [
    *("model.warm_start.max_steps=6", "model.warm_start.check_every=3", "trainer.progress=false"),
    *("data.train_size=60", "data.validation_size=10", "data.test_size=10", "evaluation.samples_per_prompt=2"),
    *("data.prompts_per_rollout=6", "data.responses_per_prompt=4", "evaluation.every=2", "trainer.save_every=1"),
    *("actor.lr=1e-3", "actor.kl_coef=0.1", "actor.entropy_coef=0.01", "trainer.threads=1"),
]
# Differences of numbers that are nearly equal: all that is in them is rounding.
ROUNDING = ("ratio_std", "sampler_gap", "sampler_kl", "clip_fraction")


def start(count, *arguments, restarts=0, **options):
    """The command under torchrun."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={count}"]
    command = [*launch, f"--max_restarts={restarts}", "--monitor_interval=0.2", "-m", "infinite_rl.agents.train"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )


def train(count, *arguments):
    process = start(count, *arguments)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    return told


def rows(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def assert_same(found, expected):
    assert len(found) == len(expected)
    for row, other in zip(found, expected, strict=True):
        place = other["phase"], other["step"]
        assert row.keys() == other.keys(), place
        for name, value in other.items():
            if name not in ROUNDING:
                near = pytest.approx(value, rel=1e-4, abs=1e-6) if isinstance(value, float) else value
                assert row[name] == near, (place, name)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Makes a run of one process, of four steps."""
    made = {}

    def make(*arguments):
        if arguments not in made:
            folder = made[arguments] = tmp_path_factory.mktemp("alone")
            assert main([*RUN, "trainer.steps=4", f"trainer.save_dir={folder}", *arguments]) == 0
        return rows(made[arguments])

    return make


def train_on_a_rank(arguments):
    """The command as torchrun starts it; what it says."""
    os.environ["LOCAL_RANK"] = os.environ["RANK"]
    with redirect_stdout(StringIO()) as told:
        assert main(arguments) == 0
    return told.getvalue()


def test_processes_that_share_the_weights_begin_and_one_goes_on(tmp_path, alone):
    arguments = [*RUN, "trainer.steps=2", f"trainer.save_dir={tmp_path}"]
    told = run(__file__, "train_on_a_rank", 2, arguments, timeout=300, joins=False)
    assert ["10 test tasks" in words for words in told] == [True, False]  # one process talks
    assert main(["--resume", str(tmp_path), "trainer.steps=4"]) == 0
    assert_same(rows(tmp_path), alone())
    assert (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_one_begins_and_processes_that_share_each_layer_go_on(tmp_path, alone):
    assert main([*RUN, "trainer.steps=2", f"trainer.save_dir={tmp_path}"]) == 0
    train(2, "--resume", str(tmp_path), "trainer.steps=4", "parallel.tp=2")
    assert_same(rows(tmp_path), alone())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "how"),
    [
        (2, ["parallel.ddp=2"]),
        (2, ["parallel.sp=2"]),
        (4, ["parallel.ddp=2", "parallel.tp=2"]),
        (4, ["parallel.sp=2", "parallel.tp=2"]),
        (4, ["parallel.sp=2"]),
        (3, []),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else str(value),
)
@pytest.mark.parametrize(
    "job", [[], ["algorithm=ppo"], ["replay=policy_gradient"], ["actor.epochs=2", "actor.minibatches=2"]], ids=str
)
def test_every_mesh_and_algorithm_does_what_one_process_does(tmp_path, alone, count, how, job):
    train(count, *RUN, *job, *how, "trainer.steps=4", f"trainer.save_dir={tmp_path}")
    assert_same(rows(tmp_path), alone(*job))


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        ["algorithm=ppo", "parallel.fsdp=2", "parallel.critic={tp: 2}"],
        ["parallel.tp=2", "parallel.reference={sp: 2}"],
        ["parallel.sp=2", "adv.filter_groups=true", "adv.max_rounds=2"],
    ],
    ids=str,
)
def test_models_divided_in_ways_of_their_own_do_what_whole_ones_do(tmp_path, alone, how):
    job = [one for one in how if not one.startswith("parallel")]
    train(2, *RUN, *how, "trainer.steps=4", f"trainer.save_dir={tmp_path}")
    assert_same(rows(tmp_path), alone(*job))


@pytest.mark.slow
def test_adapters_are_trained_as_by_one_process(tmp_path):
    base = tmp_path / "base"
    tokenizer = make_tokenizer()
    shape = TinyConfig(hidden_size=32, layers=2, heads=4, kv_heads=2, mlp_size=64, max_positions=256)
    make_model(tokenizer, shape, seed=0).save_pretrained(base)
    tokenizer.save_pretrained(base)
    job = ["model=lora", f"model.name={base}", "model.weights=float32", "rollout.max_new_tokens=8"]
    common = [one for one in RUN if "warm_start" not in one]
    train(2, *common, *job, "trainer.steps=3", f"trainer.save_dir={tmp_path / 'two'}")
    assert main([*common, *job, "trainer.steps=3", f"trainer.save_dir={tmp_path / 'one'}"]) == 0
    assert_same(rows(tmp_path / "two"), rows(tmp_path / "one"))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["parallel.sp=2", "parallel.tp=2"])
def test_a_model_with_windows_and_capped_products_is_trained_as_by_one_process(tmp_path, how):
    base, tokenizer = tmp_path / "base", make_tokenizer()
    config = Gemma2Config(
        vocab_size=2 * -(-len(tokenizer) // 2),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        head_dim=8,
        query_pre_attn_scalar=8,
        max_position_embeddings=256,
        sliding_window=9,
        attn_logit_softcapping=2.0,
        final_logit_softcapping=5.0,
        **{name: getattr(tokenizer, name) for name in ("pad_token_id", "bos_token_id", "eos_token_id")},
    )
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(base)
    tokenizer.save_pretrained(base)
    job = ["model=hf", f"model.name={base}", "model.weights=float32", "rollout.max_new_tokens=8", "trainer.steps=3"]
    common = [one for one in RUN if "warm_start" not in one]
    train(2, *common, *job, how, f"trainer.save_dir={tmp_path / 'two'}")
    assert main([*common, *job, f"trainer.save_dir={tmp_path / 'one'}"]) == 0
    assert_same(rows(tmp_path / "two"), rows(tmp_path / "one"))


@pytest.mark.slow
def test_asynchronous_rollouts_of_the_first_process_are_learnt_from_by_all(tmp_path):
    train(2, *RUN, "rollout.staleness=2", "trainer.steps=4", f"trainer.save_dir={tmp_path}")
    found = [row for row in rows(tmp_path) if row["phase"] == "train"]
    assert [row["step"] for row in found] == [1, 2, 3, 4]
    assert max(row["staleness_max"] for row in found) <= 2


def workers(process):
    """The processes that torchrun has started, by their ranks."""
    found = {}
    for line in subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True).stdout.splitlines()[1:]:
        pid, parent = map(int, line.split())
        if parent == process.pid:
            with open(f"/proc/{pid}/environ") as file:
                rank = re.search(r"\0RANK=(\d+)\0", file.read())
            if rank is not None:
                found[int(rank[1])] = pid
    return found


def wait_for_checkpoint(folder, step, process):
    deadline = time.monotonic() + 240
    while not (folder / "checkpoints" / f"step-{step:08d}").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_all_soon_with_one_message(tmp_path, victim):
    process = start(2, *RUN, "trainer.steps=1000", f"trainer.save_dir={tmp_path}")
    wait_for_checkpoint(tmp_path, 1, process)
    os.kill(workers(process)[victim], signal.SIGKILL)
    killed = time.monotonic()
    told, _ = process.communicate(timeout=90)
    assert time.monotonic() - killed < 60
    assert process.returncode != 0
    assert told.count("error: the run ended at step") == 1
    assert "another process of the run has ended" in told
    assert "--resume" in told


@pytest.mark.slow
def test_a_process_that_hangs_ends_all_with_one_message(tmp_path):
    process = start(2, *RUN, "trainer.steps=1000", f"trainer.save_dir={tmp_path}")
    wait_for_checkpoint(tmp_path, 1, process)
    os.kill(workers(process)[1], signal.SIGSTOP)
    told, _ = process.communicate(timeout=240)  # torchrun itself waits half a minute for one that does not end
    assert process.returncode != 0
    assert told.count("error: process 1 of the run has not answered for 45 s") == 1
    assert "error: the run ended" not in told
    assert "--resume" in told


@pytest.mark.slow
def test_a_killed_process_is_started_again_and_no_step_is_lost(tmp_path, alone):
    arguments = [*RUN, "trainer.steps=4", f"trainer.save_dir={tmp_path}", "--resume", "auto"]
    process = start(2, *arguments, restarts=1)
    wait_for_checkpoint(tmp_path, 1, process)
    os.kill(workers(process)[0], signal.SIGKILL)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert_same(rows(tmp_path), alone())


@pytest.mark.slow
def test_a_critic_that_no_checkpoint_holds_yet_is_made_anew(tmp_path, alone):
    job = ["algorithm=ppo", f"trainer.save_dir={tmp_path}"]
    train(2, *RUN, *job, "trainer.steps=0")
    train(2, "--resume", str(tmp_path), "trainer.steps=4")
    found, expected = (
        [row for row in one if row["phase"] == "train"] for one in (rows(tmp_path), alone("algorithm=ppo"))
    )
    assert_same(found, expected)


# A judge that fails now and then, asked by one process.
FAILING_JUDGE = """
import sys
from pathlib import Path
import torch
from infinite_rl.agents.credit.reward_computer import RewardComputer
from infinite_rl.agents.parallel.processes import joined
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.training import Trainer

class Judge(RewardComputer):
    asked = 0

    def score_trajectory(self, trajectory):
        Judge.asked += 1
        if Judge.asked % 24 < 14:
            raise RuntimeError("the judge is down")
        return float(trajectory.reward)

with joined(torch.device("cpu")) as processes:
    config = load_config("grpo", sys.argv[2:])
    Trainer(config, Path(sys.argv[1]), reward_computer=Judge(), processes=processes).run()
"""

# A disk on which one process has no more room.
FULL_DISK = """
import errno, os, sys
from torch.distributed.checkpoint import FileSystemWriter
from infinite_rl.agents.train import main

def full(self, *arguments):
    raise OSError(errno.ENOSPC, "No space left on device")

if os.environ["RANK"] == "1":
    FileSystemWriter.write_data = full
sys.exit(main(sys.argv[2:]))
"""


def run_script(tmp_path, text, *arguments):
    script = tmp_path / "script.py"
    script.write_text(text)
    (tmp_path / "run").mkdir()
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(script)]
    return subprocess.run(
        [*launch, str(tmp_path / "run"), *arguments], capture_output=True, text=True, timeout=200, check=False
    )


@pytest.mark.slow
def test_what_could_not_be_judged_is_left_out_by_all_processes(tmp_path):
    done = run_script(tmp_path, FAILING_JUDGE, *RUN, "trainer.steps=1", "actor.tokens_per_microbatch=64")
    assert done.returncode == 0, done.stderr
    (row,) = [row for row in rows(tmp_path / "run") if row["phase"] == "train"]
    assert row["learnt_from"] == pytest.approx(10 / 24)


@pytest.mark.slow
def test_a_disk_that_is_full_for_one_process_ends_all_with_one_line(tmp_path):
    done = run_script(tmp_path, FULL_DISK, *RUN, "trainer.steps=1", f"trainer.save_dir={tmp_path / 'run'}")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "No space left on device" in line
    assert not list((tmp_path / "run" / "checkpoints").glob(".step-*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "why"),
    [
        (["parallel.tp=4"], "are 4 processes, and there are 2"),
        (["algorithm=ppo", "parallel.critic={pp: 2}"], "parallel.critic: there is no 'pp'"),
        (["actor.optimizer=adafactor"], "works in one process only"),
        (["parallel.tp=2", "parallel.reference={fsdp: 2}", "actor.ref_period=1"], "is divided as the policy"),
    ],
)
def test_what_can_not_be_divided_is_refused_in_one_line(tmp_path, how, why):
    process = start(2, *RUN, f"trainer.save_dir={tmp_path}", *how)
    told, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    (line,) = [line for line in told.splitlines() if line.startswith("error:")]
    assert why in line
