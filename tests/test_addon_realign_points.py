# SPDX-License-Identifier: GPL-3.0-or-later
"""Points of a scene that was aligned again: measured anew or no more, deleted by hand, another object's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.realigned import assert_shows, children, meshes, pixels_of, position_in_root, refresh, shift
from tests.scenes.awkward import FLOOR, WALL, surface, write_awkward_scene
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import Scene, read_scene
from wildseg3d_blender.scene.objects import SceneObject, write_object


@pytest.fixture
def awkward(blender: Any, tmp_path: Path) -> tuple[Scene, Any]:
    """A scene with pixels without a measurement, in the lower left corner of every view too."""
    from wildseg3d_blender.addon.scene import importing

    scene = write_awkward_scene(tmp_path / "awkward")
    points = {view.name: surface(view, FLOOR) & (scene.confidence(view) > 0) for view in scene.views}
    masks = {view.name: surface(view, FLOOR) for view in scene.views}
    write_object(scene, SceneObject("Floor", one_group([Click("wide", 60.0, 60.0)]), masks, points))
    return scene, importing.import_scene(blender.context.scene, scene.folder)


def test_points_come_and_go_with_their_measurement(blender: Any, awkward: tuple[Scene, Any]) -> None:
    from wildseg3d_blender.addon.scene import realigning

    scene, root = awkward
    before = realigning.measured(scene)
    count = sum(len(item.data.vertices) for item in meshes(root).values())
    shift(scene, lost=3, gained=5)
    refresh(root, scene, before)
    assert_shows(read_scene(scene.folder), root)
    assert sum(len(item.data.vertices) for item in meshes(root).values()) == count + 3 * (5 - 3)


def test_deleted_points_stay_deleted_and_new_ones_stay(blender: Any, awkward: tuple[Scene, Any]) -> None:
    import bmesh

    from wildseg3d_blender.addon.scene import realigning

    scene, root = awkward
    (rest,) = children(root, "POINTS")
    shape = bmesh.new()
    shape.from_mesh(rest.data)
    shape.verts.ensure_lookup_table()
    bmesh.ops.delete(shape, geom=shape.verts[:100], context="VERTS")
    foreign = shape.verts.new((9.0, 9.0, 9.0))
    foreign[shape.verts.layers.int["view"]] = -1
    shape.to_mesh(rest.data)
    shape.free()
    left = sorted(zip(*pixels_of(rest), strict=True))
    before = realigning.measured(scene)
    shift(scene)
    refresh(root, scene, before)
    assert sorted(zip(*pixels_of(rest), strict=True)) == left
    view = pixels_of(rest)[0]
    np.testing.assert_allclose(position_in_root(rest)[view == -1], [[9.0, 9.0, 9.0]])


def test_objects_changed_in_blender_since_keep_their_points(blender: Any, awkward: tuple[Scene, Any]) -> None:
    """The scene folder's object is not the one that Blender shows: it was segmented, then undone."""
    from wildseg3d_blender.addon.scene import realigning

    scene, root = awkward
    floor = blender.data.objects["Floor"]
    mine = sorted(zip(*pixels_of(floor), strict=True))
    other = {view.name: surface(view, WALL) for view in scene.views}
    write_object(scene, SceneObject("Floor", one_group([Click("tall", 3.0, 4.0)]), other, other))
    before = realigning.measured(scene)
    shift(scene)
    refresh(root, scene, before)
    assert sorted(zip(*pixels_of(floor), strict=True)) == mine
