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
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from ...runtimes.endpoint import EndpointError
from .vllm_server import VLLMServer

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

    def publish(self, weights: Mapping[str, Tensor]) -> None:
        """Notes which weights are to be sent; those on the GPU stay where they are."""
        self._weights = {name: weight.detach().contiguous() for name, weight in weights.items()}

    def send(self, servers: Sequence[VLLMServer]) -> dict[Any, EndpointError]:
        """Sends the weights to those servers; where one fails, the others get them in a group without it."""
        left, problems = list(servers), {}
        while left:
            try:
                self._send(left)
                break
            except _Broken as error:
                problems[error.server] = error.problem
                left.remove(error.server)
                self._members = []
        self._weights = {}
        return problems

    def close(self) -> None:
        """Forgets the weights, and leaves the group."""
        self._weights, self._members, self._group = {}, [], None

    def _send(self, servers: list[VLLMServer]) -> None:
        if self._members != servers:
            self._join(servers)
        self._run("/start_weight_update", servers, {})
        self._update(servers)
        self._run("/finish_weight_update", servers, {})
        for server in servers:
            server.forget()

    def _join(self, servers: Sequence[VLLMServer]) -> None:
        """Forms the group: each server's processes follow those of the server before."""
        if self.kind == "ipc":
            self._run("/init_weight_transfer_engine", servers, {"init_info": {"packed": False}})
        else:
            sizes = [server.world_size() for server in servers]
            address, port = _own_address(servers[0]), _free_port()
            world = 1 + sum(sizes)
            shared = {"master_address": address, "master_port": port, "world_size": world, "packed": False}
            with ThreadPoolExecutor(len(servers)) as pool:
                # All of them must enter at once: each waits inside for the others.
                joining = {
                    server: pool.submit(
                        server.call,
                        "/init_weight_transfer_engine",
                        {"init_info": shared | {"rank_offset": 1 + sum(sizes[:place])}},
                    )
                    for place, server in enumerate(servers)
                }
                self._group = self._make_group(address, port, world)
                _results(joining)
        self._members = list(servers)

    def _update(self, servers: Sequence[VLLMServer]) -> None:
        info: dict[str, Any] = {
            "names": list(self._weights),
            "dtype_names": [str(weight.dtype).removeprefix("torch.") for weight in self._weights.values()],
            "shapes": [list(weight.shape) for weight in self._weights.values()],
        }
        if self.kind == "ipc":
            self._weights = {name: _on_gpu(weight) for name, weight in self._weights.items()}
            handles = [self._handle(weight) for weight in self._weights.values()]
            info["ipc_handles_pickled"] = base64.b64encode(pickle.dumps(handles)).decode()
            self._run("/update_weights", servers, {"update_info": info})
            return
        with ThreadPoolExecutor(len(servers)) as pool:
            receiving = {
                server: pool.submit(server.call, "/update_weights", {"update_info": info}) for server in servers
            }
            stream = torch.cuda.current_stream() if torch.cuda.is_available() else None
            for weight in self._weights.values():
                self._group.broadcast(_on_gpu(weight), src=0, stream=stream)
            _results(receiving)

    def _run(self, path: str, servers: Sequence[VLLMServer], request: Mapping[str, Any]) -> None:
        """Asks all servers at once."""
        with ThreadPoolExecutor(len(servers)) as pool:
            _results({server: pool.submit(server.call, path, request) for server in servers})


class _Broken(Exception):
    """One server failed, and with it the group."""

    def __init__(self, server: VLLMServer, problem: EndpointError) -> None:
        super().__init__(str(problem))
        self.server, self.problem = server, problem


def _results(futures: Mapping[VLLMServer, Future[Any]]) -> None:
    for server, future in futures.items():
        try:
            future.result()
        except EndpointError as error:
            raise _Broken(server, error) from error


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


def _own_address(server: VLLMServer) -> str:
    """This machine's address as that server sees it."""
    from urllib.parse import urlsplit

    parts = urlsplit(server.url)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:  # nothing is sent
        way.connect((parts.hostname, parts.port or 80))
        return str(way.getsockname()[0])


def _free_port() -> int:
    with socket.create_server(("", 0)) as taken:
        return int(taken.getsockname()[1])
