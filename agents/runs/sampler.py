"""What samples in a run: the policy that is trained itself, or vLLM beside it."""

from __future__ import annotations

import copy
import os
import tempfile
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ...runtimes.endpoint import EndpointError
from ..config import ConfigError, TrainConfig
from ..inference.backend import BackendError
from ..inference.continuous import ContinuousBackend
from ..inference.huggingface import HuggingFaceBackend, computes_in_half
from ..inference.module import InferenceModule
from ..inference.sampling import TokenFilter
from ..inference.vllm import VLLMBackend
from ..models.lora import has_adapters
from ..parallel.processes import Processes
from .checkpoint import save_policy


def make_inference(
    config: TrainConfig,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    device: torch.device,
    processes: Processes,
) -> InferenceModule:
    """Inference by what ``rollout.backend`` names, with the weights of ``model``, which is still whole.

    Where there are several processes, each has a copy of the model to sample with; or the first one asks vLLM, and the
    inference of the others is asked for nothing.

    Raises:
        ConfigError: if there is no vLLM, or it does not take the weights.
    """
    if config.rollout.backend == "huggingface":
        whole = model if processes.size == 1 else copy.deepcopy(model).to(device)
        return InferenceModule(whole, tokenizer, dtype=config.model.dtype)
    if processes.size > 1 and config.rollout.servers is None:
        raise ConfigError("rollout.backend=vllm: with several processes start servers, and set rollout.servers")
    found: list[InferenceModule] = []

    def ask() -> None:
        found.append(_ask_vllm(config, model, tokenizer, device, alone=processes.size == 1))

    processes.from_first(ask)
    return found[0] if found else InferenceModule(model, tokenizer, dtype=config.model.dtype)


def _ask_vllm(
    config: TrainConfig,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    device: torch.device,
    *,
    alone: bool,
) -> InferenceModule:
    rollout = config.rollout
    try:
        with tempfile.TemporaryDirectory(prefix="policy-") as folder:
            name = config.model.name
            if rollout.servers is None and name is None:
                name = folder
                save_policy(Path(folder), model, tokenizer)
            backend = VLLMBackend(
                None if rollout.servers is not None else name,
                tokenizer,
                dtype="bfloat16" if computes_in_half(config.model.dtype, device) else "float32",
                base_url=rollout.servers,
                # One of several processes can't score alone; metrics compare log-probs in any case.
                trained=HuggingFaceBackend(model, tokenizer, dtype=config.model.dtype) if alone else None,
                parity=rollout.parity if alone else None,
                vocabulary=model.get_input_embeddings().weight.shape[0],
                adapters=model.peft_config["default"] if has_adapters(model) else None,
                # A key in the options would lie in the run's folder.
                **({"api_key": key} if rollout.servers and (key := os.environ.get("VLLM_API_KEY")) else {}),
                **(rollout.options or {}),
            )
        backend.check_sampling(rollout.temperature, None)
        held_out = config.evaluation
        only = TokenFilter(held_out.top_k, held_out.top_p, held_out.min_p)
        backend.check_sampling(rollout.temperature if held_out.temperature is None else held_out.temperature, only)
        inference = InferenceModule(model, tokenizer, backend)
        # Servers have the weights of their folder, which need not be those of a model made here, or of a checkpoint.
        inference.load(model.state_dict(), version=0)
    except (BackendError, EndpointError, TypeError, ValueError) as error:
        raise ConfigError(f"rollout.backend=vllm: {error}") from error
    return inference


def sample_beside(config: TrainConfig, inference: InferenceModule) -> InferenceModule:
    """Inference by a copy of the policy, while the policy itself is trained."""
    model = inference.model
    assert model is not None
    backend = ContinuousBackend(
        model, inference.tokenizer, dtype=config.model.dtype, temperature=config.rollout.temperature
    )
    return InferenceModule("a copy of the policy", inference.tokenizer, backend)
