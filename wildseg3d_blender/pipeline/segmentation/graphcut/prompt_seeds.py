# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts turned into nodes of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....prompts import Prompt
from ....scene.folder import Scene
from ..pixel_prompts import PixelBox, PixelClick, pixel_prompts
from .view_data import ViewData


@dataclass(frozen=True)
class Seeds:
    """What the prompts say, on the graph.

    Attributes:
        clicks: all clicks, in the order given.
        boxes: all boxes, in the order given.
        inside, outside: sorted unique nodes that hold a positive or a negative click. A node with both
            is left out of both: only pixels can tell there.
    """

    clicks: tuple[PixelClick, ...]
    boxes: tuple[PixelBox, ...]
    inside: NDArray[np.int64]
    outside: NDArray[np.int64]


def seeds_of(scene: Scene, views: Sequence[ViewData], prompts: Sequence[Prompt]) -> Seeds:
    """Check prompts and find their nodes. Raises what ``pixel_prompts`` raises."""
    found = pixel_prompts(scene, prompts)
    inside, outside = (
        np.unique([node_at(views, click) for click in found.clicks if click.positive == side]).astype(
            np.int64
        )
        for side in (True, False)
    )
    both = np.intersect1d(inside, outside)
    return Seeds(found.clicks, found.boxes, np.setdiff1d(inside, both), np.setdiff1d(outside, both))


def node_at(views: Sequence[ViewData], click: PixelClick) -> int:
    """The node that a click lies on."""
    return int(views[click.view].labels[click.row, click.column])
