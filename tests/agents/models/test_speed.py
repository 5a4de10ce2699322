"""Other ways to compute the same model: the same numbers, and one clear line where they can't be had."""

import sys
from types import SimpleNamespace

import pytest
import torch

from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.models.policy import make_policy
from infinite_rl.agents.models.speed import backbone_of, compile_backbone, use_liger
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.updates.scoring import token_scores


def scores(model, rows, length):
    ids = torch.arange(rows * length).view(rows, length) % 32
    everything = torch.ones_like(ids)
    found = token_scores(model, ids, everything, everything.bool(), temperature=0.7)
    found.logprob.sum().backward()
    gradient = torch.cat([weight.grad.flatten() for weight in model.parameters()])
    model.zero_grad()
    return found.logprob.detach(), gradient


@pytest.mark.slow
def test_a_compiled_model_scores_batches_of_any_shape_alike(lm):
    plain, compiled = lm("llama"), lm("llama")
    compile_backbone(compiled)
    for shape in ((2, 5), (3, 9)):
        for one, other in zip(scores(plain, *shape), scores(compiled, *shape), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)  # norms and rotations are in float32
    assert compiled.state_dict().keys() == plain.state_dict().keys()  # it is saved as what it is


def test_scoring_takes_what_was_compiled_and_sampling_does_not(lm, monkeypatch):
    called = []

    def noted(function, **how):
        return lambda *given, **named: (called.append(how), function(*given, **named))[1]

    monkeypatch.setattr(torch, "compile", noted)
    model = lm("llama")
    before = scores(model, 2, 5)
    compile_backbone(model)
    called.clear()
    model(torch.arange(4)[None])
    assert not called
    assert torch.equal(scores(model, 2, 5)[0], before[0])
    assert called
    assert backbone_of(lm("llama")) is not backbone_of(model)


def test_a_machine_without_a_compiler_is_told_so(lm, monkeypatch):
    def missing(*given, **named):
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\nin all of these places: …")

    monkeypatch.setattr(torch, "compile", lambda function, **how: missing)
    with pytest.raises(ConfigError, match=r"model\.compile: .*No working C\+\+ compiler found\); set"):
        compile_backbone(lm())


def test_on_a_cpu_compiling_is_refused():
    config = load_config(overrides=["model.compile=true"])
    with pytest.raises(ConfigError, match=r"model\.compile needs a GPU"):
        make_policy(config.model, torch.device("cpu"), seed=0)


def test_liger_needs_a_gpu(lm):
    with pytest.raises(ConfigError, match=r"model\.liger needs a GPU, and the model is on cpu"):
        use_liger(lm(), torch.device("cpu"))


@pytest.fixture
def on_a_gpu():
    return SimpleNamespace(device=torch.device("cuda"), config=SimpleNamespace(model_type="qwen2"))


def test_liger_needs_its_package(on_a_gpu, monkeypatch):
    monkeypatch.setitem(sys.modules, "liger_kernel", None)
    with pytest.raises(ConfigError, match=r"needs liger-kernel: pip install liger-kernel"):
        use_liger(on_a_gpu, torch.device("cuda"))


def test_liger_s_kernels_come_without_its_head(on_a_gpu, monkeypatch):
    """Its losses would replace what the model's ``forward`` returns."""
    calls = []
    patching = SimpleNamespace(
        MODEL_TYPE_TO_APPLY_LIGER_FN={"qwen2": None},
        _apply_liger_kernel_to_instance=lambda model, **named: calls.append((model, named)),
    )
    monkeypatch.setitem(sys.modules, "liger_kernel", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers", SimpleNamespace(monkey_patch=patching))
    use_liger(on_a_gpu, torch.device("cuda"))
    assert calls == [(on_a_gpu, {"cross_entropy": False, "fused_linear_cross_entropy": False})]
    on_a_gpu.config.model_type = "elsewhere"
    with pytest.raises(ConfigError, match="no kernels for elsewhere"):
        use_liger(on_a_gpu, torch.device("cuda"))
