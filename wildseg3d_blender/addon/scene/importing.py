# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder -> a collection with a root Empty, the photos' cameras and the coloured points."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import SceneError
from ...scene.folder import Scene, View, read_scene
from ...scene.objects import SceneObject, read_objects
from ...scene.ownership import owned_by
from ...scene.states import state_of
from . import (
    cameras,
    display,
    groups,
    location,
    lookup,
    parts,
    prompting,
    reading,
    realigning,
    splitting,
)
from . import points as point_arrays
from .steps import Aside, Pause, Steps, mesh_named, object_named, run, within


@dataclass(frozen=True)
class _Read:
    """A scene folder in memory; ``extent`` and ``levels`` describe its points."""

    scene: Scene
    points: point_arrays.Measured
    objects: list[SceneObject]
    extent: float
    levels: list[float]


def import_scene(blender_scene: bpy.types.Scene, folder: Path | str) -> bpy.types.Object:
    """Bring a scene folder into a Blender scene; returns the root Empty.

    Objects that were cut out before come as objects again, with their prompts. Everything goes into a new
    collection and hangs under the root; the scene's camera becomes the first view's.

    Raises:
        SceneError: the folder is missing, damaged, or from a newer version. Nothing is imported then.
    """
    return object_named(run(importing(blender_scene.name, folder)))


def importing(scene_name: str, folder: Path | str, name: str = "") -> Steps[str]:
    """The steps of ``import_scene`` into the Blender scene of that name; returns the root's name.

    All of it is made out of sight and comes into the scene with the last step. Closed before, it leaves
    nothing behind.

    Args:
        name: for the collection and the root; the scene folder's own name when empty.
    """
    found = yield Aside(lambda: _read(folder), "Reading the scene")
    name = name or found.scene.folder.name
    images = {image.name for image in bpy.data.images}
    collection_name = mesh_name = ""
    try:
        for view in found.scene.views:
            cameras.load_image(found.scene, view)
        building = point_arrays.building_mesh(found.points, f"{name} points")
        mesh_name = yield from within(building, 0.0, 0.6)
        yield Pause(0.6, "Placing the cameras")
        collection = bpy.data.collections.new(name)
        collection_name = collection.name
        root_name = _make_root(found, name, collection).name
        for view in found.scene.views:
            _add_camera(found, view, object_named(root_name))
            yield Pause()
        _add_points(mesh_named(mesh_name), object_named(root_name))
        for item in found.objects:
            yield Pause(0.7, "Placing the objects")
            _list(found.scene, object_named(root_name), item)
        owned = owned_by(found.objects)
        making = [name for name, points in owned.items() if any(mask.any() for mask in points.values())]
        if found.objects:
            yield from within(splitting.settling(found.scene, root_name, making), 0.7, 1.0)
        _show(scene_name, found, object_named(root_name))
    except BaseException:
        _take_back(collection_name, mesh_name, images)
        raise
    return root_name


def _read(folder: Path | str) -> _Read:
    scene = read_scene(folder)
    points = point_arrays.Measured(scene)
    objects = sorted(read_objects(scene), key=lambda item: item.name)
    levels = display.confidence_levels(points.sample("confidence")).tolist()
    return _Read(scene, points, objects, _extent(points.sample("position")), levels)


def _make_root(found: _Read, name: str, collection: bpy.types.Collection) -> bpy.types.Object:
    root = bpy.data.objects.new(name, None)
    collection.objects.link(root)
    root.empty_display_type = "ARROWS"
    root.empty_display_size = 0.25 * found.extent
    settings = root.wildseg3d
    settings.role = "ROOT"
    settings.folder = location.remembered(found.scene.folder, bpy.data.filepath)
    settings.state = state_of(found.scene.folder)
    settings.aligned_for = realigning.names_of(found.scene)
    settings.confidence_levels = found.levels
    if found.points.count > display.POINT_BUDGET:
        settings.share = 100.0 * display.POINT_BUDGET / found.points.count
    for view in found.scene.views:
        item = settings.photos.add()
        item.name, item.placed, item.path = view.name, True, str(view.photo)
    for skipped in found.scene.skipped:
        item = settings.photos.add()
        item.name, item.reason, item.advice = skipped.photo.name, skipped.reason, skipped.advice
        item.path = str(skipped.photo)
    return root


def _add_camera(found: _Read, view: View, root: bpy.types.Object) -> None:
    camera = cameras.make(view, cameras.load_image(found.scene, view))
    camera.data.display_size = 0.08 * found.extent
    camera.parent = root
    lookup.collection(root).objects.link(camera)


def _add_points(mesh: bpy.types.Mesh, root: bpy.types.Object) -> None:
    rest = bpy.data.objects.new(mesh.name, mesh)
    rest.wildseg3d.role = "POINTS"
    rest.parent = root
    lookup.collection(root).objects.link(rest)
    display.add_modifier(rest)


def _show(scene_name: str, found: _Read, root: bpy.types.Object) -> None:
    """Bring what was made into the Blender scene, and look at it from the first view's camera."""
    blender_scene = bpy.data.scenes.get(scene_name)
    if blender_scene is None:
        raise SceneError(f"The scene {scene_name} was deleted meanwhile: open the scene folder again.")
    root.wildseg3d.active_group = 0
    display.apply_settings(root)
    if found.scene.views:
        first = found.scene.views[0]
        blender_scene.camera = lookup.camera(root, first.name)
        image = cameras.image_of(blender_scene.camera)
        cameras.fit_frame(blender_scene, first, tuple(image.size) if image is not None else None)
    blender_scene.wildseg3d.root = root
    blender_scene.collection.children.link(lookup.collection(root))


def _take_back(collection_name: str, mesh_name: str, images: set[str]) -> None:
    """Remove what a broken-off import made: its collection with all in it, and new images nobody shows."""
    collection = bpy.data.collections.get(collection_name)
    for item in [] if collection is None else list(collection.objects):
        data = item.data
        bpy.data.objects.remove(item)
        if data is not None and not data.users:
            bpy.data.batch_remove([data])
    if collection is not None:
        bpy.data.collections.remove(collection)
    mesh = bpy.data.meshes.get(mesh_name)
    if mesh is not None and not mesh.users:
        bpy.data.meshes.remove(mesh)
    for image in list(bpy.data.images):
        if image.name not in images and not image.users:
            bpy.data.images.remove(image)


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


def _extent(positions: NDArray[np.float32]) -> float:
    """Half the diagonal of the box that holds the middle nine tenths of the positions along each axis."""
    if not len(positions):
        return 1.0
    low, high = np.quantile(positions, [0.05, 0.95], axis=0)
    return float(np.linalg.norm(high - low) / 2) or 1.0
