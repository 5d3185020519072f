# SPDX-License-Identifier: GPL-3.0-or-later
"""The interpreter of a neural environment, for tests and benchmarks that need torch."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

from wildseg3d_blender.neural.environment import interpreter_in

SETTING = "WILDSEG3D_NEURAL_PYTHON"
MADE = Path(__file__).absolute().parents[1] / ".venv-neural"
"""Where `make test` makes one."""

NEEDED = ("torch", "mini_dust3r.model", "sam2.build_sam", "pytest", "cv2", "PIL")


@functools.cache
def neural_python() -> tuple[Path | None, str]:
    """That interpreter, or None and why there is none that the tests can use."""
    named = os.environ.get(SETTING)
    python = Path(named) if named else interpreter_in(MADE / "env")
    if not python.is_file():
        advice = f"correct {SETTING}" if named else "make it with `make setup-neural`"
        return None, f"there is no neural environment at {python}: {advice}"
    imports = "; ".join(f"import {name}" for name in NEEDED)
    tried = subprocess.run([str(python), "-c", imports], capture_output=True, text=True, check=False)
    if tried.returncode:
        lacking = (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
        return None, f"{python} cannot run the neural tests: {lacking}"
    return python, ""
