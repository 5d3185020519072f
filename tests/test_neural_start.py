# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that name a network run in the neural environment, or say that it is missing."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from wildseg3d_blender import __version__
from wildseg3d_blender.cli.main import main
from wildseg3d_blender.neural import running
from wildseg3d_blender.neural.places import FOLDER_VARIABLE


def test_commands_without_networks_stay_here() -> None:
    assert running.elsewhere(argparse.Namespace(engine="stereo", device="cuda"), []) is None
    assert running.elsewhere(argparse.Namespace(), []) is None


def test_another_interpreter_runs_the_same_command(capfd: pytest.CaptureFixture[str]) -> None:
    assert running.run_with(Path(sys.executable), ["--version"]) == 0
    assert capfd.readouterr().out.strip() == __version__
    assert running.run_with(Path(sys.executable), ["segment"]) == 2


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is not None, reason="this interpreter has the networks itself"
)
@pytest.mark.parametrize(
    "arguments",
    [
        ["reconstruct", "photos", "-o", "scene", "--engine", "dust3r", "--device=cpu"],
        ["find-objects", "scene", "--segmenter=sam2", "--device", "cpu"],
    ],
)
def test_a_missing_environment_is_one_sentence(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv(running.DEVICE_VARIABLE, "auto")
    assert main(arguments) == 1
    assert "not installed" in capsys.readouterr().err
    assert os.environ[running.DEVICE_VARIABLE] == "cpu"


def test_what_the_environment_lacks_is_not_looked_for_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a process there would start itself again for ever."""
    monkeypatch.setenv(running.INSIDE, "1")
    monkeypatch.setenv(running.DEVICE_VARIABLE, "auto")
    assert running.elsewhere(argparse.Namespace(engine="dust3r", device="cpu"), []) is None
