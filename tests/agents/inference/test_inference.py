"""The inference module: text with its token record, and scores of texts."""

import copy
import pickle

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from infinite_rl.agents.inference.decoding import sample_tokens
from infinite_rl.agents.inference.module import GenerationResult, InferenceModule
from infinite_rl.agents.inference.sampling import stream_key


@pytest.fixture
def inference(tiny, tokenizer):
    return InferenceModule(tiny(tokenizer), tokenizer)


def test_generations_are_texts_with_their_record(inference, tokenizer):
    found = inference.generate(["1+1=", "2"], max_new_tokens=7)
    assert isinstance(found, GenerationResult)
    assert len(found) == 2
    for prompt, text in zip(["1+1=", "2"], found, strict=True):
        assert isinstance(text, str)
        assert text == tokenizer.decode(text.sample.token_ids, skip_special_tokens=True)
        assert text.prompt_ids == tokenizer.encode(prompt)
        assert len(text.sample.token_ids) == len(text.sample.logprobs) <= 7
        assert text.version == 0
        assert text.upper() == str(text).upper()
    assert found.texts == list(found)
    assert all(type(text) is str for text in found.texts)


def test_the_record_is_what_the_sampler_gave(inference):
    (found,) = inference.generate(["1+1="], max_new_tokens=7, temperature=0.7)
    (expected,) = sample_tokens(
        inference.model,
        [found.prompt_ids],
        [stream_key(0, "generate", 0, 0)],
        max_new_tokens=7,
        temperature=0.7,
        end_ids=inference.backend.end_ids,
        pad_id=inference.backend.pad_id,
    )
    assert found.sample.token_ids.tolist() == expected.token_ids.tolist()
    assert found.sample.truncated == expected.truncated


def test_calls_differ_and_modules_of_one_seed_repeat(tiny, tokenizer):
    def texts(seed):
        inference = InferenceModule(tiny(tokenizer), tokenizer, seed=seed)
        return [inference.generate(["x"] * 3, max_new_tokens=12).texts for _ in range(3)]

    assert texts(0) == texts(0)
    assert texts(0) != texts(1)
    assert len({text for call in texts(0) for text in call}) == 9


def test_at_temperature_zero_calls_agree(inference):
    assert inference.generate(["12"], 8, 0).texts == inference.generate(["12"], 8, 0).texts


def test_an_empty_prompt_starts_from_the_end_token(inference, tokenizer):
    (found,) = inference.generate([""], max_new_tokens=3)
    assert found.prompt_ids == [tokenizer.eos_token_id]
    assert len(found.sample.token_ids) >= 1
    scores = inference.get_logprobs([""], ["ab"])
    logits = inference.model(torch.tensor([[tokenizer.eos_token_id, *tokenizer.encode("ab")]])).logits[0, :2]
    expected = torch.log_softmax(logits, -1).gather(-1, torch.tensor(tokenizer.encode("ab"))[:, None])
    torch.testing.assert_close(scores[0], expected.squeeze(-1).detach())


def test_no_prompts_have_no_generations(inference):
    found = inference.generate([])
    assert isinstance(found, GenerationResult)
    assert found == []


def test_a_generation_can_be_copied_and_pickled(inference):
    (found,) = inference.generate(["x"], max_new_tokens=3)
    for twin in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert twin == found
        assert twin.prompt_ids == found.prompt_ids
        assert twin.sample.token_ids.tolist() == found.sample.token_ids.tolist()


def test_log_probs_are_gathered_from_the_logits(inference, tokenizer):
    prompts, responses = ["1+1=", "a"], ["2", "bcd<eos>"]
    logits = inference.get_logits(prompts, responses)
    logprobs = inference.get_logprobs(prompts, responses)
    assert logits.shape == (2, 4, len(tokenizer))
    assert logprobs.shape == (2, 4)
    for i, response in enumerate(responses):
        ids = torch.tensor(tokenizer.encode(response))
        expected = torch.log_softmax(logits[i, : len(ids)], -1).gather(-1, ids[:, None]).squeeze(-1)
        torch.testing.assert_close(logprobs[i, : len(ids)], expected)
    assert not logits[0, 1:].any()
    assert not logprobs[0, 1:].any()
    assert not logprobs.requires_grad
    assert not logits.requires_grad


def test_logits_are_the_model_s_own(inference, tokenizer):
    ids = tokenizer.encode("1+1=2")
    expected = inference.model(torch.tensor([ids])).logits[0, 3:4]
    torch.testing.assert_close(inference.get_logits(["1+1="], ["2"])[0], expected.detach())


def test_generations_are_scored_by_the_tokens_they_were_made_of(inference):
    found = inference.generate(["1+1=", "7"], max_new_tokens=9)
    scores = inference.get_logprobs(["1+1=", "7"], found)
    for row, text in zip(scores, found, strict=True):
        n = len(text.sample.logprobs)
        torch.testing.assert_close(row[:n], text.sample.logprobs, rtol=1e-4, atol=1e-5)


def test_an_empty_response_has_no_scores(inference):
    assert inference.get_logprobs(["ab"], [""]).shape == (1, 0)
    assert inference.get_logits(["ab"], [""]).shape[:2] == (1, 0)


def test_unequal_numbers_of_prompts_and_responses_are_an_error(inference):
    with pytest.raises(ValueError):
        inference.get_logprobs(["a", "b"], ["c"])
    with pytest.raises(ValueError):
        inference.get_logits(["a"], ["c", "d"])


def test_wrong_arguments_say_what_is_right(tiny, tokenizer):
    model = tiny(tokenizer)
    with pytest.raises(ValueError, match="unknown backend 'tgi': there are huggingface, vllm, openai"):
        InferenceModule(model, tokenizer, backend="tgi")
    with pytest.raises(ValueError, match="takes a model's name or folder"):
        InferenceModule(model, tokenizer, backend="vllm")
    with pytest.raises(TypeError, match="takes no base_url"):
        InferenceModule(model, tokenizer, base_url="http://localhost")
    with pytest.raises(TypeError, match="must be a list of texts"):
        InferenceModule(model, tokenizer).generate("Explain AI")
    with pytest.raises(ValueError, match="needs its tokenizer"):
        InferenceModule(model)
    with pytest.raises(ValueError, match="dtype must be one of"):
        InferenceModule(model, tokenizer, dtype="float16")
    tokenizer.eos_token = None
    model.generation_config.eos_token_id = None
    with pytest.raises(ValueError, match="end token"):
        InferenceModule(model, tokenizer)


def test_every_end_token_of_the_model_ends_a_response(tiny, tokenizer):
    model = tiny(tokenizer)
    model.generation_config.eos_token_id = [5, 9]
    assert InferenceModule(model, tokenizer).backend.end_ids == sorted({5, 9, tokenizer.eos_token_id})


def test_a_folder_is_loaded_with_its_tokenizer(tiny, tokenizer, tmp_path):
    model = tiny(tokenizer)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    found = InferenceModule(str(tmp_path))
    expected = InferenceModule(model, tokenizer)
    assert found.generate(["1+2="], 5).texts == expected.generate(["1+2="], 5).texts


@pytest.mark.parametrize("training", [True, False])
def test_sampling_leaves_the_model_s_mode_as_it_was(tiny, tokenizer, training):
    model = tiny(tokenizer).train(training)
    InferenceModule(model, tokenizer).generate(["x"], 2)
    assert model.training is training


def test_new_weights_are_taken_with_their_version(tiny, tokenizer):
    inference = InferenceModule(tiny(tokenizer), tokenizer)
    other = tiny(tokenizer, seed=1)
    inference.load(other.state_dict(), version=3)
    assert inference.version == 3
    for one, two in zip(inference.model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
    expected = InferenceModule(other, tokenizer).generate(["1+1="], 8)
    found = inference.generate(["1+1="], 8)
    assert found.texts == expected.texts
    assert found[0].version == 3


def test_a_shared_model_only_takes_the_version(inference):
    pointers = [weight.data_ptr() for weight in inference.model.parameters()]
    inference.load(inference.model.state_dict(), version=9)
    assert inference.version == 9
    assert [weight.data_ptr() for weight in inference.model.parameters()] == pointers


def test_scores_are_those_of_sampling_whatever_mode_the_model_is_in(tokenizer):
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, eos_token_id=2)
    ).train()
    inference = InferenceModule(model, tokenizer)
    for score in (inference.get_logprobs, inference.get_logits):
        assert torch.equal(score(["1+1="], ["23"]), score(["1+1="], ["23"]))
    assert model.training


def test_the_end_of_a_turn_ends_a_response_even_where_the_tokenizer_names_another_token(tiny, chatml_tokenizer):
    """As in base models whose tokenizer ends texts, and whose chat template ends turns."""
    turn = chatml_tokenizer.convert_tokens_to_ids("<|im_end|>")
    chatml_tokenizer.eos_token = "<eos>"
    inference = InferenceModule(tiny(chatml_tokenizer), chatml_tokenizer)
    assert inference.backend.end_ids == [chatml_tokenizer.eos_token_id, turn]
