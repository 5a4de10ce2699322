"""The policy of a run: made on the spot, or loaded."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.tokenization_auto import get_tokenizer_config
from transformers.utils import CONFIG_NAME

from ..config import ConfigError, ModelConfig
from .lora import add_adapters, has_adapters, load_adapters
from .names import check_model_folder
from .speed import compile_backbone, use_liger
from .tiny_model import make_model, make_tokenizer


class DeviceError(ConfigError):
    """A device is not there; each process has its own, so whoever misses it says so."""


def find_device(name: str) -> torch.device:
    """``auto`` is the GPU where there is one; each process of a machine has one of its own.

    Raises:
        ConfigError: if the device does not exist.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and "LOCAL_RANK" in os.environ:  # by torchrun
        name = f"cuda:{os.environ['LOCAL_RANK']}"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"trainer.device={name}: there is no such device; take auto, cpu, cuda or cuda:N") from None
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(f"trainer.device={name}: {str(error).splitlines()[0]}") from None
    return device


def make_policy(
    config: ModelConfig,
    device: torch.device,
    *,
    seed: int,
    folder: Path | None = None,
    phrases: Sequence[str] = (),
    divided: bool = False,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model, without dropout, and its tokenizer. How weights are kept says nothing of the arithmetic: see autocast.

    Args:
        config: which model.
        device: where it works.
        seed: of the weights of a model made on the spot.
        folder: load from here instead: a checkpoint.
        phrases: get tokens of their own in a tokenizer that is made on the spot.
        divided: leave it in host memory: the devices of several processes get a part each, and may not hold it whole.

    Raises:
        ConfigError: if the model cannot be loaded.
    """
    dtype = torch.bfloat16 if config.weights == "bfloat16" else torch.float32
    if config.lora is not None:
        if config.name is None:
            raise ConfigError("model.lora adapts a model that is there: take model=hf and set model.name")
        model, tokenizer = load_policy(config.name, dtype=dtype)
        add_adapters(model, config.lora, seed=seed, folder=folder)
    elif folder is not None or config.name is not None:
        model, tokenizer = load_policy(str(folder or config.name), dtype=dtype)
    elif config.tiny is not None:
        tokenizer = make_tokenizer(phrases)
        model = make_model(tokenizer, config.tiny, seed=seed)
        for weight in model.parameters():  # not buffers: frequencies of positions need their precision
            weight.data = weight.data.to(dtype)
    else:
        raise ConfigError("no model: set model.name, or take model=tiny")
    disable_dropout(model)
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    # Training mode for good: gradient checkpointing asks for it, and without dropout it changes nothing else.
    model.to("cpu" if divided else device).train()
    if config.liger:
        use_liger(model, device)
    if config.compile and device.type != "cuda":
        raise ConfigError("model.compile needs a GPU: on a CPU compiling takes more time than it saves")
    if config.compile:
        compile_backbone(model)
    return model, tokenizer


def load_policy(name: str, *, dtype: torch.dtype = torch.float32) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads model and tokenizer from a local folder or by hub name; ``dtype`` is that of the weights.

    Raises:
        ConfigError: says in one line what is missing.
    """
    folder = Path(name).expanduser()
    local = folder.is_dir()
    check_model_folder(name)
    source = str(folder) if local else name
    if not local:
        _ask_hub(name)
    elif (folder / CONFIG_NAME).is_file() and not _has_tokenizer(folder):
        raise ConfigError(f"model.name={name}: no tokenizer there; save it with tokenizer.save_pretrained")
    try:
        tokenizer = load_tokenizer(source)
        attention = _attention(AutoConfig.from_pretrained(source))
        model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype, attn_implementation=attention)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        where = "the folder cannot be loaded" if local else "no such folder, and what the hub has cannot be loaded"
        raise ConfigError(f"model.name={name}: {where} ({_reason(error)})") from None
    return model, tokenizer


def made_like(model: PreTrainedModel) -> PreTrainedModel:
    """A whole model like one that is divided over processes, with weights of its own, in host memory."""
    config = copy.deepcopy(model.config)
    found: PreTrainedModel = AutoModelForCausalLM.from_config(
        config, dtype=model.dtype, attn_implementation=_attention(config) or "sdpa"
    )
    disable_dropout(found)
    return found.train()


def restore_weights(model: PreTrainedModel, folder: Path) -> None:
    """Takes the weights of a saved policy into the model, or its adapters where it has any."""
    if has_adapters(model):
        load_adapters(model, folder)
    else:
        model.load_state_dict(load_policy(str(folder), dtype=model.dtype)[0].state_dict())


def _has_tokenizer(folder: Path) -> bool:
    """Whether any file looks like a tokenizer's: of none at all transformers makes one without words."""
    signs = ("token", "tekken", "vocab", "merges", ".bpe", ".model", ".spm")
    return any(sign in path.name for path in folder.iterdir() for sign in signs)


def _ask_hub(name: str) -> None:
    """Refuses a name that neither the cache nor the hub knows: loading would ask again and again, for over a minute."""
    try:
        if not isinstance(try_to_load_from_cache(name, CONFIG_NAME), str):
            get_hf_file_metadata(hf_hub_url(name, CONFIG_NAME), timeout=10)
    except Exception as error:  # the hub's library changes its HTTP library, and with it the errors
        status = getattr(getattr(error, "response", None), "status_code", 0)
        if status != 429 and status < 500:  # a busy hub is asked again
            what = "neither a folder here nor the name of a model that the hub gives"
            raise ConfigError(f"model.name={name}: {what} ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def load_tokenizer(source: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a local folder or a hub name, as it was saved.

    Beside a Qwen2 model transformers makes Qwen's own tokenizer of whatever lies there, and drops line ends and words
    of a vocabulary that is not Qwen's.
    """
    as_saved = get_tokenizer_config(source).get("tokenizer_class") == "TokenizersBackend"
    tokenizer = (PreTrainedTokenizerFast if as_saved else AutoTokenizer).from_pretrained(source)
    assert isinstance(tokenizer, PreTrainedTokenizerBase)
    for where in ("is_local", "local_files_only"):  # or it would be saved with where it was loaded from
        tokenizer.init_kwargs.pop(where, None)
    return tokenizer


def _attention(config: PreTrainedConfig) -> str | None:
    """The kind of attention that computes what the model was trained with; None leaves the choice to transformers.

    The fused kernels leave out the cap on attention scores (Gemma 2), without a word.
    """
    return "eager" if getattr(config.get_text_config(), "attn_logit_softcapping", None) else None


def disable_dropout(model: PreTrainedModel) -> None:
    """Takes away dropout and other noise, with which training sees another policy than the one that sampled."""
    noise = ("dropout", "dropout_p", "_pdrop", "layerdrop", "jitter_noise")
    for holder in (model.config, *model.modules()):
        for name, value in list(vars(holder).items()):
            if isinstance(value, float) and name.endswith(noise):
                setattr(holder, name, 0.0)
        if isinstance(holder, torch.nn.Dropout):
            holder.p = 0.0
