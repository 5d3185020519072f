# SPDX-License-Identifier: GPL-3.0-or-later
"""The default engine on real photos: how many are placed, how right, how densely, how fast.

    python -m benchmarks.real_photos [PHOTO_SETS] [--sets fox fern kermit apple] [--wide]

``PHOTO_SETS`` (or the environment variable WILDSEG3D_DATA) holds a folder per set with its photos in
``images/`` and, where known, true cameras: ``colmap/images.txt`` or ``gt_cameras.npz`` (CO3D's, PyTorch3D
axes). Every set runs in a process of its own, so that its peak memory is its own. ``--wide`` also tries
photos too far apart to be placed, where the right answer is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildseg3d_blender.conventions import invert_rigid
from wildseg3d_blender.errors import WildSegError
from wildseg3d_blender.files.photos import find_photos
from wildseg3d_blender.pipeline.alignment import fit_sim3
from wildseg3d_blender.pipeline.reconstruct import reconstruct
from wildseg3d_blender.scene.folder import Scene

Array = NDArray[np.float64]
SETS = ("fox", "fern", "kermit", "apple")
SFM_STAGES = ("features", "matching", "cameras")
CONFIDENT = 0.3  # measured and confirmed, see engines.stereo.dense.DepthMap
WIDE_ANGLE = 50.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("WILDSEG3D_DATA"))
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--wide", action="store_true", help="photos too far apart, too")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("name the folder of photo sets, or set WILDSEG3D_DATA")
    if options.one:
        print(json.dumps(measure(Path(options.data) / options.one, wide=options.wide)))
        return 0
    for name in options.sets:
        report(name, in_own_process(options.data, name, wide=False))
        if options.wide and true_cameras(Path(options.data) / name):
            report(f"{name}, wide", in_own_process(options.data, name, wide=True))
    return 0


def in_own_process(data: Path, name: str, *, wide: bool) -> dict[str, Any]:
    """``measure`` in a fresh interpreter."""
    command = [sys.executable, "-m", "benchmarks.real_photos", str(data), "--one", name]
    if wide:
        command.append("--wide")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(folder: Path, *, wide: bool) -> dict[str, Any]:
    """Reconstruct the photos of one set and compare with what is known."""
    photos = find_photos([folder / "images"])
    truth = true_cameras(folder)
    if wide:
        photos = far_apart(photos, truth)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        try:
            scene = reconstruct(photos, Path(place) / "scene")
        except WildSegError as error:
            return {"given": len(photos), "error": error.message}
        coverage = [float((scene.confidence(view) > CONFIDENT).mean()) for view in scene.views]
        filled = [float((scene.confidence(view) > 0).mean()) for view in scene.views]
        return {
            "given": len(photos),
            "placed": len(scene.views),
            "left_out": [f"{s.photo.name} {s.reason}. {s.advice}" for s in scene.skipped],
            "coverage": float(np.mean(coverage)),
            "coverage_with_filled": float(np.mean(filled)),
            "seconds": {**scene.seconds, "whole": time.perf_counter() - start},
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "cameras": camera_errors(scene, truth) if truth else None,
        }


def report(name: str, result: dict[str, Any]) -> None:
    """Print what ``measure`` found."""
    if "error" in result:
        print(f"{name}: {result['given']} photos, refused: {result['error']}", flush=True)
        return
    seconds = result["seconds"]
    sfm = sum(seconds[stage] for stage in SFM_STAGES)
    print(
        f"{name}: placed {result['placed']}/{result['given']}, coverage {result['coverage']:.0%} "
        f"({result['coverage_with_filled']:.0%} with filled), {seconds['whole']:.1f} s = "
        f"{seconds['whole'] / sfm:.2f} x SfM ({sfm:.1f} s), peak {result['peak_mb']:.0f} MB"
    )
    print("   " + ", ".join(f"{stage} {value:.1f}" for stage, value in seconds.items()))
    if result["cameras"]:
        print("   cameras: " + ", ".join(f"{key} {value:.2f}" for key, value in result["cameras"].items()))
    for line in result["left_out"]:
        print("   left out: " + line)
    sys.stdout.flush()


def true_cameras(folder: Path) -> dict[str, Array]:
    """cam_to_world (4, 4), OpenCV axes, by photo file name; empty where unknown."""
    if (folder / "gt_cameras.npz").is_file():
        with np.load(folder / "gt_cameras.npz", allow_pickle=False) as stored:
            rotations, translations = stored["gtR"].astype(float), stored["gtT"].astype(float)
        # PyTorch3D: x_cam = x_world R + T, x to the left, y up.
        flip = np.diag([-1.0, -1.0, 1.0])
        names = sorted(path.name for path in (folder / "images").iterdir())
        return {
            name: _pose(flip @ rotation.T, flip @ translation)
            for name, rotation, translation in zip(names, rotations, translations, strict=True)
        }
    if (folder / "colmap" / "images.txt").is_file():
        lines = (folder / "colmap" / "images.txt").read_text(encoding="utf-8").splitlines()
        heads = [line.split() for line in lines if not line.startswith("#")][::2]
        return {
            head[9]: _pose(_rotation([float(x) for x in head[1:5]]), np.array([float(x) for x in head[5:8]]))
            for head in heads
        }
    return {}


def _pose(rotation: Array, translation: Array) -> Array:
    world_to_cam = np.eye(4)
    # Stored in single precision, so not quite a rotation.
    U, _, Vt = np.linalg.svd(rotation)
    world_to_cam[:3, :3], world_to_cam[:3, 3] = U @ Vt, translation
    return invert_rigid(world_to_cam)


def _rotation(quaternion: Sequence[float]) -> Array:
    """(w, x, y, z), unit -> (3, 3)."""
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def camera_errors(scene: Scene, truth: dict[str, Array]) -> dict[str, float]:
    """Errors after the best similarity: position in % of the scene's median depth, rotation in degrees."""
    found = np.array([view.cam_to_world for view in scene.views])
    true = np.array([truth[view.photo.name] for view in scene.views])
    to_truth = fit_sim3(found[:, :3, 3], true[:, :3, 3])
    depth = to_truth.scale * float(
        np.median(
            [
                np.median(
                    np.linalg.norm(
                        scene.pointmap(v)[scene.confidence(v) > 0] - v.cam_to_world[:3, 3], axis=-1
                    )
                )
                for v in scene.views
            ]
        )
    )
    moved = to_truth.apply_to_pose(found)
    position = 100.0 * np.linalg.norm(moved[:, :3, 3] - true[:, :3, 3], axis=-1) / depth
    cosine = (np.einsum("nij,nij->n", moved[:, :3, :3], true[:, :3, :3]) - 1.0) / 2.0
    rotation = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    return {
        "position median %": float(np.median(position)),
        "max %": float(position.max()),
        "rotation median °": float(np.median(rotation)),
        "max °": float(rotation.max()),
    }


def far_apart(photos: Sequence[Path], truth: dict[str, Array]) -> list[Path]:
    """As many photos as there are with every two of them looking in directions ``WIDE_ANGLE`` apart."""
    chosen: list[Path] = []
    for photo in photos:
        axis = truth[photo.name][:3, 2]
        others = [truth[other.name][:3, 2] for other in chosen]
        if all(np.degrees(np.arccos(np.clip(axis @ other, -1.0, 1.0))) > WIDE_ANGLE for other in others):
            chosen.append(photo)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
