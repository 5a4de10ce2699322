"""Conversations as rows: what trains is exactly what the assistant said, and the end of each of its turns."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infinite_rl.agents.inference.template import ChatTemplate
from infinite_rl.agents.models.tiny_model import make_tokenizer
from infinite_rl.agents.updates.conversations import conversation_row, read_conversations

from ..conftest import CHATML

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "2+2?"},
    {"role": "assistant", "content": "<think>easy</think> 4"},
    {"role": "tool", "content": "ok."},
    {"role": "user", "content": "and 3+3?"},
    {"role": "assistant", "content": "6"},
]
# An end of turn that is not the tokenizer's end token; thoughts of earlier turns are dropped from what is rendered.
FORGETFUL = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] if loop.last else message['content'].split('</think>')[-1] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make(kind):
    tokenizer = make_tokenizer()
    if kind == "plain":
        tokenizer.chat_template = None
    if kind in ("chatml", "forgetful"):
        tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
        tokenizer.chat_template = CHATML if kind == "chatml" else FORGETFUL
    return tokenizer


KINDS = ("tiny", "plain", "chatml", "forgetful")
ENDS = {"tiny": "<eos>", "plain": "<eos>", "chatml": "<|im_end|>", "forgetful": "<|im_end|>"}


def spoken(row):
    """The runs of tokens that train."""
    runs, inside = [], False
    for token, trains in zip(row.token_ids.tolist(), row.action_mask.tolist(), strict=True):
        if trains and not inside:
            runs.append([])
        if trains:
            runs[-1].append(token)
        inside = trains
    return runs


@pytest.mark.parametrize("kind", KINDS)
def test_every_token_of_every_assistant_message_trains_and_no_other(kind):
    tokenizer = make(kind)
    row = conversation_row(CHAT, tokenizer)
    said = [message["content"] + ENDS[kind] for message in CHAT if message["role"] == "assistant"]
    assert [tokenizer.decode(run) for run in spoken(row)] == said
    unsaid = tokenizer.decode(row.token_ids[~row.action_mask])
    for text in ("Be brief.", "2+2?", "ok.", "and 3+3?"):
        assert text in unsaid
    assert "easy" not in unsaid


@pytest.mark.parametrize("kind", ["tiny", "chatml"])
def test_the_whole_is_what_the_template_writes(kind):
    tokenizer = make(kind)
    text = tokenizer.apply_chat_template(CHAT, tokenize=False)
    assert tokenizer.decode(conversation_row(CHAT, tokenizer).token_ids) == text.rstrip("\n")


TURNS = st.lists(
    st.tuples(st.text(alphabet="ab <>/think\n", min_size=1, max_size=8), st.text(alphabet="12 .\n", min_size=1)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(turns=TURNS)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_said_the_mask_holds_exactly_the_assistant_s_turns(kind, turns):
    tokenizer = make(kind)
    messages = []
    for asked, answered in turns:
        messages += [{"role": "user", "content": asked + "?"}, {"role": "assistant", "content": answered}]
    row = conversation_row(messages, tokenizer)
    said = "".join(answered + ENDS[kind] for _, answered in turns)
    assert tokenizer.decode(row.token_ids[row.action_mask]) == said


def test_what_comes_after_the_last_turn_is_left_out(tokenizer):
    last = {"role": "user", "content": "thanks"}
    assert (
        conversation_row([*CHAT, last], tokenizer).token_ids.tolist() == conversation_row(CHAT, tokenizer)[0].tolist()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_end_of_a_turn_is_what_the_template_writes_there(kind):
    tokenizer = make(kind)
    assert tokenizer.decode([ChatTemplate(tokenizer).end_of_turn]) == ENDS[kind]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"content": ""}, "needs its text in content"),
        ({"content": None, "tool_calls": [{}]}, "calls of tools included"),
        ({"content": "a<eos>b"}, "holds the end token '<eos>'"),
    ],
)
def test_turns_that_cannot_be_learnt_say_why(tokenizer, message, reason):
    with pytest.raises(ValueError, match=reason):
        conversation_row([CHAT[1], {"role": "assistant", **message}], tokenizer)


@pytest.fixture
def write(tmp_path):
    def make(rows):
        path = tmp_path / "talk.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    return make


def talk(asked, answered="yes"):
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}], "answer": "y"}


def read(path, tokenizer, **options):
    return read_conversations(path, tokenizer, **{"max_tokens": None} | options)


def test_some_are_held_out_by_how_they_open(write, tokenizer):
    found = read(write([talk(f"question {i}") for i in range(200)]), tokenizer)
    assert len(found.train) + len(found.validation) == 200
    assert 10 <= len(found.validation) <= 40
    same = read(write([talk("question 0", f"answer {i}") for i in range(20)] + [talk("question 2")] * 3), tokenizer)
    assert {len(same.train), len(same.validation)} <= {0, 3, 20, 23}


def test_those_too_long_are_counted_and_never_cut(write, tokenizer):
    rows = [talk("q", "a" * length) for length in (3, 30, 5, 40)]
    found = read(write(rows), tokenizer, max_tokens=20)
    lengths = sorted(len(row.token_ids) for row in [*found.train, *found.validation])
    assert (lengths, found.too_long) == ([5, 7], 2)
    assert found.left_out == "2 too long"


def test_those_about_held_out_tasks_are_left_out_and_counted(write, tokenizer):
    rows = [talk(f"question {i}") for i in range(50)]
    rows[8]["messages"].insert(0, {"role": "system", "content": "Be brief."})
    found = read(write(rows), tokenizer, held_out={"question 7", "question 8"})
    assert found.held_out == 2
    texts = [tokenizer.decode(row.token_ids) for row in [*found.train, *found.validation]]
    assert not any("question 7y" in text or "question 8y" in text for text in texts)
    assert found.left_out == "2 about a held-out task"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": "y"}, r"talk\.jsonl, line 2: \"messages\" is missing"),
        ({"messages": [CHAT[1]], "answer": "y"}, r"line 2: \"messages\" has none of the assistant"),
        ({"messages": "hi"}, r"line 2: \"messages\" must be a non-empty list"),
        ({"messages": [CHAT[1], {"role": "assistant", "content": ""}]}, r"line 2: .*needs its text"),
    ],
)
def test_a_row_that_cannot_be_used_names_its_place(write, tokenizer, row, message):
    with pytest.raises(ValueError, match=message):
        read(write([talk("q"), row]), tokenizer)


def test_nothing_left_to_train_on_is_said(write, tokenizer):
    with pytest.raises(ValueError, match="no conversation to train on; left out: 1 too long"):
        read(write([talk("q", "a" * 50)]), tokenizer, max_tokens=9)
