# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line as a program of its own, and what it prints for others to read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).absolute().parents[1]
COMMAND = [sys.executable, "-m", "wildseg3d_blender"]
PLAIN_LINE = re.compile(r" *\d+% \w+: .+")
"""A line of progress, where stderr is no terminal."""


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it to the end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )


def last_object(text: str) -> dict[str, Any]:
    """The JSON object that ``--json`` puts on the last line."""
    value = json.loads(text.splitlines()[-1])
    assert isinstance(value, dict)
    return value
