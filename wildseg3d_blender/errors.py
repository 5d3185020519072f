# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, said in one clear sentence that tells what to do next.

Every error an artist can cause or meet is a ``WildSegError``. Its ``code`` is stable and travels through
the worker protocol; its message is the sentence shown; ``fix`` may name the operator that mends it.
Anything else that is raised is a bug in the project and is reported as one, with its traceback.
"""

from __future__ import annotations


class WildSegError(Exception):
    """Base of all errors with a sentence for the user."""

    code = "error"

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class PhotoError(WildSegError):
    """The photos given cannot be read or are too few."""

    code = "photos"


class ReconstructionError(WildSegError):
    """The photos were read but do not make a scene."""

    code = "reconstruction"


class AlignmentError(WildSegError):
    """The pair graph cannot be aligned."""

    code = "alignment"


class PromptError(WildSegError):
    """The prompts do not select anything."""

    code = "prompt"


class SceneError(WildSegError):
    """The scene folder is missing, damaged, from a newer version, or cannot be written."""

    code = "scene"


class NeuralError(WildSegError):
    """The neural engines cannot run: something is not installed, damaged, or too much for this machine."""

    code = "neural"


class DiskSpaceError(NeuralError):
    """The disk has no room for the neural environment or a model."""


class WorkerError(WildSegError):
    """The worker process died or does not answer."""

    code = "worker"


class Cancelled(WildSegError):
    """The user asked to stop. Nothing was changed."""

    code = "cancelled"

    def __init__(self, message: str = "Cancelled.") -> None:
        super().__init__(message)


ERROR_BY_CODE: dict[str, type[WildSegError]] = {
    cls.code: cls
    for cls in (
        WildSegError,
        PhotoError,
        ReconstructionError,
        AlignmentError,
        PromptError,
        SceneError,
        NeuralError,
        WorkerError,
        Cancelled,
    )
}
