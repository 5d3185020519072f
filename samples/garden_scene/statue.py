# SPDX-License-Identifier: GPL-3.0-or-later
"""A woman in a long robe who carries a bowl: ellipsoids and limbs melted together, then carved with folds."""

from __future__ import annotations

from collections.abc import Sequence
from math import radians
from typing import Any

import numpy as np
from mathutils import Euler, Matrix
from numpy.typing import NDArray

from samples.studio import shapes
from samples.studio.shapes import Point

Array = NDArray[np.float64]

CELL = 0.0065
"""Metres; finer shows no more at the photos' size."""


def statue(material: Any, *, foot: Point) -> list[Any]:
    """The statue, about a metre tall, standing on ``foot``. Her right arm stands off from the body."""
    figure = shapes.melted("statue", _lumps(material), material, cell=CELL)
    count = len(figure.data.vertices)
    points = np.empty(3 * count, dtype=np.float32)
    normals = np.empty(3 * count, dtype=np.float32)
    figure.data.vertices.foreach_get("co", points)
    figure.data.vertices.foreach_get("normal", normals)
    carved = _carved(points.reshape(-1, 3).astype(np.float64), normals.reshape(-1, 3).astype(np.float64))
    figure.data.vertices.foreach_set("co", carved.astype(np.float32).ravel())
    figure.data.update()
    return shapes.group("statue", [figure], location=foot, turn_z=-12)


def _lumps(material: Any) -> list[Any]:
    lumps = [
        _lump((0, 0, 0.03), (0.17, 0.15, 0.035), material),
        _lump((0, 0.005, 0.20), (0.145, 0.120, 0.25), material),
        _lump((0.02, 0.0, 0.40), (0.115, 0.092, 0.20), material),
        _lump((0.0, 0.0, 0.57), (0.098, 0.072, 0.13), material),
        _lump((0.0, 0.0, 0.68), (0.118, 0.070, 0.085), material),
        _lump((-0.038, -0.058, 0.655), (0.038, 0.032, 0.036), material),
        _lump((0.038, -0.058, 0.655), (0.038, 0.032, 0.036), material),
        _lump((0.0, -0.012, 0.885), (0.062, 0.072, 0.082), material),
        _lump((0.0, 0.030, 0.905), (0.072, 0.066, 0.072), material),
        _lump((0.0, 0.094, 0.895), (0.036, 0.032, 0.036), material),
        _lump((0.0, -0.083, 0.876), (0.011, 0.015, 0.020), material, turn=(18, 0, 0)),
        _lump((0.06, -0.10, 0.06), (0.035, 0.075, 0.03), material),
        _lump((-0.05, -0.11, 0.055), (0.035, 0.075, 0.03), material),
    ]
    neck = [(0, 0.005, 0.72), (0, 0.002, 0.78), (0, -0.004, 0.83)]
    # Out, down to the elbow, back to the hip: there is daylight between this arm and the waist.
    right = [(-0.10, 0, 0.715), (-0.165, 0, 0.645), (-0.222, 0.01, 0.545), (-0.185, -0.035, 0.475)]
    left = [(0.10, 0, 0.715), (0.17, -0.01, 0.7), (0.238, -0.02, 0.735), (0.262, -0.04, 0.83)]
    lumps += [
        _limb(neck, [0.046, 0.036, 0.037], material),
        _limb([*right, (-0.115, -0.06, 0.42)], [0.044, 0.042, 0.036, 0.031, 0.027], material),
        _limb([*left, (0.258, -0.05, 0.92)], [0.044, 0.041, 0.036, 0.031, 0.026], material),
    ]
    rim = [(0.0, 0.0), (0.03, 0.002), (0.075, 0.03), (0.098, 0.062), (0.102, 0.072), (0.092, 0.072)]
    bowl = shapes.lathe("bowl", [*rim, (0.0, 0.045)], material, segments=48)
    bowl.data.transform(Matrix.Translation((0.258, -0.05, 0.925)))
    lumps.append(bowl)
    return lumps


def _lump(centre: Point, radii: Point, material: Any, *, turn: Point = (0, 0, 0)) -> Any:
    rotation = Euler([radians(a) for a in turn]).to_matrix()
    return shapes.ellipsoid("lump", centre, radii, material, turn=rotation)


def _limb(path: Sequence[Point], radii: Sequence[float], material: Any) -> Any:
    """A tube through ``path``, rounded between its points, with round ends from the lumps it grows out of."""
    at = np.linspace(0, len(path) - 1, 40)
    knots = np.arange(len(path))
    smooth = np.stack([_eased(at, knots, np.array(path)[:, axis]) for axis in range(3)], axis=1)
    widths = np.interp(at, knots, radii)
    return shapes.tube("limb", [(x, y, z) for x, y, z in smooth.tolist()], widths.tolist(), material)


def _eased(
    at: NDArray[np.float64], knots: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Linear interpolation, its corners rounded off."""
    dense = np.interp(at, knots, values)
    padded = np.pad(dense, 4, mode="reflect", reflect_type="odd")
    return np.convolve(padded, np.full(9, 1 / 9), mode="valid")


def _carved(points: Array, normals: Array) -> Array:
    """Folds in the robe below the chest, waves in the hair, and the marks of weather everywhere."""
    x, y, z = points.T
    angle = np.arctan2(y, x)
    robe = np.clip((0.60 - z) / 0.25, 0, 1) * (np.hypot(x, y) < 0.19)
    folds = np.abs(np.sin(6.5 * angle + 5 * z + 0.6 * np.sin(9 * z))) ** 0.8 - 0.6
    hair = (z > 0.86) * (y > -0.03) * (x < 0.12)
    waves = np.sin(90 * z + 14 * angle)
    weather = np.sin(63 * x + 9 * np.sin(31 * z)) * np.sin(58 * y + 7) * np.sin(51 * z)
    push = 0.013 * robe * folds + 0.0028 * hair * waves + 0.0012 * weather
    return points + normals * push[:, None]
