# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages: parameters and results of the methods that ``protocol`` lists, in that order."""

from __future__ import annotations

from dataclasses import dataclass

from ..prompts import PromptGroup
from ..reconstruct_settings import ALPHA_N, ALPHA_P, IMAGE_SIZE, ITERATIONS, KEY_FRAMES, MIN_CONFIDENCE
from ..scene.objects import Shared
from .params import Params


@dataclass(frozen=True)
class Initialize(Params):
    """The first request: which protocol the asking side speaks."""

    protocol_version: int


@dataclass(frozen=True)
class Initialized(Params):
    """The worker is ready. ``version`` is the package's, ``python`` the interpreter's, both for reports;
    ``scratch`` is the worker's folder of temporary files, to be removed by who has to kill it."""

    protocol_version: int
    version: str
    python: str
    pid: int
    scratch: str


@dataclass(frozen=True)
class Reconstruct(Params):
    """Make a scene. ``photos``: absolute paths of photos, of folders of them, or of videos; ``folder``: the
    scene folder to write;
    ``quality``: "fast", "balanced" or "fine", where the engine knows them;
    ``image_size``: longer side of the views' pixel grid; ``dga``, ``alpha_p``, ``alpha_n``: how the
    alignment weights pixels; ``iterations``: of the alignment at most; ``min_confidence``: pixels measured
    with less get no point; ``key_frames``: how many frames a video among ``photos`` gives, about."""

    photos: tuple[str, ...]
    folder: str
    engine: str = "stereo"
    image_size: int = IMAGE_SIZE.default
    dga: bool = True
    alpha_p: float = ALPHA_P.default
    alpha_n: float = ALPHA_N.default
    quality: str = "balanced"
    iterations: int = ITERATIONS.default
    min_confidence: float = MIN_CONFIDENCE.default
    key_frames: int = KEY_FRAMES.default


@dataclass(frozen=True)
class Skipped(Params):
    """A photo that could not be placed: why, and what would help."""

    photo: str
    reason: str
    advice: str


@dataclass(frozen=True)
class Reconstructed(Params):
    """A scene was written to ``scene``. ``points``: pixels with a 3D point, all views together;
    ``seconds``: wall time by stage."""

    scene: str
    views: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    seconds: dict[str, float]
    points: int


@dataclass(frozen=True)
class KeyFrames(Params):
    """Take key frames of the video ``video``, about ``count``, into a folder of their own in ``beside``."""

    video: str
    beside: str
    count: int = KEY_FRAMES.default


@dataclass(frozen=True)
class TakenFrames(Params):
    """``frames``: the JPEG files, in the video's order; ``warning``: a sentence, or empty."""

    folder: str
    frames: tuple[str, ...]
    warning: str


@dataclass(frozen=True)
class CheckPhotos(Params):
    """Look at ``photos`` (files) before anybody reconstructs them."""

    photos: tuple[str, ...]


@dataclass(frozen=True)
class DoubtfulPhoto(Params):
    """A photo that cannot be used, or had better be replaced: why (goes on after its name), what helps."""

    photo: str
    reason: str
    advice: str


@dataclass(frozen=True)
class CheckedPhotos(Params):
    """``doubtful``: the photos that something is wrong with; the others are fine."""

    doubtful: tuple[DoubtfulPhoto, ...]


@dataclass(frozen=True)
class FindObjects(Params):
    """Find the objects of the scene folder ``scene`` before anybody asks for them: fill its mask cache.

    Cancelled and asked again, it goes on from where it was, as long as the scene stays open here."""

    scene: str
    segmenter: str = "graphcut"


@dataclass(frozen=True)
class FoundObjects(Params):
    """The scene's mask cache is there. ``count``: its objects; ``parts``: those that are parts of others."""

    count: int
    parts: int


@dataclass(frozen=True)
class Prepare(Params):
    """Make ready for prompts on the scene folder ``scene``; those that come sooner wait for it.

    Cancelled and asked again, it goes on from where it was."""

    scene: str
    segmenter: str = "graphcut"


@dataclass(frozen=True)
class Prepared(Params):
    """Ready, as long as that scene stays open in the worker."""

    segmenter: str


@dataclass(frozen=True)
class Preview(Params):
    """What Segment would find for ``groups``, to look at. ``early``: where that has to be solved, say roughly
    what it will be as soon as possible, by an EarlyPreview."""

    scene: str
    groups: tuple[PromptGroup, ...]
    segmenter: str = "graphcut"
    early: bool = False


@dataclass(frozen=True)
class EarlyPreview(Params):
    """Masks were written to ``folder``, as for Previewed: about what the request of that id will find."""

    id: int
    folder: str


@dataclass(frozen=True)
class Previewed(Params):
    """Masks were written to ``folder``: read them with ``scene.previews.read_preview``, at once.

    ``cached``: nothing had to be solved; ``larger``, ``smaller``: whether each group's size can go up or down
    from where it is; ``steps``: how far each group's answer is from its best one, which may be less than its
    size; ``warnings``: sentences for the artist."""

    folder: str
    cached: bool
    larger: tuple[bool, ...]
    smaller: tuple[bool, ...]
    steps: tuple[int, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Segment(Params):
    """Cut an object out of the scene folder ``scene``, or refine the one of that name.

    ``groups``: all of the object's prompts so far, in view pixels; ``shared``: whether it takes points that
    other objects claim too, or leaves them (see ``scene.ownership.order_for``)."""

    scene: str
    object: str
    groups: tuple[PromptGroup, ...]
    shared: Shared = "take"
    segmenter: str = "graphcut"


@dataclass(frozen=True)
class Segmented(Params):
    """An object was written to ``folder``. ``points``: the 3D points it owns, all views together; ``masks``:
    its mask's pixels by view; ``changed``: other objects that own other points now than before;
    ``warnings``: sentences for the artist. ``scene.ownership.owned_points`` tells whose each point is."""

    object: str
    folder: str
    points: int
    masks: dict[str, int]
    changed: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Realign(Params):
    """Align the scene folder ``scene`` again so that ``objects`` of it fit best, or, without any, as it was
    when it was reconstructed. ``cached``: the objects of its mask cache count too; ``alpha_p``, ``alpha_n``:
    as then, where null."""

    scene: str
    objects: tuple[str, ...] = ()
    cached: bool = False
    alpha_p: float | None = None
    alpha_n: float | None = None


@dataclass(frozen=True)
class Realigned(Params):
    """The scene was written anew. ``points``: 3D points of all its objects, by name; ``moved``: median move
    of the points of ``objects`` (of all points when there are none), as a share of their depth;
    ``seconds``: wall time."""

    scene: str
    objects: tuple[str, ...]
    points: dict[str, int]
    moved: float
    seconds: float


@dataclass(frozen=True)
class Cancel(Params):
    """Stop the request of that id; silently ignored when it is over."""

    id: int


@dataclass(frozen=True)
class ProgressReport(Params):
    """How far the request of that id is; ``fraction`` in [0, 1] is of the whole job."""

    id: int
    stage: str
    fraction: float
    text: str
