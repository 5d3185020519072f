# SPDX-License-Identifier: GPL-3.0-or-later
"""Verified matches -> cameras and sparse points, by COLMAP's incremental mapper."""

from __future__ import annotations

import pycolmap

from ....progress import Progress
from .features import FeatureDatabase, threads
from .native import NativeWorkspace


def map_cameras(
    database: FeatureDatabase, workspace: NativeWorkspace, progress: Progress, *, attempt: int
) -> list[pycolmap.Reconstruction]:
    """Models found, the one with most photos first.

    COLMAP's own limits suit hundreds of photos; artists bring ten. The first attempt (0) lowers them to
    what registers sparse sets without registering wrongly, the second (1) lowers them further.
    """
    count = len(database.photos)
    placed = 0

    def tick() -> None:
        progress("cameras", min(placed / count, 1.0), f"Placing cameras: {min(placed, count)} of {count}")

    def on_pair() -> None:
        nonlocal placed
        placed = 2

    def on_photo() -> None:
        nonlocal placed
        placed += 1

    output = workspace.folder / f"models-{attempt}"
    output.mkdir()
    models = workspace.run(
        pycolmap.incremental_mapping,
        database.path,
        database.images,
        output,
        _options(count, attempt),
        initial_image_pair_callback=on_pair,
        next_image_callback=on_photo,
        tick=tick,
    )
    return sorted(models.values(), key=lambda m: (m.num_reg_images(), m.num_points3D()), reverse=True)


def _options(count: int, attempt: int) -> pycolmap.IncrementalPipelineOptions:
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads = threads()
    options.random_seed = 0
    options.extract_colors = False
    options.min_model_size = min(3, count)
    options.min_num_matches = 10
    options.init_num_trials = 400
    # Wider or longer than any photo is taken: 0.3 is 150 degrees, 15 is a 500 mm lens.
    options.min_focal_length_ratio = 0.3
    options.max_focal_length_ratio = 15.0
    options.mapper.init_min_num_inliers = 40
    options.mapper.init_min_tri_angle = 6.0
    options.mapper.init_max_reg_trials = 4
    options.mapper.abs_pose_min_num_inliers = 15
    options.mapper.abs_pose_min_inlier_ratio = 0.12
    options.mapper.max_reg_trials = 5
    if attempt > 0:
        options.min_num_matches = 8
        options.mapper.init_min_num_inliers = 25
        options.mapper.init_min_tri_angle = 4.0
        options.mapper.abs_pose_min_num_inliers = 10
        options.triangulation.ignore_two_view_tracks = False
    return options
