# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing the scene folders that tests ray-cast."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wildseg3d_blender.scene.folder import Scene, View, write_scene


def as_jpeg(picture: NDArray[np.floating]) -> bytes:
    """An sRGB picture (H, W, 3) in [0, 1] as a JPEG; what is outside is cut off."""
    buffer = io.BytesIO()
    Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def grid_colours(view: View, jpeg: bytes) -> NDArray[np.uint8]:
    """A view's stored photo averaged onto its pixel grid, (H, W, 3) uint8 RGB."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image.convert("RGB").resize(view.size, Image.Resampling.BOX))


def write_views(
    folder: Path,
    views: Sequence[View],
    pointmaps: Mapping[str, NDArray[np.float32]],
    confidence: Mapping[str, NDArray[np.float32]],
    images: Mapping[str, bytes],
) -> Scene:
    """Write a scene as the stereo engine leaves it; arrays as ``write_scene`` takes them."""
    scene = Scene(folder, tuple(views), "stereo", {"image_size": max(views[0].size)}, {"sfm": 1.0})
    colours = {view.name: grid_colours(view, images[view.name]) for view in views}
    write_scene(scene, pointmaps=pointmaps, confidence=confidence, colours=colours, images=images)
    return scene
