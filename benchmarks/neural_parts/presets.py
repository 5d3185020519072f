# SPDX-License-Identifier: GPL-3.0-or-later
"""What fewer pairs cost: each quality preset's pairs of synthetic views, corrupted, aligned, against truth.

    python -m benchmarks.neural_parts.presets --seeds 5

No network takes part: the pointmaps are exact ones with the errors that networks make, each edge's its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from benchmarks.alignment_parts.cases import CASES
from tests.synthetic import Errors, TrueView, errors, orbit, pair_graph
from wildseg3d_blender.pipeline.alignment import align, dga_weights
from wildseg3d_blender.pipeline.engines.dust3r.pairs import PRESETS, Preset, chosen_pairs
from wildseg3d_blender.pipeline.pair_selection.selection import Pair

SIZE = (192, 144)
FIELDS = ("centre", "rotation_degrees", "focal", "points_median", "points_mean")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table: medians over the seeds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--views", type=int, nargs="+", default=[3, 6, 10, 20])
    options = parser.parse_args(arguments)
    print(
        f"{'case':26}{'views':>6}{'preset':>10}{'pairs':>6}"
        + "".join(f"{field[:14]:>16}" for field in FIELDS)
    )
    for case in CASES:
        for count in options.views:
            for name, preset in PRESETS.items():
                runs = [one_run(case, count, preset, seed) for seed in range(options.seeds)]
                medians = [np.median([getattr(found, field) for found, _ in runs]) for field in FIELDS]
                print(
                    f"{case:26}{count:6}{name:>10}{runs[0][1]:6}" + "".join(f"{m:16.3f}" for m in medians),
                    flush=True,
                )
    return 0


def one_run(case: str, count: int, preset: Preset, seed: int) -> tuple[Errors, int]:
    """How far the aligned scene is from the truth, and the number of directed pairs."""
    views = orbit(count, SIZE, seed=seed)
    pairs = pairs_by_looking_direction(views, preset)
    # Seeded per preset alike; an edge's errors depend on its place among the pairs.
    graph = pair_graph(views, pairs, CASES[case], seed=seed)
    return errors(align(graph, weights=dga_weights()), views), len(pairs)


def pairs_by_looking_direction(views: Sequence[TrueView], preset: Preset) -> list[Pair]:
    """The preset's pairs where photos look alike as their cameras look the same way."""
    looking = np.stack([view.cam_to_world[:3, 2] for view in views])
    return chosen_pairs((1 + looking @ looking.T) / 2, preset)


if __name__ == "__main__":
    raise SystemExit(main())
