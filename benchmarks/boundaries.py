# SPDX-License-Identifier: GPL-3.0-or-later
"""Learn how likely a boundary between superpixels is an object's outline, from scenes with true masks.

    python -m benchmarks.boundaries [--data DIR] [--scenes DIR]

For the model without the outline network and the one with it: prints the coefficients learned from all
scenes, and for each object how well boundaries are told from inner edges (area under the ROC curve) by a
model that was learned from the other scenes only. Those that ``graphcut/boundaries.py`` holds come from the
photo sets and the table, without the generated scenes. The network has seen none of them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.segmentation_parts.places import places, reconstruction
from wildseg3d_blender.conventions import pixel_centres
from wildseg3d_blender.pipeline.evaluation import read_truth
from wildseg3d_blender.pipeline.segmentation.graphcut.boundaries import FEATURES, outline_features
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import SceneGraph, build_graph
from wildseg3d_blender.progress import silent

RIDGE, ROUNDS = 1e-3, 30
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Examples:
    """Edges that touch an object: features (m, c), whether they are its outline (m,), lengths (m,)."""

    scene: str
    thing: str
    features: NDArray[np.float64]
    outline: NDArray[np.bool_]
    length: NDArray[np.float64]


def main(arguments: Sequence[str]) -> int:
    """Print what was learned; exit status 1 when there is nothing to learn from."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    data = os.environ.get("WILDSEG3D_DATA")
    parser.add_argument("--data", type=Path, default=Path(data) if data else ROOT.parent / "shared" / "data")
    parser.add_argument("--scenes", type=Path, default=Path(tempfile.gettempdir()) / "wildseg3d-real")
    options = parser.parse_args(arguments)
    found, missing = places(options.data)
    print("\n".join(missing))
    examples: list[Examples] = []
    for place in found:
        scene = reconstruction(place, options.scenes)
        graph = build_graph(scene, silent)
        for thing, folder in place.objects.items():
            examples.append(_examples(place.name, thing, graph, read_truth(scene, folder)))
    if not examples:
        return 1
    without = [replace(item, features=item.features[:, : len(FEATURES)]) for item in examples]
    print("Without the network")
    _report(FEATURES, without)
    print("With it")
    _report((*FEATURES, "network"), examples)
    return 0


def _report(names: Sequence[str], examples: Sequence[Examples]) -> None:
    for held in dict.fromkeys(item.scene for item in examples):
        others = [item for item in examples if item.scene != held]
        if others:
            weights, constant = learned(others)
            for item in examples:
                if item.scene == held:
                    ranked = item.features @ weights + constant
                    print(f"{held:10s} {item.thing:12s} {area_under_curve(ranked, item.outline):.3f}")
    weights, constant = learned(examples)
    print(", ".join(f"{name} {value:.3f}" for name, value in zip(names, weights, strict=True)))
    print(f"intercept {constant:.3f}")


def _examples(scene: str, thing: str, graph: SceneGraph, truth: dict[str, NDArray[np.bool_]]) -> Examples:
    inside, known = np.zeros((2, len(graph.nodes)), dtype=bool)
    for data in graph.views:
        if data.view.name not in truth:
            continue
        pixel = data.view.warp.to_photo(pixel_centres(*data.view.size)).astype(np.float32) - np.float32(0.5)
        photo = truth[data.view.name].astype(np.float32)
        mask = cv2.remap(photo, pixel[..., 0], pixel[..., 1], cv2.INTER_LINEAR) > 0.5
        nodes = slice(data.first, data.first + data.count)
        covered = np.bincount(data.labels[mask] - data.first, minlength=data.count)
        inside[nodes], known[nodes] = covered > 0.5 * graph.nodes.area[nodes], True
    edges = graph.in_view
    used = known[edges.i] & (inside[edges.i] | inside[edges.j])
    outline = inside[edges.i] != inside[edges.j]
    features = outline_features(graph.nodes, edges)
    return Examples(scene, thing, features[used], outline[used], edges.length[used])


def learned(examples: Sequence[Examples]) -> tuple[NDArray[np.float64], float]:
    """Coefficients (c,) and constant of a logistic regression: every object of a scene counts the same, and
    a scene by the square root of how many it has. Newton's method, with a ridge on standardised features."""
    features = np.concatenate([item.features for item in examples])
    outline = np.concatenate([item.outline for item in examples]).astype(np.float64)
    scenes = [item.scene for item in examples]
    weight = np.concatenate(
        [item.length / item.length.sum() / np.sqrt(scenes.count(item.scene)) for item in examples]
    )
    mean, spread = features.mean(0), features.std(0) + 1e-9
    design = np.column_stack([(features - mean) / spread, np.ones(len(features))])
    ridge = RIDGE * weight.sum() * np.diag([*np.ones(features.shape[1]), 0.0])
    values = np.zeros(design.shape[1])
    for _ in range(ROUNDS):
        chance = 1.0 / (1.0 + np.exp(-design @ values))
        curvature = design.T @ ((weight * chance * (1.0 - chance))[:, None] * design) + ridge
        values += np.linalg.solve(curvature, design.T @ (weight * (outline - chance)) - ridge @ values)
    weights = values[:-1] / spread
    return weights, float(values[-1] - weights @ mean)


def area_under_curve(ranked: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Chance that a positive example ranks above a negative one."""
    rank = np.empty(len(ranked))
    rank[np.argsort(ranked, kind="stable")] = np.arange(len(ranked))
    many = int(positive.sum())
    return float((rank[positive].sum() - many * (many - 1) / 2) / (many * (len(ranked) - many)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
