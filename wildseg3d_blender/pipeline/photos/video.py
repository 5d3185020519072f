# SPDX-License-Identifier: GPL-3.0-or-later
"""A video as photos: its key frames, written into a folder of their own."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import PhotoError, SceneError
from ...files.atomic_folder import replacing_folder
from ...files.names import file_stem
from ...files.photos import CHOOSE, is_video
from ...files.places import try_to_make
from ...progress import Progress, silent, span
from ...reconstruct_settings import KEY_FRAMES
from ...wording import reason
from .key_frames import LEAST_APART, MOST_APART, Measured, choose, measure

RECORD = "frames.json"
"""Says in the folder of frames which video they are of; a folder without it is never touched."""

_LOOKED_AT_PER_SECOND = 10.0
# Short videos are looked at more closely, so that there is a choice around each key frame.
_LOOKED_AT_PER_KEY_FRAME = 8
_PER_SECOND_IF_UNKNOWN = 30.0

_FFMPEG_LEVEL = "OPENCV_FFMPEG_LOGLEVEL"
_FFMPEG_QUIET = "-8"
# OpenCV hands the level to FFmpeg when a process opens its first video; FFmpeg keeps it.


@dataclass(frozen=True)
class KeyFrames:
    """Frames of a video on disk.

    Attributes:
        folder: where they are.
        frames: JPEG files, in the video's order.
        warning: a sentence for people; empty when all is well.
    """

    folder: Path
    frames: tuple[Path, ...]
    warning: str = ""


def key_frames(
    video: Path, beside: Path, *, count: int = KEY_FRAMES.default, progress: Progress = silent
) -> KeyFrames:
    """Write the key frames of ``video`` into the folder "<video> frames" in ``beside``.

    Frames of the same video that are there already, made with the same ``count``, are taken as they are; a
    folder of that name that holds something else is left alone, and another name taken.

    Args:
        count: about how many, see ``key_frames.choose``.

    Raises:
        PhotoError: the video cannot be read, or has fewer than two frames that differ.
        SceneError: ``beside`` cannot be written.
        Cancelled: by ``progress``; no folder was made.
    """
    video = video.absolute()
    record = _record(video, count)
    folder, kept = _place(video, beside, record)
    if kept is not None:
        progress("frames", 1.0, f"Frames of {video.name}")
        return kept
    _check_room_for(folder)
    with _opened(video) as capture:
        measured = measure(_looked_at(capture, video, count, span(progress, 0.0, 0.7)))
    numbers = choose(measured, count)
    if len(numbers) < 2:
        raise PhotoError(
            f"{video.name} shows only one picture: film while walking around the subject, or choose photos.",
            fix=CHOOSE,
        )
    record["warning"] = _warning(measured, numbers)
    with replacing_folder(folder) as partial, _opened(video) as capture:
        wanted = _only(capture, numbers, video, span(progress, 0.7, 1.0))
        record["frames"] = [_write(frame, partial, video, number) for number, frame in wanted]
        (partial / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
    return _kept(folder, record)


def with_key_frames(
    paths: Sequence[Path], beside: Path, *, count: int = KEY_FRAMES.default, progress: Progress = silent
) -> list[Path]:
    """``paths`` with each video replaced by its key frames; see ``key_frames``."""
    videos = [path for path in paths if is_video(path)]
    found: list[Path] = []
    for path in paths:
        if not is_video(path):
            found.append(path)
            continue
        n = videos.index(path)
        part = span(progress, n / len(videos), (n + 1) / len(videos))
        found += key_frames(path, beside, count=count, progress=part).frames
    return found


def _record(video: Path, count: int) -> dict[str, Any]:
    try:
        status = video.stat()
    except OSError as error:
        raise PhotoError(
            f"There is no video at {video} ({error.strerror}): choose it again.", fix=CHOOSE
        ) from error
    return {"video": str(video), "bytes": status.st_size, "changed": status.st_mtime_ns, "count": count}


def _place(video: Path, beside: Path, record: dict[str, Any]) -> tuple[Path, KeyFrames | None]:
    """The folder to write, and the frames where they are there already."""
    name = f"{file_stem(video.stem)} frames"
    number, folder = 2, beside / name
    while folder.exists():
        there = _read_record(folder)
        if there is not None and there.get("video") == record["video"]:
            same = all(there.get(key) == value for key, value in record.items())
            kept = _kept(folder, there) if same and "frames" in there else None
            return folder, kept if kept is not None and all(f.is_file() for f in kept.frames) else None
        folder, number = beside / f"{name}_{number}", number + 1
    return folder, None


def _check_room_for(folder: Path) -> None:
    try:
        try_to_make(folder)
    except OSError as error:
        raise SceneError(
            f"Cannot write to {folder.parent}, where the frames would be kept ({reason(error)}): check the "
            "permissions there, or save the .blend elsewhere."
        ) from error


def _read_record(folder: Path) -> dict[str, Any] | None:
    try:
        data = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def _kept(folder: Path, record: dict[str, Any]) -> KeyFrames:
    frames = tuple(folder / str(name) for name in record["frames"])
    return KeyFrames(folder, frames, str(record.get("warning", "")))


def _warning(measured: Measured, numbers: NDArray[np.int64]) -> str:
    total = float(measured.travel[-1] - measured.travel[0])
    if total / (len(numbers) - 1) > 1.5 * MOST_APART:
        return (
            f"The camera moves far in this video: its {len(numbers)} frames overlap little. Ask for more "
            "frames, or film more slowly."
        )
    if total < 5 * LEAST_APART:
        return "The camera hardly moves in this video, so there is little depth: walk around the subject."
    return ""


@contextlib.contextmanager
def _opened(video: Path) -> Iterator[cv2.VideoCapture]:
    with _quiet():
        capture = cv2.VideoCapture(str(video))
    try:
        if not capture.isOpened():
            raise PhotoError(
                f"{video.name} cannot be read as a video: export it as MP4 (H.264), or choose photos.",
                fix=CHOOSE,
            )
        yield capture
    finally:
        capture.release()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Opening a video prints nothing: what is wrong with it is raised, in a sentence."""
    level, asked_for = cv2.utils.logging.getLogLevel(), _FFMPEG_LEVEL in os.environ
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    if not asked_for:
        os.environ[_FFMPEG_LEVEL] = _FFMPEG_QUIET
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
        if not asked_for:
            del os.environ[_FFMPEG_LEVEL]


def _looked_at(
    capture: cv2.VideoCapture, video: Path, count: int, progress: Progress
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Number and pixels (H, W, 3) BGR of some of the frames, at regular distances."""
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    if not 1.0 <= rate <= 500.0:
        rate = _PER_SECOND_IF_UNKNOWN
    every = rate / _LOOKED_AT_PER_SECOND
    if total > 0:
        every = min(every, total / (_LOOKED_AT_PER_KEY_FRAME * count))
    every = max(1, round(every))
    number = 0
    while capture.grab():
        if number % every == 0:
            # Some containers do not tell how many frames there are.
            done = number / total if total > 0 else 1.0 - 0.999**number
            progress("frames", min(done, 1.0), f"Looking through {video.name}")
            fine, frame = capture.retrieve()
            if fine:
                yield number, frame
        number += 1


def _only(
    capture: cv2.VideoCapture, numbers: NDArray[np.int64], video: Path, progress: Progress
) -> Iterable[tuple[int, NDArray[np.uint8]]]:
    """The frames of those numbers. Read from the start: seeking is exact in some formats only."""
    wanted, last = set(numbers.tolist()), int(numbers[-1])
    for number in range(last + 1):
        if not capture.grab():
            raise PhotoError(
                f"{video.name} cannot be read a second time: copy it to a disk of this computer."
            )
        progress("frames", number / (last + 1), f"Keeping the best frames of {video.name}")
        if number in wanted:
            fine, frame = capture.retrieve()
            if fine:
                yield number, frame


def _write(frame: NDArray[np.uint8], folder: Path, video: Path, number: int) -> str:
    name = f"{file_stem(video.stem)}_{number:06d}.jpg"
    rgb = np.ascontiguousarray(frame[..., ::-1])
    Image.fromarray(rgb).save(folder / name, "JPEG", quality=95, subsampling=0)
    return name
