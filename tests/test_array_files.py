# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays are opened from many threads at once, as the views of a scene are."""

from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from wildseg3d_blender.files.arrays import open_array


def test_many_threads_may_open_arrays_at_once(tmp_path: Path) -> None:
    file = tmp_path / "array.npy"
    np.save(file, np.arange(6, dtype=np.float32).reshape(2, 3))
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    # Python code that runs while a header is read is where another thread may come in.
    collected: list[str] = []

    def watch(phase: str, info: object) -> None:
        collected.append(phase)

    sys.setswitchinterval(1e-6)
    gc.set_threshold(10)
    gc.callbacks.append(watch)
    try:
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(open_array, [file] * 1000))
    finally:
        gc.callbacks.remove(watch)
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)
    assert all(array.shape == (2, 3) and isinstance(array, np.memmap) for array in found)


def test_python_objects_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "objects.npy"
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        open_array(file, mapped=False)
