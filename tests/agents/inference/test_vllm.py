"""vLLM's protocol, spoken with a local server that samples from the tiny model, and with a stand-in for the engine."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from vllm_api import Engine, Server

from infinite_rl.agents.config import LoraConfig
from infinite_rl.agents.environments.text import SimpleTextEnvironment
from infinite_rl.agents.inference.backend import BackendError
from infinite_rl.agents.inference.huggingface import HuggingFaceBackend
from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.inference.sampling import TokenFilter
from infinite_rl.agents.inference.vllm import VLLMBackend
from infinite_rl.agents.models.lora import add_adapters
from infinite_rl.agents.rollouts.manager import RolloutConfig, RolloutManager
from infinite_rl.runtimes.endpoint import EndpointError

NEUTRAL = {
    "top_p": 1.0,
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}


@pytest.fixture
def engine(tiny, tokenizer):
    return Engine(tiny(tokenizer), tokenizer)


@pytest.fixture
def server(engine):
    running = Server(engine)
    yield running.url
    running.kill()


@pytest.fixture
def remote(server, tokenizer):
    return InferenceModule("tiny", tokenizer, backend="vllm", base_url=server)


@pytest.fixture
def local(tiny, tokenizer):
    return InferenceModule(tiny(tokenizer), tokenizer)


def test_a_server_is_sent_ids_and_answers_in_ids(remote, local, engine):
    found = remote.generate(["1+1=", "ab"], max_new_tokens=6)
    expected = [local.encode("1+1="), local.encode("ab")]
    assert [text.prompt_ids for text in found] == expected
    assert sorted(request["prompt"] for request in engine.requests) == sorted(expected)
    for text in found:
        assert text == local.decode([text.sample.token_ids])[0]
        torch.testing.assert_close(
            local.backend.logprobs(text.prompt_ids, text.sample.token_ids.tolist()), text.sample.logprobs
        )
        assert text.sample.truncated == (int(text.sample.token_ids[-1]) not in local.backend.end_ids)


def test_nothing_that_a_server_takes_from_the_model_s_folder_bends_the_distribution(remote, engine):
    remote.generate(["ab"], 3)
    assert engine.requests[0].items() >= NEUTRAL.items()
    assert engine.requests[0]["stop_token_ids"] == remote.backend.end_ids


def test_filters_and_limits_of_single_rows_are_passed_on(server, tokenizer, engine):
    backend = VLLMBackend("tiny", tokenizer, base_url=server, processed_logprobs=True)
    filtered = TokenFilter(top_k=5, top_p=0.9)
    backend.sample([[5], [6]], [1, 2], max_new_tokens=[3, 4], temperature=0.7, token_filter=filtered)
    assert sorted(request["max_tokens"] for request in engine.requests) == [3, 4]
    assert {(request["top_k"], request["top_p"], request["temperature"]) for request in engine.requests} == {
        (5, 0.9, 0.7)
    }


def test_each_row_has_a_seed_of_its_own_that_fits(remote, engine):
    remote.generate(["ab"] * 8, 3)
    seeds = [request["seed"] for request in engine.requests]
    assert len(set(seeds)) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_log_probs_of_another_temperature_must_be_those_of_what_is_sampled(remote, server, tokenizer):
    with pytest.raises(BackendError, match="--logprobs-mode processed_logprobs"):
        remote.generate(["ab"], 3, temperature=0.7)
    told = InferenceModule("tiny", tokenizer, "vllm", base_url=server, processed_logprobs=True)
    assert len(told.generate(["ab"], 3, temperature=0.7)) == 1


def test_scores_are_those_of_transformers(remote, local):
    prompts, responses = ["1+1=", "a"], ["2", "bcd"]
    torch.testing.assert_close(
        remote.get_logprobs(prompts, responses), local.get_logprobs(prompts, responses), atol=1e-5, rtol=1e-5
    )
    theirs, ours = remote.get_logits(prompts, responses), local.get_logits(prompts, responses)
    assert theirs.shape == ours.shape
    torch.testing.assert_close(theirs[1], torch.log_softmax(ours[1], -1), atol=1e-5, rtol=1e-5)
    assert remote.get_logprobs(["ab"], [""]).shape == (1, 0)


def test_new_weights_reach_the_server_and_its_cache_is_reset(remote, engine, tiny, tokenizer):
    other = tiny(tokenizer, seed=1)
    remote.load(other.state_dict(), version=5)
    assert engine.resets == 1
    assert remote.version == 5
    expected = InferenceModule(other, tokenizer).get_logprobs(["1+1="], ["234"])
    torch.testing.assert_close(remote.get_logprobs(["1+1="], ["234"]), expected, atol=1e-5, rtol=1e-5)


def test_greedy_answers_are_kept_until_the_weights_change(remote, engine, tiny, tokenizer):
    for _ in range(3):
        remote.generate(["ab"], 3, temperature=0.0)
    assert len(engine.requests) == 1
    remote.load(tiny(tokenizer, seed=1).state_dict(), version=1)
    remote.generate(["ab"], 3, temperature=0.0)
    assert len(engine.requests) == 2


def test_a_server_without_development_mode_is_named(remote, engine, tiny, tokenizer):
    engine.development = False
    with pytest.raises(EndpointError, match="VLLM_SERVER_DEV_MODE=1"):
        remote.load(tiny(tokenizer).state_dict(), version=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"token_ids": [1.5], "logprobs": {"token_logprobs": [-1.0]}}, "sent no completion.*1.5 is no token id"),
        ({"token_ids": ["a"], "logprobs": {"token_logprobs": [-1.0]}}, "sent no completion.*'a' is no token id"),
        ({"token_ids": [5], "logprobs": {"token_logprobs": ["x"]}}, "sent no completion.*'x'"),
        ({"token_ids": [5], "logprobs": [1]}, "sent no completion"),
        ({"token_ids": 5}, "sent no completion"),
        ({"token_ids": [-5], "logprobs": {"token_logprobs": [-1.0]}}, "token -5, number 1 .* another model"),
        ({"token_ids": [10**6], "logprobs": {"token_logprobs": [-1.0]}}, "token 1000000, number 1 .* another model"),
        ({"token_ids": [5, 6], "logprobs": {"token_logprobs": [-1.0, 7.0]}}, "number 2 .* log-prob 7.0"),
        ({"token_ids": [5] * 6, "logprobs": {"token_logprobs": [-1.0] * 6}}, "6 tokens, and was asked for 1 to 5"),
        ({"token_ids": [], "logprobs": {"token_logprobs": []}, "finish_reason": "stop"}, "0 tokens"),
        ({"finish_reason": "error"}, "ended a response with 'error'"),
        ({"finish_reason": None}, "ended a response with None"),
        ({"token_ids": None}, "no token ids"),
        ({"logprobs": None}, "no log-probs"),
        ({"prompt_token_ids": [1, 2]}, "other tokens"),
        ({"logprobs": {"token_logprobs": [-1.0]}}, "must give both"),
    ],
)
def test_what_a_server_sends_is_not_believed(server, engine, tokenizer, change, message):
    complete = engine.complete
    engine.complete = lambda request: complete(request) | change
    backend = VLLMBackend(None, tokenizer, base_url=server, vocabulary=len(tokenizer))
    with pytest.raises((BackendError, EndpointError), match=message):
        backend.sample([[5, 6]], [1], max_new_tokens=5, temperature=1.0)


@pytest.mark.parametrize(
    "rows", [None, [], [None], [None, 3], [None, {"6": {}}], [None, {"7": {"logprob": -1.0}}], "ab"]
)
def test_scores_that_a_server_sends_are_not_believed_either(server, engine, tokenizer, rows):
    complete = engine.complete
    engine.complete = lambda request: complete(request) | {"prompt_logprobs": rows}
    backend = VLLMBackend(None, tokenizer, base_url=server)
    with pytest.raises(EndpointError, match="sent no log-probs of the prompt"):
        backend.logprobs([5], [6])


def test_rollouts_run_on_a_server(remote, local):
    config = RolloutConfig(max_new_tokens=4, num_parallel=8)
    trajectories = RolloutManager(SimpleTextEnvironment(remote, ["ab", "c"], max_steps=2), config).collect_rollouts(6)
    for row in trajectories:
        first = row.state["segments"][0]
        ids, mask = row.token_ids[:first], row.action_mask[:first]
        start = int(mask.int().argmax())
        scores = local.backend.logprobs(ids[:start].tolist(), ids[start:].tolist())
        torch.testing.assert_close(row.behaviour_logprob[:first][mask], scores[mask[start:]], atol=1e-4, rtol=1e-4)


def test_a_missing_vllm_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(BackendError) as caught:
        InferenceModule("meta-llama/Llama-2-7b-hf", backend="vllm")
    message = str(caught.value)
    assert "\n" not in message
    assert 'pip install -e ".[vllm]"' in message
    assert "base_url" in message


def stand_in(engine, *, sleeps=False):
    """A module with the names of vLLM that the backend uses; its engine is the tiny model."""

    class SamplingParams(SimpleNamespace):
        pass

    class LLM:
        def __init__(self, model, **options):
            self.options = options

        def generate(self, prompts, params, use_tqdm):
            params = params if isinstance(params, list) else [params] * len(prompts)
            return [self._one(prompt, one) for prompt, one in zip(prompts, params, strict=True)]

        def _one(self, prompt, params):
            choice = engine.complete({"prompt": prompt["prompt_token_ids"], **vars(params)})
            rows = [
                None if row is None else {int(token): SimpleNamespace(**entry) for token, entry in row.items()}
                for row in choice.get("prompt_logprobs", ())
            ]
            scores = (choice["logprobs"] or {}).get("token_logprobs", [])
            logprobs = [
                {token: SimpleNamespace(logprob=score)}
                for token, score in zip(choice["token_ids"], scores, strict=False)
            ]
            output = SimpleNamespace(**choice | {"logprobs": logprobs})
            return SimpleNamespace(outputs=[output], prompt_logprobs=rows)

        def collective_rpc(self, method, kwargs):
            assert method == "reload_weights"
            engine.reload(kwargs["weights_path"])

        def reset_prefix_cache(self):
            engine.resets += 1

        def sleep(self, level):
            engine.calls.append(f"sleep {level}")

        def wake_up(self, tags):
            engine.calls.append(f"wake {' '.join(tags)}")

    platform = SimpleNamespace(is_sleep_mode_available=lambda: sleeps)
    platforms = SimpleNamespace(current_platform=platform)
    return SimpleNamespace(LLM=LLM, SamplingParams=SamplingParams, platforms=platforms)


def test_an_engine_in_this_process_is_told_to_give_log_probs_of_what_it_samples(
    monkeypatch, engine, local, tiny, tokenizer, tmp_path
):
    monkeypatch.setitem(sys.modules, "vllm", stand_in(engine))
    tokenizer.save_pretrained(tmp_path)
    tiny(tokenizer).save_pretrained(tmp_path)  # beside which transformers would make another tokenizer
    inference = InferenceModule(str(tmp_path), backend="vllm", gpu_memory_utilization=0.5)
    assert inference.tokenizer.encode("a\nb") == tokenizer.encode("a\nb")
    options = inference.backend.engine._llm.options
    assert options["logprobs_mode"] == "processed_logprobs"
    assert options["gpu_memory_utilization"] == 0.5
    (text,) = inference.generate(["ab"], 5, temperature=0.7)
    assert len(text.sample.logprobs) == len(text.sample.token_ids)
    torch.testing.assert_close(
        inference.get_logprobs(["a"], ["bcd"]), local.get_logprobs(["a"], ["bcd"]), atol=1e-5, rtol=1e-5
    )
    assert inference.get_logits(["a"], ["bcd"]).shape == (1, 3, len(tokenizer))
    inference.load(tiny(tokenizer, seed=1).state_dict(), version=2)
    assert engine.resets == 1


@pytest.fixture
def folder(tiny, tokenizer, tmp_path):
    """The model that an engine in this process reads."""
    tiny(tokenizer).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return str(tmp_path)


def test_an_engine_that_can_sleep_gives_its_memory_back_until_new_weights_come(
    monkeypatch, engine, tiny, tokenizer, folder
):
    monkeypatch.setitem(sys.modules, "vllm", stand_in(engine, sleeps=True))
    inference = InferenceModule(folder, tokenizer, backend="vllm")
    assert inference.backend.engine._llm.options["enable_sleep_mode"] is True
    inference.rest()
    inference.rest()
    assert engine.calls == ["sleep 2"]
    with pytest.raises(BackendError, match="dropped its weights"):
        inference.generate(["ab"], 3)
    engine.reload = lambda folder: engine.calls.append("reload")
    inference.load(tiny(tokenizer, seed=1).state_dict(), version=4)
    # Room for the cache is taken only when something is sampled: models of the trainer may still be there.
    assert engine.calls == ["sleep 2", "wake weights", "reload"]
    (text,) = inference.generate(["ab"], 3)
    assert engine.calls == ["sleep 2", "wake weights", "reload", "wake kv_cache"]
    assert set(text.sample.versions.tolist()) == {4}


def test_the_weights_below_adapters_outlive_the_sleep(monkeypatch, engine, tiny, tokenizer, folder):
    monkeypatch.setitem(sys.modules, "vllm", stand_in(engine, sleeps=True))
    policy = tiny(tokenizer)
    add_adapters(policy, LoraConfig(r=3, alpha=4, target_modules=None), seed=0)
    backend = VLLMBackend(folder, tokenizer, trained=HuggingFaceBackend(policy, tokenizer))
    options = backend.engine._llm.options
    assert (options["enable_lora"], options["max_lora_rank"]) == (True, 8), "the next rank that vLLM has room for"
    backend.rest()
    assert engine.calls == ["sleep 1"]


def test_where_an_engine_cannot_sleep_it_is_not_told_to(monkeypatch, engine, tokenizer, folder):
    monkeypatch.setitem(sys.modules, "vllm", stand_in(engine))
    inference = InferenceModule(folder, tokenizer, backend="vllm")
    inference.rest()
    assert engine.calls == []
    assert len(inference.generate(["ab"], 3)) == 1
