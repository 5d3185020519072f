# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's photos and windows of them, encoded once, kept as far as memory goes."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....errors import SceneError
from ....scene.folder import Scene, View
from .grids import Window, whole

if TYPE_CHECKING:
    from .network import Features, Sam2Network

MOST_BYTES = 1 << 30
"""Of features, 8 MB for each photo and each window; those used longest ago are dropped first."""


class Encodings:
    """Features of views and of windows of them."""

    def __init__(self, scene: Scene, network: Sam2Network, most_bytes: int = MOST_BYTES) -> None:
        self._scene = scene
        self._network = network
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[int, Window], Features] = OrderedDict()

    def of(self, view: int, window: Window | None = None) -> Features:
        """Features of a view by its number, or of a window of it, encoded now unless they are kept.

        Raises:
            SceneError: the view's picture is missing or damaged.
        """
        from ...networks import torch_runtime

        shown = self._scene.views[view]
        key = view, window or whole(shown.size)
        if key not in self._kept:
            with torch_runtime.enough_memory("photo to encode"):
                features = self._network.encode(picture(self._scene, shown, window))
            self._bytes += features.bytes
            self._kept[key] = features
            while self._bytes > self._most and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].bytes
        self._kept.move_to_end(key)
        return self._kept[key]


def picture(scene: Scene, view: View, window: Window | None = None) -> NDArray[np.uint8]:
    """The undistorted photo, or a window of it, in the detail it is stored in; (H, W, 3) uint8 RGB.

    Raises:
        SceneError: the file is missing or damaged.
    """
    try:
        with Image.open(scene.image_path(view)) as image:
            if window is None:
                return np.asarray(image.convert("RGB"))
            multiple = image.width / view.size[0]
            x0, y0, x1, y1 = (round(multiple * edge) for edge in (window.x0, window.y0, window.x1, window.y1))
            return np.asarray(image.convert("RGB").crop((x0, y0, x1, y1)))
    except (OSError, SyntaxError, ValueError) as error:
        raise SceneError(
            f"The picture {scene.image_path(view)} cannot be read ({error}): press Reconstruct to make the "
            "scene anew.",
            fix="wildseg3d.reconstruct",
        ) from error
