# SPDX-License-Identifier: GPL-3.0-or-later
"""The models there are, from ``vendor/neural/models.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import NeuralError
from .recipe import LOCKS

REGISTRY = LOCKS / "models.toml"


@dataclass(frozen=True)
class Model:
    """One model file.

    Attributes:
        name: what it is asked for by.
        title: its name for people.
        engine: the engine that loads it: "dust3r" or "sam2".
        config: sam2's configuration file for it; "" for dust3r, whose files say themselves what they are.
        page: where people read about it.
        url: the very file, of a fixed revision.
        bytes: its size; 0 where it is not known.
        sha256: its hash; "" where it is not known.
        licence: name of its licence.
        licence_page: the licence's text.
        restriction: what the licence forbids, as a sentence; "" where it restricts nothing here.
        good_for: when to choose it.
    """

    name: str
    title: str
    engine: str
    config: str
    page: str
    url: str
    bytes: int
    sha256: str
    licence: str
    licence_page: str
    restriction: str
    good_for: str

    @property
    def file(self) -> str:
        """Its file name in the models folder."""
        return self.name + PurePosixPath(self.url).suffix


def read_registry(path: Path | None = None) -> tuple[Model, ...]:
    """All models, in the registry's order.

    Raises:
        NeuralError: the registry is missing or damaged.
    """
    path = path or REGISTRY
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["model"]
        return tuple(Model(**entry) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NeuralError(f"{path} is missing or damaged ({error}): install the extension again.") from error


def find_model(name: str, path: Path | None = None) -> Model:
    """The model of that name.

    Raises:
        NeuralError: there is none.
    """
    models = read_registry(path)
    found = next((model for model in models if model.name == name), None)
    if found is None:
        raise NeuralError(f"There is no model {name!r}: choose one of {', '.join(m.name for m in models)}.")
    return found
