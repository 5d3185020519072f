# SPDX-License-Identifier: GPL-3.0-or-later
"""DUSt3R's own network class, a thousandth of its size, with seeded random weights."""

from __future__ import annotations

import torch
from mini_dust3r.model import AsymmetricCroCo3DStereo

from wildseg3d_blender.pipeline.engines.dust3r.network import COMMON, Dust3rNetwork

CONFIG = {
    **COMMON,
    "img_size": (64, 64),
    "head_type": "linear",
    "enc_embed_dim": 48,
    "enc_depth": 2,
    "enc_num_heads": 4,
    "dec_embed_dim": 48,
    "dec_depth": 2,
    "dec_num_heads": 4,
}


def tiny_net() -> AsymmetricCroCo3DStereo:
    """The class with random weights, the same every time."""
    torch.manual_seed(0)
    return AsymmetricCroCo3DStereo(**CONFIG).eval()


def tiny_network() -> Dust3rNetwork:
    """Ours around it, on the CPU."""
    return Dust3rNetwork(tiny_net(), torch.device("cpu"), identity="tiny")
