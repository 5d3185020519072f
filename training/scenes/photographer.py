# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the photos of a scene are taken from: two or more places side by side, near or far, high or low."""

from __future__ import annotations

from math import cos, radians, sin, tan

import numpy as np
from mathutils import Matrix, Vector

from samples.studio.camera import SENSOR, Lens, Shot
from wildseg3d_blender.conventions import BLENDER_FROM_OPENCV

from .forms import Array, Rng, chance, pick
from .surroundings import Stage
from .things import Thing

FOCALS = (22.0, 26.0, 28.0, 35.0, 40.0, 50.0, 65.0, 85.0)
"""Millimetres, full frame."""


def choose_lens(rng: Rng, size: tuple[int, int]) -> Lens:
    """What this scene is photographed with."""
    return Lens(size, pick(rng, FOCALS) * size[0] / max(size), f_stop=float(rng.uniform(2.8, 16)))


def choose_shots(rng: Rng, stage: Stage, things: list[Thing], lens: Lens, count: int) -> list[Shot]:
    """``count`` photos of the same things, 15 to 40 degrees from one to the next."""
    aim, radius = _subject(rng, things)
    height = lens.photo_size[1] / lens.photo_size[0] * SENSOR
    reach = radius / tan(0.5 * 2 * np.arctan(height / 2 / lens.focal))
    distance = float(reach * np.exp(rng.uniform(np.log(0.45), np.log(1.35))) + 0.5 * radius)
    elevation = float(rng.uniform(4, stage.steepest))
    step, middle = float(rng.uniform(15, 40)), float(rng.uniform(-35, 35))
    tilt = float(rng.normal(0, 9 if chance(rng, 0.2) else 2.5))
    shots = []
    for k in range(count):
        azimuth = radians(middle + step * (k - (count - 1) / 2))
        up = radians(elevation + rng.uniform(-4, 4))
        out = Vector((sin(azimuth) * cos(up), -cos(azimuth) * cos(up), sin(up)))
        far = distance * float(rng.uniform(0.92, 1.08))
        missed = Vector((aim + rng.normal(0, 0.12 * radius, 3)).tolist())
        turn = (-out).to_track_quat("-Z", "Y").to_matrix() @ Matrix.Rotation(
            radians(tilt + rng.normal(0, 1)), 3, "Z"
        )
        blender = np.eye(4)
        blender[:3, :3], blender[:3, 3] = np.array(turn), np.array(missed + far * out)
        shots.append(Shot(f"view_{k}", blender @ BLENDER_FROM_OPENCV, far))
    return shots


def _subject(rng: Rng, things: list[Thing]) -> tuple[Array, float]:
    """What to look at: all things, a few neighbours, or one. Its middle and radius in metres."""
    middles = np.stack([t.place + np.array([0, 0, t.height / 2]) for t in things])
    wanted = len(things) if chance(rng, 0.4) else int(rng.integers(1, min(len(things), 6) + 1))
    first = pick(rng, list(middles))
    chosen = np.argsort(np.linalg.norm(middles - first, axis=1))[:wanted]
    aim = middles[chosen].mean(0)
    sizes = np.array([max(things[k].radius, things[k].height / 2) for k in chosen])
    return aim, float((np.linalg.norm(middles[chosen] - aim, axis=1) + sizes).max())


def in_the_way(thing: Thing, shot: Shot) -> bool:
    """Whether a thing is so near to the camera that little else would be seen."""
    away = np.linalg.norm(shot.cam_to_world[:3, 3] - thing.place - [0, 0, thing.height / 2])
    return bool(away < 2.2 * max(thing.radius, thing.height / 2))
