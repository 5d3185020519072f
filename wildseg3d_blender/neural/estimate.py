# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reconstruction and finding objects will take, before they run: seconds and memory, about."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..reconstruct_settings import IMAGE_SIZE
from .presets import PRESETS, expected_further_pairs, expected_pairs

GB = 1e9

STEREO_SECONDS = (3.6, 0.1)
"""CPU seconds for each photo, and for each photo squared: nine photos took 20 s on two cores, twenty 55 s."""

STEREO_DEPTH = 1.1
"""CPU seconds of a photo's that are spent on its depth map, and grow with its pixels: eleven photos were
measured at 256, 512 and 1024 pixels."""

STEREO_MEMORY = (0.45 * GB, 0.018 * GB)
"""To begin with, and for each photo: nine photos took 0.6 GB, twenty 0.8 GB."""

STEREO_LARGE = (0.25 * GB, 0.025 * GB)
"""The same where depth maps are what takes most, above 512 pixels: eleven photos at 1024 took 1.35 GB."""

WEIGHTS = 2.3 * GB
"""DUSt3R's, in float32 on every device."""

PASS = 0.8 * GB
"""What one pair takes while it is computed at 512 pixels: attention in the decoder, then the widest maps of
the heads (see ``Dust3rNetwork.pairs_at_once``)."""

DRIVER = 0.5 * GB
"""Taken by a GPU's driver for any program."""

PROCESS = 1.0 * GB
"""A worker with torch."""

PAIR = 16 * 2 * 512 * 384
"""Bytes of a pair's answer: two pointmaps and their confidences."""

COPIES = 1.1
"""Times that a pair's answer is in memory at the peak, while it is aligned: 20 to 90 pairs measured."""

ENCODERS = {"sam2.1-tiny": 1.0, "sam2.1-small": 1.3, "sam2.1-base-plus": 2.2, "sam2.1-large": 5.1}
"""Seconds to encode a photo over those of SAM 2.1 tiny, measured on a CPU; decoding is the same for all."""

SAM2_WEIGHTS = {
    "sam2.1-tiny": 0.16 * GB,
    "sam2.1-small": 0.18 * GB,
    "sam2.1-base-plus": 0.32 * GB,
    "sam2.1-large": 0.9 * GB,
}

SAM2_PASS, FEATURES = 0.5 * GB, 8.4e6
"""What a photo takes while it is encoded, and what is kept of it."""

KEY_VIEWS, OBJECTS = 3, 20
"""Assumed where nobody can know: views that are searched, and objects that there are. Few scenes have more
than twice or less than half of that."""

POINTS = {"cpu": 12 * 12, "cuda": 32 * 32, "mps": 32 * 32}
"""Looked at in each key view, see ``sam2.automatic.Search``."""

ANSWERS, WINDOWS = 2.0, 0.5
"""To carry an object into another view by geometry: answers, and encodings of a window around a small one."""

LOADING, ALIGNING = 6.0, 0.1
"""Seconds: to load the weights from a disk, and for each pair to be aligned and written."""


@dataclass(frozen=True)
class Estimate:
    """Seconds, and bytes of the computer's memory and of the graphics card's own (0 where none is used)."""

    seconds: float
    memory: float
    card: float = 0.0


@dataclass(frozen=True)
class Asked:
    """What DUSt3R is asked for: so many photos, a quality preset, views of that longer side in pixels.

    ``placed`` of the photos have their place already: only pairs with the others are looked at.
    """

    photos: int
    quality: str
    image_size: int = IMAGE_SIZE.default
    placed: int = 0

    @property
    def area(self) -> float:
        """Of its images, as a share of those it is measured with, the largest it takes."""
        return min(self.image_size / IMAGE_SIZE.default, 1.0) ** 2

    @property
    def pairs(self) -> int:
        preset = PRESETS[self.quality]
        if self.placed:
            return expected_further_pairs(self.placed, self.photos - self.placed, preset)
        return expected_pairs(self.photos, preset)


def stereo_estimate(photos: int, cores: int, image_size: int = IMAGE_SIZE.default) -> Estimate:
    """The stereo engine on a CPU with that many cores."""
    area = (image_size / IMAGE_SIZE.default) ** 2
    each, squared = STEREO_SECONDS
    seconds = (each + STEREO_DEPTH * (area - 1.0)) * photos + squared * photos**2
    # As many threads as the engine takes: it leaves a core to the artist.
    threads = max(cores, 1) if cores <= 2 else min(cores - 1, 8)
    (base, more), (large_base, large_more) = STEREO_MEMORY, STEREO_LARGE
    return Estimate(seconds / threads, max(base + more * photos, large_base + large_more * area * photos))


def dust3r_estimate(asked: Asked, device: str, speed: Mapping[str, float]) -> Estimate:
    """DUSt3R on a device ("cpu", "cuda" or "mps") of that ``measured_speed``."""
    each = asked.photos * speed["encode"] + asked.pairs * (speed["pair"] + ALIGNING)
    memory = PROCESS + COPIES * PAIR * asked.area * asked.pairs
    seconds, at_once = LOADING + asked.area * each, WEIGHTS + asked.area * PASS
    if device == "cuda":
        return Estimate(seconds, memory, at_once + DRIVER)
    return Estimate(seconds, memory + at_once)


def sam2_estimate(views: int, device: str, speed: Mapping[str, float], model: str) -> Estimate:
    """SAM 2 finding the objects of a scene, on a device of that ``measured_speed``."""
    photo, point = ENCODERS[model] * speed["photo"], speed["point"]
    follow = speed["follow"] if "follow" in speed else ANSWERS * point + WINDOWS * photo
    searching = min(views, KEY_VIEWS) * POINTS[device] * point
    seconds = LOADING + views * photo + searching + OBJECTS * (views - 1) * follow
    memory = PROCESS + views * FEATURES
    at_once = SAM2_WEIGHTS[model] + SAM2_PASS
    if device == "cuda":
        return Estimate(seconds, memory, at_once + DRIVER)
    return Estimate(seconds, memory + at_once)


def smaller_preset(asked: Asked, device: str, speed: Mapping[str, float], room: float) -> str:
    """The finest preset below the one asked for that fits into ``room`` bytes of the computer's memory, or
    ""."""
    names = list(PRESETS)
    for name in reversed(names[: names.index(asked.quality)]):
        if dust3r_estimate(replace(asked, quality=name), device, speed).memory <= room:
            return name
    return ""


def duration(seconds: float) -> str:
    """A time for people who wait: "20 s", "3 min", "1.5 h"."""
    if seconds < 55:
        return f"{max(5 * round(seconds / 5), 5)} s"
    if seconds < 55 * 60:
        return f"{max(round(seconds / 60), 1)} min"
    return f"{seconds / 3600:.1f} h"


def amount(count: float) -> str:
    """Memory, as round as the estimate is: "0.6 GB", "4 GB"."""
    return f"{count / GB:.1f} GB" if count < 2 * GB else f"{round(count / GB)} GB"


def installed_memory() -> float | None:
    """Bytes of memory in this computer; None where the system does not say."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (OSError, ValueError):
        return None


def _windows_memory() -> float | None:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
        )

    status = Status(length=ctypes.sizeof(Status))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - mypy knows it on Windows only
    return float(status.total) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None
