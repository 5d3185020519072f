# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a picture shows the outlines of things, as a small network sees it.

Prints, shadows and folds have edges as strong as outlines have; what tells them apart is the picture around
them. The network is made by ``python -m training.outlines`` from rendered scenes and collages alone, and read
and run by OpenCV.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ....errors import SceneError

WEIGHTS = Path(__file__).with_name("outline_network.onnx")

STRIDE = 32
"""The network halves a picture five times: sides are extended to multiples of this."""

ENLARGED = 1.4
"""Pictures are enlarged by this first, which gives better masks on all five scenes that measure them; it was
chosen on these. On views rendered like those it learned from, the network does as well without."""

SUREST = 6.0
"""Log odds beyond which the network's word counts no more: there is always a doubt of one in 400."""


def outline_log_odds(image: NDArray[np.uint8], weights: Path = WEIGHTS) -> NDArray[np.float32]:
    """Log odds (H, W) float32 in [-6, 6] that the outline of a thing runs through each pixel of a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        weights: file of the network.

    Raises:
        SceneError: the file is missing or damaged.
    """
    enlarged = cv2.resize(image, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_LINEAR)
    seen = network_output(enlarged, weights)
    return cv2.resize(np.clip(seen, -SUREST, SUREST), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def network_output(image: NDArray[np.uint8], weights: Path) -> NDArray[np.float32]:
    """What the network says (H, W) float32 of a picture (H, W, 3) uint8 RGB as it is.

    Raises:
        SceneError: as ``outline_log_odds``.
    """
    height, width = image.shape[:2]
    extended = cv2.copyMakeBorder(image, 0, -height % STRIDE, 0, -width % STRIDE, cv2.BORDER_REPLICATE)
    network = _read(weights)
    network.setInput(cv2.dnn.blobFromImage(extended, 1.0 / 255.0, mean=(127.5, 127.5, 127.5)))
    return network.forward()[0, 0, :height, :width]


def _read(weights: Path) -> cv2.dnn.Net:
    """A network of its own for every call: one cannot run in two threads at once, and reading takes 5 ms."""
    try:
        return cv2.dnn.readNetFromONNX(np.frombuffer(weights.read_bytes(), dtype=np.uint8))
    except (OSError, cv2.error) as error:
        raise SceneError(
            f"The network that finds outlines cannot be read from {weights}: install the extension again."
        ) from error
