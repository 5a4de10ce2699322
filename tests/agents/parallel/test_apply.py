"""Each combination of parallelism computes what one process does: loss, gradients, one step of the optimizer."""

import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

sys.path.insert(0, str(Path(__file__).parent))
from gloo import run
from test_sequence import FAMILIES, loss_of, make, row

from infinite_rl.agents.parallel.apply import _first_layer, full_gradients, full_weights, parallelize
from infinite_rl.agents.parallel.mesh import make_mesh, resolve
from infinite_rl.agents.parallel.sequence import enable_ring, sequence_parallel
from infinite_rl.agents.parallel.shape import MeshShape
from infinite_rl.agents.parallel.zigzag import shard
from infinite_rl.agents.updates import offload
from infinite_rl.agents.updates.offload import move

# The rows of a step; each is a batch of its own.
STEP = [[64], [16, 40, 8], [32, 32], [48, 16]]
CONFIGS = {
    2: [{"ddp": 2}, {"fsdp": 2}, {"sp": 2}, {"tp": 2}],
    4: [
        {"ddp": 2, "fsdp": 2},
        {"fsdp": 2, "sp": 2},
        {"fsdp": 2, "tp": 2},
        {"sp": 2, "tp": 2},
        {"ddp": 2, "sp": 2},
        {"ddp": 2, "tp": 2},
        {"fsdp": 4},
        {"sp": 4},
    ],
}


def alone(family):
    """The loss, the gradients, and the weights after a step."""
    model = make(family)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    total = 0.0
    for lengths in STEP:
        ids, weights = row(lengths)
        start = 0
        for length in lengths:
            own = slice(start, start + length)
            loss = loss_of(model(input_ids=ids[:, own], use_cache=False).logits, ids[:, own], weights[:, own])
            loss.backward()
            total += loss.item()
            start += length
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    optimizer.step()
    return total, gradients, {name: p.detach() for name, p in model.named_parameters()}


def on_a_rank(family, configs):
    """For each configuration the largest differences from one process."""
    expected_loss, expected_gradients, expected_weights = alone(family)
    found = []
    for values in configs:
        config = MeshShape(**values)
        mesh = make_mesh(config, "cpu")
        model = make(family)
        parallelize(model, mesh)
        enable_ring(model)  # rows hold several sequences, however few ranks share them
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        rank = mesh["ddp"].get_local_rank() * config.fsdp + mesh["fsdp"].get_local_rank()
        total = torch.zeros((), dtype=torch.float64)
        for lengths in STEP[rank :: config.row_ranks]:
            ids, weights = (shard(part, lengths, mesh["sp"].get_local_rank(), config.sp) for part in row(lengths))
            group = mesh["sp"].get_group() if config.sp > 1 else None
            logits = model(input_ids=ids, **sequence_parallel(lengths, group)).logits
            loss = loss_of(logits, ids, weights)
            loss.backward()
            total += loss.detach()
        dist.all_reduce(total)
        gradients = full_gradients(model)
        optimizer.step()
        weights = {name: p.detach().full_tensor() for name, p in model.named_parameters()}
        found.append(
            (
                abs(total.item() / config.tp - expected_loss) / abs(expected_loss),
                max((gradients[name] - g).abs().max().item() for name, g in expected_gradients.items()),
                max((weights[name] - w).abs().max().item() for name, w in expected_weights.items()),
                sorted(gradients) == sorted(expected_gradients),
            )
        )
    return found


# A job for each family: the connections of all meshes of a job stay open until it ends.
@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_loss_gradients_and_a_step_equal_those_of_one_process(family, ranks):
    for of_rank in run(__file__, "on_a_rank", ranks, family, CONFIGS[ranks], timeout=400):
        for config, (loss, gradients, weights, same_names) in zip(CONFIGS[ranks], of_rank, strict=True):
            assert same_names, config
            assert loss < 1e-12, config
            assert gradients < 1e-9, config
            assert weights < 1e-9, config


def moved_on_a_rank(configs):
    """How far a model that goes away before each step is, in the end, from one that stays."""
    offload.to_host = lambda tensor: tensor.detach().clone()  # as if models were on a GPU
    return [(learnt(MeshShape(**values), away=True) - learnt(MeshShape(**values), away=False)) for values in configs]


def learnt(config, *, away):
    """All weights after two steps."""
    mesh, model = make_mesh(config, "cpu"), make("qwen2")
    parallelize(model, mesh)
    enable_ring(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    lengths = STEP[0]
    ids, weights = (shard(part, lengths, mesh["sp"].get_local_rank(), config.sp) for part in row(lengths))
    group = mesh["sp"].get_group() if config.sp > 1 else None
    for _ in range(2):
        if away:
            move(model, torch.device("cpu"))
        loss_of(model(input_ids=ids, **sequence_parallel(lengths, group)).logits, ids, weights).backward()
        optimizer.step()
        optimizer.zero_grad()
    return torch.cat([weight.flatten() for weight in full_weights(model).values()])


@pytest.mark.slow
def test_divided_models_that_go_to_host_memory_between_steps_learn_the_same():
    for of_rank in run(__file__, "moved_on_a_rank", 2, CONFIGS[2]):
        assert [difference.abs().max().item() for difference in of_rank] == [0.0] * len(CONFIGS[2])


def test_what_is_tried_before_a_model_is_divided_needs_no_room_for_all_of_it():
    model = make("qwen2")
    count = len(model.model.layers)
    tried = _first_layer(model, "meta")
    assert tried.device.type == "meta"
    assert (len(tried.model.layers), len(model.model.layers)) == (1, count)
    assert count > 1
    assert _first_layer(model, "cpu") is model


def test_numbers_that_do_not_multiply_are_refused():
    with pytest.raises(ValueError, match="are 6 processes, and there are 4"):
        resolve({"ddp": 3, "fsdp": 1, "tp": 2}, 4)


def test_shards_take_the_processes_that_the_others_leave():
    assert resolve({"ddp": 2, "fsdp": None, "tp": 2}, 8) == MeshShape(ddp=2, fsdp=2, tp=2)
    with pytest.raises(ValueError, match="are 4 processes, and there are 6"):
        resolve({"ddp": 2, "tp": 2}, 6)
