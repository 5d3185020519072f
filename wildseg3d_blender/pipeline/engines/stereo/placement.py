# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos -> the sparse model they make together, and a reason for each photo that is not in it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ....errors import ReconstructionError
from ....progress import Progress, span
from ....scene_folder import SkippedPhoto
from ...photos import Photo
from .features import build_database, match_all_pairs
from .mapping import map_cameras
from .model import SparseModel, sparse_model
from .native import native_workspace


def place_photos(
    photos: Sequence[Photo], progress: Progress, seconds: dict[str, float]
) -> tuple[SparseModel, list[SkippedPhoto]]:
    with native_workspace() as workspace:
        start = time.perf_counter()
        database = build_database(photos, workspace, span(progress, 0.0, 0.6))
        seconds["features"] = time.perf_counter() - start
        start = time.perf_counter()
        match_all_pairs(database, workspace, span(progress, 0.6, 0.9))
        seconds["matching"] = time.perf_counter() - start
        start = time.perf_counter()
        models = map_cameras(database, workspace, span(progress, 0.9, 1.0), attempt=0)
        seconds["cameras"] = time.perf_counter() - start
        if not models:
            raise ReconstructionError("no model")
        return sparse_model(models[0], database), []
