# SPDX-License-Identifier: GPL-3.0-or-later
"""All kinds of things, and what a scene needs to know of one: its parts and where they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy
import cv2
import numpy as np
from mathutils import Euler, Matrix

from . import boxes, fabrics, figures, implements, plants, vessels
from .forms import Array, Rng, chance, pick, points_of
from .materials import Paint

Maker = Callable[[Paint, float], list[Any]]
"""Makes the parts of a thing about so many metres large, standing on z = 0 around the origin."""

SMALL: tuple[Maker, ...] = (
    vessels.mug, vessels.jar, vessels.bottle, vessels.bowl, vessels.vase, vessels.goblet, vessels.teapot,
    vessels.pan, vessels.fruit, vessels.fruit, vessels.ring_stack,
    boxes.carton, boxes.carton, boxes.book, boxes.book, boxes.standing_book, boxes.parcel, boxes.gadget,
    boxes.gadget, boxes.vehicle, boxes.house, boxes.crate, boxes.bricks,
    figures.creature, figures.creature, figures.creature, figures.statue, figures.shoe, figures.stone,
    figures.sculpture,
    plants.pot_plant, plants.grass_tuft, plants.bouquet, plants.cactus, plants.twigs, plants.cabbage,
    plants.carrots,
    implements.tool, implements.tool, implements.lamp_stand, implements.spectacles, implements.cable,
    implements.wheel, implements.clamp,
    fabrics.cushion, fabrics.towel, fabrics.heap, fabrics.bag, fabrics.hat,
)  # fmt: skip
LARGE: tuple[Maker, ...] = (
    vessels.vase, vessels.jar, boxes.carton, boxes.crate, boxes.house, boxes.parcel, figures.creature,
    figures.statue, figures.statue, figures.stone, figures.stone, figures.sculpture, plants.pot_plant,
    plants.pot_plant, plants.grass_tuft, plants.bouquet, plants.cactus, plants.twigs, implements.seat,
    implements.seat, implements.seat, implements.lamp_stand, implements.wheel, implements.clamp,
    fabrics.cushion, fabrics.cushion, fabrics.heap, fabrics.bag, boxes.vehicle, vessels.fruit,
)  # fmt: skip
"""What stands on floors and in gardens."""

MAY_LIE = {
    vessels.bottle, vessels.jar, vessels.mug, vessels.goblet, vessels.vase, vessels.fruit, boxes.carton,
    boxes.book, boxes.vehicle, figures.creature, figures.shoe, fabrics.hat, fabrics.bag,
}  # fmt: skip
MUST_LIE = {implements.tool}
PACKED: tuple[Maker, ...] = (
    boxes.standing_book, boxes.standing_book, boxes.standing_book, boxes.standing_book, boxes.carton,
    boxes.carton, boxes.gadget, boxes.parcel, vessels.jar, vessels.jar, vessels.bottle, vessels.mug,
    vessels.vase, fabrics.towel,
)  # fmt: skip
"""What people put side by side."""

STACKED = {boxes.carton, fabrics.towel}
"""Of these, what they put in layers."""

PILED: tuple[Maker, ...] = (boxes.book, boxes.book, boxes.carton, fabrics.towel)
"""What they put on top of each other."""

FLAT_ABOVE = {boxes.carton, boxes.book, boxes.parcel, fabrics.towel, vessels.jar, boxes.gadget}
"""Others can stand on these."""


@dataclass
class Thing:
    """One object of a scene.

    Attributes:
        parts: its Blender objects, children of ``holder``.
        holder: an Empty that carries them.
        points: (N, 3) vertices in the frame of the holder, which stands on z = 0.
        outlines: the parts' outlines seen from above, (n, 2) convex polygons in the holder's frame.
        flat: whether something can stand on it.
    """

    parts: list[Any]
    holder: Any
    points: Array
    outlines: list[Array]
    flat: bool

    @property
    def radius(self) -> float:
        """Of the circle around its foot that holds it all, metres."""
        return float(np.hypot(self.points[:, 0], self.points[:, 1]).max())

    @property
    def height(self) -> float:
        """Metres."""
        return float(self.points[:, 2].max())

    @property
    def place(self) -> Array:
        """(3,) where it stands."""
        return np.array(self.holder.location)

    def move(self, x: float, y: float, z: float) -> None:
        """Stand it there."""
        self.holder.location = (x, y, z)

    def remove(self) -> None:
        """Take it out of the scene."""
        for thing in (*self.parts, self.holder):
            bpy.data.objects.remove(thing)


def make(paint: Paint, maker: Maker, size: float, *, turn: float | None = None) -> Thing:
    """A thing of about ``size`` metres, turned at random, upright or fallen over.

    ``turn``: it stands upright, turned by this angle around the vertical, radians.
    """
    rng = paint.rng
    parts = maker(paint, size)
    lies = turn is None and (maker in MUST_LIE or (maker in MAY_LIE and chance(rng, 0.15)))
    pose = _pose(rng, lies) if turn is None else Matrix.Rotation(turn, 4, "Z")
    holder = bpy.data.objects.new(maker.__name__, None)
    bpy.context.collection.objects.link(holder)
    rotation = np.array(pose)[:3, :3]
    clouds = [points_of(part) @ rotation.T for part in parts]
    # A hair above the ground, or the two would show through each other at the hem of a cloth.
    lowest = min(float(cloud[:, 2].min()) for cloud in clouds if len(cloud)) - 0.004 * size
    pose = Matrix.Translation((0, 0, -lowest)) @ pose
    for part in parts:
        part.matrix_basis = pose @ part.matrix_basis
        part.parent = holder
    outlines = [cv2.convexHull(c[:, :2].astype(np.float32)).reshape(-1, 2) for c in clouds if len(c) > 2]
    points = np.concatenate(clouds) - [0, 0, lowest]
    return Thing(
        parts,
        holder,
        points,
        [np.asarray(o, dtype=np.float64) for o in outlines],
        maker in FLAT_ABOVE and not lies,
    )


def _pose(rng: Rng, lies: bool) -> Matrix:
    spin = Matrix.Rotation(rng.uniform(-np.pi, np.pi) if chance(rng, 0.6) else rng.normal(0, 0.5), 4, "Z")
    if not lies:
        return spin
    roll = Matrix.Rotation(rng.uniform(0, 2 * np.pi), 4, "Z")
    return spin @ Euler((np.pi / 2, 0, 0)).to_matrix().to_4x4() @ roll


def random_maker(rng: Rng, large: bool) -> Maker:
    """Any kind, of those that are as large as furniture if ``large``."""
    return pick(rng, LARGE if large else SMALL)
