# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmented objects for other programs: masks as PNGs, points as a PLY file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import SceneError
from ..scene.folder import Scene
from ..scene.objects import SceneObject
from .photos.masks import mask_to_photo


def write_masks(scene: Scene, item: SceneObject, folder: Path) -> list[Path]:
    """Write a mask per view: PNG, 0 or 255, of the photo's size, named after the photo.

    Where two photos share a stem (a.jpg, a.png), their masks are named after the views instead.

    Raises:
        SceneError: ``folder`` cannot be written.
    """
    stems = Counter(view.photo.stem for view in scene.views)
    files = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for view in scene.views:
            file = folder / f"{view.photo.stem if stems[view.photo.stem] == 1 else view.name}.png"
            mask = mask_to_photo(view, np.asarray(item.masks[view.name]))
            Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0))).save(file)
            files.append(file)
    except OSError as error:
        raise SceneError(
            f"Cannot write masks to {folder} ({error.strerror or error}): choose another folder."
        ) from error
    return files


def write_ply(scene: Scene, item: SceneObject, file: Path) -> int:
    """Write an object's points, world frame, with colours: binary little-endian PLY. Returns how many.

    Raises:
        SceneError: ``file`` cannot be written.
    """
    points, colours = object_points(scene, item)
    vertices = np.empty(len(points), dtype=[("xyz", "<f4", 3), ("rgb", "u1", 3)])
    vertices["xyz"], vertices["rgb"] = points, colours
    properties = [f"property float {axis}" for axis in "xyz"]
    properties += [f"property uchar {channel}" for channel in ("red", "green", "blue")]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}", *properties]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes("\n".join([*header, "end_header", ""]).encode("ascii") + vertices.tobytes())
    except OSError as error:
        raise SceneError(f"Cannot write {file} ({error.strerror or error}): choose another place.") from error
    return len(points)


def object_points(scene: Scene, item: SceneObject) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """``points_world`` (N, 3) float32 and colours (N, 3) uint8 of an object, all views together."""
    points, colours = [np.empty((0, 3), np.float32)], [np.empty((0, 3), np.uint8)]
    for view in scene.views:
        taken = np.asarray(item.points[view.name])
        if taken.any():
            points.append(np.asarray(scene.pointmap(view)[taken]))
            colours.append(np.asarray(scene.colours(view)[taken]))
    return np.concatenate(points), np.concatenate(colours)
