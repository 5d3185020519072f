# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work that is broken off at once and goes on later from where it was, whatever it was doing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ..errors import Cancelled
from ..progress import Progress

HEARD_EVERY = 0.03
"""Seconds after which a cancellation is heard at the latest."""

STOPS_WITHIN = 2.0
"""Seconds that stopped work may take to its next progress call before it is no longer waited for."""

Result = TypeVar("Result")


class Resumable(Generic[Result]):
    """Work in a thread of its own, which rests at its next progress call while nobody waits for it.

    So a cancellation need not wait for the work to hear it, not even inside a native call, and loses nothing.
    """

    def __init__(self, work: Callable[[Progress], Result]) -> None:
        """Start nothing yet; ``work`` must call the progress it is given often."""
        self._work = work
        self._changed = threading.Condition()
        # All below is guarded by the condition.
        self._thread: threading.Thread | None = None
        self._wanted = False
        self._resting = True
        self._stopped = False
        self._report: tuple[str, float, str] = ("segmenter", 0.0, "")
        self._outcome: tuple[Result] | Exception | None = None

    @property
    def begun(self) -> bool:
        """Whether the work was ever asked for."""
        return self._thread is not None

    @property
    def succeeded(self) -> bool:
        """Whether ``result`` gives at once what came of the work."""
        return isinstance(self._outcome, tuple)

    def result(self, progress: Progress) -> Result:
        """Begin the work or go on with it, and wait for what it gives.

        Raises:
            Cancelled: by ``progress``; the work rests, and the next call goes on with it.
            Exception: what the work raised; the next call begins anew.
        """
        try:
            while (outcome := self._step()) is None:
                progress(*self._report)
        except BaseException:
            with self._changed:
                self._wanted = False
            raise
        if isinstance(outcome, Exception):
            with self._changed:
                self._thread = self._outcome = None
                self._resting = True
            raise outcome
        return outcome[0]

    def settle(self, progress: Progress) -> None:
        """Wait until the work rests or is over, so that what it uses may be used by others."""
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._resting or self._outcome is not None, HEARD_EVERY):
                    return
            progress(*self._report)

    def stop(self) -> None:
        """End the work for good, at its next progress call."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(STOPS_WITHIN)

    def _step(self) -> tuple[Result] | Exception | None:
        """Let the work run for a moment; what came of it, None when it is not over."""
        with self._changed:
            self._wanted = True
            if self._thread is None:
                self._resting = False
                self._thread = threading.Thread(target=self._run, name="resumable", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._outcome is not None, HEARD_EVERY)
            return self._outcome

    def _run(self) -> None:
        outcome: tuple[Result] | Exception
        try:
            outcome = (self._work(self._heard),)
        except Exception as error:  # noqa: BLE001 - raised where the result is waited for
            outcome = error
        with self._changed:
            self._outcome = outcome
            self._changed.notify_all()

    def _heard(self, stage: str, fraction: float, text: str = "") -> None:
        """The work's progress: rests while nobody waits."""
        with self._changed:
            self._report = (stage, fraction, text)
            while not (self._wanted or self._stopped):
                self._resting = True
                self._changed.notify_all()
                self._changed.wait()
            self._resting = False
            if self._stopped:
                raise Cancelled
