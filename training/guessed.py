# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks to judge: what the segmenter guesses for clicks in rendered scenes, and others made of the truth."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.guesses import clicked_things, noisy_scene
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import build_graph
from wildseg3d_blender.pipeline.segmentation.graphcut.hypotheses import polished, walked
from wildseg3d_blender.pipeline.segmentation.graphcut.prompt_seeds import seeds_of
from wildseg3d_blender.progress import silent

Mask = NDArray[np.bool_]
Rng = np.random.Generator

FEWEST_PIXELS = 60
"""Made masks are not smaller."""

GUESSED = 5
"""So many of the masks for a click, at most, are guesses of the segmenter."""


@dataclass(frozen=True)
class SeenView:
    """A view with truth.

    Attributes:
        image, depth, measured: as ``overlap_windows.Windows`` takes them.
        labels: (H, W) int32 superpixels, numbered over all views of the scene.
        instance, part: (H, W), see ``scenes.render``.
    """

    image: NDArray[np.uint8]
    depth: NDArray[np.float32]
    measured: Mask
    labels: NDArray[np.int32]
    instance: NDArray[np.int64]
    part: NDArray[np.int64]


@dataclass(frozen=True)
class Clicked:
    """A click at a thing, and what the segmenter guesses there.

    Attributes:
        view, pixel: where: the view, and (row, column) in it.
        thing: its number in ``instance``.
        guesses: selections (n,) bool of superpixels, eight to a byte.
    """

    view: SeenView
    pixel: tuple[int, int]
    thing: int
    guesses: tuple[NDArray[np.uint8], ...]

    def guess(self, number: int) -> Mask:
        """The mask (H, W) of a guess in the view."""
        selection = np.unpackbits(self.guesses[number]).astype(bool)
        return np.asarray(selection[self.view.labels])

    def whole(self) -> Mask:
        """The mask (H, W) of the superpixels that the thing covers by more than half."""
        labels, true = self.view.labels, self.view.instance == self.thing
        area = np.bincount(labels.ravel())
        covered = np.bincount(labels[true], minlength=len(area))
        return np.asarray((covered > 0.5 * area)[labels])


def read_clicked(views: Path, seed: int) -> list[Clicked]:
    """The clicks of ``benchmarks.guesses`` in a rendered scene, those with guesses."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        scene, instance = noisy_scene(views / str(seed), Path(folder) / "scene", seed)
        graph = build_graph(scene, silent)
        seen = []
        for data in graph.views:
            with np.load(views / str(seed) / f"{data.view.name}.npz") as truth:
                part = truth["part"].astype(np.int64)
            own = instance[data.view.name]
            seen.append(SeenView(data.image, data.depth, data.measured, data.labels, own, part))
        for thing, click in clicked_things(instance, seed):
            seeds = seeds_of(scene, graph.views, [click])
            starts = walked(graph, seeds.inside, seeds.outside)
            guesses = starts + polished(graph, seeds.inside, seeds.outside, starts)
            packed = tuple(np.packbits(guess.selection) for guess in guesses)
            at = seeds.clicks[0]
            if packed:
                found.append(Clicked(seen[at.view], (at.row, at.column), thing, packed))
    return found


def masks_for(rng: Rng, clicked: Clicked, count: int) -> list[Mask]:
    """So many masks (H, W) for one click: some guesses, the others made; none is empty."""
    whole = clicked.whole()
    if not whole.any():
        whole = clicked.view.instance == clicked.thing
    order = rng.permutation(len(clicked.guesses))[:GUESSED]
    guesses = [clicked.guess(int(number)) for number in order]
    found = [mask for mask in guesses if mask.any()]
    while len(found) < count:
        made = _MADE[int(rng.integers(len(_MADE)))](rng, clicked, whole)
        if made is not None and np.count_nonzero(made) > FEWEST_PIXELS:
            found.append(made)
        elif rng.random() < 0.1:
            found.append(whole)
    return found


def _whole(rng: Rng, clicked: Clicked, whole: Mask) -> Mask:
    return whole if rng.random() < 0.7 else clicked.view.instance == clicked.thing


def _some_parts(rng: Rng, clicked: Clicked, whole: Mask) -> Mask | None:
    """Some of the pieces that the thing is made of."""
    true = clicked.view.instance == clicked.thing
    pieces = np.unique(clicked.view.part[true])
    if len(pieces) < 2:
        return None
    chosen = rng.choice(pieces, size=int(rng.integers(1, len(pieces))), replace=False)
    return np.asarray(true & np.isin(clicked.view.part, chosen))


def _with_neighbour(rng: Rng, clicked: Clicked, whole: Mask) -> Mask | None:
    """The thing with what it touches, or with the nearer part of that."""
    instance = clicked.view.instance
    true = instance == clicked.thing
    near = np.unique(instance[_grown(true, 5) & ~true])
    near = near[near > 0]
    if not len(near):
        return None
    other = instance == rng.choice(near)
    if rng.random() < 0.4 or other.mean() > 0.3:
        other &= _grown(true, 2 * int(rng.integers(4, 30)) + 1)
    return np.asarray((whole if rng.random() < 0.6 else true) | other)


def _half(rng: Rng, clicked: Clicked, whole: Mask) -> Mask:
    """What lies on one side of a line."""
    rows, columns = np.nonzero(whole)
    angle = rng.uniform(0, 2 * np.pi)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    kept = along > np.quantile(along, rng.uniform(0.2, 0.8))
    half = np.zeros_like(whole)
    half[rows[kept], columns[kept]] = True
    return half


def _resized(rng: Rng, clicked: Clicked, whole: Mask) -> Mask:
    """A few pixels too large or too small."""
    side = 2 * int(rng.integers(2, 7)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    change = cv2.dilate if rng.random() < 0.5 else cv2.erode
    return np.asarray(change(whole.astype(np.uint8), kernel) > 0)


def _joined(rng: Rng, clicked: Clicked, whole: Mask) -> Mask:
    """The thing together with a guess, or what both have in common."""
    guess = clicked.guess(int(rng.integers(len(clicked.guesses))))
    return np.asarray(whole | guess if rng.random() < 0.5 else whole & guess)


_MADE = (_whole, _whole, _some_parts, _with_neighbour, _half, _resized, _joined)


def _grown(mask: Mask, side: int) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0)
