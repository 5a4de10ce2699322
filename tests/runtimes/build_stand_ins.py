"""Stand-ins for artefacts and their builders: what fetches and keeps them needs no real ones."""

import json

FIELDS = {
    "abi": 1,
    "version": "1.0",
    "engine": "Engine 1.0",
    "control": 0,
    "stdout": 64,
    "stderr": 64,
    "reply": 64,
    "capacity": 4,
    "reply_capacity": 4,
    "exchange_slot": 0,
}


def wasm(language: str, recipe: str, variant: str = "optimized", salt: str = "") -> bytes:
    """A module with nothing but a description; ``salt`` makes a different one."""
    described = {**FIELDS, "language": language, "recipe": recipe, "variant": variant, "salt": salt}
    content = b"\x0binfinite_rl" + json.dumps(described).encode()
    size = bytes([len(content) & 0x7F | 0x80, len(content) >> 7])
    return b"\0asm\x01\0\0\0" + b"\0" + size + content
