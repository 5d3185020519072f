# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that finds outlines: a small U-Net (Ronneberger et al., 2015) whose branches are added."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from .onnx_file import HALF, OnnxGraph

WIDTHS = (16, 32, 48, 72, 80)
"""Channels at a half, a quarter, ... a thirty-second of the resolution."""

OUTPUTS = 2
"""Outline, object."""


class Block(nn.Module):
    """A 3 x 3 convolution, normalised, without what is negative."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.norm(self.convolution(values)))


class OutlineNetwork(nn.Module):
    """(n, 3, h, w) RGB in [-0.5, 0.5] -> (n, 2, h, w) logits of outline and object.

    Height and width are multiples of 32.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        before = (3, *widths[:-1])
        self.down = nn.ModuleList(
            nn.ModuleList([Block(a, b, 2), Block(b, b), *([Block(b, b)] if level > 1 else [])])
            for level, (a, b) in enumerate(zip(before, widths, strict=True))
        )
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs)
        self.up = nn.ModuleList(Block(b, b) for _, b in pairs)
        self.last = nn.Conv2d(widths[0], OUTPUTS, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        values, kept = image, []
        for blocks in self.down:
            for block in blocks:
                values = block(values)
            kept.append(values)
        for narrow, up, skip in zip(self.narrow, self.up, kept[-2::-1], strict=True):
            values = up(functional.interpolate(narrow(values), scale_factor=2.0, mode="nearest") + skip)
        return functional.interpolate(
            self.last(values), scale_factor=2.0, mode="bilinear", align_corners=False
        )


def onnx_file(network: OutlineNetwork, kept: int = HALF) -> bytes:
    """The trained network as an ONNX file that gives the logits of outlines only, (1, 1, h, w).

    Normalisations become part of the convolutions before them; ``kept`` is the kernels' element type.
    """
    graph = OnnxGraph(3, kept)

    def block(values: str, of: Block) -> str:
        weight, bias = folded(of)
        return graph.rectified(graph.convolved(values, weight, bias, of.convolution.stride[0]))

    def plain(values: str, weight: torch.Tensor, bias: torch.Tensor | None) -> str:
        assert bias is not None
        return graph.convolved(values, as_array(weight), as_array(bias))

    values, skips = "image", []
    for blocks in network.down:
        for part in blocks:
            values = block(values, part)
        skips.append(values)
    for narrow, up, skip in zip(network.narrow, network.up, skips[-2::-1], strict=True):
        wide = graph.doubled(plain(values, narrow.weight, narrow.bias), smooth=False)
        values = block(graph.added(wide, skip), up)
    last = plain(values, network.last.weight[:1], network.last.bias[:1])
    return graph.file(graph.doubled(last, smooth=True), 1)


def folded(block: Block) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel and bias of a block with its normalisation in them."""
    norm = block.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = block.convolution.weight * factor[:, None, None, None]
    return as_array(weight), as_array(norm.bias - norm.running_mean * factor)


def as_array(values: torch.Tensor) -> NDArray[np.float32]:
    """As the ONNX file takes it."""
    return values.detach().numpy().astype(np.float32)
