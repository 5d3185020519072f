# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures to print on labels, covers, cartons and posters: drawn anew for each, never twice the same."""

from __future__ import annotations

from typing import Any

import bpy
import cv2
import numpy as np
from numpy.typing import NDArray

from .forms import Rng, chance, pick

Pixels = NDArray[np.uint8]
LETTERS = "AEIOURSTLNMBCDGHKPWZ"


def printed(rng: Rng, width: int, height: int) -> Any:
    """A Blender image of a random print, sRGB."""
    pixels = draw(rng, width, height)
    image = bpy.data.images.new("print", width, height)
    rgba = np.ones((height, width, 4), dtype=np.float32)
    rgba[..., :3] = pixels[::-1] / 255.0
    image.pixels.foreach_set(rgba.ravel())
    image.update()
    return image


def draw(rng: Rng, width: int, height: int) -> Pixels:
    """(height, width, 3) uint8: a ground, then bands, pictures, writing, a frame."""
    colours = rng.integers(0, 256, (5, 3)) if chance(rng, 0.6) else _related(rng)
    page = _ground(rng, width, height, colours)
    inks = list(colours)
    for _ in range(int(rng.integers(0, 3))):
        _band(rng, page, pick(rng, inks))
    for _ in range(int(rng.integers(0, 4))):
        _shape(rng, page, pick(rng, inks))
    if chance(rng, 0.45):
        _picture(rng, page)
    if chance(rng, 0.75):
        _writing(rng, page, pick(rng, inks))
    if chance(rng, 0.25):
        _bars(rng, page)
    if chance(rng, 0.25):
        edge = int(rng.integers(2, max(3, min(width, height) // 12)))
        cv2.rectangle(page, (0, 0), (width - 1, height - 1), _ink(pick(rng, inks)), edge)
    return page


def _ink(colour: NDArray[np.integer]) -> tuple[int, int, int]:
    red, green, blue = (int(c) for c in colour)
    return red, green, blue


def _related(rng: Rng) -> NDArray[np.int64]:
    """Five tones of one hue."""
    base = rng.integers(30, 226, 3)
    return np.clip(base + rng.integers(-90, 91, (5, 1)) + rng.integers(-20, 21, (5, 3)), 0, 255)


def _clouds(rng: Rng, width: int, height: int) -> NDArray[np.float32]:
    """Smooth noise in 0..1."""
    cells = int(rng.integers(3, 9))
    small = rng.random((cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _ground(rng: Rng, width: int, height: int, colours: NDArray[np.integer]) -> Pixels:
    kind = pick(rng, ("plain", "gradient", "halves", "stripes", "checks"))
    y, x = np.mgrid[0:height, 0:width]
    if kind == "plain":
        mix = np.zeros((height, width))
    elif kind == "gradient":
        mix = y / height if chance(rng, 0.5) else x / width
    elif kind == "halves":
        mix = (y > height * rng.uniform(0.25, 0.75)).astype(float)
    else:
        step = width / rng.uniform(4, 16)
        along = (x * np.cos(a := rng.uniform(0, np.pi)) + y * np.sin(a)) // step
        across = (y * np.cos(a) - x * np.sin(a)) // step if kind == "checks" else 0
        mix = ((along + across) % 2).astype(float)
    blend = colours[0] + (colours[1] - colours[0]) * mix[..., None]
    return np.ascontiguousarray(np.clip(blend, 0, 255).astype(np.uint8))


def _band(rng: Rng, page: Pixels, colour: NDArray[np.integer]) -> None:
    height = len(page)
    top = int(rng.uniform(0, 0.9) * height)
    page[top : top + int(rng.uniform(0.02, 0.25) * height) + 1] = colour


def _shape(rng: Rng, page: Pixels, colour: NDArray[np.integer]) -> None:
    height, width = page.shape[:2]
    centre = (int(rng.uniform(0.1, 0.9) * width), int(rng.uniform(0.1, 0.9) * height))
    reach = rng.uniform(0.06, 0.4) * min(width, height)
    if chance(rng, 0.5):
        axes = (int(reach) + 1, int(reach * rng.uniform(0.4, 1.0)) + 1)
        cv2.ellipse(page, centre, axes, rng.uniform(0, 180), 0, 360, _ink(colour), -1, cv2.LINE_AA)
        return
    corners = int(rng.integers(3, 9))
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    spokes = np.stack([np.cos(angle), np.sin(angle)], 1) * reach * rng.uniform(0.5, 1, (corners, 1))
    cv2.fillPoly(page, [np.rint(spokes + centre).astype(np.int32)], _ink(colour), cv2.LINE_AA)


def _picture(rng: Rng, page: Pixels) -> None:
    """A patch like a photo or an illustration: smooth noise in a few colours."""
    height, width = page.shape[:2]
    w, h = int(rng.uniform(0.3, 1.0) * width), int(rng.uniform(0.25, 0.8) * height)
    left, top = int(rng.uniform(0, width - w + 1)), int(rng.uniform(0, height - h + 1))
    layers = np.stack([_clouds(rng, w, h) for _ in range(3)], axis=-1)
    if chance(rng, 0.5):
        steps = int(rng.integers(2, 5))
        layers = np.floor(np.clip(layers, 0, 0.999) * steps) / (steps - 1)
    page[top : top + h, left : left + w] = np.clip(layers * 255, 0, 255).astype(np.uint8)


def _writing(rng: Rng, page: Pixels, colour: NDArray[np.integer]) -> None:
    height, width = page.shape[:2]
    y = int(rng.uniform(0.12, 0.5) * height)
    for line in range(int(rng.integers(1, 7))):
        letters = int(rng.integers(4, 9)) * (1 if line == 0 else 3)
        text = "".join(pick(rng, LETTERS if chance(rng, 0.85) else " ") for _ in range(letters))
        size = width * (0.9 if line == 0 else rng.uniform(0.5, 0.9)) / letters / 18
        thick = max(1, round(size * (2.5 if line == 0 else 1.2)))
        place = (int(0.06 * width), y)
        cv2.putText(page, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, _ink(colour), thick, cv2.LINE_AA)
        y += max(4, int(size * 34))


def _bars(rng: Rng, page: Pixels) -> None:
    height, width = page.shape[:2]
    w, h = width // 3, height // 8
    left, top = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
    page[top : top + h, left : left + w] = np.where(rng.random((1, w, 1)) < 0.5, 20, 240)
