"""Making and loading the policy."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from infinite_rl.agents.config import ConfigError, ModelConfig, TinyConfig
from infinite_rl.agents.models import policy
from infinite_rl.agents.models.policy import find_device, load_policy, make_policy
from infinite_rl.agents.models.tiny_model import make_tokenizer

CPU = torch.device("cpu")
SHAPE = TinyConfig(hidden_size=16, layers=2, heads=2, kv_heads=1, mlp_size=32, max_positions=64)
TINY = ModelConfig(
    name=None,
    dtype="float32",
    weights="float32",
    gradient_checkpointing=False,
    compile=False,
    liger=False,
    lora=None,
    tiny=SHAPE,
    warm_start=None,
)


def test_the_tiny_model_is_a_function_of_its_seed():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    weights = [dict(make_policy(TINY, CPU, seed=seed)[0].state_dict()) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not all(torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


@pytest.fixture
def folder(tmp_path):
    """A GPT-2, which has dropout by default."""
    tokenizer = make_tokenizer()
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_positions=64, n_embd=16, n_layer=2, n_head=2))
    model.to(torch.bfloat16).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("checkpointing", [False, True])
def test_training_mode_has_no_dropout_and_weights_in_float32(folder, checkpointing):
    config = replace(TINY, name=str(folder), gradient_checkpointing=checkpointing)
    model, _ = make_policy(config, CPU, seed=0)
    ids = torch.randint(0, 90, (2, 20), generator=torch.Generator().manual_seed(0))
    assert model.training
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    one, other = model(ids).logits, model(ids).logits
    assert torch.equal(one, other)
    torch.testing.assert_close(model.eval()(ids).logits, one)


def test_weights_may_be_kept_in_half_precision(folder):
    for config in (TINY, replace(TINY, name=str(folder))):
        model, _ = make_policy(replace(config, weights="bfloat16"), CPU, seed=0)
        assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}


def test_a_folder_given_comes_before_the_name(folder):
    model, _ = make_policy(TINY, CPU, seed=0, folder=folder)
    assert model.config.model_type == "gpt2"


def test_no_model_at_all_says_what_to_do():
    with pytest.raises(ConfigError, match=r"set model\.name"):
        make_policy(replace(TINY, tiny=None), CPU, seed=0)


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere", "~/nowhere", "a/b/c"])
def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(name):
    with pytest.raises(ConfigError, match=r"model\.name=.*: no such folder"):
        load_policy(name)


class Answer(Exception):
    """What the hub said."""

    def __init__(self, status):
        super().__init__(f"{status} from the hub\nand a lot more")
        self.response = SimpleNamespace(status_code=status)


@pytest.fixture
def hub(monkeypatch):
    """A hub that fails when it is asked; how often models were asked for after that."""
    asked = []
    monkeypatch.setattr(policy, "load_tokenizer", lambda source: asked.append(source) or json.loads("no model"))

    def make(error):
        def ask(url, **options):
            assert options["timeout"] <= 10
            raise error

        monkeypatch.setattr(policy, "get_hf_file_metadata", ask)
        return asked

    return make


@pytest.mark.parametrize("error", [ConnectionError("no route"), Answer(401), Answer(404)])
def test_a_name_that_nobody_knows_is_one_question_and_one_line(hub, error):
    asked = hub(error)
    with pytest.raises(ConfigError, match=r"model\.name=gpt22: neither a folder here nor the name of a model") as found:
        load_policy("gpt22")
    assert str(error).splitlines()[0] in str(found.value)
    assert "\n" not in str(found.value)
    assert not asked


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_hub_is_asked_again(hub, status):
    asked = hub(Answer(status))
    with pytest.raises(ConfigError, match="what the hub has cannot be loaded"):
        load_policy("gpt22")
    assert asked == ["gpt22"]


def test_a_model_in_the_cache_is_not_asked_for(hub, monkeypatch):
    asked = hub(ConnectionError("no route"))
    monkeypatch.setattr(policy, "try_to_load_from_cache", lambda name, file: f"/cache/{name}/{file}")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_policy("gpt22")
    assert asked == ["gpt22"]


def test_a_folder_that_is_no_model_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigError, match="the folder cannot be loaded") as error:
        load_policy(str(tmp_path))
    assert "\n" not in str(error.value)


def test_devices():
    assert find_device("cpu") == CPU
    assert find_device("auto").type in ("cpu", "cuda")
    for name in ("cuda:99", "gpu", "tpu:x"):
        with pytest.raises(ConfigError, match=rf"trainer\.device={name}"):
            find_device(name)


def test_the_tiny_tokenizer_brings_every_text_back():
    tokenizer = make_tokenizer()
    text = "a  b\n<answer>-12</answer> ~!"
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert len(ids) == len(text) - len("<answer></answer>") + 2
    assert tokenizer.decode(tokenizer.encode("ü")) == "<unk>"
    assert len({tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.unk_token_id}) == 4


def test_a_saved_tokenizer_comes_back_as_it_was(tmp_path):
    """Words, runs of blanks and line ends too: beside a Qwen2 model transformers takes another class for it."""
    model, tokenizer = make_policy(TINY, CPU, seed=0, phrases=["a whole line."])
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    _, found = load_policy(str(tmp_path))
    text = "What is  12+5?\n\na whole line.\n<answer>print(3)</answer><eos>"
    assert found.encode(text) == tokenizer.encode(text)
    assert found.decode(found.encode(text)) == text
