"""Formulas of messages against messages, counted while a tiny model learns on 2 and 4 processes."""

import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM, LlamaConfig

sys.path.insert(0, str(Path(__file__).parents[1] / "parallel"))
from gloo import run

from infinite_rl.agents.parallel.apply import parallelize
from infinite_rl.agents.parallel.mesh import make_mesh
from infinite_rl.agents.parallel.sequence import enable_ring, sequence_parallel
from infinite_rl.agents.parallel.shape import MeshShape
from infinite_rl.agents.parallel.zigzag import shard
from infinite_rl.agents.scaling.job import Setup
from infinite_rl.agents.scaling.memory import local_parameters
from infinite_rl.agents.scaling.shapes import shape_of
from infinite_rl.agents.scaling.traffic import Traffic, backward_traffic, forward_traffic, ring_numbers

# Rows that the ranks divide without a rest, as FSDP pads those that they don't.
CONFIG = {
    "vocab_size": 64,
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "intermediate_size": 96,
    "head_dim": 16,
}
TOKENS = 32
MESHES = {
    2: [{"fsdp": 2}, {"ddp": 2}, {"tp": 2}, {"sp": 2}],
    4: [{"fsdp": 4}, {"ddp": 2, "fsdp": 2}, {"fsdp": 2, "tp": 2}, {"sp": 4}, {"fsdp": 2, "sp": 2}, {"sp": 2, "tp": 2}],
}


# What sends nothing.
SILENT = ("wait", "wrap", "recv", "barrier")


class Counter(TorchDispatchMode):
    """Bytes that this rank sends: in collectives, as rings do them, and from rank to rank."""

    def __init__(self):
        super().__init__()
        self.sent, self.passed = 0.0, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if any("DTensor" in kind.__name__ for kind in types):
            return NotImplemented  # they come again as plain tensors
        name = str(func)
        if name.startswith("c10d._allgather_base_"):
            self.sent += args[0].nbytes - args[1].nbytes
        elif name.startswith("c10d._reduce_scatter_base_"):
            self.sent += args[1].nbytes - args[0].nbytes
        elif name.startswith("c10d.allreduce_"):
            ranks = args[1].size() if hasattr(args[1], "size") else dist.ProcessGroup.unbox(args[1]).size()
            self.sent += sum(2 * (ranks - 1) / ranks * tensor.nbytes for tensor in args[0])
        elif name.startswith("c10d.send."):
            self.passed += sum(tensor.nbytes for tensor in args[0])
        elif name.startswith("_c10d_functional.all_gather_into_tensor."):
            self.sent += (args[1] - 1) * args[0].nbytes
        elif name.startswith("_c10d_functional.reduce_scatter_tensor."):
            self.sent += (args[2] - 1) / args[2] * args[0].nbytes
        elif name.startswith("_c10d_functional.all_reduce."):
            ranks = dist.distributed_c10d._resolve_process_group(args[2]).size()
            self.sent += 2 * (ranks - 1) / ranks * args[0].nbytes
        elif name.startswith(("_c10d_functional.", "c10d.")) and not any(word in name for word in SILENT):
            raise AssertionError(f"{name} is not counted")
        return func(*args, **(kwargs or {}))


def on_a_rank(meshes):
    """For each mesh what this rank sends forward and backward: by collectives, and from rank to rank."""
    return [[counted(mesh, checkpointing=checkpointing) for checkpointing in (False, True)] for mesh in meshes]


def counted(ways, *, checkpointing):
    config = MeshShape(**ways)
    mesh = make_mesh(config, "cpu")
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**CONFIG), attn_implementation="sdpa").train()
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    enable_ring(model)
    parallelize(model, mesh, dtype=torch.bfloat16)
    ids = torch.arange(TOKENS)[None] % CONFIG["vocab_size"]
    group = mesh["sp"].get_group() if config.sp > 1 else None
    inputs = sequence_parallel([TOKENS], group)
    ids = shard(ids, [TOKENS], mesh["sp"].get_local_rank(), config.sp)
    with Counter() as count:
        loss = model(input_ids=ids, **inputs).logits.float().logsumexp(-1).sum()
        forward = count.sent, count.passed
        loss.backward()
    return forward, (count.sent - forward[0], count.passed - forward[1])


@pytest.fixture(scope="module", params=[pytest.param(count, marks=pytest.mark.slow) for count in (2, 4)])
def computed(request):
    return request.param, run(__file__, "on_a_rank", request.param, MESHES[request.param], timeout=400)


def test_ranks_send_what_the_formulas_say(computed):
    ranks, of_ranks = computed
    shape = shape_of({"model_type": "llama", **CONFIG}, "tiny")
    for number, ways in enumerate(MESHES[ranks]):
        mesh = MeshShape(**ways)
        for checkpointing in (False, True):
            setup = Setup(mesh=mesh, checkpointing=checkpointing)
            forward, backward = (of(shape, setup, TOKENS) for of in (forward_traffic, backward_traffic))
            for found in of_ranks:
                (collective, passed), (collective_back, passed_back) = found[number][checkpointing]
                assert passed == forward.sp, ways
                assert passed_back == backward.sp, ways
                assert collective == pytest.approx(together(forward) + whole_logits(shape, mesh)), ways
                assert collective_back == pytest.approx(together(backward) + shared_norms(shape, mesh)), ways


def together(traffic):
    return traffic.fsdp + traffic.ddp + traffic.tp


def whole_logits(shape, mesh):
    """Logits come out whole here; the trainer's head makes none of all tokens."""
    return 2 * shape.vocabulary * TOKENS / mesh.sp * (mesh.tp - 1) / mesh.tp


def shared_norms(shape, mesh):
    """Gradients of norms are summed over the tensor-parallel ranks: a few numbers, which the formula leaves out."""
    return 0 if mesh.tp == 1 else (2 * shape.layers + 1) * shape.hidden * NORM_BYTES * 2 * (mesh.tp - 1) / mesh.tp


NORM_BYTES = 2


def test_the_ring_sends_what_its_docstring_says():
    """2 B G T D in each of P - 1 rounds forward; backward as much for keys and values, and P rounds of gradients."""
    rows, heads, length, width = 3, 2, 16, 8
    one = 2 * rows * heads * length * width
    assert ring_numbers(1, rows, heads, length, width) == (0, 0)
    assert ring_numbers(4, rows, heads, length, width) == (3 * one, 3 * one + 4 * one)


def test_the_formula_of_the_ring_is_that_of_liu_et_al():
    """arXiv:2310.01889, section 3: a host sends its keys and values once in each round, 4 c h bytes for c tokens of
    width h in half precision."""
    forward, _ = ring_numbers(8, 1, 32, 1024, 128)
    assert 2 * forward == 7 * 4 * 1024 * (32 * 128)


def test_traffic_adds_up():
    assert Traffic(1, 2, 3, 4).times(2).plus(Traffic(tp=1)) == Traffic(2, 4, 6, 9)
    shape = shape_of({"model_type": "llama", **CONFIG}, "tiny")
    alone = Setup()
    assert together(forward_traffic(shape, alone, 99)) == together(backward_traffic(shape, alone, 99)) == 0
    assert local_parameters(shape, 1) == shape.parameters
