# SPDX-License-Identifier: GPL-3.0-or-later
"""What only the renderer knows: which object every pixel shows, and how deep it is.

Both come from renders of the same scene with one ray through each pixel's centre and no lens blur.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from samples.quiet import quiet

from .camera import Lens

OVERSAMPLING = 3


def object_index(lens: Lens, labels: int, scratch: Path) -> NDArray[np.uint8]:
    """(H, W) uint8: the ``pass_index`` (0 .. ``labels``) of most of a photo pixel's 3x3 sub-pixels."""
    width, height = lens.photo_size
    fine = _on_photo(lens, "IndexOB", OVERSAMPLING, (width * OVERSAMPLING, height * OVERSAMPLING), scratch)
    sub_pixels = np.rint(fine).astype(np.uint8).reshape(height, OVERSAMPLING, width, OVERSAMPLING)
    votes = np.stack([(sub_pixels == label).sum((1, 3)) for label in range(labels + 1)])
    return votes.argmax(0).astype(np.uint8)


def depth(lens: Lens, size: tuple[int, int], scratch: Path) -> NDArray[np.float32]:
    """(H, W) float32 metres along the camera's z, at the centres of ``size`` cells over the photo."""
    return _on_photo(lens, "Depth", size[0] / lens.photo_size[0], size, scratch).astype(np.float32)


def _on_photo(
    lens: Lens, socket: str, finer: float, size: tuple[int, int], scratch: Path
) -> NDArray[np.float32]:
    """A pass at the centres of ``size`` cells over the photo, from the nearest pixel of a canvas that is
    ``finer`` times the photo's; that canvas itself where the lens distorts nothing."""
    canvas = (round(lens.canvas_size[0] * finer), round(lens.canvas_size[1] * finer))
    values = exact_passes([socket], canvas, scratch)[socket]
    if canvas == size and lens.radial == 0:
        return values
    column, row = np.moveaxis(np.floor(lens.on_canvas(*size) * finer).astype(np.int64), -1, 0)
    return values[row.clip(0, canvas[1] - 1), column.clip(0, canvas[0] - 1)]


def _plain_material() -> Any:
    """A material that costs nothing to shade: neither pass looks at colours."""
    found = bpy.data.materials.get("plain")
    if found is not None:
        return found
    made = bpy.data.materials.new("plain")
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.clear()
    emission, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(emission.outputs[0], output.inputs[0])
    made.cycles.emission_sampling = "NONE"
    return made


def exact_passes(
    sockets: Sequence[str], size: tuple[int, int], scratch: Path
) -> dict[str, NDArray[np.float32]]:
    """(H, W) of each pass, such as "Depth" and "IndexOB", of the current view with one ray through each
    pixel's centre, rows from the top. Leaves the scene's settings as they were."""
    scene = bpy.context.scene
    layer = scene.view_layers[0]
    cycles = scene.cycles
    changes: list[tuple[Any, str, Any]] = [
        (scene.render, "resolution_x", size[0]),
        (scene.render, "resolution_y", size[1]),
        (scene.camera.data.dof, "use_dof", False),
        (cycles, "samples", 1),
        (cycles, "use_adaptive_sampling", False),
        (cycles, "use_denoising", False),
        (cycles, "max_bounces", 0),
        (cycles, "pixel_filter_type", "BOX"),
        (cycles, "filter_width", 0.01),
        (layer, "material_override", _plain_material()),
        (layer, "use_pass_z", True),
        (layer, "use_pass_object_index", True),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    for owner, name, value in changes:
        setattr(owner, name, value)
    try:
        return {name: values[..., 0] for name, values in rendered(sockets, scratch).items()}
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def rendered(sockets: Sequence[str], scratch: Path) -> dict[str, NDArray[np.float32]]:
    """Render the current view as it is set up: (H, W, channels) of each pass, linear, rows from the top."""
    scene = bpy.context.scene
    used, scene.use_nodes = scene.use_nodes, True
    try:
        tree = scene.node_tree
        tree.nodes.clear()
        layers = tree.nodes.new("CompositorNodeRLayers")
        output = tree.nodes.new("CompositorNodeOutputFile")
        output.base_path = str(scratch)
        output.format.file_format, output.format.color_depth = "OPEN_EXR", "32"
        output.format.color_management = "OVERRIDE"
        output.format.linear_colorspace_settings.name = "Non-Color"
        output.file_slots.clear()
        for name in sockets:
            output.file_slots.new(f"pass_{name}_")
            tree.links.new(layers.outputs[name], output.inputs[-1])
        with quiet():
            bpy.ops.render.render()
        return {name: _read(scratch, name) for name in sockets}
    finally:
        scene.node_tree.nodes.clear()
        scene.use_nodes = used


def _read(scratch: Path, name: str) -> NDArray[np.float32]:
    """A pass that was just written to ``scratch``; its file is removed."""
    (file,) = scratch.glob(f"pass_{name}_*.exr")
    image = bpy.data.images.load(str(file))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    pixels = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    values = pixels.reshape(height, width, image.channels)[::-1].copy()
    bpy.data.images.remove(image)
    file.unlink()
    return values
