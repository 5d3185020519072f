# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender in a window of its own screen, driven by mouse and keyboard as a person would.

Needs ``Xvfb``, ``xdotool`` and ImageMagick's ``import``.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

INSIDE = Path(__file__).absolute().parent / "inside.py"
SIZE = (1600, 1000)
TOOLS = ("Xvfb", "xdotool", "import")


def missing_tools() -> list[str]:
    """The programs that are needed and not there."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


class Window:
    """Mouse, keyboard and eyes on a running Blender. Positions are Blender's: pixels from the bottom left."""

    def __init__(self, environment: dict[str, str], pictures: Path, connection: socket.socket) -> None:
        self._environment = environment
        self._pictures = pictures
        self._connection = connection
        self._received = b""
        self._shot = len(list(pictures.glob("*.png")))
        self.clicks = 0

    def ask(self, question: str, timeout: float = 300.0) -> Any:
        """The value of an expression in Blender, as JSON has it.

        Raises:
            RuntimeError: evaluating it failed.
        """
        self._connection.settimeout(timeout)
        self._connection.sendall(question.replace("\n", " ").encode() + b"\n")
        while b"\n" not in self._received:
            received = self._connection.recv(1 << 16)
            if not received:
                raise RuntimeError("Blender is gone")
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{question}: {answer['error']}")
        return answer["value"]

    def wait_for(self, question: str, seconds: float = 60.0) -> Any:
        """Wait until an expression is true, and return it."""
        deadline = time.monotonic() + seconds
        while not (value := self.ask(question)):
            if time.monotonic() > deadline:
                self.picture("waited-in-vain")
                raise TimeoutError(f"{question} was never true in {seconds:.0f} s")
            time.sleep(0.1)
        return value

    def move(self, x: float, y: float) -> None:
        """Put the mouse somewhere."""
        # Blender takes no notice of a mouse that jumps once: it wants to see it move.
        for dx in (3, 0):
            self._xdotool("mousemove", str(round(x) + dx), str(SIZE[1] - 1 - round(y)))
            time.sleep(0.05)

    def click(self, x: float, y: float, *, keys: tuple[str, ...] = (), button: int = 1) -> None:
        """A click, with keys like "ctrl" held."""
        self.move(x, y)
        time.sleep(0.2)
        # In one go with the button: Blender loses an Alt that was pressed a while before.
        self._xdotool(*(word for key in keys for word in ("keydown", key)), "mousedown", str(button))
        self.take_in()
        self._xdotool("mouseup", str(button), *(word for key in keys for word in ("keyup", key)))
        self.clicks += 1
        time.sleep(0.2)

    def double_click(self, x: float, y: float) -> None:
        """Two clicks in quick succession."""
        self.move(x, y)
        self._xdotool("click", "--repeat", "2", "--delay", "60", "1")
        self.clicks += 2
        time.sleep(0.3)

    def drag(
        self, start: tuple[float, float], end: tuple[float, float], *, keys: tuple[str, ...] = ()
    ) -> None:
        """Press, move, release; with keys like "shift" held."""
        self.move(*start)
        self._xdotool(*(word for key in keys for word in ("keydown", key)), "mousedown", "1")
        self.take_in()
        for step in range(1, 9):
            self.move(*(a + (b - a) * step / 8 for a, b in zip(start, end, strict=True)))
        self._xdotool("mouseup", "1", *(word for key in keys for word in ("keyup", key)))
        self.clicks += 1
        time.sleep(0.2)

    def take_in(self) -> None:
        """Wait until Blender has taken in what was done so far.

        Without a window manager its window is never the active one, and it then asks where the mouse is when
        it comes to a press, which may be a second later.
        """
        for _ in range(2):  # the first answer may come from the round of events that was under way
            self.ask("True")

    def key(self, *names: str) -> None:
        """Press keys, each as xdotool spells it ("ctrl+z")."""
        self._xdotool("key", "--delay", "60", *names)
        time.sleep(0.3)

    def type(self, text: str) -> None:
        """Type a text."""
        self._xdotool("type", "--delay", "15", text)
        time.sleep(0.2)

    def find(
        self, wanted: str, *, region: str = "UI", kind: str = "VIEW_3D", step: int = 10
    ) -> tuple[int, int]:
        """Where the button is whose command or data path holds ``wanted``, looking from the top down.

        Raises:
            LookupError: the mouse met no such button.
        """
        x, y, width, height = self.ask(f"area_rect({kind!r}, {region!r})")
        # A button that was just pressed stays the one below the mouse until Blender has seen it leave.
        self.move(x - 20, y + 20)
        self.take_in()
        seen: dict[str, None] = {}
        for share in (0.3, 0.75, 0.5, 0.93):
            for row in range(y + height - 8, y, -step):
                at = (x + round((width - 24) * share), row)
                self.move(*at)
                found = self.ask(f"under_mouse({kind!r}, {region!r})")
                if wanted in found:
                    return at
                seen[found] = None
        self.picture("not-found")
        raise LookupError(f"no button for {wanted!r}; there are {list(seen)}")

    def press(self, wanted: str, **where: Any) -> None:
        """Find a button and click it."""
        self.click(*self.find(wanted, **where))

    def picture(self, name: str) -> Path:
        """A screenshot of the window as it is now, numbered in the order of events."""
        self.ask("redraw()")
        self._shot += 1
        file = self._pictures / f"{self._shot:02}-{name}.png"
        subprocess.run(["import", "-window", "root", str(file)], env=self._environment, check=True)
        return file

    def _xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self._environment, check=True)


@contextmanager
def screen() -> Iterator[str]:
    """A screen of its own; yields its name for DISPLAY."""
    read, write = os.pipe()
    size = f"{SIZE[0]}x{SIZE[1]}x24"
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as named:
            number = named.readline().strip()
        try:
            yield f":{number}"
        finally:
            server.terminate()


@contextmanager
def blender(command: str, profile: Path, pictures: Path, display: str, *arguments: str) -> Iterator[Window]:
    """Blender with a profile of its own; ends with the block.

    Args:
        command: how Blender is started, with any words before it.
        profile: settings and add-ons of this Blender alone.
        pictures: where screenshots and Blender's log go.
        display: the screen.
        arguments: for Blender, such as a file to open.
    """
    environment = blender_environment(profile, display)
    port_file = profile / "port"
    port_file.unlink(missing_ok=True)
    started = [*shlex.split(command), "--window-geometry", "0", "0", *map(str, SIZE), *arguments]
    started += ["--python", str(INSIDE), "--", str(port_file)]
    with (
        (pictures / "blender.log").open("a") as log,
        subprocess.Popen(started, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            with _connected(port_file, process) as connection:
                yield Window(environment, pictures, connection)
        finally:
            process.terminate()


def blender_environment(profile: Path, display: str = "") -> dict[str, str]:
    """Environment variables that keep a Blender to its own profile."""
    here = {"BLENDER_USER_RESOURCES": str(profile), "HOME": str(profile), "LIBGL_ALWAYS_SOFTWARE": "1"}
    return {"PATH": f"/usr/bin:/bin:{os.environ['PATH']}", "DISPLAY": display, **here}


@contextmanager
def _connected(port_file: Path, process: subprocess.Popen[bytes]) -> Iterator[socket.socket]:
    _until(lambda: port_file.is_file() and port_file.read_text() != "", process)
    with socket.create_connection(("127.0.0.1", int(port_file.read_text()))) as connection:
        yield connection


def _until(there: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        if process.poll() is not None:
            raise RuntimeError(f"Blender ended with {process.returncode} before its window was up")
        if time.monotonic() > deadline:
            raise TimeoutError(f"Blender's window was not up after {seconds:.0f} s")
        time.sleep(0.1)
