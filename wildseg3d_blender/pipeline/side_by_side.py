# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work for many things, on all processors, in threads: for work whose time goes into native calls
that let go of Python's lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

HEARD_EVERY = 0.05
"""Seconds between two calls of ``waiting``."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], waiting: Callable[[int], None]
) -> Iterator[Result]:
    """``work`` of every item, in the items' order; only a few results are made ahead of the one asked for.

    Args:
        work: runs in other threads, several at a time, and must not change what another one reads.
        waiting: called in the caller's thread with the number of results given so far, often while there is
            none to give. What it raises (a cancellation) ends everything: no further work is begun, and
            what has been begun is not waited for.
    """
    processors = os.cpu_count() or 1
    pool = ThreadPoolExecutor(processors, thread_name_prefix="side-by-side")
    left = iter(items)
    begun: deque[Future[Result]] = deque()
    given = 0
    try:
        while True:
            begun.extend(pool.submit(work, item) for item in islice(left, 2 * processors - len(begun)))
            if not begun:
                return
            waiting(given)
            if wait((begun[0],), timeout=HEARD_EVERY).done:
                yield begun.popleft().result()
                given += 1
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
