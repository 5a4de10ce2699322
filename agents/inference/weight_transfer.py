"""New weights from the trainer's GPU to those of vLLM servers, without a disk between (``WeightTransferConfig``).

The servers' routes are those of vLLM's own trainers: a group is formed once (``init_weight_transfer_engine``); then
each update is begun (``start_weight_update``), announced with names, dtypes and shapes while the weights are on their
way (``update_weights``), and ended (``finish_weight_update``). By NCCL the trainer is rank 0 and broadcasts each weight
to all processes of all servers; by IPC a server on the same GPU is told where in its memory they lie.
"""

from __future__ import annotations

import base64
import pickle
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

import torch
from torch import Tensor

from ...runtimes.endpoint import EndpointError
from .backend import BackendError
from .side_by_side import in_thread
from .vllm_server import VLLMServer

Answer = TypeVar("Answer")

# Makes the trainer's end of a group: (address, port, processes) -> what has broadcast(tensor, src, stream).
Group = Callable[[str, int, int], Any]


class DeviceTransfer:
    """Weights from GPU to GPU, to all servers at once.

    Args:
        kind: ``nccl``, or ``ipc`` for servers on the trainer's own GPU.
        group: makes the trainer's end of the NCCL group; by default vLLM does, which must be installed here too.
        handle: where a weight lies, for IPC: by the GPU's name, how it is opened there.
    """

    # A broadcast needs all members of the group, who were all there when it was formed.
    one_by_one = False

    def __init__(
        self, kind: str, *, group: Group | None = None, handle: Callable[[Tensor], Mapping[str, Any]] | None = None
    ) -> None:
        self.kind = kind
        self._make_group, self._handle = group or _nccl_group, handle or _ipc_handle
        self._members: list[VLLMServer] = []
        self._group: Any = None
        self._weights: dict[str, Tensor] = {}
        self._device: int | None = None
        self._sending = threading.Lock()

    def publish(self, weights: Mapping[str, Tensor]) -> None:
        """Notes which weights are to be sent; those on the GPU stay where they are."""
        self._device = torch.cuda.current_device() if torch.cuda.is_available() else None
        self._weights = {name: weight.detach().contiguous() for name, weight in weights.items()}

    def send(self, servers: Sequence[VLLMServer]) -> dict[Any, EndpointError]:
        """Sends the weights to those servers; where one fails, the others get them in a group without it.

        Raises:
            BackendError: the trainer could not form a group with them.
        """
        left, problems = list(servers), {}
        with self._sending, self._on_device():
            weights = self._weights
            while left:
                try:
                    self._send(left, weights)
                    break
                except _Broken as error:
                    problems[error.server] = error.problem
                    left.remove(error.server)
                    self._members = []
            if weights is self._weights:
                # For servers that come back. The policy's own change as it learns, and its GPU has other uses; those in
                # host memory were collected there for this.
                self._weights = {name: weight.cpu() for name, weight in weights.items()}
        return problems

    def close(self) -> None:
        """Forgets the weights, and leaves the group."""
        self._weights, self._members, self._group = {}, [], None

    def _send(self, servers: list[VLLMServer], weights: Mapping[str, Tensor]) -> None:
        if self._members != servers:
            self._join(servers)
        self._run("/start_weight_update", servers, {})
        self._update(servers, weights)
        for server in servers:
            try:
                server.forget()
            except EndpointError as error:
                raise _Broken(server, error) from error

    def _join(self, servers: Sequence[VLLMServer]) -> None:
        """Forms the group: each server's processes follow those of the server before."""
        path = "/init_weight_transfer_engine"
        if self.kind == "ipc":
            self._run(path, servers, {"init_info": {"packed": False}})
        else:
            sizes = _results({server: in_thread(server.world_size) for server in servers})
            address, port = _own_address(servers), _free_port()
            world = 1 + sum(sizes)
            shared = {"master_address": address, "master_port": port, "world_size": world, "packed": False}
            # All of them must enter at once: each waits inside for the others.
            joining = {
                server: in_thread(
                    partial(server.call, path, {"init_info": shared | {"rank_offset": 1 + sum(sizes[:place])}})
                )
                for place, server in enumerate(servers)
            }
            ours = in_thread(partial(self._form, address, port, world))
            wait([ours, *joining.values()], return_when=FIRST_EXCEPTION)
            failed = {server: one for server, one in joining.items() if one.done() and one.exception()}
            if failed:
                # Who waits inside for it can be asked for nothing else before it gives up (vLLM: 300 s).
                wait(joining.values())
                _results(failed)
            try:
                self._group = ours.result()
            except Exception as error:
                names = ", ".join(server.url for server in servers)
                raise BackendError(
                    f"transfer=nccl: no group was formed with {names}: do all of them reach {address}, and have a GPU? "
                    f"({type(error).__name__}: {error})"
                ) from error
            _results(joining)
        self._members = list(servers)

    def _form(self, address: str, port: int, world: int) -> Any:
        """The trainer's end of a group, made in any thread."""
        with self._on_device():
            return self._make_group(address, port, world)

    def _update(self, servers: Sequence[VLLMServer], weights: Mapping[str, Tensor]) -> None:
        info: dict[str, Any] = {
            "names": list(weights),
            "dtype_names": [str(weight.dtype).removeprefix("torch.") for weight in weights.values()],
            "shapes": [list(weight.shape) for weight in weights.values()],
        }
        if self.kind == "ipc":
            # All at once: a server holds on to what it has been shown until a layer is whole.
            there = [_on_gpu(weight) for weight in weights.values()]
            handles = [self._handle(weight) for weight in there]
            info["ipc_handles_pickled"] = base64.b64encode(pickle.dumps(handles)).decode()
            self._run("/update_weights", servers, {"update_info": info})
            # Until here they must be there.
            self._run("/finish_weight_update", servers, {})
            return
        receiving = {
            server: in_thread(partial(server.call, "/update_weights", {"update_info": info})) for server in servers
        }
        stream = torch.cuda.current_stream() if torch.cuda.is_available() else None
        for weight in weights.values():
            self._group.broadcast(_on_gpu(weight), src=0, stream=stream)
        _results(receiving)
        self._run("/finish_weight_update", servers, {})

    def _run(self, path: str, servers: Sequence[VLLMServer], request: Mapping[str, Any]) -> None:
        """Asks all servers at once."""
        _results({server: in_thread(partial(server.call, path, request)) for server in servers})

    def _on_device(self) -> AbstractContextManager[Any]:
        """Each thread has a current GPU of its own: this makes it that of who published the weights."""
        return nullcontext() if self._device is None else torch.cuda.device(self._device)


class _Broken(Exception):
    """One server failed, and with it the group."""

    def __init__(self, server: VLLMServer, problem: EndpointError) -> None:
        super().__init__(str(problem))
        self.server, self.problem = server, problem


def _results(futures: Mapping[VLLMServer, Future[Answer]]) -> list[Answer]:
    """What servers answer, once all of them have."""
    wait(futures.values())
    for server, future in futures.items():
        if isinstance(error := future.exception(), EndpointError):
            raise _Broken(server, error) from error
    return [future.result() for future in futures.values()]


def _on_gpu(weight: Tensor) -> Tensor:
    """Weights of a policy that is divided over GPUs were collected in host memory."""
    return weight.cuda() if torch.cuda.is_available() else weight


def _nccl_group(address: str, port: int, world_size: int) -> Any:
    from vllm.distributed.weight_transfer.nccl_common import trainer_init

    return trainer_init({"master_address": address, "master_port": port, "world_size": world_size})


def _ipc_handle(weight: Tensor) -> Mapping[str, Any]:
    from torch.multiprocessing.reductions import reduce_tensor

    name = str(torch.cuda.get_device_properties(weight.device).uuid)
    _, opening = reduce_tensor(weight)  # type: ignore[no-untyped-call]
    return {name: opening}


def _own_address(servers: Sequence[VLLMServer]) -> str:
    """This machine's address for all of those servers: for those on it, too, the one that others see, if there are."""
    found = []
    for parts in (urlsplit(server.url) for server in servers):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:  # nothing is sent
            way.connect((parts.hostname, parts.port or 80))
            found.append(str(way.getsockname()[0]))
    return next((address for address in found if not ip_address(address).is_loopback), found[0])


def _free_port() -> int:
    with socket.create_server(("", 0)) as taken:
        return int(taken.getsockname()[1])
