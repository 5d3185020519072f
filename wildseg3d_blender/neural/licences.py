# SPDX-License-Identifier: GPL-3.0-or-later
"""Licences that restrict what a model may be used for: accepted once per model, by the person who uses it."""

from __future__ import annotations

import time
from pathlib import Path

from ..errors import NeuralError
from .environment import read_json, write_json
from .places import COMMAND, models_folder
from .registry import Model, read_registry

RECORD = "licences.json"


def accept(model: Model, folder: Path | None = None) -> None:
    """Note that the person accepts the model's licence, with today's date."""
    file = (folder or models_folder()) / RECORD
    entry = {"licence": model.licence, "page": model.licence_page, "date": time.strftime("%Y-%m-%d")}
    write_json(file, {**read_json(file), model.name: entry})


def accepted(model: Model, folder: Path | None = None) -> str:
    """The date on which the licence was accepted, or ""; a licence that changed has to be accepted anew."""
    entry = read_json((folder or models_folder()) / RECORD).get(model.name)
    if not isinstance(entry, dict) or entry.get("licence") != model.licence:
        return ""
    return str(entry.get("date", ""))


def require_accepted(model: Model, folder: Path | None = None) -> None:
    """See to it that the model may be used.

    Raises:
        NeuralError: its licence restricts the use and was not accepted yet.
    """
    if model.restriction and not accepted(model, folder):
        raise NeuralError(
            f"{model.title} is under {model.licence}: {model.restriction} Read {model.licence_page}, then "
            f"accept it in the add-on's preferences or with: {COMMAND} accept {model.name}",
            fix="wildseg3d.neural_accept",
        )


def dust3r_wanted(folder: Path | None = None, registry: Path | None = None) -> bool:
    """Whether DUSt3R's code, under the same licence as its models, may be installed: one was accepted."""
    return any(
        model.engine == "dust3r" and accepted(model, folder) != "" for model in read_registry(registry)
    )
