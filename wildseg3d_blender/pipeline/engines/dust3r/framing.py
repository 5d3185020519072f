# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos brought onto the pixel grid that DUSt3R was trained on, and the map back to the photo.

As DUSt3R prepares its own input: the longer side becomes 512 pixels, then the middle is cut out so that both
sides are multiples of the 16-pixel patch; a square photo is cut to 4:3. The 224-pixel network takes the
square middle of a photo whose shorter side became 224 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....photo_warp import PhotoWarp
from ...pair_graph import Edge, PairView
from ...photos.reading import Photo, read_image

PATCH = 16


@dataclass(frozen=True)
class Frame:
    """The part of a shrunk photo that the network sees.

    Attributes:
        photo_size: (width, height) of the whole photo.
        shrunk_size: (width, height) of the whole photo after shrinking.
        corner: (x, y) of the cut's top-left corner in the shrunk photo.
        size: (width, height) of the cut.
    """

    photo_size: tuple[int, int]
    shrunk_size: tuple[int, int]
    corner: tuple[int, int]
    size: tuple[int, int]

    def warp(self) -> PhotoWarp:
        """View pixels <-> photo pixels.

        Neither focal length is known here and the map is the same for any: the view's is taken as its longer
        side, the photo's follows.
        """
        scale = np.array(self.photo_size) / np.array(self.shrunk_size)
        focal = float(max(self.size))
        view_K = np.array([[focal, 0, self.size[0] / 2], [0, focal, self.size[1] / 2], [0, 0, 1.0]])
        to_photo = np.diag([*scale, 1.0])
        to_photo[:2, 2] = scale * np.array(self.corner)
        return PhotoWarp(photo_K=to_photo @ view_K, view_K=view_K)


def frame(photo_size: tuple[int, int], longer_side: int, *, square: bool = False) -> Frame:
    """How a photo of that size (width, height) is shrunk and cut.

    Args:
        longer_side: of the shrunk photo in pixels; with ``square`` the side of the square.
        square: cut the square middle, as for the 224-pixel network.
    """
    width, height = photo_size
    longer = max(photo_size)
    side = round(longer_side * max(width / height, height / width)) if square else longer_side
    shrunk = round(width * side / longer), round(height * side / longer)
    middle = shrunk[0] // 2, shrunk[1] // 2
    if square:
        half_width = half_height = min(middle)
    else:
        half_width, half_height = (2 * m // PATCH * PATCH // 2 for m in middle)
        # A photo much longer than wide would lose its shorter side altogether.
        half_width, half_height = max(half_width, PATCH // 2), max(half_height, PATCH // 2)
        if shrunk[0] == shrunk[1]:
            half_height = max(3 * half_width // 4 // 8 * 8, PATCH // 2)
    corner = max(middle[0] - half_width, 0), max(middle[1] - half_height, 0)
    return Frame(photo_size, shrunk, corner, (2 * half_width, 2 * half_height))


def framed_image(photo: Photo, cut: Frame) -> NDArray[np.uint8]:
    """The photo on its frame's grid, (H, W, 3) uint8 RGB.

    Raises:
        PhotoError: the file has changed, is gone or is damaged.
    """
    return _cut_out(read_image(photo, longer_side=max(cut.shrunk_size)), cut)


def _cut_out(whole: NDArray[np.uint8], cut: Frame) -> NDArray[np.uint8]:
    """The whole photo (H, W, 3) of any size, uint8 RGB, on its frame's grid."""
    image = Image.fromarray(whole)
    if image.size != cut.shrunk_size:
        larger = max(cut.shrunk_size) > max(image.size)
        image = image.resize(
            cut.shrunk_size, Image.Resampling.BICUBIC if larger else Image.Resampling.LANCZOS
        )
    x, y = cut.corner
    return np.asarray(image.crop((x, y, x + cut.size[0], y + cut.size[1])))


def cut_view(view: PairView, cut: Frame) -> PairView:
    """The view of another engine, as ``cut`` shrinks and cuts it for the network."""
    shrunk = np.diag([*(np.array(cut.shrunk_size) / np.array(cut.photo_size)), 1.0])
    shrunk[:2, 2] = -np.array(cut.corner, dtype=np.float64)
    warp = replace(view.warp, view_K=shrunk @ view.warp.view_K)
    return replace(view, image=_cut_out(view.image, cut), warp=warp)


def back_on_view(cut: Frame, edge: Edge) -> Edge:
    """An edge whose second view was shrunk and cut for the network, on the grid of the whole view.

    Each pixel of the view takes the nearest one's; those that were cut off have no confidence.
    """
    (width, height), scale = cut.photo_size, np.array(cut.shrunk_size) / np.array(cut.photo_size)
    column, row = (
        np.floor((np.arange(count) + 0.5) * factor).astype(int) - corner
        for count, factor, corner in zip((width, height), scale, cut.corner, strict=True)
    )
    inside = ((row >= 0) & (row < cut.size[1]))[:, None] & ((column >= 0) & (column < cut.size[0]))
    nearest = np.ix_(np.clip(row, 0, cut.size[1] - 1), np.clip(column, 0, cut.size[0] - 1))
    confidence = np.where(inside, edge.confidence_j[nearest], np.float32(0))
    return replace(edge, points_j=edge.points_j[nearest], confidence_j=confidence)
