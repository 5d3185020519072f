# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos -> the sparse model they make together, and a reason for each photo that is not in it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ....errors import ReconstructionError
from ....progress import Progress, span
from ....scene_folder import SkippedPhoto
from ...photos import Photo
from .advice import skipped_photos, why_nothing_fits
from .evidence import Evidence, read_evidence
from .features import FeatureDatabase, build_database, match_all_pairs
from .mapping import Attempt, map_cameras, map_pair
from .model import SparseModel, sparse_model
from .native import NativeWorkspace, native_workspace
from .quality import reliable_pair, reliable_part

_PAIRS_TO_TRY = 3


@dataclass(frozen=True)
class Placement:
    """The model, the photos left out of it, and wall time by stage."""

    model: SparseModel
    skipped: tuple[SkippedPhoto, ...]
    seconds: dict[str, float]


def place_photos(photos: Sequence[Photo], progress: Progress) -> Placement:
    """Structure from motion. Stages 'features', 'matching' and 'cameras'.

    Raises:
        ReconstructionError: no two photos could be placed reliably; says why.
    """
    seconds: dict[str, float] = {}
    with native_workspace() as workspace:
        with timed(seconds, "features"):
            database = build_database(photos, workspace, span(progress, 0.0, 0.6))
        with timed(seconds, "matching"):
            match_all_pairs(database, workspace, span(progress, 0.6, 0.9))
        with timed(seconds, "cameras"):
            evidence = read_evidence(database)
            model = _best_model(database, evidence, workspace, span(progress, 0.9, 1.0))
    if model is None:
        raise ReconstructionError(why_nothing_fits(photos, evidence))
    placed = {photo.index for photo in model.photos}
    return Placement(model, tuple(skipped_photos(photos, placed, evidence)), seconds)


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Note the wall time of the block."""
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start


def _best_model(
    database: FeatureDatabase, evidence: Evidence, workspace: NativeWorkspace, progress: Progress
) -> SparseModel | None:
    """The reliable model with most photos."""
    best: SparseModel | None = None
    for attempt in Attempt:
        for reconstruction in map_cameras(database, workspace, progress, attempt):
            model = reliable_part(sparse_model(reconstruction, database), evidence)
            if model is not None and (best is None or len(model.photos) > len(best.photos)):
                best = model
        if best is not None and len(best.photos) == len(database.photos):
            return best
    if best is not None:
        return best
    pairs = sorted(evidence.pairs, key=lambda pair: -len(evidence.pairs[pair]))
    for i, j in pairs[:_PAIRS_TO_TRY]:
        for reconstruction in map_pair(database, workspace, progress, i, j):
            model = sparse_model(reconstruction, database)
            if reliable_pair(model, evidence):
                return model
    return None
