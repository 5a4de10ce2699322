"""Divided models through the trainer's path: scores, losses, gradients, norm and a clipped step are those of one."""

import copy
import math
import sys
from dataclasses import fields, replace
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

sys.path.insert(0, str(Path(__file__).parent))
from gloo import run
from test_apply import CONFIGS
from test_sequence import FAMILIES, make

from infinite_rl.agents.losses import LossConfig
from infinite_rl.agents.models.critic import make_critic
from infinite_rl.agents.parallel.apply import full_gradients, parallelize
from infinite_rl.agents.parallel.mesh import make_mesh
from infinite_rl.agents.parallel.shape import MeshShape
from infinite_rl.agents.updates.backprop import BackpropConfig, BackpropModule
from infinite_rl.agents.updates.batching import TokenBatch, TokenRow
from infinite_rl.agents.updates.dealing import deal
from infinite_rl.agents.updates.layout import Bundle, lay_out

CPU = torch.device("cpu")
# Of each sequence of each micro-batch: its tokens, and how many of the last of them are scored.
STEP = [[(13, 9), (7, 3)], [(21, 12)], [(5, 2), (6, 5), (4, 3)], [(9, 1), (16, 15)], [(11, 6)]]
GRPO = LossConfig(kl_coef=0.1, entropy_coef=0.01)
GSPO = LossConfig(policy_loss="gspo", aggregation="sequence_mean", clip_low=0.05)
PPO = LossConfig(value_coef=0.5, value_clip=0.2, kl_coef=0.1, entropy_coef=0.01)
LIMIT = 0.05  # below the norm of every gradient here, so that all are clipped


def batches(packed=False):
    """The micro-batches of a step, with what is known of their tokens, and the weights of their sequences."""
    random = torch.Generator().manual_seed(0)
    found, weights = [], []
    for lengths in STEP:
        rows = []
        for length, scored in lengths:
            ids = torch.randint(32, (length,), generator=random)
            mask = torch.arange(length) >= length - scored
            rows.append(TokenRow(ids, mask, -3.5 + torch.rand(length, generator=random).double()))
        batch = TokenBatch.of_rows(rows, CPU)
        if packed:
            ends = [0, *accumulate(length for length, _ in lengths)]
            ids, masks = (torch.cat([row[k] for row in rows]) for k in (0, 1))
            layout = lay_out(ids, masks, [Bundle(0, list(pairwise(ends)))], CPU, packed=True)
            batch = replace(batch, **{field.name: getattr(layout, field.name) for field in fields(layout)})
        for name in ("advantage", "value", "returns"):
            batch.columns[name] = torch.randn(len(batch.target), generator=random).double()
        found.append(batch)
        weights.append(torch.rand(len(lengths), generator=random).double() / 10)
    return found, weights


def module(family, mesh=None, *, critic=False, prepare=lambda model: None):
    """The trainer's module over a policy, a reference that is another model, and perhaps a critic."""
    model = make(family)
    reference = copy.deepcopy(model)
    with torch.no_grad():
        for weight in reference.parameters():
            weight.mul_(1.1)
    judge = None
    if critic:
        judge = make_critic(model).double()
        torch.nn.init.normal_(judge.head.weight, generator=torch.Generator().manual_seed(1))
    for one in (model, reference, *([judge.backbone] if judge else [])):
        prepare(one)
    reference.requires_grad_(False)
    if mesh is not None:
        for one in (model, reference, *([judge] if judge else [])):
            parallelize(one, mesh)
    optimizer, others = (
        torch.optim.AdamW(one.parameters(), lr=1e-2) if one is not None else None for one in (model, judge)
    )
    config = BackpropConfig(max_grad_norm=LIMIT, temperature=0.7)
    return BackpropModule(model, reference, optimizer, config, critic=judge, critic_optimizer=others)


def whole(tensor):
    return (tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor).detach().clone()


def models(backprop):
    return {"policy": backprop.model, **({"critic": backprop.critic} if backprop.critic is not None else {})}


def step(backprop, mine, config):
    """The sum of the losses of these micro-batches, their scores, the gradients, the norm, and the weights then."""
    total, scores = 0.0, []
    for batch, weights in mine:
        if "value" not in batch.columns:
            batch.columns.update(backprop.columns(batch, ["value"]))
        found, inputs = backprop.learn(batch, weights, config)
        total += found.loss.item()
        value = None
        if backprop.critic is not None:
            total += config.value_coef * backprop.learn_values(batch, weights, config).item()
            value = batch.columns["value"]
        scores.append([inputs.logprob.detach(), inputs.entropy.detach(), inputs.reference_logprob, value])
    gradients = {}
    for name, model in models(backprop).items():
        gradients |= {f"{name}.{key}": value.clone() for key, value in full_gradients(model).items()}
    norm = backprop.step()
    after = {f"{name}.{key}": whole(p) for name, one in models(backprop).items() for key, p in one.named_parameters()}
    return total, scores, gradients, norm, after


def gap(found, expected):
    if expected is None:
        return 0.0 if found is None else math.inf
    return (found - expected).abs().max().item() if len(expected) else 0.0


def differences(family, values, config, expected, packed, **options):
    """How far a configuration is from one process: in loss, scores, gradients, norm, and weights after the step."""
    parallel = MeshShape(**values)
    mesh = make_mesh(parallel, "cpu")
    backprop = module(family, mesh, **options)
    every, weights = batches(packed)
    mine = deal(every, parallel.row_ranks)[mesh["ddp"].get_local_rank() * parallel.fsdp + mesh["fsdp"].get_local_rank()]
    numbers = [next((k for k, batch in enumerate(every) if batch is one), None) for one in mine]
    given = [(b, torch.zeros(0) if k is None else weights[k]) for b, k in zip(mine, numbers, strict=True)]
    total, scores, gradients, norm, after = step(backprop, given, config)
    total = torch.tensor(total, dtype=torch.float64)
    dist.all_reduce(total)
    same_names = gradients.keys() == expected[2].keys() and after.keys() == expected[4].keys()
    return {
        "loss": abs(total.item() / parallel.sp / parallel.tp - expected[0]),
        "scores": max(
            gap(one, other)
            for number, found in zip(numbers, scores, strict=True)
            if number is not None
            for one, other in zip(found, expected[1][number], strict=True)
        ),
        "gradients": max(gap(gradients[name], value) for name, value in expected[2].items()),
        "norm": abs(norm - expected[3]),
        "weights": max(gap(after[name], value) for name, value in expected[4].items()),
        "names": 0.0 if same_names else math.inf,
    }


def on_a_rank(cases, configs, *, prepare=lambda model: None):
    found = {}
    for case, (family, config, critic, packed) in cases.items():
        options = {"critic": critic, "prepare": prepare}
        # One process pads rows also where the others pack them.
        expected = step(module(family, **options), list(zip(*batches(), strict=True)), config)
        assert expected[3] > LIMIT
        found[case] = [differences(family, values, config, expected, packed, **options) for values in configs]
    return found


def checkpointed(cases, configs):
    return on_a_rank(cases, configs, prepare=lambda model: model.train().gradient_checkpointing_enable())


# The family, the loss, whether there is a critic, and whether rows are packed.
CASES = {"ppo": ("qwen2", PPO, True, False), "packed": ("qwen3", GSPO, False, True)}
OTHERS = {family: (family, PPO, True, False) for family in FAMILIES}
LOSSES = {"grpo": ("qwen2", GRPO, False, True), "gspo": ("qwen3", GSPO, False, False)}


def check(found, configs):
    for of_rank in found:
        for case, by_config in of_rank.items():
            for config, values in zip(configs, by_config, strict=True):
                bad = {name: value for name, value in values.items() if not value < 1e-9}
                assert not bad, (case, config, bad)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_a_step_of_the_trainer_equals_that_of_one_process(ranks):
    check(run(__file__, "on_a_rank", ranks, CASES, CONFIGS[ranks], timeout=600), CONFIGS[ranks])


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_so_it_does_of_other_families(ranks):
    check(run(__file__, "on_a_rank", ranks, OTHERS, CONFIGS[ranks], timeout=900), CONFIGS[ranks])


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_gradient_checkpointing_changes_nothing(ranks):
    check(run(__file__, "checkpointed", ranks, LOSSES, CONFIGS[ranks], timeout=600), CONFIGS[ranks])
