# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of shapes laid over each other: an endless supply of outlines beside prints, folds and shadows.

Rendered scenes are few and true, collages are many and crude: they teach what few scenes cannot, that
colours, prints and shadows say nothing about where a thing ends.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .examples import FIRST_OBJECT, Example

Image = NDArray[np.float32]
Mask = NDArray[np.float32]

SURFACES = 3
"""At most so many surfaces lie behind the things."""


def collage(rng: np.random.Generator, width: int, height: int) -> Example:
    """A new picture with true instances: surfaces below ``FIRST_OBJECT``, things from there on."""
    image = np.empty((height, width, 3), dtype=np.float32)
    instance = np.ones((height, width), dtype=np.int32)
    image[:] = _texture(rng, height, width, _colour(rng))
    for surface in range(2, 2 + int(rng.integers(0, SURFACES))):
        mask = _half_plane(rng, height, width)
        _paint(image, mask, _texture(rng, height, width, _colour(rng)))
        instance[mask > 0.5] = surface
    for thing in range(int(rng.integers(3, 14))):
        _add_thing(rng, image, instance, FIRST_OBJECT + thing)
    for _ in range(int(rng.integers(0, 3))):
        image *= 1.0 - rng.uniform(0.1, 0.6) * _blurred(rng, _shape(rng, height, width, 0.2, 0.9))[..., None]
    return Example(np.clip(image * 255.0, 0, 255).astype(np.uint8), instance)


def _add_thing(rng: np.random.Generator, image: Image, instance: NDArray[np.int32], number: int) -> None:
    """One thing of one to four parts, with the shadow that it casts on what lies behind."""
    height, width = instance.shape
    size = float(np.exp(rng.uniform(np.log(0.08), np.log(0.6))))
    whole = _shape(rng, height, width, size, size)
    parts = []
    for _ in range(int(rng.integers(0, 4))):
        part = _shape(rng, height, width, 0.2 * size, 0.8 * size)
        # A part starts at a random place of the thing, or the thing would fall apart.
        rows, columns = np.nonzero(whole > 0.5)
        at_rows, at_columns = np.nonzero(part > 0.5)
        if not len(rows) or not len(at_rows):
            continue
        pick = int(rng.integers(len(rows)))
        shift = (columns[pick] - at_columns.mean(), rows[pick] - at_rows.mean())
        part = cv2.warpAffine(part, _moved(shift), (width, height))
        if rng.random() < 0.5:
            part *= whole
        parts.append(part)
    outer = np.maximum.reduce([whole, *parts])
    if not (outer > 0.5).any():
        return
    if rng.random() < 0.7:
        _cast_shadow(rng, image, outer)
    back = np.median(image[outer > 0.5], axis=0)
    colour = _colour(rng) if rng.random() < 0.7 else np.clip(back + rng.normal(0, 0.08, 3), 0, 1)
    for part in (whole, *parts):
        _paint(image, part, _shaded(rng, part, _texture(rng, height, width, colour)))
        colour = _colour(rng) if rng.random() < 0.6 else np.clip(colour * rng.uniform(0.6, 1.3), 0, 1)
    instance[outer > 0.5] = number


def _moved(shift: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix that moves a picture by so many pixels to the right and down."""
    return np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]])


def _colour(rng: np.random.Generator) -> NDArray[np.float64]:
    """RGB in [0, 1]; greys and dull colours are as frequent as strong ones."""
    hue, saturation, value = rng.random() * 360.0, rng.random() ** 1.5, rng.uniform(0.05, 1.0)
    pixel = np.array([[[hue, saturation, value]]], dtype=np.float32)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float64)


def _noise(rng: np.random.Generator, height: int, width: int, grain: float) -> Image:
    """Smooth noise (height, width) of unit variance with grains of about so many pixels."""
    rows, columns = (max(int(side / grain) + 2, 2) for side in (height, width))
    small = rng.standard_normal((rows, columns)).astype(np.float32)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def _texture(rng: np.random.Generator, height: int, width: int, colour: NDArray[np.float64]) -> Image:
    """(height, width, 3): a colour with a print of another one, or plain, and with grain."""
    kind = int(rng.integers(0, 8))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), float(np.exp(rng.uniform(np.log(4), np.log(60))))
    u = (x * np.cos(angle) + y * np.sin(angle)) / period
    v = (-x * np.sin(angle) + y * np.cos(angle)) / period
    share = np.zeros((height, width), dtype=np.float32)
    if kind == 1:
        share = (np.sin(2 * np.pi * u) > rng.uniform(-0.8, 0.8)).astype(np.float32)
    elif kind == 2:
        share = ((np.floor(u) + np.floor(v)) % 2).astype(np.float32)
    elif kind == 3:
        radius = rng.uniform(0.15, 0.45)
        share = ((u % 1 - 0.5) ** 2 + (v % 1 - 0.5) ** 2 < radius**2).astype(np.float32)
    elif kind == 4:
        share = np.clip(_noise(rng, height, width, period) * rng.uniform(0.5, 4), 0, 1)
    elif kind == 5:
        share = sum(_noise(rng, height, width, period / 2**k) / 2**k for k in range(4)) * 0.3 + 0.5
    elif kind == 6:
        # Lines of words: boxes in rows.
        share = ((v % 1 < 0.5) & (_noise(rng, height, width, period / 3) > 0)).astype(np.float32)
    elif kind == 7:
        share = np.clip(0.5 + 0.5 * np.sin(2 * np.pi * u + 2 * _noise(rng, height, width, period)), 0, 1)
    other = _colour(rng) if rng.random() < 0.6 else np.clip(colour * rng.uniform(0.5, 1.5), 0, 1)
    share = np.clip(share, 0, 1)[..., None]
    if rng.random() < 0.5:
        share = cv2.GaussianBlur(share, (0, 0), float(rng.uniform(0.4, 2.0)))[..., None]
    grain = rng.uniform(0, 0.06) * _noise(rng, height, width, float(rng.uniform(1, 6)))[..., None]
    mixed = (1 - share) * colour + share * other
    return np.clip(mixed * (1 + grain), 0, 1).astype(np.float32)


def _shape(rng: np.random.Generator, height: int, width: int, least: float, most: float) -> Mask:
    """Soft mask (height, width) of a random outline, its size a share of the longer side."""
    side = max(height, width)
    size = rng.uniform(least, most) * side
    centre = np.array([rng.uniform(-0.05, 1.05) * width, rng.uniform(-0.05, 1.05) * height])
    stretch, angle = np.exp(rng.uniform(-1.2, 1.2) / 2), rng.uniform(0, 2 * np.pi)
    kind, t = int(rng.integers(0, 5)), np.linspace(0, 2 * np.pi, 96, endpoint=False)
    if kind == 0:
        radius = np.ones_like(t)
    elif kind == 1:
        # Superellipse: from rounded to square.
        power = rng.uniform(2, 12)
        radius = (np.abs(np.cos(t)) ** power + np.abs(np.sin(t)) ** power) ** (-1 / power)
    elif kind == 2:
        corners = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
        t, radius = corners, rng.uniform(0.5, 1.2, len(corners))
    elif kind == 3:
        radius = 1 + sum(rng.normal(0, 0.5 / k) * np.cos(k * t + rng.uniform(0, 6.3)) for k in range(1, 7))
        radius = np.clip(radius, 0.15, 2.0)
    else:
        radius, stretch = np.ones_like(t), stretch * rng.uniform(3, 8)
    x, y = radius * np.cos(t) * np.sqrt(stretch), radius * np.sin(t) / np.sqrt(stretch)
    turned = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=1)
    points = np.round((centre + turned * size / 2) * 16).astype(np.int32)
    mask = np.zeros((height, width), dtype=np.uint8)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255.0


def _half_plane(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Everything on one side of a random line, mostly a level one."""
    angle = rng.normal(0, 0.3) if rng.random() < 0.7 else rng.uniform(0, np.pi)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    offset = rng.uniform(0.15, 0.85)
    distance = (y - offset * height) * np.cos(angle) + (x - offset * width) * np.sin(angle)
    return np.clip(distance + 0.5, 0, 1).astype(np.float32)


def _blurred(rng: np.random.Generator, mask: Mask) -> Mask:
    return cv2.GaussianBlur(mask, (0, 0), float(np.exp(rng.uniform(np.log(0.5), np.log(12)))))


def _cast_shadow(rng: np.random.Generator, image: Image, mask: Mask) -> None:
    height, width = mask.shape
    shift = rng.normal(0, 0.03 * max(height, width), 2)
    moved = cv2.warpAffine(mask, _moved(shift), (width, height))
    image *= 1.0 - rng.uniform(0.1, 0.7) * _blurred(rng, moved)[..., None]


def _shaded(rng: np.random.Generator, mask: Mask, texture: Image) -> Image:
    """A texture lit from one side, as if the shape were round or a flat face."""
    height, width = mask.shape
    angle = rng.uniform(0, 2 * np.pi)
    if rng.random() < 0.6:
        solid = (mask > 0.5).astype(np.uint8)
        relief = np.sqrt(cv2.distanceTransform(solid, cv2.DIST_L2, 3))
        relief = cv2.GaussianBlur(relief, (0, 0), 2.0)
        slope = [cv2.Sobel(relief, cv2.CV_32F, 1 - axis, axis, scale=0.125) for axis in (0, 1)]
        light = slope[0] * np.cos(angle) + slope[1] * np.sin(angle)
        light = 1.0 + rng.uniform(0, 2.0) * np.clip(light, -0.4, 0.4)
    else:
        y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
        light = 1.0 + rng.uniform(0, 1.0) * ((x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle))
    return np.clip(texture * light[..., None], 0, 1).astype(np.float32)


def _paint(image: Image, mask: Mask, texture: Image) -> None:
    image += mask[..., None] * (texture - image)
