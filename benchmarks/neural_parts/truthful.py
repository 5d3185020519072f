# SPDX-License-Identifier: GPL-3.0-or-later
"""DUSt3R at random weights whose answers are replaced by the sample's truth.

There are no pretrained weights in this repository. With random ones the network takes as long and as much
memory as ever, but nothing that comes after it has anything to work on. So the pairs run through the network,
and what it says is exchanged for what a good network would say: the photos' rendered depth in the first
camera's frame, with errors and a scale of each pair's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samples.truth import SampleTruth
from wildseg3d_blender.conventions import camera_rays, invert_rigid, pixel_centres, transform
from wildseg3d_blender.pipeline.engines.dust3r import Dust3rEngine
from wildseg3d_blender.pipeline.pair_graph import Edge, PairView
from wildseg3d_blender.progress import Progress

if TYPE_CHECKING:
    from wildseg3d_blender.pipeline.engines.dust3r.network import Dust3rNetwork

NOISE = 0.01
"""Spread of a pair's errors of depth, as a share: of each map, and of each pixel."""

CONFIDENCE = 10.0
"""A good pixel's, as DUSt3R gives it."""

Pair = tuple[int, int]


class TruthfulEngine(Dust3rEngine):
    """The engine, on photos of a sample."""

    truth: SampleTruth

    def _edges(
        self,
        network: Dust3rNetwork,
        views: Sequence[PairView],
        pairs: Sequence[Pair],
        seconds: dict[str, float],
        progress: Progress,
    ) -> list[Edge]:
        said = super()._edges(network, views, pairs, seconds, progress)
        return [true_edge(self.truth, views, edge) for edge in said]


def true_edge(truth: SampleTruth, views: Sequence[PairView], edge: Edge) -> Edge:
    """The edge with true pointmaps, off by errors that are the same each time; no confidence in the sky."""
    rng = np.random.default_rng((edge.i, edge.j))
    cameras = [truth.cameras[views[v].photo.name].cam_to_world for v in (edge.i, edge.j)]
    scale = np.exp(0.3 * rng.normal())
    maps: list[NDArray[np.float32]] = []
    for v, pose in zip((edge.i, edge.j), cameras, strict=True):
        points = points_cam(truth, views[v])
        off = 1.0 + NOISE * (rng.normal() + rng.normal(size=points.shape[:2]))
        moved = transform(invert_rigid(cameras[0]) @ pose, points * off[..., None])
        maps.append((scale * moved).astype(np.float32))
    sure = [np.where(np.isfinite(one).all(-1), CONFIDENCE, 0.0).astype(np.float32) for one in maps]
    return Edge(edge.i, edge.j, np.nan_to_num(maps[0]), np.nan_to_num(maps[1]), sure[0], sure[1])


def points_cam(truth: SampleTruth, view: PairView) -> NDArray[np.float64]:
    """(H, W, 3) what the view's pixels show, in its camera's frame, metres; NaN in the sky."""
    name = view.photo.name
    depth = truth.depth(name)
    on_photo = view.warp.to_photo(pixel_centres(*view.size))
    # The photo as it was when it was read may be smaller than the one that was rendered.
    on_photo = on_photo * np.array(truth.size) / np.array(view.photo.size)
    column, row = (
        np.clip((on_photo[..., axis] * size / whole).astype(int), 0, size - 1)
        for axis, size, whole in zip((0, 1), depth.shape[::-1], truth.size, strict=True)
    )
    here = np.where(np.isfinite(depth), depth, np.nan)[row, column].astype(np.float64)
    return camera_rays(truth.cameras[name].K, on_photo) * here[..., None]
