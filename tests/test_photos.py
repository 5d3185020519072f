# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos as people have them: odd formats, turned, damaged, doubled, oddly named."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from wildseg3d_blender.errors import Cancelled, PhotoError
from wildseg3d_blender.files.photos import find_photos
from wildseg3d_blender.pipeline.photos.reading import open_photos, read_image
from wildseg3d_blender.pipeline.reconstruct import reconstruct

WIDTH, HEIGHT = 160, 96


def picture(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A smooth picture whose corners differ, so that turning it is noticed. (H, W, 3) uint8."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    wave = 0.5 + 0.5 * np.sin(7 * x * y + seed)
    return (np.stack([x, y, wave], axis=-1) * 255).astype(np.uint8)


def save(file: Path, seed: int = 0, **options: object) -> Path:
    Image.fromarray(picture(seed)).save(file, **options)
    return file


def exif_with(base: dict[int, object] | None = None, camera: dict[int, object] | None = None) -> Image.Exif:
    exif = Image.Exif()
    exif.update(base or {})
    exif.get_ifd(ExifTags.IFD.Exif).update(camera or {})
    return exif


def test_folder_is_listed_in_natural_order_without_strangers(tmp_path: Path) -> None:
    for name in ("IMG_10.jpg", "IMG_9.JPG", "._IMG_9.JPG", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "a.png").touch()
    assert [path.name for path in find_photos([tmp_path])] == ["IMG_9.JPG", "IMG_10.jpg"]


def test_files_and_folders_mix_and_nothing_counts_twice(tmp_path: Path) -> None:
    inside = save(tmp_path / "b.png")
    assert find_photos([inside, tmp_path]) == [inside.absolute()]


def test_non_ascii_and_spaced_paths(tmp_path: Path) -> None:
    folder = tmp_path / "Fotos vom Übersee – 写真"
    folder.mkdir()
    save(folder / "été 1.jpg", 1)
    save(folder / "été 2.jpg", 2)
    photos, skipped = open_photos([folder])
    assert [photo.name for photo in photos] == ["été 1", "été 2"]
    assert not skipped
    assert read_image(photos[0]).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    upright = picture()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = exif_with({ExifTags.Base.Orientation: orientation})
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    save(tmp_path / "b.png", 1)
    photo = open_photos([tmp_path])[0][0]
    assert photo.size == (WIDTH, HEIGHT)
    np.testing.assert_array_equal(read_image(photo), upright)
    small = read_image(photo, longer_side=80)
    assert small.shape == (48, 80, 3)
    np.testing.assert_allclose(small[5:-5, 5:-5], upright[::2, ::2][5:-5, 5:-5], atol=12)


@pytest.mark.parametrize(
    ("camera", "focal"),
    [
        ({ExifTags.Base.FocalLengthIn35mmFilm: 50}, 50 * math.hypot(WIDTH, HEIGHT) / math.hypot(36, 24)),
        ({ExifTags.Base.FocalLengthIn35mmFilm: 0}, None),
        (
            {
                ExifTags.Base.FocalLength: 8.0,
                ExifTags.Base.FocalPlaneXResolution: 1000.0,
                ExifTags.Base.FocalPlaneResolutionUnit: 3,
                ExifTags.Base.ExifImageWidth: 2 * WIDTH,
                ExifTags.Base.ExifImageHeight: 2 * HEIGHT,
            },
            8.0 * 100.0 / 2,
        ),
        (
            {
                ExifTags.Base.FocalLengthIn35mmFilm: 50,
                ExifTags.Base.ExifImageWidth: 300,
                ExifTags.Base.ExifImageHeight: 300,
            },
            None,
        ),
        ({ExifTags.Base.FocalLengthIn35mmFilm: 60000}, None),
        ({ExifTags.Base.FocalLength: 8.0}, None),
    ],
    ids=["35 mm", "unknown", "focal plane, shrunk by two", "cropped", "absurd", "no sensor size"],
)
def test_focal_length(tmp_path: Path, camera: dict[int, object], focal: float | None) -> None:
    save(tmp_path / "a.jpg", 0, exif=exif_with(camera=camera))
    save(tmp_path / "b.jpg", 1)
    first, second = open_photos([tmp_path])[0]
    assert first.focal == (None if focal is None else pytest.approx(focal))
    assert second.focal is None


def test_grey_palette_cmyk_and_16_bit_come_as_8_bit_rgb(tmp_path: Path) -> None:
    colour = picture()
    grey = colour[..., 2]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "grey16.png")
    Image.fromarray((grey / 255).astype(np.float32)).save(tmp_path / "float.tif")
    Image.fromarray(colour).quantize(256).save(tmp_path / "palette.png")
    Image.fromarray(colour).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    Image.fromarray(colour).save(tmp_path / "plain.png")
    photos, skipped = open_photos([tmp_path])
    assert not skipped
    images = {photo.path.name: read_image(photo) for photo in photos}
    assert len(images) == 6
    assert all(i.shape == (HEIGHT, WIDTH, 3) and i.dtype == np.uint8 for i in images.values())
    for name in ("grey.png", "grey16.png", "float.tif"):
        np.testing.assert_allclose(images[name], np.repeat(grey[..., None], 3, axis=-1), atol=1)
    for name in ("palette.png", "cmyk.jpg"):
        assert np.abs(images[name].astype(int) - colour).mean() < 8


def test_transparent_pixels_become_grey(tmp_path: Path) -> None:
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[:, : WIDTH // 2] = 0
    Image.fromarray(np.concatenate([picture(), alpha], axis=-1)).save(tmp_path / "cut out.png")
    save(tmp_path / "other.png", 1)
    image = read_image(open_photos([tmp_path])[0][0])
    assert (image[:, : WIDTH // 2] == 128).all()
    np.testing.assert_array_equal(image[:, WIDTH // 2 :], picture()[:, WIDTH // 2 :])


@pytest.mark.parametrize("longer_side", [500, 333, 120])
def test_shrinking_keeps_the_extent(tmp_path: Path, longer_side: int) -> None:
    """A large JPEG is shrunk while decoding; the result must span exactly what the full photo spans."""
    width, height = 1003, 749
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    Image.fromarray((np.stack([x, y, x * y], -1) * 255).astype(np.uint8)).save(tmp_path / "a.jpg", quality=98)
    save(tmp_path / "b.png")
    image = read_image(open_photos([tmp_path])[0][0], longer_side=longer_side)
    small_height, small_width = image.shape[:2]
    assert (small_width, small_height) == (longer_side, round(height * longer_side / width))
    columns = image[..., 0].mean(axis=0)[4:-4] / 255
    expected = ((np.arange(small_width) + 0.5) / small_width)[4:-4]
    # Half a pixel of shift would show as 0.5 / longer_side.
    assert abs((columns - expected + 0.5 / 255).mean()) < 0.15 / longer_side + 0.3 / 255


def test_bad_files_are_left_out_and_named(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", 1, quality=95)
    save(tmp_path / "b.jpg", 2, quality=95)
    data = save(tmp_path / "cut.jpg", 3, quality=95).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "raw.heic").write_bytes(b"....ftypheic")
    save(tmp_path / "twin.png", 0)
    save(tmp_path / "twin2.png", 0)
    Image.fromarray(picture()[:16, :16]).save(tmp_path / "icon.png")
    photos, skipped = open_photos([tmp_path])
    assert [photo.name for photo in photos] == ["a", "b", "twin"]
    reasons = {item.photo.name: item.reason for item in skipped}
    assert "cut off" in reasons["cut.jpg"]
    assert "not an image" in reasons["text.jpg"]
    assert "not an image" in reasons["empty.png"]
    assert "HEIC" in reasons["raw.heic"]
    assert "same picture as twin.png" in reasons["twin2.png"]
    assert "16×16" in reasons["icon.png"]
    assert len(reasons) == 6
    assert all(item.advice.endswith(".") for item in skipped)


def test_cut_off_png_is_left_out(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 1)
    save(tmp_path / "b.png", 2)
    data = save(tmp_path / "cut.png", 3).read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    photos, skipped = open_photos([tmp_path])
    assert len(photos) == 2
    assert [item.photo.name for item in skipped] == ["cut.png"]


def test_nothing_given() -> None:
    with pytest.raises(PhotoError, match="No photos were given"):
        find_photos([])


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"no file or folder at .*gone"):
        find_photos([tmp_path / "gone"])


def test_folder_without_photos(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(PhotoError, match="No photos in"):
        find_photos([tmp_path])


def test_a_video_in_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    for name in ("walk 10.mov", "walk 9.mp4"):
        (tmp_path / name).touch()
    with pytest.raises(PhotoError, match=r"but the video walk 9\.mp4: choose that file"):
        find_photos([tmp_path])


def test_a_folder_inside_that_has_photos_is_named(tmp_path: Path) -> None:
    for name, count in (("few", 1), ("images", 3)):
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f"{number}.jpg").touch()
    with pytest.raises(PhotoError, match="but 3 in its folder images: choose that one") as raised:
        find_photos([tmp_path])
    assert raised.value.fix == "wildseg3d.photos_add"


def test_one_photo_is_too_few(tmp_path: Path) -> None:
    save(tmp_path / "alone.jpg")
    with pytest.raises(PhotoError, match=r"Only one photo to work with, alone\.jpg: at least two"):
        open_photos([tmp_path])


def test_identical_photos_are_too_few(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        save(tmp_path / name)
    with pytest.raises(
        PhotoError, match=r"Only one photo .* same picture as a\.jpg.* at least two different"
    ):
        open_photos([tmp_path])


def test_only_rubbish(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no")
    with pytest.raises(PhotoError, match=r"The only photo .*a\.jpg is not an image"):
        open_photos([tmp_path / "a.jpg"])


def test_reading_a_photo_that_was_damaged_meanwhile(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", 1)
    save(tmp_path / "b.jpg", 2)
    photo = open_photos([tmp_path])[0][0]
    photo.path.write_bytes(photo.path.read_bytes()[:600])
    with pytest.raises(PhotoError, match=r"^a\.jpg is (cut off|damaged|not an image)"):
        read_image(photo)
    photo.path.unlink()
    with pytest.raises(PhotoError, match=r"^a\.jpg is no longer there"):
        read_image(photo)


def test_opening_can_be_cancelled(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", 1)
    save(tmp_path / "b.jpg", 2)

    def cancel(stage: str, fraction: float, text: str = "") -> None:
        if "b.jpg" in text:
            raise Cancelled

    with pytest.raises(Cancelled):
        open_photos([tmp_path], progress=cancel)


def test_the_bar_is_shared_by_the_size_of_the_photos(tmp_path: Path) -> None:
    def opened_at() -> float:
        """How full the bar is when the engine begins."""
        seen: dict[str, float] = {}

        def progress(stage: str, fraction: float, text: str = "") -> None:
            seen.setdefault(stage, fraction)
            if stage not in ("photos", ""):
                raise Cancelled

        with pytest.raises(Cancelled):
            reconstruct([tmp_path], tmp_path / "scene", progress=progress)
        return next(fraction for stage, fraction in seen.items() if stage != "photos")

    for number in range(2):
        save(tmp_path / f"{number}.png", number)
    assert 0.0 <= opened_at() < 0.01
    with (tmp_path / "large.png").open("wb") as large:
        large.truncate(500_000_000)  # takes no room on the disk, and cannot be read: its size counts
    assert 0.1 < opened_at() < 0.4


def test_reconstructing_says_which_photo_it_opens_and_can_be_cancelled_there(tmp_path: Path) -> None:
    """Large photos take a quarter of a second each."""
    photos = [save(tmp_path / f"{number}.png", number) for number in range(3)]
    said: list[str] = []

    def progress(stage: str, fraction: float, text: str = "") -> None:
        said.append(text)
        if text == "Opening 1.png":
            raise Cancelled

    with pytest.raises(Cancelled):
        reconstruct(photos, tmp_path / "scene", progress=progress)
    assert said == ["Reading photos", "Opening 0.png", "Opening 1.png"]
    assert not (tmp_path / "scene").exists()
