# SPDX-License-Identifier: GPL-3.0-or-later
"""Verified matches -> cameras and sparse points, by COLMAP's incremental mapper."""

from __future__ import annotations

import tempfile
from enum import Enum
from pathlib import Path

import pycolmap

from ....progress import Progress
from .features import FeatureDatabase, file_name
from .native import NativeWorkspace


class Attempt(Enum):
    """How little the mapper asks for. COLMAP's own limits suit hundreds of photos; artists bring ten."""

    CAREFUL = "careful"
    LENIENT = "lenient"


def map_cameras(
    database: FeatureDatabase, workspace: NativeWorkspace, progress: Progress, attempt: Attempt
) -> list[pycolmap.Reconstruction]:
    """Models of three or more photos, the one with most photos first."""
    options = _options(attempt)
    options.min_model_size = 3
    return _run(database, workspace, progress, options, len(database.photos))


def map_pair(
    database: FeatureDatabase, workspace: NativeWorkspace, progress: Progress, i: int, j: int
) -> list[pycolmap.Reconstruction]:
    """Models of photos i and j alone, at most one.

    Two photos cannot tell focal length and distortion: those of EXIF, or common ones, are kept.
    """
    options = _options(Attempt.LENIENT)
    options.min_model_size = 2
    options.image_names = [file_name(i), file_name(j)]
    options.ba_refine_focal_length = False
    options.ba_refine_extra_params = False
    options.mapper.init_min_tri_angle = 2.0
    return _run(database, workspace, progress, options, 2)


def _run(
    database: FeatureDatabase,
    workspace: NativeWorkspace,
    progress: Progress,
    options: pycolmap.IncrementalPipelineOptions,
    count: int,
) -> list[pycolmap.Reconstruction]:
    placed = most = 0

    def tick() -> None:
        nonlocal most
        done = min(placed, count)
        most = max(most, done)  # what the mapper throws away to begin anew was work all the same
        progress("cameras", most / count, f"Placing cameras: {done} of {count}")

    def on_pair() -> None:
        nonlocal placed
        placed = 2

    def on_photo() -> None:
        nonlocal placed
        placed += 1

    models = workspace.run(
        pycolmap.incremental_mapping,
        database.path,
        database.images,
        Path(tempfile.mkdtemp(prefix="models-", dir=workspace.folder)),
        options,
        initial_image_pair_callback=on_pair,
        next_image_callback=on_photo,
        tick=tick,
    )
    return sorted(models.values(), key=lambda m: (m.num_reg_images(), m.num_points3D()), reverse=True)


def _options(attempt: Attempt) -> pycolmap.IncrementalPipelineOptions:
    options = pycolmap.IncrementalPipelineOptions()
    # With more threads the first pair is whichever a thread finds first: another model from the same photos.
    options.num_threads = 1
    options.mapper.num_threads = 1
    options.random_seed = 0
    options.extract_colors = False
    options.init_num_trials = 400
    # Wider or longer than any photo is taken: 0.3 is 120 degrees, 15 is a 500 mm lens.
    options.min_focal_length_ratio = 0.3
    options.max_focal_length_ratio = 15.0
    # Points that only two photos see hold sparse sets together; whether to believe is decided afterwards.
    options.triangulation.ignore_two_view_tracks = False
    options.mapper.init_max_reg_trials = 4
    options.mapper.max_reg_trials = 5
    options.mapper.abs_pose_min_inlier_ratio = 0.12
    if attempt is Attempt.CAREFUL:
        options.min_num_matches = 10
        options.mapper.init_min_num_inliers = 40
        options.mapper.init_min_tri_angle = 6.0
        options.mapper.abs_pose_min_num_inliers = 15
    else:
        options.min_num_matches = 8
        options.mapper.init_min_num_inliers = 25
        options.mapper.init_min_tri_angle = 4.0
        options.mapper.abs_pose_min_num_inliers = 10
    return options
