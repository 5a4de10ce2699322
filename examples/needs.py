"""What the examples say where a library that they need is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

NAMES = {
    "torch": "PyTorch",
    "google": "google-genai",
    "trl": "TRL",
    "inspect_ai": "Inspect",
    "pettingzoo": "PettingZoo",
    "torchrl": "TorchRL",
}
EXTRAS = {
    "trl": "test",
    "torch": "train",
    "google": "generate",
    "torchrl": "train",
    "transformers": "train",
    "datasets": "train",
}
COMMANDS = {"inspect_ai": "pip install inspect_ai openai", "verl": "pip install --no-deps verl (see docs/plugs.md)"}


@contextmanager
def libraries() -> Iterator[None]:
    """Around what imports them: a library that is missing ends the program with one line that says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module == "infinite_rl":
            raise  # a mistake of ours
        standard = f"pip install {module}"
        if module in EXTRAS:
            standard = f'pip install -c constraints.txt -e ".[{EXTRAS[module]}]"'
        raise SystemExit(f"this example needs {NAMES.get(module, module)}: {COMMANDS.get(module, standard)}") from None
