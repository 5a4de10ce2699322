"""The parts of a divided update: a head whose words lie on several ranks, clipping, skipped steps, adapters."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from transformers import (
    ApertusConfig,
    AutoModelForCausalLM,
    Glm4Config,
    GPT2Config,
    GPT2LMHeadModel,
    GptOssConfig,
    Lfm2Config,
    LlamaConfig,
    NemotronConfig,
    Starcoder2Config,
)
from transformers import Qwen2Config as Qwen2

sys.path.insert(0, str(Path(__file__).parent))
from gloo import run
from test_scoring import CPU, GRPO, batches, gap, module, step
from test_sequence import SHAPE, make

from infinite_rl.agents.config import LoraConfig
from infinite_rl.agents.losses import LossConfig
from infinite_rl.agents.models.lora import WithoutAdapters, add_adapters
from infinite_rl.agents.parallel.apply import parallelize
from infinite_rl.agents.parallel.mesh import make_mesh
from infinite_rl.agents.parallel.shape import MeshShape
from infinite_rl.agents.updates import head as heads
from infinite_rl.agents.updates.backprop import BackpropConfig, BackpropModule
from infinite_rl.agents.updates.clipping import clip_gradients
from infinite_rl.agents.updates.dealing import cost, deal, filler
from infinite_rl.agents.updates.head import LanguageHead, Tile
from infinite_rl.agents.updates.scoring import layout_scores

TOKENS, WORDS, WIDTH = 11, 36, 5
HEADS = [
    {"scale": 1.0, "cap": None, "with_bias": False, "entropy": False},
    {"scale": 0.3, "cap": None, "with_bias": True, "entropy": True},
    {"scale": 2.0, "cap": 1.5, "with_bias": True, "entropy": True},
]


def scored(group, rank, ranks, scale, cap, with_bias, entropy):
    """Scores and gradients of a head of which a rank has its words."""
    random = torch.Generator().manual_seed(0)
    hidden, weight, bias = (
        torch.randn(*shape, generator=random, dtype=torch.float64).mul_(2)
        for shape in ((TOKENS, WIDTH), (WORDS, WIDTH), (WORDS,))
    )
    weight[3, :] = 40  # far above all others, which then have no mass
    targets = torch.randint(0, WORDS, (TOKENS,), generator=random)
    parts = [hidden, weight.chunk(ranks)[rank], *([bias.chunk(ranks)[rank]] if with_bias else [])]
    parts = [part.clone().requires_grad_() for part in parts]
    head = LanguageHead(parts[1], parts[2] if with_bias else None, scale, cap, group)
    logprob, found = head.score(parts[0], targets, temperature=0.7, entropy_gradient=entropy)
    by_token = torch.linspace(-1, 2, TOKENS, dtype=torch.float64)
    total = (by_token * logprob).sum() + ((by_token.flip(0) * found).sum() if entropy else 0)
    gradients = list(torch.autograd.grad(total, parts))
    return logprob.detach(), found.detach(), gradients


def heads_on_a_rank():
    """How far scores and gradients are from those of one process, and the numbers that were sent to score."""
    group, rank, ranks = dist.group.WORLD, dist.get_rank(), dist.get_world_size()
    heads.CPU_TILE = Tile(4, 7)
    sent, send = [], dist.all_reduce

    def counted(tensor, *arguments, **options):
        sent.append(tensor.numel())
        return send(tensor, *arguments, **options)

    found = []
    for how in HEADS:
        expected = scored(None, 0, 1, **how)
        dist.all_reduce = counted
        logprob, entropy, (by_hidden, *gradients) = scored(group, rank, ranks, **how)
        dist.all_reduce = send
        dist.all_reduce(by_hidden)  # of a part of the words each
        whole = [expected[2][0], *(part.chunk(ranks)[rank] for part in expected[2][1:])]
        pairs = [(logprob, expected[0]), (entropy, expected[1]), *zip([by_hidden, *gradients], whole, strict=True)]
        found.append([gap(one, other) for one, other in pairs])
    return found, sent


def broken_on_a_rank():
    """What happens where the loss of one rank is not finite: of each rank the norms, the reason, what was changed."""
    mesh = make_mesh(MeshShape(fsdp=2), "cpu")
    backprop = module("qwen2", mesh)
    every, weights = batches()
    mine = list(zip(every, weights, strict=True))[dist.get_rank() * 2 : dist.get_rank() * 2 + 2]
    told = []
    logging.getLogger("infinite_rl").addHandler(Telling(told))
    before = [weight.to_local().clone() for weight in backprop.model.parameters()]
    norms = []
    for bad in (True, False):
        for k, (batch, weight) in enumerate(mine):
            columns = dict(batch.columns)
            if bad and dist.get_rank() == 1 and k == 0:
                columns["advantage"] = columns["advantage"].clone().index_fill_(0, torch.tensor([2]), float("nan"))
            backprop.learn(replace(batch, columns=columns), weight, GRPO, ["a", "b", "c"])
        norms.append(backprop.step())
        if bad:
            kept = all(w.to_local().equal(b) for w, b in zip(backprop.model.parameters(), before, strict=True))
    return norms, kept, told, backprop.guard.skipped


class Telling(logging.Handler):
    def __init__(self, told):
        super().__init__()
        self.told = told

    def emit(self, record):
        self.told.append(record.getMessage())


def adapted(mesh=None):
    """A policy with adapters, whose reference is the policy without them."""
    model = make("qwen2")
    add_adapters(model, LoraConfig(r=2, alpha=4.0, target_modules=None), seed=0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.data = weight.data.double() + 0.05
    if mesh is not None:
        parallelize(model, mesh)
    optimizer = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], lr=1e-2)
    return BackpropModule(model, WithoutAdapters(model), optimizer, BackpropConfig(max_grad_norm=0.01))


def adapters_on_a_rank():
    """How far a policy with adapters is from one process."""
    expected = step(adapted(), list(zip(*batches(), strict=True)), GRPO)
    found = {}
    for name in ("fsdp", "sp"):
        mesh = make_mesh(MeshShape(**{name: 2}), "cpu")
        mine = list(zip(*batches(), strict=True))
        if name == "fsdp":  # an even number of micro-batches
            mine = [*mine, (filler(mine[0][0]), torch.zeros(0))][dist.get_rank() :: 2]
        _, _, gradients, norm, after = step(adapted(mesh), mine, GRPO)
        same = gradients.keys() == expected[2].keys() and all("lora_" in name for name in gradients)
        found[name] = [
            max(gap(gradients[key], value) for key, value in expected[2].items()),
            abs(norm - expected[3]),
            max(gap(after[key], value) for key, value in expected[4].items()),
            0.0 if same else 1.0,
        ]
    return found


def rounded_on_a_rank():
    """How far log-probs in bfloat16 are from exact ones, on average: by autocast alone, and divided."""
    batch = batches()[0][1]

    def scores(model, dtype=None):
        with torch.no_grad(), torch.autocast("cpu", dtype, enabled=dtype is not None):
            return layout_scores(model, batch, temperature=1.0).logprob

    exact = scores(make("qwen3"))
    found = {"autocast": (scores(make("qwen3").float(), torch.bfloat16) - exact).abs().mean().item()}
    for name in ("fsdp", "sp", "tp"):
        model = make("qwen3").float()
        parallelize(model, make_mesh(MeshShape(**{name: 2}), "cpu"), dtype=torch.bfloat16)
        found[name] = (scores(model) - exact).abs().mean().item()
    return found


def all_on_a_rank():
    return heads_on_a_rank(), broken_on_a_rank(), adapters_on_a_rank(), rounded_on_a_rank()


@pytest.fixture(scope="module")
def computed():
    return run(__file__, "all_on_a_rank", 2, timeout=400)


def check_heads(found):
    for differences, sent in found:
        assert max(max(of_head) for of_head in differences) < 1e-11
        assert sent == [TOKENS, 3 * TOKENS] * len(HEADS)  # the largest logits; mass, moment and the target's logit


@pytest.mark.slow
def test_a_head_whose_words_lie_on_two_ranks_scores_and_learns_as_one_does_and_sends_four_numbers_a_token(computed):
    check_heads([of_rank[0] for of_rank in computed])


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [3, 4])
def test_so_does_one_whose_words_lie_on_more_ranks(ranks):
    check_heads(run(__file__, "heads_on_a_rank", ranks))


@pytest.mark.slow
def test_a_loss_that_is_not_finite_on_one_rank_makes_all_skip_for_its_reason(computed):
    for norms, kept, told, skipped in (of_rank[1] for of_rank in computed):
        assert norms[0] != norms[0]
        assert kept
        assert skipped == 1
        (line,) = told
        assert "advantage is nan of a response to task" in line
    assert computed[0][1][0][1] == computed[1][1][0][1] > 0  # the next step is made, and both say the same of it


@pytest.mark.slow
def test_adapters_learn_as_on_one_process_and_nothing_else_does(computed):
    for of_rank in computed:
        for name, found in of_rank[2].items():
            assert max(found) < 1e-9, name


@pytest.mark.slow
def test_divided_models_in_bfloat16_round_about_as_autocast_does(computed):
    for *_, found in computed:
        assert all(0 < error < 2 * found["autocast"] for error in found.values()), found


def test_plain_gradients_are_clipped_as_by_torch():
    random = torch.Generator().manual_seed(0)
    ours, theirs = ([torch.nn.Parameter(torch.ones(n)) for n in (3, 7, 2)] for _ in range(2))
    for one, other in zip(ours[:2], theirs[:2], strict=True):
        one.grad = torch.randn(len(one), generator=random)
        other.grad = one.grad.clone()
    assert clip_gradients(ours, 0.5).equal(torch.nn.utils.clip_grad_norm_(theirs, 0.5))
    assert all(one.grad.equal(other.grad) for one, other in zip(ours[:2], theirs[:2], strict=True))


def test_micro_batches_are_dealt_so_that_like_ones_are_computed_together():
    every, _ = batches()
    dealt = deal(every, 2)
    assert [len(part) for part in dealt] == [3, 3]
    given = [batch for part in dealt for batch in part if len(batch.target)]
    assert sorted(map(id, given)) == sorted(map(id, every))
    for turn in range(3):
        pair = [cost(part[turn]) for part in dealt]
        later = [cost(part[after]) for part in dealt for after in range(turn + 1, 3)]
        assert min(pair) >= max(later, default=0) or turn == 2
    again = deal(every, 2)
    assert all(
        a is b or not len(a.target) for x, y in zip(dealt, again, strict=True) for a, b in zip(x, y, strict=True)
    )
    assert deal(every, 1)[0] == sorted(every, key=cost, reverse=True)


def test_a_filler_adds_nothing_to_loss_or_gradient():
    backprop = module("qwen2", critic=True)
    (batch, *_), _ = batches()
    for packed in (False, True):
        like = batches(packed)[0][0]
        found, inputs = module("qwen2").learn(filler(like), torch.zeros(0), LossConfig(policy_loss="gspo", kl_coef=0.1))
        assert float(found.loss.detach()) == 0.0
        assert len(inputs.logprob) == 0
    backprop.learn(filler(batch), torch.zeros(0), GRPO)
    assert not any(weight.grad is not None and weight.grad.any() for weight in backprop.model.parameters())


class Mesh(dict):
    """Sizes of a mesh, for what is refused before anything is divided."""

    device_type = "cpu"

    def __getitem__(self, name):
        return Size(self.get(name, 1))


class Size(int):
    def size(self):
        return int(self)


@pytest.mark.parametrize(
    ("config", "mesh", "message"),
    [
        (LlamaConfig(**SHAPE), {"tp": 4}, "tp=4 does not divide the model's num_key_value_heads, 2"),
        (Qwen2(**{**SHAPE, "vocab_size": 33}), {"tp": 2}, "tp=2 does not divide the model's vocab_size, 33"),
        (LlamaConfig(**SHAPE, layer_types=["full_attention", "chunked_attention"]), {"sp": 2}, "not chunked_attention"),
    ],
)
def test_what_ranks_cannot_share_is_refused_in_one_line(config, mesh, message):
    with pytest.raises(ValueError, match=message) as refused:
        parallelize(AutoModelForCausalLM.from_config(config), Mesh(mesh))
    assert "\n" not in str(refused.value)


def test_other_models_and_adapters_under_tp_are_refused_in_one_line():
    with pytest.raises(ValueError, match="GPT2LMHeadModel can't be divided"):
        parallelize(GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=32)), Mesh())
    model = make("qwen2")
    add_adapters(model, LoraConfig(r=2, alpha=4.0, target_modules=None), seed=0)
    with pytest.raises(ValueError, match="divides no layers with adapters"):
        parallelize(model, Mesh(tp=2))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (NemotronConfig(**SHAPE), "is not told where sequences lie"),
        (
            GptOssConfig(**SHAPE, sliding_window=16, num_local_experts=2, num_experts_per_tok=1),
            "the attention of GptOssForCausalLM is none that the ring computes",
        ),
        (LlamaConfig(**SHAPE, attention_dropout=0.1), "know no dropout of attention"),
        (Lfm2Config(**SHAPE, layer_types=["full_attention", "conv"]), "a window, not conv"),
    ],
    ids=["layers that drop arguments", "sinks", "dropout", "convolutions"],
)
def test_attention_that_the_ring_does_not_compute_is_refused(config, message):
    with pytest.raises(ValueError, match=message) as refused:
        parallelize(AutoModelForCausalLM.from_config(config), Mesh(sp=2))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("config", "parameter"),
    [
        (ApertusConfig(**SHAPE), "mlp.act_fn"),
        (Starcoder2Config(**SHAPE), "mlp.c_fc"),
        (Glm4Config(**SHAPE, pad_token_id=0), "mlp."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_layers_with_weights_that_no_rank_has_a_part_of_are_refused_under_tp(config, parameter):
    with pytest.raises(ValueError, match=f"parallel.tp=2: layers of .*{parameter}") as refused:
        parallelize(AutoModelForCausalLM.from_config(config), Mesh(tp=2))
    assert "\n" not in str(refused.value)


def test_rows_that_share_a_beginning_are_refused():
    from infinite_rl.agents.parallel.rows import part_of

    batch = batches()[0][0]
    tilted = replace(batch, attention=batch.attention.flip(1))
    with pytest.raises(ValueError, match="padded on the right"):
        part_of(tilted, Mesh(tp=2))


def test_a_model_that_is_not_divided_is_scored_as_before():
    batch = batches()[0][0]
    scores = layout_scores(make("qwen2"), batch, temperature=1.0)
    assert len(scores.logprob) == len(batch.target)
    assert batch.token_ids.device == CPU
