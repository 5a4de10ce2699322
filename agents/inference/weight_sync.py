"""How new weights come to vLLM: by a folder, as adapters alone, or from GPU to GPU."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from torch import Tensor

from ...runtimes.endpoint import EndpointError
from .side_by_side import at_once
from .weight_folder import WeightFolder, remove_left


class Reader(Protocol):
    """What takes weights from a folder: a server, or an engine in this process."""

    def reload(self, folder: Path) -> None:
        """Takes the weights in a folder, and forgets what was computed with the old ones."""

    def load_adapter(self, folder: Path) -> None:
        """Takes the adapters in a folder, likewise."""


Target = TypeVar("Target")


class Transfer(Protocol):
    """Takes weights to servers.

    Attributes:
        one_by_one: whether a server can be sent what was published while others are in use.
    """

    one_by_one: bool

    def publish(self, weights: Mapping[str, Tensor]) -> None:
        """Makes weights ready to be sent, in place of earlier ones."""

    def send(self, servers: Sequence[Any]) -> dict[Any, EndpointError]:
        """Sends what was published to all of these servers; those that did not take it, and why."""

    def close(self) -> None:
        """Frees what was kept for servers that come back."""


class FolderTransfer:
    """Weights by way of a folder, which all servers must see.

    Args:
        adapters: the configuration of adapters, if they are all that is trained: then they alone are sent.
        weights_dir: where the folder is made; by default where temporary files are.
    """

    one_by_one = True

    def __init__(self, adapters: Any = None, weights_dir: Path | str | None = None) -> None:
        self._adapters, self._place = adapters, Path(weights_dir or tempfile.gettempdir())
        self._folder: WeightFolder | None = None
        remove_left(self._place)

    def publish(self, weights: Mapping[str, Tensor]) -> None:
        """Writes the weights; those before are removed."""
        folder = WeightFolder(self._place)
        try:
            if self._adapters is None:
                _write(weights, folder.path / "model.safetensors")
            else:
                _write(adapter_tensors(weights), folder.path / "adapter_model.safetensors")
                self._adapters.save_pretrained(str(folder.path))
        except BaseException:
            folder.remove()
            raise
        old, self._folder = self._folder, folder
        if old is not None:
            old.remove()

    def send(self, servers: Sequence[Reader]) -> dict[Any, EndpointError]:
        """Lets each server read the folder."""
        problems = at_once([partial(self._send, server) for server in servers], len(servers))
        return {server: problem for server, problem in zip(servers, problems, strict=True) if problem is not None}

    def close(self) -> None:
        """Removes the folder."""
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def _send(self, server: Reader) -> EndpointError | None:
        assert self._folder is not None, "nothing was published"
        folder = self._folder.path
        try:
            server.reload(folder) if self._adapters is None else server.load_adapter(folder)
        except EndpointError as error:
            return error
        return None


def adapter_tensors(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a model's weights those of its adapters, under the names that adapters are saved with.

    Raises:
        ValueError: if there is none.
    """
    found = {name: weight for name, weight in weights.items() if ".lora_" in name}
    if not found:
        raise ValueError("there is no adapter among the weights")
    return {f"base_model.model.{name.replace('.default.', '.')}": weight for name, weight in found.items()}


def _write(weights: Mapping[str, Tensor], path: Path) -> None:
    from safetensors.torch import save_file

    # Copies: tied weights are one tensor under two names, and the head must be there by its own.
    save_file({name: weight.detach().cpu().contiguous().clone() for name, weight in weights.items()}, path)
