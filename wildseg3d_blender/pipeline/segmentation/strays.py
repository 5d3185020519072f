# SPDX-License-Identifier: GPL-3.0-or-later
"""Points of an object that lie far off: a few pixels with a wrong depth, or an island of a mask. Needs
nothing but numpy."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...prompts import PromptGroup, is_positive
from ...scene.folder import Scene
from .pixel_prompts import pixel_prompts

GAP = 0.04
"""Pieces of an object are apart where nothing of it lies between them for this share of its diagonal.

Of the points that true masks give of 22 rendered things, 405 lie farther than a quarter of the thing's
diagonal from its true surface, most of them in tails that hang on it. At .04, 224 go and 29 that are on the
surface; at .02, 234 and 50; at .08, 206 and 27."""

FEW = 0.002
"""A piece with a smaller share of the points than this is stray.

In those 22 things 330 of 1.03 million points go, of no thing more than .05 % that are on its surface, and
none is left that lies a quarter of the diagonal apart from the rest; so it is at .004. At .001 a clump of
103 stays in the air."""

MOST = 0.02
"""Where more than this would go in all, an object is made of small pieces, and nothing goes. Of 517 objects
found in five scenes none loses more than .009."""

FAR = 100.0
"""In diagonals: what is farther from the middle counts as being this far, so that cells can be numbered."""

AROUND_CLICK = 1
"""Pixels around a click that count as clicked too: its own may have no depth."""

Bools = NDArray[np.bool_]
Thing = Mapping[int, Bools]
"""What somebody means by itself: number of a view -> (H, W) bool, its pixels there."""


def strays(points_world: NDArray[np.floating], things: Sequence[Bools] = ()) -> Bools:
    """Which of an object's points lie apart from it and are too few to be a part of it.

    A piece stays that has its share of anything that somebody means: of the whole object, or of one of the
    ``things``. So a button on the floor survives beside the coat if it was clicked or is a group of its own.

    Args:
        points_world: (n, 3), of all views together.
        things: (n,) bool each, the points of something that was pointed at.

    Returns:
        (n,) bool.
    """
    none = np.zeros(len(points_world), dtype=bool)
    if FEW * len(points_world) <= 1:  # a single point is more
        return none
    low, high = _bulk(points_world)
    diagonal = float(np.linalg.norm(high - low))
    if not diagonal > 0:
        return none
    cells = np.clip((points_world - (low + high) / 2) / diagonal, -FAR, FAR) // GAP
    piece = _pieces(cells.astype(np.int64))
    stays = np.zeros(int(piece.max()) + 1, dtype=bool)
    for thing in (~none, *things):
        count = np.bincount(piece[thing], minlength=len(stays))
        stays |= (count > 0) & (count >= FEW * count.sum())
    stray: Bools = ~stays[piece]
    return stray if stray.mean() <= MOST else none


def pointed_at(
    scene: Scene, groups: Sequence[PromptGroup], answers: Sequence[Mapping[str, Bools]]
) -> list[Thing]:
    """What the prompts of an object mean by themselves: every group of several, every click and box.

    Args:
        answers: what each group was found to be, view name -> (H, W) bool; may be empty for a single one.

    Raises:
        PromptError: a prompt does not fit its view.
    """
    numbers = {view.name: number for number, view in enumerate(scene.views)}
    adding = [group for group in groups if not group.subtract]
    found: list[Thing] = []
    if len(answers) > 1:
        both = zip(groups, answers, strict=True)
        found += [
            {numbers[name]: np.asarray(mask) for name, mask in answer.items()}
            for group, answer in both
            if not group.subtract
        ]
    for prompt in (prompt for group in adding for prompt in group.prompts if is_positive(prompt)):
        spot = pixel_prompts(scene, [prompt])
        for click in spot.clicks:
            rows = slice(max(click.row - AROUND_CLICK, 0), click.row + AROUND_CLICK + 1)
            columns = slice(max(click.column - AROUND_CLICK, 0), click.column + AROUND_CLICK + 1)
            found.append(_window(scene, click.view, rows, columns))
        for box in spot.boxes:
            rows, columns = slice(box.row0, box.row1), slice(box.column0, box.column1)
            found.append(_window(scene, box.view, rows, columns))
    return found


def _window(scene: Scene, view: int, rows: slice, columns: slice) -> Thing:
    inside = np.zeros(scene.views[view].size[::-1], dtype=bool)
    inside[rows, columns] = True
    return {view: inside}


def _bulk(points_world: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners (3,) of a box that holds nearly all of the points: what is far off must not stretch it."""
    some = points_world[:: max(1, len(points_world) // 10_000)]
    low, high = np.percentile(some, (2.0, 98.0), axis=0)
    return low, high


def _pieces(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the piece that each point belongs to (n,), by the cells (n, 3) of a grid; cells that
    touch, be it at a corner, are one piece."""
    cells = cells - cells.min(axis=0) + 1
    _, height, depth = cells.max(axis=0) + 2
    numbers, cell_of = np.unique(
        (cells[:, 0] * height + cells[:, 1]) * depth + cells[:, 2], return_inverse=True
    )
    ones, others = [], []
    for step in itertools.product((-1, 0, 1), repeat=3):
        ahead = (step[0] * height + step[1]) * depth + step[2]
        if ahead > 0:
            place = np.minimum(np.searchsorted(numbers, numbers + ahead), len(numbers) - 1)
            touching = numbers[place] == numbers + ahead
            ones.append(np.flatnonzero(touching))
            others.append(place[touching])
    one, other = np.concatenate(ones), np.concatenate(others)
    piece = np.arange(len(numbers))
    while (piece[one] != piece[other]).any():
        least = np.minimum(piece[one], piece[other])
        # The pieces themselves are joined, not only the two cells, and all that follow them with them.
        np.minimum.at(piece, piece[one], least)
        np.minimum.at(piece, piece[other], least)
        while (piece != piece[piece]).any():
            piece = piece[piece]
    return np.asarray(piece[cell_of.ravel()])
