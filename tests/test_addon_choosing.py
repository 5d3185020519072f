# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's choice of engines: what it comes to, which worker runs it, and what is said when none can."""

from __future__ import annotations

import itertools
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.scenes.listed import Made, copied
from tests.small_photos import IMAGE_SIZE, write_small_photos
from tests.waiting import PATIENCE, ended, wait_until
from wildseg3d_blender.conventions import project
from wildseg3d_blender.errors import Cancelled, NeuralError
from wildseg3d_blender.neural import estimate, licences, places
from wildseg3d_blender.neural.environment import CHOSEN, Environment, write_json
from wildseg3d_blender.neural.estimate import GB
from wildseg3d_blender.neural.registry import find_model
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.worker.messages import Reconstruct

REFUSED = r"SAM 2 needs the neural environment|is not SAM 2\.1 tiny as published"
"""What a worker in this Python says: there is no torch, or, where there is, the weights are wrong."""


SECONDS = itertools.count(1)


@pytest.fixture
def folder(blender: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The neural environment's folder, empty; the models folder is beside it."""
    monkeypatch.setenv(places.FOLDER_VARIABLE, str(tmp_path / "neural"))
    monkeypatch.setenv(places.MODELS_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "neural"


@pytest.fixture
def scene(blender: Any, object_scene: Made, folder: Path, tmp_path: Path) -> Scene:
    """An open scene with a click on its ball."""
    made, _ = copied(object_scene, tmp_path / "table" / "scene")
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "table" / "work.blend"))
    blender.ops.wildseg3d.open_scene(directory=str(made.folder))
    view = made.view("v2")
    pixel, _ = project(np.array((-0.42, -0.4, 0.4)), view.K, view.cam_to_world)
    x, y = view.warp.to_photo(pixel)
    blender.ops.wildseg3d.prompt_add(view="v2", x=float(x), y=float(y), object="Ball")
    return made


def _install(
    folder: Path,
    *,
    device: str,
    dust3r: bool,
    models: tuple[str, ...],
    speeds: dict[str, dict[str, float]] | None = None,
) -> None:
    """Name this Python as the environment, and put files where the models belong."""
    made = Environment(sys.executable, {"torch": "2"}, device, dust3r, speeds=speeds or {})
    write_json(folder / CHOSEN, asdict(made))
    models_folder = places.models_folder()
    models_folder.mkdir(exist_ok=True)
    for name in models:
        (models_folder / find_model(name).file).write_bytes(b"weights")


def test_without_neural_engines_auto_is_the_default_and_neural_is_one_sentence(
    blender: Any, scene: Scene
) -> None:
    from wildseg3d_blender.addon.session import choosing, previewing, runtime

    settings = blender.context.scene.wildseg3d
    assert (settings.engines, settings.quality, settings.device) == ("AUTO", "BALANCED", "AUTO")
    assert choosing.engine(blender.context.scene) == "stereo"
    assert blender.ops.wildseg3d.segment() == {"FINISHED"} and "Ball" in blender.data.objects
    pid = runtime.worker_pid()
    assert pid is not None and not runtime.runs_networks()
    with pytest.raises(RuntimeError, match="No network is loaded"):
        blender.ops.wildseg3d.release_memory()

    settings.engines = "NEURAL"
    sentence = "not installed: install them in Edit > Preferences"
    for ask in (
        blender.ops.wildseg3d.segment,
        blender.ops.wildseg3d.find_objects,
        lambda: blender.ops.wildseg3d.reconstruct(directory=str(scene.folder)),
    ):
        with pytest.raises(RuntimeError, match=sentence):
            ask()
    previewing.refresh(blender.context.scene)
    assert "not installed" in previewing.problem()

    settings.engines = "DEFAULT"
    previewing.refresh(blender.context.scene)
    assert not previewing.problem()
    assert blender.ops.wildseg3d.segment() == {"FINISHED"} and runtime.worker_pid() == pid


def test_objects_in_advance_say_what_is_missing(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.session import finding, runtime

    blender.context.scene.wildseg3d.engines = "NEURAL"
    finding.want(scene.folder)
    finding.start(scene.folder)
    assert "not installed" in finding.failure(scene.folder)
    assert runtime.idle() and finding.due() is None


def test_auto_takes_each_network_that_can_run_on_a_graphics_card(blender: Any, folder: Path) -> None:
    from wildseg3d_blender.addon.session import choosing

    now = blender.context.scene
    _install(folder, device="NVIDIA RTX 3090", dust3r=False, models=("sam2.1-tiny",))
    assert (choosing.engine(now), choosing.segmenter(now)) == ("stereo", "sam2")
    now.wildseg3d.device = "CPU"
    assert choosing.segmenter(now) == "graphcut"
    now.wildseg3d.engines = "NEURAL"
    assert choosing.segmenter(now) == "sam2"

    now.wildseg3d.device = now.wildseg3d.engines = "AUTO"
    _install(folder, device="CPU", dust3r=True, models=("dust3r-512-dpt",))
    assert (choosing.engine(now), choosing.segmenter(now)) == ("stereo", "graphcut")
    licences.accept(find_model("dust3r-512-dpt"))
    _install(folder, device="NVIDIA RTX 3090", dust3r=True, models=())
    assert (choosing.engine(now), choosing.segmenter(now)) == ("dust3r", "sam2")


def test_neural_names_what_is_missing(blender: Any, folder: Path) -> None:
    from wildseg3d_blender.addon.session import choosing

    now = blender.context.scene
    now.wildseg3d.engines = "NEURAL"
    _install(folder, device="CPU", dust3r=False, models=())
    with pytest.raises(NeuralError, match=r"No model of SAM 2 is there: download one in Edit > Preferences"):
        choosing.segmenter(now)
    _install(folder, device="CPU", dust3r=False, models=("dust3r-512-dpt",))
    with pytest.raises(NeuralError, match="licence of DUSt3R is not accepted") as refused:
        choosing.engine(now)
    assert refused.value.fix == "wildseg3d.neural_accept"
    licences.accept(find_model("dust3r-512-dpt"))
    with pytest.raises(NeuralError, match="is without DUSt3R: add it in Edit > Preferences"):
        choosing.engine(now)


def test_networks_get_a_worker_of_their_own_whose_memory_can_be_released(
    blender: Any, scene: Scene, folder: Path
) -> None:
    """The weights here are none, so the real worker refuses them: proof that it was asked for SAM 2."""
    from wildseg3d_blender.addon.session import choosing, runtime

    settings = blender.context.scene.wildseg3d
    assert blender.ops.wildseg3d.segment() == {"FINISHED"}
    plain = runtime.worker_pid()

    _install(folder, device="CPU", dust3r=False, models=("sam2.1-tiny",))
    settings.engines = "NEURAL"
    with pytest.raises(RuntimeError, match=REFUSED):
        blender.ops.wildseg3d.segment()
    neural = runtime.worker_pid()
    assert neural not in (None, plain) and runtime.runs_networks()
    with pytest.raises(RuntimeError, match=REFUSED):
        blender.ops.wildseg3d.preview()
    assert runtime.worker_pid() == neural

    settings.device = "CPU"
    with pytest.raises(RuntimeError, match=REFUSED):
        blender.ops.wildseg3d.find_objects()
    other = runtime.worker_pid()
    assert other not in (None, neural)
    setup = choosing.setup_for({"segmenter": "sam2"}, ())
    assert setup is not None and setup.variables == {"WILDSEG3D_DEVICE": "cpu"}

    assert blender.ops.wildseg3d.release_memory() == {"FINISHED"}
    assert runtime.worker_pid() is None and not runtime.runs_networks()
    settings.engines = "DEFAULT"
    assert blender.ops.wildseg3d.segment() == {"FINISHED"} and not runtime.runs_networks()


def test_a_cancelled_job_gives_the_cards_memory_back(blender: Any, folder: Path, tmp_path: Path) -> None:
    """SAM 2 alone is there: stereo then runs in its worker, so that one worker serves both."""
    from wildseg3d_blender.addon.session import choosing, runtime

    _install(folder, device="NVIDIA RTX 3090", dust3r=False, models=("sam2.1-tiny",))
    settings = blender.context.scene.wildseg3d
    assert (choosing.engine(blender.context.scene), settings.device) == ("stereo", "AUTO")
    setup = choosing.setup_for({"engine": "stereo"}, ())
    assert setup == choosing.setup_for({"segmenter": "sam2"}, ()) and setup is not None and setup.card

    photos = [str(path) for path in write_small_photos(tmp_path)]
    asked = Reconstruct(tuple(photos), str(tmp_path / "made"), image_size=IMAGE_SIZE).to_json()
    job = runtime.start("Reconstruct", "reconstruct", asked)
    assert runtime.runs_networks()
    pid = runtime.worker_pid()
    assert pid is not None
    wait_until(lambda: not job.wait(0.05) and job.text != "Starting")
    job.cancel()
    assert job.wait(PATIENCE)
    with pytest.raises(Cancelled):
        job.result()
    assert runtime.worker_pid() is None and not runtime.runs_networks()
    assert ended(pid)

    # On the CPU it keeps what took long to prepare.
    settings.device, settings.engines = "CPU", "NEURAL"
    setup = choosing.setup_for({"segmenter": "sam2"}, ())
    assert setup is not None and not setup.card


def test_networks_nobody_needs_are_let_go(blender: Any, scene: Scene, folder: Path) -> None:
    from wildseg3d_blender.addon import preferences
    from wildseg3d_blender.addon.session import idle_release, runtime

    assert preferences.release_after(blender.context) == 5
    assert blender.ops.wildseg3d.segment() == {"FINISHED"}
    assert not runtime.release_unused(-1.0) and runtime.worker_pid() is not None  # no networks there

    _install(folder, device="CPU", dust3r=False, models=("sam2.1-tiny",))
    blender.context.scene.wildseg3d.engines = "NEURAL"
    with pytest.raises(RuntimeError, match=REFUSED):
        blender.ops.wildseg3d.segment()
    idle_release.look(blender.context)
    assert not runtime.release_unused(60.0) and runtime.runs_networks()
    assert runtime.release_unused(0.0) and runtime.worker_pid() is None
    blender.context.scene.wildseg3d.engines = "DEFAULT"
    assert blender.ops.wildseg3d.segment() == {"FINISHED"}


def _as_if_later(path: Path) -> None:
    """Some clocks of file systems are so coarse that two changes in a row happen at one time."""
    changed = path.stat().st_mtime_ns + next(SECONDS) * 10**9
    os.utime(path, ns=(changed, changed))


def test_time_and_memory_are_said_before_the_run(
    blender: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wildseg3d_blender.addon import photo_list
    from wildseg3d_blender.addon.session import choosing

    now, settings = blender.context.scene, blender.context.scene.wildseg3d
    photos = tmp_path / "photos"
    photos.mkdir()
    assert choosing.estimate_text(now) == ""
    (photos / "notes.txt").write_text("")
    for number in range(9):
        (photos / f"{number}.jpg").write_bytes(b"")
    photo_list.choose(now, sorted(photos.glob("*.jpg"))[:1])
    assert choosing.estimate_text(now) == ""
    photo_list.choose_folder(now, photos)
    assert choosing.estimate_text(now).startswith("9 photos: about ")
    assert choosing.estimate_text(now).endswith(" s, 0.6 GB of memory")
    (photos / "9.jpg").write_bytes(b"")
    _as_if_later(photos)
    assert choosing.estimate_text(now).startswith("10 photos: about ")
    (photos / "9.jpg").unlink()
    _as_if_later(photos)

    settings.engines = "NEURAL"
    assert choosing.estimate_text(now) == ""
    card = {"encode": 0.05, "pair": 1.0, "memory": 24e9}
    licences.accept(find_model("dust3r-512-dpt"))
    has = {"device": "NVIDIA RTX 3090", "dust3r": True, "models": ("dust3r-512-dpt",)}
    _install(folder, **has)
    assert choosing.estimate_text(now) == ""  # never measured
    _install(folder, **has, speeds={"cuda": card, "cpu": {"encode": 5.0, "pair": 20.0}})
    assert choosing.estimate_text(now) == "9 photos: about 45 s, 4 GB of memory on NVIDIA RTX 3090"
    settings.quality = "FINE"
    assert choosing.estimate_text(now).startswith("9 photos: about 1 min, 4 GB of memory on")
    settings.device = "CPU"
    assert choosing.estimate_text(now).startswith("9 photos: about 25 min, 5 GB of memory on the CPU")

    settings.device = "CUDA"
    _install(folder, **has, speeds={"cuda": {**card, "memory": 2e9}})
    assert "which has only 2 GB: set Device to CPU" in choosing.estimate_text(now)
    # More than this computer has, whatever it has: with its smallest preset too, or not.
    room = estimate.installed_memory()
    monkeypatch.setattr(estimate, "PAIR", (room or GB) / 30)
    _install(folder, **has, speeds={"cuda": card})
    says = choosing.estimate_text(now)
    assert room is None or says.endswith(f"{estimate.amount(room)}: choose the quality Fast.")
    monkeypatch.setattr(estimate, "PAIR", room or GB)
    assert room is None or choosing.estimate_text(now).endswith(": choose fewer photos.")


def test_photos_that_stereo_left_out_are_offered_to_dust3r(blender: Any, scene: Scene, folder: Path) -> None:
    from wildseg3d_blender.addon.scene import lookup
    from wildseg3d_blender.addon.session import choosing

    root = lookup.require_root(blender.context.scene)
    licences.accept(find_model("dust3r-512-dpt"))
    _install(folder, device="CPU", dust3r=True, models=("dust3r-512-dpt",))
    record = json.loads((scene.folder / "scene.json").read_text(encoding="utf-8"))
    file = scene.folder / "scene.json"
    file.write_text(json.dumps({**record, "engine": "stereo"}), encoding="utf-8")
    assert not choosing.offers_dust3r(root)  # all were placed
    left_out = root.wildseg3d.photos.add()
    left_out.name, left_out.placed = "IMG_1.jpg", False
    assert choosing.offers_dust3r(root)
    assert choosing.adding_text(blender.context.scene, root) == ""  # never measured
    _install(
        folder,
        device="CPU",
        dust3r=True,
        models=("dust3r-512-dpt",),
        speeds={"cpu": {"encode": 5.0, "pair": 20.0}},
    )
    said = choosing.adding_text(blender.context.scene, root)
    assert said.startswith("1 more photo: about ") and said.endswith(" on the CPU")
    file.write_text(json.dumps({**record, "engine": "dust3r"}), encoding="utf-8")
    _as_if_later(file)
    assert not choosing.offers_dust3r(root)
    file.write_text(json.dumps({**record, "engine": "stereo"}), encoding="utf-8")
    _as_if_later(file)
    _install(folder, device="CPU", dust3r=False, models=("dust3r-512-dpt",))
    assert not choosing.offers_dust3r(root)
    file.unlink()
    assert not choosing.offers_dust3r(root)


def test_the_choice_survives_saving_and_opening(blender: Any, folder: Path, tmp_path: Path) -> None:
    settings = blender.context.scene.wildseg3d
    settings.engines, settings.quality, settings.device = "DEFAULT", "FINE", "CUDA"
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work.blend"))
    blender.ops.wm.read_factory_settings(use_empty=True)
    assert blender.context.scene.wildseg3d.engines == "AUTO"
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "work.blend"))
    settings = blender.context.scene.wildseg3d
    assert (settings.engines, settings.quality, settings.device) == ("DEFAULT", "FINE", "CUDA")


def test_what_finding_objects_takes_is_said_where_sam_2_does_it(
    blender: Any, scene: Scene, folder: Path
) -> None:
    from wildseg3d_blender.addon.session import choosing

    now = blender.context.scene
    assert choosing.finding_text(now, 10) == ""  # by graph cuts
    now.wildseg3d.engines = "NEURAL"
    assert choosing.finding_text(now, 10) == ""  # SAM 2 is not there
    cpu = {"photo": 5.0, "point": 0.15}
    two = ("sam2.1-tiny", "sam2.1-large")
    _install(folder, device="CPU", dust3r=False, models=two)
    assert choosing.finding_text(now, 10) == ""  # never measured
    _install(folder, device="CPU", dust3r=False, models=two, speeds={"cpu": cpu})
    assert choosing.finding_text(now, 10) == "about 10 min, 1.7 GB of memory"
    assert choosing.finding_text(now) == "about 5 min, 1.7 GB of memory"  # of the five photos there are
    assert choosing.estimate_text(now) == ""  # of DUSt3R nothing is known
    card = {"photo": 0.05, "point": 0.001, "follow": 0.01}
    _install(folder, device="NVIDIA RTX 3090", dust3r=False, models=two, speeds={"cpu": cpu, "cuda": card})
    assert choosing.finding_text(now, 10) == "about 15 s, 1.9 GB of memory"
