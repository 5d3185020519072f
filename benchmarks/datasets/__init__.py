# SPDX-License-Identifier: GPL-3.0-or-later
"""Photo sets with true masks, read from the layouts they are published in. Nothing is downloaded."""

from .mask_folder import mask_folder_scene
from .nvos import NVOS_SCENES, nvos_scene
from .spin_nerf import spin_nerf_names, spin_nerf_scene
from .truth_scene import Scribbles, TruthScene, read_mask, scribble_clicks

__all__ = [
    "NVOS_SCENES",
    "Scribbles",
    "TruthScene",
    "mask_folder_scene",
    "nvos_scene",
    "read_mask",
    "scribble_clicks",
    "spin_nerf_names",
    "spin_nerf_scene",
]
