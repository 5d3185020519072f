# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the sample scene: photos and, beside them, the truth about them.

python -m samples.render_table                     everything, as committed
python -m samples.render_table --only table_06 --scale 0.45 --samples 16 --no-truth --out /tmp/try
"""

from __future__ import annotations

import argparse
from pathlib import Path

from samples.studio.shooting import Rendering, Sample, shoot
from samples.table_scene import cameras, prints, props, room, teddy

OBJECTS = ("book", "orange", "mug", "parcel", "tin", "teddy")


def build_scene(scratch: Path) -> None:
    """Everything that stands still: things, table, wall, light. Objects get their ``pass_index``."""
    papers = prints.draw_all(scratch)
    parts = {
        "book": props.book(papers),
        "orange": props.orange(),
        "mug": props.mug(),
        "parcel": props.parcel(papers),
        "tin": props.tin(papers),
        "teddy": teddy.teddy(),
    }
    for index, name in enumerate(OBJECTS, start=1):
        for part in parts[name]:
            part.pass_index = index
    props.plant()
    props.clutter(papers)
    room.table()
    room.wall(papers)
    room.light()


TABLE_SCENE = Sample(OBJECTS, build_scene, cameras.LENS, cameras.WALK)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "table")
    parser.add_argument("--only", nargs="*", default=None, help="names of the photos to render")
    parser.add_argument("--scale", type=float, default=1.0, help="size against the committed photos")
    parser.add_argument("--samples", type=int, default=12, help="rays per pixel at most")
    parser.add_argument("--quality", type=int, default=86, help="JPEG quality")
    parser.add_argument("--no-truth", action="store_true")
    parser.add_argument("--no-photos", action="store_true")
    options = parser.parse_args()
    how = Rendering(
        scale=options.scale,
        samples=options.samples,
        quality=options.quality,
        only=options.only,
        photos=not options.no_photos,
        truth=not options.no_truth,
    )
    shoot(TABLE_SCENE, options.out, how)


if __name__ == "__main__":
    main()
