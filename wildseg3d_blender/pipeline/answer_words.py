# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist should know about an answer to prompts, a sentence each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..prompts import PromptGroup
from ..scene.folder import Scene
from ..scene.packed_views import ViewMasks
from .prompt_answers import Answer
from .segmentation.pixel_prompts import pixel_prompts

SPECK = 0.02
"""A piece of a mask is a speck where it is a smaller share of the mask, and ..."""

TINY = 0.001
"""... of the photo."""

BESIDE = 2
"""Pixels by which an outline may miss a click on the object's rim."""

NOTABLE = 0.05
"""What objects side by side take from each other along their outlines is less than this share of one."""


def on_masks(name: str, masks: ViewMasks, *, measured: bool) -> tuple[str, ...]:
    """Of an object that is hard to see or to measure; ``measured``: it has 3D points."""
    if not measured:
        return (
            f"{name} has masks but no 3D points: nothing was measured there. Add photos in which its "
            "surface shows texture.",
        )
    shown = [view for view, mask in masks.items() if mask.any()]
    if len(shown) == 1 and len(masks) > 1:
        return (
            f"{name} was found in {shown[0]} only, so no other photo could check its shape: click it in "
            "another photo too if that one shows it.",
        )
    return ()


def on_losses(name: str, losses: Mapping[str, float]) -> tuple[str, ...]:
    """Of other objects that lose much to this one, which hardly shows: it covers them as they were.

    Args:
        losses: other object's name -> share of its points, see ``ownership.lost_unasked``.
    """
    notable = [f"{share:.0%} of {other}" for other, share in losses.items() if share >= NOTABLE]
    if not notable:
        return ()
    return (
        f"{name} took {' and '.join(notable)}: if that is not right, segment it again with shared points "
        "left to the others, or exclude what is not its own with a click.",
    )


def on_specks(
    scene: Scene, groups: Sequence[PromptGroup], answers: Sequence[Answer], larger: Sequence[bool] = ()
) -> tuple[str, ...]:
    """Of clicks that brought next to nothing, which hardly shows beside the rest.

    Cached objects are taken as they are: their small pieces are what shows of something behind others.

    Args:
        larger: whether each group's size can go up, where that can still be chosen.
    """
    views: dict[str, None] = {}
    helps = True
    for number, (group, answer) in enumerate(zip(groups, answers, strict=True)):
        if answer.item is not None:
            continue
        for click in pixel_prompts(scene, group.prompts).clicks:
            view = scene.views[click.view].name
            if click.positive and _is_speck(np.asarray(answer.masks[view]), click.row, click.column):
                views[view] = None
                helps = helps and bool(larger) and larger[number]
    if not views:
        return ()
    advice = "take it back, and add what is there as a part of its own"
    if helps:
        advice = f"try Larger; if that is too much, {advice}"
    return (f"A click in {' and '.join(views)} brought no more than a speck: {advice}.",)


def _is_speck(mask: NDArray[np.bool_], row: int, column: int) -> bool:
    if not mask[row, column]:
        low_row, low_column = max(row - BESIDE, 0), max(column - BESIDE, 0)
        return not mask[low_row : row + BESIDE + 1, low_column : column + BESIDE + 1].any()
    _, pieces, figures, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    size = int(figures[pieces[row, column], cv2.CC_STAT_AREA])
    return size < SPECK * np.count_nonzero(mask) and size < TINY * mask.size


def on_nothing(name: str, answers: Sequence[Answer]) -> str:
    """Why there is no object."""
    if any(bool(mask.any()) for mask in answers[0].masks.values()):
        return f"Nothing is left of {name}: what is taken away covers all of it."
    return f"Nothing was found at the prompts of {name}: place a prompt on the object itself."
