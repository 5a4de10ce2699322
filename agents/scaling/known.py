"""Shapes of well-known models, so that plans need no network; and how a name becomes a shape."""

from __future__ import annotations

import json
import os
from difflib import get_close_matches
from pathlib import Path

from .shapes import ModelShape, shape_of

# By the last part of the hub's name: family, layers, hidden, MLP, heads, heads of keys, head, vocabulary, tied, and the
# longest sequence. From the config.json of each.
_SHAPES: dict[str, tuple[str, int, int, int, int, int, int, int, bool, int]] = {
    "Qwen3-0.6B": ("qwen3", 28, 1024, 3072, 16, 8, 128, 151936, True, 40960),
    "Qwen3-1.7B": ("qwen3", 28, 2048, 6144, 16, 8, 128, 151936, True, 40960),
    "Qwen3-4B": ("qwen3", 36, 2560, 9728, 32, 8, 128, 151936, True, 40960),
    "Qwen3-8B": ("qwen3", 36, 4096, 12288, 32, 8, 128, 151936, False, 40960),
    "Qwen3-14B": ("qwen3", 40, 5120, 17408, 40, 8, 128, 151936, False, 40960),
    "Qwen3-32B": ("qwen3", 64, 5120, 25600, 64, 8, 128, 151936, False, 40960),
    "Qwen2.5-0.5B": ("qwen2", 24, 896, 4864, 14, 2, 64, 151936, True, 32768),
    "Qwen2.5-1.5B": ("qwen2", 28, 1536, 8960, 12, 2, 128, 151936, True, 131072),
    "Qwen2.5-3B": ("qwen2", 36, 2048, 11008, 16, 2, 128, 151936, True, 32768),
    "Qwen2.5-7B": ("qwen2", 28, 3584, 18944, 28, 4, 128, 152064, False, 131072),
    "Qwen2.5-14B": ("qwen2", 48, 5120, 13824, 40, 8, 128, 152064, False, 131072),
    "Qwen2.5-32B": ("qwen2", 64, 5120, 27648, 40, 8, 128, 152064, False, 131072),
    "Qwen2.5-72B": ("qwen2", 80, 8192, 29568, 64, 8, 128, 152064, False, 131072),
    "Llama-3.2-1B": ("llama", 16, 2048, 8192, 32, 8, 64, 128256, True, 131072),
    "Llama-3.2-3B": ("llama", 28, 3072, 8192, 24, 8, 128, 128256, True, 131072),
    "Llama-3.1-8B": ("llama", 32, 4096, 14336, 32, 8, 128, 128256, False, 131072),
    "Llama-3.1-70B": ("llama", 80, 8192, 28672, 64, 8, 128, 128256, False, 131072),
    "Llama-3.1-405B": ("llama", 126, 16384, 53248, 128, 8, 128, 128256, False, 131072),
    "Mistral-7B-v0.3": ("mistral", 32, 4096, 14336, 32, 8, 128, 32768, False, 32768),
    "gemma-2b": ("gemma", 18, 2048, 16384, 8, 1, 256, 256000, True, 8192),
    "gemma-7b": ("gemma", 28, 3072, 24576, 16, 16, 256, 256000, True, 8192),
}
_OWNERS = {"gemma": "google", "llama": "meta-llama", "mistral": "mistralai", "qwen2": "Qwen", "qwen3": "Qwen"}
KNOWN = {
    name: ModelShape(name, *row[:-1], qkv_bias=row[0] == "qwen2", positions=row[-1]) for name, row in _SHAPES.items()
}


def find_shape(name: str) -> ModelShape:
    """The shape of a model.

    Args:
        name: a ``config.json``, a folder that holds one, the name of a known model, with or without its owner, or a
            model of the hub that lies in this machine's cache. Nothing is fetched.

    Raises:
        ValueError: it is none of these, or of a make that is not planned for.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        path = path / "config.json"
    if path.suffix == ".json" or path.is_file():
        return _read(path, name)
    if (known := _known(name)) is not None:
        return known
    if (cached := _in_cache(name)) is not None:
        return _read(cached, name)
    near = get_close_matches(name.split("/")[-1], KNOWN, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}? " if near else ""
    raise ValueError(
        f"--model {name}: no such folder, file or cached model, and not one of those known here; {meant}"
        f"Known are {', '.join(KNOWN)}; else give its config.json"
    )


def loadable(name: str) -> str:
    """By what name the trainer loads it: a folder, or a name of the hub with its owner."""
    path = Path(name).expanduser()
    if path.suffix == ".json":
        return str(path.parent)
    known = None if path.is_dir() or "/" in name else _known(name)
    return f"{_OWNERS[known.family]}/{name}" if known is not None else name


def _known(name: str) -> ModelShape | None:
    last = name.split("/")[-1].lower()
    short = last.removesuffix("-instruct").removesuffix("-base").removesuffix("-it")
    by_name = {key.lower(): shape for key, shape in KNOWN.items()}
    return by_name.get(last) or by_name.get(short) or by_name.get(short.removeprefix("meta-"))


def _in_cache(name: str) -> Path | None:
    """The configuration of a hub's model in the local cache, whose layout the hub's library lays down."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    folder = Path(os.environ.get("HF_HUB_CACHE", home / "hub")) / f"models--{name.replace('/', '--')}" / "snapshots"
    return next(iter(sorted(folder.glob("*/config.json"))), None)


def _read(path: Path, name: str) -> ModelShape:
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--model {name}: {path} can't be read ({getattr(error, 'strerror', error)})") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"--model {name}: {path} is not JSON ({error})") from None
    if not isinstance(config, dict):
        raise ValueError(f"--model {name}: {path} holds no JSON object")
    return shape_of(config, Path(name).name or name)
