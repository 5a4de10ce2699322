"""What samples in a run: the policy that is trained itself, or vLLM beside it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ...runtimes.endpoint import EndpointError
from ..config import ConfigError, TrainConfig
from ..inference.backend import BackendError
from ..inference.huggingface import HuggingFaceBackend
from ..inference.module import InferenceModule
from ..inference.sampling import TokenFilter
from ..inference.vllm import VLLMBackend
from .checkpoint import save_policy


def make_inference(config: TrainConfig, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> InferenceModule:
    """Inference by what ``rollout.backend`` names, with the weights of ``model``.

    Raises:
        ConfigError: if there is no vLLM, or it does not take the weights.
    """
    rollout, dtype = config.rollout, config.model.dtype
    if rollout.backend == "huggingface":
        return InferenceModule(model, tokenizer, dtype=dtype)
    trained = HuggingFaceBackend(model, tokenizer, dtype=dtype)
    try:
        with tempfile.TemporaryDirectory(prefix="policy-") as folder:
            name = config.model.name
            if rollout.servers is None and name is None:
                name = folder
                save_policy(Path(folder), model, tokenizer)
            backend = VLLMBackend(
                None if rollout.servers is not None else name,
                tokenizer,
                dtype="bfloat16" if trained.bfloat16 else "float32",
                base_url=rollout.servers,
                trained=trained,
                parity=rollout.parity,
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
