# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the neural environment by the code that users run, with real uv and pip, from a folder of wheels."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tiny_environment import ROOM, TinyWorld, write_wheel
from wildseg3d_blender.errors import Cancelled, NeuralError
from wildseg3d_blender.neural import environment, licences, places
from wildseg3d_blender.neural.environment import find_environment, uninstall, use_existing
from wildseg3d_blender.neural.install import STEPS, UNFINISHED, install
from wildseg3d_blender.neural.places import short_enough
from wildseg3d_blender.neural.recipe import LOCKS, Recipe, Source, kind_of_build
from wildseg3d_blender.neural.registry import find_model
from wildseg3d_blender.neural.space import bytes_of, readable

ROOT = Path(__file__).absolute().parents[1]
WHEELS = os.environ.get("WILDSEG3D_TORCH_WHEELS")
"""For the test at true size: "auto", or a folder with a torch wheel where PyTorch's index is out of reach."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    return TinyWorld(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def made(world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("neural") / "made"
    install(folder, recipe=world.recipe, source=world.source)
    return folder


def test_installing_makes_an_environment_of_what_the_locks_name(world: TinyWorld, tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []

    def progress(stage: str, fraction: float, text: str = "") -> None:
        assert text or not seen
        seen.append((stage, fraction))

    # Inside somebody's project, whose settings are not the environment's.
    project = '[project]\nname = "p"\nversion = "0"\n[tool.uv]\noverride-dependencies = ["tiny-extra==9"]\n'
    (tmp_path / "pyproject.toml").write_text(project)
    folder = tmp_path / "neural"
    result = install(folder, recipe=world.recipe, source=world.source, progress=progress)
    assert result.versions == {"torch": "1.0"} and result.device == "CPU"
    assert find_environment(folder) == result
    assert list(dict.fromkeys(stage for stage, _ in seen)) == [name for name, _, _ in STEPS]
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    asked = [result.python, "-c", "import sys, tiny_net, tiny_extra; print(sys.prefix)"]
    assert Path(subprocess.check_output(asked, text=True).strip()) == folder / "env"
    assert not (folder / UNFINISHED).exists()
    # Nothing is done twice: the second time only looks and proves.
    lock = (folder / "torch.lock").stat().st_mtime_ns
    assert install(folder, recipe=world.recipe, source=world.source).python == result.python
    assert (folder / "torch.lock").stat().st_mtime_ns == lock


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A folder that has the installer already, which is what takes the most time."""
    shutil.copytree(made / "tools", tmp_path / "neural" / "tools")
    return tmp_path / "neural"


def test_the_running_python_is_left_alone(made: Path) -> None:
    with pytest.raises(ImportError):
        __import__("tiny_net")
    assert Path(environment.python(made)) != Path(sys.executable)


@pytest.mark.parametrize("stage", ["torch", "verify"])
def test_killed_in_the_middle_it_goes_on(world: TinyWorld, folder: Path, tmp_path: Path, stage: str) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import sys; from pathlib import Path\n"
        "from wildseg3d_blender.neural.install import install\n"
        "from wildseg3d_blender.neural.recipe import Recipe, Source\n"
        f"recipe = Recipe(Path({str(world.locks)!r}), 'tiny_check', {ROOM!r})\n"
        f"source = Source('none', find_links=({str(world.wheels)!r},), online=False)\n"
        "say = lambda stage, fraction, text='': print(stage, flush=True)\n"
        f"install(Path({str(folder)!r}), recipe=recipe, source=source, progress=say)\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        assert any(line.strip() == stage for line in process.stdout)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert find_environment(folder) is None and (folder / UNFINISHED).exists()
    installer = (folder / "tools" / "bin" / "uv").stat().st_mtime_ns

    result = install(folder, recipe=world.recipe, source=world.source)
    assert find_environment(folder) == result
    assert (folder / "tools" / "bin" / "uv").stat().st_mtime_ns == installer
    assert not (folder / UNFINISHED).exists()


def test_cancelling_stops_at_once_and_keeps_what_is_there(world: TinyWorld, folder: Path) -> None:

    def stop(stage: str, fraction: float, text: str = "") -> None:
        if stage == "packages":
            raise Cancelled

    with pytest.raises(Cancelled):
        install(folder, recipe=world.recipe, source=world.source, progress=stop)
    assert find_environment(folder) is None
    assert (folder / "tools" / "bin" / "uv").exists() and (folder / "torch.lock").exists()
    assert install(folder, recipe=world.recipe, source=world.source).versions["torch"] == "1.0"


def test_too_little_space_is_refused_before_anything_is_written(world: TinyWorld, tmp_path: Path) -> None:
    folder = tmp_path / "neural"
    huge = replace(world.recipe, needed_bytes={"cpu": 10**17})
    with pytest.raises(NeuralError, match=r"needs 100000000\.0 GB in .*, and only .* is free"):
        install(folder, recipe=huge, source=world.source)
    assert not folder.exists()


def test_a_wheel_that_is_not_the_locked_one_is_refused(tmp_path: Path, folder: Path) -> None:
    world = TinyWorld(tmp_path / "world")
    write_wheel(world.wheels, "tiny_extra", {"tiny_extra.py": "answer = 'somebody else wrote this'\n"})
    with pytest.raises(NeuralError, match="not the one that the lock names"):
        install(folder, recipe=world.recipe, source=world.source)
    assert find_environment(folder) is None
    assert not list(folder.rglob("tiny_extra.py"))


def test_an_installer_that_is_not_the_locked_one_is_refused(tmp_path: Path) -> None:
    world, folder = TinyWorld(tmp_path / "world"), tmp_path / "neural"
    wheel = next(world.wheels.glob("uv-*.whl"))
    with wheel.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(NeuralError, match=r"installer \(uv\).*not the one that the lock names"):
        install(folder, recipe=world.recipe, source=world.source)
    assert not (folder / "tools" / "bin").exists()


def test_offline_it_says_where_to_allow_it(world: TinyWorld, tmp_path: Path) -> None:
    with pytest.raises(NeuralError, match="Edit > Preferences > System > Network"):
        install(tmp_path / "neural", recipe=world.recipe, source=Source(online=False))
    assert not (tmp_path / "neural").exists()


def test_one_installation_at_a_time(world: TinyWorld, folder: Path) -> None:

    def again(stage: str, fraction: float, text: str = "") -> None:
        if stage == "installer":
            install(folder, recipe=world.recipe, source=world.source)

    with pytest.raises(NeuralError, match="Another program is at work"):
        install(folder, recipe=world.recipe, source=world.source, progress=again)


def test_a_base_python_that_is_none_is_refused(world: TinyWorld, tmp_path: Path) -> None:
    with pytest.raises(NeuralError, match="is not a Python that torch is there for"):
        install(tmp_path / "neural", recipe=world.recipe, source=world.source, base_python=Path("/bin/false"))


def test_an_existing_environment_is_checked_used_and_never_removed(
    world: TinyWorld, made: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    chosen = use_existing(made / "env", folder, recipe=world.recipe)
    assert chosen.own and find_environment(folder) == chosen
    with pytest.raises(NeuralError, match=r"cannot run the neural engines \(.*tiny_check"):
        use_existing(Path(sys.executable), folder, recipe=replace(world.recipe, locks=LOCKS))
    with pytest.raises(NeuralError, match="There is no Python at"):
        use_existing(tmp_path, folder, recipe=world.recipe)
    assert uninstall(folder) < 10_000
    assert find_environment(folder) is None
    assert find_environment(made) is not None


def test_uninstalling_frees_what_it_says(world: TinyWorld, folder: Path) -> None:
    result = install(folder, recipe=world.recipe, source=world.source)
    kept = folder / "of somebody else.txt"
    kept.write_text("stays")
    before = bytes_of(folder)
    freed = uninstall(folder)
    assert freed == before - bytes_of(folder)
    assert abs(freed - result.bytes) < 10_000 < freed
    assert sorted(path.name for path in folder.iterdir()) == [".lock", kept.name]
    with pytest.raises(NeuralError, match="not installed"):
        environment.python(folder)


def test_an_environment_whose_python_is_gone_is_none(world: TinyWorld, folder: Path) -> None:
    result = install(folder, recipe=world.recipe, source=world.source)
    Path(result.python).unlink()
    assert find_environment(folder) is None
    assert install(folder, recipe=world.recipe, source=world.source).python == result.python


def test_what_is_installed_is_used_instead_of_what_was_chosen(
    world: TinyWorld, made: Path, folder: Path
) -> None:
    use_existing(made / "env", folder, recipe=world.recipe)
    result = install(folder, recipe=world.recipe, source=world.source)
    assert find_environment(folder) == result and not result.own


def test_newer_locks_make_an_environment_outdated(world: TinyWorld, made: Path, tmp_path: Path) -> None:
    found = find_environment(made)
    assert found is not None
    assert not found.outdated(world.recipe)
    assert found.outdated(Recipe())


@pytest.mark.parametrize(
    ("lock", "kind"),
    [
        ("torch==2.13.0+cu130 \\\n    --hash=sha256:00\n", "cu"),
        ("nvidia-cublas==13.1.1.3 \\\n    --hash=sha256:00\ntorch==2.13.0 \\\n", "cu"),
        ("torch==2.13.0+rocm7.2 \\\n", "rocm"),
        ("torch==2.13.0+cpu \\\n", "cpu"),
        ("torch==2.13.0 \\\n", "cpu"),
    ],
)
def test_the_kind_of_build_is_read_off_the_lock(lock: str, kind: str) -> None:
    assert kind_of_build(lock) == kind


def test_windows_paths_are_measured() -> None:
    assert short_enough(Path("/Users/somebody/AppData/Local/WildSeg3D"), windows=True)
    assert not short_enough(Path("/Users/somebody/AppData/Roaming/" + "x" * 80), windows=True)


def test_the_locks_ship_what_is_tested() -> None:
    """The default engines' libraries and the installer have the development environment's versions."""
    pins = {
        file: dict(
            line.split()[0].split("==") for line in (ROOT / file).read_text().splitlines() if "==" in line
        )
        for file in ("vendor/dev.lock", "vendor/neural/requirements.lock", "vendor/neural/uv.lock")
    }
    dev, neural, uv = pins.values()
    for name in ("opencv-python-headless", "pycolmap", "pymaxflow", "pillow", "huggingface-hub"):
        assert neural[name] == dev[name]
    assert uv["uv"] == dev["uv"]
    assert not {"torch", "torchvision", "mini-dust3r"} & set(neural)


@pytest.mark.slow
@pytest.mark.skipif(WHEELS is None, reason="fetches gigabytes; `make test-install` runs it")
def test_the_true_environment_killed_finished_proven_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the commands that users type, with the locks that they get."""
    monkeypatch.setenv(places.MODELS_VARIABLE, str(tmp_path / "models"))
    licences.accept(find_model("dust3r-512-dpt"))
    folder = tmp_path / "neural"
    command = [sys.executable, "-m", "wildseg3d_blender", "neural", "install", "--folder", str(folder)]
    if WHEELS != "auto":
        command += ["--torch-backend", "none", "--find-links", str(WHEELS)]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        # Torch is there then, the rest is on its way; a quick machine says no more before it is done.
        assert any(" packages: " in line for line in process.stderr)
        process.send_signal(signal.SIGKILL)
    killed = time.perf_counter() - started
    kept = bytes_of(folder)
    assert find_environment(folder) is None and kept > 500_000_000

    subprocess.run(command, cwd=ROOT, check=True)
    finished = time.perf_counter() - started - killed
    found = find_environment(folder)
    assert found is not None and found.dust3r and found.versions["sam2"] == "1.1.0"
    freed = uninstall(folder)
    assert freed >= found.bytes > 1_000_000_000 and bytes_of(folder) == 0
    with capsys.disabled():
        print(
            f"\nkilled after {killed:.0f} s with {readable(kept)} there, finished in {finished:.0f} s more: "
            f"torch {found.versions['torch']} on {found.device}, {readable(found.bytes)}; "
            f"removed, {readable(freed)} free again"
        )
