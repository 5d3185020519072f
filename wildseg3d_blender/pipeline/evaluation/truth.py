# SPDX-License-Identifier: GPL-3.0-or-later
"""True masks from a folder of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ...errors import PromptError, SceneError
from ...prompts import Box
from ...scene.folder import Scene, View
from .measures import Mask


def read_truth(scene: Scene, masks_dir: Path) -> dict[str, Mask]:
    """The true masks there are: view name -> (photo H, photo W) bool.

    Raises:
        SceneError: the folder is missing or has no mask for any view, a mask cannot be read, or its size is
            not the photo's.
    """
    truth = masks_of_views(scene.views, masks_dir)
    if not truth:
        wanted = ", ".join(f"{view.photo.stem}.png" for view in scene.views[:3])
        raise SceneError(
            f"{masks_dir} has no mask for a photo of this scene: name them after their photos ({wanted}...)."
        )
    return truth


def masks_of_views(views: Sequence[View], masks_dir: Path) -> dict[str, Mask]:
    """As ``read_truth``, for these views; empty where none of them has a mask."""
    masks_dir = Path(masks_dir)
    if not masks_dir.is_dir():
        raise SceneError(f"There is no folder {masks_dir}: give the folder that holds the true masks.")
    files = [(view, masks_dir / f"{view.photo.stem}.png") for view in views]
    return {view.name: _read_mask(view, file) for view, file in files if file.is_file()}


def _read_mask(view: View, file: Path) -> Mask:
    try:
        with Image.open(file) as opened:
            grey = np.asarray(ImageOps.exif_transpose(opened).convert("L"))
    except OSError as error:
        raise SceneError(f"The mask {file} cannot be read ({error}): save it as a PNG again.") from error
    width, height = view.photo_size
    if grey.shape != (height, width):
        raise SceneError(
            f"The mask {file} is {grey.shape[1]}x{grey.shape[0]} pixels but its photo is "
            f"{width}x{height}: masks must have their photo's size, upright."
        )
    return np.asarray(grey > 127)


def truth_box(view: View, truth: Mask) -> Box:
    """The tight box around a true mask, in view pixels."""
    rows, columns = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
    corners = np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]], dtype=np.float64)
    (x0, y0), (x1, y1) = np.clip(view.warp.to_view(corners), 0, np.asarray(view.size))
    return Box(view.name, float(x0), float(y0), float(x1), float(y1))


def check_clicked_truth(truth: Mapping[str, Mask], clicked: View, masks_dir: Path) -> None:
    """SceneError or PromptError unless the clicked view has a true mask with something in it."""
    if clicked.name not in truth:
        known = ", ".join(sorted(truth))
        raise SceneError(f"{masks_dir} has no mask for {clicked.photo.name}; it has masks for {known}.")
    if not truth[clicked.name].any():
        raise PromptError(
            f"The true mask of {clicked.photo.name} is empty: click in a view that shows the object."
        )
