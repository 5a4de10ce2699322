"""The formulas of memory count what models and optimizers really keep."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM, GemmaConfig, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

from infinite_rl.agents.parallel.shape import MeshShape
from infinite_rl.agents.scaling.job import Job, Setup
from infinite_rl.agents.scaling.known import KNOWN
from infinite_rl.agents.scaling.memory import (
    HEAD_TILE,
    cast_copies,
    idle_memory,
    kept_between,
    kept_by_layer,
    local_parameters,
    optimizer_bytes,
    train_memory,
)
from infinite_rl.agents.scaling.shapes import shape_of
from infinite_rl.agents.updates.head import GPU_TILE

SHAPE = {
    "vocab_size": 64,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 160,
    "head_dim": 32,
    "max_position_embeddings": 256,
}
FAMILIES = {
    "gemma": GemmaConfig,
    "llama": LlamaConfig,
    "mistral": lambda **shape: MistralConfig(**shape, sliding_window=None),
    "qwen2": Qwen2Config,
    "qwen3": Qwen3Config,
}
TOKENS = 48


def make(family, layers):
    config = FAMILIES[family](**SHAPE, num_hidden_layers=layers)
    return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa"), shape_of(config.to_dict(), family)


def kept(family, layers, *, autocast, checkpointing):
    """Bytes that a forward pass keeps for the backward pass, weights apart; each storage counts once."""
    model, shape = make(family, layers)
    model = (model if autocast else model.to(torch.bfloat16)).train()
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    own = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    found = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage.nbytes(), tensor  # held, so that no address is used twice
        return tensor

    ids = torch.randint(64, (1, TOKENS))
    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
    with hooks, torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        model.model(input_ids=ids, use_cache=False)
    return sum(size for size, _ in found.values()), shape


@pytest.mark.parametrize("autocast", [False, True], ids=["bfloat16", "autocast"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_layer_keeps_what_the_formula_counts(family, autocast):
    (two, _), (three, shape) = (kept(family, layers, autocast=autocast, checkpointing=False) for layers in (2, 3))
    copies = cast_copies(shape) / shape.layers if autocast else 0
    # Gemma's norms make a float32 copy of their weights, which is as large whatever the number of tokens.
    copies += 2 * 4 * shape.hidden if family == "gemma" else 0
    assert three - two == kept_by_layer(shape, autocast=autocast) * TOKENS + copies


@pytest.mark.parametrize("autocast", [False, True], ids=["bfloat16", "autocast"])
@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_a_checkpointed_layer_keeps_its_input(family, autocast):
    (two, _), (three, shape) = (kept(family, layers, autocast=autocast, checkpointing=True) for layers in (2, 3))
    assert three - two == kept_between(shape, autocast=autocast) * TOKENS


@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("name", "make_optimizer"),
    [
        ("adamw", torch.optim.AdamW),
        ("adafactor", torch.optim.Adafactor),
        ("sgd", lambda parameters: torch.optim.SGD(parameters, momentum=0.9)),
    ],
)
@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_gradients_and_averages_are_as_large_as_the_formulas_say(family, name, make_optimizer, weights):
    model, shape = make(family, 2)
    model = model.to(weights)
    optimizer = make_optimizer(model.parameters())
    model(input_ids=torch.randint(64, (1, 8))).logits.sum().backward()
    optimizer.step()
    gradients = sum(weight.grad.nbytes for weight in model.parameters())
    averages = sum(
        value.nbytes for state in optimizer.state.values() for value in state.values()
        if isinstance(value, torch.Tensor) and value.dim()
    )  # fmt: skip
    setup = Setup(weights=weights.itemsize, optimizer=name)
    memory = train_memory(shape, Job(reference=False), setup)
    assert memory.gradients == memory.weights == gradients
    assert memory.optimizer == optimizer_bytes(shape, setup) == averages


def test_the_heads_tile_is_that_of_the_trainer():
    assert tuple(GPU_TILE) == HEAD_TILE


@pytest.mark.parametrize("tp", [1, 2, 4])
def test_tensor_parallel_ranks_hold_all_norms_and_their_part_of_the_rest(tp):
    shape = KNOWN["Llama-3.1-8B"]
    norms = (2 * shape.layers + 1) * shape.hidden
    assert local_parameters(shape, tp) == (shape.parameters - norms) / tp + norms


def test_what_each_setting_saves():
    shape, job = KNOWN["Qwen3-8B"], Job()
    plain = Setup(mesh=MeshShape(fsdp=8), checkpointing=False)

    def of(**changes):
        return train_memory(shape, job, replace(plain, **changes))

    before = of()
    assert of(checkpointing=True).kept < before.kept / 10
    assert of(offload_activations=True).kept == 0
    assert of(offload_optimizer=True).optimizer == 0
    assert of(weights=2).weights == before.weights / 2
    assert of(mesh=MeshShape(fsdp=16)).weights == before.weights / 2
    assert of(mesh=MeshShape(fsdp=8, sp=2)).kept == before.kept / 2
    assert of(tiled_head=False).head > 4 * before.head
    # Averages that come back for the step count where nothing else is as large then.
    waiting = of(offload_optimizer=True, checkpointing=True, microbatch=1)
    assert waiting.step > 0
    assert waiting.total < before.total


def test_a_critic_and_a_reference_are_counted():
    shape, setup = KNOWN["Qwen3-8B"], Setup(mesh=MeshShape(fsdp=8))
    alone, reference, both = (
        train_memory(shape, Job(reference=bool(n), critic=n > 1), setup) for n in range(3)
    )  # fmt: skip
    assert alone.models == 0
    assert reference.models == alone.weights
    # The critic's weights, gradients and averages, too; it has no head over the vocabulary.
    backbone = alone.weights * (1 - shape.head / shape.parameters)
    assert both.models == pytest.approx(alone.weights + backbone * (1 + 1 + 2))
    assert both.optimizer == alone.optimizer


def test_activation_memory_is_that_of_the_published_formula():
    """Korthikanti et al. 2022, arXiv:2205.05198, section 4.1: 34 h bytes a token and layer beside the scores.

    Theirs is GPT: an MLP of 4 h without a gate, two dropout masks of h bytes, norms that keep 2 h in half precision
    where ours keep 6 h.
    """
    h = 4096
    config = {"model_type": "llama", "hidden_size": h, "intermediate_size": 4 * h, "num_attention_heads": 32}
    gpt = shape_of(config | {"num_hidden_layers": 1, "vocab_size": 50_000}, "gpt")
    # The gate is two numbers more for each of the MLP's width.
    ungated = kept_by_layer(gpt) / h - 2 * 2 * 4
    assert ungated == pytest.approx(34 - 2 + 2 * 4, rel=0.002)


def test_while_others_sample_a_trainer_holds_weights_and_averages_but_for_what_waits_in_host_memory():
    shape, job = KNOWN["Qwen3-8B"], Job(reference=True, critic=True)
    setup = Setup(mesh=MeshShape(fsdp=4))
    shares, backbone = shape.parameters / 4, shape.parameters - (0 if shape.tied else shape.head)
    weights, averages = 4 * (2 * shares + backbone / 4), 8 * (shares + backbone / 4)
    assert idle_memory(shape, job, setup) == pytest.approx(weights + averages)
    assert idle_memory(shape, job, replace(setup, offload_models=True)) == pytest.approx(averages)
    assert idle_memory(shape, job, replace(setup, offload_optimizer=True)) == pytest.approx(weights)
    assert idle_memory(shape, job, replace(setup, offload_models=True, offload_optimizer=True)) == 0
