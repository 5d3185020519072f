# SPDX-License-Identifier: GPL-3.0-or-later
"""Object boundaries with and without DGA, zoomed, as the paper's figures show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from wildseg3d_blender.pipeline.photos.reading import Photo, read_image
from wildseg3d_blender.pipeline.photos.undistort import undistort
from wildseg3d_blender.pipeline.segmentation.projection import Patches, Sight, patches_of
from wildseg3d_blender.scene.folder import View

from .columns import DEFAULT, WITHOUT, Column
from .measure import Bools, Case, CaseObject, aligned_objects, score, sight_in

Picture = NDArray[np.uint8]

PANEL = 300
"""Pixels along a panel's side."""

FINER = 4
"""Photo pixels shown per view pixel."""

MARGIN = 0.12
"""Of the object's larger side, left around it."""

OUTLINE = (255, 230, 0)
EMPTY = (60, 62, 70)
CORRECT, MISSING, TOO_MUCH = (90, 150, 105), (235, 60, 50), (70, 130, 255)
HEADS = ("photo, true outline", "points without DGA", "points with DGA", "without: errors", "with: errors")
LEGEND = "yellow: true outline   red: missing   blue: too much   green: right"


@dataclass(frozen=True)
class Crop:
    """A square of a view, in view pixels, to be drawn ``PANEL`` pixels wide."""

    x: float
    y: float
    side: float

    @property
    def zoom(self) -> float:
        return PANEL / self.side

    def camera(self, K: NDArray[np.floating]) -> NDArray[np.float64]:
        """K of the view, looking at the crop only."""
        zoomed = np.diag([self.zoom, self.zoom, 1.0]) @ K
        zoomed[:2, 2] -= self.zoom * np.array([self.x, self.y])
        return zoomed


@dataclass(frozen=True)
class Side:
    """A case aligned in one way: its views, their patches, and the points of each object."""

    views: Mapping[str, View]
    patches: Sequence[Patches]
    points: Mapping[str, Mapping[str, Bools]]
    sights: Mapping[str, Sight]

    def sight(self, name: str, crop: Crop) -> Sight:
        """What the view ``name`` sees of the other views' points, magnified."""
        view = self.views[name]
        return sight_in(self.patches, replace(view, K=crop.camera(view.K), size=(PANEL, PANEL)))

    def mask(self, item: CaseObject, name: str) -> Bools:
        return self.sights[name].mask(self.points[item.name])

    def score(self, item: CaseObject, name: str) -> float:
        return score(self.views[name], self.mask(item, name), item.truth[name])


def write_sheets(case: Case, forms: Sequence[str], folder: Path) -> list[Path]:
    """A PNG per form with two rows per object, in the view where DGA changes most; returns the files."""
    without = _side(case, WITHOUT)
    files = []
    for form in forms:
        pair = (without, _side(case, Column(form, *DEFAULT)))
        rows = [row for item in case.objects for row in _rows(case, item, pair)]
        if rows:
            file = folder / f"{case.name.replace('/', '_')} - {form}.png"
            _sheet(f"{case.name} ({case.group}), DGA: {form} {DEFAULT[0]} / {DEFAULT[1]}", rows).save(file)
            files.append(file)
    return files


Row = tuple[str, list[Picture]]


def _side(case: Case, column: Column) -> Side:
    scene, points = aligned_objects(case, column)
    patches = [patches_of(scene, view) for view in scene.views]
    targets = {name for item in case.objects for name in item.truth}
    seen = {view.name: sight_in(patches, view) for view in scene.views if view.name in targets}
    return Side({view.name: view for view in scene.views}, patches, points, seen)


def _rows(case: Case, item: CaseObject, pair: tuple[Side, Side]) -> list[Row]:
    """Two rows, in the target where the IoU differs most: the object, and where the two differ most."""
    names = [name for name in item.truth if all(name in side.views for side in pair)]
    if not names:
        return []
    changes = [abs(pair[1].score(item, name) - pair[0].score(item, name)) for name in names]
    name = names[int(np.argmax(changes))]
    whole = _around(_magnified(pair[0].views[name], item.truth[name], None), MARGIN)
    changed = pair[0].mask(item, name) ^ pair[1].mask(item, name)
    wrong = pair[1].mask(item, name) ^ _magnified(pair[0].views[name], item.truth[name], None)
    closer = _busiest(changed if changed.any() else wrong, whole)
    scores = [side.score(item, name) for side in pair]
    texts = (
        f"{item.name} in {name}: IoU {scores[0]:.3f} without DGA, {scores[1]:.3f} with",
        f"{item.name} in {name}: "
        + (
            "where the two differ most"
            if changed.any()
            else "the two do not differ; where both are most wrong"
        ),
    )
    return [
        (text, _panels(case, item, name, pair, crop))
        for text, crop in zip(texts, (whole, closer), strict=True)
    ]


def _panels(case: Case, item: CaseObject, name: str, pair: tuple[Side, Side], crop: Crop) -> list[Picture]:
    true = _magnified(pair[0].views[name], item.truth[name], crop)
    photo = _photo(case, name, crop)
    images = {
        view.name: np.asarray(pair_view.image)
        for view, pair_view in zip(case.scene.views, case.graph.views, strict=True)
    }
    drawn, errors = [], []
    for side in pair:
        sight, points = side.sight(name, crop), side.points[item.name]
        mask = sight.mask(points)
        drawn.append(_outlined(_coloured(images, sight, points, mask), true))
        errors.append(_outlined(_compared(mask, true), true))
    return [_outlined(photo, true), *drawn, *errors]


def _around(mask: Bools, margin: float) -> Crop:
    rows, columns = np.nonzero(mask)
    low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()]) + 1
    side = float((high - low).max()) * (1 + 2 * margin)
    x, y = (low + high - side) / 2
    return Crop(float(x), float(y), side)


def _busiest(changes: Bools, within: Crop) -> Crop:
    """The square, a third of ``within`` wide, that has the most of ``changes``."""
    side = within.side / 3
    density = cv2.boxFilter(changes.astype(np.float32), -1, (max(round(side), 1),) * 2, normalize=False)
    row, column = np.unravel_index(int(density.argmax()), density.shape)
    return Crop(float(column + 0.5 - side / 2), float(row + 0.5 - side / 2), side)


def _magnified(view: View, mask: Bools, crop: Crop | None) -> Bools:
    """A true mask on the pixels of a crop, or on the view's grid."""
    width, height = view.size if crop is None else (PANEL, PANEL)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    pixels = np.stack([x, y], axis=-1)
    if crop is not None:
        pixels = pixels / crop.zoom + [crop.x, crop.y]
    photo = view.warp.to_photo(pixels) * (np.array(mask.shape[::-1]) / view.photo_size)
    source = photo.astype(np.float32) - np.float32(0.5)
    # Smoothed as by a pixel, so that a coarse mask's outline is a curve.
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)
    return cv2.remap(soft, source[..., 0], source[..., 1], cv2.INTER_LINEAR) > 0.5


def _photo(case: Case, name: str, crop: Crop) -> Picture:
    view = case.scene.view(name)
    photo = read_image(Photo(view.name, view.photo, view.photo_size))
    image = undistort(photo, view.warp, view.size, FINER)
    x, y = np.meshgrid(np.arange(PANEL) + 0.5, np.arange(PANEL) + 0.5)
    source = (np.stack([x, y], axis=-1) / crop.zoom + [crop.x, crop.y]) * FINER - 0.5
    x, y = np.moveaxis(source.astype(np.float32), -1, 0)
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, borderValue=EMPTY)


def _coloured(
    images: Mapping[str, Picture], sight: Sight, points: Mapping[str, Bools], mask: Bools
) -> Picture:
    """The object's points in a crop, with the colours that the views they come from have there."""
    belongs = np.concatenate([np.ravel(points[name]) for name in sight.views])
    colours = np.concatenate([images[name].reshape(-1, 3) for name in sight.views])
    ours = belongs[sight.points]
    pixels, weights, count = sight.pixels[ours], sight.weights[ours], PANEL * PANEL
    total = np.bincount(pixels, weights, count)
    mixed = (
        np.stack(
            [np.bincount(pixels, weights * colours[sight.points[ours], c], count) for c in range(3)], axis=-1
        )
        / np.maximum(total, 1e-9)[:, None]
    )
    picture = np.full((PANEL, PANEL, 3), EMPTY, dtype=np.uint8)
    shown = mask & (total > 0).reshape(PANEL, PANEL)
    picture[shown] = mixed.reshape(PANEL, PANEL, 3)[shown].astype(np.uint8)
    gaps = (mask & ~shown).astype(np.uint8)
    return cv2.inpaint(picture, gaps, 3, cv2.INPAINT_TELEA) if gaps.any() else picture


def _compared(mask: Bools, true: Bools) -> Picture:
    picture = np.full((PANEL, PANEL, 3), EMPTY, dtype=np.uint8)
    picture[mask & true], picture[true & ~mask], picture[mask & ~true] = CORRECT, MISSING, TOO_MUCH
    return picture


def _outlined(picture: Picture, true: Bools) -> Picture:
    contours, _ = cv2.findContours(true.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.ascontiguousarray(picture), contours, -1, OUTLINE, 1, cv2.LINE_AA)


def _sheet(title: str, rows: Sequence[tuple[str, list[Picture]]]) -> Image.Image:
    gap, head, line = 6, 64, 26
    width = len(HEADS) * (PANEL + gap) + gap
    sheet = Image.new("RGB", (width, head + len(rows) * (PANEL + line + gap) + gap), (24, 25, 29))
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(19), ImageFont.load_default(15)
    draw.text((gap, 6), f"{title}.  {LEGEND}", font=large, fill=(240, 240, 240))
    for n, text in enumerate(HEADS):
        draw.text((gap + n * (PANEL + gap), 38), text, font=large, fill=(200, 205, 215))
    for r, (text, panels) in enumerate(rows):
        top = head + r * (PANEL + line + gap)
        draw.text((gap, top + 4), text, font=small, fill=(240, 240, 240))
        for n, panel in enumerate(panels):
            sheet.paste(Image.fromarray(panel), (gap + n * (PANEL + gap), top + line))
    return sheet
