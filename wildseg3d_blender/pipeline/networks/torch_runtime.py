# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two neural parts ask of torch alike: the device, its precision and memory, weights from a file.

Import it only where a neural part runs: it imports torch.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import torch

from ...errors import NeuralError
from ...neural.running import DEVICE_VARIABLE
from .adaptive_batches import in_batches

Item = TypeVar("Item")
Result = TypeVar("Result")

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(choice: str | None = None) -> torch.device:
    """The device to compute on; ``choice`` one of ``DEVICES``, by default what ``DEVICE_VARIABLE`` says.

    Raises:
        NeuralError: that device is not known, or is not there.
    """
    choice = choice or os.environ.get(DEVICE_VARIABLE) or "auto"
    if choice not in DEVICES:
        raise NeuralError(f"There is no device {choice!r}: choose one of {', '.join(DEVICES)}.")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if choice == "auto":
        choice = next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there[choice]:
        raise NeuralError(
            f"The neural engines were to run on {choice}, but torch {torch.__version__} finds no such "
            "device: choose another device, or install the neural environment again for this graphics card."
        )
    return torch.device(choice)


def fine_half(device: torch.device) -> torch.dtype | None:
    """The half-precision type for numbers that matter to the last digit; None to stay in float32.

    float16 on NVIDIA cards with units for it (from Volta on). Points of a pair of photos, DUSt3R at random
    weights, are 0.04 % off in float16 (median) and 0.3 % in bfloat16, as much as alignment leaves. It
    overflows where bfloat16 does not, so results have to be looked at. Older cards, CPUs and Apple's gain
    little.
    """
    fast = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 7
    return torch.float16 if fast else None


def safe_half(device: torch.device) -> torch.dtype | None:
    """The half-precision type for masks: bfloat16, which cannot overflow, where the device has it."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8:
        return torch.bfloat16
    return fine_half(device)


def autocast(device: torch.device, dtype: torch.dtype | None) -> contextlib.AbstractContextManager[object]:
    """A block whose matrix products are computed in ``dtype``; None changes nothing."""
    return contextlib.nullcontext() if dtype is None else torch.autocast(device.type, dtype)


def free_memory(device: torch.device) -> int | None:
    """Bytes that new tensors may take on a GPU; None on a CPU, where the system pages before it fails."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return None


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch ran out of memory, on whichever device."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # On CPU and MPS torch says so in words only.
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


@contextlib.contextmanager
def enough_memory(what: str) -> Iterator[None]:
    """A block that works on one ``what`` at a time: running out of memory in it is a sentence for the user.

    Raises:
        NeuralError: memory ran out.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise NeuralError(
            f"There is too little free memory for even one {what}: close other programs that use the "
            "graphics card, choose a smaller image size, or let the neural engines run on the CPU."
        ) from error


def batches(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Result]], size: int, what: str
) -> Iterator[tuple[int, Sequence[Result]]]:
    """``in_batches`` with torch's notion of memory running out; ``what`` one item is, for people.

    Raises:
        NeuralError: one item alone does not fit.
    """
    done = in_batches(items, work, size=size, out_of_memory=is_out_of_memory, release=release_memory)
    while True:
        with enough_memory(what):
            following = next(done, None)
        if following is None:
            return
        yield following


def release_memory() -> None:
    """Give memory that torch keeps for later back to the system."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def read_weights(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint by name, on the CPU. No code from the file runs.

    ``.safetensors`` holds tensors only. Anything else is read as torch's own format with ``weights_only``;
    the tensors may lie under "model", as DUSt3R and SAM 2 publish them.

    Raises:
        NeuralError: the file is damaged or holds something other than tensors.
    """
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(file, device="cpu")
        # DUSt3R keeps its command line in the file; a Namespace is only names and values.
        with torch.serialization.safe_globals([argparse.Namespace]):
            data = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # each format has its own errors, none of them ours
        if isinstance(error, MemoryError):
            raise
        reason = str(error).split("\n", 1)[0]
        raise NeuralError(f"The weights in {file} cannot be read ({reason}): download them again.") from error
    data = data.get("model", data) if isinstance(data, dict) else None
    if not isinstance(data, dict) or not all(isinstance(value, torch.Tensor) for value in data.values()):
        raise NeuralError(f"{file} holds no network weights: download them again.")
    return data
