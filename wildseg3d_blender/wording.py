# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of sentences: counts in the right number, and what the system says went wrong."""

from __future__ import annotations


def counted(count: int, one: str) -> str:
    """``count`` things, each called ``one``: "1 photo", "1,200 photos"."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def found_objects(count: int, parts: int) -> str:
    """So many objects, of which so many are parts of others."""
    if parts == 0:
        return counted(count, "object")
    of_them = "1 of them part of another" if parts == 1 else f"{parts:,} of them parts of others"
    return f"{counted(count, 'object')}, {of_them}"


def reason(error: OSError) -> str:
    """Why a file could not be read or written, for people."""
    # NumPy writes past the system's own error: all it knows is that less was written than it wanted.
    if error.errno is None and "requested and" in str(error):
        return "the disk is full"
    return error.strerror or str(error)
