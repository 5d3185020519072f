# SPDX-License-Identifier: GPL-3.0-or-later
"""An object's 3D points seen through a camera: the mask that a 3D segmentation has in a view.

This is how a 3D segmentation is judged: project it into a photo that was not clicked, even into one that
took no part in the reconstruction, and compare with the true outline there.

Every measured pixel of a view is a small patch of surface, the parallelogram spanned by its neighbours, and
not a round dot: at a silhouette patches are seen from their edge and do not swell it. The patches of the
whole scene, the object's and everybody else's, go through one depth buffer: what stands in front hides, and
along the outline object and surroundings contend for each pixel. Needs nothing but numpy and OpenCV.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...conventions import invert_rigid, transform
from ...scene.folder import Scene, View

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

SAME_SURFACE = 0.02
"""Depths within this share of each other may be one surface, measured from two views."""

STEEPEST = 6.0
"""A neighbour farther off than this many pixel widths (a slope of 80 degrees) is on another surface."""

LARGEST = 64.0
"""Pixels along a patch's side at most: a camera close to the points must not drown in them."""

GAP = 2
"""Pixels that no patch falls on are closed up to about twice this width."""

EDGE_ON = 1e-3
"""A patch of a smaller area, in pixels, is seen from its edge and covers nothing."""


@dataclass(frozen=True)
class Sight:
    """What a camera sees of a scene's points; made once (``look``), asked for any object's mask.

    Attributes:
        size: (width, height) of the camera's pixel grid.
        views: names of the views whose points it looks at.
        shapes: (H, W) of each of them.
        pixels: (S,) int64, pixels of the camera, row by row, with one entry per patch seen in a pixel.
        points: (S,) int64, the patch: a view's pixel, counted row by row through all ``views``.
        weights: (S,) float32 > 0, the patch's say in that pixel.
    """

    size: tuple[int, int]
    views: tuple[str, ...]
    shapes: tuple[tuple[int, int], ...]
    pixels: NDArray[np.int64]
    points: NDArray[np.int64]
    weights: Floats

    def mask(self, points: Mapping[str, Bools]) -> Bools:
        """The mask (height, width) of the object with these points.

        A pixel belongs to the object where most of what is seen in it does. Gaps between patches are closed,
        and only gaps: where surroundings are seen, the object does not grow.

        Args:
            points: view name -> (H, W) bool, the pixels whose 3D point belongs to the object.

        Raises:
            ValueError: a mask does not fit its view.
        """
        for name, shape in zip(self.views, self.shapes, strict=True):
            if points[name].shape != shape:
                raise ValueError(f"{name}: points of shape {points[name].shape}, the view has {shape}")
        width, height = self.size
        belongs = np.concatenate([np.zeros(0, bool), *(np.ravel(points[name]) for name in self.views)])
        ours = belongs[self.points]
        everything = np.bincount(self.pixels, self.weights, width * height).reshape(height, width)
        object_part = np.bincount(self.pixels[ours], self.weights[ours], width * height)
        mask = object_part.reshape(height, width) > 0.5 * everything
        return mask | (_closed(mask) & (everything == 0))


def project_object(
    scene: Scene,
    points: Mapping[str, Bools],
    K: NDArray[np.floating],
    cam_to_world: NDArray[np.floating],
    size: tuple[int, int],
    *,
    leave_out: Collection[str] = (),
) -> Bools:
    """The mask (height, width) bool of an object in a camera, from the 3D points that views measured of it.

    Args:
        scene: gives the points, of the object and of everything that may hide it.
        points: view name -> (H, W) bool, the pixels whose 3D point belongs to the object (see ``lift``).
        K, cam_to_world, size: the camera, OpenCV axes in the scene's world; ``size`` is (width, height) of
            its pixel grid.
        leave_out: views whose points do not take part. Name the view that is projected into, and the mask
            there says what the others know of it.

    Raises:
        SceneError: the scene folder is damaged.
    """
    views = (view for view in scene.views if view.name not in leave_out)
    return look([patches_of(scene, view) for view in views], K, cam_to_world, size).mask(points)


@dataclass(frozen=True)
class Patches:
    """The measured pixels of one view as parallelograms in space.

    Attributes:
        view: its name.
        shape: (H, W) of its pixel grid.
        index: (P,) int64, the pixels, row by row.
        centre: (P, 3) float32, ``points_world``.
        side_u, side_v: (P, 3) float32, along the view's rows and columns, world frame.
    """

    view: str
    shape: tuple[int, int]
    index: NDArray[np.int64]
    centre: Floats
    side_u: Floats
    side_v: Floats


def patches_of(scene: Scene, view: View) -> Patches:
    """The patches of one view of a scene."""
    stored = scene.pointmap(view)
    measured = (np.asarray(scene.confidence(view)) > 0) & np.isfinite(stored.sum(axis=-1))
    points_world = np.where(measured[..., None], stored, np.float32(np.nan))
    index = np.flatnonzero(measured)
    centre, u, v = (part.reshape(-1, 3)[index] for part in (points_world, *_sides(view, points_world)))
    return Patches(view.name, (measured.shape[0], measured.shape[1]), index, centre, u, v)


def look(
    patches: Sequence[Patches],
    K: NDArray[np.floating],
    cam_to_world: NDArray[np.floating],
    size: tuple[int, int],
) -> Sight:
    """What a camera sees of the patches of some views; the camera as in ``project_object``."""
    front = np.full(size[0] * size[1], np.inf, dtype=np.float32)
    covers, first = [], 0
    for of_view in patches:
        cover = _cover(_pictured(of_view, K, cam_to_world, size), first, size)
        np.minimum.at(front, cover.pixels, cover.depth)
        covers.append(cover)
        first += of_view.shape[0] * of_view.shape[1]
    pixels, points, weights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for cover in covers:
        # The nearest counts most: what lies a little behind may be the same surface, measured less well.
        behind = (cover.depth / front[cover.pixels] - 1) / SAME_SURFACE
        say = cover.weights * np.maximum(1 - behind, 0)
        seen = say > 0
        pixels.append(cover.pixels[seen])
        points.append(cover.points[seen])
        weights.append(say[seen])
    return Sight(
        size=size,
        views=tuple(of_view.view for of_view in patches),
        shapes=tuple(of_view.shape for of_view in patches),
        pixels=np.concatenate(pixels),
        points=np.concatenate(points),
        weights=np.concatenate(weights),
    )


def _closed(mask: Bools) -> Bools:
    """``mask`` with small gaps closed; at the frame it is taken to go on as it is."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * GAP + 1, 2 * GAP + 1))
    framed = np.pad(mask.astype(np.uint8), 2 * GAP, mode="edge")
    closed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, disc)
    return closed[2 * GAP : -2 * GAP, 2 * GAP : -2 * GAP] > 0


@dataclass(frozen=True)
class _Cover:
    """Which pixels of the camera the patches of one view cover, before anything hides anything."""

    pixels: NDArray[np.int64]
    points: NDArray[np.int64]
    depth: Floats
    weights: Floats


@dataclass(frozen=True)
class _Pictured:
    """Patches as a camera sees them.

    Attributes:
        index: (P,) the pixel in its own view, row by row.
        pixel: (P, 2) centre. depth: (P,) along z.
        side_u, side_v: (P, 3) change of x, y and depth along the sides.
    """

    index: NDArray[np.int64]
    pixel: Floats
    depth: Floats
    side_u: Floats
    side_v: Floats


def _pictured(
    patches: Patches, K: NDArray[np.floating], cam_to_world: NDArray[np.floating], size: tuple[int, int]
) -> _Pictured:
    world_to_cam = invert_rigid(np.asarray(cam_to_world)).astype(np.float32)
    points_cam = transform(world_to_cam, patches.centre)
    u, v = (side @ world_to_cam[:3, :3].T for side in (patches.side_u, patches.side_v))
    depth, index = points_cam[:, 2], patches.index
    # A patch that reaches behind the camera has no picture.
    ahead = depth > np.abs(u[:, 2]) + np.abs(v[:, 2])
    if not ahead.all():
        points_cam, u, v, depth, index = (values[ahead] for values in (points_cam, u, v, depth, index))
    focal = np.array([K[0, 0], K[1, 1]], dtype=np.float32)
    place = points_cam[:, :2] / depth[:, None]
    pixel = place * focal + np.array([K[0, 2], K[1, 2]], dtype=np.float32)
    for side in (u, v):
        side[:, :2] = (side[:, :2] - place * side[:, 2:]) / depth[:, None] * focal
        longest = np.maximum(np.abs(side[:, 0]), np.abs(side[:, 1]))
        side *= np.minimum(1, LARGEST / np.maximum(longest, 1e-9))[:, None]
    reach = (np.abs(u[:, :2]) + np.abs(v[:, :2])) / 2
    in_picture = (pixel + reach > 0) & (pixel - reach < size)
    inside = in_picture[:, 0] & in_picture[:, 1]
    return _Pictured(index[inside], pixel[inside], depth[inside], u[inside], v[inside])


def _cover(patches: _Pictured, first: int, size: tuple[int, int]) -> _Cover:
    """The pixels of the camera whose centre each patch covers; ``first`` is added to the patches' index."""
    u, v = patches.side_u, patches.side_v
    half = (np.abs(u[:, :2]) + np.abs(v[:, :2])) / 2
    low = np.maximum(np.ceil(patches.pixel - half - 0.5), 0).astype(np.int64)
    high = np.minimum(np.floor(patches.pixel + half - 0.5), [size[0] - 1, size[1] - 1]).astype(np.int64)
    columns, rows = np.maximum(high - low + 1, 0).T
    count = columns * rows
    owner = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    column = low[owner, 0] + number % columns[owner]
    row = low[owner, 1] + number // columns[owner]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    per_area = np.divide(1, area, out=np.zeros_like(area), where=np.abs(area) > EDGE_ON)
    dx, dy = column + 0.5 - patches.pixel[owner, 0], row + 0.5 - patches.pixel[owner, 1]
    a = (dx * v[owner, 1] - dy * v[owner, 0]) * per_area[owner]
    b = (dy * u[owner, 0] - dx * u[owner, 1]) * per_area[owner]
    hit = (np.maximum(np.abs(a), np.abs(b)) <= 0.5) & (per_area[owner] != 0)
    owner, a, b = owner[hit], a[hit], b[hit]
    return _Cover(
        pixels=row[hit] * size[0] + column[hit],
        points=first + patches.index[owner],
        depth=(patches.depth[owner] + a * u[owner, 2] + b * v[owner, 2]).astype(np.float32),
        # A view that sees a place in finer pixels knows its outline better.
        weights=np.minimum(np.abs(per_area[owner]), 1).astype(np.float32),
    )


def _sides(view: View, points_world: Floats) -> tuple[Floats, Floats]:
    """The two sides (H, W, 3) of each pixel's patch: the way to the next pixel on the same surface.

    A step to the nearer of the two neighbours; where both are on other surfaces or not measured, one pixel
    of a wall that faces the view. ``points_world`` is NaN where nothing was measured.
    """
    rotation, centre = view.cam_to_world[:3, :3].astype(np.float32), view.cam_to_world[:3, 3]
    depth = (points_world - centre.astype(np.float32)) @ rotation[:, 2]
    sides = []
    for axis in (0, 1):
        along = 1 - axis
        pixel_width = (depth / np.float32(view.K[axis, axis]))[..., None]
        step = np.diff(points_world, axis=along)
        nothing = np.full_like(np.take(points_world, [0], axis=along), np.nan)
        ways = [np.concatenate(parts, along) for parts in ((step, nothing), (nothing, step))]
        lengths = [np.sqrt(np.einsum("hwi,hwi->hw", way, way))[..., None] for way in ways]
        forward, backward = (np.where(np.isnan(length), np.inf, length) for length in lengths)
        nearer = np.where(forward <= backward, *ways)
        same = np.minimum(forward, backward) < STEEPEST * pixel_width
        sides.append(np.where(same, nearer, pixel_width * rotation[:, axis]))
    return sides[0], sides[1]
