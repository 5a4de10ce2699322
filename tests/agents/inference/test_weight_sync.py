"""New weights for vLLM servers: adapters alone, and from GPU to GPU by vLLM's own routes."""

import base64
import pickle
import sys
import threading
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from vllm_api import Engine, Server

from infinite_rl.agents.config import LoraConfig
from infinite_rl.agents.inference.huggingface import HuggingFaceBackend
from infinite_rl.agents.inference.vllm import VLLMBackend
from infinite_rl.agents.inference.vllm_server import VLLMServer
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
                assert self.wire.joined.wait(10), "the trainer must join while servers wait for it"
        elif path == "/update_weights":
            info = request["update_info"]
            if "ipc_handles_pickled" in info:
                handles = pickle.loads(base64.b64decode(info["ipc_handles_pickled"]))
                tensors = [torch.tensor(handle["gpu"]) for handle in handles]
            else:
                assert self.wire.sent.wait(10), "weights must be broadcast while servers wait for them"
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
