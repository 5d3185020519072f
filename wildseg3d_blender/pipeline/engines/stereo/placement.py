# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos -> the sparse model they make together, and a reason for each photo that is not in it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations

from ....errors import ReconstructionError
from ....files.photos import CHOOSE
from ....progress import Progress, span
from ....scene.folder import SkippedPhoto
from ...photos.reading import Photo
from .advice import FEWEST_SHARED, skipped_photos, why_nothing_fits
from .evidence import Evidence, read_evidence
from .features import FeatureDatabase, build_database
from .mapping import Attempt, map_cameras, map_pair
from .matching import ALL_PAIRS_UP_TO, likely_pairs, match_pairs, overlooked_pairs, photo_similarity
from .model import SparseModel, sparse_model
from .native import NativeWorkspace, native_workspace
from .quality import reliable_pair, reliable_part

_PAIRS_TO_TRY = 3
_ATTEMPTED = (0.7, 0.7)
"""How much of what is left of the bar each attempt fills: most need but the first."""


@dataclass(frozen=True)
class Placement:
    """The model, the photos left out of it, and wall time by stage."""

    model: SparseModel
    skipped: tuple[SkippedPhoto, ...]
    seconds: dict[str, float]


def place_photos(photos: Sequence[Photo], progress: Progress) -> Placement:
    """Structure from motion. Stages 'features', 'matching' and 'cameras'.

    Of many photos only pairs that look alike are matched; should photos be left out then, those are matched
    with further ones, placed ones first, and if they share something after all, the cameras found once more.

    Raises:
        ReconstructionError: no two photos could be placed reliably; says why.
    """
    seconds: dict[str, float] = {}
    with native_workspace() as workspace:
        with timed(seconds, "features"):
            database = build_database(photos, workspace, span(progress, 0.0, 0.6))
        job = _Job(database, workspace, seconds)
        if len(photos) <= ALL_PAIRS_UP_TO:
            pairs = list(combinations(range(len(photos)), 2))
            model, evidence = _match_and_map(job, pairs, span(progress, 0.6, 1.0))
        else:
            model, evidence = _place_many(job, span(progress, 0.6, 1.0))
    if model is None:
        raise ReconstructionError(why_nothing_fits(photos, evidence), fix=CHOOSE)
    return Placement(model, tuple(skipped_photos(photos, _placed(model), evidence)), seconds)


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add the wall time of the block to its stage's."""
    start = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start


@dataclass(frozen=True)
class _Job:
    """What matching and mapping work on."""

    database: FeatureDatabase
    workspace: NativeWorkspace
    seconds: dict[str, float]


def _match_and_map(
    job: _Job, pairs: Sequence[tuple[int, int]], progress: Progress
) -> tuple[SparseModel | None, Evidence]:
    """Match more pairs, then find the cameras from all that were matched."""
    with timed(job.seconds, "matching"):
        match_pairs(job.database, pairs, job.workspace, span(progress, 0.0, 0.75))
    with timed(job.seconds, "cameras"):
        evidence = read_evidence(job.database)
        return _best_model(job.database, evidence, job.workspace, span(progress, 0.75, 1.0)), evidence


def _place_many(job: _Job, progress: Progress) -> tuple[SparseModel | None, Evidence]:
    """The cameras from likely pairs, and once more if that leaves out photos which overlooked pairs hold."""
    with timed(job.seconds, "matching"):
        similarity = photo_similarity(job.database, span(progress, 0.0, 0.05))
        pairs = likely_pairs(similarity)
    model, evidence = _match_and_map(job, pairs, span(progress, 0.05, 0.8))
    left_out = set(range(len(similarity))) - _placed(model)
    overlooked = overlooked_pairs(similarity, set(pairs), left_out)
    if not overlooked:
        return model, evidence
    with timed(job.seconds, "matching"):
        match_pairs(job.database, overlooked, job.workspace, span(progress, 0.8, 0.95))
    with timed(job.seconds, "cameras"):
        evidence = read_evidence(job.database)
        if all(evidence.count(i, j) < FEWEST_SHARED for i, j in overlooked):
            return model, evidence
        again = _best_model(job.database, evidence, job.workspace, span(progress, 0.95, 1.0))
    return (again if len(_placed(again)) > len(_placed(model)) else model), evidence


def _placed(model: SparseModel | None) -> set[int]:
    return set() if model is None else {photo.index for photo in model.photos}


def _best_model(
    database: FeatureDatabase, evidence: Evidence, workspace: NativeWorkspace, progress: Progress
) -> SparseModel | None:
    """The reliable model with most photos."""
    best: SparseModel | None = None
    for attempt, end in zip(Attempt, _ATTEMPTED, strict=True):
        tried, progress = span(progress, 0.0, end), span(progress, end, 1.0)
        for reconstruction in map_cameras(database, workspace, tried, attempt):
            model = reliable_part(sparse_model(reconstruction, database), evidence)
            if model is not None and (best is None or len(model.photos) > len(best.photos)):
                best = model
        if best is not None and len(best.photos) == len(database.photos):
            return best
    if best is not None:
        return best
    pairs = sorted(evidence.pairs, key=lambda pair: -len(evidence.pairs[pair]))
    for number, (i, j) in enumerate(pairs[:_PAIRS_TO_TRY]):
        tried = span(progress, number / _PAIRS_TO_TRY, (number + 1) / _PAIRS_TO_TRY)
        for reconstruction in map_pair(database, workspace, tried, i, j):
            model = sparse_model(reconstruction, database)
            if reliable_pair(model, evidence):
                return model
    return None
