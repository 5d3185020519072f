# SPDX-License-Identifier: GPL-3.0-or-later
"""From a prompt to its preview.

    python benchmarks/prompt_latency.py SCENE_FOLDER [--objects 8 | --at VIEW X Y ...]
    blender --python benchmarks/prompt_latency.py -- SCENE_FOLDER [--objects 8 | --at VIEW X Y ...] [--points]

Each object gets a click, then a second one, and then one that excludes. A time runs from before the
operator to the first drawing that shows a preview of just these prompts, perhaps a first answer, and to that
which shows the answer. Without a window, what Blender itself takes to draw is left out: look often, as the
timer does. With one, the extension must be installed; the points are hidden unless ``--points`` is given, as
drawing them is the graphics card's affair.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import bpy
import numpy as np

PATIENCE = 60.0
"""Seconds after which a prompt counts as unanswered."""

PAUSE = 0.5
"""Seconds between two prompts, as an artist makes; drawing then has come to rest."""

TICK = 0.005
"""Seconds between two looks."""


@dataclass
class Measured:
    """One prompt, in milliseconds: the operator alone, until anything was seen, until the answer was."""

    kind: str
    cached: bool
    operator: float
    visible: float
    final: float


def part(name: str) -> Any:
    """A module of the extension that runs."""
    prefix = next((module for module in sys.modules if module.endswith("wildseg3d_blender.addon")), None)
    if prefix is None:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        prefix = "wildseg3d_blender.addon"
        importlib.import_module(prefix).register()
    return importlib.import_module(f"{prefix}.{name}")


class Watch:
    """When the preview that was asked for last was first seen: "visible", and as the answer, "final"."""

    def __init__(self) -> None:
        self._previewing = part("session.previewing")
        self.seen: dict[str, float] = {}
        self.cached = False

    def look(self) -> None:
        """Note what is shown now."""
        shown, asked = self._previewing.shown(), self._previewing.current()
        if shown is None or asked is None:
            return
        if shown.key == asked.key:
            self.seen.setdefault("final", time.perf_counter())
            self.cached = shown.preview.cached
        elif self._previewing.refining():
            self.seen.setdefault("visible", time.perf_counter())


def run(options: argparse.Namespace) -> Iterator[None]:
    """Open the scene, place prompts, print. Yields while Blender is to go on."""
    lookup, watch = part("scene.lookup"), Watch()
    override = _in_viewport()
    with override():
        bpy.ops.wildseg3d.open_scene(directory=options.scene)
        root = lookup.require_root(bpy.context.scene)
        if not bpy.app.background:
            lookup.points(root).hide_set(not options.points)
            bpy.ops.wildseg3d.prompt_place("INVOKE_DEFAULT")
    handler = None
    if not bpy.app.background:
        handler = bpy.types.SpaceView3D.draw_handler_add(watch.look, (), "WINDOW", "POST_PIXEL")
    found: list[Measured] = []
    for number, kind, place in _prompts(lookup.open_scene(root), options):
        rest = time.perf_counter() + PAUSE
        while time.perf_counter() < rest:
            yield
        watch.seen.clear()
        started = time.perf_counter()
        with override():
            bpy.ops.wildseg3d.prompt_add(
                view=place[0], x=place[1], y=place[2], object=f"Thing {number}", positive=kind != "exclude"
            )
        done = time.perf_counter()
        yield from _until_answered(watch, started)
        if "final" not in watch.seen:
            print(f"{kind} at {place}: no answer ({part('previewing').problem()})")
            continue
        seen = (done, watch.seen.get("visible", watch.seen["final"]), watch.seen["final"])
        found.append(Measured(kind, watch.cached, *(1000 * (at - started) for at in seen)))
        print(found[-1], flush=True)
    if handler is not None:
        bpy.types.SpaceView3D.draw_handler_remove(handler, "WINDOW")
    report(found)


def _in_viewport() -> Callable[[], Any]:
    """What makes a context of the 3D view."""
    window = bpy.context.window_manager.windows[0]
    area = next(item for item in window.screen.areas if item.type == "VIEW_3D")
    region = next(item for item in area.regions if item.type == "WINDOW")
    return partial(bpy.context.temp_override, window=window, area=area, region=region)


def _until_answered(watch: Watch, started: float) -> Iterator[None]:
    """Without a window, what its timer does, and a look at what it would draw."""
    while time.perf_counter() - started < PATIENCE and "final" not in watch.seen:
        if bpy.app.background:
            part("background").step(bpy.context.scene)
            watch.look()
        yield


def _prompts(scene: Any, options: argparse.Namespace) -> Iterator[tuple[int, str, tuple[str, float, float]]]:
    """Number of the object, kind and place (view, photo x, photo y) of each prompt; always the same ones."""
    places = [(view, float(x), float(y)) for view, x, y in options.at] or _places(scene, options.objects)
    for number, (name, x, y) in enumerate(places):
        size = np.array(scene.view(name).photo_size)
        for kind, by in (("first click", (0, 0)), ("second click", (0.01, 0.01)), ("exclude", (0.12, 0.12))):
            there = np.clip(np.array([x, y]) + np.array(by) * size.min(), 0.02 * size, 0.98 * size)
            yield number, kind, (name, float(there[0]), float(there[1]))


def _places(scene: Any, count: int) -> list[tuple[str, float, float]]:
    """Photo pixels in the middle of the middle photo, where something was measured."""
    rng = np.random.default_rng(7)
    view = scene.views[len(scene.views) // 2]
    rows, columns = np.nonzero(np.asarray(scene.confidence(view)) > 0)
    width, height = view.size
    central = (np.abs(columns - width / 2) < width / 4) & (np.abs(rows - height / 2) < height / 4)
    pixels = np.stack([columns, rows], axis=1)[central] + 0.5
    photo_pixels = view.warp.to_photo(pixels[rng.integers(len(pixels), size=count)])
    return [(view.name, float(x), float(y)) for x, y in photo_pixels]


def report(found: list[Measured]) -> None:
    """Print medians and worst, looked up and solved apart."""
    print(f"{'':28}{'number':>8}{'operator':>12}{'visible':>20}{'final':>20}   ms, median (worst)")
    for cached in (True, False):
        for kind in ("first click", "second click", "exclude"):
            chosen = [item for item in found if item.kind == kind and item.cached == cached]
            if not chosen:
                continue
            cells = []
            for name in ("operator", "visible", "final"):
                values = [getattr(item, name) for item in chosen]
                cells.append(f"{statistics.median(values):.0f} ({max(values):.0f})")
            label = f"{kind}, {'looked up' if cached else 'solved'}"
            print(f"{label:28}{len(chosen):>8}{cells[0]:>12}{cells[1]:>20}{cells[2]:>20}")


def main() -> None:
    """Start, in Blender once the window is there, and quit at the end."""
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    parser = argparse.ArgumentParser(prog="prompt_latency")
    parser.add_argument("scene", help="a scene folder; it is not changed but for its previews")
    parser.add_argument("--objects", type=int, default=8, help="how many objects get prompts")
    parser.add_argument("--at", nargs=3, action="append", default=[], help="an object's photo and pixel")
    parser.add_argument("--points", action="store_true", help="with the points drawn too")
    work = run(parser.parse_args(arguments))

    if bpy.app.background:
        for _ in work:
            time.sleep(TICK)
        return

    def step() -> float | None:
        try:
            next(work)
        except StopIteration:
            bpy.ops.wm.quit_blender()
            return None
        return TICK

    bpy.app.timers.register(step, first_interval=2.0)


if __name__ == "__main__":
    main()
