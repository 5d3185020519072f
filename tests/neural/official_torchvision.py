# SPDX-License-Identifier: GPL-3.0-or-later
"""torchvision beside a torch of another build: its import misses two operators that it brings itself else."""

from __future__ import annotations

import importlib

import torch

_NEEDED = ("nms", "qnms")
_library = torch.library.Library("torchvision", "FRAGMENT")


def allow_torchvision() -> None:
    """Declare the operators where they are missing; nothing of ours calls them."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in _NEEDED:
            if not hasattr(torch.ops.torchvision, name):
                _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
