# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installer said when it failed, as a sentence for people."""

from __future__ import annotations

import re

from ..errors import NeuralError
from .processes import Finished

_REASONS: tuple[tuple[str, str], ...] = (
    (
        r"hash mismatch|do not match the hashes",
        "a file that came is not the one that the lock names, so it was refused. A download was damaged or a "
        "mirror serves other files: try again, or use another index.",
    ),
    (r"no space left|not enough space|os error 112", "the disk is full. Free some space and start again."),
    (
        r"dns error|error sending request|failed to fetch|connection|timed out|max retries|"
        r"no matching distribution|network connectivity is disabled",
        "a server cannot be reached, or does not have it. Check the connection and the proxy, or use a "
        "mirror (see vendor/README.md); what has arrived is kept, so start again.",
    ),
    (
        r"no wheels? with a matching|no solution found",
        "there is no build of a package for this system and Python. Choose another Python with --python.",
    ),
    (r"permission denied|access is denied|os error 5\b", "the folder cannot be written. Choose another one."),
)
"""A pattern in what pip or uv said, and what that means; the first that is found counts."""


def explain(finished: Finished, what: str) -> None:
    """NeuralError with a sentence for what the installer of ``what`` said, if it failed."""
    if not finished.code:
        return
    said = finished.text
    for pattern, sentence in _REASONS:
        if re.search(pattern, said, re.IGNORECASE):
            raise NeuralError(f"{what} could not be installed: {sentence}")
    last = " ".join(line.strip() for line in finished.lines[-4:])
    raise NeuralError(
        f"{what} could not be installed; the installer said: {last or f'exit code {finished.code}'}. "
        "What was fetched is kept: try again, or make an environment by hand (see vendor/README.md)."
    )
