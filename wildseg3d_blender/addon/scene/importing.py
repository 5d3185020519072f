# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder -> a collection with a root Empty, the photos' cameras and the coloured points."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ...ownership import owned_by
from ...scene_folder import Scene, read_scene
from ...scene_objects import SceneObject, read_objects
from . import cameras, display, groups, location, parts, prompting, reading, realigning, splitting
from . import points as point_arrays


def import_scene(blender_scene: bpy.types.Scene, folder: Path | str, name: str = "") -> bpy.types.Object:
    """Bring a scene folder into a Blender scene; returns the root Empty.

    Objects that were cut out before come as objects again, with their prompts. Everything goes into a new
    collection and hangs under the root; the scene's camera becomes the first view's.

    Args:
        name: for the collection and the root; the scene folder's own name when empty.

    Raises:
        SceneError: the folder is missing, damaged, or from a newer version. Nothing is imported then.
    """
    scene = read_scene(folder)
    images = {view.name: cameras.load_image(scene, view) for view in scene.views}
    gathered = point_arrays.gather(scene)
    cut_out = sorted(read_objects(scene), key=lambda item: item.name)

    name = name or scene.folder.name
    collection = bpy.data.collections.new(name)
    blender_scene.collection.children.link(collection)
    extent = _extent(gathered)
    root = _make_root(scene, name, gathered)
    root.empty_display_size = 0.25 * extent
    collection.objects.link(root)
    for view in scene.views:
        camera = cameras.make(scene, view, images[view.name])
        camera.data.display_size = 0.08 * extent
        camera.parent = root
        collection.objects.link(camera)
        if view is scene.views[0]:
            blender_scene.camera = camera
            cameras.fit_frame(blender_scene, view, tuple(images[view.name].size))

    mesh = point_arrays.to_mesh(gathered, f"{name} points")
    rest = bpy.data.objects.new(mesh.name, mesh)
    rest.wildseg3d.role = "POINTS"
    rest.parent = root
    collection.objects.link(rest)
    display.add_modifier(rest)

    blender_scene.wildseg3d.root = root
    for item in cut_out:
        _list(scene, root, item)
    owned = owned_by(cut_out)
    made = [name for name, points in owned.items() if any(mask.any() for mask in points.values())]
    splitting.settle(scene, root, made)
    root.wildseg3d.active_group = 0
    display.apply_settings(root)
    return root


def _list(scene: Scene, root: bpy.types.Object, item: SceneObject) -> None:
    """An object of the scene folder in the list, with its prompts."""
    listed = groups.add(root, item.name)
    listed.shared = item.shared.upper()
    for number, group in enumerate(item.groups):
        part = parts.find(listed, parts.WHOLE) if number == 0 else parts.add(listed, subtract=group.subtract)
        part.size = group.size
        for prompt in group.prompts:
            prompting.place(scene, root, prompt, listed.name, part.number)
    listed.active_part = 0
    listed.applied = reading.digest(item.groups)
    listed.version = item.version


def _make_root(scene: Scene, name: str, points: point_arrays.Points) -> bpy.types.Object:
    root = bpy.data.objects.new(name, None)
    root.empty_display_type = "ARROWS"
    settings = root.wildseg3d
    settings.role = "ROOT"
    settings.folder = location.remembered(scene.folder, bpy.data.filepath)
    settings.aligned_for = realigning.names_of(scene)
    settings.confidence_levels = display.confidence_levels(points.confidence)
    if (count := len(points.position)) > display.POINT_BUDGET:
        settings.share = 100.0 * display.POINT_BUDGET / count
    for view in scene.views:
        item = settings.photos.add()
        item.name, item.placed, item.path = view.name, True, str(view.photo)
    for skipped in scene.skipped:
        item = settings.photos.add()
        item.name, item.reason, item.advice = skipped.photo.name, skipped.reason, skipped.advice
        item.path = str(skipped.photo)
    return root


def _extent(points: point_arrays.Points) -> float:
    """Half the diagonal of the box that holds the middle nine tenths of the points along each axis."""
    if not len(points.position):
        return 1.0
    low, high = np.quantile(points.position[:: max(1, len(points.position) // 50000)], [0.05, 0.95], axis=0)
    return float(np.linalg.norm(high - low) / 2) or 1.0
