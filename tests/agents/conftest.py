"""Models, tokenizers, environments and trajectories small enough to check by hand."""

import resource
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from infinite_rl.agents.config import TinyConfig
from infinite_rl.agents.inference.module import InferenceModule
from infinite_rl.agents.inference.sampling import Sample
from infinite_rl.agents.models.tiny_model import make_model, make_tokenizer
from infinite_rl.agents.rollouts.trajectory import Trajectory, stack
from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.rewards.score import RewardFunctionScore

VOCABULARY = 32
SHAPE = {"vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
HEADS = {"num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64}
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def files_of_at_most():
    """A context in which the system refuses to write more into any file, as it does on a full disk."""

    @contextmanager
    def limited(size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.fixture
def lm():
    """Makes a language model of vocabulary 32 with random weights: RoPE (qwen2, llama), absolute positions (gpt2)."""

    def make(kind="qwen2", *, seed=0, dtype=torch.float64, scale=8.0):
        if kind == "qwen2":
            config, model = Qwen2Config(**SHAPE, **HEADS, tie_word_embeddings=True), Qwen2ForCausalLM
        elif kind == "llama":
            config, model = LlamaConfig(**SHAPE, **HEADS, tie_word_embeddings=False), LlamaForCausalLM
        else:
            config = GPT2Config(vocab_size=VOCABULARY, n_positions=64, n_embd=16, n_layer=2, n_head=2)
            model = GPT2LMHeadModel
        config.pad_token_id = config.bos_token_id = config.eos_token_id = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = model(config)
        with torch.no_grad():  # initial weights are so small that all tokens are nearly equally likely
            for weight in model.parameters():
                if weight.dim() > 1:
                    weight.mul_(scale)
        return model.to(dtype).eval()

    return make


@pytest.fixture
def table_model():
    """Makes a stand-in for a model whose logits depend on the last token alone: row i of ``table`` follows token i."""

    class TableModel:
        device = torch.device("cpu")
        config = Qwen2Config(**SHAPE, **HEADS)
        training = False

        def __init__(self, table):
            self.table = table
            self.calls = 0

        def modules(self):
            return iter(())

        def __call__(self, input_ids, logits_to_keep=0, **others):
            self.calls += 1
            self.kept = logits_to_keep
            return SimpleNamespace(logits=self.table[input_ids][:, -logits_to_keep:])

    return TableModel


@pytest.fixture
def tokenizer():
    """The tiny tokenizer: one token a character, contents joined as they stand, ``<eos>`` after the assistant."""
    return make_tokenizer()


@pytest.fixture
def chatml_tokenizer():
    """One token a character, ChatML's template; ``<|im_end|>`` ends a response."""
    tokenizer = make_tokenizer()
    tokenizer.add_special_tokens(
        {"additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "eos_token": "<|im_end|>"}
    )
    tokenizer.chat_template = CHATML
    return tokenizer


@pytest.fixture
def tiny():
    """Makes the tiny model for a tokenizer, smaller still."""

    def make(tokenizer, *, seed=0, dtype=torch.float32):
        shape = TinyConfig(hidden_size=16, layers=2, heads=2, kv_heads=1, mlp_size=32, max_positions=512)
        return make_model(tokenizer, shape, seed=seed).to(dtype).eval()

    return make


class QuizEnv(TextEnv):
    """Asks for ``a<index>``; breaks where the response is ``!``. Domains alternate between ``even`` and ``odd``."""

    domain = "quiz"

    def make_source(self, count=4):
        domains = ("even", "odd")
        return TaskList([Task.ask(f"q{i}=", f"a{i}", id=f"quiz/{i}", domain=domains[i % 2]) for i in range(count)])

    def grade(self, task, response):
        if response == "!":
            raise ZeroDivisionError("the grader broke")
        if not response:
            return RewardFunctionScore.no_answer("nothing was said")
        return RewardFunctionScore.scored(float(response == task.answer))


class TalkEnv(QuizEnv):
    """Says ``no <turn>`` and asks again until the answer is right; a tool speaks first."""

    def respond(self, episode, action):
        super().respond(episode, action)
        episode.finished = action == episode.task.answer
        if not episode.finished:
            episode.messages.append({"role": "tool", "content": f"no {episode.turns}."})
            episode.messages.append({"role": "user", "content": "again?"})


@pytest.fixture
def quiz():
    return QuizEnv


@pytest.fixture
def talk():
    return TalkEnv


@pytest.fixture
def scripted(tiny):
    """Makes an inference module that says what ``script(turn, row)`` returns; it keeps the prompts it was shown.

    The script's texts are tokenized as they stand, so that they can end in an end token. Without one, the token limit
    is taken to have cut the response.
    """

    def make(tokenizer, script):
        inference = InferenceModule(tiny(tokenizer), tokenizer)
        inference.shown = []

        def sample(prompts, keys, *, max_new_tokens, temperature):
            found = []
            for row in range(len(prompts)):
                ids = tokenizer.encode(script(len(inference.shown), row), add_special_tokens=False)
                logprobs = -torch.arange(1.0, len(ids) + 1) / 10
                found.append(Sample(torch.tensor(ids), logprobs, truncated=ids[-1] not in inference.backend.end_ids))
            inference.shown.append([list(prompt) for prompt in prompts])
            return found

        inference.backend.sample = sample
        return inference

    return make


@pytest.fixture
def make_trajectory():
    """Makes one trajectory by hand: ``prompt`` tokens that do not train, then ``response`` tokens that do."""

    def make(prompt, response, /, *, logprobs=None, reward=0.0, group=0, valid=True, truncated=False, **state):
        ids, n = [*prompt, *response], len(response)
        row = {"prompt": "p", "response": "r", "messages": [], "task_id": "t", "task_index": 0, "domain": "d"}
        row |= {"answer": "a", "status": "scored" if valid else "error", "components": {}, "error_msg": ""}
        row |= {"limits": ["response"] if truncated else [], "passed": reward >= 1}
        return Trajectory(
            token_ids=torch.tensor(ids),
            action_mask=torch.tensor([False] * len(prompt) + [True] * n),
            behaviour_logprob=torch.tensor([0.0] * len(prompt) + list([-3.0] * n if logprobs is None else logprobs)),
            version=torch.tensor([-1] * len(prompt) + [0] * n),
            turn=torch.tensor([-1] * len(prompt) + [0] * n),
            reward=torch.tensor(float(reward)),
            advantage=torch.zeros(len(ids)),
            group=torch.tensor(group),
            valid=torch.tensor(valid),
            truncated=torch.tensor(truncated),
            state=row | state,
            batch_size=[],
        )

    return make


@pytest.fixture
def random_batch(make_trajectory):
    """Makes trajectories of uneven lengths with random tokens, two to a group, rewards 0 and 1 in turn."""

    def make(lengths=((3, 2), (5, 8), (2, 1), (4, 6), (7, 3), (1, 9)), *, seed=0, **arguments):
        random = torch.Generator().manual_seed(seed)
        rows = []
        for i, (prompt, response) in enumerate(lengths):
            ids = torch.randint(1, VOCABULARY, (prompt + response,), generator=random).tolist()
            logprobs = (-3 - torch.rand(response, generator=random)).tolist()
            rows.append(
                make_trajectory(
                    ids[:prompt], ids[prompt:], **{"logprobs": logprobs, "reward": i % 2, "group": i // 2} | arguments
                )
            )
        return stack(rows)

    return make
