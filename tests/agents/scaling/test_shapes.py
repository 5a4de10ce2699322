"""Shapes hold as many weights, and need as many operations, as the models that transformers makes of them."""

import json
import subprocess
import sys

import pytest
import torch
from transformers import AutoModelForCausalLM, GemmaConfig, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

from infinite_rl.agents.parallel.shape import MeshShape
from infinite_rl.agents.runs.throughput import PEAKS, Work, cost_of
from infinite_rl.agents.scaling.hardware import GPUS, find_gpu
from infinite_rl.agents.scaling.known import KNOWN, find_shape, loadable
from infinite_rl.agents.scaling.shapes import causal_pairs, shape_of
from infinite_rl.agents.scaling.timing import forward_work

CONFIGS = {
    "gemma": GemmaConfig,
    "llama": LlamaConfig,
    "mistral": MistralConfig,
    "qwen2": Qwen2Config,
    "qwen3": Qwen3Config,
}
TINY = {
    "vocab_size": 96,
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "intermediate_size": 80,
    "max_position_embeddings": 64,
}
# What is particular about each: biases, heads of another width, tied and untied embeddings.
PARTICULAR = {
    "gemma": [
        {"head_dim": 16},
        {"head_dim": 16, "tie_word_embeddings": False},
        {"head_dim": 16, "attention_bias": True},
    ],
    "llama": [{}, {"attention_bias": True}, {"mlp_bias": True}, {"head_dim": 16}, {"tie_word_embeddings": True}],
    "mistral": [{"sliding_window": None}, {"sliding_window": None, "head_dim": 16}],
    "qwen2": [{}, {"tie_word_embeddings": True}],
    "qwen3": [
        {"head_dim": 16},
        {"head_dim": 16, "attention_bias": True},
        {"head_dim": 16, "tie_word_embeddings": True},
    ],
}
CASES = [(family, own) for family, cases in PARTICULAR.items() for own in cases]


def on_meta(config):
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")


def known_config(shape):
    own = {"sliding_window": None} if shape.family == "mistral" else {}
    return CONFIGS[shape.family](
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        intermediate_size=shape.mlp,
        max_position_embeddings=shape.positions,
        tie_word_embeddings=shape.tied,
        **own,
    )


@pytest.mark.parametrize(("family", "own"), CASES)
def test_a_configuration_tells_the_weights_of_its_model(family, own, tmp_path):
    config = CONFIGS[family](**TINY, **own)
    model = on_meta(config)
    config.save_pretrained(tmp_path)
    shape = find_shape(str(tmp_path))
    assert shape.parameters == sum(weight.numel() for weight in model.parameters())
    assert shape.layer == sum(weight.numel() for weight in model.model.layers[0].parameters())
    assert shape == find_shape(str(tmp_path / "config.json")) or shape.name != "config.json"


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_shape_is_that_of_the_model_and_needs_its_operations(name):
    shape = KNOWN[name]
    model = on_meta(known_config(shape))
    assert shape.parameters == sum(weight.numel() for weight in model.parameters())
    cost = cost_of(model)
    work = forward_work(shape, MeshShape(), 100, 50, 30)
    assert work.matrices + work.attention == cost.forward(Work(tokens=100, pairs=100 * 50, scored=30))


# What the hub tells of these models' safetensors.
TOTALS = {
    "Qwen3-0.6B": 596_049_920,
    "Qwen3-4B": 4_022_468_096,
    "Qwen3-8B": 8_190_735_360,
    "Qwen3-32B": 32_762_123_264,
    "Qwen2.5-7B": 7_615_616_512,
    "Llama-3.1-8B": 8_030_261_248,
    "Llama-3.1-70B": 70_553_706_496,
    "gemma-2b": 2_506_172_416,
}


@pytest.mark.parametrize("name", TOTALS)
def test_known_shapes_have_the_published_number_of_weights(name):
    assert KNOWN[name].parameters == TOTALS[name]


@pytest.mark.parametrize("name", ["Qwen3-8B", "Qwen/Qwen3-8B", "qwen3-8b-base", "Qwen/Qwen3-8B-Instruct"])
def test_a_model_is_known_by_several_names(name):
    assert find_shape(name) is KNOWN["Qwen3-8B"]


def test_the_trainer_is_told_a_name_that_it_can_load(tmp_path):
    assert loadable("Qwen3-8B") == "Qwen/Qwen3-8B"
    assert loadable("Llama-3.1-8B-Instruct") == "meta-llama/Llama-3.1-8B-Instruct"
    assert loadable("someone/Qwen3-8B") == "someone/Qwen3-8B"
    assert loadable(str(tmp_path / "config.json")) == loadable(str(tmp_path)) == str(tmp_path)


def test_a_model_in_the_hubs_cache_is_found_without_a_network(tmp_path, monkeypatch):
    folder = tmp_path / "models--someone--small" / "snapshots" / "0123"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", **TINY}), encoding="utf-8")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert find_shape("someone/small").hidden == 48
    with pytest.raises(ValueError, match="did you mean Qwen3-8B"):
        find_shape("someone/Qwen3-9B")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model_type": "gpt2"}, "model_type 'gpt2' is not planned for"),
        ({"model_type": "qwen3", "num_experts": 8}, "mixtures of experts"),
        ({"model_type": "mistral", "sliding_window": 16}, "windows"),
        ({"model_type": "llama", "hidden_size": "wide"}, "hidden_size as a whole number, and has 'wide'"),
    ],
)
def test_what_is_not_planned_for_is_told(config, says):
    with pytest.raises(ValueError, match=says):
        shape_of(TINY | config, "it")


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "is not JSON"), ("[" * 100_000, "is not JSON"), ("[]", "no JSON object"), (None, "can't be read")],
)
def test_a_bad_file_is_told_in_one_line(tmp_path, text, says):
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=says):
        find_shape(str(path))


def test_the_cache_of_a_token_is_that_of_the_model():
    shape = KNOWN["Llama-3.1-8B"]
    assert shape.cache_per_token == 2 * 32 * 8 * 128 * 2  # keys and values, layers, heads, width, bytes
    assert causal_pairs(4) == 1 + 2 + 3 + 4


def test_gpus_have_the_peaks_by_which_runs_are_measured():
    names = {
        "a100": "NVIDIA A100-SXM4-80GB",
        "h100": "NVIDIA H100 80GB HBM3",
        "h200": "NVIDIA H200",
        "l40s": "NVIDIA L40S",
    }
    names |= {"b200": "NVIDIA B200", "a6000": "NVIDIA RTX A6000", "rtx4090": "NVIDIA GeForce RTX 4090"}
    for name, device in names.items():
        assert GPUS[name].operations == PEAKS[device][0]
    assert find_gpu("RTX-4090") is GPUS["rtx4090"]
    with pytest.raises(ValueError, match="choose from a100-40, a100, h100"):
        find_gpu("h1000")


def test_plans_are_made_without_torch():
    code = (
        "import sys, infinite_rl.agents.scaling.command\n"
        "print({'torch', 'transformers', 'omegaconf'} & {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
