# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with photos, told before they are reconstructed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageFilter

from tests.small_photos import SAMPLE
from wildseg3d_blender.pipeline.photos.checks import check_photos
from wildseg3d_blender.worker.jobs import Jobs
from wildseg3d_blender.worker.messages import CheckPhotos

NAMES = [f"table_{number:02d}" for number in range(2, 8)]


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Six sample photos, half as large."""
    paths = []
    for name in NAMES:
        with Image.open(SAMPLE / f"{name}.jpg") as photo:
            photo.resize((photo.width // 2, photo.height // 2)).save(tmp_path / f"{name}.jpg", quality=95)
        paths.append(tmp_path / f"{name}.jpg")
    return paths


def test_good_photos_are_not_doubted(photos: list[Path]) -> None:
    assert check_photos(photos) == []


def test_each_fault_is_named(photos: list[Path], tmp_path: Path) -> None:
    with Image.open(photos[1]) as photo:
        longer = max(photo.size)
        photo.filter(ImageFilter.GaussianBlur(longer / 300)).save(photos[1], quality=95)
    with Image.open(photos[2]) as photo:
        photo.resize((photo.width // 4, photo.height // 4)).save(photos[2])
    (tmp_path / "twin.jpg").write_bytes(photos[0].read_bytes())
    (tmp_path / "broken.jpg").write_bytes(photos[0].read_bytes()[:2000])
    found = {
        item.photo.name: item.reason
        for item in check_photos([*photos, tmp_path / "twin.jpg", tmp_path / "broken.jpg"])
    }
    assert found.keys() == {photos[1].name, photos[2].name, "twin.jpg", "broken.jpg"}
    assert "looks blurred" in found[photos[1].name]
    assert f"beside the others, whose longer side has {longer} pixels" in found[photos[2].name]
    assert "same picture as table_02.jpg" in found["twin.jpg"]


def test_a_cropped_photo_is_named(photos: list[Path]) -> None:
    """Its file still tells the focal length of the whole picture. One taken upright is not cropped."""
    for path in photos:
        with Image.open(path) as photo:
            exif = photo.getexif()
            exif.update({ExifTags.Base.Make: "Maker", ExifTags.Base.Model: "One"})
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 36
            if path is photos[1]:
                photo = photo.transpose(Image.Transpose.ROTATE_90)
            if path is photos[2]:
                photo = photo.crop((0, 0, photo.width, int(0.8 * photo.height)))
            photo.save(path, quality=95, exif=exif)
    (found,) = check_photos(photos)
    assert (found.photo.name, found.advice) == (photos[2].name, "Use photos as they came from the camera.")
    assert found.reason == (
        "has another shape (540×288) than the others of its camera, so it seems to be cropped"
    )


def test_the_worker_answers_the_same(photos: list[Path], tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a photo")
    asked = CheckPhotos((*(str(path) for path in photos), str(tmp_path / "notes.jpg")))
    (found,) = Jobs().check_photos(asked, lambda stage, fraction, text="": None).doubtful
    assert found.photo == str(tmp_path / "notes.jpg") and "Export as JPEG" in found.advice
