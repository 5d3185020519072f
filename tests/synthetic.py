# SPDX-License-Identifier: GPL-3.0-or-later
"""Analytic scenes with exact truth, and pair graphs made of them that are corrupted as real ones are.

A scene is ray-cast: floor, two far walls, spheres and boxes. Depths, poses and intrinsics are exact. The
world has Z up and the floor at z = 0; a camera is about 3.4 units from what it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from wildseg3d_blender.conventions import invert_rigid, project, transform, unproject
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.pipeline.alignment import Alignment, fit_sim3, pointmap
from wildseg3d_blender.pipeline.alignment.sim3 import fit_sim3_robust, rotation_angle, rotation_exp
from wildseg3d_blender.pipeline.pair_graph import Edge, PairGraph, PairView
from wildseg3d_blender.pipeline.photos.reading import Photo

Array = NDArray[np.float64]

SPHERES = (
    ((0.0, 0.0, 0.45), 0.45),
    ((0.66, 0.45, 0.3), 0.3),
    ((-0.66, 0.61, 0.35), 0.35),
    ((-0.49, -0.70, 0.25), 0.25),
    ((0.67, -1.0, 0.4), 0.4),
)
BOXES = (((-0.9, -0.35, 0.0), (-0.5, 0.05, 0.7)), ((0.1, 0.9, 0.0), (0.6, 1.3, 0.5)))
# Planes n . x + d = 0: the floor and two far walls.
PLANES = (((0.0, 0.0, 1.0), 0.0), ((0.0, -1.0, 0.0), 2.7), ((1.0, 0.0, 0.05), 2.3))
FLOOR_LABEL, FAR = 1, 12.0


@dataclass(frozen=True)
class TrueView:
    """A view with its truth.

    Attributes:
        name: unique.
        K: (3, 3) view pixels.
        cam_to_world: (4, 4).
        depth: (H, W) float64 along z.
        labels: (H, W) int: 1 floor, 2 and 3 walls, 10 + n sphere n, 20 + n box n.
        image: (H, W, 3) uint8, textured by world position.
    """

    name: str
    K: Array
    cam_to_world: Array
    depth: Array
    labels: NDArray[np.int64]
    image: NDArray[np.uint8]

    @property
    def size(self) -> tuple[int, int]:
        return self.depth.shape[1], self.depth.shape[0]

    @property
    def points_world(self) -> Array:
        return transform(self.cam_to_world, unproject(self.depth, self.K))


def orbit(
    count: int,
    size: tuple[int, int] | Sequence[tuple[int, int]] = (128, 96),
    *,
    arc: float = 110.0,
    radius: float = 3.4,
    seed: int = 0,
    boxes: bool = True,
) -> list[TrueView]:
    """``count`` hand-held-like views on an arc (degrees) around the objects, tilted down by about 20 degrees.

    ``size`` is (width, height) of all views or of each; a focal length is 0.9 of the longer side.
    """
    rng = np.random.default_rng(seed)
    sizes = np.broadcast_to(np.asarray(size), (count, 2)).tolist()
    views = []
    for n, (width, height) in enumerate(sizes):
        angle = np.deg2rad(-25.0 - arc / 2 + arc * n / max(count - 1, 1)) + 0.05 * rng.normal()
        away = radius + 0.3 * rng.normal()
        centre = np.array([away * np.cos(angle), away * np.sin(angle), 1.5 + 0.25 * rng.normal()])
        pose = look_at(centre, np.array([0.0, 0.0, 0.4]) + 0.1 * rng.normal(size=3))
        focal = 0.9 * max(width, height)
        K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
        views.append(render(f"view{n:02d}", K, pose, width, height, boxes=boxes))
    return views


def look_at(centre: Array, target: Array) -> Array:
    """A level camera (4, 4) at ``centre`` looking at ``target``, Z up."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = centre
    return pose


def render(
    name: str, K: Array, cam_to_world: Array, width: int, height: int, *, boxes: bool = True
) -> TrueView:
    """Ray-cast the scene."""
    rays = unproject(np.ones((height, width)), K) @ cam_to_world[:3, :3].T
    eye = cam_to_world[:3, 3]
    depth, labels = np.full((height, width), FAR), np.zeros((height, width), dtype=np.int64)

    def hit(distance: Array, where: NDArray[np.bool_], label: int) -> None:
        nearer = where & (distance > 1e-3) & (distance < depth)
        depth[nearer] = distance[nearer]
        labels[nearer] = label

    for n, (normal, offset) in enumerate(PLANES):
        slope = rays @ np.array(normal)
        crossing = np.abs(slope) > 1e-9
        hit(-(eye @ np.array(normal) + offset) / np.where(crossing, slope, 1.0), crossing, FLOOR_LABEL + n)
    for n, (middle, radius) in enumerate(SPHERES):
        towards = eye - np.array(middle)
        a, b, c = (rays**2).sum(-1), rays @ towards, towards @ towards - radius**2
        discriminant = b * b - a * c
        hit((-b - np.sqrt(np.maximum(discriminant, 0))) / a, discriminant > 0, 10 + n)
    for n, (low, high) in enumerate(BOXES if boxes else ()):
        inverse = 1.0 / np.where(np.abs(rays) < 1e-12, 1e-12, rays)
        enter, leave = (np.array(low) - eye) * inverse, (np.array(high) - eye) * inverse
        near, far = np.minimum(enter, leave).max(-1), np.maximum(enter, leave).min(-1)
        hit(near, near < far, 20 + n)
    points = eye + depth[..., None] * rays
    shade = 0.5 + 0.5 * np.sin(9.0 * points + labels[..., None] * np.array([1.0, 2.0, 3.0]))
    image = (40 + 200 * shade).astype(np.uint8)
    return TrueView(name, K, cam_to_world, depth, labels, image)


@dataclass(frozen=True)
class Corruption:
    """What a pointmap network does wrong, measured in shares of the depth unless said.

    ``iid`` and ``smooth`` depth noise, ``turn`` (degrees) and ``shift`` of the second camera's points,
    ``focal`` anisotropy, ``scale`` spread (log) of the edges, ``outliers`` share of pixels that are anywhere,
    told by a low confidence if ``outliers_told``, ``smear`` of depth steps, ``wrong_edges`` number of edges
    whose second view is grossly misplaced. Each map of each edge by itself: ``ragged`` pixels that depth
    steps wander, smeared by a width of its own, and ``bend``, the exponent's spread by which far and near
    are off against each other.
    """

    iid: float = 0.003
    smooth: float = 0.006
    turn: float = 0.5
    shift: float = 0.006
    focal: float = 0.01
    scale: float = 0.3
    outliers: float = 0.0
    outliers_told: bool = True
    smear: bool = False
    wrong_edges: int = 0
    ragged: float = 0.0
    bend: float = 0.0


NOTHING = Corruption(iid=0, smooth=0, turn=0, shift=0, focal=0)


def all_pairs(count: int) -> list[tuple[int, int]]:
    """Every ordered pair."""
    return [(i, j) for i in range(count) for j in range(count) if i != j]


def pair_graph(
    views: Sequence[TrueView],
    pairs: Sequence[tuple[int, int]] | None = None,
    corruption: Corruption = NOTHING,
    *,
    hints: bool = False,
    seed: int = 0,
) -> PairGraph:
    """A pair graph as a network gives it: each edge its own errors, scale and confidence (all > 1)."""
    rng = np.random.default_rng(seed + 7)
    pairs = all_pairs(len(views)) if pairs is None else list(pairs)
    wrong = set(rng.choice(len(pairs), corruption.wrong_edges, replace=False).tolist())
    depths = [_smeared(view.depth) if corruption.smear else view.depth for view in views]
    edges = []
    for e, (i, j) in enumerate(pairs):
        squeeze = np.array([*np.repeat(1 + corruption.focal * rng.normal(), 2), 1.0])
        scale = np.exp(corruption.scale * rng.normal())
        slots = []
        for v in (i, j):
            first = v == i
            depth = _off_by_itself(depths[v], corruption, rng)
            points, confidence = _seen(views, depth, i, v, corruption, rng)
            if not first:
                points = _misplaced(points, corruption, rng)
                if e in wrong:
                    points = _grossly_misplaced(points, float(np.median(views[i].depth)))
                    confidence = 1 + 0.35 * (confidence - 1)
            if corruption.smear or corruption.ragged > 0:
                confidence = np.where(step_band(views[v].depth), 1 + 0.5 * (confidence - 1), confidence)
            points = points * squeeze
            if corruption.outliers > 0:
                confidence = _add_outliers(points, confidence, corruption, rng)
            slots.append(((scale * points).astype(np.float32), confidence.astype(np.float32)))
        edges.append(Edge(i, j, slots[0][0], slots[1][0], slots[0][1], slots[1][1]))
    return PairGraph(tuple(pair_view(view, hints) for view in views), tuple(edges))


def depth_graph(
    views: Sequence[TrueView],
    depths: Sequence[NDArray[np.floating]],
    confidence: Sequence[NDArray[np.float32]],
    pairs: Sequence[tuple[int, int]],
    *,
    hints: bool = True,
) -> PairGraph:
    """A pair graph as a stereo engine gives it: one depth map per view, the same in all edges, true poses."""
    own = [
        transform(view.cam_to_world, unproject(depth, view.K))
        for view, depth in zip(views, depths, strict=True)
    ]
    edges = []
    for i, j in pairs:
        world_to_i = invert_rigid(views[i].cam_to_world)
        points_i, points_j = (transform(world_to_i, own[v]).astype(np.float32) for v in (i, j))
        edges.append(Edge(i, j, points_i, points_j, confidence[i], confidence[j]))
    return PairGraph(tuple(pair_view(view, hints) for view in views), tuple(edges))


def pair_view(view: TrueView, hints: bool) -> PairView:
    """The view as a pair graph holds it."""
    photo = Photo(view.name, Path(f"/photos/{view.name}.jpg"), view.size)
    warp = PhotoWarp(view.K, view.K)
    if hints:
        return PairView(photo, view.image, warp, view.K, view.cam_to_world)
    return PairView(photo, view.image, warp)


def with_edges(graph: PairGraph, edges: Sequence[Edge]) -> PairGraph:
    """The graph with other edges."""
    return replace(graph, edges=tuple(edges))


def with_spoilt(graph: PairGraph, spoil: Callable[[NDArray[np.float32]], None]) -> PairGraph:
    """The graph with every second pointmap changed: ``spoil`` gets a copy of it, (H, W, 3)."""
    edges = []
    for edge in graph.edges:
        points = edge.points_j.copy()
        spoil(points)
        edges.append(replace(edge, points_j=points))
    return with_edges(graph, edges)


def step_band(depth: Array, radius: int = 3, threshold: float = 0.06) -> NDArray[np.bool_]:
    """Pixels within ``radius`` of a depth step (not of a slope)."""
    kernel = np.ones((3, 3), np.uint8)
    high, low = cv2.dilate(depth, kernel), cv2.erode(depth, kernel)
    bend = np.maximum(*(np.abs(np.gradient(np.gradient(depth, axis=a), axis=a)) for a in (0, 1)))
    step = ((high - low) / low > threshold) & (bend / depth > threshold / 4)
    return cv2.dilate(step.astype(np.uint8), kernel, iterations=radius) > 0


def smooth_noise(rng: np.random.Generator, width: int, height: int, cell: int = 32) -> Array:
    """Noise (H, W) of unit spread that changes over ``cell`` pixels."""
    coarse = rng.normal(size=(height // cell + 4, width // cell + 4))
    big = cv2.resize(coarse, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)[:height, :width]
    return big / big.std()


def _seen(
    views: Sequence[TrueView],
    depth: Array,
    i: int,
    v: int,
    corruption: Corruption,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Noisy points of view v in the frame of camera i, and their confidence."""
    view, width, height = views[v], *views[v].size
    noise = corruption.iid * rng.normal(size=(height, width))
    noise += corruption.smooth * smooth_noise(rng, width, height)
    points_world = transform(view.cam_to_world, unproject(depth * (1 + noise), view.K))
    confidence = 1 + 8 * np.exp(0.4 * smooth_noise(rng, width, height))
    if v != i:
        confidence = np.where(visible(view.points_world, views[i]), confidence, 1 + 0.35 * (confidence - 1))
    return transform(invert_rigid(views[i].cam_to_world), points_world), confidence


def visible(points_world: Array, view: TrueView) -> NDArray[np.bool_]:
    """Which points (..., 3) the view sees."""
    pixels, depth = project(points_world, view.K, view.cam_to_world)
    width, height = view.size
    inside = (depth > 0) & (np.nan_to_num(pixels, nan=-1.0) >= 0).all(-1)
    inside &= (np.nan_to_num(pixels, nan=-1.0) < [width, height]).all(-1)
    column, row = (np.where(inside[..., None], pixels, 0).astype(int)).transpose(2, 0, 1)
    return inside & (np.abs(view.depth[row, column] - depth) < 0.05 * depth)


def _misplaced(points: Array, corruption: Corruption, rng: np.random.Generator) -> Array:
    middle = points.reshape(-1, 3).mean(axis=0)
    turn = rotation_exp(np.deg2rad(corruption.turn) * rng.normal(size=3) / np.sqrt(3))
    shift = corruption.shift * np.median(points[..., 2]) * rng.normal(size=3) / np.sqrt(3)
    return (points - middle) @ turn.T + middle + shift


def _grossly_misplaced(points: Array, depth: float) -> Array:
    middle = points.reshape(-1, 3).mean(axis=0)
    return (
        (points - middle) @ rotation_exp(np.array([0, 0.6, 0])).T + middle + np.array([0.5, 0, 0.2]) * depth
    )


def _add_outliers(
    points: Array, confidence: Array, corruption: Corruption, rng: np.random.Generator
) -> Array:
    """Move some points anywhere, in place; returns the confidence."""
    lost = rng.random(confidence.shape) < corruption.outliers
    count = int(lost.sum())
    depth = float(np.median(points[..., 2]))
    points[lost] = points[lost] * np.exp(0.7 * rng.normal(size=(count, 1))) + 0.3 * depth * rng.normal(
        size=(count, 3)
    )
    if not corruption.outliers_told:
        return confidence
    return np.where(lost, 1 + 0.5 * rng.random(confidence.shape), confidence)


def _off_by_itself(depth: Array, corruption: Corruption, rng: np.random.Generator) -> Array:
    """The depth map as one edge has it, with ``ragged`` steps and ``bend``."""
    if corruption.ragged > 0:
        height, width = depth.shape
        row, column = np.mgrid[:height, :width]
        across, down = (corruption.ragged * smooth_noise(rng, width, height, cell=12) for _ in range(2))
        moved = cv2.remap(
            depth.astype(np.float32),
            (column + across).astype(np.float32),
            (row + down).astype(np.float32),
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_REPLICATE,
        )
        blurred = cv2.GaussianBlur(moved.astype(np.float64), (0, 0), rng.uniform(0.3, 2.5))
        depth = np.where(step_band(depth), blurred, depth)
    if corruption.bend > 0:
        depth = depth * (depth / np.median(depth)) ** (corruption.bend * rng.normal())
    return depth


def _smeared(depth: Array) -> Array:
    return np.where(step_band(depth), cv2.GaussianBlur(depth, (0, 0), 1.6), depth)


@dataclass(frozen=True)
class Errors:
    """How far an alignment is from the truth after the best similarity. Lengths in % of the median depth."""

    centre: float
    rotation_degrees: float
    focal: float
    points_median: float
    points_mean: float


def errors(alignment: Alignment, views: Sequence[TrueView]) -> Errors:
    """Compare with the truth of the views kept."""
    kept = [views[v] for v in alignment.views]
    depth = float(np.median(np.concatenate([view.depth.ravel() for view in kept])))
    true_centres = np.stack([view.cam_to_world[:3, 3] for view in kept])
    centres = alignment.cam_to_world[:, :3, 3]
    by_centres = fit_sim3(centres, true_centres)
    known = [confidence > 0 for confidence in alignment.confidence]
    points = np.concatenate([pointmap(alignment, v)[mask] for v, mask in enumerate(known)])
    truth = np.concatenate([view.points_world[mask] for view, mask in zip(kept, known, strict=True)])
    by_points, _ = fit_sim3_robust(points[::7], truth[::7])
    off = np.linalg.norm(by_points.apply(points) - truth, axis=-1)
    turned = by_points.apply_to_pose(alignment.cam_to_world)[:, :3, :3]
    true_rotations = np.stack([view.cam_to_world[:3, :3] for view in kept])
    focals = np.array([view.K[0, 0] for view in kept])
    return Errors(
        centre=100 * rms(by_centres.apply(centres) - true_centres) / depth,
        rotation_degrees=float(np.rad2deg(rotation_angle(np.swapaxes(true_rotations, 1, 2) @ turned)).mean()),
        focal=float(100 * np.abs(alignment.K[:, 0, 0] / focals - 1).mean()),
        points_median=float(100 * np.median(off) / depth),
        points_mean=float(100 * off.mean() / depth),
    )


def rms(vectors: Array) -> float:
    """Root mean square length of vectors (n, 3)."""
    return float(np.sqrt((vectors**2).sum(-1).mean()))
