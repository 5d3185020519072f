# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker can be asked to do: the pipeline's calls, with the protocol's messages around them.

The pipeline is imported by the first job that needs it, so that the worker is ready at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..progress import Progress
from ..scene.folder import check_open
from ..scene.previews import write_preview
from .messages import (
    CheckedPhotos,
    CheckPhotos,
    DoubtfulPhoto,
    FindObjects,
    FoundObjects,
    KeyFrames,
    Prepare,
    Prepared,
    Preview,
    Previewed,
    Realign,
    Realigned,
    Reconstruct,
    Reconstructed,
    Segment,
    Segmented,
    Skipped,
    TakenFrames,
)

if TYPE_CHECKING:
    from ..pipeline.segment import SceneSession
    from ..pipeline.segmentation import Masks


class Jobs:
    """The jobs, and the one scene that stays open between them."""

    def __init__(self) -> None:
        self._session: SceneSession | None = None
        self._session_key: tuple[str, str] | None = None

    def reconstruct(self, params: Reconstruct, progress: Progress) -> Reconstructed:
        """Photos -> a scene folder. Raises what ``pipeline.reconstruct.reconstruct`` raises."""
        from ..pipeline.reconstruct import reconstruct
        from ..pipeline.weighting import Weighting

        # The prepared segmenter is the largest thing in memory; the new scene would outdate it anyway.
        self.close()
        scene = reconstruct(
            [Path(photo) for photo in params.photos],
            Path(params.folder),
            engine=params.engine,
            quality=params.quality,
            image_size=params.image_size,
            weighting=Weighting(params.dga, params.alpha_p, params.alpha_n),
            iterations=params.iterations,
            min_confidence=params.min_confidence,
            key_frames=params.key_frames,
            progress=progress,
        )
        return Reconstructed(
            scene=str(scene.folder),
            views=tuple(view.name for view in scene.views),
            skipped=tuple(Skipped(str(item.photo), item.reason, item.advice) for item in scene.skipped),
            seconds={stage: float(value) for stage, value in scene.seconds.items()},
            points=sum(int((scene.confidence(view) > 0).sum()) for view in scene.views),
        )

    def key_frames(self, params: KeyFrames, progress: Progress) -> TakenFrames:
        """A video -> photos. Raises what ``pipeline.photos.video.key_frames`` raises."""
        from ..pipeline.photos.video import key_frames

        taken = key_frames(Path(params.video), Path(params.beside), count=params.count, progress=progress)
        return TakenFrames(str(taken.folder), tuple(str(frame) for frame in taken.frames), taken.warning)

    def check_photos(self, params: CheckPhotos, progress: Progress) -> CheckedPhotos:
        """Photos -> those that something is wrong with."""
        from ..pipeline.photos.checks import check_photos

        found = check_photos([Path(photo) for photo in params.photos], progress=progress)
        return CheckedPhotos(
            tuple(DoubtfulPhoto(str(item.photo), item.reason, item.advice) for item in found)
        )

    def find_objects(self, params: FindObjects, progress: Progress) -> FoundObjects:
        """Fill the scene's mask cache. Raises what ``SceneSession.find_objects`` raises."""
        cache = self._open(params.scene, params.segmenter).find_objects(progress)
        return FoundObjects(count=len(cache), parts=int((cache.parents() >= 0).sum()))

    def prepare(self, params: Prepare, progress: Progress) -> Prepared:
        """Make the segmenter ready. Raises what ``SceneSession.prepare`` raises."""
        self._open(params.scene, params.segmenter).prepare(progress)
        return Prepared(params.segmenter)

    def preview(self, params: Preview, progress: Progress, early: Callable[[str], None]) -> Previewed:
        """Prompts -> masks to look at. Raises what ``SceneSession.preview`` raises.

        ``early`` is called with the folder of a first answer, if there is one and it was asked for.
        """
        session = self._open(params.scene, params.segmenter)
        check_open(session.scene)

        def first(masks: Masks) -> None:
            early(str(write_preview(session.scene, masks)))

        result = session.preview(params.groups, progress, first if params.early else None)
        return Previewed(
            folder=str(write_preview(session.scene, result.masks)),
            cached=result.cached,
            larger=result.larger,
            smaller=result.smaller,
            steps=result.steps,
            warnings=result.warnings,
        )

    def segment(self, params: Segment, progress: Progress) -> Segmented:
        """Prompts -> an object in the scene folder. Raises what ``SceneSession.segment`` raises."""
        session = self._open(params.scene, params.segmenter)
        result = session.segment(params.object, params.groups, progress, shared=params.shared)
        return Segmented(
            object=result.object.name,
            folder=str(result.folder),
            points=sum(int(points.sum()) for points in result.owned.values()),
            masks={view: int(mask.sum()) for view, mask in result.object.masks.items()},
            changed=result.changed,
            warnings=result.warnings,
        )

    def realign(self, params: Realign, progress: Progress) -> Realigned:
        """The scene aligned again for objects of it. Raises what ``pipeline.realign.realign`` raises."""
        from ..pipeline.realign import realign

        # The prepared segmenter maps the scene's files, and the new geometry would outdate it anyway.
        self.close()
        started = time.perf_counter()
        result = realign(
            Path(params.scene),
            params.objects,
            cached=params.cached,
            alpha_p=params.alpha_p,
            alpha_n=params.alpha_n,
            progress=progress,
        )
        return Realigned(
            scene=str(result.scene.folder),
            objects=result.objects,
            points=dict(result.points),
            moved=result.moved,
            seconds=time.perf_counter() - started,
        )

    def close(self) -> None:
        """Let go of the open scene, and of work on it that was cancelled."""
        if self._session is not None:
            self._session.close()
        self._session = None

    def _open(self, scene: str, segmenter: str) -> SceneSession:
        from ..pipeline.segment import SceneSession

        key = (scene, segmenter)
        if self._session is None or self._session_key != key or not self._session.is_current():
            self.close()
            self._session = SceneSession(Path(scene), segmenter=segmenter)
            self._session_key = key
        return self._session
