# SPDX-License-Identifier: GPL-3.0-or-later
"""Getting the worker ready for prompts that have to be solved, which takes seconds, before the first comes.

Quiet work after that of ``finding``; as with that, whatever else is asked goes before it, and it goes on
where it was. Networks are not made ready: what they hold on a graphics card others may want.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import Cancelled, WildSegError
from ...worker.messages import Prepare
from ..scene import lookup
from . import runtime

METHOD = "prepare"
TITLE = "Get Ready"

SEGMENTER = "graphcut"

_wanted: list[Path] = []


def want(folder: Path, segmenter: str) -> None:
    """Have the worker made ready for a scene folder, in place of another one, when it is free."""
    _wanted[:] = [folder] if segmenter == SEGMENTER else []


def due() -> Path | None:
    """The scene folder that the worker is to be made ready for."""
    return next((folder for folder in _wanted if lookup.is_in_use(folder)), None)


def forget() -> None:
    """Another file was opened."""
    _wanted.clear()


def start(folder: Path) -> None:
    """Begin with it. The worker must be idle."""

    def when_done(job: runtime.Job) -> None:
        try:
            job.result()
        except Cancelled:
            return  # made way for something else
        except WildSegError:
            pass  # the first prompt meets it again, and says so
        if folder in _wanted:
            _wanted.remove(folder)

    runtime.start_quiet(TITLE, METHOD, Prepare(str(folder), SEGMENTER).to_json(), when_done)
