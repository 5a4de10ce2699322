"""The counter-based random numbers behind every sampled token."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.agents.inference.sampling import stream_key, uniforms

MASK = 2**64 - 1


def splitmix64(key, position):
    """SplitMix64 as its authors wrote it, seeded with ``key``: the number after ``position`` others."""
    state = (key + (position + 1) * 0x9E3779B97F4A7C15) & MASK
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_the_reference_values_of_splitmix64():
    # https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64, seed 1234567
    assert [splitmix64(1234567, i) for i in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


@given(st.lists(st.tuples(st.integers(0, MASK), st.integers(0, 2**40)), min_size=1, max_size=5), st.integers(1, 6))
def test_they_are_those_of_splitmix64(rows, count):
    keys, positions = zip(*rows, strict=True)
    found = uniforms(keys, positions, count)
    expected = [[(splitmix64(key, at + i) >> 11) * 2.0**-53 for i in range(count)] for key, at in rows]
    assert found.tolist() == expected


def test_they_are_a_function_of_key_and_position_alone():
    keys = [stream_key("a", i) for i in range(50)]
    everything = uniforms(keys, [0] * 50, 40)
    assert np.array_equal(everything, uniforms(keys, [0] * 50, 40))
    for row, start in ((0, 0), (7, 13), (49, 39)):
        assert np.array_equal(uniforms([keys[row]], [start], 40 - start)[0], everything[row, start:])
    assert np.array_equal(uniforms(keys[::-1], [0] * 50, 40), everything[::-1])


def moments(numbers):
    """How many standard errors mean, variance and neighbours' correlation are from those of uniform numbers."""
    n = len(numbers)
    centred = numbers - 0.5
    return [
        abs(centred.mean()) * np.sqrt(12 * n),
        abs((centred**2).mean() - 1 / 12) * np.sqrt(180 * n),
        abs((centred[1:] * centred[:-1]).mean()) * 12 * np.sqrt(n - 1),
    ]


@pytest.mark.parametrize("by", ["position", "hashed key", "consecutive key"])
def test_mean_variance_and_serial_correlation(by):
    n = 200_000
    if by == "position":
        numbers = uniforms([stream_key(0)], [0], n)[0]
    else:
        keys = [stream_key(0, i) for i in range(n)] if by == "hashed key" else range(n)
        numbers = uniforms(keys, [5] * n, 1)[:, 0]
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert max(moments(numbers)) < 4
    counts = np.histogram(numbers, 100, (0, 1))[0]
    assert ((counts - n / 100) ** 2 / (n / 100)).sum() < 99 + 5 * np.sqrt(2 * 99)


def test_two_streams_are_uncorrelated():
    first, second = uniforms([stream_key("run", 0), stream_key("run", 1)], [0, 0], 100_000)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(100_000)


def test_the_largest_number_is_below_one():
    # The largest 53 bits give 1 - 2^-53, exactly representable and not rounded up.
    assert np.ldexp(np.float64(2**53 - 1), -53) < 1


def test_stream_keys_keep_their_parts_apart():
    keys = [stream_key(*parts) for parts in ((1, 23), (12, 3), (123,), ("1", "2", "3"), (0, "train"), (0, "test"), ())]
    assert len(set(keys)) == len(keys)
    assert all(0 <= key < 2**64 for key in keys)


def test_stream_keys_are_the_same_in_every_process_and_version():
    """Pinned: another hash would make resumed runs draw other tokens. BLAKE2b of the parts joined by a separator."""
    assert stream_key(0, "train", 3) == 17987451265356449081
    digest = hashlib.blake2b(b"0\x1ftrain\x1f3", digest_size=8).digest()
    assert stream_key(0, "train", 3) == int.from_bytes(digest, "little")
