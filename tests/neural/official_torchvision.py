# SPDX-License-Identifier: GPL-3.0-or-later
"""torchvision beside a torch without CUDA: its import looks for two operators that only CUDA builds have."""

from __future__ import annotations

import torch

_NEEDED = ("nms", "qnms")
_library = torch.library.Library("torchvision", "FRAGMENT")


def allow_torchvision() -> None:
    """Declare the operators where they are missing; nothing of ours calls them."""
    if torch.version.cuda is not None:
        return
    for name in _NEEDED:
        if not hasattr(torch.ops.torchvision, name):
            _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
