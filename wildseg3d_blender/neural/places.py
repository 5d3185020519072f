# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the neural environment and the models lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER_VARIABLE = "WILDSEG3D_NEURAL"
"""Environment variable with the folder of the neural environment; child processes inherit it."""

MODELS_VARIABLE = "WILDSEG3D_MODELS"
"""Environment variable with the folder of the model files."""

COMMAND = "python -m wildseg3d_blender neural"
"""How sentences name the command line."""

LONGEST_INSIDE = len(r"\env\Lib\site-packages") + 175
"""The longest path that the environment puts below its folder: torch's wheel has licences 171 deep."""

WINDOWS_LIMIT = 259
"""Characters of a path that every Windows program can open."""


def default_folder() -> Path:
    """The folder of the neural environment: what ``FOLDER_VARIABLE`` says, or a place in the user's data."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).absolute() if named else user_data() / "neural"


def models_folder() -> Path:
    """Where model files are kept; one for all Blender versions, and where files may be put by hand."""
    named = os.environ.get(MODELS_VARIABLE)
    return Path(named).absolute() if named else user_data() / "models"


def user_data() -> Path:
    """The platform's place for this user's program data; a short one, for Windows' sake."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "WildSeg3D"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "WildSeg3D"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "wildseg3d"


def short_enough(folder: Path, *, windows: bool = sys.platform == "win32") -> bool:
    """Whether torch's longest file can be opened below ``folder``. Only Windows has a limit."""
    return not windows or len(str(folder.absolute())) + LONGEST_INSIDE <= WINDOWS_LIMIT
