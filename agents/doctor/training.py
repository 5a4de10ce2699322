"""What learns and samples: PyTorch, its devices, a step of training, and vLLM."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec

from .check import Check
from .packages import install

# vLLM loads for half a minute on a slow disk.
_LONGEST_IMPORT = 180


def check_torch() -> Iterator[Check]:
    """PyTorch, the devices that it sees, and one step of training on the first of them."""
    if find_spec("torch") is None:
        yield Check("training", "torch", "optional", "not installed", install("train"))
        return
    try:
        import torch
    except (ImportError, OSError, RuntimeError) as error:
        told = f"can't be imported: {error}"
        yield Check("training", "torch", "problem", told, "pip install --force-reinstall torch")
        return
    threads = torch.get_num_threads()
    yield Check("training", "torch", "ok", f"{torch.__version__}, {threads} {'thread' if threads == 1 else 'threads'}")
    yield from _check_devices()
    yield _check_step()


def check_vllm() -> Iterator[Check]:
    """Whether vLLM can be imported, in a process of its own: it changes much of the one it is in."""
    if find_spec("vllm") is None:
        return  # the extra's line says so
    try:
        code = "import vllm; print(vllm.__version__)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=_LONGEST_IMPORT)
    except subprocess.TimeoutExpired:
        yield Check("training", "vllm", "warning", f"not imported within {_LONGEST_IMPORT} s")
        return
    if done.returncode == 0:
        yield Check("training", "vllm", "ok", f"{done.stdout.split()[-1]}, can be imported")
    else:
        told = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        advice = f"{install('vllm')} in an environment of its own; for a CPU scripts/vllm_cpu.sh makes one"
        yield Check("training", "vllm", "warning", f"can't be imported: {told}", advice)


def _check_devices() -> Iterator[Check]:
    import torch
    from torch import distributed

    if not torch.cuda.is_available():
        built = torch.version.cuda
        if built is None:
            yield Check("training", "device", "ok", "cpu: this torch knows no GPUs")
        else:
            advice = "if the machine has a GPU: nvidia-smi tells whether its driver is new enough"
            yield Check("training", "device", "ok", f"cpu: torch is built for CUDA {built}, and sees no GPU", advice)
        return
    for number in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(number)
        half = "bfloat16" if torch.cuda.is_bf16_supported() else "no bfloat16"
        told = f"{about.name}, {about.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}, {half}"
        yield Check("training", f"cuda:{number}", "ok", told)
    if torch.cuda.device_count() > 1:
        there = distributed.is_available() and distributed.is_nccl_available()
        advice = "" if there else "install a torch that is built with NCCL"
        told = "missing: several GPUs can't work together"
        if there:
            told = ".".join(map(str, torch.cuda.nccl.version()))  # type: ignore[no-untyped-call]
        yield Check("training", "nccl", "ok" if there else "warning", told, advice)


def _check_step() -> Check:
    """A tiny model learns one sequence for a few steps; that has to lower its loss."""
    start = time.perf_counter()
    try:
        import torch

        from ..models.tiny_model import make_tiny

        device = "cuda" if torch.cuda.is_available() else "cpu"
        model, tokenizer = make_tiny(max_positions=64)
        model.to(device)
        ids = torch.tensor([tokenizer.encode("1+1=<answer>2</answer>", add_special_tokens=False)], device=device)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        losses = []
        for _ in range(3):
            loss = model(input_ids=ids, labels=ids).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    except Exception as error:  # whatever libraries raise that do not go together, it is told and not raised
        told = f"{type(error).__name__}: {error}"
        return Check("training", "step", "problem", told, install("train"))
    if not losses[-1] < losses[0]:
        told = f"the loss of a tiny model went from {losses[0]:.3g} to {losses[-1]:.3g} where it had to fall"
        return Check("training", "step", "problem", told, install("train"))
    return Check("training", "step", "ok", f"a tiny model learnt on {device}, {time.perf_counter() - start:.1f} s")
