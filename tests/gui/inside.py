# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the Blender that the GUI test drives: answers the test's questions and watches for blocks.

    blender --python tests/gui/inside.py -- PORT_FILE

It looks and it counts; what the test does, it does by mouse and keyboard. A question is a line of Python that
is evaluated on Blender's main thread, between two events.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import bpy
from bpy_extras.view3d_utils import location_3d_to_region_2d

TICK = 0.02
SAMPLE = 0.004
"""Seconds between two looks at what the main thread is doing."""

PACKAGE = "wildseg3d_blender"
EXTENSION = "bl_ext.user_default.wildseg3d"


@dataclass
class Block:
    """A time for which the main thread was in the add-on without going back to Blender."""

    seconds: float
    where: list[str]


@dataclass
class Watch:
    """Samples the main thread: for how long at a time is it in the add-on's Python, and where?

    Blender's own drawing and evaluation run without a Python frame, so they do not count.
    """

    blocks: list[Block] = field(default_factory=list)

    def run(self) -> None:
        """Never returns; for a thread."""
        main = threading.main_thread().ident
        entered, outermost, where, before = 0.0, None, [], time.monotonic()
        while True:
            time.sleep(SAMPLE)
            now = time.monotonic()
            found = _ours(sys._current_frames().get(main))
            current = found[-1] if found else None
            if outermost is not None and current is not outermost:
                self._left(before - entered, where)
                outermost = None
            if current is not None:
                if outermost is None:
                    # The last look may long be past: native code below us held the interpreter.
                    outermost, entered, where = current, now - SAMPLE, []
                where.append(f"{Path(found[0].f_code.co_filename).name}:{found[0].f_lineno}")
            before = now

    def _left(self, seconds: float, where: list[str]) -> None:
        if seconds > 0.02:
            often = sorted(set(where), key=where.count, reverse=True)
            self.blocks.append(Block(seconds, [f"{line} x{where.count(line)}" for line in often[:4]]))


def _ours(frame: FrameType | None) -> list[FrameType]:
    """The add-on's frames, innermost first."""
    found = []
    while frame is not None:
        if PACKAGE in frame.f_code.co_filename:
            found.append(frame)
        frame = frame.f_back
    return found


class Server:
    """Answers one question at a time, from a socket that a timer looks at."""

    def __init__(self, port_file: Path) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setblocking(False)
        self._peer: socket.socket | None = None
        self._received = b""
        port_file.write_text(str(self._listening.getsockname()[1]))

    def tick(self) -> float:
        """Answer what has come in; for a timer."""
        try:
            if self._peer is None:
                self._peer, _ = self._listening.accept()
                self._peer.setblocking(False)
            self._received += self._peer.recv(1 << 16)
        except BlockingIOError:
            return TICK
        while b"\n" in self._received:
            line, _, self._received = self._received.partition(b"\n")
            self._peer.sendall(_answer(line.decode()).encode() + b"\n")
        return TICK


def _answer(line: str) -> str:
    try:
        return json.dumps({"value": eval(line, {"bpy": bpy, **_QUESTIONS})})
    except Exception as error:  # noqa: BLE001 - whatever it is, the test that asked is to see it
        return json.dumps({"error": f"{type(error).__name__}: {error}"})


def area_rect(kind: str = "VIEW_3D", region: str = "WINDOW") -> list[int]:
    """x, y (from the window's bottom left), width, height of the first area of a kind."""
    _, _, found = _region(kind, region)
    return [found.x, found.y, found.width, found.height]


def under_mouse(kind: str = "VIEW_3D", region: str = "UI") -> str:
    """What the button below the mouse does: a Python command, a data path, or nothing."""
    window, area, found = _region(kind, region)
    manager = bpy.context.window_manager
    manager.clipboard = ""
    with bpy.context.temp_override(window=window, area=area, region=found):
        for copy in (bpy.ops.ui.copy_python_command_button, bpy.ops.ui.copy_data_path_button):
            if copy.poll():
                copy()
                if manager.clipboard:
                    break
    return manager.clipboard


def at_photo(x: float, y: float) -> list[float]:
    """Window position of a place in the photo looked through: (0, 0) top left, (1, 1) bottom right."""
    _, area, region = _region("VIEW_3D", "WINDOW")
    camera = bpy.context.scene.camera
    right_top, _, left_bottom, left_top = camera.data.view_frame(scene=bpy.context.scene)
    point_cam = left_top + (right_top - left_top) * x + (left_bottom - left_top) * y
    found = location_3d_to_region_2d(region, area.spaces.active.region_3d, camera.matrix_world @ point_cam)
    return [region.x + found.x, region.y + found.y]


def box_in_photo(root: Any) -> list[float]:
    """Left, high, right and low of the active object's first prompt, a box, as shares of the photo."""
    scene = addon("scene.lookup").open_scene(root)
    name = addon("scene.groups").active(root).name
    box = addon("scene.reading").read_groups(scene, root, name)[0].prompts[0]
    width, height = scene.view(box.view).size
    return [box.x0 / width, box.y0 / height, box.x1 / width, box.y1 / height]


def looks_through_photo() -> bool:
    """Whether the 3D view shows what a camera sees."""
    _, area, _ = _region("VIEW_3D", "WINDOW")
    return bool(area.spaces.active.region_3d.view_perspective == "CAMERA")


def active_tab() -> str:
    """The sidebar's tab that is open."""
    return _region("VIEW_3D", "UI")[2].active_panel_category


def redraw() -> None:
    """Draw the window now; software rendering may lag behind by seconds."""
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)


def addon(module: str) -> ModuleType:
    """A module of the installed add-on."""
    return import_module(f"{EXTENSION}.wildseg3d_blender.addon.{module}")


def _region(kind: str, region: str) -> tuple[Any, Any, Any]:
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == kind)
    return window, area, next(found for found in area.regions if found.type == region)


def blocks() -> list[tuple[float, list[str]]]:
    """The blocks so far, longest first, and starts counting anew."""
    taken, watch.blocks[:] = list(watch.blocks), []
    return [(block.seconds, block.where) for block in sorted(taken, key=lambda block: -block.seconds)]


watch = Watch()
_QUESTIONS: dict[str, Callable[..., Any]] = {
    "area_rect": area_rect,
    "under_mouse": under_mouse,
    "blocks": blocks,
    "at_photo": at_photo,
    "box_in_photo": box_in_photo,
    "active_tab": active_tab,
    "looks_through_photo": looks_through_photo,
    "redraw": redraw,
    "addon": addon,
}


def main() -> None:
    """Start answering and watching."""
    server = Server(Path(sys.argv[sys.argv.index("--") + 1]))
    threading.Thread(target=watch.run, daemon=True).start()
    bpy.app.timers.register(server.tick, first_interval=TICK, persistent=True)


main()
