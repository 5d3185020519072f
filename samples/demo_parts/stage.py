# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's big picture: the coloured points in Cycles, the objects lifted out of the scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from samples.quiet import quiet
from wildseg3d_blender.addon.scene import display
from wildseg3d_blender.scene.folder import Scene

RAISE_CAMERA = 0.32
"""How far the picture's camera stands above the photographer's mean place, in shares of the distance."""


@dataclass(frozen=True)
class Label:
    """Where the top of an object is in the render, in its pixels."""

    name: str
    top: tuple[float, float]


def render_lifted(
    scene: Scene,
    rest: bpy.types.Object,
    objects: Mapping[str, bpy.types.Object],
    file: Path,
    size: tuple[int, int],
) -> list[Label]:
    """Lift ``objects`` out, render to ``file`` (PNG with transparent background) and say where they are.

    Changes the open Blender scene: save it before, or don't save it after.
    """
    points = {name: _world_points(item) for name, item in objects.items()}
    centres = {name: np.median(cloud, axis=0) for name, cloud in points.items()}
    heights = {name: _extent(cloud)[2] for name, cloud in points.items()}
    middle = np.mean(list(centres.values()), axis=0)
    lift = 0.5 * max(heights.values())
    moves = {}
    for name, item in objects.items():
        away = 0.42 * (centres[name] - middle)
        moves[name] = np.array([away[0], away[1], lift])
        item.matrix_world.translation += Vector(moves[name])
    _show_finely(rest.parent)
    _dim(rest)
    _aim_camera(scene, rest, middle + np.array([0.0, 0.0, 0.8 * lift]), size)
    _render(file, size)
    labels = []
    for name in objects:
        seen = _pixels(bpy.context.scene.camera, points[name] + moves[name], size)
        labels.append(Label(name, (float(np.median(seen[:, 0])), float(np.quantile(seen[:, 1], 0.004)))))
    return labels


def _world_points(item: bpy.types.Object) -> NDArray[np.float64]:
    bpy.context.view_layer.update()
    local = np.empty((len(item.data.vertices), 3), np.float32)
    item.data.attributes["position"].data.foreach_get("vector", local.ravel())
    matrix = np.array(item.matrix_world)
    return local @ matrix[:3, :3].T + matrix[:3, 3]


def _extent(cloud: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.quantile(cloud, [0.03, 0.97], axis=0)
    return np.asarray(high - low)


def _show_finely(root: bpy.types.Object) -> None:
    """All points but the least certain, smaller than on the screen: each place is seen by many photos."""
    settings = root.wildseg3d
    settings.share, settings.point_size, settings.hide_uncertain = 100.0, 0.75, 6.0


def _dim(rest: bpy.types.Object) -> None:
    """Show what remains darker and paler than the objects, so that these stand out."""
    made = bpy.data.materials.new("demo rest")
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.clear()
    colour = tree.nodes.new("ShaderNodeAttribute")
    colour.attribute_name = "colour"
    paler = tree.nodes.new("ShaderNodeHueSaturation")
    paler.inputs["Saturation"].default_value = 0.55
    paler.inputs["Value"].default_value = 0.42
    emission = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(colour.outputs["Color"], paler.inputs["Color"])
    tree.links.new(paler.outputs[0], emission.inputs["Color"])
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    display.light_nothing(made)
    rest.data.materials.clear()
    rest.data.materials.append(made)


def _aim_camera(
    scene: Scene, rest: bpy.types.Object, target: NDArray[np.float64], size: tuple[int, int]
) -> None:
    """A camera where the photographer stood on average, higher, looking at ``target``."""
    root = np.array(rest.parent.matrix_world)
    places = np.stack([view.cam_to_world[:3, 3] for view in scene.views]) @ root[:3, :3].T + root[:3, 3]
    back = places.mean(0) - target
    distance = float(np.median(np.linalg.norm(places - target, axis=1)))
    back = back / np.linalg.norm(back) + np.array([0.0, 0.0, RAISE_CAMERA])
    place = target + 1.38 * distance * back / np.linalg.norm(back)
    data = bpy.data.cameras.new("demo camera")
    view = scene.views[0]
    data.sensor_width, data.lens = 36.0, 36.0 * float(view.K[0, 0]) / max(view.size)
    data.clip_end = 1000.0 * distance
    data.clip_start = 0.001 * distance
    camera = bpy.data.objects.new("demo camera", data)
    bpy.context.collection.objects.link(camera)
    camera.location = place.tolist()
    camera.rotation_euler = Vector((target - place).tolist()).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.camera = camera
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = size
    bpy.context.view_layer.update()


def _render(file: Path, size: tuple[int, int]) -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples = "CPU", 12
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 0
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = str(file)
    with quiet():
        bpy.ops.render.render(write_still=True)


def _pixels(
    camera: bpy.types.Object, points_world: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float64]:
    """Where points (N, 3) appear in a render of that size, (N, 2) pixels from the top left."""
    to_camera = np.linalg.inv(np.array(camera.matrix_world))
    points_cam = points_world @ to_camera[:3, :3].T + to_camera[:3, 3]
    focal = camera.data.lens / camera.data.sensor_width * max(size)
    flat = points_cam[:, :2] / np.minimum(points_cam[:, 2:], -1e-9)
    return np.asarray(size) / 2 + flat * [-focal, focal]
