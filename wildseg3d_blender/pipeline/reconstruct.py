# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos -> pair graph -> aligned scene -> scene folder: the whole reconstruction, in one call."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..progress import Progress, silent, span
from ..scene_folder import Scene, View, check_writable, write_scene
from .alignment import align, pointmap, upright
from .engines import create_engine
from .pair_graph import PairView
from .photos import open_photos, read_image
from .undistort import undistort

MAX_IMAGE_SIDE = 2048
"""Stored photos are for looking at and for exact borders; more than this only costs memory in Blender."""


def reconstruct(
    photos: Sequence[Path],
    folder: Path,
    *,
    engine: str = "stereo",
    image_size: int = 512,
    progress: Progress = silent,
) -> Scene:
    """Reconstruct a scene from photos and write it to ``folder``.

    Args:
        photos: files and folders of photos.
        folder: the scene folder to make; a scene that is already there is replaced at the very end.
        engine: pointmap engine, see ``engines.create_engine``.
        image_size: longer side of the views' pixel grids.

    Returns:
        The scene, as read back from nothing: what is on disk.

    Raises:
        PhotoError: no usable photos.
        ReconstructionError, AlignmentError: the photos do not make a scene.
        SceneError: ``folder`` cannot be written.
        Cancelled: by ``progress``; nothing was written.
    """
    folder = Path(folder).absolute()
    check_writable(folder)
    progress("photos", 0.0, "Reading photos")
    opened, unreadable = open_photos(photos)
    seconds: dict[str, float] = {}

    result = create_engine(engine).pair_graph(
        opened, image_size=image_size, progress=span(progress, 0.02, 0.85)
    )
    seconds.update(result.seconds)

    started = time.perf_counter()
    alignment = upright(align(result.graph, progress=span(progress, 0.85, 0.95)))
    seconds["alignment"] = time.perf_counter() - started

    started = time.perf_counter()
    views, pointmaps, confidence, colours, images = [], {}, {}, {}, {}
    for index, pair_view in enumerate(result.graph.views):
        name = pair_view.photo.name
        progress("writing", 0.95 + 0.05 * index / len(result.graph.views), f"Writing {name}")
        views.append(
            View(
                name=name,
                photo=pair_view.photo.path,
                photo_size=pair_view.photo.size,
                size=pair_view.size,
                K=alignment.K[index],
                cam_to_world=alignment.cam_to_world[index],
                warp=pair_view.warp,
            )
        )
        pointmaps[name] = pointmap(alignment, index).astype(np.float32)
        confidence[name] = alignment.confidence[index]
        images[name] = _undistorted_jpeg(pair_view)
        colours[name] = _on_grid(images[name], pair_view.size)
    seconds["writing"] = time.perf_counter() - started

    scene = Scene(
        folder=folder,
        views=tuple(views),
        engine=engine,
        settings={"image_size": image_size},
        seconds=seconds,
        skipped=(*unreadable, *result.skipped),
    )
    # The last moment to cancel: once the scene is in its place, it is there.
    progress("writing", 1.0, "Saving")
    write_scene(scene, pointmaps=pointmaps, confidence=confidence, colours=colours, images=images)
    return scene


def _undistorted_jpeg(view: PairView) -> bytes:
    """The photo on the view's pinhole grid, at the whole multiple of it that keeps most of the detail."""
    width, height = view.size
    longest = min(max(view.photo.size), MAX_IMAGE_SIDE)
    multiple = max(1, round(longest / max(width, height)))
    undistorted = undistort(read_image(view.photo), view.warp, view.size, multiple)
    buffer = io.BytesIO()
    Image.fromarray(undistorted).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _on_grid(jpeg: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The stored photo averaged onto the pixel grid: points look like the background image behind them."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image.resize(size, Image.Resampling.BOX))
