"""After each load the engine's log-probs are compared with those of the policy that is trained."""

import logging
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from vllm_api import Engine, Server

from infinite_rl.agents.inference.backend import BackendError
from infinite_rl.agents.inference.huggingface import HuggingFaceBackend
from infinite_rl.agents.inference.parity import ParityCheck, ParityError
from infinite_rl.agents.inference.vllm import VLLMBackend
from infinite_rl.runtimes.endpoint import UnreachableError


@pytest.fixture
def policy(tiny, tokenizer):
    return tiny(tokenizer, seed=1)


@pytest.fixture
def server(tiny, tokenizer):
    running = Server(Engine(tiny(tokenizer), tokenizer))
    yield running
    running.kill()


@pytest.fixture
def backend(server, policy, tokenizer):
    made = VLLMBackend(
        None, tokenizer, base_url=server.url, trained=HuggingFaceBackend(policy, tokenizer), parity=0.001
    )
    yield made
    made.engine.close()


def shift(policy, by=0.05):
    with torch.no_grad():
        for number, weight in enumerate(policy.parameters()):
            weight.add_(by * torch.randn(weight.shape, generator=torch.Generator().manual_seed(number)))


def test_a_server_that_takes_the_weights_agrees(backend, policy, server):
    for version in (1, 2):
        shift(policy)
        backend.load(policy.state_dict(), version=version)
        (parity,) = backend.parity.values()
        assert parity.mean < 1e-5
        assert parity.worst < 1e-4
        assert parity.changed


def test_a_server_that_keeps_its_weights_is_found_out(backend, policy, server):
    backend.load(policy.state_dict(), version=1)
    server.engine.reload = lambda folder: None
    shift(policy)
    with pytest.raises(
        ParityError, match=r"version 2.*differ.*by \d.*still those of before.*the new weights were not taken"
    ):
        backend.load(policy.state_dict(), version=2)


def test_a_server_that_takes_no_weights_is_found_out_at_small_steps_too(server, policy, tokenizer):
    """Each moves log-probs by far less than what is tolerated, and than what they would be told for."""
    backend = VLLMBackend(
        None, tokenizer, base_url=server.url, trained=HuggingFaceBackend(policy, tokenizer), parity=0.05
    )
    backend.load(policy.state_dict(), version=0)
    server.engine.reload = lambda folder: None
    with pytest.raises(ParityError, match=r"still those of before, while the trainer's moved by 0.00\d+: .*not taken"):
        for version in range(1, 40):
            shift(policy, by=1e-4)
            backend.load(policy.state_dict(), version=version)
    assert version > 1, "a step of this size is one that nobody would see"
    backend.close()


def test_a_policy_that_stays_as_it_is_may_be_loaded_again(backend, policy):
    for version in range(3):
        backend.load(policy.state_dict(), version=version)


def test_another_model_is_found_out_at_the_first_load(backend, policy, server):
    server.engine.reload = lambda folder: None
    with pytest.raises(ParityError, match="differ from the trainer's"):
        backend.load(policy.state_dict(), version=0)


def test_weights_that_are_no_numbers_are_found_out(backend, policy):
    with torch.no_grad():
        policy.model.norm.weight.fill_(torch.nan)
    with pytest.raises(ParityError, match="version 4: the policy's own log-probs are no numbers"):
        backend.load(policy.state_dict(), version=4)


def test_a_server_that_dies_before_it_is_compared_is_no_difference(policy, tokenizer):
    def dead(ids):
        raise UnreachableError("it was killed")

    assert ParityCheck(HuggingFaceBackend(policy, tokenizer), tokenizer, 0.05).check({"a": dead}, 1) == {}


def test_a_difference_that_is_tolerated_is_told_once(policy, tokenizer, caplog):
    trained = HuggingFaceBackend(policy, tokenizer)
    check = ParityCheck(trained, tokenizer, tolerance=0.05)

    def off(ids):
        return [score + 0.02 for score in trained.logprobs(ids[:1], ids[1:]).tolist()]

    with caplog.at_level(logging.WARNING):
        for version in (1, 2):
            found = check.check({"a": off}, version)
    assert found["a"].mean == pytest.approx(0.02, abs=1e-5)
    assert [record.message.count("differ") for record in caplog.records] == [1]


@pytest.mark.parametrize("score", [float("nan"), float("-inf"), -9999.0, None])
def test_a_sample_whose_log_prob_is_no_number_is_refused(backend, server, score):
    complete = server.engine.complete
    server.engine.complete = lambda request: (
        complete(request)
        | {
            "token_ids": [7, 8],
            "logprobs": {"token_logprobs": [-1.0, score]},
        }
    )
    with pytest.raises(BackendError, match="token 8, number 2 of a response, with the log-prob"):
        backend.sample([[5]], [1], max_new_tokens=2, temperature=1.0)
