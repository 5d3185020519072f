# SPDX-License-Identifier: GPL-3.0-or-later
"""Videos -> photos that wait to be reconstructed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from ...worker.messages import KeyFrames, TakenFrames
from .. import photo_list
from ..scene import location
from .driving import Call, Warn, Work


def taking_frames(videos: Sequence[Path], count: int, *, add: bool) -> Work:
    """Take sharp frames that overlap well, and choose them as photos.

    Args:
        count: about how many of each video.
        add: keep the photos that were chosen before.

    Raises:
        PhotoError: a video cannot be read.
    """
    frames: list[Path] = []
    warnings: list[str] = []
    for number, video in enumerate(videos, start=1):
        beside = location.default_folder(bpy.context, video).parent
        request = KeyFrames(str(video), str(beside), count).to_json()
        answer = yield Call("Take Frames", "key_frames", request, until=number / len(videos))
        taken = TakenFrames.from_json(answer)
        frames += [Path(frame) for frame in taken.frames]
        warnings += [taken.warning] if taken.warning else []
    scene = bpy.context.scene
    (photo_list.add if add else photo_list.choose)(scene, frames)
    scene.wildseg3d.show_photos = scene.wildseg3d.show_reconstruct = True
    for warning in warnings:
        yield Warn(warning)
    return f"{len(frames)} frames of {', '.join(video.name for video in videos)}."
