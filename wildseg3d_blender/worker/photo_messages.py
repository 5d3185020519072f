# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender and the worker say about photos before they are reconstructed; see ``protocol``."""

from __future__ import annotations

from dataclasses import dataclass

from ..reconstruct_settings import KEY_FRAMES
from .protocol import Params


@dataclass(frozen=True)
class KeyFrames(Params):
    """Take key frames of the video ``video``, about ``count``, into a folder of their own in ``beside``."""

    video: str
    beside: str
    count: int = KEY_FRAMES.default


@dataclass(frozen=True)
class TakenFrames(Params):
    """``frames``: the JPEG files, in the video's order; ``warning``: a sentence, or empty."""

    folder: str
    frames: tuple[str, ...]
    warning: str


@dataclass(frozen=True)
class CheckPhotos(Params):
    """Look at ``photos`` (files) before anybody reconstructs them."""

    photos: tuple[str, ...]


@dataclass(frozen=True)
class DoubtfulPhoto(Params):
    """A photo that cannot be used, or had better be replaced: why (goes on after its name), what helps."""

    photo: str
    reason: str
    advice: str


@dataclass(frozen=True)
class CheckedPhotos(Params):
    """``doubtful``: the photos that something is wrong with; the others are fine."""

    doubtful: tuple[DoubtfulPhoto, ...]
