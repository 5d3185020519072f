# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading photos: any common format, upright, 8-bit RGB, with the focal length EXIF knows."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ...errors import PhotoError
from ...files.names import unique_view_names
from ...files.photos import CHOOSE, UNREADABLE_SUFFIXES, find_photos
from ...progress import Progress, silent
from ...scene.folder import SkippedPhoto
from .exif import TURN, camera_and_lens, focal_pixels, orientation, upright_size

_SMALLEST_SIDE = 64
_MOST_PIXELS = 1_000_000_000
# Pillow refuses large images as a guard against hostile uploads; these are the artist's own photos.
Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
_TRANSPARENT_BACKGROUND = (128, 128, 128)
# Pillow reports broken files through all of these, depending on the format and on where the damage is.
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


class _Unusable(Exception):
    """Why a file is of no use (goes on after its name) and what would help (a sentence about one or many)."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason, advice)
        self.reason = reason
        self.advice = advice


@dataclass(frozen=True)
class Photo:
    """A photo that was opened once and found readable.

    Attributes:
        name: unique view name (see ``files.names.unique_view_names``).
        path: absolute.
        size: (width, height), upright.
        focal: focal length in photo pixels from EXIF, or None.
        camera: what EXIF says took it, see ``exif.camera_and_lens``.
    """

    name: str
    path: Path
    size: tuple[int, int]
    focal: float | None = None
    camera: str = ""


def open_photos(
    paths: Sequence[Path], *, progress: Progress = silent
) -> tuple[list[Photo], list[SkippedPhoto]]:
    """Open the photos among ``paths`` (files or folders), decoding each one once to find damage now.

    One bad file does not stop the work: it is left out and named in the second list. Photos with the same
    pixels are kept once.

    Returns:
        The photos, in the order of ``find_photos``, and those left out.

    Raises:
        PhotoError: fewer than two different photos are readable.
    """
    photos, skipped = usable_photos(find_photos(paths), progress=progress)
    if len(photos) < 2:
        raise PhotoError(_too_few(photos[0].path if photos else None, skipped), fix=CHOOSE)
    progress("photos", 1.0, f"{len(photos)} photos")
    return photos, skipped


def usable_photos(
    files: Sequence[Path], *, progress: Progress = silent
) -> tuple[list[Photo], list[SkippedPhoto]]:
    """As ``open_photos``, but of ``files`` alone, and however few are readable."""
    kept: list[tuple[Path, tuple[int, int], float | None, str]] = []
    skipped: list[SkippedPhoto] = []
    seen: dict[bytes, Path] = {}
    for number, file in enumerate(files):
        progress("photos", number / len(files), f"Opening {file.name}")
        try:
            size, focal, camera, fingerprint = _inspect(file)
        except _Unusable as error:
            skipped.append(SkippedPhoto(file, error.reason, error.advice))
            continue
        twin = seen.setdefault(fingerprint, file)
        if twin is not file:
            skipped.append(
                SkippedPhoto(file, f"is the same picture as {twin.name}", "Nothing is lost: one is enough.")
            )
            continue
        kept.append((file, size, focal, camera))
    names = unique_view_names([file for file, *_ in kept])
    return [Photo(name, *entry) for name, entry in zip(names, kept, strict=True)], skipped


def read_image(photo: Photo, *, longer_side: int | None = None) -> NDArray[np.uint8]:
    """Pixels of a photo, upright RGB, (H, W, 3) uint8.

    Alpha is composed onto grey; 16-bit and floating-point values are scaled to 8 bits.

    Args:
        photo: as ``open_photos`` made it.
        longer_side: shrink to this many pixels on the longer side (never enlarges). Both sides are
            rounded, so the scale of x and y may differ by a fraction of a pixel over the whole image;
            the image still spans exactly the photo's extent. Much faster and smaller for large JPEGs.

    Raises:
        PhotoError: the file has changed, is gone or is damaged.
    """
    try:
        with _opened(photo.path) as image:
            turn = TURN.get(orientation(image))
            if upright_size(image) != photo.size:
                raise _Unusable("has changed since it was opened", "Reconstruct again.")
            if longer_side is None or longer_side >= max(photo.size):
                rgb = _to_rgb(image)
            else:
                rgb = _shrunk_rgb(image, longer_side / max(photo.size))
            return np.asarray(rgb if turn is None else rgb.transpose(turn))
    except _Unusable as error:
        raise PhotoError(f"{photo.path.name} {error.reason}. {error.advice}") from error


def _too_few(only: Path | None, skipped: Sequence[SkippedPhoto]) -> str:
    advice = " ".join(dict.fromkeys(item.advice for item in skipped[:5]))
    left_out = "; ".join(f"{item.photo.name} {item.reason}" for item in skipped[:5])
    if len(skipped) > 5:
        left_out += f"; and {len(skipped) - 5} more"
    if only is None:
        which = "The only photo cannot" if len(skipped) == 1 else "None of the photos can"
        return f"{which} be used ({left_out}). {advice}"
    because = f" ({left_out})" if skipped else ""
    return (
        f"Only one photo to work with, {only.name}{because}: at least two different photos of the same scene "
        "are needed, taken from different places."
    )


def _inspect(file: Path) -> tuple[tuple[int, int], float | None, str, bytes]:
    """Upright size, focal length, camera and a fingerprint of the pixels."""
    if file.suffix.lower() in UNREADABLE_SUFFIXES:
        kind = file.suffix[1:].upper()
        raise _Unusable(f"is a {kind} file, which cannot be read", "Export as JPEG or PNG.")
    with _opened(file) as image:
        size = upright_size(image)
        if min(size) < _SMALLEST_SIDE:
            raise _Unusable(f"is only {size[0]}×{size[1]} pixels", "Use photos as they came from the camera.")
        focal, camera = focal_pixels(image), camera_and_lens(image)
        # Decoding at an eighth still reads every byte of a JPEG, so a cut-off file is found, at a fraction
        # of the time and memory.
        image.draft(None, (max(image.width // 8, 1), max(image.height // 8, 1)))
        image.load()
        digest = hashlib.sha256(repr((image.mode, size)).encode())
        digest.update(np.ascontiguousarray(np.asarray(image)).tobytes())
        return size, focal, camera, digest.digest()


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """The image, opened; whatever goes wrong in the block becomes ``_Unusable``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; only the pixels matter here.
            with Image.open(file) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise _Unusable(
                        f"has more than a thousand million pixels ({image.width}×{image.height})",
                        "Export at a smaller size.",
                    )
                yield image
    except UnidentifiedImageError as error:
        raise _Unusable("is not an image that can be read", "Export as JPEG or PNG.") from error
    except FileNotFoundError as error:
        raise _Unusable("is no longer there", "Choose the photos again.") from error
    except PermissionError as error:
        raise _Unusable("may not be opened", "Check the file permissions.") from error
    except _DECODING_ERRORS as error:
        if "truncated" in str(error).lower() or isinstance(error, EOFError):
            reason = "is cut off: the end of the file is missing"
            raise _Unusable(reason, "Copy from the camera again.") from error
        reason = f"is damaged or of an unknown kind ({error})"
        raise _Unusable(reason, "Copy again, or export as JPEG or PNG.") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as 8-bit RGB."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_to_8_bits(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        rgb = Image.new("RGB", image.size, _TRANSPARENT_BACKGROUND)
        rgb.paste(rgba, mask=rgba.getchannel("A"))
        return rgb
    return image.convert("RGB")


def _to_8_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey values of any type: integers are 16-bit where they exceed 255, floats are in [0, 1] or scaled."""
    grey = np.nan_to_num(values.astype(np.float64))
    highest = float(grey.max(initial=0.0))
    if np.issubdtype(values.dtype, np.integer):
        full = 255.0 if highest <= 255 and values.dtype != np.uint16 else max(65535.0, highest)
    else:
        full = max(1.0, highest)
    return np.clip(np.rint(grey * (255.0 / full)), 0, 255).astype(np.uint8)


def _shrunk_rgb(image: Image.Image, scale: float) -> Image.Image:
    """``image`` (not yet turned) as RGB at ``scale`` < 1, spanning the same extent."""
    full = image.size
    size = max(round(full[0] * scale), 1), max(round(full[1] * scale), 1)
    # A JPEG shrinks by powers of two while it is decoded. Its last row and column of blocks may reach past
    # the picture, so the extent in the smaller grid is taken from the scale, not from the rounded size.
    drafted = image.draft("RGB", (2 * size[0], 2 * size[1]))
    divisor = _draft_divisor(full, image.size) if drafted else 1
    extent = (0.0, 0.0, full[0] / divisor, full[1] / divisor)
    return _to_rgb(image).resize(size, Image.Resampling.LANCZOS, box=extent)


def _draft_divisor(full: tuple[int, int], drafted: tuple[int, int]) -> int:
    return next(d for d in (1, 2, 4, 8) if (-(-full[0] // d), -(-full[1] // d)) == drafted)
