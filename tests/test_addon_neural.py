# SPDX-License-Identifier: GPL-3.0-or-later
"""The neural engines in Blender's preferences: installing on the side, cancelling, accepting, removing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_environment import TinyWorld
from tests.waiting import PATIENCE
from wildseg3d_blender.errors import Cancelled, WildSegError
from wildseg3d_blender.neural import licences, places
from wildseg3d_blender.neural.environment import find_environment
from wildseg3d_blender.neural.install import install
from wildseg3d_blender.neural.registry import find_model
from wildseg3d_blender.progress import Progress


@pytest.fixture
def folder(blender: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The neural environment's folder, below the test's own."""
    monkeypatch.setenv(places.FOLDER_VARIABLE, str(tmp_path / "neural"))
    monkeypatch.setenv(places.MODELS_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "neural"


def test_installing_runs_beside_blender_and_its_end_is_told(
    blender: Any, folder: Path, tmp_path: Path
) -> None:
    from wildseg3d_blender.addon import neural_task

    world = TinyWorld(tmp_path / "world")

    def work(progress: Progress) -> str:
        made = install(
            neural_task.neural_folder(blender.context),
            recipe=world.recipe,
            source=world.source,
            progress=progress,
        )
        return f"Installed on {made.device}."

    task = neural_task.start("Installing", work)
    assert neural_task.current() is task
    assert not blender.ops.wildseg3d.neural_install.poll()
    assert not blender.ops.wildseg3d.neural_uninstall.poll()
    with pytest.raises(WildSegError, match="Installing is still running"):
        neural_task.start("Something else", work)
    assert task.wait(PATIENCE) and task.result() == "Installed on CPU."
    assert task.fraction == 1.0 and neural_task.current() is None

    assert find_environment(folder) is not None


def test_cancelling_stops_the_installation(blender: Any, folder: Path, tmp_path: Path) -> None:
    from wildseg3d_blender.addon import neural_task

    world = TinyWorld(tmp_path / "world")
    task = neural_task.start(
        "Installing",
        lambda progress: str(install(folder, recipe=world.recipe, source=world.source, progress=progress)),
    )
    assert blender.ops.wildseg3d.neural_cancel() == {"FINISHED"}
    assert task.stopping and task.wait(PATIENCE)
    with pytest.raises(Cancelled):
        task.result()
    assert find_environment(folder) is None
    assert not blender.ops.wildseg3d.neural_cancel.poll()


def test_operators_say_what_is_wrong(blender: Any, folder: Path, tmp_path: Path) -> None:
    blender.context.preferences.system.use_online_access = False
    with pytest.raises(RuntimeError, match="Edit > Preferences > System > Network"):
        blender.ops.wildseg3d.neural_install()
    with pytest.raises(RuntimeError, match="There is no Python at"):
        blender.ops.wildseg3d.neural_use_existing(directory=str(tmp_path))
    with pytest.raises(RuntimeError, match="Install the neural engines first"):
        blender.ops.wildseg3d.neural_download(name="sam2.1-tiny")
    world = TinyWorld(tmp_path / "world")
    install(folder, recipe=world.recipe, source=world.source)
    with pytest.raises(RuntimeError, match=r"SAM 2\.1 tiny, files from the internet are needed"):
        blender.ops.wildseg3d.neural_download(name="sam2.1-tiny")
    with pytest.raises(RuntimeError, match=r"CC BY-NC-SA 4\.0"):
        blender.ops.wildseg3d.neural_download(name="dust3r-512-dpt")
    with pytest.raises(RuntimeError, match="There is no file"):
        blender.ops.wildseg3d.neural_confirm(name="dust3r-224-linear")


def test_a_licence_is_accepted_and_remembered(blender: Any, folder: Path) -> None:
    model = find_model("dust3r-512-dpt")
    assert not licences.accepted(model) and not licences.dust3r_wanted()
    assert blender.ops.wildseg3d.neural_accept(name=model.name) == {"FINISHED"}
    assert licences.accepted(model) and licences.dust3r_wanted()


def test_uninstalling_removes_what_was_installed(blender: Any, folder: Path, tmp_path: Path) -> None:
    world = TinyWorld(tmp_path / "world")
    install(folder, recipe=world.recipe, source=world.source)
    assert blender.ops.wildseg3d.neural_uninstall() == {"FINISHED"}
    assert find_environment(folder) is None and not (folder / "env").exists()


def test_processes_that_blender_starts_know_the_folder(blender: Any, folder: Path) -> None:
    from wildseg3d_blender.addon import neural_task

    neural_task.announce_folder(blender.context)
    assert os.environ[places.FOLDER_VARIABLE] == str(folder)
