# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests that write a scene folder need for its colours."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wildseg3d_blender.scene.folder import View


def grid_colours(view: View, jpeg: bytes) -> NDArray[np.uint8]:
    """A view's stored photo averaged onto its pixel grid, (H, W, 3) uint8 RGB."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image.convert("RGB").resize(view.size, Image.Resampling.BOX))
