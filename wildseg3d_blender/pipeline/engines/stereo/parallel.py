# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work for every view, on a few threads, with progress and cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

import cv2

from .features import threads

Item = TypeVar("Item")
Result = TypeVar("Result")
Check = Callable[[], None]

_POLL_SECONDS = 0.1


class _Stopped(Exception):
    """Raised in a thread whose result nobody waits for any more."""


def each(
    work: Callable[[Item, Check], Result], items: Sequence[Item], tick: Callable[[float], None]
) -> list[Result]:
    """``[work(item, check) for item in items]``, several at a time.

    ``tick`` is called with the fraction done, ten times a second, in the calling thread. When it raises,
    work still running ends at its next ``check()`` and the error goes on. NumPy and OpenCV let go of the
    interpreter while they compute, so threads help and nothing needs to be copied between processes.
    """
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise _Stopped

    with _single_threaded_opencv(), ThreadPoolExecutor(threads()) as pool:
        futures = [pool.submit(work, item, check) for item in items]
        try:
            pending = set(futures)
            while pending:
                tick(1.0 - len(pending) / len(futures))
                _, pending = wait(pending, _POLL_SECONDS, FIRST_COMPLETED)
            return [future.result() for future in futures]
        except BaseException:
            stopped.set()
            for future in futures:
                future.cancel()
            raise


@contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    """Threads over views share the cores already; OpenCV's own would only get in their way."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
