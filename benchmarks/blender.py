# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on costs inside Blender: importing points, cutting out an object, correcting it, merging back.

    python -m benchmarks.blender [--import-points 2000000] [--split-points 1000000] [--repeats 7]

Each figure stands beside Blender's own way to the same end, measured in turns in one run: bare calls of
``foreach_set`` with the same attributes for the import, "Separate Selection" on the same mesh for the split.
Medians over the repeats, by the clock and of the processors' time, which a busy machine does not change;
"block" is the longest stretch that Blender's main thread is held without a break. Evaluating the display is
part of Blender's redraw and stands beside the rest, as does what an undo step costs after it.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wildseg3d_blender import addon
from wildseg3d_blender.addon.scene import groups, importing, lookup, splitting
from wildseg3d_blender.addon.scene.steps import Aside, Steps
from wildseg3d_blender.conventions import camera_rays, pixel_centres, transform
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import Scene, View, read_scene, write_scene
from wildseg3d_blender.scene.objects import SceneObject, remove_object, write_object

VIEWS = 10
SHARE = 0.2
"""Of the points that belong to the object."""

SEPARATED = "Edit Mode, mesh.separate, Object Mode"

KINDS = {
    "FLOAT": ("value", 1, np.float32),
    "INT": ("value", 1, np.int32),
    "FLOAT_VECTOR": ("vector", 3, np.float32),
    "BYTE_COLOR": ("color_srgb", 4, np.float32),
}

Arrays = dict[str, tuple[str, NDArray[Any]]]
Times = tuple[float, float]
"""Seconds by the clock, and of the processors' time."""

Figures = dict[str, Times]
"""What was measured -> how long it took."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its tables; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--import-points", type=int, default=2_000_000)
    parser.add_argument("--split-points", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args(arguments)
    addon.register()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            scene = write_plain_scene(Path(scratch) / "import", options.import_points)
            importing_runs = [measure_import(scene) for _ in range(options.repeats)]
            scene = write_plain_scene(Path(scratch) / "split", options.split_points)
            split_runs = [measure_split(scene) for _ in range(options.repeats)]
    finally:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        addon.unregister()
    found = {"import": medians(importing_runs), "split": medians(split_runs)}
    report(found, options)
    return 0


def write_plain_scene(folder: Path, count: int) -> Scene:
    """A scene folder with about ``count`` points in ``VIEWS`` views of a wavy wall, every pixel measured."""
    height = round((count / VIEWS / 1.5) ** 0.5)
    width = round(count / VIEWS / height)
    K = np.array([[1.2 * width, 0, width / 2], [0, 1.2 * width, height / 2], [0, 0, 1.0]])
    random = np.random.default_rng(0)
    views, pointmaps, confidence, colours, images = [], {}, {}, {}, {}
    for index in range(VIEWS):
        cam_to_world = np.eye(4)
        cam_to_world[0, 3] = 0.3 * index
        name = f"view_{index:02d}"
        warp = PhotoWarp(K, K)
        views.append(
            View(name, folder / f"{name}.jpg", (width, height), (width, height), K, cam_to_world, warp)
        )
        depth = 4.0 + 0.3 * np.sin(np.arange(width) / 40.0) + 0.2 * np.cos(np.arange(height) / 30.0)[:, None]
        rays = camera_rays(K, pixel_centres(width, height))
        pointmaps[name] = transform(cam_to_world, rays * depth[..., None]).astype(np.float32)
        confidence[name] = random.uniform(0.1, 4.0, (height, width)).astype(np.float32)
        colours[name] = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(colours[name]).save(file, "JPEG")
        images[name] = file.getvalue()
    scene = Scene(folder, tuple(views), "stereo")
    write_scene(scene, pointmaps=pointmaps, confidence=confidence, colours=colours, images=images)
    return read_scene(folder)


def measure_import(scene: Scene) -> Figures:
    """The scene folder imported, and the bare calls for the same mesh."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    whole, block, name = timed_steps(importing.importing(bpy.context.scene.name, scene.folder))
    display = timed(bpy.context.view_layer.update)
    undo = timed(lambda: bpy.ops.ed.undo_push(message="Import"))
    arrays = read_arrays(lookup.points(bpy.data.objects[name]).data)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    raw = timed(lambda: write_arrays(arrays))
    ours = {"whole": whole, "block": block, "undo step": undo, "Blender evaluates the display": display}
    return ours | {"raw foreach_set": raw}


def measure_split(scene: Scene) -> Figures:
    """An object cut out, corrected and merged back; and Blender's own separation of the same points."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    root_name = importing.import_scene(bpy.context.scene, scene.folder).name
    arrays = read_arrays(lookup.points(bpy.data.objects[root_name]).data)
    figures: Figures = {}

    def split(kind: str, share: float) -> None:
        write_claim(scene, share)
        work = splitting.settling(scene, root_name, ["Thing"])
        figures[kind], figures[f"{kind}, block"], _ = timed_steps(work)

    groups.add(bpy.data.objects[root_name], "Thing")
    split("split", SHARE)
    figures["Blender evaluates the display"] = timed(bpy.context.view_layer.update)
    figures["undo step"] = timed(lambda: bpy.ops.ed.undo_push(message="Split"))
    split("corrected", 0.95 * SHARE)
    figures["merged back"] = timed(lambda: splitting.merge_back(bpy.data.objects[root_name], "Thing"))
    remove_object(scene, "Thing")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return figures | separate(arrays, wanted(scene, SHARE))


def separate(arrays: Arrays, chosen: NDArray[np.bool_]) -> Figures:
    """Blender's own way: select the points, enter Edit Mode, separate, leave it."""
    mesh = write_arrays(arrays)
    item = bpy.data.objects.new("points", mesh)
    bpy.context.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    item.select_set(True)
    mesh.vertices.foreach_set("select", chosen)
    bpy.context.view_layer.update()
    enter = timed(lambda: bpy.ops.object.mode_set(mode="EDIT"))
    alone = timed(lambda: bpy.ops.mesh.separate(type="SELECTED"))
    leave = timed(lambda: bpy.ops.object.mode_set(mode="OBJECT"))
    counts = sorted(len(other.data.vertices) for other in bpy.data.objects)
    assert counts == sorted([int(chosen.sum()), int((~chosen).sum())]), counts
    whole = _times(np.sum([enter, alone, leave], axis=0))
    return {"mesh.separate alone": alone, SEPARATED: whole}


def wanted(scene: Scene, share: float) -> NDArray[np.bool_]:
    """The points of the object, (N,): the upper ``share`` of every view."""
    return np.concatenate([mask.ravel() for mask in masks_of(scene, share).values()])


def masks_of(scene: Scene, share: float) -> dict[str, NDArray[np.bool_]]:
    """View name -> (H, W): its upper ``share``."""
    found = {}
    for view in scene.views:
        mask = np.zeros(view.size[::-1], np.bool_)
        mask[: round(share * view.size[1])] = True
        found[view.name] = mask
    return found


def write_claim(scene: Scene, share: float) -> None:
    """What the worker leaves in the scene folder before it answers."""
    masks = masks_of(scene, share)
    click = Click(scene.views[0].name, 1.0, 1.0)
    write_object(scene, SceneObject("Thing", one_group([click]), masks, masks))


def read_arrays(mesh: bpy.types.Mesh) -> Arrays:
    """Every attribute of the points, ready to be written again."""
    found: Arrays = {}
    for attribute in mesh.attributes:
        if attribute.data_type in KINDS and attribute.name[0] != ".":
            member, width, dtype = KINDS[attribute.data_type]
            values = np.empty(len(mesh.vertices) * width, dtype)
            attribute.data.foreach_get(member, values)
            found[attribute.name] = (attribute.data_type, values)
    return found


def write_arrays(arrays: Arrays) -> bpy.types.Mesh:
    """The bare calls: a new mesh, its vertices, its attributes, one ``foreach_set`` each."""
    mesh = bpy.data.meshes.new("raw")
    mesh.vertices.add(len(arrays["position"][1]) // 3)
    for name, (kind, values) in arrays.items():
        attribute = mesh.attributes.get(name) or mesh.attributes.new(name, kind, "POINT")
        attribute.data.foreach_set(KINDS[kind][0], values)
    return mesh


def now() -> NDArray[np.float64]:
    """The clock and the processors' time, seconds."""
    return np.array([time.perf_counter(), time.process_time()])


def timed(work: Callable[[], Any]) -> Times:
    """How long ``work`` takes."""
    started = now()
    work()
    return _times(now() - started)


def timed_steps(work: Steps[Any]) -> tuple[Times, Times, Any]:
    """How long the work takes in all, its longest step on the main thread, and its result."""
    started = before = now()
    longest, answer = np.zeros(2), None
    try:
        while True:
            step = work.send(answer)
            longest = np.maximum(longest, now() - before)
            answer = step.compute() if isinstance(step, Aside) else None
            before = now()
    except StopIteration as stop:
        ended = now()
        return _times(ended - started), _times(np.maximum(longest, ended - before)), stop.value


def medians(runs: Sequence[Figures]) -> Figures:
    """The median of each figure."""
    return {name: _times(np.median([run[name] for run in runs], axis=0)) for name in runs[0]}


def report(found: dict[str, Figures], options: argparse.Namespace) -> None:
    """Print the tables."""
    counts = {"import": options.import_points, "split": options.split_points}
    for part, figures in found.items():
        print(f"\n{f'{part}, {counts[part]:,} points':42}{'clock':>9}{'processors':>14}")
        for name, (clock, processors) in figures.items():
            print(f"  {name:40}{1000 * clock:6.0f} ms{1000 * processors:11.0f} ms")
    print()
    for part, ours, theirs in (
        ("import", "whole", "raw foreach_set"),
        ("split", "mesh.separate alone", "split"),
        ("split", SEPARATED, "split"),
    ):
        clock, processors = np.divide(found[part][ours], found[part][theirs])
        print(f"{f'{ours} / {theirs}':50}{clock:6.2f}{processors:9.2f}")
    print(json.dumps(found))


def _times(seconds: NDArray[np.float64]) -> Times:
    clock, processors = seconds.tolist()
    return clock, processors


if __name__ == "__main__":
    raise SystemExit(main())
