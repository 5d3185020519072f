# SPDX-License-Identifier: GPL-3.0-or-later
"""The printed things on the shelf, drawn with Pillow and its own font; the same on every run."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from samples.table_scene import prints as table_prints

Ink = tuple[int, int, int]
CREAM, NAVY, RUST, GREEN, GOLD = (234, 224, 200), (30, 44, 78), (150, 60, 40), (52, 92, 66), (206, 168, 92)


def draw_all(folder: Path) -> dict[str, Path]:
    """Draw every print into ``folder``; print name -> PNG file."""
    pictures = {
        "jar": jar_label(),
        "tea": tea_box(),
        "postcard": table_prints.postcard(),
        "botanical": table_prints.botanical_plate(),
        "atlas": spine("ATLAS", (216, 184, 110), NAVY),
        "poems": spine("POEMS", (236, 222, 190), RUST),
        "birds": spine("BIRDS", (230, 214, 150), GREEN),
    }
    files = {name: folder / f"{name}.png" for name in pictures}
    for name, picture in pictures.items():
        picture.save(files[name])
    return files


def jar_label() -> Image.Image:
    """A paper label with a branch, 640 x 420."""
    image = Image.new("RGBA", (640, 420), (*CREAM, 255))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle([16, 16, 624, 404], 24, outline=NAVY, width=8)
    draw.rounded_rectangle([34, 34, 606, 386], 16, outline=RUST, width=3)
    rng = np.random.default_rng(4)
    for k in range(24):
        x, y = 70.0 + 500 * k / 23, 300 + 26 * sin(k * 0.9)
        draw.ellipse([x - 9, y - 9, x + 9, y + 9], fill=RUST)
        for _ in range(3):
            angle, reach = rng.uniform(0, 2 * pi), rng.uniform(24, 46)
            draw.line([(x, y), (x + reach * cos(angle), y + reach * sin(angle))], fill=GREEN, width=6)
    _words(draw, (320, 150), "KITCHEN STORES", 66, NAVY)
    _words(draw, (320, 218), "kept dry   No 12", 42, RUST)
    return _worn(image, 2)


def tea_box() -> Image.Image:
    """The sides of a carton of tea, 900 x 560."""
    image = Image.new("RGBA", (900, 560), (166, 70, 44, 255))
    draw = ImageDraw.Draw(image)
    rng = np.random.default_rng(9)
    inks: Sequence[Ink] = (GOLD, CREAM, (96, 34, 26), GREEN)
    for _ in range(240):
        x, y, reach = rng.uniform(0, 900), rng.uniform(0, 560), rng.uniform(8, 30)
        ink = inks[int(rng.integers(4))]
        for k in range(5):
            angle = 2 * pi * k / 5 + x
            tip = (x + reach * cos(angle), y + reach * sin(angle))
            draw.line([(x, y), tip], fill=ink, width=5)
    draw.rounded_rectangle([190, 130, 710, 430], 40, fill=CREAM, outline=GOLD, width=12)
    _words(draw, (450, 230), "MORNING TEA", 74, (96, 34, 26))
    _words(draw, (450, 320), "fifty sachets", 46, GREEN)
    _words(draw, (450, 380), "100 g", 36, (60, 50, 44))
    return _worn(image, 3)


def spine(title: str, ink: Ink, cloth: Ink) -> Image.Image:
    """A book's spine, 220 x 1200: title, rules and an ornament."""
    image = Image.new("RGBA", (220, 1200), (*cloth, 255))
    draw = ImageDraw.Draw(image)
    for rule in (70, 92, 430, 452, 980, 1002, 1130):
        draw.rectangle([14, rule, 206, rule + 9], fill=ink)
    for row, letter in enumerate(title):
        _words(draw, (110, 140 + 60 * row), letter, 58, ink)
    for k in range(9):
        x, y = 110 + 52 * cos(2 * pi * k / 9), 700 + 52 * sin(2 * pi * k / 9)
        draw.ellipse([x - 15, y - 15, x + 15, y + 15], outline=ink, width=6)
    draw.ellipse([86, 676, 134, 724], fill=ink)
    _words(draw, (110, 1066), "M & S", 50, ink)
    return _worn(image, len(title) + ink[2])


def _words(draw: ImageDraw.ImageDraw, at: tuple[float, float], words: str, size: int, ink: Ink) -> None:
    draw.text(at, words, font=ImageFont.load_default(size), fill=ink, anchor="mm")


def _worn(image: Image.Image, seed: int) -> Image.Image:
    """Uneven ink: grain of the paper and rubbed patches."""
    rng = np.random.default_rng(seed)
    pixels = np.asarray(image, dtype=np.float64).copy()
    pixels[..., :3] *= 1 + 0.05 * rng.normal(size=(image.height, image.width, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
