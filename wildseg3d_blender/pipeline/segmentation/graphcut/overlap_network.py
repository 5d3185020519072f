# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a mask covers one whole thing, as a small network guesses from the picture around it.

An outline can be as sharp around a lid or around two books as around what is meant; what tells them apart is
the look of the whole. The network predicts the intersection over union of a mask with the thing that was
clicked, as the last layers of Segment Anything do (Kirillov et al., 2023). It is made by
``python -m training.overlaps`` from rendered scenes alone, and read and run by OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ....errors import SceneError

WEIGHTS = Path(__file__).with_name("overlap_network.onnx")


def predicted_overlaps(
    windows: Sequence[NDArray[np.float32]], weights: Path = WEIGHTS
) -> NDArray[np.float64]:
    """Intersection over union, (n,) float64 in [0, 1], of each mask with the whole thing that it is about.

    Args:
        windows: n of ``overlap_windows``, (8, 96, 96) float32.
        weights: file of the network.

    Raises:
        SceneError: the file is missing or damaged.
    """
    network = _read(weights)
    said = np.empty(len(windows))
    for number, window in enumerate(windows):
        network.setInput(np.ascontiguousarray(window[None]))
        said[number] = network.forward()[0, 0, 1, 1]
    return 1.0 / (1.0 + np.exp(-said))


def _read(weights: Path) -> cv2.dnn.Net:
    """A network of its own for every call, as one cannot run in two threads at once."""
    try:
        return cv2.dnn.readNetFromONNX(np.frombuffer(weights.read_bytes(), dtype=np.uint8))
    except (OSError, cv2.error) as error:
        raise SceneError(
            f"The network that judges masks cannot be read from {weights}: install the extension again."
        ) from error
