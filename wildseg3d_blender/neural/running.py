# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a command in the neural environment when it needs networks that this interpreter does not have."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .environment import python as neural_python

DEVICE_VARIABLE = "WILDSEG3D_DEVICE"
"""Tells a process where its networks run: auto, cpu, cuda or mps. A worker is given it when it is started."""

NEURAL = {"dust3r": "mini_dust3r", "mixed": "mini_dust3r", "sam2": "sam2"}
"""Engines and segmenters that need networks, and the package that each is made of."""

INSIDE = "WILDSEG3D_IN_NEURAL"
"""Set for a process that was started here: what it lacks, no other one has."""

ROOT = Path(__file__).absolute().parents[2]


def elsewhere(options: argparse.Namespace, arguments: Sequence[str]) -> int | None:
    """Run a command line in the neural environment if its ``options`` name a network that is not here.

    Returns:
        Its exit code there; None when it can run here.

    Raises:
        NeuralError: the network is not here, and there is no such environment.
    """
    named = (getattr(options, "engine", None), getattr(options, "segmenter", None))
    packages = {NEURAL[name] for name in named if name in NEURAL}
    if not packages:
        return None
    os.environ[DEVICE_VARIABLE] = options.device
    if INSIDE in os.environ or all(
        importlib.util.find_spec(name) is not None for name in ("torch", *packages)
    ):
        return None
    return run_with(neural_python(), arguments)


def run_with(python: Path, arguments: Sequence[str]) -> int:
    """The exit code of the command line, run by that interpreter with this package."""
    command = [str(python), "-s", "-P", "-X", "utf8", "-m", "wildseg3d_blender", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), INSIDE: "1"}
    sys.stdout.flush()
    # Ctrl-C reaches both processes; that one cancels, and this one waits for its answer.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
