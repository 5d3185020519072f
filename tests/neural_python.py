# SPDX-License-Identifier: GPL-3.0-or-later
"""The interpreter of a neural environment, for tests and benchmarks that need torch."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SETTING = "WILDSEG3D_NEURAL_PYTHON"
NEEDED = ("torch", "mini_dust3r.model", "sam2.build_sam", "pytest", "cv2", "PIL")


def neural_python() -> tuple[Path | None, str]:
    """That interpreter, or None and why there is none that the tests can use."""
    named = os.environ.get(SETTING)
    python = Path(named) if named else _installed()
    if python is None:
        return None, f"no neural environment is installed, and {SETTING} names no Python that has torch"
    imports = "; ".join(f"import {name}" for name in NEEDED)
    tried = subprocess.run([str(python), "-c", imports], capture_output=True, text=True, check=False)
    if tried.returncode:
        lacking = (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
        return None, f"{python} cannot run the neural tests: {lacking}"
    return python, ""


def _installed() -> Path | None:
    from wildseg3d_blender.neural.environment import find_environment

    environment = find_environment()
    return None if environment is None else Path(environment.python)
