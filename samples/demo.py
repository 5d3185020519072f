# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: photos -> a Blender file with the objects cut out, a picture of it, and a report.

Drives the add-on's own operators in Blender's Python module, as a script of an artist would.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import bpy
from PIL import Image

from samples.demo_parts import artist, clicks, measure, page, stage
from samples.truth import TABLE, SampleTruth, load_truth
from wildseg3d_blender import addon
from wildseg3d_blender.addon.scene import groups, lookup
from wildseg3d_blender.errors import WildSegError
from wildseg3d_blender.scene.folder import read_scene

RENDER_SIZE = (2000, 1080)


def run(photos: Path, out: Path, wish: str | None) -> None:
    """Do it all; writes scene.blend, preview.png, report.json and the scene folder ``scene`` into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.filepaths.save_version = 0
    addon.register()
    # Saved first, so that the file knows where it lives and remembers the scene folder relative to itself.
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "scene.blend"))

    _say(f"Reconstructing {photos}")
    bpy.ops.wildseg3d.reconstruct(directory=str(photos), scene_folder=str(out / "scene"))
    seconds["reconstruct"] = time.perf_counter() - started
    scene = read_scene(out / "scene")
    seconds.update({f"reconstruct: {stage}": value for stage, value in scene.seconds.items()})

    truth = _truth_beside(photos)
    begun = time.perf_counter()
    chosen = {click.name: [click] for click in clicks.choose_clicks(scene, truth, wish)}
    _say(f"Clicking {', '.join(chosen)}")
    objects = artist.segment(scene, [click for mine in chosen.values() for click in mine])
    seconds["segment: one click each"] = time.perf_counter() - begun
    first_round = {
        name: measure.overlap(scene, truth, mine[0], objects[name]) for name, mine in chosen.items()
    }
    if truth is not None:
        _say("Clicking again where the masks are wrong")
        objects = artist.refine(scene, truth, chosen, objects)
    seconds["segment"] = time.perf_counter() - begun
    bpy.ops.wm.save_mainfile()

    _say("Rendering the picture")
    begun = time.perf_counter()
    root = lookup.require_root(bpy.context.scene)
    meshes = {name: _mesh(root, name) for name in chosen}
    counts = {name: len(mesh.data.vertices) for name, mesh in meshes.items()}
    figures = measure.report(scene, truth, chosen, objects, counts, first_round)
    render = out / "preview-render.png"
    labels = stage.render_lifted(scene, lookup.points(root), meshes, render, RENDER_SIZE)
    with Image.open(render) as image:
        lifted = image.convert("RGBA")
    render.unlink()
    page.compose(scene, lifted, labels, chosen, objects, _heading(figures)).save(out / "preview.png")
    seconds["picture"] = time.perf_counter() - begun
    seconds["total"] = time.perf_counter() - started
    figures = {"seconds": {name: round(value, 2) for name, value in seconds.items()}, **figures}
    (out / "report.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    addon.unregister()
    _summary(out, figures)


def _mesh(root: bpy.types.Object, name: str) -> bpy.types.Object:
    mesh = groups.mesh_object(groups.find(root, name))
    assert mesh is not None
    return mesh


def _heading(figures: dict[str, Any]) -> page.Heading:
    placed, count = figures["photos"]["registered"], len(figures["objects"])
    dots = sum(len(row["clicks"]) for row in figures["objects"])
    words = f"{placed} photos, {dots} click{'s' if dots > 1 else ''}: {_objects(count)} to take and move"
    if (score := figures["mean_iou_other_views"]) is not None:
        words += f"   ·   {score:.1%} overlap with the truth in photos nobody clicked"
    return page.Heading("WildSeg3D for Blender", words)


def _objects(count: int) -> str:
    return "an object" if count == 1 else f"{count} objects"


def _truth_beside(photos: Path) -> SampleTruth | None:
    """The truth that lies beside a sample's photos; None for anybody's own photos."""
    folder = photos.resolve().parent
    if photos.name != "photos" or not (folder / "truth" / "cameras.json").is_file():
        return None
    return load_truth(folder)


def _say(words: str) -> None:
    print(f"-- {words}", flush=True)


def _summary(out: Path, figures: dict[str, Any]) -> None:
    photos, seconds = figures["photos"], figures["seconds"]
    print(
        f"\n{photos['registered']} of {photos['given']} photos placed, {figures['points']:,} points,", end=" "
    )
    print(f"{_objects(len(figures['objects']))} cut out, in {seconds['total']:.0f} s.")
    for row in figures["objects"]:
        score = measure.mean_of_others([row], "iou")
        overlap = "" if score is None else f"   IoU in the other photos {score:.3f}"
        dots = f"{len(row['clicks'])} click{'s' if len(row['clicks']) > 1 else ' '}"
        print(f"  {row['name']:<10} {row['points']:>8,} points   {dots} in {row['clicked_view']}{overlap}")
    if (score := figures["mean_iou_other_views"]) is not None:
        first = figures["mean_iou_other_views_after_first_click"]
        print(f"  mean IoU in photos that were not clicked: {score:.3f} ({first:.3f} after one click each)")
    if (error := figures["camera_error_percent"]) is not None:
        print(f"  cameras within {error:.2f} % of the scene's depth")
    print(f"\nThe picture:      {out / 'preview.png'}")
    print(f"The Blender file: {out / 'scene.blend'}   (needs the WildSeg3D extension to segment further)")
    print(f"The figures:      {out / 'report.json'}")


def main() -> int:
    """Read the command line; 0 when all went well."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, default=TABLE / "photos", help="folder of photos of one scene")
    parser.add_argument("--click", default=None, help="view:x,y in photo pixels; without, the demo chooses")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the results")
    options = parser.parse_args()
    try:
        run(options.photos.absolute(), options.out.absolute(), options.click or None)
    except (WildSegError, RuntimeError) as error:
        # Operators called from a script raise their error report as RuntimeError.
        print(f"\n{str(error).strip().removeprefix('Error: ')}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
