# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangles between the pixels of photos: cut at steps and slants, holes closed, the best photo chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.steps_taken import whole
from wildseg3d_blender.conventions import camera_rays, pixel_centres, transform
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.scene.folder import View

view_surfaces = pytest.importorskip(
    "wildseg3d_blender.addon.scene.view_surfaces", reason="needs Blender's module"
)


def _view(name: str = "front", pose: np.ndarray | None = None, size: tuple[int, int] = (60, 40)) -> View:
    K = np.array([[50.0, 0, size[0] / 2], [0, 50.0, size[1] / 2], [0, 0, 1]])
    return View(
        name, Path(f"{name}.jpg"), size, size, K, np.eye(4) if pose is None else pose, PhotoWarp(K, K, 0.0)
    )


def _sheet(view: View, depth: np.ndarray, here: np.ndarray | None = None) -> Any:
    """A sheet whose points lie at ``depth`` (H, W), seen head-on."""
    points = transform(view.cam_to_world, camera_rays(view.K, pixel_centres(*view.size)) * depth[..., None])
    normals = np.broadcast_to(-view.cam_to_world[:3, 2], points.shape)
    here = np.ones(depth.shape, bool) if here is None else here
    return view_surfaces.Sheet(
        view, points.astype(np.float32), normals.astype(np.float32), here, np.zeros_like(here)
    )


def _triangles(sheets: list[Any], steepest: float = view_surfaces.STEEPEST) -> list[Any]:
    return whole(view_surfaces.triangulating(sheets, step=1, hole=0, steepest=steepest))


def _corner_depths(found: Any, view: View) -> np.ndarray:
    centre, axis = view.cam_to_world[:3, 3], view.cam_to_world[:3, 2]
    return ((found.points_world - centre) @ axis)[found.corners]


@pytest.mark.parametrize("unit", [0.001, 1.0, 1000.0])
def test_no_triangle_crosses_a_step_in_any_unit(unit: float) -> None:
    view = _view()
    depth = np.full((40, 60), 2.0)
    depth[:, 30:] = 2.4  # ten pixels' spacing
    (found,) = _triangles([_sheet(view, depth * unit)])
    corners = _corner_depths(found, view)
    assert np.ptp(corners, axis=1).max() < 1e-5 * unit
    assert len(corners) == 2 * 39 * (29 + 29)


def test_what_a_photo_sees_too_slantwise_is_left_out_and_no_more() -> None:
    view = _view()
    rays = camera_rays(view.K, pixel_centres(*view.size))
    turned = np.deg2rad(60.0)  # the view spans 31 degrees to each side
    depth = 2.0 / (1.0 - np.tan(turned) * np.minimum(rays[..., 0], 0.55))
    normal = np.array([np.sin(turned), 0.0, -np.cos(turned)])
    sight = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    seen = np.rad2deg(np.arccos(np.abs(sight @ normal)))
    (found,) = _triangles([_sheet(view, depth)], steepest=80.0)
    column, row = (found.pixels[found.corners].mean(1) - 0.5).T.astype(int)  # the cell's first pixel
    kept = np.zeros(depth.shape, bool)
    kept[row, column] = True
    certain = rays[..., 0] < 0.55
    assert (seen[certain] > 81).any()
    assert kept[:-1, :-1][(seen < 79)[:-1, :-1]].all()
    assert not kept[certain & (seen > 81)].any()


def test_holes_are_closed_on_the_plane_up_to_their_limit() -> None:
    view = _view()
    rays = camera_rays(view.K, pixel_centres(*view.size))
    depth = 2.0 / (1.0 - 0.5 * rays[..., 0] + 0.3 * rays[..., 1])
    here = np.ones((40, 60), bool)
    here[10:14, 20:24] = False
    here[20:32, 30:50] = False
    sheet = _sheet(view, depth, here)
    small, large = (view_surfaces.fill(sheet, hole).here for hole in (4, 12))
    assert small[10:14, 20:24].all() and not small[20:32, 30:50].any()
    assert large.all()
    filled = view_surfaces.fill(sheet, 12).points_world
    assert np.allclose(filled, _sheet(view, depth).points_world, rtol=1e-5, atol=1e-5)


def test_a_hole_that_something_else_fills_or_a_step_bounds_stays_open() -> None:
    view = _view()
    depth = np.full((40, 60), 2.0)
    here = np.ones((40, 60), bool)
    here[10:14, 20:24] = False
    sheet = _sheet(view, depth, here)
    taken = ~here
    other = view_surfaces.Sheet(view, sheet.points_world, sheet.normals, here, taken)
    assert np.array_equal(view_surfaces.fill(other, 8).here, here)
    depth[:, 30:], here[:, :] = 4.0, True
    here[:, 29:31] = False  # between the step's two sides, from top to bottom
    assert np.array_equal(view_surfaces.fill(_sheet(view, depth, here), 8).here, here)


def test_the_nearer_photo_shows_what_both_see() -> None:
    far, near = _view("far"), np.eye(4)
    near[2, 3] = 1.0  # one unit ahead, at half the distance to a wall at z = 2
    close = _view("near", near)
    first, second = _triangles([_sheet(far, np.full((40, 60), 2.0)), _sheet(close, np.full((40, 60), 1.0))])
    assert len(second.corners) == 2 * 39 * 59
    middle = np.abs(first.pixels[first.corners].mean(1) - [30, 20])
    # All that the near one covers (half as wide and high) is gone, but for a seam of a pixel.
    assert not ((middle < [14, 9]).all(1)).any()
    assert len(first.corners) == pytest.approx(2 * 39 * 59 * 3 / 4, rel=0.05)
