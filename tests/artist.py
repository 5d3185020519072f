# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who uses the add-on's buttons, and what is seen of that in Blender and in the scene folder."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.blender_reading import read_attribute
from tests.scenes.listed import Made, middle_click
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import read_objects
from wildseg3d_blender.scene.ownership import owned_points


class Artist:
    """Does what the panel's buttons do, each with the undo step that Blender's event loop would push."""

    def __init__(self, bpy: Any, made: Made) -> None:
        self.bpy = bpy
        self.scene, self.truths = made

    @property
    def root(self) -> Any:
        from wildseg3d_blender.addon.scene import lookup

        return lookup.require_root(self.bpy.context.scene)

    def click(self, name: str, thing: int, view: str = "v2") -> None:
        click = middle_click(self.truths, thing, view)
        placed = self.scene.view(view)
        x, y = placed.warp.to_photo(np.array([click.x, click.y]))
        self.bpy.ops.wildseg3d.prompt_add(view=view, x=float(x), y=float(y), object=name)
        self._push("click")

    def do(self, operator: str, /, **arguments: Any) -> None:
        assert getattr(self.bpy.ops.wildseg3d, operator)(**arguments) == {"FINISHED"}
        self._push(operator)

    def rename(self, old: str, new: str) -> None:
        from wildseg3d_blender.addon.scene import groups

        groups.require(self.root, old).name = new
        self._push("rename")

    def undo(self) -> None:
        assert self.bpy.ops.ed.undo() == {"FINISHED"}

    def redo(self) -> None:
        assert self.bpy.ops.ed.redo() == {"FINISHED"}

    def _push(self, message: str) -> None:
        self.bpy.ops.ed.undo_push(message=message)

    def shown(self) -> dict[str, set[tuple[int, int]]]:
        """Every mesh of points by the object's name in the list (the rest: ""), as (view, pixel)."""
        from wildseg3d_blender.addon.scene import groups, lookup

        items = {item.name: groups.mesh_object(item) for item in self.root.wildseg3d.groups}
        meshes = {name: mesh for name, mesh in items.items() if mesh is not None}
        return {name: _pixels(mesh) for name, mesh in {**meshes, "": lookup.points(self.root)}.items()}

    def stored(self) -> dict[str, set[tuple[int, int]]]:
        """The points that the scene folder says each object owns, as (view, pixel)."""
        return {name: _owned(self.scene, points) for name, points in owned_points(self.scene).items()}

    def state(self) -> dict[str, Any]:
        """What an artist sees, and what the scene folder says."""
        listed = [
            (item.name, item.shared, item.applied, tuple(item.colour)) for item in self.root.wildseg3d.groups
        ]
        kept = {item.name: (item.groups, item.order, item.shared) for item in read_objects(self.scene)}
        return {"listed": listed, "shown": self.shown(), "kept": kept, "owned": self.stored()}

    def assert_in_step(self) -> None:
        """The scene folder has the objects that Blender shows, with the points that they have there."""
        shown = self.shown()
        shown.pop("")
        assert self.stored() == shown


def _pixels(item: Any) -> set[tuple[int, int]]:
    view = read_attribute(item.data, "view", "value", 1, np.int32)
    pixel = read_attribute(item.data, "pixel", "value", 1, np.int32)
    return set(zip(view.tolist(), pixel.tolist(), strict=True))


def _owned(scene: Scene, points: dict[str, np.ndarray]) -> set[tuple[int, int]]:
    return {
        (index, int(pixel))
        for index, view in enumerate(scene.views)
        for pixel in np.flatnonzero((points[view.name] & (scene.confidence(view) > 0)).ravel())
    }
