"""vLLM itself, in process and as servers: run in the environment that ``scripts/vllm_cpu.sh`` makes, by ``-m slow``."""

import os
import shlex
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from transformers import Qwen2ForCausalLM

from infinite_rl.agents.config import LoraConfig, TinyConfig
from infinite_rl.agents.inference.huggingface import HuggingFaceBackend
from infinite_rl.agents.inference.parity import ParityError
from infinite_rl.agents.inference.vllm import VLLMBackend
from infinite_rl.agents.models.lora import add_adapters
from infinite_rl.agents.models.tiny_model import make_model, make_tokenizer
from infinite_rl.runtimes.endpoint import EndpointError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed: scripts/vllm_cpu.sh FOLDER"),
]
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
}
OPTIONS = {"max_model_len": 128, "enforce_eager": True, "max_num_seqs": 32}
# As much as float32 on two implementations differs; wrong weights differ by a hundred thousand times as much.
CLOSE = 1e-4
STARTS_WITHIN_S = 400


def change(model, seed):
    """New weights, far from the old ones."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn(weight.shape, generator=random))


def small():
    """The smallest that runs: vLLM has no attention for smaller heads on a CPU."""
    return make_model(make_tokenizer(), TinyConfig(64, 2, 2, 1, 128, 512), seed=0).eval()


def untied(model):
    """The same model with a head of its own."""
    model.config.tie_word_embeddings = False
    copy = Qwen2ForCausalLM(model.config).eval()
    copy.load_state_dict(model.state_dict())
    return copy


def save(model, tokenizer, folder):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def assert_sampled_as_scored(backend, trained, version):
    samples = backend.sample([[5, 6, 7]] * 4, range(4), max_new_tokens=16, temperature=1.0)
    for sample in samples:
        assert set(sample.versions.tolist()) == {version}
        scores = trained.logprobs([5, 6, 7], sample.token_ids.tolist())
        torch.testing.assert_close(sample.logprobs, scores, atol=CLOSE, rtol=CLOSE)
    again = backend.sample([[5, 6, 7]] * 4, range(4), max_new_tokens=16, temperature=1.0)
    assert [one.token_ids.tolist() for one in samples] == [one.token_ids.tolist() for one in again]


def assert_takes_weights(backend, trained, versions=(1, 2)):
    for version in versions:
        change(trained.model, version)
        backend.load(trained.model.state_dict(), version=version)  # a difference above the tolerance would be an error
        assert all(parity.changed and parity.mean < CLOSE for parity in backend.parity.values())
        assert_sampled_as_scored(backend, trained, version)


@pytest.mark.parametrize("kind", ["tied", "untied", "adapters"])
def test_an_engine_in_this_process_takes_weights_and_agrees(kind, tokenizer, tmp_path, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    model = untied(small()) if kind == "untied" else small()
    folder = save(model, tokenizer, tmp_path)
    if kind == "adapters":
        add_adapters(model, LoraConfig(r=4, alpha=8, target_modules=["q_proj", "down_proj"]), seed=0)
    trained = HuggingFaceBackend(model, tokenizer, dtype="float32")
    backend = VLLMBackend(folder, tokenizer, dtype="float32", trained=trained, parity=CLOSE, **OPTIONS)
    assert_takes_weights(backend, trained)
    backend.rest()
    backend.load(model.state_dict(), version=3)
    assert_sampled_as_scored(backend, trained, version=3)
    del backend


def documented_command():
    """How docs/rollouts.md starts a server: the variable that it sets, its value, and the words of the command."""
    page = (Path(__file__).parents[3] / "docs" / "rollouts.md").read_text("utf-8")
    (line,) = [line for line in page.splitlines() if "vllm.entrypoints" in line]
    setting, python, *words = shlex.split(line)
    assert python == "python"
    return *setting.split("="), sys.executable, *words


class Process:
    """A server of vLLM's in a process of its own."""

    def __init__(self, folder, log):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        self.url, self.folder, self.log = f"http://127.0.0.1:{self.port}/v1", folder, log
        self.start()

    def start(self):
        name, value, *command = documented_command()
        ours = {"path/to/model": self.folder, "8000": str(self.port)}
        command = [ours.get(word, word) for word in command]
        command += ["--host", "127.0.0.1", "--dtype", "float32", "--max-model-len", "128", "--enforce-eager"]
        command += ["--max-num-seqs", "32", "--enable-lora", "--max-lora-rank", "8"]
        environment = os.environ | ENVIRONMENT | {name: value, "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1"}
        with open(self.log, "a") as log:
            # A group of its own: the engine is a process beside the server's, and both must end.
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Two servers of the tiny model; they take a minute or more to start."""
    place = tmp_path_factory.mktemp("servers")
    folder = save(small(), make_tokenizer(), place / "model")
    running = [Process(folder, place / f"{number}.log") for number in range(2)]
    yield running
    for server in running:
        server.kill()


@pytest.fixture
def fleet(servers, tokenizer):
    """A backend on both servers, and the policy that is trained."""
    model = small()
    trained = HuggingFaceBackend(model, tokenizer, dtype="float32")
    urls = [server.url for server in servers]
    backend = VLLMBackend(None, tokenizer, base_url=urls, trained=trained, parity=CLOSE, patience=STARTS_WITHIN_S)
    until = time.monotonic() + STARTS_WITHIN_S
    while any(not alive(replica) for replica in backend.engine.replicas):
        assert time.monotonic() < until, "the servers do not start"
        assert all(server.process.poll() is None for server in servers), Path(servers[0].log).read_text()[-2000:]
        time.sleep(1)
    yield backend, trained
    backend.engine.close()


def alive(replica):
    try:
        replica.server.check_health()
    except EndpointError:
        return False
    return True


def test_two_servers_take_weights_and_agree(fleet):
    backend, trained = fleet
    assert_takes_weights(backend, trained)
    assert len(backend.parity) == 2


def test_a_server_that_keeps_its_weights_is_found_out(fleet, monkeypatch):
    backend, trained = fleet
    backend.load(trained.model.state_dict(), version=1)
    change(trained.model, 9)
    monkeypatch.setattr(backend.engine._transfer, "publish", lambda weights: None)  # the old folder is read again
    with pytest.raises(ParityError, match="the new weights were not taken"):
        backend.load(trained.model.state_dict(), version=2)


def test_running_requests_are_aborted_and_go_on_with_new_weights(fleet):
    backend, trained = fleet
    backend.end_ids = [0]  # so that hardly any response ends before its limit
    backend.load(trained.model.state_dict(), version=1)
    with ThreadPoolExecutor(1) as pool:
        sampling = pool.submit(backend.sample, [[5, 6, 7]] * 32, range(32), max_new_tokens=110, temperature=1.0)
        time.sleep(0.5)
        change(trained.model, 5)
        backend.load(trained.model.state_dict(), version=2)
        samples = sampling.result(120)
    assert any(set(sample.versions.tolist()) == {1, 2} for sample in samples)
    for sample in samples:
        ids = sample.token_ids.tolist()
        new = [place for place, version in enumerate(sample.versions.tolist()) if version == 2]
        scores = trained.logprobs([5, 6, 7], ids)
        torch.testing.assert_close(sample.logprobs[new], scores[new], atol=CLOSE, rtol=CLOSE)


def test_servers_take_adapters_alone(servers, fleet, tokenizer):
    model = small()
    add_adapters(model, LoraConfig(r=4, alpha=8, target_modules=["q_proj", "down_proj"]), seed=0)
    fleet[0].load(small().state_dict(), version=1)  # below the adapters
    trained = HuggingFaceBackend(model, tokenizer, dtype="float32")
    urls = [server.url for server in servers]
    backend = VLLMBackend(None, tokenizer, base_url=urls, trained=trained, parity=CLOSE)
    assert_takes_weights(backend, trained)
    backend.engine.close()


def test_a_killed_server_s_requests_go_to_the_other_and_it_comes_back_with_the_latest_weights(servers, fleet):
    backend, trained = fleet
    change(trained.model, 7)
    backend.load(trained.model.state_dict(), version=4)
    servers[0].kill()
    assert_sampled_as_scored(backend, trained, version=4)
    servers[0].start()
    until = time.monotonic() + STARTS_WITHIN_S
    while any(replica.problem is not None for replica in backend.engine.replicas):
        assert time.monotonic() < until, "it does not come back"
        time.sleep(0.5)
    servers[1].kill()
    assert_sampled_as_scored(backend, trained, version=4)
