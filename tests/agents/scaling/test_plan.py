"""What is planned: meshes that fit, the fastest first, and the command that shows them."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from infinite_rl import cli
from infinite_rl.agents.algorithms.recipes import find_recipe
from infinite_rl.agents.parallel.mesh import resolve
from infinite_rl.agents.parallel.shape import DIMENSIONS, MeshShape
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.scaling.command import _algorithm
from infinite_rl.agents.scaling.hardware import ASSUMED, GPUS
from infinite_rl.agents.scaling.job import Job, Setup
from infinite_rl.agents.scaling.known import KNOWN
from infinite_rl.agents.scaling.memory import fits, train_memory
from infinite_rl.agents.scaling.rollouts import iteration_seconds, sampling
from infinite_rl.agents.scaling.search import Question, make_plan, meshes, what_would_fit
from infinite_rl.agents.scaling.servers import in_process, places, trainer_machines
from infinite_rl.agents.scaling.timing import learning, send_rate

H100 = GPUS["h100"]
ROOT = Path(__file__).resolve().parents[3]


def question(name="Qwen3-8B", gpus=8, *, gpu="h100", job=None, setup=None, **more):
    return Question(KNOWN[name], job or Job(), GPUS[gpu], gpus, setup or Setup(), **more)


@pytest.fixture
def run(capsys):
    def run_command(line):
        code = cli.main(shlex.split(line))
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_command


def test_meshes_multiply_to_the_gpus_and_divide_the_model():
    found = list(meshes(KNOWN["Qwen3-8B"], Job(), 16, H100))
    assert len(set(found)) == len(found)
    assert all(mesh.ranks == 16 and mesh.tp <= 8 for mesh in found)
    # Two heads of keys let two ranks share a layer, and fourteen of queries no four.
    assert {mesh.tp for mesh in meshes(KNOWN["Qwen2.5-0.5B"], Job(), 16, H100)} == {1, 2}
    assert max(mesh.sp for mesh in meshes(KNOWN["Qwen3-8B"], Job(longest=512), 16, H100)) == 4
    assert all(mesh.row_ranks <= 2 for mesh in meshes(KNOWN["Qwen3-8B"], Job(prompts=1, responses=2), 16, H100))


def test_what_fits_has_room_and_what_does_not_has_none():
    asked = question("Qwen3-32B", 16)
    plan = make_plan(asked)
    assert plan.options
    assert plan.misfits
    for option in plan.options:
        memory = train_memory(asked.shape, asked.job, option.setup)
        assert memory == option.memory
        assert fits(memory, H100)
    for misfit in plan.misfits:
        assert "vLLM" in misfit.reason or misfit.memory.total > H100.memory * ASSUMED.share
    rates = [option.tokens_per_second for option in plan.options]
    assert rates[0] >= 0.99 * max(rates)
    assert len({option.setup.mesh for option in plan.options}) == len(plan.options)


def test_a_step_is_the_sum_of_turns_or_the_longer_of_two_at_once():
    for one in make_plan(question()).options:
        assert one.seconds == pytest.approx(one.learning.seconds + one.sampling.seconds + one.sync)
        assert one.rollout_gpus == 0
    for one in make_plan(question(placement="apart")).options:
        assert one.seconds == pytest.approx(max(one.learning.seconds, one.sampling.seconds) + one.sync)
        assert one.setup.mesh.ranks + one.rollout_gpus == 8
        assert one.sampling.tail == 0


def test_more_of_everything_costs_more():
    shape, setup = KNOWN["Qwen3-8B"], Setup(mesh=MeshShape(fsdp=8))
    job = Job(reference=False)
    base = learning(shape, job, setup, H100).seconds
    assert learning(shape, replace(job, reference=True), setup, H100).seconds > base
    assert learning(shape, replace(job, epochs=2), setup, H100).seconds > 1.9 * base
    assert learning(shape, replace(job, critic=True), setup, H100).seconds > 1.9 * base
    assert learning(shape, job, replace(setup, checkpointing=False), H100).seconds < base
    assert learning(shape, job, replace(setup, offload_activations=True), H100).seconds > base
    assert learning(shape, job, replace(setup, offload_optimizer=True), H100).optimizer > 0
    assert learning(shape, replace(job, prompts=64), setup, H100).seconds == pytest.approx(2 * base, rel=0.02)


def test_messages_between_machines_are_slower_where_fewer_ranks_share_the_network():
    def of(mesh, stride, ranks):
        return send_rate(mesh, H100, ASSUMED, stride=stride, ranks=ranks) / ASSUMED.network

    assert of(MeshShape(fsdp=8), 1, 8) == H100.link
    assert of(MeshShape(fsdp=16), 1, 16) == 8 * H100.network
    assert of(MeshShape(fsdp=16, tp=8), 8, 16) == H100.network
    assert of(MeshShape(fsdp=16, tp=4), 4, 16) == 2 * H100.network


def test_servers_read_weights_once_for_all_sequences():
    shape = KNOWN["Llama-3.1-8B"]
    alone, many = (iteration_seconds(shape, H100, batch, 1000) for batch in (1, 64))
    assert many < 1.5 * alone
    assert iteration_seconds(shape, H100, 1, 1000, tp=2) < alone
    assert sampling(KNOWN["Llama-3.1-70B"], Job(), GPUS["rtx4090"], 1) is None
    # A server of several machines, where none has room alone.
    large = sampling(KNOWN["Llama-3.1-405B"], Job(), H100, 64)
    assert large.tp > H100.per_machine
    # What the trainer holds is not there for the cache.
    free, taken = (sampling(shape, Job(), H100, 8, held=held) for held in (0.0, 30e9))
    assert taken.cache < free.cache


def test_what_would_fit_does():
    assert make_plan(question("Llama-3.1-70B", 32)).options
    assert what_would_fit(question("Llama-3.1-70B", 8)) == "--gpus 32 would"
    small = question("Qwen3-4B", 1)
    told = what_would_fit(small)
    assert "--offload-optimizer" in told or "--gpus 2" in told
    assert "smaller model" in what_would_fit(question("Llama-3.1-405B", 1, gpu="rtx4090"))


def test_the_command_shows_what_fits(run):
    code, out, err = run("plan --model Qwen3-8B --gpus 8")
    assert (code, err) == (0, "")
    assert "8.19 billion weights, on 8 x H100 SXM" in out
    assert "parallel.fsdp=8" in out
    assert "torchrun --nproc-per-node=8 -m infinite_rl.agents.train" in out
    assert "ddp 8" in out.split("What does not fit")[1]


def test_the_command_says_what_would_fit(run):
    code, out, err = run("plan --model Llama-3.1-70B --gpus 8")
    assert (code, err) == (1, "")
    assert "Nothing fits; --gpus 32 would." in out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--model Qwen3-9B --gpus 8", "did you mean Qwen3-8B?"),
        ("--model Qwen3-8B --gpus 0", "--gpus must be at least 1"),
        ("--model Qwen3-8B --gpus 8000000000", "--gpus must be at most 65,536"),
        (f"--model Qwen3-8B --gpus 8 --length {'9' * 400}", "--length must be at most 1,000,000,000, not 9999"),
        (f"--model Qwen3-8B --gpus 8 --responses {'9' * 400}", "--responses must be at most 1,000,000,000"),
        ("--model Qwen3-8B --gpus 12", "count in whole ones"),
        ("--model Qwen3-8B --gpus 8 --gpu h1", "--gpu h1 is not known"),
        ("--model Qwen3-8B --gpus 8 --algorithm grp", "--algorithm grp: there is none"),
        ("--model Qwen3-8B --gpus 8 --length 100 --response-length 99", "--length 100 is less"),
        ("--model Qwen3-8B --gpus 8 --microbatch 5", "no room for an episode"),
        ("--model Qwen3-8B --gpus 1 --rollouts apart", "needs 2 GPUs"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, line, says):
    code, out, err = run(f"plan {line}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


@pytest.mark.parametrize(
    "options", ["", "--rollouts apart --algorithm ppo --weights bfloat16", "--gpus 16 --offload-activations"]
)
def test_the_overrides_are_those_of_the_trainer(run, options):
    code, out, _ = run(f"plan --model Qwen3-1.7B --gpus 8 --json --top 1 {options}")
    found = json.loads(out)
    assert code == 0
    for one in found["fits"]:
        config = load_config("grpo", one["overrides"])
        mesh = MeshShape(**one["setup"]["mesh"])
        assert resolve({name: getattr(config.parallel, name) for name in DIMENSIONS}, mesh.ranks) == mesh
        assert config.actor.tokens_per_microbatch == one["setup"]["microbatch"]
        assert config.model.gradient_checkpointing


@pytest.mark.parametrize("model", ["Qwen3-1.7B", "Llama-3.1-70B"])
@pytest.mark.parametrize("gpus", [3, 4, 8, 16, 24])
@pytest.mark.parametrize("rollouts", ["shared", "apart"])
def test_servers_share_no_port_and_no_gpu_and_are_where_the_trainer_looks(model, gpus, rollouts):
    asked = question(model, gpus, placement=rollouts)

    for option in make_plan(asked).options[:20]:
        if in_process(option):
            continue
        found = places(asked, option)
        assert len(found) == option.sampling.servers
        addresses = {(place.machine, place.port) for place in found}
        assert len(addresses) == len(found)
        taken = [(place.machine, device) for place in found for device in place.devices or range(8)]
        if all(place.devices or option.sampling.tp == 8 for place in found):
            assert len(set(taken)) == len(taken) == option.sampling.tp * option.sampling.servers
        machines, each = trainer_machines(asked, option)
        assert machines * each == option.setup.mesh.ranks
        if rollouts == "apart":
            assert not {(machine, device) for machine in range(machines) for device in range(each)} & set(taken)


def test_the_servers_of_one_machine_are_started_as_they_stand(run):
    _, out, _ = run("plan --model Qwen3-1.7B --gpus 3")
    lines = [line.split() for line in out.splitlines() if "vllm serve" in line]
    assert [(line[0], line[-2]) for line in lines] == [(f"CUDA_VISIBLE_DEVICES={k}", f"800{k}") for k in range(3)]
    assert "'rollout.servers=[http://127.0.0.1:8000,http://127.0.0.1:8001,http://127.0.0.1:8002]'" in out


@pytest.mark.parametrize("name", ["grpo", "ppo", "dapo", "reinforce", "dr_grpo"])
def test_an_algorithm_asks_for_what_its_recipe_says(name):
    recipe, found = find_recipe(name), _algorithm(name)
    assert (found["epochs"], found["minibatches"]) == (recipe.epochs, recipe.minibatches)
    assert found["reference"] == bool(recipe.loss.kl_coef)
    assert found["critic"] == (recipe.credit.estimator == "gae")
    assert Job(**found).scoring_passes == (recipe.epochs * recipe.minibatches > 1)


def test_a_configuration_of_ones_own_is_planned(run, tmp_path):
    config = {
        "model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
        "num_attention_heads": 4, "vocab_size": 1000, "max_position_embeddings": 1024,
    }  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    code, out, _ = run(f"plan --model {path} --gpus 1 --gpu rtx4090")
    assert code == 0
    assert "was made for 1,024 tokens" in out
    assert "python -m infinite_rl.agents.train" in out


@pytest.mark.parametrize("line", ["plan --model Qwen3-8B --gpus 8", "plan --model Llama-3.1-70B --gpus 8 --top 2"])
def test_the_page_shows_what_the_command_prints(run, line, monkeypatch):
    monkeypatch.setenv("COLUMNS", "116")
    _, out, _ = run(line)
    page = (ROOT / "docs" / "scaling.md").read_text("utf-8")
    shown = "\n".join(text.rstrip() for text in out.rstrip().splitlines())
    assert f"infinite-rl {line}\n```\n\n```text\n{shown}\n```\n" in page
