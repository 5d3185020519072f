# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos -> pair graph -> aligned scene -> scene folder: the whole reconstruction, in one call."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import AlignmentError
from ..files.photos import find_photos, is_video
from ..progress import Progress, silent, span
from ..reconstruct_settings import IMAGE_SIZE, ITERATIONS, KEY_FRAMES, MIN_CONFIDENCE
from ..scene.folder import Scene, SkippedPhoto, View, check_writable, write_scene
from .alignment import Alignment, EdgeWeights, align, pointmap, upright
from .engines import EngineResult, create_engine
from .pair_graph import PairGraph, PairView
from .pair_store import kept_part, write_pairs
from .photos.reading import open_photos, read_image
from .photos.undistort import undistort
from .photos.video import with_key_frames
from .weighting import WITH_DGA, Weighting

MAX_IMAGE_SIDE = 2048
"""Stored photos are for looking at and for exact borders; more than this only costs memory in Blender."""

DECODED = 100e6
"""Bytes of JPEG or PNG files that are decoded in a second, and read from a slow disk."""

MEASURING, ALIGNING, WRITING = 4.0, 0.2, 0.2
"""Seconds that a photo takes, decoding aside, by the stereo engine on two cores. Only the ratio counts."""


def reconstruct(
    photos: Sequence[Path],
    folder: Path,
    *,
    engine: str = "stereo",
    quality: str = "balanced",
    image_size: int = IMAGE_SIZE.default,
    weighting: Weighting = WITH_DGA,
    iterations: int = ITERATIONS.default,
    min_confidence: float = MIN_CONFIDENCE.default,
    key_frames: int = KEY_FRAMES.default,
    progress: Progress = silent,
) -> Scene:
    """Reconstruct a scene from photos and write it to ``folder``.

    Args:
        photos: files and folders of photos; a video stands for its key frames, which are kept in a folder
            beside ``folder`` (see ``photos.video.key_frames``).
        folder: the scene folder to make; a scene that is already there is replaced at the very end.
        engine, quality: pointmap engine, see ``engines.create_engine``.
        image_size: longer side of the views' pixel grids.
        weighting: how the alignment weights pixels; kept in the scene's settings, as are the next two.
        iterations: of the alignment at most.
        min_confidence: pixels measured with less get no point.
        key_frames: how many frames a video gives, about.

    Returns:
        The scene, as it is on disk. Photos that hang together with too few others are among those skipped.

    Raises:
        PhotoError: no usable photos.
        ReconstructionError, AlignmentError: the photos do not make a scene.
        SceneError: ``folder`` cannot be written.
        Cancelled: by ``progress``; nothing was written.
    """
    folder = Path(folder).absolute()
    check_writable(folder)
    weights = weighting.edge_weights()
    progress("photos", 0.0, "Reading photos")
    progress, files = _files(photos, folder.parent, key_frames, progress)
    bar = _Bar.of(files, progress)
    result = _measured(files, engine, quality, image_size, bar)
    made = _align(result.graph, weights, iterations, min_confidence, bar.align)
    settings = _settings(image_size, weighting, iterations, min_confidence)
    seconds = {**result.seconds, "alignment": made.seconds}
    skipped = (*result.skipped, *made.left_out)
    scene = Scene(folder, _views(made.graph, made.alignment), engine, settings, seconds, skipped)
    return _written(scene, made, bar.write)


@dataclass(frozen=True)
class _Bar:
    """The progress of each part: opening the photos, the engine's, aligning, writing."""

    open: Progress
    measure: Progress
    align: Progress
    write: Progress

    @classmethod
    def of(cls, files: Sequence[Path], progress: Progress) -> _Bar:
        """Share ``progress`` by about what the parts cost, in seconds: large photos take long to decode."""
        count, decoding = len(files), sum(map(_size, files)) / DECODED
        costs = (decoding, MEASURING * count, ALIGNING * count, WRITING * count + decoding)
        ends = [sum(costs[: number + 1]) / sum(costs) for number in range(len(costs))]
        return cls(*(span(progress, start, end) for start, end in pairwise([0.0, *ends])))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # gone since it was found, which opening it will say
        return 0


def _measured(files: Sequence[Path], engine: str, quality: str, image_size: int, bar: _Bar) -> EngineResult:
    """What the engine makes of the photos; those that cannot be read are among the skipped."""
    opened, unreadable = open_photos(files, progress=bar.open)
    made = create_engine(engine, quality=quality)
    result = made.pair_graph(opened, image_size=image_size, progress=bar.measure)
    return replace(result, skipped=(*unreadable, *result.skipped))


def _settings(
    image_size: int, weighting: Weighting, iterations: int, min_confidence: float
) -> dict[str, Any]:
    return {
        "image_size": image_size,
        **weighting.to_settings(),
        "iterations": iterations,
        "min_confidence": min_confidence,
        "aligned_for": [],
    }


@dataclass(frozen=True)
class _Aligned:
    """What hangs together, in one world, upright; ``left_out`` does not, ``seconds`` is how long it took."""

    graph: PairGraph
    alignment: Alignment
    left_out: list[SkippedPhoto]
    seconds: float


def _align(
    graph: PairGraph, weights: EdgeWeights, iterations: int, min_confidence: float, progress: Progress
) -> _Aligned:
    started = time.perf_counter()
    placed = align(graph, weights=weights, keep_largest=True, iterations=iterations, progress=progress)
    kept, alignment = kept_part(graph, upright(placed).confident(min_confidence))
    _check_points_left(alignment, min_confidence)
    return _Aligned(kept, alignment, left_out(graph, placed), time.perf_counter() - started)


def _written(scene: Scene, made: _Aligned, progress: Progress) -> Scene:
    """The scene in its folder, and in its ``seconds`` how long making its pictures took."""
    started = time.perf_counter()
    images, colours = _pictures(made.graph, progress)
    scene = replace(scene, seconds={**scene.seconds, "writing": time.perf_counter() - started})
    # The last moment to cancel: once the scene is in its place, it is there.
    progress("writing", 1.0, "Saving")
    write_scene(
        scene,
        pointmaps={view.name: pointmap(made.alignment, v) for v, view in enumerate(scene.views)},
        confidence={view.name: made.alignment.confidence[v] for v, view in enumerate(scene.views)},
        colours=colours,
        images=images,
        pairs=lambda pairs: write_pairs(pairs, made.graph, made.alignment),
    )
    return scene


def _files(
    photos: Sequence[Path], beside: Path, count: int, progress: Progress
) -> tuple[Progress, list[Path]]:
    """The photos' files, those of videos included, and the progress of what comes after finding these."""
    if not any(is_video(path) for path in photos):
        return progress, find_photos(photos)
    with_frames = with_key_frames(photos, beside, count=count, progress=span(progress, 0.0, 0.2))
    return span(progress, 0.2, 1.0), find_photos(with_frames)


def _check_points_left(alignment: Alignment, min_confidence: float) -> None:
    if not any(confidence.any() for confidence in alignment.confidence):
        raise AlignmentError(
            f"No point was measured with a confidence of {min_confidence:g} or more: lower the minimum "
            "confidence."
        )


def _views(graph: PairGraph, alignment: Alignment) -> tuple[View, ...]:
    return tuple(
        View(
            name=view.photo.name,
            photo=view.photo.path,
            photo_size=view.photo.size,
            size=view.size,
            K=alignment.K[v],
            cam_to_world=alignment.cam_to_world[v],
            warp=view.warp,
        )
        for v, view in enumerate(graph.views)
    )


def _pictures(graph: PairGraph, progress: Progress) -> tuple[dict[str, bytes], dict[str, NDArray[np.uint8]]]:
    """By view name: the undistorted photo as a JPEG, and the same on the view's pixel grid."""
    images, colours = {}, {}
    for v, view in enumerate(graph.views):
        name = view.photo.name
        progress("writing", v / len(graph.views), f"Writing {name}")
        images[name] = _undistorted_jpeg(view)
        colours[name] = _on_grid(images[name], view.size)
    return images, colours


def left_out(graph: PairGraph, alignment: Alignment) -> list[SkippedPhoto]:
    """The photos that the engine placed but the alignment could not join to the others."""
    kept = set(alignment.views)
    return [
        SkippedPhoto(
            view.photo.path,
            f"shares too little with the {len(kept)} photos that hang together",
            "Add photos taken in between, that overlap with it and with the others.",
        )
        for v, view in enumerate(graph.views)
        if v not in kept
    ]


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
