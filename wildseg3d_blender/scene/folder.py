# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene folder: the only thing that travels between worker and Blender besides small messages.

    scene.json                format version, views, engine, settings, timings, photos left out
    images/<view>.jpg         the undistorted photo; its size is a whole multiple of the view's pixel grid
    colours/<view>.npy        (H, W, 3) uint8 RGB, the same on the view's pixel grid: no JPEG to decode for it
    pointmaps/<view>.npy      (H, W, 3) float32, world frame
    confidence/<view>.npy     (H, W) float32 >= 0; 0 where there is no measurement
    normals/<view>.npy        (H, W, 3) float32, and
    sizes/<view>.npy          (H, W) float32: see ``point_surface``; missing in folders of earlier versions
    pairs/                    what the scene was aligned from, see ``pipeline.pair_store``; since format 2
    objects/<folder>/         what the artist cut out, see ``objects``
    earlier/<version>/        what objects were before, see ``history``; may be removed
    states/<state>/           what the whole folder was before, see ``states``; may be removed
    previews/<folder>/        what was shown before cutting out, see ``previews``; may be removed
    mask_cache/               objects found before anybody asked, see ``pipeline.segmentation.mask_cache``

Whole folders are written under a temporary name beside their place and renamed, so a crash leaves the
old state or the new one, never half. Arrays are read with ``mmap_mode="r"`` and ``allow_pickle=False``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import SceneError
from ..files.arrays import open_array
from ..files.atomic_folder import finish_interrupted_swap
from ..files.names import file_stem
from ..files.places import try_to_make
from ..photo_warp import PhotoWarp
from ..wording import reason
from .point_surface import measured_pixels, surface_patches
from .states import replacing_scene

FORMAT_VERSION = 3
"""3: objects are made of groups of prompts. Objects and scenes of 1 and 2 are read as well."""

PAIRS_FOLDER = "pairs"
GEOMETRY_FOLDERS = ("pointmaps", "confidence", "normals", "sizes")
"""What ``write_geometry`` writes."""


@dataclass(frozen=True)
class View:
    """One placed photo.

    Attributes:
        name: unique in the scene; also the stem of the view's files.
        photo: absolute path of the original photo (which may have been moved since).
        photo_size: (width, height) of the photo, upright.
        size: (width, height) of the view's pixel grid.
        K: (3, 3) float64, view pixels.
        cam_to_world: (4, 4) float64, OpenCV axes to world.
        warp: view pixels <-> photo pixels.
    """

    name: str
    photo: Path
    photo_size: tuple[int, int]
    size: tuple[int, int]
    K: NDArray[np.float64]
    cam_to_world: NDArray[np.float64]
    warp: PhotoWarp


@dataclass(frozen=True)
class SkippedPhoto:
    """A photo that could not be placed: why, and what would help.

    Attributes:
        reason: goes on after the photo's name.
        advice: a sentence that reads right after one photo and after several, which are told together.
    """

    photo: Path
    reason: str
    advice: str


@dataclass(frozen=True)
class Scene:
    """A reconstructed scene on disk. Reading an array maps the file; nothing is cached here."""

    folder: Path
    views: tuple[View, ...]
    engine: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    skipped: tuple[SkippedPhoto, ...] = ()

    def view(self, name: str) -> View:
        """The view of that name, or of that photo file name; SceneError with the names there are."""
        for view in self.views:
            if name == view.name or name == view.photo.name:
                return view
        known = ", ".join(view.name for view in self.views)
        raise SceneError(f"There is no view named {name!r} in this scene; it has {known}.")

    @property
    def has_pairs(self) -> bool:
        """Whether the scene can be aligned again."""
        return (self.folder / PAIRS_FOLDER).is_dir()

    def image_path(self, view: View) -> Path:
        """The undistorted photo (JPEG, sRGB)."""
        return self.folder / "images" / f"{view.name}.jpg"

    def colours(self, view: View) -> NDArray[np.uint8]:
        """The undistorted photo on the view's pixel grid, (H, W, 3) uint8 RGB, memory-mapped."""
        return read_array(self.folder / "colours" / f"{view.name}.npy", (*view.size[::-1], 3))

    def pointmap(self, view: View) -> NDArray[np.float32]:
        """``points_world`` (H, W, 3) float32, memory-mapped. Meaningless where confidence is 0."""
        return read_array(self.folder / "pointmaps" / f"{view.name}.npy", (*view.size[::-1], 3))

    def confidence(self, view: View) -> NDArray[np.float32]:
        """Confidence (H, W) float32 >= 0, memory-mapped."""
        return read_array(self.folder / "confidence" / f"{view.name}.npy", view.size[::-1])

    def has_patches(self, view: View) -> bool:
        """Whether the folder has normals and sizes of the view. Confidence is then 0 wherever the pointmap
        is not finite."""
        return all((self.folder / name / f"{view.name}.npy").is_file() for name in ("normals", "sizes"))

    def patches(self, view: View) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Normals (H, W, 3) and sizes (H, W) of ``surface_patches``: memory-mapped, or computed where the
        folder has none."""
        shape = view.size[::-1]
        if self.has_patches(view):
            normals, sizes = (self.folder / name / f"{view.name}.npy" for name in ("normals", "sizes"))
            return read_array(normals, (*shape, 3)), read_array(sizes, shape)
        points = np.asarray(self.pointmap(view), np.float32)
        measured = measured_pixels(points, self.confidence(view))
        return surface_patches(points, measured, view.K, view.cam_to_world)


def read_scene(folder: Path | str) -> Scene:
    """Open a scene folder.

    Raises:
        SceneError: the folder is missing, is no scene, is damaged, or was made by a newer version.
    """
    folder = Path(folder).absolute()
    finish_interrupted_swap(folder)
    file = folder / "scene.json"
    if not file.is_file():
        raise SceneError(
            f"No scene at {folder}: choose the folder again, or press Reconstruct to make it anew.",
            fix="wildseg3d.reconstruct",
        )
    data = read_json(file)
    version = data.get("format")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise SceneError(
            f"{folder.name} was made by a newer WildSeg3D (scene format {version}, this one reads "
            f"{FORMAT_VERSION}): update the extension to open it."
        )
    try:
        return Scene(
            folder=folder,
            views=tuple(_view_from_json(folder, item) for item in data["views"]),
            engine=data["engine"],
            settings=data["settings"],
            seconds=data["seconds"],
            skipped=tuple(
                SkippedPhoto(_resolve(folder, item["photo"]), item["reason"], item["advice"])
                for item in data["skipped"]
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SceneError(
            f"{file} is damaged ({type(error).__name__}: {error}): press Reconstruct to make the scene anew.",
            fix="wildseg3d.reconstruct",
        ) from error


def write_scene(
    scene: Scene,
    *,
    pointmaps: Mapping[str, NDArray[np.float32]],
    confidence: Mapping[str, NDArray[np.float32]],
    colours: Mapping[str, NDArray[np.uint8]],
    images: Mapping[str, bytes],
    pairs: Callable[[Path], None] | None = None,
) -> None:
    """Write ``scene`` to ``scene.folder``, replacing what a previous reconstruction left there.

    Args:
        pointmaps: view name -> (H, W, 3), world frame.
        confidence: view name -> (H, W), >= 0.
        colours: view name -> (H, W, 3) RGB.
        images: view name -> JPEG bytes of the undistorted photo.
        pairs: writes the pair graph into the folder it is given, which does not exist yet.

    Raises:
        SceneError: the place cannot be written, or holds something that is not a scene.
    """
    check_writable(scene.folder)
    with replacing_scene(scene.folder) as folder:
        for name in ("images", "colours", "objects"):
            (folder / name).mkdir()
        for view in scene.views:
            np.save(folder / "colours" / f"{view.name}.npy", np.asarray(colours[view.name], np.uint8))
            (folder / "images" / f"{view.name}.jpg").write_bytes(images[view.name])
        if pairs is not None:
            pairs(folder / PAIRS_FOLDER)
        write_geometry(scene, folder, pointmaps, confidence)


def write_geometry(
    scene: Scene,
    folder: Path,
    pointmaps: Mapping[str, NDArray[np.float32]],
    confidence: Mapping[str, NDArray[np.float32]],
) -> None:
    """Write pointmaps, confidence, what follows from them, and scene.json into ``folder``, which is to become
    ``scene.folder``."""
    for name in GEOMETRY_FOLDERS:
        (folder / name).mkdir()
    for view in scene.views:
        points, certain = (arrays[view.name].astype(np.float32) for arrays in (pointmaps, confidence))
        measured = measured_pixels(points, certain)
        certain = np.where(measured, certain, np.float32(0.0))
        patches = surface_patches(points, measured, view.K, view.cam_to_world)
        for name, array in zip(GEOMETRY_FOLDERS, (points, certain, *patches), strict=True):
            np.save(folder / name / f"{view.name}.npy", array)
    data = {
        "format": FORMAT_VERSION,
        "written_by": __version__,
        "engine": scene.engine,
        "settings": dict(scene.settings),
        "seconds": {stage: round(value, 3) for stage, value in scene.seconds.items()},
        "views": [_view_to_json(scene.folder, view) for view in scene.views],
        "skipped": [
            {"photo": _relative(scene.folder, item.photo), "reason": item.reason, "advice": item.advice}
            for item in scene.skipped
        ],
    }
    (folder / "scene.json").write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


def check_writable(folder: Path | str) -> None:
    """SceneError unless a scene can be written at ``folder``. Call it before long work, not after."""
    folder = Path(folder).absolute()
    try:
        if folder.exists():
            if not folder.is_dir():
                raise SceneError(f"{folder} is a file: choose a folder for the scene.")
            if any(folder.iterdir()) and not (folder / "scene.json").is_file():
                raise SceneError(
                    f"{folder} holds other files: choose an empty or a new folder, so that nothing of yours "
                    "is overwritten."
                )
        try_to_make(folder)
    except OSError as error:
        raise SceneError(
            f"Cannot write to {folder.parent} ({reason(error)}): choose a folder you may write to."
        ) from error


def check_there(scene: Scene) -> None:
    """SceneError unless the scene folder is still where it was opened."""
    if not (scene.folder / "scene.json").is_file():
        raise SceneError(
            f"The scene folder {scene.folder} is gone: put it back, or press Reconstruct to make it anew.",
            fix="wildseg3d.reconstruct",
        )


def check_open(scene: Scene) -> None:
    """SceneError unless the scene folder is there and takes objects, previews and the like. Call it before
    long work, not after."""
    check_there(scene)
    try:
        try_to_make(scene.folder / "objects")
    except OSError as error:
        raise SceneError(
            f"Cannot write to {scene.folder} ({reason(error)}): check the permissions there, or open a "
            "copy of it in a folder you may write to."
        ) from error


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file of a scene; SceneError when there is none."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SceneError(f"{file} cannot be read ({error}): make the scene anew.") from error
    if not isinstance(data, dict):
        raise SceneError(f"{file} is damaged (no JSON object): make the scene anew.")
    return data


def read_array(file: Path, shape: tuple[int, ...]) -> NDArray[Any]:
    """An array file of a scene, memory-mapped; SceneError when it is missing, damaged or of another shape."""
    try:
        array = open_array(file)
    except (OSError, ValueError, EOFError) as error:
        raise SceneError(
            f"{file} is missing or damaged: press Reconstruct to make the scene anew.",
            fix="wildseg3d.reconstruct",
        ) from error
    if array.shape != shape:
        raise SceneError(f"{file} has shape {array.shape}, not {shape}: make the scene anew.")
    return array


def _relative(folder: Path, path: Path) -> str:
    """``path`` relative to the scene folder where the two share a drive, so both can move together."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.as_posix()


def _resolve(folder: Path, text: str) -> Path:
    return Path(os.path.normpath(folder / text))


def _view_to_json(folder: Path, view: View) -> dict[str, Any]:
    return {
        "name": view.name,
        "photo": _relative(folder, view.photo),
        "photo_size": list(view.photo_size),
        "size": list(view.size),
        "K": view.K.tolist(),
        "cam_to_world": view.cam_to_world.tolist(),
        "warp": {
            "photo_K": view.warp.photo_K.tolist(),
            "view_K": view.warp.view_K.tolist(),
            "radial": view.warp.radial,
        },
    }


def _view_from_json(folder: Path, data: dict[str, Any]) -> View:
    name = str(data["name"])
    if name != file_stem(name):
        raise ValueError(f"view name {name!r} is not a plain file name")
    width, height = (int(x) for x in data["size"])
    photo_width, photo_height = (int(x) for x in data["photo_size"])
    warp = data["warp"]
    return View(
        name=name,
        photo=_resolve(folder, data["photo"]),
        photo_size=(photo_width, photo_height),
        size=(width, height),
        K=_matrix(data["K"], 3),
        cam_to_world=_matrix(data["cam_to_world"], 4),
        warp=PhotoWarp(_matrix(warp["photo_K"], 3), _matrix(warp["view_K"], 3), float(warp["radial"])),
    )


def _matrix(rows: Any, size: int) -> NDArray[np.float64]:
    matrix = np.asarray(rows, dtype=np.float64)
    if matrix.shape != (size, size) or not np.isfinite(matrix).all():
        raise ValueError(f"expected a finite {size}x{size} matrix")
    return matrix
