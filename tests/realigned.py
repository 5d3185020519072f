# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconstructions that are aligned again, and whether Blender shows what their scene folder has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.blender_reading import read_attribute
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.rewriting import rewriting_geometry


def meshes(root: Any) -> dict[str, Any]:
    """The meshes of points under a root, by name."""
    return {item.name: item for item in root.children if item.type == "MESH"}


def position_in_root(item: Any) -> np.ndarray:
    """Positions (N, 3) in the root's space, wherever the artist has put the object."""
    local = read_attribute(item.data, "position", "vector", 3, np.float32)
    return local + np.array(item.wildseg3d.origin, np.float32)


def pixels_of(item: Any) -> tuple[np.ndarray, np.ndarray]:
    """View and pixel of a mesh's points, (N,) each."""
    return (
        read_attribute(item.data, "view", "value", 1, np.int32),
        read_attribute(item.data, "pixel", "value", 1, np.int32),
    )


def assert_shows(scene: Scene, root: Any) -> None:
    """Every point lies where the scene folder has its pixel, and every measured pixel has one point."""
    seen = {view.name: np.zeros(view.size[0] * view.size[1], int) for view in scene.views}
    for item in meshes(root).values():
        position, (view_of, pixel_of) = position_in_root(item), pixels_of(item)
        confidence = read_attribute(item.data, "confidence", "value", 1, np.float32)
        for index, view in enumerate(scene.views):
            mine = view_of == index
            seen[view.name][pixel_of[mine]] += 1
            truth = np.asarray(scene.pointmap(view)).reshape(-1, 3)[pixel_of[mine]]
            np.testing.assert_allclose(position[mine], truth, atol=2e-6)
            np.testing.assert_array_equal(
                confidence[mine], np.asarray(scene.confidence(view)).ravel()[pixel_of[mine]]
            )
    for view in scene.views:
        np.testing.assert_array_equal(seen[view.name], (np.asarray(scene.confidence(view)) > 0).ravel())


def children(root: Any, role: str) -> list[Any]:
    """What hangs under a root in that role."""
    return [item for item in root.children_recursive if item.wildseg3d.role == role]


def shift(scene: Scene, zoom: float = 1.0, lost: int = 0, gained: int = 0) -> None:
    """New geometry as no alignment would make it: moved aside, other pixels measured, other focal lengths."""
    views = tuple(
        replace(
            view,
            K=view.K * np.array([[zoom, zoom, 1.0], [zoom, zoom, 1.0], [1.0, 1.0, 1.0]]),
            cam_to_world=view.cam_to_world + np.array([[0, 0, 0, 0.25]] * 3 + [[0, 0, 0, 0]]),
        )
        for view in scene.views
    )
    pointmaps = {view.name: np.array(scene.pointmap(view)) + np.float32(0.25) for view in views}
    confidence = {view.name: np.array(scene.confidence(view)) for view in views}
    for grid in confidence.values():
        grid[-1, -1 - lost : -1] = 0.0
        grid[-1, :gained] = 1.5
    with rewriting_geometry(replace(scene, views=views), pointmaps=pointmaps, confidence=confidence):
        pass


def refresh(root: Any, scene: Scene, before: Any = None) -> None:
    """Have Blender follow the scene folder."""
    from wildseg3d_blender.addon.scene import realigning

    realigning.refresh(root, before or realigning.measured(scene))
