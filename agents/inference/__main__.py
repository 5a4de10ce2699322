"""A demonstration: ``python -m infinite_rl.agents.inference`` samples from a tiny model, and scores what it said."""

from __future__ import annotations

import sys


def main() -> int:
    """Prints what a model of random weights says, how likely that was, and the calls of tools in it.

    Returns:
        The exit code: 0, or 2 where torch or transformers are missing.
    """
    try:
        from ..models.tiny_model import make_tiny
        from .module import InferenceModule
    except ModuleNotFoundError as error:
        message = f'{error.name} is not installed; inference needs it: pip install -c constraints.txt -e ".[train]"'
        print(f"error: {message}", file=sys.stderr)
        return 2
    inference = InferenceModule(*make_tiny())
    prompts = ["1+1=", "Say hello:"]
    texts = inference.generate(prompts, max_new_tokens=12)
    logprobs = inference.get_logprobs(prompts, texts)
    for prompt, text, scores in zip(prompts, texts, logprobs, strict=True):
        count = len(text.sample.token_ids)
        print(f"{prompt!r} -> {text!r}: {count} tokens, log-prob {scores[:count].sum():.2f}")
    _, calls = inference.batch_generate_with_tools(prompts, available_tools=["calculator"], max_new_tokens=12)
    print(f"calls of tools: {sum(map(len, calls))} (the weights are random)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
