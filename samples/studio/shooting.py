# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking the photos of a scene, and writing the truth about them beside them."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samples.quiet import quiet

from . import truth_passes
from .camera import SENSOR, Lens, Shot, Walk, add_camera, aim_camera

DEPTH_COLUMNS = 270
"""Width of the true depth maps in pixels."""

FARTHEST = 1e4
"""Metres; beyond is the sky, written down as infinite."""


@dataclass(frozen=True)
class Sample:
    """A scene to be photographed.

    Attributes:
        objects: those that get masks; the n-th wears ``pass_index`` n + 1 once the scene is built.
        build: makes everything that stands still in the current, empty file; its argument is a folder for
            what it must draw.
        lens, walk: how it is photographed.
        exposure: in stops.
        look: Blender's name of the contrast in the tone curve.
    """

    objects: Sequence[str]
    build: Callable[[Path], None]
    lens: Lens
    walk: Walk
    exposure: float = 0.1
    look: str = "AgX - Medium High Contrast"


@dataclass(frozen=True)
class Rendering:
    """How well and what to render.

    Attributes:
        scale: size against the sample's photos.
        samples: rays per pixel at most.
        quality: of the JPEGs.
        only: names of the photos to render; None for all.
        photos, truth: whether to make them.
    """

    scale: float = 1.0
    samples: int = 12
    quality: int = 86
    only: Collection[str] | None = None
    photos: bool = True
    truth: bool = True


def shoot(sample: Sample, out: Path, how: Rendering) -> None:
    """Build ``sample`` and write ``out/photos`` and ``out/truth``, laid out as ``samples.truth`` says."""
    lens, taken = sample.lens.scaled(how.scale), sample.walk.shots()
    (out / "photos").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        build(sample, lens, scratch)
        _set_quality(sample, lens, how.samples)
        for number, shot in enumerate(taken):
            if how.only is not None and shot.name not in how.only:
                continue
            start = time.monotonic()
            aim_camera(shot)
            if how.photos:
                photo = out / "photos" / f"{shot.name}.jpg"
                _render_photo(shot, lens, photo, seed=number, quality=how.quality, scratch=scratch)
            if how.truth:
                _write_masks_and_depth(shot, sample.objects, lens, out / "truth", scratch)
            print(f"{shot.name}: {time.monotonic() - start:.0f} s", flush=True)
    if how.truth:
        # Last: a folder whose rendering was broken off has no cameras and does not pass for a whole one.
        write_cameras(out / "truth", taken, lens)


def build(sample: Sample, lens: Lens, scratch: Path) -> None:
    """Start an empty file, build the scene and put a camera in it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    sample.build(scratch)
    add_camera(lens)


def _set_quality(sample: Sample, lens: Lens, samples: int) -> None:
    """Cycles on the CPU, denoised by what albedo and normals tell, in a photographic tone curve."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = lens.canvas_size
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
    scene.view_settings.look = sample.look
    scene.view_settings.exposure = sample.exposure
    scene.render.image_settings.file_format = "PNG"


def _develop(pixels: NDArray[np.uint8], seed: int) -> Image.Image:
    """The camera's own traces: darker corners and sensor noise."""
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    radius2 = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / (width**2 + height**2) * 4
    value = pixels.astype(np.float64) * (1 - 0.16 * radius2**1.5)[..., None]
    noise = rng.normal(0, 1.0, (height, width, 1)) + rng.normal(0, 0.5, (height, width, 3))
    value += noise * (0.9 + 0.9 * np.sqrt(value / 255.0))
    return Image.fromarray(np.clip(np.rint(value), 0, 255).astype(np.uint8))


def _distorted(pixels: NDArray[np.uint8], lens: Lens) -> NDArray[np.uint8]:
    """The photo as the lens throws it: the canvas itself where it distorts nothing."""
    if lens.canvas_size == lens.photo_size and lens.radial == 0:
        return pixels
    place = lens.on_canvas(*lens.photo_size).astype(np.float32) - np.float32(0.5)
    return np.asarray(cv2.remap(pixels, place[..., 0], place[..., 1], cv2.INTER_CUBIC), dtype=np.uint8)


def _render_photo(shot: Shot, lens: Lens, photo: Path, *, seed: int, quality: int, scratch: Path) -> None:
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
    details[0x920A] = lens.focal
    details[0xA405] = round(lens.focal * 36.0 / SENSOR)
    _develop(_distorted(pixels, lens), seed).save(photo, quality=quality, optimize=True, exif=exif)


def _write_masks_and_depth(
    shot: Shot, objects: Sequence[str], lens: Lens, truth: Path, scratch: Path
) -> None:
    """Masks at photo size and depth at low resolution of one photo."""
    index = truth_passes.object_index(lens, len(objects), scratch)
    for label, name in enumerate(objects, start=1):
        mask = truth / "masks" / name / f"{shot.name}.png"
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(index == label, 255, 0).astype(np.uint8)).convert("1").save(
            mask, optimize=True
        )
    (truth / "depth").mkdir(parents=True, exist_ok=True)
    rows = round(DEPTH_COLUMNS * lens.photo_size[1] / lens.photo_size[0])
    metres = truth_passes.depth(lens, (DEPTH_COLUMNS, rows), scratch)
    depth = np.where(metres > FARTHEST, np.inf, metres).astype(np.float16)
    np.savez_compressed(truth / "depth" / f"{shot.name}.npz", depth=depth)


def write_cameras(truth: Path, taken: Sequence[Shot], lens: Lens) -> None:
    """``cameras.json``: K in photo pixels and cam_to_world (OpenCV axes, metres) of every photo."""
    K = lens.intrinsics().tolist()
    data: dict[str, Any] = {
        "size": list(lens.photo_size),
        "photos": {
            shot.name: {"K": K, "cam_to_world": shot.cam_to_world.round(9).tolist()} for shot in taken
        },
    }
    if lens.radial:
        data["radial"] = lens.radial
    truth.mkdir(parents=True, exist_ok=True)
    (truth / "cameras.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
