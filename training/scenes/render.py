# SPDX-License-Identifier: GPL-3.0-or-later
"""Building one scene from its seed, and taking its photos with the truth beside them.

Layout of a scene's folder, for each view K:

    view_K.png  sRGB, 8 bit, as a camera would expose it
    view_K.npz  ``depth`` (h, w) float32 metres along z, 0 in the sky; ``instance`` (h, w) uint16, 0 in the
                sky, 1 to 99 a surface that things stand on or in front of, from 100 on a thing;
                ``part`` (h, w) uint16, each piece of a thing or surface its own, 0 in the sky;
                ``K`` (3, 3) in pixels, centres at half-integers; ``cam_to_world`` (4, 4) in OpenCV axes

Depth and numbers are those at the pixels' centres. The npz is written last and at once: a view that has one
is complete.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samples.studio import truth_passes
from samples.studio.camera import Lens, Shot, add_camera, aim_camera

from . import lights, surroundings
from .forms import Rng, chance
from .layout import furnish
from .materials import Paint
from .photographer import choose_lens, choose_shots, in_the_way
from .things import Thing

FIRST_THING = 100
FARTHEST = 1e4
"""Metres; beyond is the sky."""
TRIES = 4
"""Sets of photos to try before the last one is taken as it is."""
FEWEST, SMALLEST = 3, 0.002
"""A view should show so many things, each on this share of its pixels."""


@dataclass(frozen=True)
class Truth:
    """What each pixel's centre shows: (h, w) depth in metres, thing or surface, and piece of it."""

    depth: NDArray[np.float32]
    instance: NDArray[np.uint16]
    part: NDArray[np.uint16]

    def shows_enough(self) -> bool:
        """Whether there are a few things to see, and not only a single one or a wall."""
        ids, counts = np.unique(self.instance, return_counts=True)
        shares = counts[ids >= FIRST_THING] / self.instance.size
        return int((shares > SMALLEST).sum()) >= FEWEST and bool(shares.max(initial=0) < 0.8)


def render_scene(seed: int, folder: Path, *, size: tuple[int, int], samples: int, views: int) -> None:
    """Write the scene of ``seed`` into ``folder``; views that are there already stay as they are."""
    if all((folder / f"view_{k}.npz").exists() for k in range(views)):
        return
    folder.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rng = np.random.default_rng([seed, 20])
    paint = Paint(rng)
    unit = float(rng.uniform(0.15, 0.5))
    stage = surroundings.build(paint, unit)
    things = furnish(paint, stage, unit, int(rng.integers(6, 17)))
    lights.light(paint, unit, stage.outdoors)
    lens = choose_lens(rng, size)
    add_camera(lens)
    _set_quality(rng, size, samples, seed)
    numbers = _number(stage.surfaces, things)
    develop = _Development.random(rng)
    with tempfile.TemporaryDirectory() as scratch:
        for left in reversed(range(TRIES)):
            shots = choose_shots(rng, stage, things, lens, views)
            _hide(things, shots)
            truths = [_truth(shot, size, numbers, Path(scratch)) for shot in shots]
            if left == 0 or all(t.shows_enough() for t in truths):
                break
        for shot, truth in zip(shots, truths, strict=True):
            aim_camera(shot)
            light = truth_passes.rendered(["Image"], Path(scratch))["Image"][..., :3]
            _write(folder, shot, lens, develop.photo(light, truth), truth)


def _hide(things: list[Thing], shots: list[Shot]) -> None:
    """Leave out what stands right before a camera."""
    for thing in things:
        hidden = any(in_the_way(thing, shot) for shot in shots)
        for part in thing.parts:
            part.hide_render = hidden


def _number(surfaces: list[list[Any]], things: list[Thing]) -> NDArray[np.uint16]:
    """Give each piece its ``pass_index``; (pieces + 1,) the thing or surface that it belongs to."""
    owners = [0]
    groups = [(k + 1, parts) for k, parts in enumerate(surfaces)]
    groups += [(FIRST_THING + k, thing.parts) for k, thing in enumerate(things)]
    for number, parts in groups:
        for part in parts:
            part.pass_index = len(owners)
            owners.append(number)
    return np.array(owners, dtype=np.uint16)


def _truth(shot: Shot, size: tuple[int, int], numbers: NDArray[np.uint16], scratch: Path) -> Truth:
    aim_camera(shot)
    passes = truth_passes.exact_passes(["Depth", "IndexOB"], size, scratch)
    part = np.rint(passes["IndexOB"]).astype(np.uint16)
    depth = np.where(part > 0, passes["Depth"], 0).astype(np.float32)
    return Truth(depth, numbers[part], part)


def _set_quality(rng: Rng, size: tuple[int, int], samples: int, seed: int) -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.use_persistent_data = True
    # Scenes are rendered side by side by several processes, which wastes less than several threads.
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, seed
    cycles.use_adaptive_sampling = False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes, cycles.denoising_prefilter = "RGB_ALBEDO_NORMAL", "NONE"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 1, 1
    cycles.transmission_bounces, cycles.transparent_max_bounces = 3, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    scene.camera.data.dof.use_dof = chance(rng, 0.25)


@dataclass(frozen=True)
class _Development:
    """How the camera makes a picture of light.

    Attributes:
        exposure: stops against an even one. contrast: of its tone curve. white: (3,) gains.
    """

    exposure: float
    contrast: float
    white: NDArray[np.float64]

    @staticmethod
    def random(rng: Rng) -> _Development:
        return _Development(
            float(rng.normal(0, 0.5)), float(rng.uniform(0.9, 1.5)), np.exp(rng.normal(0, 0.06, 3))
        )

    def photo(self, light: NDArray[np.float32], truth: Truth) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 sRGB of linear light, exposed for what is not sky."""
        value = np.maximum(light.astype(np.float64), 0) * self.white
        metered = value[truth.instance > 0].mean(-1) if (truth.instance > 0).any() else value.mean(-1)
        middle = np.exp(np.log(metered + 1e-4).mean())
        value *= 0.18 * 2**self.exposure / middle
        value = 0.18 * (value / 0.18) ** self.contrast
        value = value * (1 + value / 9) / (1 + value)
        value = np.where(
            value <= 0.0031308, 12.92 * value, 1.055 * np.maximum(value, 1e-9) ** (1 / 2.4) - 0.055
        )
        return np.asarray(np.rint(255 * np.clip(value, 0, 1)), dtype=np.uint8)


def _write(folder: Path, shot: Shot, lens: Lens, photo: NDArray[np.uint8], truth: Truth) -> None:
    Image.fromarray(photo).save(folder / f"{shot.name}.png")
    half = folder / f"{shot.name}.half"
    with half.open("wb") as file:
        np.savez_compressed(
            file,
            depth=truth.depth,
            instance=truth.instance,
            part=truth.part,
            K=lens.intrinsics(),
            cam_to_world=shot.cam_to_world,
        )
    half.replace(folder / f"{shot.name}.npz")
