# SPDX-License-Identifier: GPL-3.0-or-later
"""Work done in batches that shrink when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_batches(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Sequence[Result]],
    *,
    size: int,
    out_of_memory: Callable[[Exception], bool],
    release: Callable[[], None],
) -> Iterator[tuple[int, Sequence[Result]]]:
    """``work`` on consecutive batches of at most ``size`` items, as they are done.

    A batch that runs out of memory is tried again at half its size, after ``release``, and no later batch is
    larger: what did not fit once would not fit the next time.

    Yields:
        The index of the batch's first item, and its results.

    Raises:
        Whatever ``work`` raises, also for want of memory when one item alone does not fit.
    """
    start, size = 0, max(size, 1)
    while start < len(items):
        batch = items[start : start + size]
        results = _attempt(work, batch, out_of_memory)
        if results is None:
            # Only here, with the failed call's frames gone, can what they held be given back.
            release()
            size = max(len(batch) // 2, 1)
            continue
        yield start, results
        start += len(batch)


def _attempt(
    work: Callable[[Sequence[Item]], Sequence[Result]],
    batch: Sequence[Item],
    out_of_memory: Callable[[Exception], bool],
) -> Sequence[Result] | None:
    """The results, or None when memory ran out and a smaller batch may fit."""
    try:
        return work(batch)
    except Exception as error:
        if len(batch) == 1 or not out_of_memory(error):
            raise
        return None
