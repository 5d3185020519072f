# SPDX-License-Identifier: GPL-3.0-or-later
"""Running COLMAP's long native calls so that progress goes on and a cancel is obeyed at once."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import zlib  # noqa: F401 - loaded before pycolmap: see below
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pycolmap

Result = TypeVar("Result")

# pycolmap carries a zlib of its own whose symbols get mixed with the system's when it is loaded first; every
# compression in the process (PNG, npz, zlib itself) then corrupts the heap. ``import zlib`` above keeps them
# apart, and this is the module through which pycolmap is first imported.

POLL_SECONDS = 0.1

# COLMAP reports every step on stderr; what matters reaches the user through progress and errors.
pycolmap.logging.minloglevel = pycolmap.logging.Level.FATAL.value
pycolmap.logging.logtostdout = False


class Steps:
    """How far a row of native calls is, guessed from their pace: a call does not tell while it runs.

    (COLMAP's database must not be read beside it: Python's SQLite and COLMAP's own copy of SQLite do not
    see each other's locks within one process, and the process dies.)
    """

    def __init__(self, total: int, seconds_each: float) -> None:
        self.total = total
        self._seconds_each = seconds_each
        self._done = 0
        self._taken = 0
        self._since = time.monotonic()

    @contextmanager
    def taking(self, count: int) -> Iterator[None]:
        """The block does the next ``count`` steps."""
        self._taken, self._since = count, time.monotonic()
        yield
        self._done += count
        self._taken = 0
        self._seconds_each = (time.monotonic() - self._since) / count

    def now(self) -> tuple[int, float]:
        """Steps done and the fraction of all steps; while a call runs, at most nine tenths of its share."""
        expected = (time.monotonic() - self._since) / self._seconds_each
        done = self._done + min(expected, 0.9 * self._taken)
        return int(done), done / max(self.total, 1)


class NativeWorkspace:
    """A temporary folder and the native calls that use it.

    COLMAP looks at its cancellation token only between blocks of work, which can be seconds apart. So a
    call runs in a thread of its own; a cancel leaves it behind to stop at its next look, and the folder is
    removed once it has.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._token = pycolmap.CancellationToken()
        self._thread: threading.Thread | None = None

    def run(
        self, call: Callable[..., Result], *args: Any, tick: Callable[[], None], **options: Any
    ) -> Result:
        """``call(*args, **options, cancellation_token=...)`` in a thread, with ``tick`` every tenth second.

        Returns what the call returns and raises what the call or ``tick`` raises.
        """
        outcome: dict[str, Any] = {}

        def work() -> None:
            try:
                outcome["result"] = call(*args, **options, cancellation_token=self._token)
            except BaseException as error:  # noqa: BLE001 - carried over to the calling thread
                outcome["error"] = error

        self._thread = threading.Thread(target=work, name=call.__name__, daemon=True)
        self._thread.start()
        while self._thread.is_alive():
            tick()
            self._thread.join(POLL_SECONDS)
        self._thread = None
        if "error" in outcome:
            raise outcome["error"]
        return outcome["result"]

    def close(self) -> None:
        """Stop what still runs and remove the folder, without waiting for it."""
        self._token.cancel()
        left_behind = self._thread
        if left_behind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return

        def remove_later() -> None:
            left_behind.join()
            shutil.rmtree(self.folder, ignore_errors=True)

        threading.Thread(target=remove_later, name="remove " + self.folder.name, daemon=True).start()


@contextmanager
def native_workspace() -> Iterator[NativeWorkspace]:
    """A workspace that is closed when the block ends, however it ends."""
    workspace = NativeWorkspace(Path(tempfile.mkdtemp(prefix="wildseg3d-")))
    try:
        yield workspace
    finally:
        workspace.close()
