# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's page: the render with names on top, below it photos with tinted masks and the clicks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from wildseg3d_blender.pipeline.photos.masks import mask_to_photo
from wildseg3d_blender.scene.folder import Scene, View
from wildseg3d_blender.scene.objects import SceneObject

from .clicks import DemoClick
from .stage import Label

Colour = tuple[int, int, int]
PALETTE: tuple[Colour, ...] = (
    (255, 107, 107),
    (255, 190, 61),
    (66, 211, 176),
    (92, 165, 255),
    (214, 129, 255),
    (176, 226, 82),
    (255, 150, 92),
    (120, 220, 240),
)
BACKGROUND: Colour = (17, 19, 24)
INK: Colour = (238, 240, 244)
FAINT: Colour = (150, 157, 170)
MARGIN, GAP, HEADER = 48, 16, 136


@dataclass(frozen=True)
class Heading:
    """The words at the page's top left."""

    title: str
    line: str


def compose(
    scene: Scene,
    render: Image.Image,
    labels: Sequence[Label],
    clicked: Mapping[str, Sequence[DemoClick]],
    objects: Mapping[str, SceneObject],
    heading: Heading,
) -> Image.Image:
    """The whole page, as wide as the render."""
    width = render.width
    colours = {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(clicked)}
    strip = _strip(scene, clicked, objects, colours, width - 2 * MARGIN)
    page = _backdrop(width, HEADER + render.height + strip.height + 2 * GAP)
    page.paste(render, (0, HEADER), render)
    draw = ImageDraw.Draw(page)
    for label in labels:
        _name_tag(draw, label, colours[label.name])
    draw.text((MARGIN, MARGIN - 14), heading.title, font=_font(46), fill=INK)
    draw.text((MARGIN, MARGIN + 46), heading.line, font=_font(25), fill=FAINT)
    page.paste(strip, (MARGIN, HEADER + render.height + GAP), strip)
    return page


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _backdrop(width: int, height: int) -> Image.Image:
    """Almost black, a little lighter where the scene stands."""
    y, x = np.mgrid[0:height, 0:width]
    glow = np.exp(-(((x - width / 2) / (0.48 * width)) ** 2) - ((y - 0.33 * height) / (0.42 * height)) ** 2)
    pixels = np.array(BACKGROUND) + glow[..., None] * np.array([20, 23, 30])
    dither = np.random.default_rng(0).uniform(-0.5, 0.5, (height, width, 1))
    return Image.fromarray(np.clip(np.rint(pixels + dither), 0, 255).astype(np.uint8))


def _name_tag(draw: ImageDraw.ImageDraw, label: Label, colour: Colour) -> None:
    """The object's name, above it."""
    x, y = label.top[0], label.top[1] + HEADER
    font = _font(27)
    left, top, right, bottom = draw.textbbox((0, 0), label.name, font=font)
    half, tall = (right - left) / 2 + 14, bottom - top + 20
    bottom_edge = max(y - 14, HEADER + tall)
    box = [x - half, bottom_edge - tall, x + half, bottom_edge]
    draw.rounded_rectangle(box, tall / 2, fill=colour)
    draw.text((x, (box[1] + box[3]) / 2), label.name, font=font, fill=BACKGROUND, anchor="mm")


def _strip(
    scene: Scene,
    clicked: Mapping[str, Sequence[DemoClick]],
    objects: Mapping[str, SceneObject],
    colours: Mapping[str, Colour],
    width: int,
) -> Image.Image:
    """Photos in a row, all of one height, with masks and clicks."""
    views = _chosen_views(scene, clicked)
    aspects = [view.photo_size[0] / view.photo_size[1] for view in views]
    height = min(420, round((width - GAP * (len(views) - 1)) / sum(aspects)))
    row = Image.new("RGBA", (width, height + 44), (0, 0, 0, 0))
    draw = ImageDraw.Draw(row)
    used = sum(round(aspect * height) for aspect in aspects) + GAP * (len(views) - 1)
    x = max(0, (width - used) // 2)
    for view, aspect in zip(views, aspects, strict=True):
        tile = _photo_tile(view, clicked, objects, colours).resize(
            (round(aspect * height), height), Image.Resampling.LANCZOS
        )
        row.paste(tile.convert("RGBA"), (x, 0), _rounded(tile.size, 10))
        mine = [click for click in _all(clicked) if click.view == view.name]
        words = f"{view.name}  ·  {len(mine)} click{'s' if len(mine) > 1 else ''}" if mine else view.name
        draw.text((x + 4, height + 10), words, font=_font(20), fill=INK if mine else FAINT)
        x += tile.width + GAP
    return row


def _chosen_views(scene: Scene, clicked: Mapping[str, Sequence[DemoClick]]) -> list[View]:
    """Photos that were clicked and photos that were not, in their order, spread over the walk."""
    count = len(scene.views)
    width, height = scene.views[0].photo_size
    # Five photos of 3:2 fill the row; upright ones are narrow, so more of them do.
    room = min(9, max(5, round(7.5 * height / width)))
    if count <= room:
        return list(scene.views)
    index = {view.name: k for k, view in enumerate(scene.views)}
    used = sorted({index[click.view] for click in _all(clicked)})
    chosen = {used[round(k)] for k in np.linspace(0, len(used) - 1, min(len(used), room - 2))}
    while len(chosen) < room:
        left = [k for k in range(count) if k not in chosen]
        chosen.add(max(left, key=lambda k: min(abs(k - other) for other in chosen)))
    return [scene.views[k] for k in sorted(chosen)]


def _photo_tile(
    view: View,
    clicked: Mapping[str, Sequence[DemoClick]],
    objects: Mapping[str, SceneObject],
    colours: Mapping[str, Colour],
) -> Image.Image:
    """The photo, greyed a little, its objects tinted and outlined, its clicks as dots."""
    with Image.open(view.photo) as opened:
        photo = ImageOps.exif_transpose(opened).convert("RGB")
    pixels = np.asarray(photo).astype(np.float32)
    grey = pixels.mean(-1, keepdims=True)
    result = 0.62 * (0.45 * pixels + 0.55 * grey)
    unit = max(photo.size) / 1080
    for name, colour in colours.items():
        mask = mask_to_photo(view, np.asarray(objects[name].masks[view.name]))
        tint = np.array(colour, np.float32)
        result[mask] = 0.62 * pixels[mask] + 0.38 * tint
        result[_outline(mask, max(1, round(3 * unit)))] = tint
    tile = Image.fromarray(np.clip(result, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(tile)
    for click in _all(clicked):
        if click.view == view.name:
            _click_dot(draw, click, colours[click.name], unit)
    return tile


def _click_dot(draw: ImageDraw.ImageDraw, click: DemoClick, colour: Colour, unit: float) -> None:
    """A dot in a ring; a ring with a bar where the click said what does not belong."""
    x, y = click.x, click.y
    for radius, ink in ((18, BACKGROUND), (15, INK), (10, colour if click.positive else BACKGROUND)):
        r = radius * unit
        draw.ellipse([x - r, y - r, x + r, y + r], fill=ink)
    if not click.positive:
        draw.line([x - 6 * unit, y, x + 6 * unit, y], fill=INK, width=max(1, round(4 * unit)))


def _all(clicked: Mapping[str, Sequence[DemoClick]]) -> list[DemoClick]:
    return [click for mine in clicked.values() for click in mine]


def _outline(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    return (cv2.dilate(mask.astype(np.uint8), kernel) > 0) & ~mask


def _rounded(size: tuple[int, int], radius: int) -> Image.Image:
    mask = Image.new("L", (size[0] * 2, size[1] * 2), 0)
    ImageDraw.Draw(mask).rounded_rectangle([0, 0, size[0] * 2 - 1, size[1] * 2 - 1], radius * 2, fill=255)
    return mask.resize(size).filter(ImageFilter.GaussianBlur(0.3))
