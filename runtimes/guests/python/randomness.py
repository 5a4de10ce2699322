"""Seeded randomness: what natively comes from the operating system comes from one fixed generator."""

import os
import random
import secrets

SEED = 20231114

_source = random.Random(SEED)


def entropy(size: int, /) -> bytes:
    """Bytes of the fixed generator, as `os.urandom` gives them."""
    return _source.randbytes(size)


def _seed(self: random.Random, a: object = None, version: int = 2) -> None:
    """Seed a generator; without a seed, from the fixed generator."""
    if a is None:
        a = _source.getrandbits(256)
    elif isinstance(a, float):
        a = hash(a) % (1 << 64)  # as natively, where hashes have 64 bits
    _native_seed(self, a, version)


_native_seed = random.Random.seed


def reset() -> None:
    """Bring the fixed generator and the module's own back to their seeds."""
    _source.seed(SEED)
    random.seed(SEED)


def install() -> None:
    """Replace the sources of randomness."""
    os.urandom = random._urandom = entropy
    os.getrandom = lambda size, flags=0: entropy(size)
    secrets.token_bytes = lambda nbytes=None: entropy(32 if nbytes is None else nbytes)
    random.Random.seed = _seed
    random.seed = random._inst.seed  # was bound to the native method when `random` was imported
    reset()
