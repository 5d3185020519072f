# SPDX-License-Identifier: GPL-3.0-or-later
"""Render training scenes, a folder per seed; what is there already is left as it is.

python -m training.scenes OUT --count 100 --first 0

Each process uses one core: start several with different first seeds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from .render import render_scene


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.scenes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=10, help="scenes")
    parser.add_argument("--first", type=int, default=0, help="seed of the first one")
    parser.add_argument("--step", type=int, default=1, help="from seed to seed")
    parser.add_argument("--views", type=int, default=2, help="photos of a scene")
    parser.add_argument("--samples", type=int, default=3, help="rays per pixel")
    parser.add_argument("--size", type=int, nargs=2, default=(384, 288), metavar=("W", "H"))
    options = parser.parse_args()
    for k in range(options.count):
        seed, start, cpu = options.first + k * options.step, time.monotonic(), time.process_time()
        folder = options.out / str(seed)
        render_scene(seed, folder, size=tuple(options.size), samples=options.samples, views=options.views)
        spent = f"{time.monotonic() - start:.1f} s, {time.process_time() - cpu:.1f} s of CPU"
        print(f"seed {seed}: {spent}", flush=True)


if __name__ == "__main__":
    main()
