# SPDX-License-Identifier: GPL-3.0-or-later
"""The neural environment that is there: found, asked for its interpreter, removed, or another used instead.

<folder>/tools/          uv
<folder>/env/            the environment
<folder>/cache/          uv's cache; shares its files with env, so it takes no room of its own
<folder>/torch.lock      the torch build of this machine, see ``recipe``
<folder>/installed.json  written last: what was made and proven; without it there is no environment
<folder>/chosen.json     an environment of the user's own that is used instead
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import NeuralError
from ..progress import Progress, silent
from .folder_lock import exclusive
from .places import COMMAND, default_folder
from .processes import run
from .recipe import ROOT, Recipe
from .space import bytes_of

INSTALLED = "installed.json"
CHOSEN = "chosen.json"
PARTS = ("env", "cache", "tools", "torch.lock", INSTALLED, CHOSEN, "unfinished")
"""Everything an environment puts into its folder; nothing else there is ever removed."""


@dataclass(frozen=True)
class Environment:
    """An environment that was proven to work.

    Attributes:
        python: its interpreter.
        versions: package name -> version, of those that matter.
        device: what torch computes on there, for people: "NVIDIA RTX 3090", "Apple GPU", "CPU".
        dust3r: whether DUSt3R's code is in it.
        digest: of the recipe it was made from; "" when it is the user's own.
        bytes: what uninstalling frees; 0 when it is the user's own.
        speeds: how fast each device (cpu, cuda, mps) runs DUSt3R, see ``estimate``; empty where nobody tried.
    """

    python: str
    versions: dict[str, str]
    device: str
    dust3r: bool
    digest: str = ""
    bytes: int = 0
    speeds: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def own(self) -> bool:
        """Whether the user made it; then it is never changed or removed."""
        return not self.digest

    def outdated(self, recipe: Recipe | None = None) -> bool:
        """Whether the extension has newer locks; installing again brings it up to date."""
        return not self.own and self.digest != (recipe or Recipe()).digest()


def find_environment(folder: Path | None = None) -> Environment | None:
    """The environment to use, or None. Looks at two small files only, so it may be asked at every redraw."""
    folder = folder or default_folder()
    for name in (CHOSEN, INSTALLED):
        record = read_json(folder / name)
        try:
            found = Environment(**record)
        except TypeError:
            continue
        # Checked each time: a virtual environment ends with the Python it was made from.
        if Path(found.python).exists():
            return found
    return None


def python(folder: Path | None = None) -> Path:
    """The interpreter of the environment.

    Raises:
        NeuralError: there is none.
    """
    found = find_environment(folder)
    if found is None:
        raise NeuralError(
            "The neural environment is not installed: install it in the add-on's preferences, or with "
            f"{COMMAND} install.",
            fix="wildseg3d.neural_install",
        )
    return Path(found.python)


def use_existing(
    place: Path, folder: Path | None = None, *, recipe: Recipe | None = None, progress: Progress = silent
) -> Environment:
    """Use an environment of the user's own from now on; it is checked first and never changed.

    Args:
        place: its interpreter, or the environment's folder.

    Raises:
        NeuralError: it is not there, or lacks what the neural engines need.
    """
    folder, recipe = folder or default_folder(), recipe or Recipe()
    candidates = [place, interpreter_in(place)]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise NeuralError(
            f"There is no Python at {place}: choose an environment's folder or the python program in it."
        )
    # Kept as named, not resolved: the link's own place is what makes Python use that environment.
    result = prove(found.absolute(), recipe, progress)
    write_json(folder / CHOSEN, asdict(result))
    return result


def prove(interpreter: Path, recipe: Recipe, progress: Progress) -> Environment:
    """Run the recipe's check in an environment: imports, and a tiny forward pass of each network.

    Raises:
        NeuralError: it fails; the sentence ends with what Python said.
    """

    def watch(line: str) -> None:
        progress("verify", 0.0, "Trying the networks out")

    variables = {
        # The folder of the package goes into the path, never into the environment.
        "PYTHONPATH": os.pathsep.join([str(ROOT), *_extra_paths(recipe)]),
        # Threads that wait would count as work: on a busy computer speeds came out three times too slow.
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    finished = run(
        [interpreter, "-s", "-P", "-X", "utf8", "-m", recipe.check],
        folder=interpreter.parent,
        variables=variables,
        watch=watch,
    )
    last = finished.lines[-1] if finished.lines else ""
    if finished.code:
        raise NeuralError(
            f"The environment of {interpreter} cannot run the neural engines ({last or finished.code}): "
            "install it again, or choose another one."
        )
    said = json.loads(last)
    speeds = said.get("speeds", {})
    return Environment(str(interpreter), said["versions"], said["device"], said["dust3r"], speeds=speeds)


def uninstall(folder: Path | None = None) -> int:
    """Remove the environment made by us and forget a chosen one; returns the bytes that came free.

    Raises:
        NeuralError: files are in use, or an installation is under way.
    """
    folder = folder or default_folder()
    parts = [folder / name for name in PARTS]
    freed = bytes_of(*parts)
    if not folder.exists():
        return 0
    with exclusive(folder):
        _remove(parts)
    return freed


def _remove(parts: Sequence[Path]) -> None:
    try:
        # First what says that there is an environment: broken off here, what is left is none.
        for part in sorted(parts, key=lambda part: part.name not in (INSTALLED, CHOSEN)):
            if part.is_dir() and not part.is_symlink():
                shutil.rmtree(part)
            else:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise NeuralError(
            f"{error.filename} could not be removed ({error.strerror}): close what uses it, then uninstall "
            "again."
        ) from error


def interpreter_in(environment: Path) -> Path:
    """Where a virtual environment has its interpreter."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def read_json(path: Path) -> dict[str, Any]:
    """A small record; empty where there is none or it is damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a small record, whole or not at all.

    Raises:
        NeuralError: the folder cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise NeuralError(f"{path} cannot be written ({error.strerror}): choose another folder.") from error


def _extra_paths(recipe: Recipe) -> list[str]:
    return [] if recipe.locks.is_relative_to(ROOT) else [str(recipe.locks)]
