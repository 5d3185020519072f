# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mask cache (see ``pipeline.segmentation.mask_cache``) was made for, and whether it still fits."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

FORMAT = 2
FOLDER = "mask_cache"


def scene_stamp(scene_folder: Path) -> str:
    """A digest of the scene's views, cameras and settings. OSError when it cannot be read."""
    return hashlib.sha256((scene_folder / "scene.json").read_bytes()).hexdigest()


def header(segmenter: str, stamp: str, count: int) -> dict[str, Any]:
    """What ``cache.json`` holds, for a cache of ``count`` objects."""
    return {"format": FORMAT, "segmenter": segmenter, "scene": stamp, "objects": count}


def fitting_header(scene_folder: Path, segmenter: str) -> dict[str, Any] | None:
    """The header of a scene's cache; None where there is none of this format, scene and segmenter."""
    try:
        data = json.loads((scene_folder / FOLDER / "cache.json").read_text(encoding="utf-8"))
        stamp = scene_stamp(scene_folder)
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict) or data != header(segmenter, stamp, data.get("objects", -1)):
        return None
    return data
