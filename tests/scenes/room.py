# SPDX-License-Identifier: GPL-3.0-or-later
"""A room with slanted boards, rendered by ray casting: photos with exactly known cameras and depth."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from wildseg3d_blender.conventions import camera_rays, pixel_centres
from wildseg3d_blender.photo_warp import PhotoWarp

TEXELS = 1024


@dataclass(frozen=True)
class Board:
    """A textured rectangle: ``corner + s * right + t * down`` for s, t in [0, 1]. World axes as OpenCV's."""

    corner: tuple[float, float, float]
    right: tuple[float, float, float]
    down: tuple[float, float, float]
    seed: int


ROOM = (
    Board((-4.0, -2.5, 6.0), (8.0, 0.0, 0.0), (0.0, 5.0, 0.0), 1),
    Board((-4.0, 1.4, 1.0), (8.0, 0.0, 0.0), (0.0, 0.0, 5.2), 2),
    Board((-1.3, -0.9, 4.2), (1.5, 0.0, -0.5), (0.0, 1.8, 0.2), 3),
    Board((0.4, -0.5, 3.4), (1.2, 0.1, 0.7), (-0.1, 1.3, -0.2), 4),
)
OTHER_ROOM = tuple(Board(board.corner, board.right, board.down, board.seed + 100) for board in ROOM)


@dataclass(frozen=True)
class Shot:
    """One photo to take.

    Attributes:
        name: file name.
        cam_to_world: (4, 4), OpenCV axes.
        size: (width, height), upright.
        focal: pixels.
        radial: lens distortion (SIMPLE_RADIAL).
        boards: what stands in front of the camera.
        orientation: EXIF orientation to store the pixels in (1 or 6).
        film_focal: FocalLengthIn35mmFilm to write.
    """

    name: str
    cam_to_world: NDArray[np.float64]
    size: tuple[int, int] = (400, 300)
    focal: float = 420.0
    radial: float = 0.0
    boards: tuple[Board, ...] = field(default=ROOM, repr=False)
    orientation: int = 1
    film_focal: int | None = None

    @property
    def K(self) -> NDArray[np.float64]:  # noqa: N802 - the field's name
        return np.array([[self.focal, 0, self.size[0] / 2], [0, self.focal, self.size[1] / 2], [0, 0, 1]])


def look_at(position: tuple[float, float, float], target: tuple[float, float, float]) -> NDArray[np.float64]:
    """cam_to_world of a level camera (world y points down)."""
    forward = np.subtract(target, position)
    forward = forward / np.linalg.norm(forward)
    right = np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = position
    return pose


def arc(count: int, *, width: float = 1.6) -> list[NDArray[np.float64]]:
    """Cameras side by side on an arc, all looking at the boards."""
    across = np.linspace(-width / 2, width / 2, count)
    return [look_at((x, -0.3 + 0.12 * (n % 2), 0.15 * abs(x)), (0.0, 0.0, 4.5)) for n, x in enumerate(across)]


def take(shot: Shot, file: Path) -> None:
    """Render ``shot`` and save it as the format of ``file``'s suffix."""
    image, _ = render(shot)
    exif = Image.Exif()
    if shot.orientation == 6:
        image = np.ascontiguousarray(np.rot90(image, 1))
        exif[ExifTags.Base.Orientation] = 6
    if shot.film_focal is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = shot.film_focal
    options = {"quality": 95} if file.suffix == ".jpg" else {"compress_level": 1}
    Image.fromarray(image).save(file, exif=exif, **options)


def render(shot: Shot) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The photo (H, W, 3), four rays per pixel, and the depth along z at each pixel's centre (H, W)."""
    width, height = shot.size
    fine = pixel_centres(2 * width, 2 * height) / 2
    colour, _ = _cast(shot, fine)
    _, depth = _cast(shot, pixel_centres(width, height))
    image = colour.reshape(height, 2, width, 2, 3).mean(axis=(1, 3))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), depth


def depth_at(shot: Shot, photo_pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """True depth along z where photo pixels (..., 2) look."""
    return _cast(shot, photo_pixels)[1]


def _cast(shot: Shot, photo_pixels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    normalised = PhotoWarp(shot.K, np.eye(3), shot.radial).to_view(photo_pixels)
    rays = camera_rays(np.eye(3), normalised) @ shot.cam_to_world[:3, :3].T
    origin = shot.cam_to_world[:3, 3]
    nearest = np.full(rays.shape[:-1], np.inf)
    colour = np.full(rays.shape, 40.0)
    for board in shot.boards:
        right, down = np.array(board.right), np.array(board.down)
        normal = np.cross(right, down)
        depth = ((np.array(board.corner) - origin) @ normal) / (rays @ normal)
        on_board = origin + rays * depth[..., None] - np.array(board.corner)
        s, t = on_board @ right / (right @ right), on_board @ down / (down @ down)
        hit = (depth > 0) & (depth < nearest) & (s >= 0) & (s <= 1) & (t >= 0) & (t <= 1)
        looks = cv2.remap(
            _texture(board.seed, float(np.linalg.norm(right)), float(np.linalg.norm(down))),
            (s * TEXELS - 0.5).astype(np.float32),
            (t * TEXELS - 0.5).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        colour[hit] = looks[hit]
        nearest[hit] = depth[hit]
    return colour, nearest


@cache
def _texture(seed: int, width: float, height: float) -> NDArray[np.float32]:
    """Noise at several scales, the same in the world on every board; (TEXELS, TEXELS, 3) in 0..255."""
    rng = np.random.default_rng(seed)
    texture = np.zeros((TEXELS, TEXELS, 3), np.float32)
    for cells_per_unit in (1.5, 4, 10, 17):
        cells = max(round(height * cells_per_unit), 2), max(round(width * cells_per_unit), 2)
        noise = rng.uniform(-1, 1, (*cells, 3)).astype(np.float32)
        texture += cv2.resize(noise, (TEXELS, TEXELS), interpolation=cv2.INTER_CUBIC)
    base = rng.uniform(90, 165, 3)
    return np.clip(base + 50.0 * texture, 0, 255).astype(np.float32)
