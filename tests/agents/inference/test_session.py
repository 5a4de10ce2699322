"""Sessions: the record of a conversation equals the chat template's own rendering of it."""

import pytest
import torch

from infinite_rl.agents.inference.sampling import Sample
from infinite_rl.agents.inference.session import Session

# Qwen3's habit: the last assistant turn shows its (empty) thinking, earlier ones do not.
QWEN3 = (
    "{% set ns = namespace(last=-1) %}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' and loop.index0 > ns.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Another common shape: no role line for the assistant, its end token written by the template, the rest in brackets.
LLAMA2 = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    " {{ message['content'] }} {{ eos_token }}{% else %}[INST] {{ message['content'] }} [/INST]{% endif %}{% endfor %}"
)


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def tool(text):
    return {"role": "tool", "content": text}


def say(session, text, *, truncated=False, version=0):
    """Lets the policy say ``text``, token by token as it stands."""
    ids = session.template.tokenizer.encode(text, add_special_tokens=False)
    session.record(Sample(torch.tensor(ids), torch.full((len(ids),), -0.5), truncated), version)
    return ids


def rendering(tokenizer, messages, *, prompt=True):
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
    return tokenizer.encode(text, add_special_tokens=False)


TURNS = [
    [user("2+2=")],
    [tool("wrong."), user("again?")],
    [user("sure?")],
]


@pytest.mark.parametrize("template", ["tiny", "chatml"])
@pytest.mark.parametrize("cut", [(), (0,), (1,), (0, 1)])
def test_the_record_is_the_template_s_rendering_at_every_turn(tokenizer, chatml_tokenizer, template, cut):
    """Turns that the token limit cut lack their end token; the template's own closes them, and does not train."""
    tokenizer = tokenizer if template == "tiny" else chatml_tokenizer
    end = tokenizer.eos_token
    session, messages = Session(tokenizer, key=0), []
    for turn, new in enumerate(TURNS):
        session.observe(new)
        messages += new
        assert session.token_ids == rendering(tokenizer, messages)
        text = ["3", "<answer>5", "no"][turn]
        say(session, text if turn in cut else text + end, truncated=turn in cut)
        messages.append(assistant(text))
    whole = rendering(tokenizer, messages, prompt=False)
    assert session.token_ids == whole[: len(session.token_ids)]
    assert tokenizer.decode(whole[len(session.token_ids) :]) in ("", "\n", end)


def test_a_system_message_and_several_opening_turns(chatml_tokenizer):
    opening = [{"role": "system", "content": "Be brief."}, user("a?"), assistant("b"), user("c?")]
    session = Session(chatml_tokenizer, key=0)
    session.observe(opening)
    assert session.token_ids == rendering(chatml_tokenizer, opening)
    assert not any(session.action_mask)


@pytest.mark.parametrize("template", ["tiny", "chatml"])
def test_prompt_tool_and_user_tokens_do_not_train(tokenizer, chatml_tokenizer, template):
    tokenizer = tokenizer if template == "tiny" else chatml_tokenizer
    session = Session(tokenizer, key=0)
    said = []
    for version, new in enumerate(TURNS):
        session.observe(new)
        said += say(session, f"{version}!{tokenizer.eos_token}", version=version)
    ids, mask, logprobs = session.tensors()
    assert ids[mask].tolist() == said
    assert logprobs[mask].tolist() == [-0.5] * 9
    assert not logprobs[~mask].any()
    assert [v for v in session.versions if v >= 0] == [0] * 3 + [1] * 3 + [2] * 3
    assert [v == -1 for v in session.versions] == [not trains for trains in session.action_mask]
    assert (ids.dtype, mask.dtype, logprobs.dtype) == (torch.int64, torch.bool, torch.float32)


def test_sampled_tokens_are_never_tokenized_again(tokenizer):
    """Ids that decode to the same text as others, and special tokens in the middle, stay as they were sampled."""
    session = Session(tokenizer, key=0)
    session.observe([user("x")])
    sampled = [tokenizer.pad_token_id, tokenizer.unk_token_id, 40, tokenizer.bos_token_id, tokenizer.eos_token_id]
    session.record(Sample(torch.tensor(sampled), torch.zeros(5), truncated=False), version=0)
    session.observe([user("y")])
    assert session.token_ids[1:6] == sampled


@pytest.mark.parametrize("template", ["tiny", "chatml"])
def test_a_turn_to_which_the_environment_says_nothing_goes_on(tokenizer, chatml_tokenizer, template):
    tokenizer = tokenizer if template == "tiny" else chatml_tokenizer
    session = Session(tokenizer, key=0)
    session.observe([user("x")])
    say(session, "y" + tokenizer.eos_token)
    session.observe([])
    assert session.token_ids == rendering(tokenizer, [user("x"), assistant("y")])


@pytest.mark.parametrize("texts", [["yyy", "y"], ["", "x y"], ["<answer>y</answer>", "\n"]])
def test_texts_that_look_like_anything_else_change_nothing(chatml_tokenizer, texts):
    session, messages = Session(chatml_tokenizer, key=0), []
    for i, text in enumerate(texts):
        new = [user("y" * i + "x y")]
        session.observe(new)
        messages += new
        assert session.token_ids == rendering(chatml_tokenizer, messages)
        say(session, text + "<|im_end|>")
        messages.append(assistant(text))


def test_another_end_token_than_the_template_s_is_closed_by_the_template(chatml_tokenizer):
    """Chat models also end by ``<|endoftext|>``; the next turn must still look like one."""
    session = Session(chatml_tokenizer, key=0)
    session.observe([user("x")])
    say(session, "y<eos>")
    session.observe([user("z")])
    text = chatml_tokenizer.decode(session.token_ids)
    assert text.endswith("y<eos><|im_end|>\n<|im_start|>user\nz<|im_end|>\n<|im_start|>assistant\n")


def test_an_end_marker_with_the_letters_of_an_answer_in_it(tokenizer):
    """Templates may write letters after the assistant's words."""
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}"
        "{% if message['role'] == 'assistant' %} [end of reply by x, truly yours, y]{% endif %}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    session = Session(tokenizer, key=0)
    session.observe([user("a")])
    say(session, "b", truncated=True)
    session.observe([user("c")])
    assert session.token_ids == rendering(tokenizer, [user("a"), assistant("b"), user("c")])


def test_a_template_that_shows_thinking_only_in_the_last_turn_serves_several(chatml_tokenizer):
    """Qwen3's does. The record keeps what the policy saw and said, and new turns follow it."""
    chatml_tokenizer.chat_template = QWEN3
    session = Session(chatml_tokenizer, key=0)
    session.observe([user("a")])
    say(session, "<think>\nb\n</think>\n\nc<|im_end|>")
    session.observe([user("d")])
    assert chatml_tokenizer.decode(session.token_ids) == (
        "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n<think>\nb\n</think>\n\nc<|im_end|>\n"
        "<|im_start|>user\nd<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_template_with_spaces_around_the_assistant_s_words(tokenizer):
    tokenizer.chat_template = LLAMA2
    session = Session(tokenizer, key=0)
    session.observe([user("a")])
    assert tokenizer.decode(session.token_ids) == "<bos>[INST] a [/INST]"
    say(session, "b<eos>")
    session.observe([user("c")])
    text = tokenizer.decode(session.token_ids)
    assert text.startswith("<bos>[INST] a [/INST]b")
    assert text.endswith("[INST] c [/INST]")
    assert text.count("<eos>") == 1  # the policy said it; the template must not say it again


def test_a_template_that_drops_earlier_turns_is_refused(tokenizer):
    tokenizer.chat_template = "{{ messages[-1]['content'] }}"
    session = Session(tokenizer, key=0)
    session.observe([user("x")])
    say(session, "y<eos>")
    with pytest.raises(ValueError, match="chat template rewrites earlier turns"):
        session.observe([user("z")])


def test_a_cut_turn_keeps_everything_that_the_template_writes_after_it(tokenizer):
    """Also where the cut text ends as the template's own begins."""
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    session = Session(tokenizer, key=0)
    session.observe([user("a")])
    say(session, "b\n", truncated=True)
    session.observe([user("c")])
    assert tokenizer.decode(session.token_ids) == "user: a\nassistant: b\n\nuser: c\nassistant: "


def test_without_a_template_texts_are_joined_by_blank_lines(tokenizer):
    tokenizer.chat_template = None
    session = Session(tokenizer, key=0)
    session.observe([user("a"), user("b")])
    say(session, "c", truncated=True)
    session.observe([tool("d"), user("e")])
    assert tokenizer.decode(session.token_ids) == "a\n\nbc\n\nd\n\ne\n\n"


class Opening:
    """A tokenizer that begins every text with a special token, as Llama's does."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __getattr__(self, name):
        return getattr(self.tokenizer, name)

    def encode(self, text, add_special_tokens=True, **options):
        ids = self.tokenizer.encode(text, add_special_tokens=False, **options)
        return [self.bos_token_id, *ids] if add_special_tokens else ids


@pytest.mark.parametrize("template", [None, LLAMA2])
def test_the_text_begins_with_exactly_one_beginning_token(tokenizer, template):
    tokenizer.chat_template = template
    session = Session(Opening(tokenizer), key=0)
    session.observe([user("a")])
    say(session, "b")
    session.observe([user("c")])
    assert session.token_ids[0] == tokenizer.bos_token_id
    assert session.token_ids.count(tokenizer.bos_token_id) == 1


def test_a_fork_shares_the_opening_and_nothing_else(tokenizer):
    session = Session(tokenizer, key=1)
    session.observe([user("x")])
    twin = session.fork(key=2)
    opening = list(session.token_ids)
    say(session, "y<eos>")
    assert (twin.key, twin.token_ids, twin.action_mask) == (2, opening, [False] * len(opening))
    say(twin, "zz", truncated=True)
    assert not session.truncated
    assert twin.truncated
