"""A whole run whose responses come from servers: weights make the round trip, and a server may die."""

import json
import sys
import threading
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "inference"))
from vllm_api import Engine, Server

from infinite_rl.agents.config import ConfigError, TinyConfig
from infinite_rl.agents.inference.vllm import VLLMBackend
from infinite_rl.agents.models.policy import load_policy
from infinite_rl.agents.models.tiny_model import make_model, make_tokenizer
from infinite_rl.agents.parallel.processes import Processes
from infinite_rl.agents.reports import report
from infinite_rl.agents.runs import sampler
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.train import main

SMALL = [
    "model=hf",
    "model.dtype=float32",
    "model.gradient_checkpointing=false",
    "actor.lr=1e-3",
    "rollout.max_new_tokens=6",
    "data.train_size=40",
    "data.validation_size=8",
    "data.test_size=8",
    "data.prompts_per_rollout=4",
    "data.responses_per_prompt=4",
    "evaluation.samples_per_prompt=2",
    "evaluation.every=2",
    "trainer.steps=4",
    "trainer.save_every=2",
    "trainer.progress=false",
    "trainer.threads=1",
    "rollout.backend=vllm",
    "rollout.parity=0.001",
]


@pytest.fixture
def folder(tmp_path):
    """A model as a user has it: a folder."""
    tokenizer = make_tokenizer()
    shape = TinyConfig(hidden_size=32, layers=1, heads=2, kv_heads=1, mlp_size=64, max_positions=512)
    make_model(tokenizer, shape, seed=0).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def servers(folder):
    running = [Server(Engine(load_policy(str(folder))[0].eval(), make_tokenizer())) for _ in range(2)]
    yield running
    for server in running:
        server.kill()


@pytest.fixture
def train(monkeypatch, folder, servers, tmp_path):
    monkeypatch.setattr(report, "write_report", lambda folder: folder)
    urls = "[" + ",".join(server.url for server in servers) + "]"

    def run(*overrides, patience=5, options="sleep: false"):
        arguments = [*SMALL, f"model.name={folder}", f"rollout.servers={urls}", f"trainer.save_dir={tmp_path / 'run'}"]
        options = f"rollout.options={{check_every: 0.05, health_timeout: 0.5, patience: {patience}, {options}}}"
        return main([*arguments, options, *overrides])

    return run


def rows(folder, phase):
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
    return [row for row in found if row["phase"] == phase]


def test_a_run_samples_from_servers_which_get_each_step_s_weights(train, servers, tmp_path):
    assert train() == 0
    steps = rows(tmp_path / "run", "train")
    assert [row["step"] for row in steps] == [1, 2, 3, 4]
    assert all(server.engine.requests for server in servers)
    trained = load_policy(str(tmp_path / "run" / "checkpoints" / "step-00000004"))[0].state_dict()
    for server in servers:
        own = server.engine.model.state_dict()
        assert all((own[name] == weight).all() for name, weight in trained.items())
    assert main(["--resume", str(tmp_path / "run"), "trainer.steps=5"]) == 0
    assert [row["step"] for row in rows(tmp_path / "run", "train")] == [1, 2, 3, 4, 5]


def test_a_server_that_is_killed_in_the_middle_takes_no_step_with_it(train, servers, tmp_path):
    answer, served = servers[0].engine.answer, [0]

    def die(method, path, request):
        served[0] += path == "/v1/completions" and "prompt_logprobs" not in request
        if served[0] == 40 and not hasattr(servers[0], "dead"):
            servers[0].dead = threading.Thread(target=servers[0].kill)
            servers[0].dead.start()
        return answer(method, path, request)

    servers[0].engine.answer = die
    assert train() == 0
    assert servers[0].dead
    assert [row["step"] for row in rows(tmp_path / "run", "train")] == [1, 2, 3, 4]
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "finished"


@pytest.mark.parametrize("trouble", ["all die", "one takes other weights"])
def test_what_the_fleet_cannot_make_good_ends_the_run_with_one_line(train, servers, capsys, monkeypatch, trouble):
    reload = servers[0].engine.reload

    def happen(folder):
        reload(folder)
        if servers[0].engine.resets < 2:  # of the start, and of the first step
            return
        servers[0].engine.model.model.norm.weight.data.mul_(3)
        if trouble == "all die":
            for server in servers:
                server.engine.answer = lambda *arguments: (503, {})

    servers[0].engine.reload = happen
    assert train(patience=0.5) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: the run ended at step ")
    assert ("no vLLM server answered for 0.5 s" if trouble == "all die" else "differ from the trainer's") in said


def test_an_outage_loses_no_step_and_the_run_goes_on_with_other_servers(train, servers, folder, tmp_path, capsys):
    reload = servers[0].engine.reload

    def happen(weights):
        reload(weights)
        if servers[0].engine.resets == 4:  # of the start, the begin of training, and the first two steps
            for server in servers:
                server.engine.answer = lambda *arguments: (503, {})

    servers[0].engine.reload = happen
    assert train("trainer.save_every=50", "evaluation.every=50", patience=0.5) == 1
    done = [row["step"] for row in rows(tmp_path / "run", "train")]
    assert 0 < len(done) < 4
    assert f"--resume {tmp_path / 'run'}" in capsys.readouterr().err.strip().splitlines()[-1]
    other = Server(Engine(load_policy(str(folder))[0].eval(), make_tokenizer()))
    try:
        assert main(["--resume", str(tmp_path / "run"), f"rollout.servers=[{other.url}]"]) == 0
    finally:
        other.kill()
    assert [row["step"] for row in rows(tmp_path / "run", "train")] == [1, 2, 3, 4]


def test_the_servers_key_comes_from_the_environment_and_goes_nowhere(train, servers, tmp_path, monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "key-of-the-servers")
    sent = []
    request = sampler.VLLMBackend
    monkeypatch.setattr(sampler, "VLLMBackend", lambda *a, **k: (sent.append(k.get("api_key")), request(*a, **k))[1])
    assert train("trainer.steps=1") == 0
    assert sent == ["key-of-the-servers"]
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert files
    assert not any(b"key-of-the-servers" in path.read_bytes() for path in files)


def test_servers_of_another_model_are_refused_before_anything_is_sampled(train, servers, capsys):
    servers[1].engine.reload = lambda folder: None
    with_other_weights = servers[1].engine.model
    with_other_weights.model.norm.weight.data.mul_(3)
    assert train() == 2
    assert "differ from the trainer's" in capsys.readouterr().err
    assert not any("prompt_logprobs" not in request for server in servers for request in server.engine.requests)


def test_without_servers_the_engine_is_made_in_this_process_from_the_model_s_own_folder(monkeypatch, tmp_path, folder):
    made = {}

    class Stub(VLLMBackend):
        def __init__(self, model, tokenizer, **options):
            made.update(options, model=model, files=sorted(path.name for path in Path(model).iterdir()))
            raise ValueError("enough")

    monkeypatch.setattr(sampler, "VLLMBackend", Stub)
    for name, model in (("hf", f"model.name={folder}"), ("tiny", "model.warm_start.max_steps=0")):
        overrides = [f"model={name}", model, "rollout.backend=vllm", "rollout.options={max_model_len: 64}"]
        config = load_config("grpo", overrides)
        policy, tokenizer = load_policy(str(folder))
        with pytest.raises(ConfigError, match=r"rollout.backend=vllm: enough"):
            sampler.make_inference(config, policy, tokenizer, torch.device("cpu"), Processes())
        assert made["base_url"] is None
        assert made["max_model_len"] == 64
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(made["files"])
        assert (made["model"] == str(folder)) == (name == "hf")


def test_the_plan_says_what_samples(train, capsys):
    assert train("--dry-run") == 0
    assert "vllm, on 2 servers" in capsys.readouterr().out


@pytest.mark.parametrize("override", ["rollout.temperature=0.7", "evaluation.top_k=5"])
def test_servers_whose_log_probs_would_be_of_something_else_are_refused_at_the_start(train, capsys, override):
    assert train(override) == 2
    assert "--logprobs-mode processed_logprobs" in capsys.readouterr().err


@pytest.mark.parametrize("override", ["rollout.servers=[http://localhost:8000]", "rollout.options={timeout: 3}"])
def test_what_only_vllm_reads_is_refused_without_it(override):
    with pytest.raises(ConfigError, match=r"would do nothing.*rollout.backend=vllm"):
        load_config("grpo", [override])


def test_servers_on_the_trainers_gpus_sleep_while_it_learns_and_wake_up_in_turns(train, servers, tmp_path):
    assert train(options="sleep: true") == 0
    assert [row["step"] for row in rows(tmp_path / "run", "train")] == [1, 2, 3, 4]
    for server in servers:
        calls = [call for call in server.engine.calls if call.startswith(("/sleep", "/wake_up", "/collective_rpc"))]
        slept = calls.index("/sleep?level=1")
        # Room for the cache is taken when something is sampled: the models that learnt may still be there.
        assert calls[slept + 1 : slept + 4] == ["/wake_up?tags=weights", "/collective_rpc", "/wake_up?tags=kv_cache"]
        assert calls.count("/sleep?level=1") == 4


def test_servers_that_cannot_sleep_are_told_how(train, servers, capsys):
    for server in servers:
        server.engine.development = False
    assert train(options="sleep: true") == 2
    assert "--enable-sleep-mode" in capsys.readouterr().err


def test_servers_of_another_model_end_the_run_at_once(train, servers, capsys):
    for server in servers:
        answer = server.engine.answer
        server.engine.answer = lambda method, path, request, answer=answer: (
            (500, {"error": {"message": "no parameter named 'transformer'"}})
            if path == "/collective_rpc"
            else answer(method, path, request)
        )
    assert train(patience=100) == 2
    assert "do they serve this model?" in capsys.readouterr().err
