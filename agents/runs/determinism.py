"""Deterministic mode: the same run gives the same bits on a GPU too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.backends import cudnn

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


def prepare_determinism() -> None:
    """Gives cuBLAS a workspace of fixed size, with which its sums keep their order; to be done before CUDA is used."""
    os.environ.setdefault(WORKSPACE, ":4096:8")


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """While it lasts, operations without a deterministic algorithm raise, and nothing chooses one by its speed.

    Float32 is multiplied as float32, not as TF32. Afterwards all is as it was.
    """
    if not wanted:
        yield
        return
    algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    precision = torch.get_float32_matmul_precision()
    convolutions = {name: getattr(cudnn, name) for name in ("deterministic", "benchmark", "allow_tf32")}
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("highest")
    cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32 = True, False, False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms[0], warn_only=algorithms[1])
        torch.set_float32_matmul_precision(precision)
        for name, value in convolutions.items():
            setattr(cudnn, name, value)
