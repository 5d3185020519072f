# SPDX-License-Identifier: GPL-3.0-or-later
"""The model files: where they are, whether they are the right ones, and getting them.

A file lies in the models folder under its registry name, whether it was downloaded or put there by hand; a
copy that another program fetched into Hugging Face's cache is found too, and used where it is. Nothing is
loaded whose sha256 is not the registry's. For a file whose hash the registry does not know, the person says
once that it is right (``confirm``), and its hash is remembered from then on.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import NeuralError
from ..progress import Progress, silent
from .environment import find_environment, read_json, write_json
from .folder_lock import exclusive
from .licences import accepted, require_accepted
from .offline import require_online
from .places import COMMAND, models_folder
from .processes import run
from .recipe import ROOT
from .registry import Model, find_model, read_registry
from .space import check_space, readable

VERIFIED = "verified.json"
"""Files whose hash was computed: size, time and hash, so that gigabytes are not read at every start."""

CONFIRMED = "confirmed.json"
BLOCK = 1 << 22


@dataclass(frozen=True)
class ModelStatus:
    """A model and what there is of it; ``partial`` counts the bytes of a download that was broken off."""

    model: Model
    path: Path | None
    accepted: str
    partial: int


def statuses(folder: Path | None = None, registry: Path | None = None) -> list[ModelStatus]:
    """All models of the registry. Reads no model file, so it may be asked at every redraw."""
    folder = folder or models_folder()
    return [
        ModelStatus(item, _present(item, folder), accepted(item, folder), _size(_partial(item, folder)))
        for item in read_registry(registry)
    ]


def path_of(
    name: str, folder: Path | None = None, registry: Path | None = None, progress: Progress = silent
) -> Path:
    """The model's file, verified, for an engine to load.

    Raises:
        NeuralError: no such model, not there, not the right file, or its licence was not accepted.
    """
    folder, model = folder or models_folder(), find_model(name, registry)
    require_accepted(model, folder)
    path = _present(model, folder)
    if path is None:
        raise NeuralError(
            f"{model.title} is not there yet ({readable(model.bytes) if model.bytes else 'size unknown'}): "
            f"download it in the add-on's preferences or with {COMMAND} download {name}, or put the file of "
            f"{model.url} at {folder / model.file}.",
            fix="wildseg3d.neural_download",
        )
    _verify(model, path, folder, progress)
    return path


def download(
    name: str,
    folder: Path | None = None,
    registry: Path | None = None,
    *,
    online: bool = True,
    python: Path | None = None,
    progress: Progress = silent,
) -> Path:
    """Get a model's file, going on where an earlier try stopped, and verify it; one that is there is kept.

    Args:
        python: an interpreter that has huggingface_hub; the neural environment's by default.

    Raises:
        NeuralError: it could not be had; a partial download is kept. A wrong file is not.
        Cancelled: as asked; likewise.
    """
    folder, model = folder or models_folder(), find_model(name, registry)
    require_accepted(model, folder)
    if not model.sha256:
        raise NeuralError(
            f"The true hash of {model.title} is not known, so it is not downloaded unseen: fetch {model.url} "
            f"yourself, put it at {folder / model.file}, and confirm it with {COMMAND} confirm {name}."
        )
    if _present(model, folder) is None:
        _fetch(model, folder, online, python, progress)
    return path_of(name, folder, registry, progress)


def confirm(name: str, folder: Path | None = None, registry: Path | None = None) -> Path:
    """Take the person's word for a file whose hash the registry does not know; returns its path.

    Raises:
        NeuralError: there is no such file, or its hash is known and no word is needed.
    """
    folder, model = folder or models_folder(), find_model(name, registry)
    path = folder / model.file
    if model.sha256:
        raise NeuralError(f"The hash of {model.title} is known, so there is nothing to confirm.")
    if not path.is_file():
        raise NeuralError(f"There is no file {path}: put what {model.url} gives there first.")
    record = folder / CONFIRMED
    write_json(record, {**read_json(record), name: _sha256(path, silent)})
    return path


def _fetch(model: Model, folder: Path, online: bool, python: Path | None, progress: Progress) -> None:
    is_loopback = urlsplit(model.url).hostname in ("127.0.0.1", "localhost")
    require_online(online or is_loopback, f"download {model.title}")
    environment = find_environment()
    interpreter = python or (Path(environment.python) if environment else None)
    if interpreter is None:
        raise NeuralError(
            f"{model.title} is downloaded by the neural environment: install that first.",
            fix="wildseg3d.neural_install",
        )
    partial = _partial(model, folder)
    check_space(folder, model.bytes - _size(partial), model.title)
    with exclusive(folder):

        def watch(line: str) -> None:
            here = _size(partial)
            text = f"{model.title}: {readable(here)} of {readable(model.bytes)}"
            progress("download", min(here / model.bytes, 1.0), text)

        finished = run(
            [
                *(interpreter, "-s", "-P", "-m", "wildseg3d_blender.neural.inside.fetch"),
                *(model.url, partial, str(model.bytes)),
            ],
            folder=folder,
            variables={"PYTHONPATH": str(ROOT)},
            watch=watch,
            leash=True,
        )
        if finished.code:
            reason = finished.lines[-1] if finished.lines else f"exit code {finished.code}"
            raise NeuralError(
                f"{model.title} could not be downloaded ({reason}). {readable(_size(partial))} of it are "
                f"kept: try again, or fetch {model.url} by hand and put it at {folder / model.file}."
            )
        _refuse_wrong(model, partial, model.sha256, progress)
        partial.replace(folder / model.file)


def _verify(model: Model, path: Path, folder: Path, progress: Progress) -> None:
    known = model.sha256 or read_json(folder / CONFIRMED).get(model.name)
    if not known:
        raise NeuralError(
            f"The true hash of {model.title} is not known: if {path} is the right file, confirm it once with "
            f"{COMMAND} confirm {model.name}."
        )
    status, record = path.stat(), read_json(folder / VERIFIED)
    stamp = [status.st_size, status.st_mtime_ns, known]
    if record.get(str(path)) == stamp:
        return
    found = _sha256(path, progress)
    if found != known:
        raise NeuralError(
            f"{path} is not {model.title} as published (sha256 {found[:12]}... instead of {known[:12]}...), "
            "and is not loaded: remove it and download it again."
        )
    write_json(folder / VERIFIED, {**record, str(path): stamp})


def _refuse_wrong(model: Model, partial: Path, sha256: str, progress: Progress) -> None:
    found = _sha256(partial, progress)
    if found != sha256:
        partial.unlink()
        raise NeuralError(
            f"What {model.url} gave is not {model.title} as published (sha256 {found[:12]}... instead of "
            f"{sha256[:12]}...) and was removed: try again later, or get the file elsewhere and put it at "
            f"{partial.with_name(model.file)}."
        )


def _present(model: Model, folder: Path) -> Path | None:
    """The file in the models folder, or in Hugging Face's cache; its content is another question."""
    own = folder / model.file
    if own.is_file():
        return own
    parts = urlsplit(model.url).path.strip("/").split("/")
    if "resolve" not in parts:
        return None
    owner, repository, _, revision, *inner = parts
    cached = _hub_cache() / f"models--{owner}--{repository}" / "snapshots" / revision / "/".join(inner)
    return cached if cached.is_file() and model.sha256 else None


def _hub_cache() -> Path:
    """Where Hugging Face's programs keep what they fetched."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(os.environ.get("HF_HOME") or home) / "hub"


def _partial(model: Model, folder: Path) -> Path:
    # The name holds the hash: what is left of another version is never continued.
    return folder / f".{model.name}.{model.sha256[:12]}.partial"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path, progress: Progress) -> str:
    digest, done, whole = hashlib.sha256(), 0, max(1, _size(path))
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            progress("hash", done / whole, f"Checking {path.name}")
    return digest.hexdigest()
