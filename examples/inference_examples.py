"""The inference module: texts with their tokens, scores, tools, and environments on a server.

python examples/inference_examples.py                                         a tiny model made on the spot
python examples/inference_examples.py --model NAME --backend vllm             any causal language model
python examples/inference_examples.py --model NAME --backend openai --base-url http://localhost:8000/v1
"""

import argparse

from needs import libraries


def main() -> None:
    """Reads the arguments; a model or a server that is not there ends it with one line."""
    parser = argparse.ArgumentParser(description="Shows what an InferenceModule can do.")
    parser.add_argument("--model", help="a folder or hub name; by default a tiny model made on the spot")
    parser.add_argument("--backend", default="huggingface", help="huggingface, vllm or openai")
    parser.add_argument("--base-url", help="of a server, for vllm and openai")
    arguments = parser.parse_args()
    with libraries():
        from infinite_rl.agents.config import ConfigError
        from infinite_rl.agents.inference.backend import BackendError
        from infinite_rl.runtimes import EndpointError
    try:
        show(arguments.model, arguments.backend, arguments.base_url)
    except (ConfigError, BackendError, EndpointError) as error:
        raise SystemExit(f"inference_examples.py: {error}") from None


def show(model: str | None, backend: str, base_url: str | None) -> None:
    """Goes through what the module can do."""
    from infinite_rl.agents import ConversationEnvironment, InferenceModule, RolloutManager, make_tiny

    made = (model,) if model else make_tiny()
    inference = InferenceModule(*made, backend=backend, **({"base_url": base_url} if base_url else {}))

    prompts = ["Explain AI:", "What is ML?"]
    results = inference.generate(prompts, max_new_tokens=20)
    for prompt, text in zip(prompts, results, strict=True):
        print(f"{prompt} {text!r}: {len(text.sample.token_ids)} tokens")

    if backend != "openai":  # servers of chat completions give texts only
        logprobs = inference.get_logprobs(prompts, results)
        logits = inference.get_logits(prompts, results)
        print(f"log-probs {list(logprobs.shape)}, logits {list(logits.shape)}")

    replies, calls = inference.batch_generate_with_tools(prompts, ["calculator", "search"], max_new_tokens=20)
    print(f"{len(replies)} replies with {sum(map(len, calls))} calls of tools")

    env = ConversationEnvironment(inference, ["Hello."], ["Why?"], system_prompt="Answer in one sentence.")
    for trajectory in RolloutManager(env, num_parallel=8).collect_rollouts(2):
        print(" / ".join(f"{role}: {text!r:.40}" for role, text in trajectory.state.history))


if __name__ == "__main__":
    main()
