# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether something can be written somewhere: asked before long work, so that nothing is computed in vain."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from ..errors import SceneError
from ..wording import reason


def try_to_make(path: Path) -> None:
    """OSError unless a file or folder can be made at ``path``, or put in its place; its parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    probe = path.with_name(f".{path.name}.probe-{uuid.uuid4().hex}")
    probe.mkdir()
    probe.rmdir()


def check_place(file: Path) -> None:
    """SceneError unless ``file`` can be written; the folders it is to be in are made."""
    try:
        if not (file.exists() and os.access(file, os.W_OK)):  # /dev/stdout can, where nothing can be made
            try_to_make(file.absolute())
    except OSError as error:
        raise SceneError(f"Cannot write {file} ({reason(error)}): choose another place.") from error
