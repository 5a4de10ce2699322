"""Low-rank adapters (LoRA, Hu et al. 2021, arXiv:2106.09685), by way of peft."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from ..config import ConfigError, LoraConfig

INSTALL = "pip install -c constraints.txt -e '.[lora]'"

# What the names of adapters' weights hold.
ADAPTER = ".lora_"


def add_adapters(model: PreTrainedModel, config: LoraConfig, *, seed: int, folder: Path | None = None) -> None:
    """Puts adapters into the model and freezes all the rest. They are kept in float32, and begin without effect.

    There is no dropout: it would make training see another policy than the one that sampled.

    Args:
        model: changed in place.
        config: their shape.
        seed: of their weights.
        folder: a checkpoint to take them from instead.

    Raises:
        ConfigError: if peft is not installed, or a layer that is to be adapted is not there.
    """
    try:
        import peft
    except ModuleNotFoundError:
        raise ConfigError(f"model.lora needs peft: {INSTALL}") from None
    _check_names(model, config.target_modules or [])
    shape = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=config.r,
        lora_alpha=config.alpha,
        lora_dropout=0.0,
        target_modules=config.target_modules or "all-linear",
    )
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model.add_adapter(shape)
        for name, weight in model.named_parameters():
            weight.requires_grad_("lora_" in name)
            if weight.requires_grad:
                weight.data = weight.data.float()
        if folder is not None:
            load_adapters(model, folder)
    except (ValueError, RuntimeError, OSError) as error:
        raise ConfigError(f"model.lora: {str(error).splitlines()[0][:200]}") from None


def _check_names(model: PreTrainedModel, wanted: Sequence[str]) -> None:
    """Refuses names that no layer has; peft is content with one that is there."""
    layers = dict(model.named_modules())
    missing = [name for name in wanted if not any(f".{layer}".endswith(f".{name}") for layer in layers)]
    if missing:
        head = model.get_output_embeddings()
        linear = [name for name, one in layers.items() if isinstance(one, nn.Linear | Conv1D) and one is not head]
        names = sorted({name.rpartition(".")[2] for name in linear})
        raise ConfigError(
            f"model.lora: no layer is called {' or '.join(missing)}; target_modules may name {', '.join(names)}"
        )


def load_adapters(model: PreTrainedModel, folder: Path) -> None:
    """Takes the adapters of a checkpoint into those of the model.

    Not by ``load_adapter``, after which models are saved under other names.

    Raises:
        ValueError: if they are of another shape.
    """
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    saved = load_file(folder / "adapter_model.safetensors")
    found: Any = set_peft_model_state_dict(
        model, {name.removeprefix("base_model.model."): w for name, w in saved.items()}
    )
    if found.unexpected_keys:
        raise ValueError(f"{folder}: adapters of another shape, such as {found.unexpected_keys[0]}")


def has_adapters(model: nn.Module) -> bool:
    """Whether the model has adapters of :func:`add_adapters`."""
    return bool(getattr(model, "_hf_peft_config_loaded", False))


class WithoutAdapters(nn.Module):
    """The model as it was before adapters came: the reference of the KL term, without a second copy of the weights.

    Args:
        model: has adapters; they are off while this is called, and on again afterwards.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        # Not a submodule: who freezes or moves the reference must not do so to the policy.
        self._model = (model,)

    @property
    def config(self) -> Any:
        """The model's own."""
        return self._model[0].config

    @property
    def device(self) -> torch.device:
        """The model's own."""
        device: torch.device = self._model[0].device
        return device

    def get_output_embeddings(self) -> Any:
        """The model's head, which has no adapters."""
        return self._model[0].get_output_embeddings()

    @property
    def layout_scores(self) -> Callable[..., Any] | None:
        """How the model scores tokens without its adapters, where it lies on several ranks; else None."""
        scores: Callable[..., Any] | None = getattr(self._model[0], "layout_scores", None)
        if scores is None:
            return None

        def without(*arguments: Any, **options: Any) -> Any:
            with _adapters_off(self._model[0]):
                return scores(*arguments, **options)

        return without

    @property
    def layout_plan(self) -> Any:
        """How rows are laid out for the model, where that was decided before it was divided."""
        return getattr(self._model[0], "layout_plan", None)

    @property
    def share(self) -> Any:
        """What this process has of the model's rows, where it lies on several."""
        return getattr(self._model[0], "share", None)

    def base_model(self, *arguments: Any, **options: Any) -> Any:
        """What the model's backbone says without its adapters."""
        with _adapters_off(self._model[0]):
            return self._model[0].base_model(*arguments, **options)

    def forward(self, *arguments: Any, **options: Any) -> Any:
        """What the model says without its adapters."""
        with _adapters_off(self._model[0]):
            return self._model[0](*arguments, **options)


def merged(model: PreTrainedModel) -> PreTrainedModel:
    """A copy of the model in which the adapters are part of the weights; it needs no peft."""
    copied = copy.deepcopy(model)
    for name, layer in _adapter_layers(copied):
        layer.merge(safe_merge=True)
        parent, _, child = name.rpartition(".")
        setattr(copied.get_submodule(parent), child, layer.get_base_layer())
    copied._hf_peft_config_loaded = False
    if hasattr(copied, "peft_config"):
        del copied.peft_config
    return copied.requires_grad_(True)


def _adapter_layers(model: nn.Module) -> list[tuple[str, Any]]:
    from peft.tuners.lora import LoraLayer

    return [(name, layer) for name, layer in model.named_modules() if isinstance(layer, LoraLayer)]


@contextmanager
def _adapters_off(model: PreTrainedModel) -> Iterator[None]:
    model.disable_adapters()
    try:
        yield
    finally:
        model.enable_adapters()
