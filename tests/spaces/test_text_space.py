import json
import multiprocessing
import pickle
import time
from copy import deepcopy

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Tuple
from gymnasium.spaces.utils import flatdim, flatten, flatten_space, is_space_dtype_shape_equiv, unflatten
from gymnasium.vector.utils import (
    batch_differing_spaces,
    batch_space,
    concatenate,
    create_empty_array,
    create_shared_memory,
    iterate,
    read_from_shared_memory,
    write_to_shared_memory,
)
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.spaces import TextSpace

# All code points: `text()` leaves out lone surrogates, which JSON and UTF-8 stumble over.
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
HARD_TEXTS = [
    "",
    "\x00",
    "a\x00",
    "\x00\x00",
    "\ud800",
    "\ud83d\ude00",
    "😀",
    "é",
    "e\u0301",
    "\r\n",
    "\ufeff",
    "0" * 20,
]


def test_every_string_up_to_max_length_is_contained_and_nothing_else():
    space = TextSpace(3)
    assert all(text in space for text in ("", "abc", "\x00", "\ud800", "日本語"))
    assert all(thing not in space for thing in ("abcd", b"abc", 3, None, ["a"], np.array("a")))


def test_a_str_subclass_is_contained():
    assert type("Generated", (str,), {})("abc") in TextSpace(3)


def test_contains_takes_no_longer_for_long_texts():
    space, text = TextSpace(10**7), "x" * 10**7
    start = time.process_time()
    for _ in range(1000):
        assert space.contains(text)
    assert time.process_time() - start < 3  # to read them takes ten


def test_samples_are_contained_varied_and_the_same_for_the_same_seed():
    space = TextSpace(seed=5)
    samples = [space.sample() for _ in range(200)]
    assert all(sample in space for sample in samples)
    assert len(set(samples)) > 190
    assert any(not sample.isascii() for sample in samples)
    assert any("\n" in sample for sample in samples)
    again = TextSpace(seed=5)
    assert [again.sample() for _ in range(200)] == samples
    again.seed(5)
    assert again.sample() == samples[0]


def test_samples_fit_into_a_small_space():
    space = TextSpace(2, seed=0)
    assert {len(space.sample()) for _ in range(50)} == {1, 2}


@pytest.mark.parametrize("arguments", [{"mask": 1}, {"probability": 1}])
def test_masks_and_probabilities_are_refused(arguments):
    with pytest.raises(ValueError, match="no mask"):
        TextSpace().sample(**arguments)


@pytest.mark.parametrize("length", [0, -1])
def test_a_length_below_one_is_refused(length):
    with pytest.raises(ValueError, match="at least 1"):
        TextSpace(length)


@pytest.mark.parametrize("length", ["9", 1.0, True, None])
def test_a_length_that_is_no_integer_is_refused(length):
    with pytest.raises(TypeError, match="integer"):
        TextSpace(length)


def test_spaces_are_equal_by_length():
    assert TextSpace(5) == TextSpace(5, seed=1)
    assert TextSpace(5) != TextSpace(6)
    assert TextSpace(5) != "TextSpace(5)"


def test_repr_makes_an_equal_space():
    assert eval(repr(TextSpace(5))) == TextSpace(5)


def test_pickles_are_small_and_equal_and_keep_the_random_stream():
    space = TextSpace(seed=1)
    space.sample()
    data = pickle.dumps(space)
    assert len(data) < 1000
    restored = pickle.loads(data)
    assert restored == space
    assert restored.sample() == space.sample()


@given(st.lists(ANY_TEXT))
def test_texts_survive_json(texts):
    space = TextSpace()
    assert space.from_jsonable(json.loads(json.dumps(space.to_jsonable(texts)))) == texts


def test_json_of_ordinary_text_is_the_text():
    assert TextSpace().to_jsonable(["a", "日本"]) == ["a", "日本"]


@given(ANY_TEXT)
def test_texts_survive_flattening(text):
    space = TextSpace(20)
    flat = flatten(space, text)
    assert flat in flatten_space(space)
    assert flat.shape == (flatdim(space),)
    assert unflatten(space, flat) == text


@given(ANY_TEXT)
def test_texts_survive_flattening_among_other_spaces(text):
    space = Dict({"number": Box(0, 1, (2,), np.float64), "text": TextSpace(20)})
    assert space.is_np_flattenable
    restored = unflatten(space, flatten(space, {"number": np.array([0.25, 0.5]), "text": text}))
    assert restored["text"] == text


def test_a_text_too_long_to_flatten_is_a_clear_error():
    with pytest.raises(ValueError, match=r"4 characters.*at most 3"):
        flatten(TextSpace(3), "abcd")


def test_a_batch_is_a_tuple_of_spaces_and_is_walked_text_by_text():
    batch = batch_space(TextSpace(9), 3)
    assert batch == Tuple([TextSpace(9)] * 3)
    texts = ("abc", "", "日本語")
    assert texts in batch
    assert list(iterate(batch, texts)) == list(texts)


def test_batches_of_nested_spaces_are_walked_item_by_item():
    batch = batch_space(Dict({"question": TextSpace(9), "hint": TextSpace(9)}), 2)
    items = list(iterate(batch, {"question": ("ab", "cd"), "hint": ("ef", "gh")}))
    assert items == [{"question": "ab", "hint": "ef"}, {"question": "cd", "hint": "gh"}]


def test_places_of_a_seeded_batch_sample_different_texts_the_same_each_time():
    first, second = (batch_space(TextSpace(seed=3), 4).sample() for _ in range(2))
    assert first == second
    assert len(set(first)) == 4
    batch = batch_space(TextSpace(), 4)
    batch.seed(3)
    assert len(set(batch.sample())) == 4


def test_batching_does_not_disturb_the_random_stream():
    space, same = TextSpace(seed=3), TextSpace(seed=3)
    batch_space(space, 4).sample()
    assert space.sample() == same.sample()


def test_different_text_spaces_can_be_batched():
    batch = batch_differing_spaces([TextSpace(2), TextSpace(5)])
    assert ("ab", "abcde") in batch
    assert ("abc", "abcde") not in batch
    assert is_space_dtype_shape_equiv(TextSpace(2), TextSpace(2))
    assert not is_space_dtype_shape_equiv(TextSpace(2), TextSpace(5))


def test_empty_arrays_are_empty_texts_and_concatenation_is_a_tuple():
    space = TextSpace(4)
    empty = create_empty_array(space, 3)
    assert empty == ("", "", "")
    assert empty in batch_space(space, 3)
    assert concatenate(space, ["a", "b", "c"], empty) == ("a", "b", "c")


def through_shared_memory(texts, max_length):
    space = TextSpace(max_length)
    memory = create_shared_memory(space, n=len(texts), ctx=multiprocessing)
    shared = read_from_shared_memory(space, memory, n=len(texts))
    assert deepcopy(shared) == ("",) * len(texts)
    for index, text in enumerate(texts):
        write_to_shared_memory(space, index, text, memory)
    return shared


@given(st.lists(ANY_TEXT, min_size=1, max_size=3))
def test_texts_survive_shared_memory(texts):
    assert deepcopy(through_shared_memory(texts, 20)) == tuple(texts)


def test_hard_and_full_length_texts_survive_shared_memory():
    assert deepcopy(through_shared_memory(HARD_TEXTS, 20)) == tuple(HARD_TEXTS)
    assert deepcopy(through_shared_memory(["\U0010ffff" * 20] * 2, 20)) == ("\U0010ffff" * 20,) * 2


def test_shared_texts_show_what_is_written_later_and_copies_do_not():
    space = TextSpace(9)
    memory = create_shared_memory(space, n=2)
    shared = read_from_shared_memory(space, memory, n=2)
    write_to_shared_memory(space, 0, "long text", memory)
    before = deepcopy(shared)
    write_to_shared_memory(space, 0, "now", memory)
    assert before == ("long text", "")
    assert shared == ("now", "")
    assert (shared[0], shared[-1], shared[:1], len(shared)) == ("now", "", ("now",), 2)
    with pytest.raises(IndexError):
        shared[2]


def test_a_text_too_long_for_shared_memory_is_a_clear_error_and_harms_no_neighbour():
    space = TextSpace(3)
    memory = create_shared_memory(space, n=2)
    write_to_shared_memory(space, 1, "abc", memory)
    with pytest.raises(ValueError, match="at most 3"):
        write_to_shared_memory(space, 0, "abcd", memory)
    assert read_from_shared_memory(space, memory, n=2) == ("", "abc")


def test_what_is_no_text_is_refused_by_shared_memory():
    space = TextSpace(3)
    with pytest.raises(TypeError, match="expected text, got int"):
        write_to_shared_memory(space, 0, 3, create_shared_memory(space))
