# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene's projected object is compared with: one photo, and the object's mask in it.

"published": NVOS's true mask of its target photo. "sam2": what SAM 2 says of the reference photo at the
scribbles, as the paper compares. A folder: masks of the reference photos, ``<scene>.png``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks.datasets import TruthScene, read_mask, scribble_clicks
from wildseg3d_blender.errors import SceneError

PUBLISHED, SAM2 = "published", "sam2"

SCRIBBLE_CLICKS = 3
"""Clicks on each of a scene's two strokes, for the object and for SAM 2's mask alike."""


@dataclass(frozen=True)
class Truth:
    """The mask (H, W) bool of the object in a photo, on the photo's pixels or fewer."""

    photo: Path
    mask: NDArray[np.bool_]


def truth_of(item: TruthScene, choice: str) -> Truth:
    """The truth of a scene; ``choice``: "published", "sam2" or a folder.

    Raises:
        SceneError: a file is missing or cannot be read.
        NeuralError: SAM 2 is asked for and cannot run.
    """
    if choice == PUBLISHED:
        photo, file = next(iter(item.targets.items()))
        return Truth(photo, read_mask(file))
    if choice == SAM2:
        return Truth(item.reference, sam2_mask(item))
    file = Path(choice) / f"{item.name}.png"
    if not file.is_file():
        raise SceneError(f"There is no {file}: give a folder with a mask of each scene's reference photo.")
    return Truth(item.reference, read_mask(file))


def clicks_of(item: TruthScene) -> list[tuple[float, float, bool]]:
    """(x, y, positive) in pixels of the reference photo, along its scribbles, positive ones first.

    Raises:
        SceneError: there are no scribbles, or one is empty.
    """
    if item.scribbles is None:
        raise SceneError(f"{item.name} has no scribbles: unpack the published annotations again.")
    return scribble_clicks(item.scribbles, _picture(item.reference).size, SCRIBBLE_CLICKS)


def sam2_mask(item: TruthScene) -> NDArray[np.bool_]:
    """(H, W) bool: what SAM 2 alone takes for the object in the reference photo, clicked along its scribbles.

    Raises:
        NeuralError: SAM 2 cannot run here.
    """
    from wildseg3d_blender.pipeline.segmentation.sam2 import segmenter

    picture = _picture(item.reference)
    clicks = clicks_of(item)
    network = segmenter.installed_network()
    points = np.array([[(x / picture.width, y / picture.height) for x, y, _ in clicks]], np.float32)
    labels = np.array([[int(positive) for *_, positive in clicks]], np.int32)
    decoded = network.decode(network.encode(np.asarray(picture)), points, labels)
    logits = cv2.resize(decoded.logits[0, 0], picture.size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(logits > 0)


def _picture(file: Path) -> Image.Image:
    try:
        with Image.open(file) as opened:
            return ImageOps.exif_transpose(opened).convert("RGB")
    except OSError as error:
        raise SceneError(f"The photo {file} cannot be read ({error}): download it again.") from error
