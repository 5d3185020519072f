# SPDX-License-Identifier: GPL-3.0-or-later
"""What Segment would cut out, known before anything is split: asked for quietly when prompts change.

Anything that may change prompts calls ``touch``; ``refresh`` then looks at the active object. Answers are
kept by what was asked, so undo, redo and going back to an object show theirs at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy

from ...errors import Cancelled, NeuralError, PromptError, SceneError, WildSegError
from ...worker.messages import EarlyPreview, Previewed
from ..scene import kept_points, picking, viewing
from . import preview_answers, questions, runtime, warned
from .preview_answers import Answers, Preview
from .questions import Question

METHOD = "preview"
TITLE = "Preview"

SETTLES_IN = 0.12
"""Seconds for which prompts stay as they are before something is solved for them: not at each step of a drag.
As long as the object's answers are looked up, each step is asked about."""

FADES_AFTER = 0.15
"""Seconds after which a preview that a newer one is about to replace fades: what comes sooner would blink."""


@dataclass
class _State:
    touched: bool = True
    settled: bool = False
    question: Question | None = None
    asked: str = ""
    problem: str = ""
    since: float = 0.0
    changed: float = 0.0
    answers: Answers = field(default_factory=Answers)
    latest: tuple[tuple[Path, str], str] | None = None
    asked_before: int = 0


_state = _State()


def touch(*, settled: bool = False) -> None:
    """Prompts, or which of them count, may have changed; ``settled``: and stay as they are for now."""
    _state.touched = True
    _state.settled |= settled


def forget() -> None:
    """Another file was opened."""
    global _state
    _state = _State()
    picking.forget()
    kept_points.forget()
    warned.forget()


def forget_answers() -> None:
    """The worker may answer the same questions otherwise from now on.

    The answer shown stays until then, as after any change.
    """
    _state.asked_before += 1
    touch()


def refresh(scene: bpy.types.Scene) -> None:
    """Look at the prompts of the active object again if they were touched."""
    if not _state.touched:
        return
    _state.touched = False
    before, drawn = _state.question, looks()
    _state.problem = ""
    try:
        _state.question = question(scene) if scene.wildseg3d.preview else None
        _recall_segmented()
    except (PromptError, SceneError, NeuralError) as error:
        _state.question, _state.problem = None, error.message
    if before != _state.question:
        _state.since = _state.changed = time.monotonic()
    _remember_latest()
    # Whole views take long to draw: only when they show something else.
    if looks() != drawn:
        redraw()
    elif before != _state.question:
        viewing.redraw_sidebars()
    if _state.settled:
        _state.settled, _state.since = False, 0.0


def question(scene: bpy.types.Scene) -> Question | None:
    """What there is to ask about the active object; None without prompts. Raises as its namesake."""
    return questions.question(scene, _state.asked_before)


def due() -> bool:
    """Whether the worker is to be asked now."""
    asked = _state.question
    if asked is None or asked.applied or _state.answers.has_final(asked.key):
        return False
    known = _latest(asked)
    return _has_settled() or (known is not None and known.cached)


def outdated() -> bool:
    """Whether what was asked last is asked no more, and prompts have settled on something else.

    Not before they settled: at each step of a drag nothing would ever be answered.
    """
    return _has_settled() and (_state.question is None or _state.asked != _state.question.key)


def _has_settled() -> bool:
    return time.monotonic() - _state.since >= SETTLES_IN


def start() -> None:
    """Ask. The worker must be idle, and the preview due."""
    asked = _state.question
    assert asked is not None

    def when_done(job: runtime.Job) -> None:
        try:
            take(asked, job.result())
        except Cancelled:
            return  # made way for something else; it is still due
        except WildSegError as error:
            remember(asked.key, error)

    def when_early(told: EarlyPreview) -> None:
        try:
            take_early(asked, told)
        except SceneError:
            return  # the answer, which follows, says what is wrong

    _state.asked = asked.key
    params = replace(asked.request(), early=True).to_json()
    runtime.start_quiet(TITLE, METHOD, params, when_done, when_early)


def take(asked: Question, result: Any) -> Preview:
    """Take in the worker's answer and keep it.

    Raises:
        SceneError: the masks or the scene folder are gone.
    """
    made = preview_answers.of_worker(asked, Previewed.from_json(result))
    remember(asked.key, made)
    return made


def take_early(asked: Question, told: EarlyPreview) -> None:
    """Take in what the answer will be roughly, to be shown until it comes. Raises as ``take``."""
    if not _state.answers.has_final(asked.key):
        remember(asked.key, preview_answers.of_worker_early(asked, told))


def _recall_segmented() -> None:
    """Have the masks of a segmented object to show, when they were not asked for, or not lately.

    Raises:
        SceneError: the object is damaged.
    """
    asked = _state.question
    if asked is None or not asked.applied or ((known := _known()) is not None and known.kind != "early"):
        return
    if (segmented := preview_answers.of_segmented(asked)) is not None:
        remember(asked.key, segmented)


def remember(key: str, answer: Preview | WildSegError) -> None:
    """Keep an answer, and have it drawn."""
    _state.answers.keep(key, answer)
    _remember_latest()
    redraw()


def current() -> Question | None:
    """What is asked about the active object just now; None when there is nothing to preview."""
    return _state.question


def answer() -> Preview | None:
    """The answer about the active object as it is now, if it is known."""
    known = _known()
    return known if known is not None and known.kind == "answer" else None


def refining() -> bool:
    """Whether what is shown is about what the answer will be, while that is on its way."""
    known = _known()
    return known is not None and known.kind == "early"


def _known() -> Preview | None:
    """The answer about the active object as it is now, or a first one."""
    return None if _state.question is None else _state.answers.preview(_state.question.key)


@dataclass(frozen=True)
class Shown:
    """What to draw.

    Attributes:
        key: changes with the preview.
        outdated: a newer one has been on its way for a while.
        applied: the object was segmented like this: its outline is enough.
    """

    key: str
    preview: Preview
    outdated: bool = False
    applied: bool = False


def shown() -> Shown | None:
    """The preview to draw now.

    Until there is an answer to the prompts as they are now, that is the object's latest one, outdated.
    """
    asked = _state.question
    if asked is None or _state.answers.error(asked.key) is not None:
        return None
    if (now := _known()) is not None:
        return Shown(_shown_key(asked.key, now), now, applied=asked.applied)
    before = None if asked.applied else _latest(asked)
    if before is None or _state.latest is None:
        return None
    fades = time.monotonic() - _state.changed >= FADES_AFTER
    return Shown(_shown_key(_state.latest[1], before), before, outdated=fades)


def _shown_key(key: str, preview: Preview) -> str:
    return key if preview.kind == "answer" else f"{key} {preview.kind}"


def problem() -> str:
    """Why there is no preview, in a sentence; empty when there is nothing wrong."""
    error = None if _state.question is None else _state.answers.error(_state.question.key)
    return _state.problem if error is None else error.message


def redraw() -> None:
    """Have the preview drawn anew."""
    viewing.redraw()


def looks() -> tuple[str, bool, bool] | None:
    """Changes whenever the preview is to be drawn otherwise."""
    now = shown()
    return None if now is None else (now.key, now.applied, now.outdated)


def _latest(asked: Question) -> Preview | None:
    """The object's latest answer, to whatever prompts."""
    if _state.latest is None or _state.latest[0] != asked.about:
        return None
    return _state.answers.preview(_state.latest[1])


def _remember_latest() -> None:
    asked = _state.question
    if asked is not None and _state.answers.preview(asked.key) is not None:
        _state.latest = (asked.about, asked.key)
