# SPDX-License-Identifier: GPL-3.0-or-later
"""What a preview is asked about: the active object's prompts, and all else that its answer depends on."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import bpy

from ...prompts import PromptGroup
from ...scene.folder import Scene
from ...worker.messages import Preview
from ..scene import groups, lookup, reading
from . import choosing


@dataclass(frozen=True)
class Question:
    """What is asked about the active object.

    Attributes:
        key: changes whenever the answer may.
        about: which object of which scene folder.
        applied: the object was segmented with exactly these prompts, so there is nothing to ask.
        version: of the object in the scene folder; "" where that is not known.
    """

    key: str
    about: tuple[Path, str]
    folder: Path
    prompt_groups: tuple[PromptGroup, ...]
    applied: bool
    segmenter: str
    version: str

    def request(self) -> Preview:
        """As the worker takes it."""
        return Preview(scene=str(self.folder), groups=self.prompt_groups, segmenter=self.segmenter)


def question(scene: bpy.types.Scene, asked_before: int) -> Question | None:
    """What there is to ask about the active object; None without prompts.

    Args:
        asked_before: how often the worker came to answer the same questions otherwise.

    Raises:
        PromptError, SceneError: as ``reading.read_groups`` and ``lookup.open_scene``.
        NeuralError: the panel's engine cannot run.
    """
    root = lookup.active_root(scene)
    item = None if root is None else groups.active(root)
    if root is None or item is None or not lookup.prompts(root, item.name):
        return None
    opened = lookup.open_scene(root)
    prompt_groups = reading.read_groups(opened, root, item.name)
    digest = reading.digest(prompt_groups)
    applied = groups.mesh_object(item) is not None and item.applied == digest
    about = (opened.folder, str(item.name))
    segmenter = choosing.segmenter(scene)
    key = _key(opened, f"{asked_before} {segmenter} {digest}")
    return Question(key, about, opened.folder, prompt_groups, applied, segmenter, str(item.version))


def _key(scene: Scene, asked: str) -> str:
    status = (scene.folder / "scene.json").stat()
    # Where nothing could be written, that was the answer: it may be another when writing is allowed.
    protected = "" if os.access(scene.folder, os.W_OK) else "protected "
    text = f"{scene.folder} {status.st_mtime_ns} {protected}{asked}"
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
