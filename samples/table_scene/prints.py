# SPDX-License-Identifier: GPL-3.0-or-later
"""The printed things of the scene, drawn with Pillow: a book cover, a tin's label, papers, pictures.

Every function gives an RGBA image; randomness is seeded, so the prints are the same on every run. The
letters are Pillow's own built-in font.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

Ink = tuple[int, int, int]


def draw_all(folder: Path) -> dict[str, Path]:
    """Draw every print into ``folder``; print name -> PNG file."""
    makers: dict[str, Callable[[], Image.Image]] = {
        "cover": book_cover,
        "tin": tin_label,
        "address": address_label,
        "stamp": fragile_stamp,
        "picture": landscape_picture,
        "postcard": postcard,
        "botanical": botanical_plate,
    }
    files = {}
    for name, make in makers.items():
        files[name] = folder / f"{name}.png"
        make().save(files[name])
    return files


def _text(draw: ImageDraw.ImageDraw, at: tuple[float, float], words: str, size: int, ink: Ink) -> None:
    draw.text(at, words, font=ImageFont.load_default(size), fill=ink, anchor="mm")


def _aged(image: Image.Image, amount: float, seed: int) -> Image.Image:
    """Uneven ink and paper: fine grain plus soft stains."""
    rng = np.random.default_rng(seed)
    height, width = image.height, image.width
    grain = rng.normal(0, 1, (height, width))
    coarse = Image.fromarray(rng.integers(0, 256, (height // 90 + 2, width // 90 + 2), dtype=np.uint8))
    stains = (
        np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float64) / 127.5 - 1
    )
    pixels = np.asarray(image.convert("RGBA"), dtype=np.float64).copy()
    pixels[..., :3] *= (1 + amount * (0.35 * grain + 0.65 * stains))[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _petals(
    draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, count: int, ink: Ink, turn: float
) -> None:
    for k in range(count):
        angle = turn + 2 * pi * k / count
        tip = (centre[0] + radius * cos(angle), centre[1] + radius * sin(angle))
        left, right = angle + 0.55, angle - 0.55
        points = [
            centre,
            (centre[0] + 0.62 * radius * cos(left), centre[1] + 0.62 * radius * sin(left)),
            tip,
            (centre[0] + 0.62 * radius * cos(right), centre[1] + 0.62 * radius * sin(right)),
        ]
        draw.polygon(points, fill=ink)
        vein = tuple(int(c * 0.72) for c in ink)
        draw.line([centre, tip], fill=(vein[0], vein[1], vein[2]), width=max(1, int(radius / 22)))


def _sprig(
    draw: ImageDraw.ImageDraw, start: tuple[float, float], angle: float, length: float, ink: Ink
) -> None:
    x, y = start
    steps = 9
    for k in range(steps):
        nx, ny = x + length / steps * cos(angle), y + length / steps * sin(angle)
        draw.line([(x, y), (nx, ny)], fill=ink, width=5)
        for side in (-0.9, 0.9):
            size = length * (0.20 - 0.013 * k)
            tip = (nx + size * cos(angle + side), ny + size * sin(angle + side))
            mid = ((nx + tip[0]) / 2, (ny + tip[1]) / 2)
            off = (-(tip[1] - ny) * 0.22, (tip[0] - nx) * 0.22)
            draw.polygon(
                [(nx, ny), (mid[0] + off[0], mid[1] + off[1]), tip, (mid[0] - off[0], mid[1] - off[1])],
                fill=ink,
            )
        x, y, angle = nx, ny, angle + 0.09


def book_cover() -> Image.Image:
    """A flora with meadow flowers on dark blue, 1000 x 1400."""
    rng = np.random.default_rng(11)
    width, height = 1000, 1400
    image = Image.new("RGBA", (width, height), (27, 45, 77, 255))
    draw = ImageDraw.Draw(image)
    greens = [(96, 140, 96), (64, 110, 92), (146, 164, 90), (40, 88, 96)]
    for _ in range(120):
        start = (float(rng.uniform(-40, width + 40)), float(rng.uniform(0, height + 80)))
        _sprig(
            draw, start, float(rng.uniform(-2.6, -0.6)), float(rng.uniform(120, 260)), greens[rng.integers(4)]
        )
    inks = [(222, 92, 84), (240, 184, 72), (236, 226, 206), (206, 120, 164), (120, 164, 214)]
    for _ in range(105):
        centre = (float(rng.uniform(0, width)), float(rng.uniform(0, height)))
        radius, ink = float(rng.uniform(24, 74)), inks[rng.integers(5)]
        _petals(draw, centre, radius, int(rng.integers(5, 10)), ink, float(rng.uniform(0, pi)))
        r = radius * 0.24
        draw.ellipse([centre[0] - r, centre[1] - r, centre[0] + r, centre[1] + r], fill=(112, 66, 40))
        for _ in range(9):
            dot = centre[0] + rng.normal(0, r * 0.5), centre[1] + rng.normal(0, r * 0.5)
            draw.ellipse([dot[0] - 2, dot[1] - 2, dot[0] + 2, dot[1] + 2], fill=(246, 214, 120))
    draw.rounded_rectangle([170, 330, 830, 700], 18, fill=(238, 228, 204), outline=(27, 45, 77), width=10)
    draw.rounded_rectangle([190, 350, 810, 680], 10, outline=(166, 72, 62), width=4)
    _text(draw, (500, 425), "A FIELD GUIDE TO", 48, (60, 60, 70))
    _text(draw, (500, 520), "MEADOW", 122, (27, 45, 77))
    _text(draw, (500, 612), "FLOWERS", 92, (166, 72, 62))
    draw.rectangle([30, 30, width - 30, height - 30], outline=(238, 228, 204), width=6)
    draw.rounded_rectangle([340, 1235, 660, 1310], 12, fill=(27, 45, 77))
    _text(draw, (500, 1272), "E. HALLORAN", 42, (238, 228, 204))
    return _aged(image, 0.07, 1)


def tin_label() -> Image.Image:
    """Peeled tomatoes, a wrap-around of 2400 x 980."""
    rng = np.random.default_rng(5)
    width, height = 2400, 980
    image = Image.new("RGBA", (width, height), (244, 232, 200, 255))
    draw = ImageDraw.Draw(image)
    for k in range(60):
        draw.rectangle([k * 40, 0, k * 40 + 20, 70], fill=(34, 104, 66))
        draw.rectangle([k * 40, height - 70, k * 40 + 20, height], fill=(34, 104, 66))
    draw.rectangle([0, 70, width, 88], fill=(190, 38, 32))
    draw.rectangle([0, height - 88, width, height - 70], fill=(190, 38, 32))
    for k in range(3):
        x0 = k * 800
        for _ in range(16):
            x, y = x0 + float(rng.uniform(60, 740)), float(rng.uniform(440, 830))
            r = float(rng.uniform(48, 88))
            shade = int(rng.uniform(-26, 20))
            draw.ellipse([x - r, y - r * 0.9, x + r, y + r * 0.9], fill=(196 + shade, 44 + shade // 2, 34))
            draw.ellipse([x - r * 0.55, y - r * 0.6, x - r * 0.2, y - r * 0.3], fill=(246, 170, 150))
            _petals(draw, (x + r * 0.15, y - r * 0.62), r * 0.5, 5, (52, 116, 58), float(rng.uniform(0, pi)))
        draw.rounded_rectangle(
            [x0 + 70, 130, x0 + 730, 420], 40, fill=(190, 38, 32), outline=(226, 180, 90), width=12
        )
        _text(draw, (x0 + 400, 232), "POMODORI", 116, (250, 240, 214))
        _text(draw, (x0 + 400, 350), "PELATI  DI  COLLINA", 54, (246, 206, 110))
        _text(draw, (x0 + 400, 866), "NET WT 400 g", 44, (40, 60, 44))
        draw.line([(x0, 88), (x0, height - 88)], fill=(226, 180, 90), width=16)
    return _aged(image, 0.09, 3)


def address_label() -> Image.Image:
    """A parcel label with bar code and address, 900 x 620."""
    rng = np.random.default_rng(21)
    image = Image.new("RGBA", (900, 620), (240, 238, 230, 255))
    draw = ImageDraw.Draw(image)
    ink = (28, 28, 32)
    draw.rectangle([14, 14, 886, 606], outline=ink, width=5)
    draw.line([(14, 200), (886, 200)], fill=ink, width=4)
    draw.line([(560, 200), (560, 420)], fill=ink, width=4)
    draw.line([(14, 420), (886, 420)], fill=ink, width=4)
    draw.rectangle([30, 30, 190, 184], fill=ink)
    _text(draw, (110, 108), "P", 130, (240, 238, 230))
    _text(draw, (520, 74), "PARCEL POST", 72, ink)
    _text(draw, (520, 150), "2.4 KG   No 0047 1182 93", 44, ink)
    for row, words in enumerate(
        ("To:  M. Lindqvist", "14 Orchard Lane", "Upper Wick  UW3 7QA", "Tel 0155 2047")
    ):
        draw.text((40, 218 + 48 * row), words, font=ImageFont.load_default(42), fill=ink)
    cells = rng.integers(0, 2, (19, 19))
    for row, column in np.argwhere(cells):
        x, y = 620 + column * 11, 208 + row * 11
        draw.rectangle([x, y, x + 10, y + 10], fill=ink)
    x = 40.0
    while x < 850:
        bar, gap = rng.integers(3, 12), rng.integers(4, 11)
        draw.rectangle([x, 436, x + float(bar), 560], fill=ink)
        x += float(bar + gap)
    _text(draw, (450, 582), "JD 0047 1182 9300 5571", 34, ink)
    return _aged(image, 0.05, 4)


def fragile_stamp() -> Image.Image:
    """A worn red rubber stamp on nothing, 800 x 360."""
    image = Image.new("RGBA", (800, 360), (170, 30, 30, 0))
    draw = ImageDraw.Draw(image)
    ink = (168, 34, 32)
    draw.rounded_rectangle([20, 20, 780, 340], 26, outline=ink, width=16)
    _text(draw, (400, 140), "FRAGILE", 160, ink)
    _text(draw, (400, 270), "HANDLE  WITH  CARE", 62, ink)
    rng = np.random.default_rng(8)
    worn = Image.fromarray(rng.integers(0, 256, (180, 400), dtype=np.uint8)).resize(image.size)
    worn = worn.filter(ImageFilter.GaussianBlur(2)).point(lambda v: 255 if v > 108 else 70)
    image.putalpha(ImageChops.multiply(image.getchannel("A"), worn))
    return image


def landscape_picture() -> Image.Image:
    """Hills in layers under an evening sky, 1000 x 760."""
    rng = np.random.default_rng(33)
    width, height = 1000, 760
    image = Image.new("RGBA", (width, height), (226, 196, 160, 255))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        t = y / height
        draw.line([(0, y), (width, y)], fill=(int(150 + 96 * t), int(172 + 20 * t), int(190 - 60 * t)))
    draw.ellipse([640, 170, 760, 290], fill=(250, 226, 170))
    for layer in range(7):
        x = np.arange(width + 1)
        ridge = (
            300
            + 62 * layer
            + sum(
                rng.uniform(10, 44) / (k + 1) * np.sin(x / width * pi * (k + 1) * 2 + rng.uniform(0, 7))
                for k in range(6)
            )
        )
        shade = 1 - layer / 8
        ink = (int(60 + 110 * shade), int(74 + 96 * shade), int(66 + 110 * shade))
        draw.polygon(
            [(0, height), *zip(x.tolist(), np.asarray(ridge).tolist(), strict=True), (width, height)],
            fill=ink,
        )
        for _ in range(90 + 60 * layer):
            column = int(rng.integers(0, width))
            foot, tall = float(ridge[column]) + rng.uniform(0, 60), rng.uniform(8, 14 + 5 * layer)
            tree = tuple(int(c * rng.uniform(0.55, 1.15)) for c in ink)
            draw.polygon(
                [(column - tall / 3, foot), (column, foot - tall), (column + tall / 3, foot)],
                fill=(tree[0], tree[1], tree[2]),
            )
    return _aged(image, 0.08, 6)


def botanical_plate() -> Image.Image:
    """An old plate of leaves and flowers on cream paper, 760 x 1050."""
    rng = np.random.default_rng(40)
    image = Image.new("RGBA", (760, 1050), (232, 222, 196, 255))
    draw = ImageDraw.Draw(image)
    for angle in (-2.3, -1.95, -1.57, -1.2, -0.85):
        _sprig(draw, (380, 900), angle, float(rng.uniform(520, 700)), (78, 104, 70))
        tip = (380 + 560 * cos(angle), 860 + 620 * sin(angle))
        _petals(draw, tip, float(rng.uniform(60, 90)), 9, (190, 92, 70), float(rng.uniform(0, 3)))
        _petals(draw, tip, 40, 7, (228, 176, 90), float(rng.uniform(0, 3)))
    _text(draw, (380, 980), "Plate XIV.  Flora montana", 40, (80, 70, 58))
    draw.rectangle([24, 24, 736, 1026], outline=(120, 104, 84), width=3)
    return _aged(image, 0.06, 12)


def postcard() -> Image.Image:
    """A tiled-pattern postcard, 900 x 620."""
    rng = np.random.default_rng(14)
    image = Image.new("RGBA", (900, 620), (240, 234, 220, 255))
    draw = ImageDraw.Draw(image)
    inks = [(186, 84, 60), (44, 92, 116), (222, 170, 84), (88, 124, 96)]
    for row in range(9):
        for column in range(13):
            x, y = 36 + column * 64, 26 + row * 64
            ink = inks[int(rng.integers(4))]
            draw.rectangle([x, y, x + 60, y + 60], fill=ink)
            _petals(
                draw, (x + 30, y + 30), 28, int(rng.integers(4, 9)), (240, 226, 196), float(rng.uniform(0, 3))
            )
    draw.rectangle([0, 0, 899, 619], outline=(240, 234, 220), width=30)
    return _aged(image, 0.06, 9)
