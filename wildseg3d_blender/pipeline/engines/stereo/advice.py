# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a photo has no place in the model, measured from its matches, and what the artist can do about it."""

from __future__ import annotations

from collections.abc import Sequence, Set

from ....scene.folder import SkippedPhoto
from ....wording import counted
from ...photos.reading import Photo
from .evidence import Evidence

FEWEST_SHARED = 15
"""Verified matches below which two photos count as not overlapping."""

_FEWEST_FEATURES = 300
_MANY_SHARED = 100
_IN_BETWEEN = "Add photos in between, one every 10 to 15 degrees around the subject."
_SHARPER = (
    "Take photos again in focus and with more light, or put something patterned on plain, shiny or "
    "see-through surfaces."
)


def skipped_photos(photos: Sequence[Photo], placed: Set[int], evidence: Evidence) -> list[SkippedPhoto]:
    """A reason and advice for every photo whose index is not in ``placed``."""
    return [
        SkippedPhoto(photo.path, *_reason(i, photos, placed, evidence))
        for i, photo in enumerate(photos)
        if i not in placed
    ]


def why_nothing_fits(photos: Sequence[Photo], evidence: Evidence) -> str:
    """The sentence for a set of photos of which no two could be placed reliably."""
    plain = [
        photo.path.name
        for photo, found in zip(photos, evidence.features, strict=True)
        if found < _FEWEST_FEATURES
    ]
    if 2 * len(plain) > len(photos):
        return (
            f"Most photos show too little texture or are blurred ({_some(plain)}), so the cameras cannot be "
            f"found. {_SHARPER}"
        )
    (i, j), most = max(
        (((i, evidence.best_partner(i)[0]), evidence.best_partner(i)[1]) for i in range(len(photos))),
        key=lambda item: item[1],
    )
    pair = f"{photos[i].path.name} and {photos[j].path.name}"
    if most < FEWEST_SHARED:
        closest = f"even {pair} share only {counted(most, 'point')}" if most else "no points match at all"
        return f"No two photos show enough of the same surface: {closest}. {_IN_BETWEEN}"
    if evidence.pairs[min(i, j), max(i, j)].from_one_spot:
        return (
            f"The photos that match ({pair}) were taken from one spot, so there is no depth in them. Step "
            "sideways between photos instead of only turning the camera."
        )
    return (
        f"The photos overlap too little to place the cameras reliably: the best pair, {pair}, shares {most} "
        f"points, too few others confirm them. {_IN_BETWEEN}"
    )


def _reason(i: int, photos: Sequence[Photo], placed: Set[int], evidence: Evidence) -> tuple[str, str]:
    if evidence.features[i] < _FEWEST_FEATURES:
        found = counted(evidence.features[i], "feature")
        return f"shows too little texture or is blurred ({found} found)", _SHARPER
    partner, shared = evidence.best_partner(i)
    name = photos[partner].path.name
    if shared < FEWEST_SHARED:
        most = f": {shared} with {name}" if shared else ""
        return f"shares too few points with any other photo{most}", _IN_BETWEEN
    with_placed = max((evidence.count(i, j) for j in placed if j != i), default=0)
    if with_placed < FEWEST_SHARED:
        return (
            f"fits {name} ({shared} points in common) but none of the placed photos",
            "Add photos that lead from it to the others, or reconstruct the two groups separately.",
        )
    if shared >= _MANY_SHARED:
        return (
            f"could not be placed reliably although it shares {shared} points with {name}",
            "Add photos near it, taken from other places than the ones there are.",
        )
    return f"shares too few points with the others to be placed reliably: {shared} with {name}", _IN_BETWEEN


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
