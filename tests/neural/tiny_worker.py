# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker, with networks of tiny size and random weights where the installed ones would be."""

from __future__ import annotations

from tests.neural.tiny_dust3r import tiny_network as tiny_dust3r
from tests.neural.tiny_sam2 import tiny_network as tiny_sam2
from wildseg3d_blender.pipeline.engines.dust3r import engine
from wildseg3d_blender.pipeline.segmentation.sam2 import segmenter
from wildseg3d_blender.worker.__main__ import main

if __name__ == "__main__":
    engine.installed_network = lambda size: tiny_dust3r()
    segmenter.installed_network = tiny_sam2
    main()
