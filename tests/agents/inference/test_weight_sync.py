"""New weights for vLLM servers: adapters alone, and from GPU to GPU by vLLM's own routes."""

import base64
import os
import pickle
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from vllm_api import Engine, Server

from infinite_rl.agents.config import LoraConfig
from infinite_rl.agents.inference import weight_transfer
from infinite_rl.agents.inference.backend import BackendError
from infinite_rl.agents.inference.completion import CompletionRequest
from infinite_rl.agents.inference.huggingface import HuggingFaceBackend
from infinite_rl.agents.inference.replicas import Replicas
from infinite_rl.agents.inference.vllm import VLLMBackend
from infinite_rl.agents.inference.vllm_server import VLLMServer
from infinite_rl.agents.inference.weight_folder import PREFIX
from infinite_rl.agents.inference.weight_sync import FolderTransfer
from infinite_rl.agents.inference.weight_transfer import DeviceTransfer
from infinite_rl.agents.models.lora import add_adapters
from infinite_rl.runtimes.endpoint import EndpointError

QUICK = {"check_every": 0.05, "health_timeout": 0.5, "patience": 5}


def adapted(model, seed):
    add_adapters(model, LoraConfig(r=2, alpha=4, target_modules=None), seed=seed)
    return model


@pytest.fixture
def serve():
    running = []

    def start(engine):
        running.append(Server(engine))
        return running[-1]

    yield start
    for server in running:
        server.kill()


def test_where_adapters_are_trained_they_alone_are_sent(serve, tiny, tokenizer):
    policy = adapted(tiny(tokenizer), seed=1)
    with torch.no_grad():
        for name, weight in policy.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.3)
    server = serve(Engine(adapted(tiny(tokenizer), seed=2), tokenizer))
    backend = VLLMBackend(
        None, tokenizer, base_url=server.url, trained=HuggingFaceBackend(policy, tokenizer), parity=1e-3, **QUICK
    )
    for version in (1, 2):
        backend.load(policy.state_dict(), version=version)
        (name,) = server.engine.adapters
        (sample,) = backend.sample([[5, 6]], [1], max_new_tokens=4, temperature=1.0)
        assert server.engine.requests[-1]["model"] == name
        expected = backend._trained.logprobs([5, 6], sample.token_ids.tolist())
        torch.testing.assert_close(sample.logprobs, expected, atol=1e-4, rtol=1e-4)
    assert "/collective_rpc" not in server.engine.calls
    assert server.engine.resets == 2
    backend.engine.close()


def test_a_server_that_takes_no_adapters_is_told_what_to_start_with(serve, tiny, tokenizer):
    policy = adapted(tiny(tokenizer), seed=1)
    engine = Engine(tiny(tokenizer), tokenizer)
    answer = engine.answer
    engine.answer = lambda method, path, request: (404, {}) if "lora" in path else answer(method, path, request)
    backend = VLLMBackend(
        None, tokenizer, base_url=serve(engine).url, trained=HuggingFaceBackend(policy, tokenizer), **QUICK
    )
    with pytest.raises(EndpointError, match=r"--enable-lora, and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1"):
        backend.load(policy.state_dict(), version=1)
    backend.engine.close()


class Receiver(Engine):
    """A server's end of a transfer: its processes get what the trainer broadcasts, in the order that was announced."""

    def __init__(self, model, tokenizer, wire, processes=2):
        super().__init__(model, tokenizer)
        self.wire, self.processes, self.init, self.failing = wire, processes, None, ""

    def answer(self, method, path, request):
        self.calls.append(path)
        if path == self.failing:
            return 500, {}
        if path == "/get_world_size":
            return 200, {"world_size": self.processes}
        if path == "/init_weight_transfer_engine":
            self.init = request["init_info"]
            if "world_size" in self.init:
                assert self.wire.joined.wait(60), "the trainer must join while servers wait for it"
        elif path == "/update_weights":
            info = request["update_info"]
            if "ipc_handles_pickled" in info:
                handles = pickle.loads(base64.b64decode(info["ipc_handles_pickled"]))
                tensors = [torch.tensor(handle["gpu"]) for handle in handles]
            else:
                assert self.wire.sent.wait(60), "weights must be broadcast while servers wait for them"
                tensors = self.wire.tensors
            assert [list(one.shape) for one in tensors] == info["shapes"]
            assert set(info["dtype_names"]) == {"float32"}
            with self.lock:
                self.model.load_state_dict(dict(zip(info["names"], tensors, strict=True)))
        elif path not in ("/start_weight_update", "/finish_weight_update"):
            self.calls.pop()
            return super().answer(method, path, request)
        return 200, {}


class Wire:
    """The trainer's end of a group, and what it broadcasts."""

    def __init__(self):
        self.tensors, self.joined, self.sent, self.groups = [], threading.Event(), threading.Event(), []

    def join(self, address, port, world_size):
        self.groups.append(world_size)
        self.joined.set()
        return self

    def broadcast(self, tensor, src, stream):
        assert src == 0
        self.tensors.append(tensor.clone())
        if len(self.tensors) == self.expected:
            self.sent.set()


def test_what_a_killed_process_left_is_removed_and_nothing_else(tiny, tokenizer, tmp_path):
    write = (
        "import os, sys; from pathlib import Path; "
        "from infinite_rl.agents.inference.weight_folder import WeightFolder; "
        "folder = WeightFolder(Path(sys.argv[1])); (folder.path / 'model.safetensors').touch(); "
        "print(folder.path, flush=True); sys.argv[2:] and sys.stdin.read(); os._exit(0)"
    )
    command = [sys.executable, "-c", write, str(tmp_path)]
    left = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    fresh = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    with subprocess.Popen([*command, "lives"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as living:
        used = living.stdout.readline().strip()
        elsewhere = tmp_path / "weights-elsewhere-1"
        link = tmp_path / f"{PREFIX}link"
        elsewhere.mkdir()
        link.symlink_to(elsewhere)
        for folder in (left, used, elsewhere):
            os.utime(folder, (0, 0))
        transfer = FolderTransfer(weights_dir=tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted(map(Path, (fresh, used, elsewhere, link)))
        living.stdin.close()
    transfer.publish(tiny(tokenizer).state_dict())
    transfer.publish(tiny(tokenizer).state_dict())
    assert len(list(tmp_path.iterdir())) == 5
    transfer.close()
    assert len(list(tmp_path.iterdir())) == 4


def test_by_nccl_the_trainer_is_rank_0_and_each_server_s_processes_follow_those_before(serve, tiny, tokenizer):
    wire, new = Wire(), tiny(tokenizer, seed=1)
    wire.expected = len(new.state_dict())
    engines = [Receiver(tiny(tokenizer), tokenizer, wire, processes) for processes in (2, 3)]
    transfer = DeviceTransfer("nccl", group=wire.join)
    servers = [VLLMServer(serve(engine).url, "m") for engine in engines]
    for _ in range(2):
        wire.tensors.clear()
        wire.sent.clear()
        transfer.publish(new.state_dict())
        assert transfer.send(servers) == {}
    assert wire.groups == [6], "the group is formed once"
    assert [engine.init["rank_offset"] for engine in engines] == [1, 3]
    assert {engine.init["world_size"] for engine in engines} == {6}
    for engine in engines:
        torch.testing.assert_close(engine.model.state_dict(), new.state_dict())
        assert engine.calls[-4:] == [
            "/start_weight_update",
            "/update_weights",
            "/finish_weight_update",
            "/reset_prefix_cache",
        ]


def test_by_ipc_servers_are_told_where_the_weights_lie(serve, tiny, tokenizer):
    new = tiny(tokenizer, seed=1)
    engine = Receiver(tiny(tokenizer), tokenizer, None)
    transfer = DeviceTransfer("ipc", handle=lambda weight: {"gpu": weight.tolist()})
    transfer.publish(new.state_dict())
    assert transfer.send([VLLMServer(serve(engine).url, "m")]) == {}
    assert engine.init == {"packed": False}
    torch.testing.assert_close(engine.model.state_dict(), new.state_dict())


def test_where_a_server_fails_the_others_get_the_weights_in_a_group_without_it(serve, tiny, tokenizer):
    wire, new = Wire(), tiny(tokenizer, seed=1)
    wire.expected = len(new.state_dict())
    engines = [Receiver(tiny(tokenizer), tokenizer, wire, 1) for _ in range(2)]
    transfer = DeviceTransfer("nccl", group=wire.join)
    servers = [VLLMServer(serve(engine).url, "m") for engine in engines]
    engines[0].failing = "/start_weight_update"
    transfer.publish(new.state_dict())
    assert list(transfer.send(servers)) == [servers[0]]
    assert wire.groups == [3, 2]
    torch.testing.assert_close(engines[1].model.state_dict(), new.state_dict())


def test_a_server_that_dies_while_it_joins_is_left_out_once_the_others_have_given_it_up(serve, tiny, tokenizer):
    """The trainer's end and the servers' are stores as vLLM makes them: each waits inside for all others."""
    new = tiny(tokenizer, seed=1)

    def store(address, port, world, *, first):
        return torch.distributed.TCPStore(
            address, port, world, first, timeout=timedelta(seconds=1), use_libuv=not first
        )

    class Stored(Wire):
        def join(self, address, port, world_size):
            self.store = store(address, port, world_size, first=True)
            return super().join(address, port, world_size)

    class Joining(Receiver):
        def answer(self, method, path, request):
            if path == "/init_weight_transfer_engine":
                if self.failing:
                    return 500, {}
                info = request["init_info"]
                self.store = store(info["master_address"], info["master_port"], info["world_size"], first=False)
                if not self.wire.joined.wait(2):  # vLLM's waits longer
                    return 500, {}
            return super().answer(method, path, request)

    wire = Stored()
    wire.expected = len(new.state_dict())
    engines = [Joining(tiny(tokenizer), tokenizer, wire, 1) for _ in range(2)]
    engines[1].failing = "/init_weight_transfer_engine"
    transfer = DeviceTransfer("nccl", group=wire.join)
    servers = [VLLMServer(serve(engine).url, "m") for engine in engines]
    transfer.publish(new.state_dict())
    assert list(transfer.send(servers)) == [servers[1]]
    torch.testing.assert_close(engines[0].model.state_dict(), new.state_dict())


def test_a_trainer_that_can_form_no_group_says_so(serve, tiny, tokenizer):
    wire = Wire()
    wire.joined.set()

    def join(*_):
        raise torch.distributed.DistStoreError("timed out")

    transfer = DeviceTransfer("nccl", group=join)
    transfer.publish(tiny(tokenizer).state_dict())
    with pytest.raises(BackendError, match=r"no group was formed with http://127.*reach 127.0.0.1.*timed out"):
        transfer.send([VLLMServer(serve(Receiver(tiny(tokenizer), tokenizer, wire, 1)).url, "m")])


def test_servers_are_told_an_address_of_the_trainer_that_all_of_them_reach(monkeypatch):
    seen = {"localhost": "127.0.0.1", "gpu2": "10.0.0.5", "gpu3": "10.0.0.5"}

    class Way:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def connect(self, address):
            self.host = address[0]

        def getsockname(self):
            return seen[self.host], 1

    monkeypatch.setattr(weight_transfer.socket, "socket", Way)
    cases = (
        (["localhost", "gpu2"], "10.0.0.5"),
        (["gpu3", "gpu2"], "10.0.0.5"),
        (["localhost"], "127.0.0.1"),
    )
    for hosts, expected in cases:
        assert weight_transfer._own_address([VLLMServer(f"http://{host}:8000", "m") for host in hosts]) == expected


def test_by_nccl_a_server_that_comes_back_when_no_other_is_in_use_gets_the_latest_weights(serve, tiny, tokenizer):
    wire, policy = Wire(), tiny(tokenizer, seed=1)
    wire.expected = len(policy.state_dict())
    engines = [Receiver(tiny(tokenizer), tokenizer, wire, 1) for _ in range(2)]
    running = [serve(engine) for engine in engines]
    servers = [VLLMServer(one.url, "m", health_timeout=0.5) for one in running]
    replicas = Replicas(servers, DeviceTransfer("nccl", group=wire.join), check_every=0.05, patience=10)
    replicas.load(policy.state_dict(), version=1)
    wire.tensors.clear()
    wire.sent.clear()

    def restart(place):
        fresh = Receiver(tiny(tokenizer), tokenizer, wire, 1)
        running[place].engine = fresh
        running[place].start()
        return fresh

    for one in running:
        one.kill()
    request = CompletionRequest([5, 6, 7], 1, 8, {"temperature": 1.0, "logprobs": 1})
    fresh = restart(0)
    (found,) = replicas.complete([request])
    assert set(found.versions) == {1}
    torch.testing.assert_close(fresh.model.state_dict(), policy.state_dict())
    other = restart(1)  # what is in use is not disturbed for it
    until = time.monotonic() + 60
    while not replicas.replicas[1].returning:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert "/init_weight_transfer_engine" not in other.calls
    wire.tensors.clear()
    wire.sent.clear()
    replicas.load(policy.state_dict(), version=2)
    torch.testing.assert_close(other.model.state_dict(), policy.state_dict())
    replicas.close()
