# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photos to compare in full, and comparing them: verified matches in a COLMAP database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from itertools import combinations

import numpy as np
import pycolmap
from numpy.typing import NDArray

from ....progress import Progress
from ...pair_selection import FEATURES_PER_PHOTO, descriptor_similarity, in_capture_order, select_pairs
from .features import FeatureDatabase, file_name, threads
from .native import NativeWorkspace, Steps

ALL_PAIRS_UP_TO = 12
"""Photos of which every pair is compared. The time for that grows with the square of their number."""

_NEIGHBOURS = 8
_WINDOW = 2
_BLOCK = 6  # photos on either side of a block of pairs
_PAIRS_PER_CALL = 36
# A first guess of one core's pace, for a progress bar that moves; measured pace takes over at once.
_SECONDS_PER_PAIR = 0.15


def photo_similarity(database: FeatureDatabase, progress: Progress) -> NDArray[np.float64]:
    """How alike the photos look by their coarsest features, (N, N). Stage 'matching'."""
    progress("matching", 0.0, "Comparing how photos look")
    return descriptor_similarity(coarse_descriptors(database), progress=progress)


def coarse_descriptors(database: FeatureDatabase) -> list[NDArray[np.uint8]]:
    """Descriptors (n, 128) of each photo's largest features: those that show from farther away too."""
    descriptors = []
    with pycolmap.Database.open(database.path) as db:
        for index in range(len(database.photos)):
            shapes = db.read_keypoints(index + 1)[:, 2:6].astype(np.float64)  # affine, row by row
            area = np.abs(shapes[:, 0] * shapes[:, 3] - shapes[:, 1] * shapes[:, 2])
            largest = np.argsort(-area, kind="stable")[:FEATURES_PER_PHOTO]
            descriptors.append(np.asarray(db.read_descriptors(index + 1).data)[largest])
    return descriptors


def likely_pairs(similarity: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs (i < j) of many photos that probably overlap."""
    window = _WINDOW if in_capture_order(similarity) else 0
    return select_pairs(similarity, neighbours=_NEIGHBOURS, window=window, complete_up_to=ALL_PAIRS_UP_TO)


def overlooked_pairs(
    similarity: NDArray[np.float64], tried: Set[tuple[int, int]], left_out: set[int]
) -> list[tuple[int, int]]:
    """Untried pairs of the photos left out, at most as many as were tried.

    Those with a placed photo come first, and of them the most similar.
    """
    untried = [
        pair
        for pair in combinations(range(len(similarity)), 2)
        if pair not in tried and not left_out.isdisjoint(pair)
    ]
    untried.sort(key=lambda pair: (len(left_out.intersection(pair)), -similarity[pair], pair))
    return untried[: len(tried)]


def match_pairs(
    database: FeatureDatabase,
    pairs: Sequence[tuple[int, int]],
    workspace: NativeWorkspace,
    progress: Progress,
) -> None:
    """Match each pair of photos and keep what one two-view geometry explains."""
    matching = pycolmap.FeatureMatchingOptions()
    matching.use_gpu = False
    matching.num_threads = threads()
    matching.sift.max_ratio = 0.8
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = 0
    steps = Steps(len(pairs), _SECONDS_PER_PAIR / threads())

    def tick() -> None:
        done, fraction = steps.now()
        progress("matching", fraction, f"Comparing photos: pair {done} of {steps.total}")

    for batch in _batches(pairs):
        pairing = pycolmap.ImportedPairingOptions()
        pairing.match_list_path = workspace.folder / "pairs.txt"
        lines = (f"{file_name(i)} {file_name(j)}\n" for i, j in batch)
        pairing.match_list_path.write_text("".join(lines), encoding="ascii")
        with steps.taking(len(batch)):
            workspace.run(
                pycolmap.match_image_pairs,
                database.path,
                matching_options=matching,
                pairing_options=pairing,
                verification_options=verification,
                device=pycolmap.Device.cpu,
                tick=tick,
            )


def _batches(pairs: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """The pairs, those that share photos together: each call prepares the descriptors of its photos anew."""
    ordered = sorted(pairs, key=lambda pair: (pair[0] // _BLOCK, pair[1] // _BLOCK, pair))
    for start in range(0, len(ordered), _PAIRS_PER_CALL):
        yield ordered[start : start + _PAIRS_PER_CALL]
