# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder made of an analytic scene's pair graph, as reconstruct makes one of photos."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from tests.synthetic import TrueView
from wildseg3d_blender.pipeline.alignment import Alignment, align, pointmap, upright
from wildseg3d_blender.pipeline.pair_graph import PairGraph
from wildseg3d_blender.pipeline.pair_store import kept_part, write_pairs
from wildseg3d_blender.pipeline.weighting import WITH_DGA, Weighting
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import Scene, View, read_scene, write_scene
from wildseg3d_blender.scene.objects import SceneObject, write_object

FLOOR, BALL, BOX = 1, 10, 20
"""Labels of ``TrueView`` that tests make objects of."""


def write_aligned_scene(
    folder: Path, graph: PairGraph, *, weighting: Weighting = WITH_DGA, with_pairs: bool = True
) -> tuple[Scene, Alignment]:
    """Align ``graph`` and write it, upright; returns the scene and the alignment it shows."""
    placed = upright(align(graph, weights=weighting.edge_weights(), keep_largest=True))
    kept, alignment = kept_part(graph, placed)
    views = tuple(
        View(view.photo.name, view.photo.path, view.photo.size, view.size, K, pose, view.warp)
        for view, K, pose in zip(kept.views, alignment.K, alignment.cam_to_world, strict=True)
    )
    scene = Scene(folder, views, "analytic", {**weighting.to_settings(), "aligned_for": []})
    names = [view.name for view in views]
    write_scene(
        scene,
        pointmaps={name: pointmap(alignment, v) for v, name in enumerate(names)},
        confidence=dict(zip(names, alignment.confidence, strict=True)),
        colours={view.photo.name: view.image for view in kept.views},
        images={view.photo.name: _jpeg(view.image) for view in kept.views},
        pairs=(lambda pairs: write_pairs(pairs, kept, alignment)) if with_pairs else None,
    )
    return read_scene(folder), alignment


def write_true_object(scene: Scene, views: Sequence[TrueView], name: str, label: int) -> SceneObject:
    """Write the pixels that show ``label`` as an object whose points are all of its mask."""
    truth = {view.name: view for view in views}
    masks = {view.name: truth[view.name].labels == label for view in scene.views}
    points = {view.name: masks[view.name] & (scene.confidence(view) > 0) for view in scene.views}
    item = SceneObject(name, one_group([Click(scene.views[0].name, 5.0, 5.0)]), masks, points)
    write_object(scene, item)
    return item


def _jpeg(image: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
