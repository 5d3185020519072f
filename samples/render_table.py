# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the sample scene: photos and, beside them, the truth about them.

python -m samples.render_table                     everything, as committed
python -m samples.render_table --only table_06 --scale 0.45 --samples 16 --no-truth --out /tmp/try
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samples.quiet import quiet
from samples.table_scene import cameras, prints, props, room, teddy, truth_passes

OBJECTS = ("book", "orange", "mug", "parcel", "tin", "teddy")
DEPTH_SIZE = (270, 180)


def build_scene(scratch: Path) -> None:
    """Everything that stands still: things, table, wall, light. Objects get their ``pass_index``."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    papers = prints.draw_all(scratch)
    parts = {
        "book": props.book(papers),
        "orange": props.orange(),
        "mug": props.mug(),
        "parcel": props.parcel(papers),
        "tin": props.tin(papers),
        "teddy": teddy.teddy(),
    }
    for index, name in enumerate(OBJECTS, start=1):
        for part in parts[name]:
            part.pass_index = index
    props.plant()
    props.clutter(papers)
    room.table()
    room.wall(papers)
    room.light()
    cameras.add_camera()


def set_quality(size: tuple[int, int], samples: int) -> None:
    """Cycles on the CPU, denoised by what albedo and normals tell, in a photographic tone curve."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.use_persistent_data = True
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, 1
    cycles.use_adaptive_sampling, cycles.adaptive_threshold = True, 0.03
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes, cycles.denoising_prefilter = "RGB_ALBEDO_NORMAL", "ACCURATE"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 2, 2
    cycles.transparent_max_bounces = 6
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 6.0
    scene.camera.data.dof.use_dof = True
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.1
    scene.render.image_settings.file_format = "PNG"


def develop(pixels: NDArray[np.uint8], seed: int) -> Image.Image:
    """The camera's own traces: darker corners and sensor noise."""
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    radius2 = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / (width**2 + height**2) * 4
    value = pixels.astype(np.float64) * (1 - 0.16 * radius2**1.5)[..., None]
    noise = rng.normal(0, 1.0, (height, width, 1)) + rng.normal(0, 0.5, (height, width, 3))
    value += noise * (0.9 + 0.9 * np.sqrt(value / 255.0))
    return Image.fromarray(np.clip(np.rint(value), 0, 255).astype(np.uint8))


def render_photo(shot: cameras.Shot, photo: Path, *, seed: int, quality: int, scratch: Path) -> None:
    """Render, develop and write one JPEG."""
    raw = scratch / f"{shot.name}.png"
    bpy.context.scene.render.filepath = str(raw)
    with quiet():
        bpy.ops.render.render(write_still=True)
    with Image.open(raw) as image:
        pixels = np.asarray(image.convert("RGB"))
    exif = Image.Exif()
    exif[0x010E] = "Rendered sample scene of WildSeg3D for Blender"
    details = exif.get_ifd(0x8769)
    details[0x920A] = cameras.FOCAL_35MM
    details[0xA405] = round(cameras.FOCAL_35MM)
    develop(pixels, seed).save(photo, quality=quality, optimize=True, exif=exif)


def write_truth(shot: cameras.Shot, truth: Path, size: tuple[int, int], scratch: Path) -> None:
    """Masks at photo size and depth at low resolution of one photo."""
    index = truth_passes.object_index(size, len(OBJECTS), scratch)
    for label, name in enumerate(OBJECTS, start=1):
        mask = truth / "masks" / name / f"{shot.name}.png"
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(index == label, 255, 0).astype(np.uint8)).convert("1").save(
            mask, optimize=True
        )
    (truth / "depth").mkdir(parents=True, exist_ok=True)
    depth = truth_passes.depth(DEPTH_SIZE, scratch).astype(np.float16)
    np.savez_compressed(truth / "depth" / f"{shot.name}.npz", depth=depth)


def write_cameras(truth: Path, taken: list[cameras.Shot], size: tuple[int, int]) -> None:
    """``cameras.json``: K in photo pixels and cam_to_world (OpenCV axes, metres) of every photo."""
    K = cameras.intrinsics(*size).tolist()
    data = {
        "size": list(size),
        "photos": {
            shot.name: {"K": K, "cam_to_world": shot.cam_to_world.round(9).tolist()} for shot in taken
        },
    }
    truth.mkdir(parents=True, exist_ok=True)
    (truth / "cameras.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "table")
    parser.add_argument("--only", nargs="*", default=None, help="names of the photos to render")
    parser.add_argument("--scale", type=float, default=1.0, help="size against the committed photos")
    parser.add_argument("--samples", type=int, default=12, help="rays per pixel at most")
    parser.add_argument("--quality", type=int, default=86, help="JPEG quality")
    parser.add_argument("--no-truth", action="store_true")
    parser.add_argument("--no-photos", action="store_true")
    options = parser.parse_args()

    size = (round(cameras.PHOTO_SIZE[0] * options.scale), round(cameras.PHOTO_SIZE[1] * options.scale))
    photos, truth = options.out / "photos", options.out / "truth"
    photos.mkdir(parents=True, exist_ok=True)
    taken = cameras.shots()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        build_scene(scratch)
        set_quality(size, options.samples)
        if not options.no_truth:
            write_cameras(truth, taken, size)
        for number, shot in enumerate(taken):
            if options.only is not None and shot.name not in options.only:
                continue
            start = time.monotonic()
            cameras.aim_camera(shot)
            if not options.no_photos:
                photo = photos / f"{shot.name}.jpg"
                render_photo(shot, photo, seed=number, quality=options.quality, scratch=scratch)
            if not options.no_truth:
                write_truth(shot, truth, size, scratch)
            print(f"{shot.name}: {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
