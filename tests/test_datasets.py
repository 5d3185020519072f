# SPDX-License-Identifier: GPL-3.0-or-later
"""The loaders, on tiny made-up folders in the published layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.datasets import (
    NVOS_SCENES,
    Scribbles,
    mask_folder_scene,
    nvos_scene,
    read_mask,
    scribble_clicks,
    spin_nerf_names,
    spin_nerf_scene,
)
from wildseg3d_blender.errors import SceneError

PHOTO_SIZE, SMALL = (64, 48), (16, 12)


def picture(file: Path, size: tuple[int, int] = PHOTO_SIZE, mode: str = "RGB") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(file)
    return file


def mask(file: Path, size: tuple[int, int] = PHOTO_SIZE, bright: int = 255) -> Path:
    """A mask whose upper left quarter is the object."""
    values = np.zeros(size[::-1], dtype=np.uint8)
    values[: size[1] // 2, : size[0] // 2] = bright
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(file)
    return file


@pytest.fixture
def nvos(tmp_path: Path) -> Path:
    """Two of the eight scenes, one with the photo set of another name."""
    root = tmp_path / "nvos"
    for name, base, reference, target in (
        ("fern", "fern", "IMG_4038", "IMG_4027"),
        ("horns_center", "horns", "DJI_055_437", "DJI_024_597"),
    ):
        labels = root / "labels" / "llff"
        mask(labels / "masks" / name / f"{target}_mask.png")
        picture(labels / "masks" / name / f"{target}.JPG")
        picture(labels / "reference_image" / name / f"{reference}.JPG")
        for sign in ("pos_0", "neg_0", "vis_0"):
            mask(labels / "scribbles" / name / f"{sign}_{base}.png", SMALL)
        photos = root / "scenes" / f"{base}_undistort"
        for stem in (reference, target, "A_first", "Z_last"):
            picture(photos / "images" / f"{stem}.JPG")
            picture(photos / "images_8" / f"{stem}.png", SMALL)
    return root


def test_nvos(nvos: Path) -> None:
    scene = nvos_scene(nvos, "fern")
    images = nvos / "scenes" / "fern_undistort" / "images"
    assert [photo.name for photo in scene.photos] == [
        "A_first.JPG",
        "IMG_4027.JPG",
        "IMG_4038.JPG",
        "Z_last.JPG",
    ]
    assert scene.reference == images / "IMG_4038.JPG"
    assert scene.reference_mask is None
    assert list(scene.targets) == [images / "IMG_4027.JPG"]
    assert read_mask(scene.targets[images / "IMG_4027.JPG"]).mean() == 0.25
    assert scene.scribbles is not None
    assert scene.scribbles.positive.name == "pos_0_fern.png"
    assert scene.scribbles.negative.name == "neg_0_fern.png"


def test_nvos_annotations_beside_the_photos(nvos: Path) -> None:
    for part in (nvos / "labels" / "llff").iterdir():
        part.rename(nvos / part.name)
    assert nvos_scene(nvos, "fern").reference == nvos / "scenes/fern_undistort/images/IMG_4038.JPG"


def test_nvos_scenes_that_share_photos_and_photos_elsewhere(nvos: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "nerf_llff_data"
    moved.mkdir(parents=True)
    (nvos / "scenes" / "horns_undistort").rename(moved / "horns")
    scene = nvos_scene(nvos, "horns_center", moved)
    assert scene.reference == moved / "horns" / "images" / "DJI_055_437.JPG"
    assert set(NVOS_SCENES) >= {"fern", "horns_center"}
    with pytest.raises(SceneError, match="no photo folder of horns"):
        nvos_scene(nvos, "horns_center")


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("labels/llff/masks/fern/IMG_4027_mask.png", "_mask.png"),
        ("labels/llff/reference_image/fern/IMG_4038.JPG", "reference_image"),
        ("labels/llff/scribbles/fern/pos_0_fern.png", "pos"),
        ("labels/llff/scribbles/fern/neg_0_fern.png", "neg"),
        ("scenes/fern_undistort/images/IMG_4027.JPG", "IMG_4027"),
    ],
)
def test_nvos_with_something_missing(nvos: Path, gone: str, says: str) -> None:
    (nvos / gone).unlink()
    for small in nvos.glob("scenes/*/images_8/*"):
        small.unlink()
    with pytest.raises(SceneError, match=says):
        nvos_scene(nvos, "fern")


def test_not_nvos_at_all(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="reference_image"):
        nvos_scene(tmp_path, "fern")


@pytest.fixture
def spin(tmp_path: Path) -> Path:
    """Three scenes, one for each way in which masks are named."""
    root = tmp_path / "spin"
    names = {
        "fern (llff)": ["image000", "image001", "image003"],
        "lego_real_night_radial": ["0_00003", "1_00001"],
        "Truck (Tanks & Temples)": ["000002", "000004", "000006"],
    }
    for scene, stems in names.items():
        for stem in stems:
            mask(root / scene / f"{stem}.png", SMALL, bright=1)
            picture(root / scene / f"{stem}_cutout.png", SMALL, "RGBA")
            picture(root / scene / f"{stem}_pseudo.png", SMALL)
        (root / scene / "annotations.json").write_text("{}")
    photos = tmp_path / "photos"
    for n in range(4):
        picture(photos / "nerf_llff_data" / "fern" / "images" / f"IMG_{4026 + n}.JPG")
        picture(photos / "lego_real_night_radial" / "images" / f"{n:05d}.png")
    for n in range(1, 8):
        picture(photos / "tandt" / "truck" / "images" / f"{n:06d}.jpg")
    return root


def test_spin_nerf(spin: Path, tmp_path: Path) -> None:
    assert spin_nerf_names(spin) == ["Truck (Tanks & Temples)", "fern (llff)", "lego_real_night_radial"]
    scenes = {name: spin_nerf_scene(spin, name, tmp_path / "photos") for name in spin_nerf_names(spin)}
    fern = scenes["fern (llff)"]
    assert fern.name == "fern"
    assert fern.reference.name == "IMG_4026.JPG"
    assert [photo.name for photo in fern.targets] == ["IMG_4027.JPG", "IMG_4029.JPG"]
    assert fern.reference_mask is not None
    assert read_mask(fern.reference_mask).mean() == 0.25
    lego = scenes["lego_real_night_radial"]
    assert (lego.reference.name, [photo.name for photo in lego.targets]) == ("00003.png", ["00001.png"])
    truck = scenes["Truck (Tanks & Temples)"]
    assert truck.reference.name == "000002.jpg"
    assert [photo.name for photo in truck.targets] == ["000004.jpg", "000006.jpg"]
    assert len(truck.photos) == 7


def test_the_nearest_photos_keep_reference_and_targets(spin: Path, tmp_path: Path) -> None:
    truck = spin_nerf_scene(spin, "Truck (Tanks & Temples)", tmp_path / "photos")
    assert [photo.stem for photo in truck.nearest(4).photos] == ["000001", "000002", "000004", "000006"]
    two = truck.nearest(2)
    assert [photo.stem for photo in two.photos] == ["000002", "000004"]
    assert [photo.stem for photo in two.targets] == ["000004"]
    assert truck.nearest(99).photos == truck.photos


def test_spin_nerf_with_something_missing(spin: Path, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="No photos of fern"):
        spin_nerf_scene(spin, "fern (llff)")
    (tmp_path / "photos" / "nerf_llff_data" / "fern" / "images" / "IMG_4029.JPG").unlink()
    with pytest.raises(SceneError, match=r"image003\.png has no photo among the 3"):
        spin_nerf_scene(spin, "fern (llff)", tmp_path / "photos")
    with pytest.raises(SceneError, match="0 masks"):
        spin_nerf_scene(spin, "room (llff)", tmp_path / "photos")
    with pytest.raises(SceneError, match="no folder of SPIn-NeRF masks"):
        spin_nerf_names(tmp_path / "photos")


def test_mask_folder(tmp_path: Path) -> None:
    for stem in ("a", "b", "c"):
        picture(tmp_path / "images" / f"{stem}.jpg")
    mask(tmp_path / "masks" / "b.png")
    with pytest.raises(SceneError, match=r"it has b\.png"):
        mask_folder_scene("thing", tmp_path / "images", tmp_path / "masks", "b")
    mask(tmp_path / "masks" / "c.png")
    scene = mask_folder_scene("thing", tmp_path / "images", tmp_path / "masks", "b")
    assert scene.reference.name == "b.jpg"
    assert scene.reference_mask == tmp_path / "masks" / "b.png"
    assert [photo.name for photo in scene.targets] == ["c.jpg"]
    assert len(scene.photos) == 3
    with pytest.raises(SceneError, match="no photos"):
        mask_folder_scene("thing", tmp_path / "nowhere", tmp_path / "masks", "b")


def test_scribble_clicks_are_on_the_strokes_and_spread(tmp_path: Path) -> None:
    stroke = np.zeros((12, 16), dtype=np.uint8)
    stroke[6, 2:14] = 255
    Image.fromarray(stroke).save(tmp_path / "pos.png")
    mask(tmp_path / "neg.png", SMALL)
    clicks = scribble_clicks(Scribbles(tmp_path / "pos.png", tmp_path / "neg.png"), PHOTO_SIZE, 3)
    assert [positive for _, _, positive in clicks] == [True] * 3 + [False] * 3
    assert [y for _, y, _ in clicks[:3]] == [26.0] * 3
    assert [x for x, _, _ in clicks[:3]] == [30.0, 54.0, 10.0]
    assert all(x < 32 and y < 24 for x, y, _ in clicks[3:])
    picture(tmp_path / "empty.png", SMALL, "L")
    with pytest.raises(SceneError, match="empty"):
        scribble_clicks(Scribbles(tmp_path / "empty.png", tmp_path / "neg.png"), PHOTO_SIZE, 1)


def test_a_mask_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(SceneError, match="cannot be read"):
        read_mask(tmp_path / "broken.png")
