# SPDX-License-Identifier: GPL-3.0-or-later
"""Key frames: sharp ones, spread over what the camera travelled; and their folder on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.small_video import frames_along, write_video
from wildseg3d_blender.errors import Cancelled, PhotoError
from wildseg3d_blender.pipeline.photos.key_frames import LEAST_APART, MOST_APART, Measured, choose, measure
from wildseg3d_blender.pipeline.photos.video import RECORD, _opened, key_frames, with_key_frames

SLOW_THEN_FAST = np.concatenate([np.linspace(0.0, 0.5, 60, endpoint=False), np.linspace(0.5, 3.0, 60)])
BLURRED = frozenset(range(2, 120, 5)) | frozenset(range(3, 120, 5))


def test_blurred_frames_are_not_taken_and_spacing_follows_the_camera() -> None:
    measured = measure(enumerate(frames_along(SLOW_THEN_FAST, blurred=BLURRED)))
    numbers = choose(measured, 12)
    assert len(numbers) == 12
    assert not set(numbers.tolist()) & BLURRED
    # Equal travel between neighbours, whatever the camera's speed: most frames from its fast part.
    travel = np.diff(measured.travel[numbers])
    assert travel.max() < 2.0 * travel.min()
    assert 7 <= (numbers >= 60).sum() <= 10


def test_travel_is_what_the_picture_moved() -> None:
    positions = np.linspace(0.0, 1.0, 40)
    measured = measure(enumerate(frames_along(positions)))
    wall, board = (300.0 * 1.0 / depth / np.hypot(320, 240) for depth in (6.0, 3.0))
    assert 0.9 * wall < measured.travel[-1] < 1.1 * board
    assert np.all(np.diff(measured.travel) >= 0)


def test_a_shaking_hand_travels_nowhere() -> None:
    rng = np.random.default_rng(5)
    shaken = measure(enumerate(frames_along(rng.uniform(-0.06, 0.06, 60))))
    assert shaken.travel[-1] < 3 * LEAST_APART
    assert len(choose(shaken, 12)) <= 4


def test_a_cut_leaves_frames_on_both_sides() -> None:
    frames = frames_along(np.linspace(0.0, 0.6, 20), seed=1) + frames_along(np.linspace(0.0, 0.6, 20), seed=2)
    numbers = choose(measure(enumerate(frames)), 8)
    assert (numbers < 20).sum() >= 3 and (numbers >= 20).sum() >= 3


def test_more_frames_where_the_camera_goes_far_but_twice_as_many_at_most() -> None:
    def straight(total: float) -> Measured:
        return Measured(np.arange(400), np.linspace(0.0, total, 400), np.ones(400))

    assert len(choose(straight(1.0), 10)) == 10
    assert len(choose(straight(14 * MOST_APART), 10)) == 15
    assert len(choose(straight(100 * MOST_APART), 10)) == 21
    assert len(choose(straight(4.5 * LEAST_APART), 10)) == 5


@pytest.mark.parametrize(("suffix", "code"), [("mp4", "mp4v"), ("avi", "MJPG")])
def test_frames_are_written_beside_and_taken_again(tmp_path: Path, suffix: str, code: str) -> None:
    frames = frames_along(np.linspace(0.0, 2.0, 60), blurred={30})
    video = write_video(tmp_path / f"Küche 1.{suffix}", frames, code=code)
    made = key_frames(video, tmp_path / "out", count=6)
    assert made.folder == tmp_path / "out" / "Küche 1 frames" and made.warning == ""
    numbers = [int(frame.stem.rsplit("_", 1)[1]) for frame in made.frames]
    assert len(numbers) == 6 and numbers == sorted(numbers) and 30 not in numbers
    for number, file in zip(numbers, made.frames, strict=True):
        with Image.open(file) as image:
            off = np.asarray(image)[..., ::-1].astype(float) - frames[number]
        # Compressed twice, but of this frame and of no other.
        assert np.abs(off).mean() < 12

    changed = made.frames[0].stat().st_mtime_ns
    assert key_frames(video, tmp_path / "out", count=6) == made
    assert made.frames[0].stat().st_mtime_ns == changed
    fewer = key_frames(video, tmp_path / "out", count=4)
    assert fewer.folder == made.folder and len(fewer.frames) == 4
    assert {file.name for file in made.folder.iterdir()} == {RECORD, *(file.name for file in fewer.frames)}


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.mp4", frames_along(np.linspace(0.0, 1.0, 20)))
    (tmp_path / "clip frames").mkdir()
    (tmp_path / "clip frames" / "mine.txt").write_text("mine")
    made = key_frames(video, tmp_path, count=4)
    assert made.folder.name == "clip frames_2"
    assert (tmp_path / "clip frames" / "mine.txt").read_text() == "mine"
    assert json.loads((made.folder / RECORD).read_text())["video"] == str(video)


def test_photos_among_videos_keep_their_place(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.mp4", frames_along(np.linspace(0.0, 1.0, 20)))
    found = with_key_frames([tmp_path / "a.jpg", video, tmp_path / "b.jpg"], tmp_path, count=3)
    assert [found[0].name, found[-1].name] == ["a.jpg", "b.jpg"]
    assert all(path.parent.name == "clip frames" for path in found[1:-1]) and len(found) == 5


def test_cancelled_midway_leaves_nothing(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.mp4", frames_along(np.linspace(0.0, 1.0, 20)))
    for stop_at in (0.2, 0.8):

        def progress(stage: str, fraction: float, text: str = "", stop_at: float = stop_at) -> None:
            if fraction > stop_at:
                raise Cancelled

        with pytest.raises(Cancelled):
            key_frames(video, tmp_path / "out", count=4, progress=progress)
        assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_what_is_no_video_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("not a video")
    with pytest.raises(PhotoError, match=r"notes\.mp4 cannot be read as a video: export it"):
        key_frames(tmp_path / "notes.mp4", tmp_path)
    with pytest.raises(PhotoError, match="There is no video at"):
        key_frames(tmp_path / "gone.mp4", tmp_path)


def test_of_a_broken_video_only_our_sentence_is_printed(tmp_path: Path) -> None:
    """FFmpeg's own words would come before it."""
    video = write_video(tmp_path / "cut.mp4", frames_along([0.1 * i for i in range(8)]))
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    command = [sys.executable, "-m", "wildseg3d_blender", "reconstruct", "cut.mp4", "-o", "scene"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ran = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    sentence = "cut.mp4 cannot be read as a video: export it as MP4 (H.264), or choose photos."
    assert ran.stderr.splitlines() == ["  0% photos: Reading photos", sentence]


def test_opening_a_video_leaves_settings_as_they_were(tmp_path: Path) -> None:
    video = write_video(tmp_path / "still.mp4", frames_along([0.0] * 4))
    before = cv2.utils.logging.getLogLevel(), dict(os.environ)
    with _opened(video):
        assert (cv2.utils.logging.getLogLevel(), dict(os.environ)) == before


def test_a_camera_that_stands_still_is_told(tmp_path: Path) -> None:
    video = write_video(tmp_path / "still.mp4", frames_along([0.0] * 20))
    assert "hardly moves" in key_frames(video, tmp_path, count=4).warning
