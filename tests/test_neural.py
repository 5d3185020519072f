# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests in ``tests/neural``, run by the interpreter of a neural environment where there is one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.neural_python import neural_python

ROOT = Path(__file__).resolve().parents[1]


def run_neural_tests(which: str, limit: float) -> None:
    """Run those that the marker expression ``which`` selects."""
    python, reason = neural_python()
    if python is None:
        pytest.skip(reason)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", "-m", which, "-p", "no:cacheprovider", "tests/neural"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_the_neural_parts_at_tiny_size() -> None:
    run_neural_tests("not slow", 570)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_neural_parts_at_full_size() -> None:
    run_neural_tests("slow", 3500)
