# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the samples that only benchmarks use, into ``samples/generated``: photos and the truth about them.

python -m samples.render_extra                          all, each a few minutes
python -m samples.render_extra garden --only garden_06 --scale 0.5 --no-truth --out /tmp/try
"""

from __future__ import annotations

import argparse
from pathlib import Path

from samples.garden_scene.scene import GARDEN
from samples.shelf_scene.scene import SHELF
from samples.studio.shooting import Rendering, shoot
from samples.truth import GENERATED

SCENES = {"garden": GARDEN, "shelf": SHELF}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", nargs="*", default=list(SCENES), metavar="SCENE", help=", ".join(SCENES))
    parser.add_argument("--out", type=Path, default=GENERATED)
    parser.add_argument("--only", nargs="*", default=None, help="names of the photos to render")
    parser.add_argument("--scale", type=float, default=1.0, help="size against the usual 720 x 480")
    parser.add_argument("--samples", type=int, default=6, help="rays per pixel at most")
    parser.add_argument("--no-truth", action="store_true")
    options = parser.parse_args()
    unknown = [name for name in options.scenes if name not in SCENES]
    if unknown:
        parser.error(f"no scene {unknown[0]}; there are {', '.join(SCENES)}")
    how = Rendering(options.scale, options.samples, only=options.only, truth=not options.no_truth)
    for name in options.scenes:
        shoot(SCENES[name], options.out / name, how)


if __name__ == "__main__":
    main()
