# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening ``.npy`` files, from any thread."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_one_at_a_time = threading.Lock()


def open_array(file: Path, *, mapped: bool = True) -> NDArray[Any]:
    """The array in a file; ``mapped``: its values are read when they are looked at.

    Raises:
        OSError, ValueError, EOFError: it is missing or damaged, or holds Python objects.
    """
    # numpy reads the header as a Python expression, and Python 3.11 counts how deep such expressions nest
    # for all threads together: two at once can end in "AST constructor recursion depth mismatch".
    with _one_at_a_time:
        array: NDArray[Any] = np.load(file, mmap_mode="r" if mapped else None, allow_pickle=False)
    return array
