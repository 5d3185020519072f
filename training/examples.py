# SPDX-License-Identifier: GPL-3.0-or-later
"""Training examples: a picture and the true instance of each of its pixels, changed at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

FIRST_OBJECT = 100
"""Instances from here on are whole objects; below are surfaces (ground, walls), and 0 is the sky."""

IGNORED = -1
"""Instance of pixels beyond the picture's frame."""


@dataclass(frozen=True)
class Example:
    """A picture with truth.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        instance: (H, W) int32, see ``FIRST_OBJECT`` and ``IGNORED``.
    """

    image: NDArray[np.uint8]
    instance: NDArray[np.int32]


def read_examples(folder: Path) -> list[Example]:
    """All views that ``training.scenes`` rendered under a folder, one below another."""
    found = []
    for file in sorted(folder.glob("*/view_*.npz")):
        picture = file.with_suffix(".png")
        if not picture.exists():
            continue
        with np.load(file) as arrays:
            instance = arrays["instance"].astype(np.int32)
        image = cv2.cvtColor(cv2.imread(str(picture), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        if image.shape[:2] == instance.shape:
            found.append(Example(image, instance))
    return found


def targets(instance: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the network shall say, (2, H, W): outlines and objects, in [0, 1]; and what counts how much.

    Both pixels beside an outline are on it. Those next to them are asked for nothing: true outlines are
    drawn by people and reconstructed from photos no better than that.
    """
    on = np.zeros(instance.shape, dtype=np.uint8)
    for a, b in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        one, other = instance[a], instance[b]
        differ = (one != other) & (np.maximum(one, other) >= FIRST_OBJECT) & (np.minimum(one, other) >= 0)
        on[a] |= differ
        on[b] |= differ
    near = cv2.dilate(on, np.ones((3, 3), np.uint8))
    wanted = np.stack([on, instance >= FIRST_OBJECT]).astype(np.float32)
    seen = instance != IGNORED
    counts = np.stack([seen & (near == on), seen]).astype(np.float32)
    return wanted, counts


def pasted(rng: np.random.Generator, example: Example, source: Example) -> Example:
    """One of the source's objects laid somewhere over the example, at another size."""
    present, sizes = np.unique(source.instance[source.instance >= FIRST_OBJECT], return_counts=True)
    present = present[sizes > 150]
    if not len(present):
        return example
    chosen = (source.instance == rng.choice(present)).astype(np.float32)
    height, width = example.instance.shape
    rows, columns = np.nonzero(chosen)
    scale, angle = float(np.exp(rng.uniform(-0.5, 0.5))), rng.normal(0, 15.0)
    move = cv2.getRotationMatrix2D((float(columns.mean()), float(rows.mean())), angle, scale)
    move[:, 2] += rng.uniform(0, 1, 2) * (width, height) - (columns.mean(), rows.mean())
    mask = cv2.warpAffine(chosen, move, (width, height), flags=cv2.INTER_LINEAR)
    picture = cv2.warpAffine(
        source.image, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    image = example.image.astype(np.float32)
    if rng.random() < 0.6:
        shift = np.array([[1, 0, rng.normal(0, 6)], [0, 1, abs(rng.normal(0, 6))]], dtype=np.float32)
        shadow = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(2, 10)))
        image *= 1 - rng.uniform(0.1, 0.6) * cv2.warpAffine(shadow, shift, (width, height))[..., None]
    picture = np.clip(picture * rng.uniform(0.6, 1.4), 0, 255)
    image += mask[..., None] * (picture - image)
    instance = example.instance.copy()
    instance[mask > 0.5] = max(int(instance.max()), FIRST_OBJECT) + 1
    return Example(image.astype(np.uint8), instance)


def cropped(rng: np.random.Generator, example: Example, width: int, height: int) -> Example:
    """A window of the example at another scale, turned a little and perhaps mirrored."""
    rows, columns = example.instance.shape
    least = max(width / columns, height / rows) * 0.8
    scale = float(np.exp(rng.uniform(np.log(max(least, 0.5)), np.log(2.0))))
    move = cv2.getRotationMatrix2D((columns / 2, rows / 2), rng.normal(0, 6.0), scale)
    room = np.maximum(np.array([columns, rows]) * scale - (width, height), 0.0) / 2
    move[:, 2] += np.array([width, height]) / 2 - np.array([columns, rows]) / 2 + rng.uniform(-room, room)
    if rng.random() < 0.5:
        move[0] = -move[0]
        move[0, 2] += width - 1
    area = cv2.INTER_LINEAR
    image = example.image
    if scale < 0.8:
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
    image = cv2.warpAffine(image, move, (width, height), flags=area, borderMode=cv2.BORDER_REPLICATE)
    instance = cv2.warpAffine(
        example.instance.astype(np.float32),
        move,
        (width, height),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=float(IGNORED),
    )
    return Example(image, instance.astype(np.int32))


def developed(rng: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same picture as another camera would have made it: light, colour, contrast, blur, noise, JPEG."""
    values = image.astype(np.float32) / 255.0
    values = values ** np.float32(np.exp(rng.normal(0, 0.25)))
    values *= (np.exp(rng.normal(0, 0.15)) * np.exp(rng.normal(0, 0.1, 3))).astype(np.float32)
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * np.float32(rng.uniform(0.4, 1.5))
    values = (values - 0.5) * np.float32(np.exp(rng.normal(0, 0.15))) + 0.5
    if rng.random() < 0.4:
        values = cv2.GaussianBlur(values, (0, 0), float(rng.uniform(0.3, 1.3)))
    if rng.random() < 0.6:
        noise = rng.standard_normal(values.shape, dtype=np.float32)
        if rng.random() < 0.5:
            noise = cv2.GaussianBlur(noise, (0, 0), 0.8) * 2
        values += np.float32(abs(rng.normal(0, 0.025))) * noise
    result = (np.clip(values, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 96))]
        result = cv2.imdecode(cv2.imencode(".jpg", result, quality)[1], cv2.IMREAD_COLOR)
    return result


def sample(
    rng: np.random.Generator, example: Example, others: Sequence[Example], width: int, height: int
) -> Example:
    """The example changed at random, with up to three objects of others laid over it."""
    if others and rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 4))):
            example = pasted(rng, example, others[int(rng.integers(len(others)))])
    example = cropped(rng, example, width, height)
    return Example(developed(rng, example.image), example.instance)
