# SPDX-License-Identifier: GPL-3.0-or-later
"""One object in one photo set with its true masks: what every loader yields."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from wildseg3d_blender.errors import SceneError

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Scribbles:
    """Strokes on the reference photo: pictures that are black but for the stroke, at any size."""

    positive: Path
    negative: Path


@dataclass(frozen=True)
class TruthScene:
    """One object to be segmented.

    Attributes:
        name: for tables.
        photos: every photo of the set, in the order they were taken.
        reference: the photo the object is pointed at.
        reference_mask: the object's true mask there, or None where only scribbles are published.
        scribbles: strokes on the reference, where published.
        targets: photo -> true mask, in the order of the photos; never the reference. A mask may be smaller
            than its photo.
    """

    name: str
    photos: tuple[Path, ...]
    reference: Path
    reference_mask: Path | None
    scribbles: Scribbles | None
    targets: Mapping[Path, Path]

    def nearest(self, count: int) -> TruthScene:
        """The same with ``count`` photos at most: the reference, the targets next to it, those in between."""
        place = {photo: n for n, photo in enumerate(self.photos)}
        here = place[self.reference]
        targets = sorted(self.targets, key=lambda photo: abs(place[photo] - here))[: max(count - 1, 1)]
        kept = {self.reference, *targets}
        others = sorted(
            (photo for photo in self.photos if photo not in kept),
            key=lambda photo: min(abs(place[photo] - place[other]) for other in (self.reference, *targets)),
        )
        kept.update(others[: max(count - len(kept), 0)])
        return self.only([photo.stem for photo in kept])

    def spread(self, count: int) -> TruthScene:
        """The same with ``count`` photos at most: the reference, the targets, and others evenly between them.

        Where fewer lie between, those just outside take part too.
        """
        place = {photo: n for n, photo in enumerate(self.photos)}
        kept = sorted({place[self.reference], *(place[photo] for photo in self.targets)})
        first, last = kept[0], kept[-1]
        while last - first + 1 < min(count, len(self.photos)):
            first, last = max(first - 1, 0), min(last + 1, len(self.photos) - 1)
        rest = [n for n in range(first, last + 1) if n not in kept]
        while rest and len(kept) < count:
            # The one farthest from all that are kept; of equals the first.
            farthest = max(rest, key=lambda n: min(abs(n - other) for other in kept))
            kept.append(farthest)
            rest.remove(farthest)
        return self.only([self.photos[n].stem for n in kept])

    def only(self, stems: Collection[str]) -> TruthScene:
        """The same with the photos of these names alone; the reference has to be among them."""
        return replace(
            self,
            photos=tuple(photo for photo in self.photos if photo.stem in stems),
            targets={photo: mask for photo, mask in self.targets.items() if photo.stem in stems},
        )


def read_mask(file: Path) -> NDArray[np.bool_]:
    """(H, W) bool of a mask file: what is brighter than half of its brightest pixel.

    Some sets store 0 and 1, some 0 and 255. SceneError when the file cannot be read.
    """
    try:
        with Image.open(file) as opened:
            grey = np.asarray(ImageOps.exif_transpose(opened).convert("L"))
    except OSError as error:
        raise SceneError(f"The mask {file} cannot be read ({error}): download it again.") from error
    return grey > 0.5 * max(int(grey.max()), 1)


def scribble_clicks(
    scribbles: Scribbles, photo_size: tuple[int, int], count: int
) -> list[tuple[float, float, bool]]:
    """``count`` clicks on each stroke as (x, y, positive), photo pixels, spread along it; positive first.

    The first is in the middle of the stroke's pixels, each further one as far as can be from those before.
    SceneError when a stroke is empty.
    """
    clicks = []
    for file, positive in ((scribbles.positive, True), (scribbles.negative, False)):
        stroke = read_mask(file)
        rows, columns = np.nonzero(stroke)
        if not len(rows):
            raise SceneError(f"The scribble {file} is empty: download it again.")
        scale = np.array([photo_size[0] / stroke.shape[1], photo_size[1] / stroke.shape[0]])
        pixels = (np.stack([columns, rows], axis=-1) + 0.5) * scale
        chosen = [int(np.linalg.norm(pixels - np.median(pixels, axis=0), axis=-1).argmin())]
        distance = np.linalg.norm(pixels - pixels[chosen[0]], axis=-1)
        while len(chosen) < min(count, len(pixels)):
            chosen.append(int(distance.argmax()))
            distance = np.minimum(distance, np.linalg.norm(pixels - pixels[chosen[-1]], axis=-1))
        clicks += [(float(x), float(y), positive) for x, y in pixels[chosen]]
    return clicks


def photos_in(folder: Path) -> tuple[Path, ...]:
    """The photos directly in a folder, by name."""
    if not folder.is_dir():
        return ()
    return tuple(
        sorted(
            file
            for file in folder.iterdir()
            if file.suffix.lower() in PHOTO_SUFFIXES and not file.name.startswith((".", "_"))
        )
    )


def photo_folders(root: Path, names: Sequence[str]) -> list[Path]:
    """Folders with photos of a scene: ``<name>/images``, ``<name>/images_4`` … or ``<name>`` itself.

    The scene's folder is looked for in ``root`` and two levels below it; capitals do not matter. The
    full-size photos come first: only they carry the cameras' file names.
    """
    wanted = [name.casefold() for name in names]
    level, found = [root], []
    for _ in range(3):
        below = [entry for folder in level for entry in sorted(folder.iterdir()) if entry.is_dir()]
        found += [entry for entry in below if entry.name.casefold() in wanted]
        level = below
    found.sort(key=lambda folder: wanted.index(folder.name.casefold()))
    places = [folder / part for folder in found for part in ("images", "images_4", "images_8", "")]
    return [place for place in places if photos_in(place)]
