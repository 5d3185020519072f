# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipes of ``docs/scripting.md`` run as they stand there."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).absolute().parents[1]
PAGE = (ROOT / "docs" / "scripting.md").read_text(encoding="utf-8")
PHOTOS = ("table_04", "table_05", "table_06", "table_07")
INSTALLED_AS = "bl_ext.user_default.wildseg3d."


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(blender: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory that the page speaks of."""
    (tmp_path / "sets" / "table").mkdir(parents=True)
    for name in PHOTOS:
        shutil.copyfile(
            ROOT / "samples" / "table" / "photos" / f"{name}.jpg", tmp_path / "sets" / "table" / f"{name}.jpg"
        )
    (clicks,) = _blocks("json")
    (tmp_path / "clicks.json").write_text(clicks, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_recipes_in_python(blender: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    blocks = _blocks("python")
    assert len(blocks) >= 9 and blocks[0].startswith(f"from {INSTALLED_AS}")
    said = []
    for number, block in enumerate(blocks):
        script = folder / f"block {number + 1}.py"
        script.write_text(block.replace(INSTALLED_AS, ""), encoding="utf-8")
        names = runpy.run_path(str(script), init_globals=names)
        said.append(capsys.readouterr().out)
    assert said[1].count("placed") == 4 and (folder / "blends" / "table.blend").is_file()
    assert [line.split()[0] for line in said[2].splitlines() if line.endswith("points")] == ["Mug", "Book"]
    for name in ("Mug.ply", "Book.ply", "Orange.ply", "all.usdc", "surfaces.glb"):
        assert (folder / "exported" / name).stat().st_size > 10_000, name
    assert "['Mug'] Book Mesh" in said[7]
    assert "Mug" in said[8]
    root = names["root"]
    assert [group.name for group in root.wildseg3d.groups] == ["Mug"]
    assert "Teddy Mesh" in blender.data.objects


@pytest.mark.slow
def test_the_recipes_in_a_terminal(blender: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from wildseg3d_blender.addon import command

    (block,) = _blocks("sh")
    for line in block.splitlines():
        program, flag, name, *arguments = shlex.split(line)
        assert (program, flag, name) == ("blender", "--command", command.NAME)
        assert command.run(arguments) == 0, line
    assert "Mug.glb" in {file.name for file in (folder / "out").iterdir()}
    assert (folder / "out" / "surfaces.usdc").stat().st_size > 10_000
    assert "examples:" in capsys.readouterr().out
