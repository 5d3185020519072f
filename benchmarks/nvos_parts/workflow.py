# SPDX-License-Identifier: GPL-3.0-or-later
"""One scene from photos to figures, as an artist goes: reconstruct, find objects, click, align, project."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.datasets import TruthScene
from benchmarks.dga_parts.columns import all_columns
from benchmarks.dga_parts.measure import Case, CaseObject, Score, measure, on_truth
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.evaluation import accuracy, iou
from wildseg3d_blender.pipeline.pair_store import read_pair_graph
from wildseg3d_blender.pipeline.realign import realign, soft_masks
from wildseg3d_blender.pipeline.reconstruct import reconstruct
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation import Masks
from wildseg3d_blender.pipeline.segmentation.projection import project_object
from wildseg3d_blender.progress import Progress, silent, span
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import Scene, View
from wildseg3d_blender.scene.objects import SceneObject, object_folder, read_object

from .truths import Truth, clicks_of

FORM = "ours"
"""How the ablation makes weights of the alphas, see ``dga_parts.columns``."""


@dataclass(frozen=True)
class Setting:
    """What a scene is run with; ``photos`` is how many of its photos, ``cache`` whether objects are found in
    advance, ``alphas`` those of the ablation's two sweeps."""

    engine: str
    segmenter: str
    quality: str = "balanced"
    image_size: int = 512
    photos: int = 5
    cache: bool = True
    alphas: tuple[float, ...] = ()


@dataclass(frozen=True)
class SceneResult:
    """The figures of a scene.

    Attributes:
        placed: photos that are in the reconstruction, of ``photos``.
        iou, accuracy: of the object's points, those of all views, projected into the photo that has truth.
        others_iou, others_accuracy: the same from the points of all other views.
        seconds: wall time by stage, in the order of work.
        prompt_ms: median time in which a click was answered.
        ablation: scores by weighting, where that was asked for.
    """

    name: str
    photos: int
    placed: int
    iou: float
    accuracy: float
    others_iou: float
    others_accuracy: float
    seconds: Mapping[str, float]
    prompt_ms: float
    ablation: tuple[Score, ...] = ()

    @property
    def total(self) -> float:
        """Seconds from photos to the object in 3D."""
        return sum(self.seconds.values())


def run_scene(
    item: TruthScene, truth: Truth, setting: Setting, folder: Path, progress: Progress = silent
) -> SceneResult:
    """Run a scene in ``folder``, which is made.

    Raises:
        SceneError: the reference, or the photo with truth, was not placed.
        WildSegError: whatever the steps raise.
    """
    item = item.spread(setting.photos)
    seconds: dict[str, float] = {}
    with _timed(seconds, "pointmaps"):
        scene = reconstruct(
            item.photos,
            folder,
            engine=setting.engine,
            quality=setting.quality,
            image_size=setting.image_size,
            progress=span(progress, 0.0, 0.5),
        )
    seconds["alignment"] = scene.seconds["alignment"]
    seconds["pointmaps"] -= seconds["alignment"]
    reference, target = (_view(scene, photo, item.name) for photo in (item.reference, truth.photo))
    masks, prompt_seconds = _segment(scene, item, reference, setting, seconds, span(progress, 0.5, 0.9))
    ablation = tuple(_ablation(scene, item.name, masks, target, truth, setting.alphas))
    with _timed(seconds, "aligning again"):
        scene = realign(folder, [item.name], progress=span(progress, 0.9, 1.0)).scene
    both = [_scores(scene, item.name, target, truth, leave_out=out) for out in ((), (target.name,))]
    return SceneResult(
        item.name,
        len(item.photos),
        len(scene.views),
        *both[0],
        *both[1],
        seconds,
        1000 * float(np.median(prompt_seconds)),
        ablation,
    )


def _segment(
    scene: Scene,
    item: TruthScene,
    reference: View,
    setting: Setting,
    seconds: dict[str, float],
    progress: Progress,
) -> tuple[Masks, list[float]]:
    """The object clicked, one click after the other, and written; its masks, and seconds for each click."""
    session = SceneSession(scene.folder, segmenter=setting.segmenter)
    try:
        if setting.cache:
            with _timed(seconds, "objects"):
                session.find_objects(span(progress, 0.0, 0.8))
        clicks: list[Click] = []
        answered: list[float] = []
        with _timed(seconds, "prompts"):
            for x, y, positive in clicks_of(item):
                pixel = reference.warp.to_view(np.array([x, y]))
                pixel = np.clip(pixel, 0.5, np.asarray(reference.size) - 0.5)
                clicks.append(Click(reference.name, float(pixel[0]), float(pixel[1]), positive))
                started = time.perf_counter()
                session.preview(one_group(clicks))
                answered.append(time.perf_counter() - started)
            result = session.segment(item.name, one_group(clicks), span(progress, 0.8, 1.0))
        # The first click waits for what is prepared once, the mask cache aside.
        return dict(result.object.masks), answered[1:] or answered
    finally:
        session.close()


def _scores(
    scene: Scene, name: str, target: View, truth: Truth, leave_out: tuple[str, ...]
) -> tuple[float, float]:
    """IoU and accuracy of an object's points, seen from a view."""
    folder = object_folder(scene, name)
    assert folder is not None
    view = scene.view(target.name)
    points = read_object(scene, folder).points
    mask = project_object(scene, points, view.K, view.cam_to_world, view.size, leave_out=leave_out)
    seen = on_truth(view, mask, truth.mask.shape)
    return iou(seen, truth.mask), accuracy(seen, truth.mask)


def _ablation(
    scene: Scene, name: str, masks: Masks, target: View, truth: Truth, alphas: tuple[float, ...]
) -> Iterator[Score]:
    """The same masks, lifted and projected under every weighting."""
    if not alphas:
        return
    found = [SceneObject(name, (), masks, {})]
    thing = CaseObject(name, masks, {target.name: truth.mask})
    soft = tuple(soft_masks(scene, found))
    case = Case(name, "NVOS", None, scene, read_pair_graph(scene), (thing,), soft)
    for column in all_columns([FORM], alphas):
        yield from measure(case, column)


def _view(scene: Scene, photo: Path, name: str) -> View:
    for view in scene.views:
        if view.photo.resolve() == photo.resolve():
            return view
    raise SceneError(f"{name}: {photo.name} was not placed, try more photos.")


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - started
