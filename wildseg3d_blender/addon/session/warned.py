# SPDX-License-Identifier: GPL-3.0-or-later
"""What Segment warned of, kept for the panel: a report is gone after seconds, or covered by the next one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_warnings: dict[tuple[Path, str], tuple[str, tuple[str, ...]]] = {}


def remember(about: tuple[Path, str], digest: str, warnings: Sequence[str]) -> None:
    """Keep the sentences about an object that was just cut out, in place of those before.

    Args:
        about: scene folder and name of the object.
        digest: of the prompts that it was cut out by.
    """
    _warnings[about] = (digest, tuple(warnings))


def of(about: tuple[Path, str], digest: str) -> tuple[str, ...]:
    """The sentences about an object that was cut out by those prompts; of others, as after undo, none."""
    known, warnings = _warnings.get(about, ("", ()))
    return warnings if known == digest else ()


def forget() -> None:
    """Another file was opened."""
    _warnings.clear()
